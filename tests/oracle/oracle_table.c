/* SPDX-License-Identifier: MIT */
/*
 * oracle_table - base/table against an array that is looked up by number.
 * Threads: loop.
 */
#include "base/error.h"
#include "base/table.h"
#include "seed.h"

#define KEYS  300
#define STEPS 400000

struct key {
    char name[16];
    bool inside;
};

static struct key keys[KEYS];
static size_t count;

static struct bytes name_of(const struct key *k)
{
    return bytes_of(k->name);
}

static void check_walk(struct table *t, struct random *r)
{
    size_t cursor = 0, walked = 0;
    struct key *k;

    while ((k = table_next(t, &cursor))) {
        CHECK(k->inside);
        walked++;
        if (random_below(r, 8) == 0) {
            CHECK(table_remove(t, name_of(k)) == k);
            k->inside = false;
            count--;
            walked--;
        }
    }
    CHECK(walked == count);
}

static void step(struct table *t, struct random *r, size_t max)
{
    struct key *k = &keys[random_below(r, KEYS)];
    int want = k->inside ? ERR_EXISTS : count == max ? ERR_LIMIT : 0;

    switch (random_below(r, 3)) {
    case 0:
        CHECK(table_put(t, name_of(k), k) == want);
        count += want == 0;
        k->inside |= want == 0;
        break;
    case 1:
        CHECK(table_remove(t, name_of(k)) == (k->inside ? k : NULL));
        count -= k->inside;
        k->inside = false;
        break;
    default:
        CHECK(table_get(t, name_of(k)) == (k->inside ? k : NULL));
    }
    CHECK(table_count(t) == count);
}

int main(void)
{
    struct random r = random_start();
    size_t max = 1 + random_below(&r, KEYS);
    struct table *t;

    for (int i = 0; i < KEYS; i++)
        (void)snprintf(keys[i].name, sizeof(keys[i].name), "key%d", i);
    CHECK(table_new(&t, max) == 0);
    for (int i = 0; i < STEPS; i++) {
        step(t, &r, max);
        if (i % 1000 == 0)
            check_walk(t, &r);
    }
    table_free(&t);
    return 0;
}
