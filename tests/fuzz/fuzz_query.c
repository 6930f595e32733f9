/* SPDX-License-Identifier: MIT */
/*
 * fuzz_query - a query string is refused by name or answered with JSON, and
 * the answer never holds a byte of the other tenant.
 *
 * Each input is run against a real store. Options: bit 0 asks as a driver,
 * bits 1 and 2 choose the resource, bit 3 asks for an item. Cursors are opened
 * with a fixed secret, so that the corpus holds good ones.
 * Threads: as fixture.h has it.
 */
#include "fuzz.h"
#include "../unit/data/fixture.h"

#include "json/json.h"

#define QUERY_MAX 2000

static struct fixture *lab;

static void lab_end(void)
{
    fixture_free(lab);
}

static void lab_begin(void)
{
    if (lab)
        return;
    lab = lab_new();
    (void)atexit(lab_end);
}

static void check_answer(const struct got *g)
{
    static const char *const theirs[] = {"theirs", "s4", "Foreign"};

    FUZZ_CHECK(json_is_valid(bytes_of(g->body)));
    for (size_t i = 0; i < ARRAY_LEN(theirs); i++)
        FUZZ_CHECK(!strstr(g->body, theirs[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const resources[] = {"stops", "routes", "mine",
                                            "clinics"};
    struct bytes in = {(const char *)data, size};
    unsigned options = fuzz_options(&in);
    char query[QUERY_MAX + 1];
    struct got g;

    if (in.len > QUERY_MAX)
        return 0;
    lab_begin();
    if (in.len)
        memcpy(query, in.at, in.len);
    query[in.len] = '\0';
    fixture_item(lab, options & 1 ? driver : manager,
                 resources[options >> 1 & 3], options & 8 ? "1" : NULL, query,
                 &g);
    if (g.error == 0)
        check_answer(&g);
    else
        FUZZ_CHECK(g.error == ERR_NOT_FOUND ||
                   (g.error == ERR_INVALID && g.mistake.text[0]));
    got_fini(&g);
    return 0;
}
