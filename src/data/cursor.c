/* SPDX-License-Identifier: MIT */
/*
 * cursor - values to bytes, bytes to AES-SIV, that to base64url.
 *
 * The sealed bytes are the 16 of the synthetic IV, then the ciphertext.
 * Threads: loop.
 */
#include "data/cursor.h"

#include "base/arena.h"
#include "base/base64url.h"
#include "base/mem.h"
#include "data/schema.h"

#include <endian.h>
#include <openssl/evp.h>

#define SIV_LEN     16
#define SEALED_MAX  (CURSOR_PLAIN_MAX + SIV_LEN)
#define TEXT_MAX    (SEALED_MAX * 4 / 3 + 1)
#define CONTEXT_MAX 8192

struct cursor_box {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *ctx;
    struct buf context;
    unsigned char key[CURSOR_KEY_LEN];
};

int cursor_box_new(struct cursor_box **ret, const unsigned char *key)
{
    struct cursor_box *b = mem_zalloc(1, sizeof(*b));

    if (!b)
        return ERR_NOMEM;
    memcpy(b->key, key, sizeof(b->key));
    buf_init(&b->context, CONTEXT_MAX);
    b->cipher = EVP_CIPHER_fetch(NULL, "AES-256-SIV", NULL);
    b->ctx = EVP_CIPHER_CTX_new();
    if (!b->cipher || !b->ctx) {
        cursor_box_free(&b);
        return ERR_NOMEM;
    }
    *ret = b;
    return 0;
}

void cursor_box_free(struct cursor_box **box)
{
    struct cursor_box *b = *box;

    if (!b)
        return;
    EVP_CIPHER_CTX_free(b->ctx);
    EVP_CIPHER_free(b->cipher);
    buf_fini(&b->context);
    OPENSSL_cleanse(b->key, sizeof(b->key));
    mem_free(b);
    *box = NULL;
}

/* What a cursor is bound to. Parts end in a NUL, which none of them holds. */
static int context_write(struct cursor_box *b, const struct query *q)
{
    const struct data_resource *r = q->resource;
    struct buf *c = &b->context;

    buf_clear(c);
    buf_append(c, r->spec->name);
    buf_append_char(c, '\0');
    if (r->tenant)
        buf_append(c, q->viewer.tenant);
    buf_append_char(c, '\0');
    if (r->user)
        buf_append(c, q->viewer.user);
    for (unsigned i = 0; i < q->order_count; i++) {
        buf_append_char(c, '\0');
        buf_append_char(c, q->orders[i].descending ? '-' : '+');
        buf_append(c, q->orders[i].column->name);
    }
    return buf_error(c);
}

static bool siv_start(struct cursor_box *b, int encrypt, const void *siv)
{
    unsigned char tag[SIV_LEN];
    int n;

    if (EVP_CIPHER_CTX_reset(b->ctx) != 1 ||
        EVP_CipherInit_ex2(b->ctx, b->cipher, b->key, NULL, encrypt, NULL) != 1)
        return false;
    if (siv) {
        memcpy(tag, siv, sizeof(tag));
        if (EVP_CIPHER_CTX_ctrl(b->ctx, EVP_CTRL_AEAD_SET_TAG, SIV_LEN, tag) !=
            1)
            return false;
    }
    return EVP_CipherUpdate(b->ctx, NULL, &n,
                            (const unsigned char *)b->context.at,
                            (int)b->context.len) == 1;
}

static bool siv_run(struct cursor_box *b, struct bytes in, unsigned char *out)
{
    int n, last;

    return EVP_CipherUpdate(b->ctx, out, &n, (const unsigned char *)in.at,
                            (int)in.len) == 1 &&
           (size_t)n == in.len && EVP_CipherFinal_ex(b->ctx, out + n, &last);
}

/* Values: a letter for the kind, then eight bytes, or a length and bytes. */

static void put_u64(struct buf *b, uint64_t x)
{
    x = htole64(x);
    buf_append(b, (struct bytes){(const char *)&x, sizeof(x)});
}

void cursor_put(struct buf *plain, struct value v)
{
    uint64_t bits = 0;

    buf_append_char(plain, (char)('a' + (int)v.kind));
    switch (v.kind) {
    case VALUE_NULL:
        return;
    case VALUE_BOOL:
        bits = v.boolean;
        break;
    case VALUE_INT:
        bits = (uint64_t)v.integer;
        break;
    case VALUE_DOUBLE:
        memcpy(&bits, &v.real, sizeof(bits));
        break;
    default:
        put_u64(plain, v.bytes.len);
        buf_append(plain, v.bytes);
        return;
    }
    put_u64(plain, bits);
}

static bool take_u64(struct bytes *b, uint64_t *ret)
{
    if (b->len < sizeof(*ret))
        return false;
    memcpy(ret, b->at, sizeof(*ret));
    *ret = le64toh(*ret);
    *b = bytes_skip(*b, sizeof(*ret));
    return true;
}

static bool value_take(struct bytes *b, struct value *ret)
{
    uint64_t bits = 0;

    if (b->len == 0)
        return false;
    ret->kind = (enum value_kind)(b->at[0] - 'a');
    *b = bytes_skip(*b, 1);
    if (ret->kind != VALUE_NULL && !take_u64(b, &bits))
        return false;
    switch (ret->kind) {
    case VALUE_NULL:
        return true;
    case VALUE_BOOL:
        ret->boolean = bits != 0;
        return true;
    case VALUE_INT:
        ret->integer = (int64_t)bits;
        return true;
    case VALUE_DOUBLE:
        memcpy(&ret->real, &bits, sizeof(bits));
        return true;
    case VALUE_NUMBER:
    case VALUE_TEXT:
        if (bits > b->len)
            return false;
        ret->bytes = (struct bytes){b->at, (size_t)bits};
        *b = bytes_skip(*b, (size_t)bits);
        return true;
    default:
        return false;
    }
}

int cursor_seal(struct cursor_box *b, const struct query *q, struct bytes plain,
                struct buf *out)
{
    unsigned char sealed[SEALED_MAX];
    int error;

    if (plain.len > CURSOR_PLAIN_MAX)
        return ERR_LIMIT;
    error = context_write(b, q);
    if (error)
        return error;
    if (!siv_start(b, 1, NULL) || !siv_run(b, plain, sealed + SIV_LEN) ||
        EVP_CIPHER_CTX_ctrl(b->ctx, EVP_CTRL_AEAD_GET_TAG, SIV_LEN, sealed) !=
            1)
        return ERR_INTERNAL;
    base64url_append(out,
                     (struct bytes){(const char *)sealed, plain.len + SIV_LEN});
    return buf_error(out);
}

int cursor_open(struct cursor_box *b, struct query *q)
{
    struct bytes sealed, rest;
    char *plain;

    if (q->cursor.len > TEXT_MAX ||
        base64url_decode(q->arena, q->cursor, &sealed) || sealed.len <= SIV_LEN)
        return ERR_INVALID;
    plain = arena_bytes(q->arena, sealed.len);
    if (!plain || context_write(b, q))
        return ERR_NOMEM;
    rest = (struct bytes){plain, sealed.len - SIV_LEN};
    if (!siv_start(b, 0, sealed.at) ||
        !siv_run(b, bytes_skip(sealed, SIV_LEN), (unsigned char *)plain))
        return ERR_INVALID;
    for (unsigned i = 0; i < q->order_count; i++) {
        if (!value_take(&rest, &q->after[i]))
            return ERR_INVALID;
    }
    return rest.len == 0 ? 0 : ERR_INVALID;
}
