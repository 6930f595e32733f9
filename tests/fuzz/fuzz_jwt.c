/* SPDX-License-Identifier: MIT */
/*
 * fuzz_jwt - no bytes that are not signed are ever believed.
 *
 * Options: bit 0 signs header.claims of the input, so that what stands behind
 * the signature is reached too.
 * Threads: loop.
 */
#include "fuzz.h"

#include "base/arena.h"
#include "base/base64url.h"
#include "base/buf.h"
#include "base/error.h"
#include "edge/identity.h"

#include <openssl/hmac.h>

#define SECRET "a secret of thirty-two bytes or more!"
#define NOW_US INT64_C(1800000000000000)

static const struct bytes roles[] = {BYTES("DISPATCH"), BYTES("DRIVE")};

static const struct auth_spec spec = {.alg = AUTH_HS256,
                                      .secret = BYTES(SECRET),
                                      .tenant_claim = BYTES("lab_id"),
                                      .user_claim = BYTES("sub"),
                                      .role_claim = BYTES("role"),
                                      .role_count = 2,
                                      .roles = roles,
                                      .leeway_s = 30};

/* "header.claims", both as text, to a token that is signed. */
static void sign(struct bytes in, struct buf *out)
{
    struct bytes header, claims;
    unsigned char mac[32];
    unsigned len = sizeof(mac);

    (void)bytes_cut(in, '.', &header, &claims);
    base64url_append(out, header);
    buf_append_char(out, '.');
    base64url_append(out, claims);
    if (buf_error(out))
        return;
    HMAC(EVP_sha256(), SECRET, sizeof(SECRET) - 1,
         (const unsigned char *)out->at, out->len, mac, &len);
    buf_append_char(out, '.');
    base64url_append(out, (struct bytes){(char *)mac, len});
}

static void check(const struct identity *id)
{
    FUZZ_CHECK(id->user.len > 0 && id->user.len <= 255);
    FUZZ_CHECK(id->tenant.len <= 255);
    FUZZ_CHECK(id->roles > 0 && id->roles < 4);
    FUZZ_CHECK(id->expires_us > NOW_US - 31 * INT64_C(1000000));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {(const char *)data, size}, mistake;
    unsigned options = fuzz_options(&in);
    struct auth_keys *keys = NULL;
    struct auth *auth = NULL;
    struct identity *id = NULL, *again = NULL;
    const char *why = NULL;
    struct buf token;

    buf_init(&token, 1 << 16);
    FUZZ_CHECK(auth_keys_new(&keys, &spec, &mistake) == 0);
    FUZZ_CHECK(auth_new(&auth, keys) == 0);
    if (options & 1)
        sign(in, &token);
    else
        buf_append(&token, in);

    int error = auth_identify(auth, buf_bytes(&token), NOW_US, &id, &why);

    FUZZ_CHECK(error == 0 || why);
    FUZZ_CHECK(error != 0 || (options & 1)); /* nobody knows the secret */
    if (error == 0) {
        check(id);
        FUZZ_CHECK(
            auth_identify(auth, buf_bytes(&token), NOW_US, &again, &why) == 0);
        FUZZ_CHECK(token.len > 2048 || again == id);
    }
    auth_free(&auth);
    auth_keys_free(&keys);
    buf_fini(&token);
    return 0;
}
