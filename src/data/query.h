/* SPDX-License-Identifier: MIT */
/*
 * query - what of a resource is asked for, checked against what may be.
 *
 * query_init(), query_add() for each parameter of the query string, then
 * query_finish(). After it the query holds only declared filters and sorts,
 * columns that the viewer may read, and values of their columns' kinds. Every
 * mistake is ERR_INVALID with query.mistake naming the parameter, what was got
 * and what was expected.
 * Owner: the request; memory is its arena's. Threads: loop.
 */
#ifndef FIELDLINE_DATA_QUERY_H
#define FIELDLINE_DATA_QUERY_H

#include "data/data.h"
#include "data/mistake.h"
#include "store/store.h"

struct arena;
struct column;
struct relation;

#define QUERY_FILTERS_MAX   16
#define QUERY_VALUES_MAX    128 /* over all filters */
#define QUERY_ORDERS_MAX    4
#define QUERY_RELATIONS_MAX 4
#define QUERY_OFFSET_MAX    10000
#define QUERY_TEXT_MAX      1024 /* one filter's value */

/* Who is asking. */
struct viewer {
    struct bytes tenant; /* empty: none */
    struct bytes user;
    role_mask roles;
};

#define QUERY_OP_TABLE(X)                                                      \
    X(EQ, eq)                                                                  \
    X(NE, ne)                                                                  \
    X(LT, lt)                                                                  \
    X(LTE, lte)                                                                \
    X(GT, gt) X(GTE, gte) X(IN, in) X(LIKE, like) X(IS, is) X(CS, cs)

enum query_op {
#define X(name, text) QUERY_##name,
    QUERY_OP_TABLE(X)
#undef X
};

struct query_filter {
    const struct column *column;
    enum query_op op;
    bool negated;
    unsigned count; /* of values; IS NULL has none */
    struct value *values;
};
struct query_order {
    const struct column *column;
    bool descending;
};
struct query_relation {
    const struct relation *relation;
    uint64_t columns;
};

struct query {
    const struct data_resource *resource;
    struct viewer viewer;
    struct arena *arena;
    uint64_t columns; /* own, to be shown */
    unsigned filter_count, value_count, relation_count;
    unsigned order_count; /* the key comes last: a total order */
    unsigned limit;
    uint64_t offset;
    bool count;   /* of all pages, asked for */
    bool resumed; /* after holds where the page before ended */
    struct query_filter filters[QUERY_FILTERS_MAX];
    struct query_relation relations[QUERY_RELATIONS_MAX];
    struct query_order orders[QUERY_ORDERS_MAX + 1];
    struct value after[QUERY_ORDERS_MAX + 1];
    struct bytes cursor;
    unsigned given; /* which parameters, by bit */
    struct mistake mistake;
};

/* ERR_DENIED when the viewer can see nothing here. */
int query_init(struct query *, const struct data_resource *,
               const struct viewer *, struct arena *) MUST_CHECK;
int query_add(struct query *, struct bytes name, struct bytes value) MUST_CHECK;
int query_finish(struct query *, struct data_worker *) MUST_CHECK;

/* A viewer's tenant or user in the kind of the column that holds it (nothing
 * for NULL). ERR_DENIED when it is empty or the column spells it otherwise
 * ("07" is not 7): such a viewer sees nothing. */
int own_value(const struct column *, enum store_dialect, struct bytes text,
              struct arena *, struct value *ret) MUST_CHECK;

#endif
