/* SPDX-License-Identifier: MIT */
/*
 * conditional - a list of entity tags, walked once.
 * Threads: any.
 */
#include "edge/conditional.h"

struct tag {
    struct bytes text; /* between the quotes */
    bool weak;
};

/* False at the end, or at what is not a tag: the rest is then ignored. */
static bool tag_next(struct bytes *list, struct tag *ret)
{
    while (list->len &&
           (list->at[0] == ' ' || list->at[0] == '\t' || list->at[0] == ','))
        *list = bytes_skip(*list, 1);
    ret->weak = bytes_starts(*list, BYTES("W/"));
    if (ret->weak)
        *list = bytes_skip(*list, 2);
    if (list->len < 2 || list->at[0] != '"')
        return false;

    struct bytes rest = bytes_skip(*list, 1);
    const char *quote = memchr(rest.at, '"', rest.len);

    if (!quote)
        return false;
    ret->text = (struct bytes){rest.at, (size_t)(quote - rest.at)};
    *list = bytes_skip(rest, ret->text.len + 1);
    return true;
}

/* Which coding it was sent in makes no difference to what it says. */
static struct bytes without_coding(struct bytes text)
{
    if (bytes_ends(text, BYTES(ETAG_GZIP_SUFFIX)))
        text.len -= sizeof(ETAG_GZIP_SUFFIX) - 1;
    return text;
}

bool etag_list_has(struct bytes list, struct bytes etag)
{
    struct tag own, tag;

    if (bytes_equal(list, BYTES("*")))
        return true;
    if (!tag_next(&etag, &own))
        return false;
    while (tag_next(&list, &tag))
        if (bytes_equal(without_coding(tag.text), without_coding(own.text)))
            return true;
    return false;
}

bool etag_list_has_version(struct bytes list, struct bytes version)
{
    struct tag tag;

    if (bytes_equal(list, BYTES("*")))
        return true;
    while (tag_next(&list, &tag)) {
        struct bytes left, right;

        (void)bytes_cut(tag.text, '.', &left, &right);
        if (!tag.weak && left.len && bytes_equal(left, version))
            return true;
    }
    return false;
}
