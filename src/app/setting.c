/* SPDX-License-Identifier: MIT */
/*
 * setting - a mapping read by the rows of its group.
 * Threads: a reader belongs to its caller.
 */
#include "app/setting.h"

#include "app/mistakes.h"
#include "app/yaml.h"
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#define PATH_MAX_LEN  128
#define CANDIDATES    48
#define REFUSAL_BYTES 400

static void PRINTF_LIKE(5, 0)
    refuse(struct reader *r, size_t at, size_t len, struct bytes expected,
           const char *fmt, va_list ap)
{
    char text[REFUSAL_BYTES];

    vsnprintf(text, sizeof(text), fmt, ap);
    mistakes_add(r->mistakes, at, len, expected, "%s", text);
}

void reader_refuse(struct reader *r, const struct yaml *node,
                   struct bytes expected, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    refuse(r, node->at, yaml_len(node), expected, fmt, ap);
    va_end(ap);
}

void reader_refuse_key(struct reader *r, const struct yaml *node,
                       struct bytes expected, const char *fmt, ...)
{
    bool has_key = node->key.len > 0;
    va_list ap;

    va_start(ap, fmt);
    refuse(r, has_key ? node->key_at : node->at,
           has_key ? node->key.len : yaml_len(node), expected, fmt, ap);
    va_end(ap);
}

void *reader_alloc(struct reader *r, size_t count, size_t size)
{
    void *at = NULL;

    if (!__builtin_mul_overflow(count, size, &size))
        at = arena_zalloc(r->arena, size ? size : 1);
    if (!at)
        r->out_of_memory = true;
    return at;
}

struct bytes reader_suggest(struct reader *r, struct bytes word,
                            const struct bytes *words, size_t count)
{
    struct bytes near = mistakes_nearest(word, words, count);
    struct bytes list = BYTES("one of:");

    if (near.len > 0)
        return arena_printf(r->arena, "did you mean '" BYTES_FMT "'?",
                            BYTES_ARG(near));
    if (count == 0)
        return BYTES("a declared one, and none is");
    for (size_t i = 0; i < count && list.len < REFUSAL_BYTES; i++)
        list =
            arena_printf(r->arena, BYTES_FMT "%s " BYTES_FMT, BYTES_ARG(list),
                         i > 0 ? "," : "", BYTES_ARG(words[i]));
    return list;
}

bool reader_scalar(struct reader *r, const struct setting *s,
                   const struct yaml *node, struct bytes *ret)
{
    if (node->kind == YAML_SCALAR && !yaml_is_null(node)) {
        *ret = node->text;
        return true;
    }
    reader_refuse(r, node, bytes_of(s->kind->expected), "%s where '%s' is due",
                  yaml_kind_name(node), s->path);
    return false;
}

const struct yaml *setting_find(const struct yaml *mapping, const char *path)
{
    struct bytes rest = bytes_of(path), segment;

    while (mapping && rest.len > 0) {
        bytes_cut(rest, '.', &segment, &rest);
        mapping = yaml_get(mapping, segment);
    }
    return mapping;
}

/* What may follow the prefix: "jwt", "tenant" ... behind "auth". */
static size_t segments(const struct setting_group *group, struct bytes prefix,
                       struct bytes ret[CANDIDATES])
{
    size_t count = 0;

    for (size_t i = 0; i < group->count; i++) {
        struct bytes path = bytes_of(group->rows[i].path), segment, rest;

        if (!bytes_starts(path, prefix))
            continue;
        bytes_cut(bytes_skip(path, prefix.len), '.', &segment, &rest);
        if (count > 0 && bytes_equal(ret[count - 1], segment))
            continue; /* rows of one section stand together */
        if (count < CANDIDATES)
            ret[count++] = segment;
    }
    return count;
}

enum key_is { KEY_UNKNOWN, KEY_SETTING, KEY_SECTION };

static enum key_is classify(const struct setting_group *group,
                            struct bytes path)
{
    for (size_t i = 0; i < group->count; i++) {
        const char *row = group->rows[i].path;

        if (strncmp(row, path.at, path.len) != 0)
            continue;
        if (row[path.len] == '\0')
            return KEY_SETTING;
        if (row[path.len] == '.')
            return KEY_SECTION;
    }
    return KEY_UNKNOWN;
}

static void refuse_unknown(struct reader *r, const struct setting_group *group,
                           const struct yaml *child, struct bytes prefix)
{
    struct bytes words[CANDIDATES];
    size_t count = segments(group, prefix, words);
    struct bytes section = prefix.len ? prefix : bytes_of(group->what);

    section.len -= prefix.len > 0; /* its point */
    reader_refuse_key(r, child, reader_suggest(r, child->key, words, count),
                      "unknown key '" BYTES_FMT "' in %s" BYTES_FMT "%s",
                      BYTES_ARG(child->key), prefix.len ? "'" : "",
                      BYTES_ARG(section), prefix.len ? "'" : "");
}

static bool is_mapping(struct reader *r, const struct yaml *node,
                       const char *what)
{
    if (node->kind == YAML_MAPPING)
        return true;
    reader_refuse(r, node, BYTES("a mapping: {key: value, ...}"),
                  "%s where '%s' is due", yaml_kind_name(node), what);
    return false;
}

static void check_keys(struct reader *r, const struct setting_group *group,
                       const struct yaml *node, struct bytes prefix)
{
    for (const struct yaml *child = node->first; child; child = child->next) {
        char room[PATH_MAX_LEN];
        int len = snprintf(room, sizeof(room), BYTES_FMT BYTES_FMT,
                           BYTES_ARG(prefix), BYTES_ARG(child->key));
        enum key_is is = KEY_UNKNOWN;
        struct bytes path = {room, (size_t)len};

        if ((size_t)len < sizeof(room) - 1 && child->key.len > 0 &&
            !memchr(child->key.at, '.', child->key.len))
            is = classify(group, path);
        if (is == KEY_UNKNOWN)
            refuse_unknown(r, group, child, prefix);
        if (is == KEY_SECTION && is_mapping(r, child, room)) {
            room[path.len++] = '.';
            check_keys(r, group, child, path);
        }
    }
}

void setting_read_text(struct reader *r, const struct setting *s,
                       struct bytes text, void *base)
{
    struct yaml node = {.kind = YAML_SCALAR, .plain = true, .text = text};

    s->kind->read_fn(r, s, &node, base);
}

void setting_read_group(struct reader *r, const struct setting_group *group,
                        const struct yaml *node, void *base)
{
    if (!is_mapping(r, node, group->name))
        return;
    check_keys(r, group, node, BYTES(""));
    for (size_t i = 0; i < group->count; i++) {
        const struct setting *s = &group->rows[i];
        const struct yaml *at = setting_find(node, s->path);

        if (at)
            s->kind->read_fn(r, s, at, base);
        else if (s->standard)
            setting_read_text(r, s, bytes_of(s->standard), base);
        else if (s->required)
            reader_refuse_key(r, node, bytes_of(s->kind->expected),
                              "%s needs '%s'", group->what, s->path);
    }
}

static void read_name(struct reader *r, const struct setting_group *group,
                      const struct yaml *child, void *element)
{
    const struct setting key = {.path = group->name, .kind = group->key_kind};
    struct yaml node = {.kind = YAML_SCALAR,
                        .plain = true,
                        .text = child->key,
                        .at = child->key_at};

    group->key_kind->read_fn(r, &key, &node, element);
}

void setting_read_map(struct reader *r, const struct setting *s,
                      const struct yaml *node, void *base)
{
    const struct setting_group *group = s->group;
    char *elements, *element;

    if (yaml_is_null(node) || !is_mapping(r, node, s->path))
        return;
    if (node->count > group->max) {
        reader_refuse_key(r, node, BYTES("fewer"), "more than %u in '%s'",
                          group->max, s->path);
        return;
    }
    elements = reader_alloc(r, node->count, group->size);
    if (!elements)
        return;
    element = elements;
    for (const struct yaml *child = node->first; child; child = child->next) {
        read_name(r, group, child, element);
        element += group->size;
    }
    memcpy(setting_field(s, base), &elements, sizeof(elements));
    memcpy((char *)base + s->count_offset, &node->count, sizeof(node->count));
    element = elements;
    for (const struct yaml *child = node->first; child; child = child->next) {
        if (group->enter_fn)
            group->enter_fn(r, element);
        setting_read_group(r, group, child, element);
        if (group->leave_fn && child->kind == YAML_MAPPING)
            group->leave_fn(r, child, element);
        element += group->size;
    }
}
