/* SPDX-License-Identifier: MIT */
/*
 * demo_script - demo.yaml as plain structs.
 * Threads: immutable once read.
 */
#include "cli/demo_script.h"

#include "app/mistakes.h"
#include "app/text_file.h"
#include "app/yaml.h"
#include "base/blob.h"
#include "base/buf.h"
#include "base/error.h"
#include "json/json.h"

#include <stdio.h>

#define ARENA_MAX  ((size_t)4 << 20)
#define OBJECT_MAX ((size_t)4096)

struct reader {
    struct arena *arena;
    struct mistakes *mistakes;
};

static void expect(struct reader *r, const struct yaml *at, const char *key,
                   const char *expected)
{
    mistakes_add(r->mistakes, at->at, 1, bytes_of(expected),
                 "'%s' is missing or is something else", key);
}

static struct bytes word(struct reader *r, const struct yaml *in,
                         const char *key)
{
    const struct yaml *node = yaml_get(in, bytes_of(key));

    if (!node || node->kind != YAML_SCALAR || node->text.len == 0) {
        expect(r, in, key, "a word or a number");
        return (struct bytes){NULL, 0};
    }
    return node->text;
}

static uint64_t duration(struct reader *r, const struct yaml *in,
                         const char *key)
{
    uint64_t ms = 0;

    if (bytes_to_duration_ms(word(r, in, key), &ms) != 0 || ms == 0)
        expect(r, in, key, "a duration, like 250ms or 1s");
    return ms;
}

static double number(struct reader *r, const struct yaml *in, const char *key,
                     double least)
{
    double value = least;

    if (bytes_to_double(word(r, in, key), &value) != 0 || value < least)
        expect(r, in, key, "a number above 0");
    return value;
}

static unsigned words(struct reader *r, const struct yaml *in, const char *key,
                      struct bytes ret[DEMO_LIST_MAX])
{
    const struct yaml *list = yaml_get(in, bytes_of(key));
    unsigned count = 0;

    if (!list || list->kind != YAML_LIST || list->count == 0 ||
        list->count > DEMO_LIST_MAX) {
        expect(r, in, key, "a list of 1 to 32 words");
        return 0;
    }
    for (const struct yaml *one = list->first; one; one = one->next)
        ret[count++] = one->text;
    return count;
}

/* A mapping of scalars as a JSON object: plain numbers, booleans and null as
 * such, all else as strings. */
static struct bytes object(struct reader *r, const struct yaml *map)
{
    struct bytes text;
    struct buf out;

    buf_init(&out, OBJECT_MAX);
    buf_append_char(&out, '{');
    for (const struct yaml *one = map->first; one; one = one->next) {
        if (one != map->first)
            buf_append_char(&out, ',');
        json_write_key(&out, one->key);
        if (one->plain && json_is_valid(one->text))
            buf_append(&out, one->text);
        else
            json_write_string(&out, one->text);
    }
    buf_append_char(&out, '}');
    if (map->kind != YAML_MAPPING || buf_error(&out) != 0)
        mistakes_add(r->mistakes, map->at, yaml_len(map),
                     BYTES("a mapping of columns to values"), "this is %s",
                     yaml_kind_name(map));
    text = arena_copy(r->arena, buf_bytes(&out));
    buf_fini(&out);
    return text;
}

static void read_couriers(struct reader *r, const struct yaml *in,
                          struct demo_courier_script *s)
{
    const struct yaml *visits = yaml_get(in, BYTES("visits"));
    const struct yaml *again = yaml_get(in, BYTES("again"));

    s->tenant_count = words(r, in, "tenants", s->tenants);
    s->role = word(r, in, "role");
    s->resource = word(r, in, "resource");
    s->message = word(r, in, "message");
    s->key = word(r, in, "key");
    s->stops = word(r, in, "stops");
    s->stop = word(r, in, "stop");
    s->every_ms = duration(r, in, "every");
    s->pause_ms = duration(r, in, "pause");
    s->speed_kmh = number(r, in, "speed", 0.1);
    if (!visits || visits->kind != YAML_LIST || visits->count > DEMO_LIST_MAX) {
        expect(r, in, "visits", "a list of mappings");
        return;
    }
    for (const struct yaml *one = visits->first; one; one = one->next)
        s->visits[s->visit_count++] = object(r, one);
    if (again)
        s->again = object(r, again);
    else
        expect(r, in, "again", "a mapping of columns to values");
}

static void read_desks(struct reader *r, const struct yaml *in,
                       struct demo_desk_script *s)
{
    s->role = word(r, in, "role");
    s->count = (unsigned)number(r, in, "count", 1);
    s->every_ms = duration(r, in, "every");
    s->read_count = words(r, in, "reads", s->reads);
    s->items = word(r, in, "items");
    s->item = word(r, in, "item");
}

static void read_script(struct reader *r, const struct yaml *root,
                        struct demo_script *s)
{
    const struct yaml *viewer = yaml_get(root, BYTES("viewer"));
    const struct yaml *couriers = yaml_get(root, BYTES("couriers"));
    const struct yaml *desks = yaml_get(root, BYTES("desks"));

    if (!viewer || !couriers || !desks) {
        expect(r, root, "viewer', 'couriers' or 'desks",
               "the three mappings of a demo");
        return;
    }
    s->viewer_user = word(r, viewer, "user");
    s->viewer_tenant = word(r, viewer, "tenant");
    s->viewer_role = word(r, viewer, "role");
    read_couriers(r, couriers, &s->courier);
    read_desks(r, desks, &s->desk);
}

int demo_script_load(struct demo_script *s, const char *dir, struct buf *report)
{
    struct mistakes *mistakes;
    struct yaml *root;
    struct bytes path;
    int error;

    *s = (struct demo_script){0};
    arena_init(&s->arena, ARENA_MAX);
    path = arena_printf(&s->arena, "%s/" DEMO_FILE, dir);
    mistakes = arena_zalloc(&s->arena, sizeof(*mistakes));
    if (!path.at || !mistakes)
        return ERR_NOMEM;
    error = text_file_read(path, YAML_BYTES_MAX,
                           "what the demo simulates (docs/demo.md)", &s->text,
                           report);
    if (error)
        return error;
    mistakes->name = path.at;
    mistakes->text = blob_bytes(s->text);
    mistakes->arena = &s->arena;
    error = yaml_read(&root, &s->arena, mistakes);
    if (!error)
        read_script(&(struct reader){&s->arena, mistakes}, root, s);
    if (mistakes->count > 0) {
        mistakes_write(mistakes, report);
        error = ERR_INVALID;
    }
    return error;
}

void demo_script_fini(struct demo_script *s)
{
    arena_fini(&s->arena);
    blob_unref(&s->text);
}

void demo_fill(struct buf *out, struct bytes text, struct bytes name,
               struct bytes value)
{
    while (text.len > 0) {
        if (text.len > name.len + 1 && text.at[0] == '{' &&
            bytes_starts(bytes_skip(text, 1), name) &&
            text.at[name.len + 1] == '}') {
            buf_append(out, value);
            text = bytes_skip(text, name.len + 2);
        } else {
            buf_append_char(out, text.at[0]);
            text = bytes_skip(text, 1);
        }
    }
}
