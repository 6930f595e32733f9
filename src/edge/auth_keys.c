/* SPDX-License-Identifier: MIT */
/*
 * auth_keys - one key set behind a short lock, replaced whole.
 * Threads: any, locked by auth_keys.lock.
 */
#include "edge/auth_keys.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "edge/keyset.h"

#include <pthread.h>
#include <sys/stat.h>

#define LOOK_EVERY_US  ((int64_t)5 * 1000 * 1000)
#define SPEC_BYTES_MAX ((size_t)64 * 1024)
#define LEEWAY_S       30

struct auth_keys {
    struct auth_spec spec; /* its strings stand in the arena */
    struct arena arena;
    pthread_mutex_t lock;
    struct keyset *now;
    struct timespec file_time;
    off_t file_size;
    ino_t file_inode;
    _Atomic(int64_t) look_at_us;  /* the next look at the file */
    _Atomic(int64_t) renew_at_us; /* not before: for unknown keys */
    _Atomic(uint64_t) generation;
};

static bool copy_failed(struct arena *a, struct bytes *b)
{
    struct bytes copy = arena_copy(a, *b);

    *b = copy;
    return !copy.at;
}

static int spec_copy(struct auth_keys *k, const struct auth_spec *from)
{
    struct auth_spec *s = &k->spec;

    *s = *from;
    if (!s->leeway_s)
        s->leeway_s = LEEWAY_S;

    struct bytes *roles =
        arena_alloc(&k->arena, (s->role_count + 1) * sizeof(*roles));

    if (!roles)
        return ERR_NOMEM;
    for (unsigned i = 0; i < s->role_count; i++) {
        roles[i] = from->roles[i];
        if (copy_failed(&k->arena, &roles[i]))
            return ERR_NOMEM;
    }
    s->roles = roles;

    struct bytes *const texts[] = {
        &s->secret,   &s->public_key_file, &s->jwks_file,  &s->issuer,
        &s->audience, &s->tenant_claim,    &s->user_claim, &s->role_claim};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (copy_failed(&k->arena, texts[i]))
            return ERR_NOMEM;
    return 0;
}

/* True when the JWKS file is not the one that was read; remembers it. */
static bool file_changed(struct auth_keys *k)
{
    struct stat st;

    if (k->spec.jwks_file.len == 0 || stat(k->spec.jwks_file.at, &st) < 0)
        return false;

    bool same = st.st_mtim.tv_sec == k->file_time.tv_sec &&
                st.st_mtim.tv_nsec == k->file_time.tv_nsec &&
                st.st_size == k->file_size && st.st_ino == k->file_inode;

    k->file_time = st.st_mtim;
    k->file_size = st.st_size;
    k->file_inode = st.st_ino;
    return !same;
}

int auth_keys_new(struct auth_keys **ret, const struct auth_spec *spec,
                  struct bytes *mistake)
{
    struct auth_keys *k = mem_zalloc(1, sizeof(*k));
    int error;

    if (!k)
        return ERR_NOMEM;
    (void)pthread_mutex_init(&k->lock, NULL);
    arena_init(&k->arena, SPEC_BYTES_MAX);
    error = spec_copy(k, spec);
    if (error == 0 && spec->role_count > IDENTITY_ROLES_MAX) {
        *mistake = BYTES("more than 32 roles");
        error = ERR_INVALID;
    }
    if (error == 0) {
        (void)file_changed(k);
        error = keyset_new(&k->now, &k->spec, mistake);
    }
    if (error < 0)
        auth_keys_free(&k);
    else
        *ret = k;
    return error;
}

void auth_keys_free(struct auth_keys **keys)
{
    struct auth_keys *k = *keys;

    *keys = NULL;
    if (!k)
        return;
    keyset_unref(&k->now);
    if (k->spec.secret.len)
        explicit_bzero((void *)k->spec.secret.at, k->spec.secret.len);
    arena_fini(&k->arena);
    (void)pthread_mutex_destroy(&k->lock);
    mem_free(k);
}

const struct auth_spec *auth_keys_spec(const struct auth_keys *k)
{
    return &k->spec;
}

struct keyset *auth_keys_get(struct auth_keys *k)
{
    (void)pthread_mutex_lock(&k->lock);

    struct keyset *now = keyset_ref(k->now);

    (void)pthread_mutex_unlock(&k->lock);
    return now;
}

static void keys_read(struct auth_keys *k)
{
    struct keyset *fresh = NULL;
    struct bytes mistake = BYTES("out of memory");

    if (keyset_new(&fresh, &k->spec, &mistake) < 0) {
        log_warn("edge.auth.keys_kept", "why=\"" BYTES_FMT "\"",
                 BYTES_ARG(mistake));
        return;
    }
    keyset_unref(&k->now);
    k->now = fresh;
    atomic_fetch_add_explicit(&k->generation, 1, memory_order_release);
    log_info("edge.auth.keys_renewed", "keys=%u", fresh->count);
}

/* Only one caller finds it due. */
static bool is_due(_Atomic(int64_t) *at_us, int64_t wall_us)
{
    int64_t at = atomic_load_explicit(at_us, memory_order_relaxed);

    return wall_us >= at &&
           atomic_compare_exchange_strong(at_us, &at, wall_us + LOOK_EVERY_US);
}

uint64_t auth_keys_generation(struct auth_keys *k, int64_t wall_us)
{
    if (k->spec.jwks_file.len && is_due(&k->look_at_us, wall_us)) {
        (void)pthread_mutex_lock(&k->lock);
        if (file_changed(k))
            keys_read(k);
        (void)pthread_mutex_unlock(&k->lock);
    }
    return atomic_load_explicit(&k->generation, memory_order_acquire);
}

bool auth_keys_renew(struct auth_keys *k, int64_t wall_us)
{
    if (k->spec.jwks_file.len == 0 || !is_due(&k->renew_at_us, wall_us))
        return false;
    (void)pthread_mutex_lock(&k->lock);
    (void)file_changed(k);
    keys_read(k);
    (void)pthread_mutex_unlock(&k->lock);
    return true;
}
