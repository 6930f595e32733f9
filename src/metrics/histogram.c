/* SPDX-License-Identifier: MIT */
/*
 * histogram - see the header for the shape.
 *
 * Only the recording thread stores, so an increment is a relaxed load and a
 * relaxed store: no locked instruction. A reader may see a value's bucket
 * before its total, never a torn number.
 * Threads: one records; any may fold meanwhile.
 */
#include "metrics/histogram.h"

#include "base/mem.h"

#include <math.h>
#include <stdatomic.h>

struct octave {
    _Atomic uint64_t subs[HISTOGRAM_SUBS];
};

struct histogram {
    struct octave *_Atomic octaves[HISTOGRAM_OCTAVES];
    _Atomic uint64_t total_ns;
    _Atomic uint64_t max_ns;
};

struct histogram *histogram_new(void)
{
    return mem_zalloc(1, sizeof(struct histogram));
}

void histogram_free(struct histogram **histogram)
{
    struct histogram *h = *histogram;

    *histogram = NULL;
    if (!h)
        return;
    for (unsigned i = 0; i < HISTOGRAM_OCTAVES; i++)
        mem_free(atomic_load(&h->octaves[i]));
    mem_free(h);
}

unsigned histogram_bucket(uint64_t ns)
{
    const uint64_t low = UINT64_C(1) << HISTOGRAM_OCTAVE_FIRST;
    const uint64_t high = low << HISTOGRAM_OCTAVES;

    if (ns < low)
        ns = low;
    if (ns >= high)
        ns = high - 1;

    unsigned exponent = 63 - (unsigned)__builtin_clzll(ns);
    unsigned sub = (unsigned)(ns >> (exponent - HISTOGRAM_SUB_BITS)) &
                   (HISTOGRAM_SUBS - 1);

    return (exponent - HISTOGRAM_OCTAVE_FIRST) * HISTOGRAM_SUBS + sub;
}

uint64_t histogram_bucket_middle(unsigned bucket)
{
    unsigned exponent = bucket / HISTOGRAM_SUBS + HISTOGRAM_OCTAVE_FIRST;
    uint64_t width = UINT64_C(1) << (exponent - HISTOGRAM_SUB_BITS);

    return (UINT64_C(1) << exponent) + bucket % HISTOGRAM_SUBS * width +
           width / 2;
}

static void own_add(_Atomic uint64_t *cell, uint64_t n)
{
    uint64_t was = atomic_load_explicit(cell, memory_order_relaxed);

    atomic_store_explicit(cell, was + n, memory_order_relaxed);
}

static struct octave *octave_of(struct histogram *h, unsigned i)
{
    struct octave *o =
        atomic_load_explicit(&h->octaves[i], memory_order_relaxed);

    if (LIKELY(o))
        return o;
    o = mem_zalloc(1, sizeof(*o));
    atomic_store_explicit(&h->octaves[i], o, memory_order_release);
    return o;
}

void histogram_record(struct histogram *h, uint64_t ns)
{
    unsigned bucket = histogram_bucket(ns);
    struct octave *o = octave_of(h, bucket / HISTOGRAM_SUBS);

    if (UNLIKELY(!o))
        return; /* out of memory: this value is lost, nothing else */
    own_add(&o->subs[bucket % HISTOGRAM_SUBS], 1);
    own_add(&h->total_ns, ns);
    if (ns > atomic_load_explicit(&h->max_ns, memory_order_relaxed))
        atomic_store_explicit(&h->max_ns, ns, memory_order_relaxed);
}

void histogram_add_to(const struct histogram *h, struct histogram_sum *sum)
{
    uint64_t max = atomic_load_explicit(&h->max_ns, memory_order_relaxed);

    sum->total_ns += atomic_load_explicit(&h->total_ns, memory_order_relaxed);
    if (max > sum->max_ns)
        sum->max_ns = max;
    for (unsigned i = 0; i < HISTOGRAM_OCTAVES; i++) {
        const struct octave *o =
            atomic_load_explicit(&h->octaves[i], memory_order_acquire);

        for (unsigned n = 0; o && n < HISTOGRAM_SUBS; n++) {
            uint64_t count =
                atomic_load_explicit(&o->subs[n], memory_order_relaxed);

            sum->buckets[i * HISTOGRAM_SUBS + n] += count;
            sum->count += count;
        }
    }
}

uint64_t histogram_quantile(const struct histogram_sum *sum, double q)
{
    uint64_t rank = (uint64_t)ceil(q * (double)sum->count), seen = 0;

    if (sum->count == 0)
        return 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += sum->buckets[i];
        if (seen < rank || seen == 0)
            continue;

        uint64_t middle = histogram_bucket_middle(i);

        return middle < sum->max_ns ? middle : sum->max_ns;
    }
    return sum->max_ns;
}
