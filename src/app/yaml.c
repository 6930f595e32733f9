/* SPDX-License-Identifier: MIT */
/*
 * yaml - the tree out of libfyaml's events.
 *
 * Aliases point at nodes that are complete, so a tree has no cycles. An alias
 * becomes a node of its own that shares its target's children.
 * Threads: immutable once built.
 */
#include "app/yaml.h"

#include "app/mistakes.h"
#include "base/arena.h"
#include "base/error.h"

#include <libfyaml.h>

#define ANCHORS_MAX 64
#define KEYS_MAX    1000 /* in one mapping */

struct frame { /* a collection that is still open */
    struct yaml *node;
    struct yaml *last;
    struct bytes key; /* a mapping's key whose value is to come */
    size_t key_at;
    bool has_key;
    struct bytes anchor;
};

struct builder {
    struct arena *arena;
    struct mistakes *mistakes;
    struct fy_parser *parser;
    struct yaml *root;
    unsigned depth;
    unsigned anchor_count;
    struct frame frames[YAML_DEPTH_MAX];
    struct {
        struct bytes name;
        const struct yaml *node;
    } anchors[ANCHORS_MAX];
};

static int refuse(struct builder *b, size_t at, const char *problem,
                  const char *expected)
{
    mistakes_add(b->mistakes, at, 1, bytes_of(expected), "%s", problem);
    return ERR_INVALID;
}

/* libfyaml points behind the opening quote. */
static size_t event_at(const struct builder *b, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    enum fy_node_style style = fy_event_get_node_style(event);
    const struct frame *top = b->depth ? &b->frames[b->depth - 1] : NULL;

    if (!mark) /* an empty value stands behind its key */
        return top && top->has_key ? top->key_at : 0;
    if (mark->input_pos > 0 &&
        (style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED))
        return mark->input_pos - 1;
    return mark->input_pos;
}

static int token_copy(struct builder *b, struct fy_token *token,
                      struct bytes *ret)
{
    struct bytes text = {NULL, 0};

    if (token)
        text.at = fy_token_get_text(token, &text.len);
    *ret = arena_copy(b->arena, text);
    return ret->at ? 0 : ERR_NOMEM;
}

/*
 * A text in single quotes, in which '' is one quote: libfyaml 0.7 loses memory
 * on a text with many of them. at is the opening quote's.
 */
static int quoted_copy(struct builder *b, size_t at, struct bytes *ret)
{
    struct bytes s = bytes_skip(b->mistakes->text, at + 1);
    size_t end = 0, len = 0;
    char *out;

    while (end < s.len && s.at[end] != '\n' &&
           (s.at[end] != '\'' || (end + 1 < s.len && s.at[end + 1] == '\'')))
        end += s.at[end] == '\'' ? 2 : 1;
    if (end >= s.len || s.at[end] != '\'')
        return refuse(b, at, "single quotes over several lines",
                      "double quotes there");
    out = arena_bytes(b->arena, end + 1);
    if (!out)
        return ERR_NOMEM;
    for (size_t i = 0; i < end; i += s.at[i] == '\'' ? 2 : 1)
        out[len++] = s.at[i];
    out[len] = '\0';
    *ret = (struct bytes){out, len};
    return 0;
}

static int anchor_set(struct builder *b, struct bytes name,
                      const struct yaml *node)
{
    if (name.len == 0)
        return 0;
    if (b->anchor_count == ANCHORS_MAX)
        return refuse(b, node->at, "too many anchors", "at most 64");
    b->anchors[b->anchor_count].name = name;
    b->anchors[b->anchor_count++].node = node;
    return 0;
}

static const struct yaml *anchor_get(const struct builder *b, struct bytes name)
{
    for (unsigned i = b->anchor_count; i-- > 0;)
        if (bytes_equal(b->anchors[i].name, name))
            return b->anchors[i].node;
    return NULL;
}

/* A scalar where a key is due. */
static int take_key(struct builder *b, struct frame *top,
                    const struct yaml *scalar)
{
    top->key = scalar->text;
    top->key_at = scalar->at;
    top->has_key = true;
    if (top->node->count == KEYS_MAX)
        return refuse(b, scalar->at, "too many keys", "at most 1000");
    if (yaml_get(top->node, scalar->text))
        mistakes_add(b->mistakes, scalar->at, yaml_len(scalar),
                     BYTES("each key once"),
                     "the key '" BYTES_FMT "' stands here twice",
                     BYTES_ARG(scalar->text));
    return 0;
}

static int attach(struct builder *b, struct yaml *node)
{
    struct frame *top = b->depth ? &b->frames[b->depth - 1] : NULL;

    if (!top) {
        if (b->root)
            return refuse(b, node->at, "a second document",
                          "one document in a file");
        b->root = node;
        return 0;
    }
    if (top->node->kind == YAML_MAPPING) {
        if (!top->has_key) {
            if (node->kind != YAML_SCALAR)
                return refuse(b, node->at, "a key that is no word",
                              "a word as the key");
            return take_key(b, top, node);
        }
        node->key = top->key;
        node->key_at = top->key_at;
        top->has_key = false;
    }
    if (top->last)
        top->last->next = node;
    else
        top->node->first = node;
    top->last = node;
    top->node->count++;
    return 0;
}

/* What is below an open collection counts when it closes. */
static int weigh(struct builder *b, struct yaml *parent,
                 const struct yaml *child)
{
    parent->weight += child->weight; /* both below the limit */
    if (parent->weight > YAML_NODES_MAX)
        return refuse(b, child->at, "too much, with each alias written out",
                      "at most 20000 values");
    return 0;
}

static struct yaml *node_new(struct builder *b, enum yaml_kind kind, size_t at)
{
    struct yaml *node = arena_zalloc(b->arena, sizeof(*node));

    if (node) {
        node->kind = kind;
        node->at = at;
        node->weight = 1;
    }
    return node;
}

static int on_scalar(struct builder *b, struct fy_event *event)
{
    struct yaml *node = node_new(b, YAML_SCALAR, event_at(b, event));
    struct bytes anchor;
    int error;

    if (!node)
        return ERR_NOMEM;
    node->plain = fy_event_get_node_style(event) == FYNS_PLAIN;
    if (!fy_event_start_mark(event))
        node->plain = true;
    error = fy_event_get_node_style(event) == FYNS_SINGLE_QUOTED
                ? quoted_copy(b, node->at, &node->text)
                : token_copy(b, event->scalar.value, &node->text);
    if (!error && memchr(node->text.at, '\0', node->text.len))
        error = refuse(b, node->at, "a NUL character", "text without it");
    if (!error)
        error = token_copy(b, event->scalar.anchor, &anchor);
    if (!error)
        error = attach(b, node);
    if (!error)
        error = anchor_set(b, anchor, node);
    if (!error && b->depth)
        error = weigh(b, b->frames[b->depth - 1].node, node);
    return error;
}

static int on_alias(struct builder *b, struct fy_event *event)
{
    const struct yaml *target;
    struct yaml *node;
    struct bytes name;
    int error = token_copy(b, event->alias.anchor, &name);

    if (error)
        return error;
    target = anchor_get(b, name);
    if (!target) {
        mistakes_add(b->mistakes, event_at(b, event), name.len + 1,
                     BYTES("an alias follows its anchor"),
                     "the alias '*" BYTES_FMT "' names no anchor",
                     BYTES_ARG(name));
        return ERR_INVALID;
    }
    node = node_new(b, target->kind, 0);
    if (!node)
        return ERR_NOMEM;
    *node = *target;
    node->next = NULL;
    node->key = (struct bytes){NULL, 0};
    error = attach(b, node);
    if (!error && b->depth)
        error = weigh(b, b->frames[b->depth - 1].node, node);
    return error;
}

static int on_open(struct builder *b, struct fy_event *event,
                   enum yaml_kind kind, struct fy_token *anchor)
{
    struct yaml *node = node_new(b, kind, event_at(b, event));
    struct frame *frame;
    int error;

    if (!node)
        return ERR_NOMEM;
    if (b->depth == YAML_DEPTH_MAX)
        return refuse(b, node->at, "too deep", "at most 24 levels");
    error = attach(b, node);
    if (error)
        return error;
    frame = &b->frames[b->depth++];
    *frame = (struct frame){.node = node};
    return token_copy(b, anchor, &frame->anchor);
}

static int on_close(struct builder *b)
{
    struct frame *frame = &b->frames[--b->depth];
    int error = anchor_set(b, frame->anchor, frame->node);

    if (!error && b->depth)
        error = weigh(b, b->frames[b->depth - 1].node, frame->node);
    return error;
}

static int on_event(struct builder *b, struct fy_event *event)
{
    if (fy_event_get_tag_token(event))
        return refuse(b, event_at(b, event), "a tag", "the plain value");
    switch (event->type) {
    case FYET_SCALAR:
        return on_scalar(b, event);
    case FYET_ALIAS:
        return on_alias(b, event);
    case FYET_MAPPING_START:
        return on_open(b, event, YAML_MAPPING, event->mapping_start.anchor);
    case FYET_SEQUENCE_START:
        return on_open(b, event, YAML_LIST, event->sequence_start.anchor);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        return on_close(b);
    default:
        return 0;
    }
}

static void take_diagnostics(struct builder *b, struct fy_diag *diag)
{
    const struct fy_diag_error *one;
    void *walk = NULL;
    bool any = false;

    while ((one = fy_diag_errors_iterate(diag, &walk))) {
        size_t at = mistakes_offset(
            b->mistakes->text, one->line > 0 ? (unsigned)one->line : 1,
            one->column > 0 ? (unsigned)one->column : 1);

        mistakes_add(b->mistakes, at, 1, BYTES(""), "%s", one->msg);
        any = true;
    }
    if (!any)
        refuse(b, 0, "this is not YAML", "");
}

static int run(struct builder *b, struct fy_diag *diag)
{
    struct fy_event *event;
    int error = 0;

    while (!error && (event = fy_parser_parse(b->parser))) {
        error = on_event(b, event);
        fy_parser_event_free(b->parser, event);
    }
    if (!error && fy_parser_get_stream_error(b->parser)) {
        take_diagnostics(b, diag);
        error = ERR_INVALID;
    }
    if (!error && !b->root)
        error = refuse(b, 0, "the file is empty", "a mapping");
    return error;
}

static int check_text(struct builder *b, struct bytes text)
{
    if (text.len > YAML_BYTES_MAX)
        return refuse(b, 0, "the file is too large", "at most 512 KB");
    if (!bytes_is_utf8(text) || (text.len && memchr(text.at, 0, text.len)))
        return refuse(b, 0, "the file is not text", "UTF-8");
    return 0;
}

int yaml_read(struct yaml **ret, struct arena *arena, struct mistakes *mistakes)
{
    struct fy_diag_cfg diag_cfg;
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_JSON_NONE |
                                        FYPCF_DEFAULT_VERSION_1_2};
    struct builder *b = arena_zalloc(arena, sizeof(*b));
    struct fy_diag *diag;
    int error;

    if (!b)
        return ERR_NOMEM;
    b->arena = arena;
    b->mistakes = mistakes;
    error = check_text(b, mistakes->text);
    if (error)
        return error;
    fy_diag_cfg_default(&diag_cfg);
    diag = fy_diag_create(&diag_cfg);
    if (!diag)
        return ERR_NOMEM;
    fy_diag_set_collect_errors(diag, true);
    cfg.diag = diag;
    b->parser = fy_parser_create(&cfg);
    error = b->parser ? 0 : ERR_NOMEM;
    if (!error && mistakes->text.len > 0 &&
        fy_parser_set_string(b->parser, mistakes->text.at, mistakes->text.len))
        error = ERR_NOMEM;
    if (!error)
        error = mistakes->text.len > 0
                    ? run(b, diag)
                    : refuse(b, 0, "the file is empty", "a mapping");
    if (b->parser)
        fy_parser_destroy(b->parser);
    fy_diag_destroy(diag);
    if (!error)
        *ret = b->root;
    return error;
}

const struct yaml *yaml_get(const struct yaml *mapping, struct bytes key)
{
    if (mapping->kind != YAML_MAPPING)
        return NULL;
    for (const struct yaml *child = mapping->first; child; child = child->next)
        if (bytes_equal(child->key, key))
            return child;
    return NULL;
}

bool yaml_is_null(const struct yaml *node)
{
    return node->kind == YAML_SCALAR && node->plain &&
           (node->text.len == 0 || bytes_equal(node->text, BYTES("~")) ||
            bytes_equal(node->text, BYTES("null")));
}

const char *yaml_kind_name(const struct yaml *node)
{
    if (yaml_is_null(node))
        return "nothing";
    return node->kind == YAML_LIST      ? "a list"
           : node->kind == YAML_MAPPING ? "a mapping"
                                        : "a single value";
}

size_t yaml_len(const struct yaml *node)
{
    if (node->kind != YAML_SCALAR || node->text.len == 0)
        return 1;
    return node->text.len + (node->plain ? 0 : 2);
}
