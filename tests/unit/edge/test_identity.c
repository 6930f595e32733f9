/* SPDX-License-Identifier: MIT */
/*
 * Tokens: what is accepted, what never is (P27), and what is remembered.
 *
 * The keys are made here, so that each forged token can be signed as an
 * attacker would sign it.
 * Threads: loop.
 */
#include "../check.h"

#include "base/arena.h"
#include "base/base64url.h"
#include "base/buf.h"
#include "edge/identity.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET  "a secret of thirty-two bytes or more!"
#define NOW_S   INT64_C(1800000000)
#define NOW_US  (NOW_S * 1000000)
#define MINUTES (INT64_C(60) * 1000000)

static const struct bytes roles[] = {BYTES("DISPATCH"), BYTES("DRIVE")};

static struct auth_spec spec_hs256(void)
{
    return (struct auth_spec){.alg = AUTH_HS256,
                              .secret = BYTES(SECRET),
                              .tenant_claim = BYTES("lab_id"),
                              .user_claim = BYTES("sub"),
                              .role_claim = BYTES("role"),
                              .role_count = 2,
                              .roles = roles,
                              .leeway_s = 30};
}

struct rig {
    struct auth_spec spec;
    struct auth_keys *keys;
    struct auth *auth;
    EVP_PKEY *pkey;
    char path[64];
};

static void rig_open(struct rig *r)
{
    struct bytes mistake = BYTES("");

    if (auth_keys_new(&r->keys, &r->spec, &mistake) < 0)
        fail_msg(BYTES_FMT, BYTES_ARG(mistake));
    assert_int_equal(auth_new(&r->auth, r->keys), 0);
}

static void rig_close(struct rig *r)
{
    auth_free(&r->auth);
    auth_keys_free(&r->keys);
    EVP_PKEY_free(r->pkey);
    if (r->path[0])
        unlink(r->path);
}

static int identify_at(struct rig *r, const char *token, int64_t wall_us,
                       struct identity **ret)
{
    const char *why = NULL;
    struct identity *id = NULL;
    int error = auth_identify(r->auth, bytes_of(token), wall_us, &id, &why);

    if (error < 0) {
        assert_non_null(why);
        assert_null(strstr(token, why));
    } else if (ret) {
        *ret = id;
    }
    return error;
}

static int identify(struct rig *r, const char *token)
{
    return identify_at(r, token, NOW_US, NULL);
}

/* ---- signing ---------------------------------------------------------- */

static void sign_hmac(struct buf *b, struct bytes secret)
{
    unsigned char mac[32];
    unsigned len = sizeof(mac);

    HMAC(EVP_sha256(), secret.at, (int)secret.len, (const unsigned char *)b->at,
         b->len, mac, &len);
    buf_append_char(b, '.');
    base64url_append(b, (struct bytes){(char *)mac, len});
}

static void sign_pkey(struct buf *b, EVP_PKEY *pkey)
{
    unsigned char sig[512], raw[64];
    size_t len = sizeof(sig);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int type = EVP_PKEY_get_base_id(pkey);
    struct bytes out = {(char *)sig, 0};

    assert_int_equal(
        EVP_DigestSignInit(ctx, NULL,
                           type == EVP_PKEY_ED25519 ? NULL : EVP_sha256(), NULL,
                           pkey),
        1);
    assert_int_equal(
        EVP_DigestSign(ctx, sig, &len, (const unsigned char *)b->at, b->len),
        1);
    EVP_MD_CTX_free(ctx);
    out.len = len;
    if (type == EVP_PKEY_EC) {
        const unsigned char *at = sig;
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)len);

        BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32);
        ECDSA_SIG_free(pair);
        out = (struct bytes){(char *)raw, sizeof(raw)};
    }
    buf_append_char(b, '.');
    base64url_append(b, out);
}

/* A token of these two texts; by pkey if not NULL, else by the secret. */
static const char *token_of(const char *header, const char *claims,
                            const char *secret, EVP_PKEY *pkey)
{
    static char texts[4][4096];
    static unsigned next;
    char *text = texts[next++ % 4];
    struct buf b;

    buf_init(&b, 4000);
    base64url_append(&b, bytes_of(header));
    buf_append_char(&b, '.');
    base64url_append(&b, bytes_of(claims));
    if (pkey)
        sign_pkey(&b, pkey);
    else if (secret)
        sign_hmac(&b, bytes_of(secret));
    else
        buf_append_char(&b, '.');
    (void)snprintf(text, 4096, BYTES_FMT, BYTES_ARG(buf_bytes(&b)));
    buf_fini(&b);
    return text;
}

#define CLAIMS                                                                 \
    "{\"sub\":\"ann\",\"lab_id\":7,\"role\":\"DRIVE\",\"exp\":1800000600}"
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static void file_write(struct rig *r, struct bytes text)
{
    if (!r->path[0]) {
        (void)snprintf(r->path, sizeof(r->path), "/tmp/fieldline-test-XXXXXX");
        close(mkstemp(r->path));
    }

    int fd = open(r->path, O_WRONLY | O_TRUNC);

    assert_int_equal(write(fd, text.at, text.len), (ssize_t)text.len);
    close(fd);
}

static void pem_write(struct rig *r)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;

    assert_int_equal(PEM_write_bio_PUBKEY(bio, r->pkey), 1);

    long len = BIO_get_mem_data(bio, &text);

    file_write(r, (struct bytes){text, (size_t)len});
    BIO_free(bio);
}

/* ---- HS256 ------------------------------------------------------------ */

static void test_a_good_token_names_its_bearer(void **state)
{
    struct rig r = {.spec = spec_hs256()};
    struct identity *id;
    struct buf b;

    rig_open(&r);
    buf_init(&b, 2000);
    assert_int_equal(auth_token_write(&b, &r.spec, BYTES("ann"), BYTES("7"),
                                      BYTES("DISPATCH"), NOW_US, 600),
                     0);
    buf_append_char(&b, '\0');
    assert_int_equal(identify_at(&r, b.at, NOW_US, &id), 0);
    check_bytes(id->user, "ann");
    check_bytes(id->tenant, "7");
    assert_int_equal(id->roles, 1);
    assert_false(auth_remembered(r.auth));
    buf_fini(&b);
    /* A number as tenant, an array as roles, unknown ones left out. */
    const char *claims = "{\"sub\":\"ann\",\"lab_id\":7,\"exp\":1800000600.5,"
                         "\"role\":[\"DRIVE\",\"KING\",\"DISPATCH\",4]}";

    assert_int_equal(
        identify_at(&r, token_of(HS256, claims, SECRET, NULL), NOW_US, &id), 0);
    check_bytes(id->tenant, "7");
    assert_int_equal(id->roles, 3);
    rig_close(&r);
}

static void test_a_token_is_remembered_until_it_expires(void **state)
{
    struct rig r = {.spec = spec_hs256()};
    const char *token = token_of(HS256, CLAIMS, SECRET, NULL);
    struct identity *first, *second;

    rig_open(&r);
    assert_int_equal(identify_at(&r, token, NOW_US, &first), 0);
    assert_int_equal(identify_at(&r, token, NOW_US + MINUTES, &second), 0);
    assert_true(auth_remembered(r.auth));
    assert_ptr_equal(first, second);
    /* 30 s of leeway, to the microsecond. */
    assert_int_equal(
        identify_at(&r, token, NOW_US + 10 * MINUTES + MINUTES / 2 - 1, NULL),
        0);
    assert_int_equal(
        identify_at(&r, token, NOW_US + 10 * MINUTES + MINUTES / 2, NULL),
        ERR_EXPIRED);
    rig_close(&r);
}

static void test_memory_of_tokens_is_bounded(void **state)
{
    struct rig r = {.spec = spec_hs256()};
    unsigned remembered = 0;

    rig_open(&r);
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 6000; i++) {
            char claims[200];

            (void)snprintf(claims, sizeof(claims),
                           "{\"sub\":\"u%d\",\"role\":\"DRIVE\","
                           "\"exp\":1800000600}",
                           i);
            assert_int_equal(
                identify(&r, token_of(HS256, claims, SECRET, NULL)), 0);
            remembered += auth_remembered(r.auth);
        }
    }
    assert_true(remembered <= 4096);
    rig_close(&r);
}

/* P27 */
static void test_forged_hs256_tokens_are_refused(void **state)
{
    static const struct {
        const char *header, *secret;
    } rows[] = {
        {"{\"alg\":\"none\"}", NULL},
        {"{\"alg\":\"None\"}", SECRET},
        {"{\"alg\":\"nOnE\"}", ""},
        {"{\"typ\":\"JWT\"}", SECRET},
        {"{\"alg\":\"HS512\"}", SECRET},
        {"{\"alg\":\"hs256\"}", SECRET},
        {"{\"alg\":\"RS256\"}", SECRET},
        {"{\"alg\":[\"HS256\"]}", SECRET},
        {"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", SECRET},
        {"{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", SECRET},
        {"{\"alg\":\"HS256\",\"jku\":\"https://evil.example\"}", SECRET},
        {"{\"alg\":\"HS256\",\"x5u\":\"https://evil.example\"}", SECRET},
        {"{\"alg\":\"HS256\",\"x5c\":[]}", SECRET},
        {"{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}", SECRET},
        {"{\"alg\":\"HS256\",\"kid\":7}", SECRET},
        {"{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}", ""},
        {HS256, "another secret of thirty-two bytes or more"},
        {HS256, ""},
        {"[]", SECRET},
        {"", SECRET},
    };
    struct rig r = {.spec = spec_hs256()};

    rig_open(&r);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (identify(&r, token_of(rows[i].header, CLAIMS, rows[i].secret,
                                  NULL)) != ERR_UNAUTHENTICATED)
            fail_msg("accepted: %s", rows[i].header);
    rig_close(&r);
}

static void test_malformed_tokens_are_refused(void **state)
{
    static const char *const rows[] = {
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a",
        "eyJhbGciOiJIUzI1NiJ9..",
        "eyJhbGciOiJIUzI1NiJ9.e30.!",
        "eyJhbGciOiJIUzI1NiJ9.e30=.AA",
    };
    struct rig r = {.spec = spec_hs256()};
    char longest[6000];
    char good[4096];

    rig_open(&r);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(identify(&r, rows[i]), ERR_UNAUTHENTICATED);
    memset(longest, 'A', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(identify(&r, longest), ERR_UNAUTHENTICATED);
    /* Every single character counts. */
    (void)snprintf(good, sizeof(good), "%s",
                   token_of(HS256, CLAIMS, SECRET, NULL));
    assert_int_equal(identify(&r, good), 0);
    for (size_t i = 0; good[i]; i++) {
        char was = good[i];

        good[i] = was == 'A' ? 'B' : 'A';
        assert_int_equal(identify(&r, good), ERR_UNAUTHENTICATED);
        good[i] = was;
    }
    rig_close(&r);
}

static void test_claims_that_do_not_hold_are_refused(void **state)
{
    static const struct {
        const char *claims;
        int error;
    } rows[] = {
        {"{\"sub\":\"a\",\"role\":\"DRIVE\"}", ERR_UNAUTHENTICATED},
        {"{\"sub\":\"a\",\"role\":\"DRIVE\",\"exp\":\"1800000600\"}",
         ERR_UNAUTHENTICATED},
        {"{\"sub\":\"a\",\"role\":\"DRIVE\",\"exp\":1e300}",
         ERR_UNAUTHENTICATED},
        {"{\"sub\":\"a\",\"role\":\"DRIVE\",\"exp\":-1}", ERR_UNAUTHENTICATED},
        {"{\"sub\":\"a\",\"role\":\"DRIVE\",\"exp\":1799999970}", ERR_EXPIRED},
        {"{\"sub\":\"a\",\"role\":\"DRIVE\",\"exp\":1800000600,"
         "\"nbf\":1800000031}",
         ERR_UNAUTHENTICATED},
        {"{\"role\":\"DRIVE\",\"exp\":1800000600}", ERR_UNAUTHENTICATED},
        {"{\"sub\":\"\",\"role\":\"DRIVE\",\"exp\":1800000600}",
         ERR_UNAUTHENTICATED},
        {"{\"sub\":\"a\\u0000b\",\"role\":\"DRIVE\",\"exp\":1800000600}",
         ERR_UNAUTHENTICATED},
        {"{\"sub\":{},\"role\":\"DRIVE\",\"exp\":1800000600}",
         ERR_UNAUTHENTICATED},
        {"{\"sub\":\"a\",\"role\":\"KING\",\"exp\":1800000600}",
         ERR_UNAUTHENTICATED},
        {"{\"sub\":\"a\",\"exp\":1800000600}", ERR_UNAUTHENTICATED},
        {"{\"sub\":\"a\",\"lab_id\":[7],\"role\":\"DRIVE\",\"exp\":1800000600}",
         ERR_UNAUTHENTICATED},
    };
    struct rig r = {.spec = spec_hs256()};

    rig_open(&r);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (identify(&r, token_of(HS256, rows[i].claims, SECRET, NULL)) !=
            rows[i].error)
            fail_msg("accepted: %s", rows[i].claims);
    rig_close(&r);
}

static void test_issuer_and_audience_are_required(void **state)
{
    static const struct {
        const char *more;
        int error;
    } rows[] = {
        {"\"iss\":\"us\",\"aud\":\"app\"", 0},
        {"\"iss\":\"us\",\"aud\":[\"x\",\"app\"]", 0},
        {"\"iss\":\"us\",\"aud\":[[\"app\"]]", ERR_UNAUTHENTICATED},
        {"\"iss\":\"us\"", ERR_UNAUTHENTICATED},
        {"\"aud\":\"app\"", ERR_UNAUTHENTICATED},
        {"\"iss\":\"them\",\"aud\":\"app\"", ERR_UNAUTHENTICATED},
    };
    struct rig r = {.spec = spec_hs256()};

    r.spec.issuer = BYTES("us");
    r.spec.audience = BYTES("app");
    rig_open(&r);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char claims[300];

        (void)snprintf(claims, sizeof(claims),
                       "{\"sub\":\"a\",\"role\":\"DRIVE\",\"exp\":1800000600,"
                       "%s}",
                       rows[i].more);
        assert_int_equal(identify(&r, token_of(HS256, claims, SECRET, NULL)),
                         rows[i].error);
    }
    rig_close(&r);
}

/* ---- public keys ------------------------------------------------------ */

static void check_public_key(EVP_PKEY *pkey, enum auth_alg alg,
                             const char *header)
{
    struct rig r = {.spec = spec_hs256(), .pkey = pkey};

    assert_non_null(pkey);
    pem_write(&r);
    r.spec.alg = alg;
    r.spec.secret = (struct bytes){NULL, 0};
    r.spec.public_key_file = bytes_of(r.path);
    rig_open(&r);
    assert_int_equal(identify(&r, token_of(header, CLAIMS, NULL, pkey)), 0);

    /* P27: the public key's own text as an HMAC secret. */
    char pem[4096];
    int fd = open(r.path, O_RDONLY);
    ssize_t len = read(fd, pem, sizeof(pem) - 1);

    close(fd);
    pem[len] = '\0';
    assert_int_equal(identify(&r, token_of(HS256, CLAIMS, pem, NULL)),
                     ERR_UNAUTHENTICATED);
    assert_int_equal(
        identify(&r, token_of("{\"alg\":\"none\"}", CLAIMS, NULL, NULL)),
        ERR_UNAUTHENTICATED);
    rig_close(&r);
}

static void test_each_algorithm_is_pinned_to_its_key(void **state)
{
    check_public_key(EVP_RSA_gen(2048), AUTH_RS256, "{\"alg\":\"RS256\"}");
    check_public_key(EVP_EC_gen("P-256"), AUTH_ES256, "{\"alg\":\"ES256\"}");
    check_public_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), AUTH_EDDSA,
                     "{\"alg\":\"EdDSA\",\"kid\":\"ignored\"}");
}

static void test_weak_or_unfit_keys_are_refused(void **state)
{
    static const struct {
        enum auth_alg alg;
        const char *type;
        int bits;
    } rows[] = {{AUTH_RS256, "RSA", 1024},
                {AUTH_ES256, "P-384", 0},
                {AUTH_EDDSA, "P-256", 0},
                {AUTH_HS256, "P-256", 0}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rig r = {.spec = spec_hs256()};
        struct bytes mistake;

        r.pkey = rows[i].bits ? EVP_RSA_gen((unsigned)rows[i].bits)
                              : EVP_EC_gen(rows[i].type);
        pem_write(&r);
        r.spec.alg = rows[i].alg;
        r.spec.secret = (struct bytes){NULL, 0};
        r.spec.public_key_file = bytes_of(r.path);
        assert_int_equal(auth_keys_new(&r.keys, &r.spec, &mistake),
                         ERR_INVALID);
        rig_close(&r);
    }

    struct rig r = {.spec = spec_hs256()};
    struct bytes mistake;

    r.spec.secret = BYTES("short");
    assert_int_equal(auth_keys_new(&r.keys, &r.spec, &mistake), ERR_INVALID);
    r.spec.secret = (struct bytes){NULL, 0};
    assert_int_equal(auth_keys_new(&r.keys, &r.spec, &mistake), ERR_INVALID);
}

/* ---- JWKS ------------------------------------------------------------- */

static void jwk_append(struct buf *b, EVP_PKEY *pkey, const char *kid,
                       const char *more)
{
    unsigned char raw[32];
    size_t len = sizeof(raw);

    assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, raw, &len), 1);
    buf_printf(b,
               "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\"%s,\"x\":\"",
               kid, more);
    base64url_append(b, (struct bytes){(char *)raw, len});
    buf_append(b, BYTES("\"}"));
}

static void jwks_write(struct rig *r, EVP_PKEY *a, EVP_PKEY *b)
{
    struct buf text;

    buf_init(&text, 4000);
    buf_append(&text, BYTES("{\"keys\":["));
    jwk_append(&text, a, "a", ",\"alg\":\"EdDSA\",\"use\":\"sig\"");
    if (b) {
        buf_append_char(&text, ',');
        jwk_append(&text, b, "b", ",\"alg\":\"EdDSA\"");
        buf_append_char(&text, ',');
        jwk_append(&text, b, "no-alg", "");
        buf_append_char(&text, ',');
        jwk_append(&text, b, "enc", ",\"alg\":\"EdDSA\",\"use\":\"enc\"");
    }
    buf_append(&text, BYTES("]}"));
    file_write(r, buf_bytes(&text));
    buf_fini(&text);
}

#define KID(kid) "{\"alg\":\"EdDSA\",\"kid\":\"" kid "\"}"

/* P27 */
static void test_jwks_rotation_and_pinning(void **state)
{
    struct rig r = {.spec = spec_hs256()};
    EVP_PKEY *a = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    EVP_PKEY *b = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    char of_a[4096];

    jwks_write(&r, a, NULL);
    r.spec.alg = AUTH_EDDSA;
    r.spec.secret = (struct bytes){NULL, 0};
    r.spec.jwks_file = bytes_of(r.path);
    rig_open(&r);
    (void)snprintf(of_a, sizeof(of_a), "%s",
                   token_of(KID("a"), CLAIMS, NULL, a));
    assert_int_equal(identify(&r, of_a), 0);
    /* The named key and no other. */
    assert_int_equal(identify(&r, token_of(KID("a"), CLAIMS, NULL, b)),
                     ERR_UNAUTHENTICATED);
    /* An unknown kid brings the new file in, at once but not again at once. */
    jwks_write(&r, a, b);
    assert_int_equal(identify_at(&r, token_of(KID("b"), CLAIMS, NULL, b),
                                 NOW_US + MINUTES, NULL),
                     0);
    /* Keys without alg, or for another use, are not there. */
    assert_int_equal(identify(&r, token_of(KID("no-alg"), CLAIMS, NULL, b)),
                     ERR_UNAUTHENTICATED);
    assert_int_equal(identify(&r, token_of(KID("enc"), CLAIMS, NULL, b)),
                     ERR_UNAUTHENTICATED);
    /* A file that cannot be used changes nothing. */
    file_write(&r, BYTES("{"));
    assert_int_equal(identify_at(&r, of_a, NOW_US + 2 * MINUTES, NULL), 0);
    /* A key taken out is out, also for tokens that are remembered. */
    jwks_write(&r, b, NULL);
    assert_int_equal(identify_at(&r, of_a, NOW_US + 3 * MINUTES, NULL),
                     ERR_UNAUTHENTICATED);
    EVP_PKEY_free(a);
    EVP_PKEY_free(b);
    rig_close(&r);
}

RUN(cmocka_unit_test(test_a_good_token_names_its_bearer),
    cmocka_unit_test(test_a_token_is_remembered_until_it_expires),
    cmocka_unit_test(test_memory_of_tokens_is_bounded),
    cmocka_unit_test(test_forged_hs256_tokens_are_refused),
    cmocka_unit_test(test_malformed_tokens_are_refused),
    cmocka_unit_test(test_claims_that_do_not_hold_are_refused),
    cmocka_unit_test(test_issuer_and_audience_are_required),
    cmocka_unit_test(test_each_algorithm_is_pinned_to_its_key),
    cmocka_unit_test(test_weak_or_unfit_keys_are_refused),
    cmocka_unit_test(test_jwks_rotation_and_pinning))
