/* SPDX-License-Identifier: MIT */
/*
 * nearest - a heap, and a sort of what was only appended.
 *
 * Sorting is a quicksort that hands a part over to the heap once it is split
 * badly too often (D. Musser, Introspective Sorting, 1997).
 * Threads: a struct nearest belongs to one.
 */
#include "geo/nearest.h"

#include "geo/measure.h"

#define RANK_MAX 64u /* parts so small are ranked */

static bool farther(const struct fl_geo_found *a, const struct fl_geo_found *b)
{
    if (a->distance_m != b->distance_m)
        return a->distance_m > b->distance_m;
    return a->id > b->id;
}

/* Puts one into the hole at i of a heap of count and restores its order. */
static void sink(struct fl_geo_found *heap, size_t count, size_t i,
                 struct fl_geo_found one)
{
    for (size_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && farther(&heap[child + 1], &heap[child]))
            child++;
        if (!farther(&heap[child], &one))
            break;
        heap[i] = heap[child];
    }
    heap[i] = one;
}

static void heap_make(struct fl_geo_found *heap, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sink(heap, count, i, heap[i]);
}

/* The heap's root is the farthest: taking it off fills the array from the end.
 */
static void heap_sort(struct fl_geo_found *heap, size_t count)
{
    for (size_t n = count; n > 1; n--) {
        struct fl_geo_found last = heap[n - 1];

        heap[n - 1] = heap[0];
        sink(heap, n - 1, 0, last);
    }
}

void nearest_heap(struct nearest *n)
{
    if (!n->heaped)
        heap_make(n->found, n->count);
    n->heaped = true;
}

bool nearest_offer(struct nearest *n, const struct fl_geo_found *one)
{
    if (n->count < n->max) {
        n->found[n->count++] = *one;
        return false;
    }
    nearest_heap(n);
    if (!farther(&n->found[0], one))
        return false;
    sink(n->found, n->count, 0, *one);
    return true;
}

/* Small parts: everyone's place is how many stand before, without a branch. */
static void rank_sort(struct fl_geo_found *at, uint32_t count)
{
    struct fl_geo_found copy[RANK_MAX];
    double metres[RANK_MAX];
    uint64_t ids[RANK_MAX], ranks[RANK_MAX];

    if (count < 2)
        return;
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = at[i];
        metres[i] = at[i].distance_m;
        ids[i] = at[i].id;
    }
    if (!measure_nearer(metres, count, ranks))
        measure_ranks(metres, ids, count, ranks);
    for (uint32_t i = 0; i < count; i++)
        at[ranks[i]] = copy[i];
}

static void swap(struct fl_geo_found *a, struct fl_geo_found *b)
{
    struct fl_geo_found kept = *a;

    *a = *b;
    *b = kept;
}

/* Where the part was cut: 1..count-1. Nothing before it is farther. */
static size_t cut(struct fl_geo_found *at, size_t count)
{
    size_t low = 0, high = count - 1, middle = count / 2;

    if (farther(&at[low], &at[middle]))
        swap(&at[low], &at[middle]);
    if (farther(&at[middle], &at[high]))
        swap(&at[middle], &at[high]);
    if (farther(&at[low], &at[middle]))
        swap(&at[low], &at[middle]);

    const struct fl_geo_found pivot = at[middle];

    for (;; swap(&at[low], &at[high])) {
        while (farther(&pivot, &at[++low]))
            ;
        while (farther(&at[--high], &pivot))
            ;
        if (low >= high)
            return low;
    }
}

static void quick_sort(struct fl_geo_found *at, size_t count, unsigned depth)
{
    while (count > RANK_MAX) {
        if (depth-- == 0) {
            heap_make(at, count);
            heap_sort(at, count);
            return;
        }

        size_t left = cut(at, count);

        quick_sort(at + left, count - left, depth);
        count = left;
    }
    rank_sort(at, (uint32_t)count);
}

void nearest_sort(struct nearest *n)
{
    unsigned depth = 2 * (64 - (unsigned)__builtin_clzll(n->count | 1));

    if (n->heaped)
        heap_sort(n->found, n->count);
    else
        quick_sort(n->found, n->count, depth);
}
