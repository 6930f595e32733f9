/* SPDX-License-Identifier: MIT */
/*
 * setting_kinds - values of the common kinds out of the file's text.
 * Threads: a reader belongs to its caller.
 */
#include "app/setting.h"

#include "app/yaml.h"
#include "base/arena.h"
#include "base/error.h"

#include <inttypes.h>

#define NAME_MAX_LEN 63 /* what both databases take */

static void refuse_kind(struct reader *r, const struct setting *s,
                        const struct yaml *node)
{
    reader_refuse(r, node, bytes_of(s->kind->expected),
                  "'" BYTES_FMT "' is not a value for '%s'",
                  BYTES_ARG(node->text), s->path);
}

static void read_text(struct reader *r, const struct setting *s,
                      const struct yaml *node, void *base)
{
    struct bytes *field = setting_field(s, base), text;

    if (reader_scalar(r, s, node, &text))
        *field = text;
}

static bool is_name(struct bytes text)
{
    if (text.len == 0 || text.len > NAME_MAX_LEN ||
        (text.at[0] >= '0' && text.at[0] <= '9'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

static void read_name(struct reader *r, const struct setting *s,
                      const struct yaml *node, void *base)
{
    struct bytes *field = setting_field(s, base), text;

    if (!reader_scalar(r, s, node, &text))
        return;
    if (is_name(text))
        *field = text;
    else
        refuse_kind(r, s, node);
}

bool reader_key_is_name(struct reader *r, const struct yaml *node)
{
    if (is_name(node->key))
        return true;
    reader_refuse_key(r, node, bytes_of(kind_name.expected),
                      "'" BYTES_FMT "' is not a name", BYTES_ARG(node->key));
    return false;
}

static void read_path(struct reader *r, const struct setting *s,
                      const struct yaml *node, void *base)
{
    struct bytes *field = setting_field(s, base), text;

    if (!reader_scalar(r, s, node, &text))
        return;
    *field = text.at[0] == '/' || r->base_dir[0] == '\0'
                 ? arena_copy(r->arena, text)
                 : arena_printf(r->arena, "%s/" BYTES_FMT, r->base_dir,
                                BYTES_ARG(text));
    if (!field->at)
        r->out_of_memory = true;
}

static void read_yes_no(struct reader *r, const struct setting *s,
                        const struct yaml *node, void *base)
{
    bool *field = setting_field(s, base);
    struct bytes text;

    if (!reader_scalar(r, s, node, &text))
        return;
    if (bytes_equal(text, BYTES("yes")) || bytes_equal(text, BYTES("true")))
        *field = true;
    else if (bytes_equal(text, BYTES("no")) ||
             bytes_equal(text, BYTES("false")))
        *field = false;
    else
        refuse_kind(r, s, node);
}

typedef int parse_fn(struct bytes, uint64_t *ret);

struct unit {
    const char *name;
    uint64_t size;
};

/* As a person would write it: in the largest unit that fits. */
static struct bytes show(struct reader *r, parse_fn *parse, uint64_t value)
{
    static const struct unit durations[] = {
        {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    static const struct unit sizes[] = {{"TB", 1ull << 40},
                                        {"GB", 1 << 30},
                                        {"MB", 1 << 20},
                                        {"KB", 1 << 10},
                                        {"", 1}};
    static const struct unit numbers[] = {{"", 1}};
    const struct unit *unit = parse == bytes_to_duration_ms ? durations
                              : parse == bytes_to_size      ? sizes
                                                            : numbers;

    while (unit->size > 1 && (value == 0 || value % unit->size != 0))
        unit++;
    return arena_printf(r->arena, "%" PRIu64 "%s", value / unit->size,
                        unit->name);
}

/* A number of any kind, between the row's bounds and below the field's. */
static bool read_u64(struct reader *r, const struct setting *s,
                     const struct yaml *node, parse_fn *parse,
                     uint64_t field_max, uint64_t *ret)
{
    uint64_t max = s->max ? s->max : field_max;
    struct bytes text;
    int error;

    if (!reader_scalar(r, s, node, &text))
        return false;
    error = parse(text, ret);
    if (error && error != ERR_RANGE) {
        refuse_kind(r, s, node);
        return false;
    }
    if (error || *ret < s->min || *ret > max) {
        reader_refuse(r, node,
                      arena_printf(r->arena, BYTES_FMT " to " BYTES_FMT,
                                   BYTES_ARG(show(r, parse, s->min)),
                                   BYTES_ARG(show(r, parse, max))),
                      "'" BYTES_FMT "' is out of range for '%s'",
                      BYTES_ARG(text), s->path);
        return false;
    }
    return true;
}

static void read_32(struct reader *r, const struct setting *s,
                    const struct yaml *node, void *base, parse_fn *parse)
{
    uint32_t *field = setting_field(s, base);
    uint64_t value;

    if (read_u64(r, s, node, parse, UINT32_MAX, &value))
        *field = (uint32_t)value;
}

static void read_64(struct reader *r, const struct setting *s,
                    const struct yaml *node, void *base, parse_fn *parse)
{
    uint64_t *field = setting_field(s, base), value;

    if (read_u64(r, s, node, parse, INT64_MAX, &value))
        *field = value;
}

static void read_number(struct reader *r, const struct setting *s,
                        const struct yaml *node, void *base)
{
    read_32(r, s, node, base, bytes_to_u64);
}

static void read_big_number(struct reader *r, const struct setting *s,
                            const struct yaml *node, void *base)
{
    read_64(r, s, node, base, bytes_to_u64);
}

static void read_duration(struct reader *r, const struct setting *s,
                          const struct yaml *node, void *base)
{
    read_64(r, s, node, base, bytes_to_duration_ms);
}

static void read_delay(struct reader *r, const struct setting *s,
                       const struct yaml *node, void *base)
{
    read_32(r, s, node, base, bytes_to_duration_ms);
}

static void read_size(struct reader *r, const struct setting *s,
                      const struct yaml *node, void *base)
{
    read_64(r, s, node, base, bytes_to_size);
}

static void read_small_size(struct reader *r, const struct setting *s,
                            const struct yaml *node, void *base)
{
    read_32(r, s, node, base, bytes_to_size);
}

const struct setting_kind kind_text = {"text", "a text", read_text, true};
const struct setting_kind kind_name = {
    "name", "a name: letters, digits and _, at most 63", read_name, true};
const struct setting_kind kind_path = {"path", "a path", read_path, true};
const struct setting_kind kind_yes_no = {"yes or no", "yes or no", read_yes_no,
                                         true};
const struct setting_kind kind_number = {"number", "a whole number",
                                         read_number, true};
const struct setting_kind kind_big_number = {"number", "a whole number",
                                             read_big_number, true};
const struct setting_kind kind_duration = {
    "duration", "a duration such as 250ms, 30s, 5m, 1h or 7d", read_duration,
    true};
const struct setting_kind kind_delay = {
    "duration", "a duration such as 250ms, 30s, 5m, 1h or 7d", read_delay,
    true};
const struct setting_kind kind_size = {"size", "a size such as 64KB or 16MB",
                                       read_size, true};
const struct setting_kind kind_small_size = {
    "size", "a size such as 64KB or 16MB", read_small_size, true};
const struct setting_kind kind_map = {"mapping", "a mapping: {name: {...}}",
                                      setting_read_map, false};
