/* SPDX-License-Identifier: MIT */
/*
 * ws_handshake - the key that proves a WebSocket server, and what is agreed
 * about compression.
 * Threads: any.
 */
#include "proto/ws.h"

#include <openssl/evp.h>

#define GUID        "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_LEN     24 /* 16 bytes in base64 */
#define KEY_PADDING 2
#define SHA1_LEN    20

static bool base64_has(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c >= '0' && c <= '9') || c == '+' || c == '/';
}

bool ws_key_valid(struct bytes key)
{
    if (key.len != KEY_LEN || !bytes_ends(key, BYTES("==")))
        return false;
    for (size_t i = 0; i < KEY_LEN - KEY_PADDING; i++)
        if (!base64_has(key.at[i]))
            return false;
    return true;
}

void ws_accept_key(struct bytes key, char ret[28 + 1])
{
    unsigned char digest[SHA1_LEN];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    /* Without memory the answer is one that no client accepts. */
    memset(digest, 0, sizeof(digest));
    if (ctx && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) &&
        EVP_DigestUpdate(ctx, key.at, key.len) &&
        EVP_DigestUpdate(ctx, GUID, sizeof(GUID) - 1))
        (void)EVP_DigestFinal_ex(ctx, digest, NULL);
    EVP_MD_CTX_free(ctx);
    EVP_EncodeBlock((unsigned char *)ret, digest, SHA1_LEN);
}

struct offer {
    bool server_no_context, client_no_context;
    bool server_bits, client_bits;
};

/* 8..15, as it may be written; quotes are allowed around it. */
static unsigned window_bits(struct bytes value)
{
    uint64_t bits;

    if (value.len >= 2 && value.at[0] == '"' && bytes_ends(value, BYTES("\"")))
        value = (struct bytes){value.at + 1, value.len - 2};
    if (value.len == 0 || value.at[0] == '0' || bytes_to_u64(value, &bits) ||
        bits < 8 || bits > 15)
        return 0;
    return (unsigned)bits;
}

/* false: an offer with this parameter cannot be taken. */
static bool read_parameter(struct offer *o, struct bytes parameter)
{
    struct bytes name, value;
    bool valued = bytes_cut(parameter, '=', &name, &value);
    bool *seen = NULL;

    name = bytes_trim(name);
    value = bytes_trim(value);
    if (bytes_equal_nocase(name, BYTES("server_no_context_takeover")))
        seen = &o->server_no_context;
    else if (bytes_equal_nocase(name, BYTES("client_no_context_takeover")))
        seen = &o->client_no_context;
    if (seen) {
        bool fresh = !*seen;

        *seen = true;
        return fresh && !valued;
    }
    if (bytes_equal_nocase(name, BYTES("client_max_window_bits"))) {
        bool fresh = !o->client_bits;

        o->client_bits = true;
        return fresh && (!valued || window_bits(value));
    }
    if (bytes_equal_nocase(name, BYTES("server_max_window_bits"))) {
        bool fresh = !o->server_bits;

        o->server_bits = true;
        return fresh && window_bits(value) == 15; /* ours is always 15 */
    }
    return false;
}

static bool read_offer(struct offer *o, struct bytes offered)
{
    struct bytes name, rest;

    *o = (struct offer){false};
    bytes_cut(offered, ';', &name, &rest);
    if (!bytes_equal_nocase(bytes_trim(name), BYTES("permessage-deflate")))
        return false;
    while (rest.len > 0) {
        struct bytes parameter, after;

        bytes_cut(rest, ';', &parameter, &after);
        if (!read_parameter(o, parameter))
            return false;
        rest = after;
    }
    return true;
}

#define AGREED                                                                 \
    "permessage-deflate; server_no_context_takeover; "                         \
    "client_no_context_takeover"

struct bytes ws_negotiate(struct bytes offered)
{
    while (offered.len > 0) {
        struct bytes one, rest;
        struct offer offer;

        bytes_cut(offered, ',', &one, &rest);
        if (read_offer(&offer, one))
            return offer.server_bits
                       ? BYTES(AGREED "; server_max_window_bits=15")
                       : BYTES(AGREED);
        offered = rest;
    }
    return (struct bytes){NULL, 0};
}
