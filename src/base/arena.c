/* SPDX-License-Identifier: MIT */
/*
 * arena - chunks in a list, the newest first; pieces are cut from its front.
 *
 * Invariant: used is the sum of the chunks' sizes and never passes max.
 * Threads: loop.
 */
#include "base/arena.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

#define ARENA_CHUNK_FIRST ((size_t)4096)
#define ARENA_ALIGN       ((size_t)16)

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_PIECES_APART true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_PIECES_APART true
#endif
#endif
#ifndef ARENA_PIECES_APART
#define ARENA_PIECES_APART false
#endif

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; /* with this header */
    _Alignas(ARENA_ALIGN) char bytes[];
};

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){.max = max};
}

void arena_fini(struct arena *a)
{
    for (struct arena_chunk *c = a->chunk; c;) {
        struct arena_chunk *older = c->older;

        mem_free(c);
        c = older;
    }
    arena_init(a, a->max);
}

static void chunk_open(struct arena *a, struct arena_chunk *c)
{
    a->chunk = c;
    a->at = c->bytes;
    a->left = c->size - sizeof(*c);
}

/* Keeps the first chunk, unless one big piece made it. */
void arena_clear(struct arena *a)
{
    struct arena_chunk *c = a->chunk;

    while (c && c->older) {
        struct arena_chunk *older = c->older;

        mem_free(c);
        c = older;
    }
    a->chunk = c;
    if (!c || ARENA_PIECES_APART || c->size > ARENA_CHUNK_FIRST) {
        arena_fini(a);
        return;
    }
    a->used = c->size;
    chunk_open(a, c);
}

static int chunk_add(struct arena *a, size_t piece)
{
    size_t room = a->max - a->used;
    size_t size = a->chunk ? 2 * a->chunk->size : ARENA_CHUNK_FIRST;

    if (room < sizeof(struct arena_chunk) ||
        piece > room - sizeof(struct arena_chunk))
        return -1;
    if (ARENA_PIECES_APART || size < piece + sizeof(struct arena_chunk))
        size = piece + sizeof(struct arena_chunk);
    if (size > room)
        size = room;

    struct arena_chunk *c = mem_alloc(size);

    if (!c)
        return -1;
    c->older = a->chunk;
    c->size = size;
    a->used += size;
    chunk_open(a, c);
    return 0;
}

static void *arena_cut(struct arena *a, size_t size, size_t align)
{
    size_t pad = -(uintptr_t)a->at & (align - 1);

    if (ARENA_PIECES_APART || pad > a->left || size > a->left - pad) {
        if (chunk_add(a, size) < 0)
            return NULL;
        pad = 0;
    }

    char *piece = a->at + pad;

    a->at = piece + size;
    a->left -= pad + size;
    return piece;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return arena_cut(a, size, ARENA_ALIGN);
}

void *arena_zalloc(struct arena *a, size_t size)
{
    void *piece = arena_alloc(a, size);

    return piece ? memset(piece, 0, size) : NULL;
}

char *arena_bytes(struct arena *a, size_t size)
{
    return arena_cut(a, size, 1);
}

struct bytes arena_copy(struct arena *a, struct bytes b)
{
    char *copy = b.len < SIZE_MAX ? arena_bytes(a, b.len + 1) : NULL;

    if (!copy)
        return (struct bytes){NULL, 0};
    if (b.len)
        memcpy(copy, b.at, b.len);
    copy[b.len] = '\0';
    return (struct bytes){copy, b.len};
}

struct bytes arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    char *text = NULL;

    va_start(args, fmt);
    va_copy(again, args);

    int len = vsnprintf(NULL, 0, fmt, args);

    if (len >= 0)
        text = arena_bytes(a, (size_t)len + 1);
    if (text)
        (void)vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    va_end(args);
    return text ? (struct bytes){text, (size_t)len} : (struct bytes){NULL, 0};
}
