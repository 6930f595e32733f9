/* SPDX-License-Identifier: MIT */
/*
 * jwt - split, decode, choose the key, check the signature, then look inside.
 *
 * Nothing of the claims is parsed before the signature has been found good.
 * Threads: any.
 */
#include "edge/jwt.h"

#include "base/arena.h"
#include "base/base64url.h"
#include "base/error.h"
#include "edge/keyset.h"
#include "json/json.h"

#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>

#define JWT_ARENA_MAX  ((size_t)32 * 1024)
#define JWT_SECRET_LEN 32 /* of an HMAC-SHA-256 */
#define ES256_LEN      64 /* r and s */
#define ES256_DER_MAX  80

struct parts {
    struct bytes header, claims; /* encoded */
    struct bytes signed_text;    /* header.claims */
    struct bytes signature;      /* decoded */
    struct arena *arena;
};

static bool hs256_good(const struct key *k, const struct parts *p)
{
    unsigned char mac[JWT_SECRET_LEN];
    unsigned len = sizeof(mac);

    return p->signature.len == sizeof(mac) &&
           HMAC(EVP_sha256(), k->secret.at, (int)k->secret.len,
                (const unsigned char *)p->signed_text.at, p->signed_text.len,
                mac, &len) &&
           CRYPTO_memcmp(mac, p->signature.at, sizeof(mac)) == 0;
}

/* JWS carries r and s bare; OpenSSL wants them in DER. */
static size_t es256_der(struct bytes sig, unsigned char der[ES256_DER_MAX])
{
    const unsigned char *at = (const unsigned char *)sig.at;
    unsigned char *to = der;

    if (sig.len != ES256_LEN)
        return 0;

    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(at, ES256_LEN / 2, NULL);
    BIGNUM *s = BN_bin2bn(at + ES256_LEN / 2, ES256_LEN / 2, NULL);
    int len = 0;

    if (pair && r && s && ECDSA_SIG_set0(pair, r, s)) {
        r = s = NULL; /* the pair's now */
        len = i2d_ECDSA_SIG(pair, NULL);
        len = len > 0 && len <= ES256_DER_MAX ? i2d_ECDSA_SIG(pair, &to) : 0;
    }
    BN_free(s);
    BN_free(r);
    ECDSA_SIG_free(pair);
    return len > 0 ? (size_t)len : 0;
}

static bool public_key_good(const struct key *k, const struct parts *p)
{
    unsigned char der[ES256_DER_MAX];
    const unsigned char *sig = (const unsigned char *)p->signature.at;
    size_t len = p->signature.len;
    const EVP_MD *md = k->alg == AUTH_EDDSA ? NULL : EVP_sha256();

    if (k->alg == AUTH_ES256) {
        len = es256_der(p->signature, der);
        sig = der;
    }
    if (len == 0)
        return false;

    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx &&
                EVP_DigestVerifyInit(ctx, NULL, md, NULL, k->pkey) == 1 &&
                EVP_DigestVerify(ctx, sig, len,
                                 (const unsigned char *)p->signed_text.at,
                                 p->signed_text.len) == 1;

    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

static bool signature_good(const struct key *k, const struct parts *p)
{
    return k->alg == AUTH_HS256 ? hs256_good(k, p) : public_key_good(k, p);
}

static int check_keys(const struct keyset *ks, const struct parts *p,
                      enum auth_alg alg, const json_t *kid, const char **why)
{
    struct bytes name = {json_string_value(kid), json_string_length(kid)};
    bool any = false;

    for (unsigned i = 0; i < ks->count; i++) {
        const struct key *k = &ks->keys[i];

        if (k->alg != alg || (kid && k->named && !bytes_equal(k->kid, name)))
            continue;
        if (signature_good(k, p))
            return 0;
        any = true;
    }
    *why = any ? "the token's signature is wrong"
               : "no key has the token's kid and alg";
    return any ? ERR_UNAUTHENTICATED : ERR_NOT_FOUND;
}

static int check_header(const struct keyset *ks, const struct parts *p,
                        const char **why)
{
    static const char *const refused[] = {"crit", "jku", "x5u", "x5c", "jwk"};
    struct bytes text;
    json_t *header = NULL;
    enum auth_alg alg;
    int error = ERR_UNAUTHENTICATED;

    *why = "the token's header is malformed";
    if (base64url_decode(p->arena, p->header, &text) < 0 ||
        json_read(text, &header, NULL) < 0 || !json_is_object(header))
        goto out;

    const json_t *kid = json_object_get(header, "kid");

    if (kid && !json_is_string(kid))
        goto out;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (json_object_get(header, refused[i])) {
            *why = "the token's header brings or demands what is not accepted";
            goto out;
        }
    }
    *why = "the token's alg is missing or not supported";
    if (auth_alg_parse(json_member_string(header, "alg"), &alg) == 0)
        error = check_keys(ks, p, alg, kid, why);
out:
    json_decref(header);
    return error;
}

static int token_split(struct bytes token, struct parts *p)
{
    struct bytes rest, signature;

    if (token.len > JWT_BYTES_MAX ||
        !bytes_cut(token, '.', &p->header, &rest) ||
        !bytes_cut(rest, '.', &p->claims, &signature) || p->header.len == 0 ||
        p->claims.len == 0 || signature.len == 0)
        return ERR_UNAUTHENTICATED;
    p->signed_text =
        (struct bytes){token.at, p->header.len + 1 + p->claims.len};
    return base64url_decode(p->arena, signature, &p->signature);
}

int jwt_verify(const struct keyset *ks, struct bytes token, json_t **ret,
               const char **why)
{
    struct arena arena;
    struct parts p = {.arena = &arena};
    struct bytes text;
    json_t *claims = NULL;
    int error = ERR_UNAUTHENTICATED;

    arena_init(&arena, JWT_ARENA_MAX);
    *why = "the token is not a signed JWT";
    if (token_split(token, &p) < 0)
        goto out;
    error = check_header(ks, &p, why);
    if (error < 0)
        goto out;
    *why = "the token's claims are malformed";
    error = ERR_UNAUTHENTICATED;
    if (base64url_decode(&arena, p.claims, &text) < 0 ||
        json_read(text, &claims, NULL) < 0 || !json_is_object(claims)) {
        json_decref(claims);
        goto out;
    }
    *ret = claims;
    error = 0;
out:
    arena_fini(&arena);
    return error;
}
