/* SPDX-License-Identifier: MIT */
/*
 * desk - three reads in four are of single stops, most of them the same few,
 * as on a page that people keep open; the rest are the script's lists.
 * Threads: loop.
 */
#include "cli/desk.h"

#include "base/error.h"
#include "base/mem.h"
#include "cli/demo_client.h"
#include "cli/demo_script.h"
#include "net/loop.h"

#define ITEMS_MAX  100
#define ITEM_SHARE 0.75

struct desk {
    struct demo_client client;
    struct timer tick;
    bool asking;
    unsigned item_count;
    char items[ITEMS_MAX][DEMO_KEY_MAX];
};

static void on_items(struct http_client *client, int error,
                     const struct http_head *head, struct bytes body, void *arg)
{
    struct desk *d = arg;
    json_t *rows = demo_rows(head, body), *row;
    size_t i;

    d->asking = false;
    json_array_foreach(rows, i, row)
    {
        if (d->item_count == ITEMS_MAX)
            break;
        if (demo_row_key(row, d->items[d->item_count]))
            d->item_count++;
    }
    json_decref(rows);
}

static void on_read(struct http_client *client, int error,
                    const struct http_head *head, struct bytes body, void *arg)
{
    struct desk *d = arg;

    d->asking = false;
}

static void ask(struct desk *d)
{
    struct demo_world *world = d->client.world;
    const struct demo_desk_script *s = &world->script->desk;
    double r = demo_random(world);
    int error;

    if (d->item_count == 0) {
        error = demo_client_ask(&d->client, s->items, BYTES(""), BYTES(""),
                                on_items, d);
    } else if (demo_random(world) < ITEM_SHARE) {
        unsigned i = (unsigned)(r * r * d->item_count);

        error = demo_client_ask(&d->client, s->item, bytes_of(d->items[i]),
                                BYTES(""), on_read, d);
    } else {
        error =
            demo_client_ask(&d->client, s->reads[(unsigned)(r * s->read_count)],
                            BYTES(""), BYTES(""), on_read, d);
    }
    d->asking = error == 0;
}

static void on_tick(struct timer *timer, void *arg)
{
    struct desk *d = arg;
    struct demo_world *world = d->client.world;

    if (!d->asking)
        ask(d);
    timer_start(world->loop, timer, world->script->desk.every_ms);
}

int desk_new(struct desk **ret, struct demo_world *world, struct bytes token)
{
    struct desk *d = mem_zalloc(1, sizeof(*d));
    int error;

    if (!d)
        return ERR_NOMEM;
    timer_init(&d->tick, on_tick, d);
    error = demo_client_init(&d->client, world, token);
    if (error) {
        desk_free(&d);
        return error;
    }
    timer_start(
        world->loop, &d->tick,
        (uint64_t)(demo_random(world) * (double)world->script->desk.every_ms));
    *ret = d;
    return 0;
}

void desk_free(struct desk **desk)
{
    struct desk *d = *desk;

    if (!d)
        return;
    timer_stop(&d->tick);
    demo_client_fini(&d->client);
    mem_free(d);
    *desk = NULL;
}
