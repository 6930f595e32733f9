/* SPDX-License-Identifier: MIT */
/*
 * keyset - secrets, PEM and JWKS files into keys.
 *
 * In a JWKS a key that cannot be used (another use, no algorithm, one that
 * does not fit its type, too weak) is left out and logged: the others go on.
 * Threads: immutable.
 */
#include "edge/keyset.h"

#include "base/base64url.h"
#include "base/blob.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "edge/file.h"
#include "json/json.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#define KEYSET_ARENA_MAX ((size_t)1024 * 1024)
#define P256_POINT_LEN   65

int auth_alg_parse(struct bytes name, enum auth_alg *ret)
{
    static const struct {
        struct bytes name;
        enum auth_alg alg;
    } rows[] = {{BYTES("HS256"), AUTH_HS256},
                {BYTES("RS256"), AUTH_RS256},
                {BYTES("ES256"), AUTH_ES256},
                {BYTES("EdDSA"), AUTH_EDDSA}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (bytes_equal(name, rows[i].name)) {
            *ret = rows[i].alg;
            return 0;
        }
    }
    return ERR_UNSUPPORTED;
}

/* Is the key of the kind its algorithm needs, and strong enough? */
static bool key_fits(enum auth_alg alg, const EVP_PKEY *pkey)
{
    char group[32];

    switch (alg) {
    case AUTH_RS256:
        return EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA &&
               EVP_PKEY_get_bits(pkey) >= KEYSET_RSA_MIN;
    case AUTH_ES256:
        return EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC &&
               EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) &&
               strcmp(group, "prime256v1") == 0;
    case AUTH_EDDSA:
        return EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519;
    case AUTH_HS256:
        break;
    }
    return false;
}

static EVP_PKEY *pkey_from_params(const char *type, OSSL_PARAM_BLD *bld)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static EVP_PKEY *pkey_rsa(struct bytes n, struct bytes e)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    BIGNUM *bn = BN_bin2bn((const unsigned char *)n.at, (int)n.len, NULL);
    BIGNUM *be = BN_bin2bn((const unsigned char *)e.at, (int)e.len, NULL);
    EVP_PKEY *pkey = NULL;

    if (bld && bn && be &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be))
        pkey = pkey_from_params("RSA", bld);
    BN_free(be);
    BN_free(bn);
    OSSL_PARAM_BLD_free(bld);
    return pkey;
}

static EVP_PKEY *pkey_p256(struct bytes x, struct bytes y)
{
    unsigned char point[P256_POINT_LEN] = {4}; /* uncompressed */
    EVP_PKEY *pkey = NULL;

    if (x.len != 32 || y.len != 32)
        return NULL;
    memcpy(point + 1, x.at, 32);
    memcpy(point + 33, y.at, 32);

    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

    if (bld &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
                                        "prime256v1", 0) &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         sizeof(point)))
        pkey = pkey_from_params("EC", bld);
    OSSL_PARAM_BLD_free(bld);
    return pkey;
}

static int jwk_part(struct keyset *ks, const json_t *jwk, const char *name,
                    struct bytes *ret)
{
    struct bytes text = json_member_string(jwk, name);

    return text.len ? base64url_decode(&ks->arena, text, ret) : ERR_INVALID;
}

static EVP_PKEY *jwk_pkey(struct keyset *ks, const json_t *jwk,
                          enum auth_alg alg)
{
    struct bytes kty = json_member_string(jwk, "kty");
    struct bytes crv = json_member_string(jwk, "crv");
    struct bytes a, b;

    if (alg == AUTH_RS256 && bytes_equal(kty, BYTES("RSA")) &&
        jwk_part(ks, jwk, "n", &a) == 0 && jwk_part(ks, jwk, "e", &b) == 0)
        return pkey_rsa(a, b);
    if (alg == AUTH_ES256 && bytes_equal(kty, BYTES("EC")) &&
        bytes_equal(crv, BYTES("P-256")) && jwk_part(ks, jwk, "x", &a) == 0 &&
        jwk_part(ks, jwk, "y", &b) == 0)
        return pkey_p256(a, b);
    if (alg == AUTH_EDDSA && bytes_equal(kty, BYTES("OKP")) &&
        bytes_equal(crv, BYTES("Ed25519")) && jwk_part(ks, jwk, "x", &a) == 0)
        return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                           (const unsigned char *)a.at, a.len);
    return NULL;
}

/* NULL, or why the key is left out. */
static const char *jwk_add(struct keyset *ks, const json_t *jwk)
{
    struct key k = {.kid = json_member_string(jwk, "kid")};
    struct bytes use = json_member_string(jwk, "use");

    if (ks->count == KEYSET_KEYS_MAX)
        return "too many keys";
    if (use.len && !bytes_equal(use, BYTES("sig")))
        return "not for signatures";
    if (auth_alg_parse(json_member_string(jwk, "alg"), &k.alg) < 0)
        return "no alg, or one that is not supported";
    k.named = json_object_get(jwk, "kid") != NULL;
    k.kid = arena_copy(&ks->arena, k.kid);
    if (k.alg == AUTH_HS256) {
        if (!bytes_equal(json_member_string(jwk, "kty"), BYTES("oct")) ||
            jwk_part(ks, jwk, "k", &k.secret) < 0 ||
            k.secret.len < KEYSET_SECRET_MIN)
            return "not a secret of 32 bytes or more";
    } else {
        k.pkey = jwk_pkey(ks, jwk, k.alg);
        if (!k.pkey || !key_fits(k.alg, k.pkey)) {
            EVP_PKEY_free(k.pkey);
            return "the key does not fit its alg";
        }
    }
    ks->keys[ks->count++] = k;
    return NULL;
}

static int jwks_add(struct keyset *ks, struct bytes path, struct bytes *mistake)
{
    struct blob *text = NULL;
    json_t *root = NULL;
    const json_t *jwk;
    size_t i;
    int error = file_read_path(path, KEYSET_FILE_MAX, &text);

    if (error < 0) {
        *mistake = BYTES("the JWKS file cannot be read");
        return error;
    }
    error = json_read(blob_bytes(text), &root, NULL);

    const json_t *keys = error == 0 ? json_object_get(root, "keys") : NULL;

    if (!json_is_array(keys)) {
        *mistake = BYTES("the JWKS file is not a JSON object with keys");
        error = ERR_INVALID;
    } else {
        json_array_foreach(keys, i, jwk)
        {
            const char *why = jwk_add(ks, jwk);

            if (why)
                log_warn("edge.auth.key_left_out", "index=%zu why=\"%s\"", i,
                         why);
        }
    }
    json_decref(root);
    blob_unref(&text);
    return error;
}

static int pem_add(struct keyset *ks, const struct auth_spec *spec,
                   struct bytes *mistake)
{
    struct blob *text = NULL;
    int error = file_read_path(spec->public_key_file, KEYSET_FILE_MAX, &text);

    if (error < 0) {
        *mistake = BYTES("the public key file cannot be read");
        return error;
    }

    BIO *bio = BIO_new_mem_buf(text->at, (int)text->len);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    blob_unref(&text);
    if (!pkey || !key_fits(spec->alg, pkey)) {
        EVP_PKEY_free(pkey);
        *mistake = BYTES("the public key file holds no PEM public key that "
                         "fits auth.jwt.alg");
        return ERR_INVALID;
    }
    ks->keys[ks->count++] = (struct key){.alg = spec->alg, .pkey = pkey};
    return 0;
}

static int secret_add(struct keyset *ks, const struct auth_spec *spec,
                      struct bytes *mistake)
{
    struct key k = {.alg = AUTH_HS256};

    if (spec->alg != AUTH_HS256 || spec->secret.len < KEYSET_SECRET_MIN) {
        *mistake = BYTES("a secret goes with HS256 and has 32 bytes or more");
        return ERR_INVALID;
    }
    k.secret = arena_copy(&ks->arena, spec->secret);
    if (!k.secret.at)
        return ERR_NOMEM;
    ks->keys[ks->count++] = k;
    return 0;
}

int keyset_new(struct keyset **ret, const struct auth_spec *spec,
               struct bytes *mistake)
{
    struct keyset *ks = mem_zalloc(1, sizeof(*ks));
    int error = 0;

    if (!ks)
        return ERR_NOMEM;
    atomic_init(&ks->refs, 1);
    arena_init(&ks->arena, KEYSET_ARENA_MAX);
    if (spec->secret.len)
        error = secret_add(ks, spec, mistake);
    if (error == 0 && spec->public_key_file.len)
        error = pem_add(ks, spec, mistake);
    if (error == 0 && spec->jwks_file.len)
        error = jwks_add(ks, spec->jwks_file, mistake);
    if (error == 0 && ks->count == 0) {
        *mistake = BYTES("no key: a secret, a public key file or a JWKS file "
                         "with a usable key is needed");
        error = ERR_INVALID;
    }
    if (error < 0)
        keyset_unref(&ks);
    else
        *ret = ks;
    return error;
}

struct keyset *keyset_ref(struct keyset *ks)
{
    atomic_fetch_add_explicit(&ks->refs, 1, memory_order_relaxed);
    return ks;
}

void keyset_unref(struct keyset **keyset)
{
    struct keyset *ks = *keyset;

    *keyset = NULL;
    if (!ks ||
        atomic_fetch_sub_explicit(&ks->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (unsigned i = 0; i < ks->count; i++) {
        EVP_PKEY_free(ks->keys[i].pkey);
        if (ks->keys[i].secret.len)
            OPENSSL_cleanse((void *)ks->keys[i].secret.at,
                            ks->keys[i].secret.len);
    }
    arena_fini(&ks->arena);
    mem_free(ks);
}
