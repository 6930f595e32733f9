/* SPDX-License-Identifier: MIT */
/*
 * router - the trie and the walk.
 *
 * The walk goes back at most once per segment (a literal that led nowhere,
 * then the parameter), and templates are few and ours, so its cost is bounded
 * by them and not by the peer.
 * Threads: immutable once the routes are added.
 */
#include "edge/router.h"

#include "base/error.h"
#include "base/mem.h"
#include "edge/edge.h"

#define METHODS (HTTP_OPTIONS + 1)

struct node {
    struct bytes literal;  /* empty: of a parameter */
    struct node *literals; /* the first child with a literal */
    struct node *next;     /* its sibling */
    struct node *param;    /* the child for any segment */
    const struct route *here[METHODS];
    const struct route *rest[METHODS];
};

struct router {
    struct node root;
};

struct walk {
    struct router_match *match;
    enum http_method method;
    unsigned params;
};

int router_new(struct router **ret)
{
    struct router *r = mem_zalloc(1, sizeof(*r));

    if (!r)
        return ERR_NOMEM;
    *ret = r;
    return 0;
}

/* Depth is bounded by ROUTER_SEGMENTS_MAX. */
static void children_free(struct node *n)
{
    for (struct node *child = n->literals; child;) {
        struct node *next = child->next;

        children_free(child);
        mem_free(child);
        child = next;
    }
    if (n->param) {
        children_free(n->param);
        mem_free(n->param);
    }
}

void router_free(struct router **router)
{
    if (*router) {
        children_free(&(*router)->root);
        mem_free(*router);
    }
    *router = NULL;
}

static struct node *child_of(struct node *n, struct bytes segment)
{
    bool is_param = segment.len && segment.at[0] == ':';
    struct node **place = &n->param;

    if (!is_param) {
        for (place = &n->literals; *place; place = &(*place)->next)
            if (bytes_equal((*place)->literal, segment))
                break;
    }
    if (!*place)
        *place = mem_zalloc(1, sizeof(**place));
    if (*place && !is_param)
        (*place)->literal = segment;
    return *place;
}

int router_add(struct router *r, const struct route *route)
{
    struct bytes left = bytes_of(route->template), segment;
    const struct route **place = NULL;
    struct node *n = &r->root;
    unsigned params = 0, depth = 0;

    if (left.len == 0 || left.at[0] != '/' || route->method == HTTP_OTHER)
        return ERR_INVALID;
    left = bytes_skip(left, 1);
    for (bool more = true; more;) {
        more = bytes_cut(left, '/', &segment, &left);
        if (++depth > ROUTER_SEGMENTS_MAX)
            return ERR_INVALID;
        params += segment.len && (segment.at[0] == ':' || segment.at[0] == '*');
        if (params > EXCHANGE_PARAMS_MAX)
            return ERR_INVALID;
        if (segment.len && segment.at[0] == '*') {
            if (more)
                return ERR_INVALID;
            place = &n->rest[route->method];
            break;
        }
        n = child_of(n, segment);
        if (!n)
            return ERR_NOMEM;
        place = &n->here[route->method];
    }
    if (*place)
        return ERR_EXISTS;
    *place = route;
    return 0;
}

static bool take(struct walk *w, const struct route *const at[METHODS])
{
    enum http_method m = w->method;

    for (unsigned i = 0; i < METHODS; i++)
        w->match->allowed |= at[i] ? 1u << i : 0;
    if (m == HTTP_HEAD && !at[m])
        m = HTTP_GET;
    w->match->route = at[m];
    return at[m] != NULL;
}

/* left: the path from this segment on; more: there is a segment. */
static bool walk(struct walk *w, const struct node *n, struct bytes left,
                 bool more)
{
    struct bytes segment, after;
    unsigned params = w->params;

    if (!more)
        return take(w, n->here);

    bool rest_more = bytes_cut(left, '/', &segment, &after);

    for (const struct node *c = n->literals; c; c = c->next) {
        if (bytes_equal(c->literal, segment)) {
            if (walk(w, c, after, rest_more))
                return true;
            break;
        }
    }
    w->params = params;
    if (n->param && segment.len) {
        w->match->params[w->params++] = segment;
        if (walk(w, n->param, after, rest_more))
            return true;
        w->params = params;
    }
    if (!take(w, n->rest))
        return false;
    w->match->params[params] = left;
    return true;
}

enum router_verdict router_find(const struct router *r, struct bytes path,
                                enum http_method method,
                                struct router_match *ret)
{
    struct walk w = {.match = ret, .method = method};

    *ret = (struct router_match){0};
    if (path.len && path.at[0] == '/' &&
        walk(&w, &r->root, bytes_skip(path, 1), true))
        return ROUTER_FOUND;
    return ret->allowed ? ROUTER_NOT_ALLOWED : ROUTER_NOT_FOUND;
}
