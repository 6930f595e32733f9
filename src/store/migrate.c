/* SPDX-License-Identifier: MIT */
/*
 * migrate - runs the application's migrations and installs our own tables.
 *
 * A migration is a file NNNN_name.sql; one named for the dialect takes the
 * place of the plain one of the same NNNN_name. Each runs once, in a
 * transaction, and is remembered by a digest of its text. Our triggers are
 * taken away before the first that is due and put back after the last, each
 * published table with a reset row, so that a migration may rebuild a table
 * and no reader of the feed misses that it did.
 * Threads: one at a time.
 */
#include "store/driver.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIGRATIONS_MAX 10000
#define FILE_BYTES_MAX ((off_t)64 << 20)
#define DIGITS         4

struct migration {
    char *file; /* its name in the directory */
    struct bytes
        name; /* NNNN_name: the part of file that both dialects share */
    bool of_dialect;
    char *digest; /* as the database has it, or NULL: due */
};

struct migrations {
    struct migration *all;
    size_t count, cap;
    const char *dir;
};

static void migrations_fini(struct migrations *m)
{
    for (size_t i = 0; i < m->count; i++) {
        mem_free(m->all[i].file);
        mem_free(m->all[i].digest);
    }
    mem_free(m->all);
}

/* Is it one of ours, and for this dialect? */
static bool file_parse(struct bytes file, enum store_dialect dialect,
                       struct bytes *name, bool *of_dialect)
{
    static const struct bytes ends[] = {
        [STORE_SQLITE] = {".sqlite", 7}, [STORE_POSTGRES] = {".postgres", 9}};
    size_t digits = 0;

    if (!bytes_ends(file, BYTES(".sql")))
        return false;
    file.len -= 4;
    while (digits < file.len && file.at[digits] >= '0' &&
           file.at[digits] <= '9')
        digits++;
    if (digits != DIGITS || file.len <= DIGITS || file.at[DIGITS] != '_')
        return false;
    *of_dialect = false;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (!bytes_ends(file, ends[i]))
            continue;
        if (i != (size_t)dialect)
            return false;
        file.len -= ends[i].len;
        *of_dialect = true;
    }
    *name = file;
    return true;
}

static struct migration *migration_named(struct migrations *m,
                                         struct bytes name)
{
    for (size_t i = 0; i < m->count; i++)
        if (bytes_equal(m->all[i].name, name))
            return &m->all[i];
    return NULL;
}

static int migrations_add(struct migrations *m, struct bytes file,
                          enum store_dialect dialect)
{
    struct migration *twin;
    struct bytes name;
    bool of_dialect;
    char *copy;
    int error;

    if (!file_parse(file, dialect, &name, &of_dialect))
        return 0;
    twin = migration_named(m, name);
    if (twin && (twin->of_dialect || !of_dialect))
        return 0; /* the better one is there */
    copy = mem_copy(file);
    if (!copy)
        return ERR_NOMEM;
    if (!twin) {
        error = mem_grow(&m->all, &m->cap, m->count + 1, sizeof(*m->all),
                         MIGRATIONS_MAX);
        if (error) {
            mem_free(copy);
            return error;
        }
        twin = &m->all[m->count++];
        *twin = (struct migration){0};
    }
    mem_free(twin->file);
    twin->file = copy;
    twin->name = (struct bytes){copy, name.len};
    twin->of_dialect = of_dialect;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return bytes_compare(((const struct migration *)a)->name,
                         ((const struct migration *)b)->name);
}

static int numbers_check(const struct migrations *m,
                         struct store_detail *detail)
{
    for (size_t i = 1; i < m->count; i++) {
        if (memcmp(m->all[i].file, m->all[i - 1].file, DIGITS) == 0) {
            store_detail_set(detail, "", "%s and %s have the same number",
                             m->all[i - 1].file, m->all[i].file);
            return ERR_EXISTS;
        }
    }
    return 0;
}

/* A directory that is not there holds no migrations. */
static int migrations_find(struct migrations *m, const char *dir,
                           enum store_dialect dialect,
                           struct store_detail *detail)
{
    DIR *d = dir ? opendir(dir) : NULL;
    struct dirent *entry;
    int error = 0;

    m->dir = dir;
    if (!d)
        return 0;
    while (!error && (entry = readdir(d)))
        error = migrations_add(m, bytes_of(entry->d_name), dialect);
    closedir(d);
    if (error)
        return error;
    if (m->count)
        qsort(m->all, m->count, sizeof(*m->all), by_name);
    return numbers_check(m, detail);
}

static int read_all(int fd, char *at, size_t len)
{
    while (len) {
        ssize_t n = read(fd, at, len);

        if (n <= 0)
            return ERR_IO;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

static int file_read(const struct migrations *m, const struct migration *mig,
                     char **ret, size_t *ret_len, struct store_detail *detail)
{
    int dir = open(m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = dir >= 0 ? openat(dir, mig->file, O_RDONLY | O_CLOEXEC) : -1;
    struct stat st = {0};
    char *text = NULL;
    int error = ERR_IO;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size <= FILE_BYTES_MAX) {
        text = mem_alloc((size_t)st.st_size + 1);
        error = text ? read_all(fd, text, (size_t)st.st_size) : ERR_NOMEM;
    }
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    if (error) {
        mem_free(text);
        store_detail_set(detail, "", "%s/%s cannot be read", m->dir, mig->file);
        return error;
    }
    text[st.st_size] = '\0';
    *ret = text;
    *ret_len = (size_t)st.st_size;
    return 0;
}

#define DIGEST_LEN 16
static void digest_of(struct bytes text, char ret[DIGEST_LEN + 1])
{
    (void)snprintf(ret, DIGEST_LEN + 1, "%016llx",
                   (unsigned long long)hash_stable(text));
}

/* A row of what ran: name, digest. Names without a file are let be: another
 * version of the application put them there. */
static void on_ran(const struct store_row *row, void *arg)
{
    struct migrations *m = arg;
    struct migration *mig = migration_named(m, store_row_get(row, 0).bytes);

    if (mig && !mig->digest)
        mig->digest = mem_copy(store_row_get(row, 1).bytes);
}

static int migrations_mark(struct migrations *m, struct admin *a,
                           struct store_detail *detail)
{
    return a->store->driver->admin_run(
        a, BYTES("SELECT name, digest FROM fieldline_migrations"), NULL, 0,
        on_ran, m, detail);
}

static int remember(struct admin *a, const struct migration *mig,
                    const char *digest, struct store_detail *detail)
{
    struct value params[] = {value_text(mig->name),
                             value_text(bytes_of(digest)),
                             value_int(clock_wall_us())};

    return a->store->driver->admin_run(
        a,
        BYTES("INSERT INTO fieldline_migrations(name, digest, at_us)"
              " VALUES ($1, $2, $3)"),
        params, ARRAY_LEN(params), NULL, NULL, detail);
}

static void detail_name(struct store_detail *detail, const char *file)
{
    struct store_detail said;

    if (!detail)
        return;
    said = *detail;
    store_detail_set(detail, said.sqlstate, "%s: %.*s", file,
                     (int)(STORE_DETAIL_MAX / 2), said.text);
}

static int run_one(struct admin *a, const struct migration *mig,
                   struct bytes text, const char *digest, bool first,
                   struct store_detail *detail)
{
    const struct driver *d = a->store->driver;
    int error = d->admin_begin(a, detail);

    if (error)
        return error;
    if (first)
        error = d->unpublish(a, detail);
    if (!error)
        error = d->admin_script(a, text, detail);
    if (!error)
        error = remember(a, mig, digest, detail);
    if (!error)
        error = d->admin_commit(a, detail);
    if (error) {
        d->admin_rollback(a);
        detail_name(detail, mig->file);
    }
    return error;
}

/* Runs the migration if it is due; *ran counts. */
static int migrate_one(struct admin *a, const struct migrations *m,
                       const struct migration *mig, unsigned *ran, bool dry,
                       struct store_detail *detail)
{
    char digest[DIGEST_LEN + 1], *text = NULL;
    size_t len = 0;
    int error = file_read(m, mig, &text, &len, detail);

    if (error)
        return error;
    digest_of((struct bytes){text, len}, digest);
    if (mig->digest) {
        if (strcmp(mig->digest, digest) != 0) {
            store_detail_set(detail, "",
                             "%s was changed after it ran; add a new "
                             "migration instead",
                             mig->file);
            error = ERR_CONFLICT;
        }
    } else if (dry) {
        store_detail_set(detail, "", "%s has not run: fieldline db DIR migrate",
                         mig->file);
        error = ERR_STALE;
    } else {
        error = run_one(a, mig, (struct bytes){text, len}, digest, *ran == 0,
                        detail);
        *ran += !error;
    }
    mem_free(text);
    return error;
}

static int migrate_all(struct admin *a, const struct migrations *m,
                       admin_progress_fn *progress_fn, void *arg,
                       struct store_detail *detail)
{
    unsigned ran = 0;

    for (size_t i = 0; i < m->count; i++) {
        unsigned before = ran;
        int error = migrate_one(a, m, &m->all[i], &ran, false, detail);

        if (error)
            return error;
        if (ran > before && progress_fn)
            progress_fn(m->all[i].file, arg);
    }
    return 0;
}

static int install(struct admin *a, struct store_detail *detail)
{
    const struct driver *d = a->store->driver;
    int error = d->admin_begin(a, detail);

    if (error)
        return error;
    error = d->install(a, detail);
    if (!error)
        error = d->admin_commit(a, detail);
    if (error)
        d->admin_rollback(a);
    return error;
}

static int publish(struct admin *a, const struct publish_spec *specs,
                   size_t count, struct store_detail *detail)
{
    const struct driver *d = a->store->driver;
    int error = d->admin_begin(a, detail);

    if (error)
        return error;
    error = d->publish(a, specs, count, detail);
    if (!error)
        error = d->admin_commit(a, detail);
    if (error)
        d->admin_rollback(a);
    return error;
}

static void on_epoch(const struct store_row *row, void *arg)
{
    store_epoch_set(arg, store_row_get(row, 0).bytes);
}

static int epoch_read(struct admin *a, struct store_detail *detail)
{
    const struct driver *d = a->store->driver;

    if (d->admin_epoch)
        return d->admin_epoch(a, detail);
    return d->admin_run(
        a, BYTES("SELECT value FROM fieldline_meta WHERE name = 'epoch'"), NULL,
        0, on_epoch, a->store, detail);
}

int admin_migrate(struct admin *a, const char *dir,
                  const struct publish_spec *specs, size_t count,
                  admin_progress_fn *progress_fn, void *arg,
                  struct store_detail *detail)
{
    const struct store_options *o = &a->store->options;
    struct migrations m = {0};
    int error;

    store_detail_set(detail, "", "%s", "");
    error = install(a, detail);
    if (!error)
        error = migrations_find(&m, dir, a->store->driver->dialect, detail);
    if (!error)
        error = migrations_mark(&m, a, detail);
    if (!error)
        error = migrate_all(a, &m, progress_fn, arg, detail);
    if (!error)
        error = publish(a, specs, count, detail);
    if (!error)
        error = epoch_read(a, detail);
    migrations_fini(&m);
    if (!error && o->on_wake)
        o->on_wake(o->arg);
    return error;
}

int admin_verify(struct admin *a, const char *dir,
                 const struct publish_spec *specs, size_t count,
                 struct store_detail *detail)
{
    static const char *const tables[] = {
        "fieldline_changes", "fieldline_meta", "fieldline_migrations",
        "fieldline_receipts", "fieldline_positions"};
    struct migrations m = {0};
    unsigned ran = 0;
    int error = 0;

    store_detail_set(detail, "", "%s", "");
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        if (!a->store->driver->admin_has_table(a, tables[i])) {
            store_detail_set(detail, "",
                             "the table %s is missing: fieldline db DIR "
                             "migrate",
                             tables[i]);
            return ERR_NOT_FOUND;
        }
    }
    error = migrations_find(&m, dir, a->store->driver->dialect, detail);
    if (!error)
        error = migrations_mark(&m, a, detail);
    for (size_t i = 0; i < m.count && !error; i++)
        error = migrate_one(a, &m, &m.all[i], &ran, true, detail);
    if (!error)
        error = a->store->driver->verify(a, specs, count, detail);
    migrations_fini(&m);
    return error;
}
