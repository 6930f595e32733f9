/* SPDX-License-Identifier: MIT */
/*
 * list - a ring of embedded links; an element knows its neighbours.
 *
 * A link that is in no list points to itself, so list_remove() is safe on it.
 * Threads: loop.
 */
#ifndef FIELDLINE_BASE_LIST_H
#define FIELDLINE_BASE_LIST_H

#include "base/attr.h"

#include <stdbool.h>

struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_append(struct list *head, struct list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void list_prepend(struct list *head, struct list *link)
{
    list_append(head->next, link);
}

static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* Moves all links of from, in order, to the end of head. */
static inline void list_splice(struct list *head, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = head->prev;
    from->prev->next = head;
    head->prev->next = from->next;
    head->prev = from->prev;
    list_init(from);
}

/* The first element of a list that is not empty. */
#define LIST_FIRST(head, type, member) CONTAINER_OF((head)->next, type, member)

/* link walks the links themselves; the body may remove it. */
#define LIST_EACH_SAFE(head, link, after)                                      \
    for (struct list *link = (head)->next, *after = link->next;                \
         link != (head); link = after, after = link->next)

#endif
