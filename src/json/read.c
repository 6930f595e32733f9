/* SPDX-License-Identifier: MIT */
/*
 * read - one JSON text into jansson's tree.
 *
 * The depth is checked before jansson recurses; jansson itself refuses
 * duplicate keys, trailing bytes, numbers that do not fit, text that is not
 * UTF-8 and strings that hold U+0000.
 * Threads: any, no shared state.
 */
#include "json/json.h"

#include "base/error.h"

#include <stdio.h>

/* What jansson is not asked about: the first byte that is too deep, or NUL,
 * which it takes for the end of a text after a number. */
static const char *refused_at(struct bytes text, const char **why)
{
    unsigned depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c == '\0') {
            *why = "a NUL byte";
            return text.at + i;
        }
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
        if (depth > JSON_DEPTH_MAX) {
            *why = "nested too deeply";
            return text.at + i;
        }
    }
    return NULL;
}

static void detail_refused(struct json_mistake *detail, const char *from,
                           const char *at, const char *why)
{
    const char *line = from;

    detail->line = 1;
    for (const char *c = from; c < at; c++) {
        if (*c == '\n') {
            detail->line++;
            line = c + 1;
        }
    }
    detail->column = (unsigned)(at - line) + 1;
    (void)snprintf(detail->text, sizeof(detail->text), "%s", why);
}

static void detail_syntax(struct json_mistake *detail, const json_error_t *e)
{
    detail->line = e->line > 0 ? (unsigned)e->line : 1;
    detail->column = e->column > 0 ? (unsigned)e->column : 1;
    (void)snprintf(detail->text, sizeof(detail->text), "%.*s",
                   (int)sizeof(detail->text) - 1, e->text);
}

int json_read(struct bytes text, json_t **ret, struct json_mistake *detail)
{
    struct json_mistake unwanted;
    json_error_t error;
    const char *why, *refused = refused_at(text, &why);
    json_t *value;

    if (!detail)
        detail = &unwanted;
    if (refused) {
        detail_refused(detail, text.at, refused, why);
        return ERR_INVALID;
    }
    value = json_loadb(text.len ? text.at : "", text.len,
                       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value) {
        detail_syntax(detail, &error);
        return json_error_code(&error) == json_error_out_of_memory
                   ? ERR_NOMEM
                   : ERR_INVALID;
    }
    *ret = value;
    return 0;
}

struct bytes json_member_string(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_string(member))
        return (struct bytes){NULL, 0};
    return (struct bytes){json_string_value(member),
                          json_string_length(member)};
}
