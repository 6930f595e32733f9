/* SPDX-License-Identifier: MIT */
/*
 * image - walks the members of an object that was checked as a whole first.
 * Threads: any, no shared state.
 */
#include "data/image.h"

#include "base/error.h"
#include "json/json.h"

struct walk {
    const char *at;
    const char *end;
};

static void skip_space(struct walk *w)
{
    while (w->at < w->end && strchr(" \t\r\n", *w->at))
        w->at++;
}

static void skip_string(struct walk *w)
{
    for (w->at++; w->at < w->end && *w->at != '"'; w->at++) {
        if (*w->at == '\\')
            w->at++;
    }
    w->at++;
}

/* Leaves the walk behind the value that begins here. */
static void skip_value(struct walk *w)
{
    unsigned depth = 0;

    while (w->at < w->end) {
        char c = *w->at;

        if (c == '"') {
            skip_string(w);
            if (depth == 0)
                return;
            continue;
        }
        if (depth == 0 && strchr(",} \t\r\n", c))
            return;
        w->at++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return;
    }
}

static struct bytes taken(const struct walk *w, const char *from)
{
    return (struct bytes){from, (size_t)(w->at - from)};
}

/* column->json is the name as an image spells it, between ',' and ':'. */
static bool is_named(const struct column *c, struct bytes quoted)
{
    return bytes_equal((struct bytes){c->json.at + 1, c->json.len - 2}, quoted);
}

/* Images mostly keep the table's order: the column after the last is tried
 * first. */
static const struct column *named(const struct data_table *t,
                                  struct bytes quoted, unsigned *next)
{
    for (unsigned i = 0; i < t->column_count; i++) {
        const struct column *c = &t->columns[(*next + i) % t->column_count];

        if (is_named(c, quoted)) {
            *next = c->index + 1;
            return c;
        }
    }
    return NULL;
}

int image_read(const struct data_table *t, struct bytes json, struct image *ret)
{
    struct walk w = {json.at, json.at + json.len};
    unsigned next = 0;

    if (!json_is_valid(json))
        return ERR_INVALID;
    skip_space(&w);
    if (*w.at++ != '{')
        return ERR_INVALID;
    memset(ret, 0, sizeof(*ret));
    for (skip_space(&w); *w.at != '}'; skip_space(&w)) {
        const struct column *c;
        const char *from = w.at;

        skip_string(&w);
        c = named(t, taken(&w, from), &next);
        skip_space(&w);
        w.at++; /* the colon */
        skip_space(&w);
        from = w.at;
        skip_value(&w);
        if (c)
            ret->raw[c->index] = taken(&w, from);
        skip_space(&w);
        if (*w.at == ',')
            w.at++;
    }
    return 0;
}

bool image_same(const struct image *a, const struct image *b,
                const struct column *c)
{
    return bytes_equal(a->raw[c->index], b->raw[c->index]);
}
