/* SPDX-License-Identifier: MIT */
/*
 * pages_link - references between pages, rewritten to versioned names.
 *
 * A reference is a quoted relative path after href=, src=, url(, from or
 * import in HTML, CSS or JavaScript, that names another page which is not
 * HTML. A page's version is the hash of its text after its own references
 * were rewritten, so a change below is a change above; where modules refer to
 * each other in a ring, the reference that closes it keeps the plain name.
 * Threads: loop.
 */
#include "edge/pages_private.h"

#include "base/blob.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"

#define REFERENCE_MAX 256

static bool is_linked_type(struct bytes path)
{
    return bytes_ends(path, BYTES(".html")) ||
           bytes_ends(path, BYTES(".css")) || bytes_ends(path, BYTES(".js")) ||
           bytes_ends(path, BYTES(".mjs"));
}

/* Does what stands before a quote say that a reference follows? */
static bool is_introduced(struct bytes before)
{
    static const struct bytes words[] = {BYTES("href="),  BYTES("src="),
                                         BYTES("url("),   BYTES("from"),
                                         BYTES("import"), BYTES("import(")};

    while (before.len && before.at[before.len - 1] == ' ')
        before.len--;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (bytes_ends(before, words[i]))
            return true;
    return false;
}

/* The page that a relative reference means from where it stands, or NULL. */
static struct page *page_referred(struct pages *p, const struct page *from,
                                  struct bytes reference)
{
    char path[REFERENCE_MAX * 2];
    size_t dir = from->path.len;

    while (dir && from->path.at[dir - 1] != '/')
        dir--;
    if (bytes_starts(reference, BYTES("./")))
        reference = bytes_skip(reference, 2);
    while (bytes_starts(reference, BYTES("../")) && dir) {
        reference = bytes_skip(reference, 3);
        do
            dir--;
        while (dir && from->path.at[dir - 1] != '/');
    }
    if (reference.len == 0 || dir + reference.len > sizeof(path))
        return NULL;
    memcpy(path, from->path.at, dir);
    memcpy(path + dir, reference.at, reference.len);

    struct page_name *n =
        table_get(p->names, (struct bytes){path, dir + reference.len});

    return n && !n->versioned ? n->page : NULL;
}

/* The reference with its last part taken from the versioned name. */
static void reference_append(struct buf *out, struct bytes reference,
                             struct bytes versioned)
{
    size_t keep = reference.len, skip = versioned.len;

    while (keep && reference.at[keep - 1] != '/')
        keep--;
    while (skip && versioned.at[skip - 1] != '/')
        skip--;
    buf_append(out, (struct bytes){reference.at, keep});
    buf_append(out, bytes_skip(versioned, skip));
}

static int text_link(struct pages *p, struct page *page, struct buf *out)
{
    struct bytes text = blob_bytes(page->body);
    size_t done = 0;

    for (size_t i = 0; i < text.len; i++) {
        char quote = text.at[i];
        struct bytes rest = bytes_skip(text, i + 1);

        if ((quote != '"' && quote != '\'') ||
            !is_introduced((struct bytes){text.at, i}))
            continue;

        const char *end = memchr(rest.at, quote, rest.len);
        struct bytes reference = {rest.at, end ? (size_t)(end - rest.at) : 0};

        if (reference.len == 0 || reference.len > REFERENCE_MAX)
            continue;

        struct page *to = page_referred(p, page, reference);

        if (!to || bytes_ends(to->path, BYTES(".html")))
            continue;

        int error = to->link == PAGE_LINKING ? 0 : page_link(p, to);

        if (error < 0)
            return error;
        if (to->link != PAGE_LINKED)
            continue;
        buf_append(out, (struct bytes){text.at + done, i + 1 - done});
        reference_append(out, reference, to->versioned);
        done = i + 1 + reference.len;
        i = done;
    }
    buf_append(out, bytes_skip(text, done));
    return buf_error(out);
}

static int page_version(struct pages *p, struct page *page)
{
    unsigned hash = (unsigned)(hash_stable(blob_bytes(page->body)) >> 32);
    size_t dot = page->path.len;

    while (dot && page->path.at[dot - 1] != '.' &&
           page->path.at[dot - 1] != '/')
        dot--;
    if (dot == 0 || page->path.at[dot - 1] == '/')
        dot = page->path.len + 1; /* no ending */
    page->versioned =
        arena_printf(&p->arena, BYTES_FMT ".%08x%s" BYTES_FMT, (int)(dot - 1),
                     page->path.at, hash, dot <= page->path.len ? "." : "",
                     BYTES_ARG(bytes_skip(page->path, dot)));
    if (!page->versioned.at)
        return ERR_NOMEM;
    return pages_name(p, page->versioned, page, true);
}

/* Depth is bounded by the number of pages: each is entered once. */
int page_link(struct pages *p, struct page *page)
{
    struct blob *linked = NULL;
    struct buf out;
    int error = 0;

    if (page->link == PAGE_LINKED)
        return 0;
    page->link = PAGE_LINKING;
    if (is_linked_type(page->path)) {
        buf_init(&out, 2 * PAGES_FILE_BYTES_MAX);
        error = text_link(p, page, &out);
        if (error == 0)
            error = buf_take(&out, &linked);
        buf_fini(&out);
        if (error < 0)
            return error;
        blob_unref(&page->body);
        page->body = linked;
    }
    error = page_version(p, page);
    page->link = PAGE_LINKED;
    return error;
}
