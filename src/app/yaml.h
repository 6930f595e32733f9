/* SPDX-License-Identifier: MIT */
/*
 * yaml - a text as a tree whose every node knows where it stands.
 *
 * The tree is built from libfyaml's events and lives in the caller's arena.
 * It holds the part of YAML that people write by hand: mappings with words as
 * keys, lists, scalars, anchors and aliases. Bounds: YAML_BYTES_MAX of text,
 * YAML_DEPTH_MAX levels, YAML_NODES_MAX nodes counted AFTER each alias has
 * been written out, so that a few lines cannot stand for a billion nodes.
 * Threads: immutable once built.
 */
#ifndef FIELDLINE_APP_YAML_H
#define FIELDLINE_APP_YAML_H

#include "base/bytes.h"

struct arena;
struct mistakes;

#define YAML_BYTES_MAX (512u << 10)
#define YAML_DEPTH_MAX 24
#define YAML_NODES_MAX 20000

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAPPING };

struct yaml {
    enum yaml_kind kind;
    bool plain;        /* a scalar without quotes */
    unsigned count;    /* of children */
    unsigned weight;   /* nodes below it and itself, aliases written out */
    size_t at;         /* offset in the text */
    size_t key_at;     /* a mapping's child: its key's */
    struct bytes key;  /* a mapping's child */
    struct bytes text; /* a scalar */
    struct yaml *first;
    struct yaml *next;
};

/* The root of the one document in mistakes->text; a key that stands twice is
 * added to mistakes and the tree is still made. ERR_INVALID: there is no tree,
 * and mistakes say why. ERR_NOMEM. */
int yaml_read(struct yaml **ret, struct arena *, struct mistakes *) MUST_CHECK;

const struct yaml *yaml_get(const struct yaml *mapping, struct bytes key);
bool yaml_is_null(const struct yaml *);          /* nothing, ~ or null */
const char *yaml_kind_name(const struct yaml *); /* "a list", for people */
/* As the person wrote it: the length of what a caret underlines. */
size_t yaml_len(const struct yaml *);

#endif
