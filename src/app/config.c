/* SPDX-License-Identifier: MIT */
/*
 * config - reading the application file, its overrides and its secret.
 * Threads: one reads; what it gave is immutable.
 */
#include "app/config.h"

#include "app/setting.h"
#include "app/text_file.h"
#include "app/yaml.h"
#include "base/blob.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"

#include <stdlib.h>
#include <sys/stat.h>

#define CONFIG_ARENA_MAX (64u << 20)
#define SECRET_BYTES_MAX ((size_t)4 << 10)

/* Rules between the settings of the whole file. */

static void check_keys_of_auth(struct reader *r, const struct yaml *root)
{
    const struct auth_spec *auth = &r->config->edge.auth;
    const struct yaml *jwt = setting_find(root, "auth.jwt");
    const struct yaml *at = jwt ? jwt : root;
    bool has_key = auth->public_key_file.len > 0 || auth->jwks_file.len > 0;

    if (auth->alg == AUTH_HS256 && has_key)
        reader_refuse_key(r, at, BYTES("secret_env or secret_file"),
                          "HS256 has no public key");
    if (auth->alg != AUTH_HS256 && !has_key)
        reader_refuse_key(r, at, BYTES("public_key or jwks"),
                          "this algorithm needs a public key");
}

static void check_hub(struct reader *r, const struct yaml *root)
{
    const struct hub_spec *hub = &r->config->hub;
    const struct yaml *at = setting_find(root, "hub");

    if (hub->timeout_ms > 0 && hub->timeout_ms <= hub->ping_ms)
        reader_refuse_key(r, at ? at : root, BYTES("timeout above ping"),
                          "every connection would be closed between two pings");
}

static void check_clock(struct reader *r, const struct yaml *root)
{
    uint64_t bytes = r->config->clock_bytes;
    const struct yaml *at = setting_find(root, "cache.clock");

    if ((bytes & (bytes - 1)) != 0 && at)
        reader_refuse(r, at, BYTES("a power of two, such as 16MB"),
                      "'" BYTES_FMT "' is not a power of two",
                      BYTES_ARG(at->text));
}

/* Reading. */

/* A value from outside has mistakes of its own, named after its source. */
static unsigned read_override(struct reader *file,
                              const struct config_override *o,
                              struct buf *report)
{
    struct mistakes *mistakes = reader_alloc(file, 1, sizeof(*mistakes));
    struct reader r = *file;

    if (!mistakes)
        return 0;
    mistakes->name = o->source;
    mistakes->text = arena_copy(file->arena, bytes_of(o->value));
    mistakes->one_line = true;
    mistakes->arena = file->arena;
    r.mistakes = mistakes;
    r.base_dir = "";
    setting_read_text(&r, o->setting, mistakes->text, r.config);
    mistakes_write(mistakes, report);
    file->out_of_memory = file->out_of_memory || r.out_of_memory;
    return mistakes->count;
}

static int read_all(struct config *config, struct mistakes *mistakes,
                    const struct config_override *overrides, size_t count,
                    struct buf *report)
{
    struct reader r = {
        .arena = &config->arena,
        .mistakes = mistakes,
        .base_dir = config->dir.at,
        .config = config,
    };
    struct yaml *root;
    unsigned wrong = 0;
    int error = yaml_read(&root, &config->arena, mistakes);

    if (!error) {
        setting_read_group(&r, &config_group, root, config);
        for (size_t i = 0; i < count; i++)
            wrong += read_override(&r, &overrides[i], report);
        check_keys_of_auth(&r, root);
        check_hub(&r, root);
        config->hub.roles =
            (struct name_list){.count = config->edge.auth.role_count,
                               .names = config->edge.auth.roles};
        check_clock(&r, root);
    }
    mistakes_write(mistakes, report);
    if (r.out_of_memory)
        return ERR_NOMEM;
    return error ? error : wrong + mistakes->count > 0 ? ERR_INVALID : 0;
}

int config_parse(struct config **ret, const char *name, struct bytes text,
                 const char *dir, const struct config_override *overrides,
                 size_t count, struct buf *report)
{
    struct config *config = mem_zalloc(1, sizeof(*config));
    struct mistakes *mistakes;
    int error = ERR_NOMEM;

    if (!config)
        return ERR_NOMEM;
    arena_init(&config->arena, CONFIG_ARENA_MAX);
    mistakes = arena_zalloc(&config->arena, sizeof(*mistakes));
    config->dir = arena_copy(&config->arena, bytes_of(dir));
    config->file_name = arena_copy(&config->arena, bytes_of(name));
    config->text = arena_copy(&config->arena, text);
    if (mistakes && config->dir.at && config->file_name.at && config->text.at) {
        mistakes->name = config->file_name.at;
        mistakes->text = config->text;
        mistakes->arena = &config->arena;
        error = read_all(config, mistakes, overrides, count, report);
    }
    if (error)
        config_free(&config);
    else
        *ret = config;
    return error;
}

void config_free(struct config **config)
{
    if (!*config)
        return;
    arena_fini(&(*config)->arena);
    mem_free(*config);
    *config = NULL;
}

struct bytes config_path(struct config *config, const char *name)
{
    return arena_printf(&config->arena, "%s/%s", config->dir.at, name);
}

/* "apps/lab" to the directory and the file in it; a file to both. */
static int find_file(const char *given, struct arena *arena, struct bytes *dir,
                     struct bytes *file)
{
    struct stat st;
    const char *slash;

    if (stat(given, &st) == 0 && !S_ISDIR(st.st_mode)) {
        slash = strrchr(given, '/');
        *file = arena_copy(arena, bytes_of(given));
        *dir = slash
                   ? arena_copy(arena,
                                (struct bytes){given, (size_t)(slash - given)})
                   : arena_copy(arena, BYTES("."));
    } else {
        struct bytes root = bytes_of(given);

        while (root.len > 1 && root.at[root.len - 1] == '/')
            root.len--;
        *dir = arena_copy(arena, root);
        *file = arena_printf(arena, BYTES_FMT "/" CONFIG_FILE, BYTES_ARG(root));
    }
    return dir->at && file->at ? 0 : ERR_NOMEM;
}

int config_load(struct config **ret, const char *given,
                const struct config_override *overrides, size_t count,
                struct buf *report)
{
    struct blob *text = NULL;
    struct bytes dir, file;
    struct arena arena;
    int error;

    arena_init(&arena, 64u << 10);
    error = find_file(given, &arena, &dir, &file);
    if (!error)
        error = text_file_read(
            file, YAML_BYTES_MAX,
            "the application's directory with its " CONFIG_FILE, &text, report);
    if (!error)
        error = config_parse(ret, file.at, blob_bytes(text), dir.at, overrides,
                             count, report);
    blob_unref(&text);
    arena_fini(&arena);
    return error;
}

/* The secret. */

static int read_secret_file(struct config *config, struct bytes path,
                            struct buf *report)
{
    struct blob *text = NULL;
    struct bytes secret;
    int error = text_file_read(path, SECRET_BYTES_MAX, "the secret for tokens",
                               &text, report);

    if (error)
        return error;
    secret = blob_bytes(text);
    while (secret.len > 0 && (secret.at[secret.len - 1] == '\n' ||
                              secret.at[secret.len - 1] == '\r'))
        secret.len--;
    config->edge.auth.secret = arena_copy(&config->arena, secret);
    blob_unref(&text);
    return config->edge.auth.secret.at ? 0 : ERR_NOMEM;
}

static int check_secret(const struct config *config, const char *source,
                        struct buf *report)
{
    size_t len = config->edge.auth.secret.len;

    if (len >= CONFIG_SECRET_LEN_MIN)
        return 0;
    buf_printf(report,
               "%s: error: the secret for tokens %s; expected at least %d "
               "bytes\n    make one: export %s=$(openssl rand -hex 32)\n",
               source, len ? "is too short" : "is not set",
               CONFIG_SECRET_LEN_MIN, config->secret_env.at);
    return ERR_INVALID;
}

int config_secret_load(struct config *config, struct buf *report)
{
    const char *name = config->secret_env.at, *value, *path;
    struct bytes file_env, source = config->secret_env;
    int error = 0;

    if (config->edge.auth.alg != AUTH_HS256)
        return 0;
    file_env = arena_printf(&config->arena, "%s_FILE", name);
    if (!file_env.at)
        return ERR_NOMEM;
    value = getenv(name);
    path = getenv(file_env.at);
    if (value && *value) {
        config->edge.auth.secret = arena_copy(&config->arena, bytes_of(value));
    } else if ((path && *path) || config->secret_file.len > 0) {
        source = path && *path ? bytes_of(path) : config->secret_file;
        error = read_secret_file(config, source, report);
    }
    return error ? error : check_secret(config, source.at, report);
}

/* Flags and variables. */

static void name_of(const struct setting *s, const char *prefix, bool upper,
                    char ret[CONFIG_ENV_MAX])
{
    const char *from = s->flag ? s->flag : s->path;
    size_t at = strlen(prefix);

    memcpy(ret, prefix, at);
    for (; *from && at < CONFIG_ENV_MAX - 1; from++) {
        char c = *from;

        if (upper)
            c = (char)(c == '.' ? '_' : c >= 'a' && c <= 'z' ? c - 32 : c);
        else
            c = (char)(c == '.' || c == '_' ? '-' : c);
        ret[at++] = c;
    }
    ret[at] = '\0';
}

void config_flag_name(const struct setting *s, char ret[CONFIG_ENV_MAX])
{
    name_of(s, "--", false, ret);
}

void config_env_name(const struct setting *s, char ret[CONFIG_ENV_MAX])
{
    name_of(s, "FIELDLINE_", true, ret);
}

const struct setting *config_setting_of_flag(struct bytes flag)
{
    for (size_t i = 0; i < config_group.count; i++) {
        const struct setting *s = &config_group.rows[i];
        char name[CONFIG_ENV_MAX];

        config_flag_name(s, name);
        if (s->kind->simple && bytes_equal(flag, bytes_of(name)))
            return s;
    }
    return NULL;
}

size_t config_env_overrides(struct config_override *ret, size_t max,
                            char (*names)[CONFIG_ENV_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < config_group.count && count < max; i++) {
        const struct setting *s = &config_group.rows[i];
        const char *value;

        if (!s->kind->simple)
            continue;
        config_env_name(s, names[count]);
        value = getenv(names[count]);
        if (!value || !*value)
            continue;
        ret[count] = (struct config_override){s, names[count], value};
        count++;
    }
    return count;
}
