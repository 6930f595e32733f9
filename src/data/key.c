/* SPDX-License-Identifier: MIT */
/*
 * key - the one spelling of a row's key, out of any that means the same.
 *
 * Paths, topics and change rows spell keys each in its own way; what compares
 * them compares canonical text (convert.h).
 * Threads: any, no state.
 */
#include "data/convert.h"

#include "base/buf.h"
#include "base/error.h"

#define KEY_TEXT_MAX (1u << 20)

int data_key_read(const struct data_resource *r, struct bytes text,
                  struct arena *a, struct bytes *ret)
{
    const struct column *key = r->table->key;
    struct bytes kept = {NULL, 0};
    struct value v;
    struct buf b;
    int error = convert_text(key->kind, r->data->dialect, text, a, &v);

    if (error)
        return error;
    buf_init(&b, KEY_TEXT_MAX);
    convert_write_text(&b, key, v);
    error = buf_error(&b);
    if (!error) {
        kept = arena_copy(a, buf_bytes(&b));
        error = kept.at ? 0 : ERR_NOMEM;
    }
    buf_fini(&b);
    if (!error)
        *ret = kept;
    return error;
}

const char *data_key_expected(const struct data_resource *r)
{
    return convert_expected(r->table->key->kind);
}
