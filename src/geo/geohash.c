/* SPDX-License-Identifier: MIT */
/*
 * geohash - a cell of the globe as text, five bits a letter.
 *
 * Each axis is cut 30 times in half; its cell's number is found by one
 * multiplication, and the bits of both are then interleaved, longitude first.
 * Edges are exact in a double (at most 39 bits), so the result is the one that
 * halving step by step would give, and a box is exactly its cell.
 * Threads: any.
 */
#include "geo/geo.h"

#include "base/error.h"

#include <string.h>

#define AXIS_BITS     30
#define LETTER_BITS   5
#define PRECISION_MAX 12

static const char alphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";

static double cell_edge(uint64_t cell, unsigned bits, double span)
{
    return (double)cell * span / (double)(UINT64_C(1) << bits) - span / 2;
}

/* Which of the 2^30 cells of an axis from -span/2 to span/2? */
static uint64_t cell_of(double value, double span)
{
    const uint64_t last = (UINT64_C(1) << AXIS_BITS) - 1;
    double cells = (double)(last + 1);
    uint64_t cell = (uint64_t)((value + span / 2) / span * cells);

    if (cell > last)
        cell = last;
    /* The sum above may round over an edge. */
    if (cell > 0 && value < cell_edge(cell, AXIS_BITS, span))
        cell--;
    else if (cell < last && value >= cell_edge(cell + 1, AXIS_BITS, span))
        cell++;
    return cell;
}

/* abcd -> 0a0b0c0d */
static uint64_t spread(uint64_t x)
{
    x = (x | x << 16) & 0x0000ffff0000ffffu;
    x = (x | x << 8) & 0x00ff00ff00ff00ffu;
    x = (x | x << 4) & 0x0f0f0f0f0f0f0f0fu;
    x = (x | x << 2) & 0x3333333333333333u;
    return (x | x << 1) & 0x5555555555555555u;
}

static uint64_t gather(uint64_t x)
{
    x &= 0x5555555555555555u;
    x = (x | x >> 1) & 0x3333333333333333u;
    x = (x | x >> 2) & 0x0f0f0f0f0f0f0f0fu;
    x = (x | x >> 4) & 0x00ff00ff00ff00ffu;
    x = (x | x >> 8) & 0x0000ffff0000ffffu;
    return (x | x >> 16) & 0x00000000ffffffffu;
}

int geohash_encode(struct geo_point p, unsigned precision, char ret[13])
{
    if (!geo_point_valid(p) || precision < 1 || precision > PRECISION_MAX)
        return ERR_RANGE;

    uint64_t bits =
        spread(cell_of(p.lng, 360.0)) << 1 | spread(cell_of(p.lat, 180.0));

    for (unsigned i = 0; i < precision; i++)
        ret[i] = alphabet[bits >> (2 * AXIS_BITS - LETTER_BITS * (i + 1)) & 31];
    ret[precision] = '\0';
    return 0;
}

int geohash_decode(const char *hash, size_t len, struct geo_box *ret)
{
    uint64_t bits = 0;

    if (len < 1 || len > PRECISION_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < len; i++) {
        const char *letter = memchr(alphabet, hash[i], sizeof(alphabet) - 1);

        if (!letter)
            return ERR_INVALID;
        bits = bits << LETTER_BITS | (uint64_t)(letter - alphabet);
    }

    unsigned total = LETTER_BITS * (unsigned)len;
    unsigned lat_bits = total / 2, lng_bits = total - lat_bits;
    /* The last bit is the longitude's if their number is odd. */
    uint64_t lng = gather(total % 2 ? bits : bits >> 1);
    uint64_t lat = gather(total % 2 ? bits >> 1 : bits);

    *ret = (struct geo_box){
        .south = cell_edge(lat, lat_bits, 180.0),
        .west = cell_edge(lng, lng_bits, 360.0),
        .north = cell_edge(lat + 1, lat_bits, 180.0),
        .east = cell_edge(lng + 1, lng_bits, 360.0),
    };
    return 0;
}
