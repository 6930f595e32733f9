/* SPDX-License-Identifier: MIT */
/*
 * pages_private - a page, and what reading and linking share.
 * Threads: loop, until pages_routes(); immutable after.
 */
#ifndef FIELDLINE_EDGE_PAGES_PRIVATE_H
#define FIELDLINE_EDGE_PAGES_PRIVATE_H

#include "base/arena.h"
#include "base/table.h"
#include "edge/pages.h"

struct reply;

#define PAGE_HASH_LEN 8 /* hexadecimal digits in a versioned name */

enum page_link { PAGE_RAW, PAGE_LINKING, PAGE_LINKED };

struct page {
    struct bytes path;      /* "css/app.css" */
    struct bytes versioned; /* "css/app.1f3a5c7e.css"; once linked */
    const char *type;
    struct blob *body;
    enum page_link link;
    struct reply *plain;     /* to be asked for again each time */
    struct reply *immutable; /* for the versioned name */
};

/* A name under which a page is found. */
struct page_name {
    struct bytes path;
    struct page *page;
    bool versioned;
};

struct pages {
    struct arena arena;
    struct table *names; /* of struct page_name */
    struct page **all;
    size_t count, cap, bytes;
    char *redirect; /* the prefix with its slash */
};

/* body is taken. ERR_EXISTS, ERR_LIMIT, ERR_NOMEM. */
int pages_put(struct pages *, struct bytes path, const char *type,
              struct blob *body) MUST_CHECK;
int pages_name(struct pages *, struct bytes path, struct page *,
               bool versioned) MUST_CHECK;
int pages_read_dir(struct pages *, const char *dir) MUST_CHECK;
/* Rewrites the references of one page to versioned names, those it refers to
 * first, and gives it its own. */
int page_link(struct pages *, struct page *) MUST_CHECK;
const char *pages_type_of(struct bytes path);

#endif
