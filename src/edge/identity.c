/* SPDX-License-Identifier: MIT */
/*
 * identity - claims into who is asking, and one worker's memory of it.
 *
 * The memory is a table of sets of four: the token's keyed hash picks the set,
 * a comparison of the whole token accepts it. It holds AUTH_TOKENS_MAX tokens
 * at most; what it drops is wiped. A token is remembered for the keys it was
 * checked with: a renewal makes it be checked again.
 * Threads: loop; an identity's count is atomic.
 */
#include "edge/identity.h"

#include "base/base64url.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "edge/auth_keys.h"
#include "edge/jwt.h"
#include "edge/keyset.h"
#include "json/json.h"

#include <inttypes.h>
#include <openssl/hmac.h>

#define AUTH_TOKENS_MAX 4096
#define AUTH_WAYS       4
#define AUTH_SETS       (AUTH_TOKENS_MAX / AUTH_WAYS)
#define REMEMBERED_MAX  2048 /* bytes; longer tokens are checked each time */
#define NAME_MAX_LEN    255  /* of a tenant or user */
#define US_PER_S        INT64_C(1000000)
#define WALL_S_MAX      INT64_C(253402300799) /* the end of the year 9999 */
#define TOKEN_TEXT_MAX  ((size_t)8192)

struct memory {
    uint64_t hash;
    uint64_t generation;
    struct bytes token; /* owned; empty: the place is free */
    struct identity *identity;
};

struct auth {
    struct auth_keys *keys;
    unsigned hand; /* which way is given up next */
    bool remembered;
    struct identity *loose; /* of a token too long to remember */
    struct memory memory[AUTH_SETS][AUTH_WAYS];
};

struct identity *identity_ref(struct identity *id)
{
    atomic_fetch_add_explicit(&id->refs, 1, memory_order_relaxed);
    return id;
}

void identity_unref(struct identity **identity)
{
    struct identity *id = *identity;

    *identity = NULL;
    if (id &&
        atomic_fetch_sub_explicit(&id->refs, 1, memory_order_acq_rel) == 1)
        mem_free(id);
}

/* Who is named by a claim: a string, or an integer's decimal text. */
static bool claim_name(const json_t *claims, struct bytes name, char digits[24],
                       struct bytes *ret)
{
    const json_t *value = json_object_getn(claims, name.at, name.len);

    *ret = (struct bytes){NULL, 0};
    if (!value || json_is_null(value))
        return true;
    if (json_is_integer(value)) {
        struct buf b;

        buf_init(&b, 24);
        buf_append_i64(&b, json_integer_value(value));
        memcpy(digits, b.at, b.len);
        *ret = (struct bytes){digits, b.len};
        buf_fini(&b);
        return true;
    }
    *ret = (struct bytes){json_string_value(value), json_string_length(value)};
    if (!json_is_string(value) || ret->len > NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < ret->len; i++)
        if ((unsigned char)ret->at[i] < ' ' || ret->at[i] == 0x7f)
            return false;
    return true;
}

static uint32_t role_bit(const struct auth_spec *spec, const json_t *value)
{
    struct bytes name = {json_string_value(value), json_string_length(value)};

    for (unsigned i = 0; json_is_string(value) && i < spec->role_count; i++)
        if (bytes_equal(name, spec->roles[i]))
            return UINT32_C(1) << i;
    return 0;
}

static uint32_t claim_roles(const struct auth_spec *spec, const json_t *claims)
{
    const json_t *value =
        json_object_getn(claims, spec->role_claim.at, spec->role_claim.len);
    uint32_t roles = role_bit(spec, value);
    const json_t *one;
    size_t i;

    if (json_is_array(value))
        json_array_foreach(value, i, one) roles |= role_bit(spec, one);
    return roles;
}

/* 0: no such claim. -1: not a time. */
static int claim_time(const json_t *claims, const char *name, int64_t *ret_us)
{
    const json_t *value = json_object_get(claims, name);
    double s = json_number_value(value);

    if (!value)
        return 0;
    if (!json_is_number(value) || !(s >= 0 && s <= (double)WALL_S_MAX))
        return -1;
    *ret_us = (int64_t)(s * (double)US_PER_S);
    return 1;
}

static bool audience_has(const json_t *aud, struct bytes want)
{
    const json_t *one;
    size_t i;

    if (json_is_string(aud))
        return bytes_equal(
            (struct bytes){json_string_value(aud), json_string_length(aud)},
            want);
    if (json_is_array(aud))
        json_array_foreach(
            aud, i, one) if (audience_has(json_is_string(one) ? one : NULL,
                                          want)) return true;
    return false;
}

static int check_times(const struct auth_spec *spec, const json_t *claims,
                       int64_t wall_us, int64_t *expires_us, const char **why)
{
    int64_t leeway_us = (int64_t)spec->leeway_s * US_PER_S;
    int64_t not_before_us = 0;

    *why = "the token has no exp, or a time in it is malformed";
    if (claim_time(claims, "exp", expires_us) <= 0 ||
        claim_time(claims, "nbf", &not_before_us) < 0)
        return ERR_UNAUTHENTICATED;
    *why = "the token is not valid yet";
    if (not_before_us > wall_us + leeway_us)
        return ERR_UNAUTHENTICATED;
    *why = "the token has expired";
    return wall_us >= *expires_us + leeway_us ? ERR_EXPIRED : 0;
}

static int check_parties(const struct auth_spec *spec, const json_t *claims,
                         const char **why)
{
    *why = "the token is of another issuer";
    if (spec->issuer.len &&
        !bytes_equal(json_member_string(claims, "iss"), spec->issuer))
        return ERR_UNAUTHENTICATED;
    *why = "the token is for another audience";
    if (spec->audience.len &&
        !audience_has(json_object_get(claims, "aud"), spec->audience))
        return ERR_UNAUTHENTICATED;
    return 0;
}

static int identity_new(struct identity **ret, struct bytes tenant,
                        struct bytes user, uint32_t roles, int64_t expires_us)
{
    struct identity *id = mem_alloc(sizeof(*id) + tenant.len + user.len);

    if (!id)
        return ERR_NOMEM;

    char *at = (char *)(id + 1);

    if (tenant.len)
        memcpy(at, tenant.at, tenant.len);
    if (user.len)
        memcpy(at + tenant.len, user.at, user.len);
    *id = (struct identity){
        .tenant = {at, tenant.len},
        .user = {at + tenant.len, user.len},
        .roles = roles,
        .expires_us = expires_us,
        .scope_hash = hash_keyed_seed(tenant, roles),
        .user_hash = hash_keyed_seed(user, hash_keyed_seed(tenant, roles)),
    };
    atomic_init(&id->refs, 1);
    *ret = id;
    return 0;
}

static int identity_of_claims(struct identity **ret,
                              const struct auth_spec *spec,
                              const json_t *claims, int64_t wall_us,
                              const char **why)
{
    char tenant_digits[24], user_digits[24];
    struct bytes tenant, user;
    int64_t expires_us = 0;
    int error = check_times(spec, claims, wall_us, &expires_us, why);

    if (error == 0)
        error = check_parties(spec, claims, why);
    if (error < 0)
        return error;
    *why = "the token's tenant or user is malformed";
    if (!claim_name(claims, spec->tenant_claim, tenant_digits, &tenant) ||
        !claim_name(claims, spec->user_claim, user_digits, &user))
        return ERR_UNAUTHENTICATED;
    *why = "the token names no user";
    if (user.len == 0)
        return ERR_UNAUTHENTICATED;

    uint32_t roles = claim_roles(spec, claims);

    *why = "the token has no role that is known here";
    if (roles == 0)
        return ERR_UNAUTHENTICATED;
    *why = "out of memory";
    return identity_new(ret, tenant, user, roles, expires_us);
}

int auth_new(struct auth **ret, struct auth_keys *keys)
{
    struct auth *a = mem_zalloc(1, sizeof(*a));

    if (!a)
        return ERR_NOMEM;
    a->keys = keys;
    *ret = a;
    return 0;
}

static void forget(struct memory *m)
{
    if (m->token.len) {
        explicit_bzero((void *)m->token.at, m->token.len);
        mem_free((void *)m->token.at);
    }
    identity_unref(&m->identity);
    *m = (struct memory){0};
}

void auth_free(struct auth **auth)
{
    struct auth *a = *auth;

    *auth = NULL;
    if (!a)
        return;
    for (size_t i = 0; i < AUTH_SETS; i++)
        for (size_t way = 0; way < AUTH_WAYS; way++)
            forget(&a->memory[i][way]);
    identity_unref(&a->loose);
    mem_free(a);
}

bool auth_remembered(const struct auth *a)
{
    return a->remembered;
}

static struct memory *recall(struct memory *set, struct bytes token,
                             uint64_t hash)
{
    for (unsigned way = 0; way < AUTH_WAYS; way++)
        if (set[way].identity && set[way].hash == hash &&
            bytes_equal_secret(set[way].token, token))
            return &set[way];
    return NULL;
}

/* Takes the identity. Without memory for it the token is checked again. */
static void remember(struct auth *a, struct memory *set, struct bytes token,
                     uint64_t hash, uint64_t generation, struct identity *id)
{
    char *copy = token.len <= REMEMBERED_MAX ? mem_copy(token) : NULL;
    struct memory *m = NULL;

    if (!copy) {
        identity_unref(&a->loose);
        a->loose = id;
        return;
    }
    for (unsigned way = 0; way < AUTH_WAYS && !m; way++)
        if (set[way].token.len == 0)
            m = &set[way];
    if (!m)
        m = &set[a->hand++ % AUTH_WAYS];
    forget(m);
    *m = (struct memory){.hash = hash,
                         .generation = generation,
                         .token = {copy, token.len},
                         .identity = id};
}

static int check_token(struct auth *a, struct bytes token, int64_t wall_us,
                       struct identity **ret, const char **why)
{
    json_t *claims = NULL;
    int error = ERR_NOT_FOUND;

    /* An unknown key may be a new one: look once more after a renewal. */
    for (int turn = 0; turn < 2 && error == ERR_NOT_FOUND; turn++) {
        if (turn == 1 && !auth_keys_renew(a->keys, wall_us))
            break;

        struct keyset *ks = auth_keys_get(a->keys);

        error = jwt_verify(ks, token, &claims, why);
        keyset_unref(&ks);
    }
    if (error == 0)
        error = identity_of_claims(ret, auth_keys_spec(a->keys), claims,
                                   wall_us, why);
    json_decref(claims);
    return error == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : error;
}

static bool has_expired(const struct auth *a, const struct identity *id,
                        int64_t wall_us)
{
    int64_t leeway_s = (int64_t)auth_keys_spec(a->keys)->leeway_s;

    return wall_us >= id->expires_us + leeway_s * US_PER_S;
}

int auth_identify(struct auth *a, struct bytes token, int64_t wall_us,
                  struct identity **ret, const char **why)
{
    uint64_t generation = auth_keys_generation(a->keys, wall_us);
    uint64_t hash = hash_keyed(token);
    struct memory *set = a->memory[hash % AUTH_SETS];
    struct memory *m = recall(set, token, hash);

    if (LIKELY(m && m->generation == generation &&
               !has_expired(a, m->identity, wall_us))) {
        a->remembered = true;
        *ret = m->identity;
        return 0;
    }
    a->remembered = false;
    if (m)
        forget(m);

    struct identity *id = NULL;
    int error = check_token(a, token, wall_us, &id, why);

    if (error == 0) {
        /* A renewal meanwhile only makes the token be checked once more. */
        remember(a, set, token, hash, generation, id);
        *ret = id;
    }
    return error;
}

static void claim_append(struct buf *b, struct bytes name, struct bytes value)
{
    if (value.len == 0)
        return;
    json_write_key(b, name);
    json_write_string(b, value);
    buf_append_char(b, ',');
}

static int token_sign(struct buf *out, struct bytes secret, size_t from)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = sizeof(mac);

    if (buf_error(out) < 0)
        return buf_error(out);
    if (!HMAC(EVP_sha256(), secret.at, (int)secret.len,
              (const unsigned char *)out->at + from, out->len - from, mac,
              &len))
        return ERR_INTERNAL;
    buf_append_char(out, '.');
    base64url_append(out, (struct bytes){(const char *)mac, len});
    return buf_error(out);
}

int auth_token_write(struct buf *out, const struct auth_spec *spec,
                     struct bytes user, struct bytes tenant, struct bytes role,
                     int64_t wall_us, uint64_t ttl_s)
{
    struct buf claims;
    size_t from = out->len;
    int64_t now_s = wall_us / US_PER_S;

    if (spec->alg != AUTH_HS256 || spec->secret.len < KEYSET_SECRET_MIN)
        return ERR_UNSUPPORTED;
    if (ttl_s > (uint64_t)(WALL_S_MAX - now_s))
        return ERR_RANGE;
    buf_init(&claims, TOKEN_TEXT_MAX);
    buf_append_char(&claims, '{');
    claim_append(&claims, spec->user_claim, user);
    claim_append(&claims, spec->tenant_claim, tenant);
    claim_append(&claims, spec->role_claim, role);
    claim_append(&claims, BYTES("iss"), spec->issuer);
    claim_append(&claims, BYTES("aud"), spec->audience);
    buf_printf(&claims, "\"iat\":%" PRId64 ",\"exp\":%" PRId64 "}", now_s,
               now_s + (int64_t)ttl_s);

    int error = buf_error(&claims);

    if (error == 0) {
        base64url_append(out, BYTES("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
        buf_append_char(out, '.');
        base64url_append(out, buf_bytes(&claims));
        error = token_sign(out, spec->secret, from);
    }
    buf_fini(&claims);
    return error;
}
