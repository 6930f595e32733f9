/* SPDX-License-Identifier: MIT */
/*
 * reference - Markdown out of the tables of settings and of metrics.
 * Threads: any.
 */
#include "app/reference.h"

#include "app/config.h"
#include "app/setting.h"
#include "base/buf.h"
#include "metrics/table.h"

#include <stdio.h>

#define PREFIX_MAX 128

static void write_flags(struct buf *out, const struct setting *s)
{
    char flag[CONFIG_ENV_MAX], env[CONFIG_ENV_MAX];

    config_flag_name(s, flag);
    config_env_name(s, env);
    buf_printf(out, " `%s`, `%s` |", flag, env);
}

/* Flags exist for the single values of the file's own mapping. */
static void write_row(struct buf *out, const struct setting *s,
                      const char *prefix, bool flags)
{
    buf_printf(out, "| `%s%s` | %s | ", prefix, s->path, s->kind->name);
    if (s->required)
        buf_append(out, BYTES("**needed** |"));
    else if (s->standard)
        buf_printf(out, "`%s` |", s->standard);
    else
        buf_printf(out, "%s |", s->unless ? s->unless : "none");
    if (flags && s->kind->simple)
        write_flags(out, s);
    else if (flags)
        buf_append(out, BYTES(" |"));
    buf_printf(out, " %s |", s->reload == RELOAD_LIVE ? "reload" : "restart");
    buf_printf(out, " %s. |\n", s->help);
}

static void write_group(struct buf *out, const struct setting_group *group,
                        const char *prefix)
{
    bool flags = group == &config_group;

    buf_printf(out, "\n## %s%s%s\n\n", prefix[0] ? "`" : "The file",
               prefix[0] ? prefix : "", prefix[0] ? "`" : "");
    buf_printf(out,
               "| setting | value | default |%s counts after | |\n"
               "|---|---|---|%s---|---|\n",
               flags ? " flag, variable |" : "", flags ? "---|" : "");
    for (size_t i = 0; i < group->count; i++) {
        char dotted[PREFIX_MAX];

        snprintf(dotted, sizeof(dotted), "%s%s", prefix, prefix[0] ? "." : "");
        write_row(out, &group->rows[i], dotted, flags);
    }
    for (size_t i = 0; i < group->count; i++) {
        const struct setting *s = &group->rows[i];
        char inner[PREFIX_MAX];

        if (!s->group)
            continue;
        snprintf(inner, sizeof(inner), "%s%s%s.<%s>", prefix,
                 prefix[0] ? "." : "", s->path, s->group->name);
        write_group(out, s->group, inner);
    }
}

void reference_settings(struct buf *out)
{
    buf_append(out, BYTES("# Settings\n\n"
                          "Every key of `app.yaml`. This page is printed by "
                          "`fieldline docs settings`\nfrom the table that "
                          "reads the file; do not edit it by hand. What the "
                          "file is for,\nand how its parts work together, is "
                          "in [application-file.md](../application-file.md)."
                          "\n\nA flag wins over an environment variable, a "
                          "variable over the file.\n"));
    write_group(out, &config_group, "");
}

struct metric_row {
    const char *kind, *name, *labels, *help;
};

static const struct metric_row metric_rows[] = {
#define X(id, kind, name, labels, help) {#kind, name, labels, help},
    METRICS_TABLE(X)
#undef X
};

static void write_kind(struct buf *out, const char *kind)
{
    for (; *kind; kind++)
        buf_append_char(out, (char)(*kind | 0x20));
}

void reference_metrics(struct buf *out)
{
    buf_append(out, BYTES("# Metrics\n\n"
                          "What `GET /metrics` exposes. This page is printed "
                          "by `fieldline docs metrics`\nfrom the table that "
                          "registers the metrics; do not edit it by hand.\n\n"
                          "| metric | kind | labels | |\n|---|---|---|---|\n"));
    for (size_t i = 0; i < ARRAY_LEN(metric_rows); i++) {
        const struct metric_row *row = &metric_rows[i];

        buf_printf(out, "| `%s` | ", row->name);
        write_kind(out, row->kind);
        buf_printf(out, " | %s | %s. |\n", row->labels, row->help);
    }
}
