/* SPDX-License-Identifier: MIT */
/*
 * fuzz_config - the application file and the description of sample data.
 *
 * The first byte chooses which of the two the rest is. A file is right, or the
 * report says why not; what is right can be read again.
 * Threads: loop.
 */
#include "fuzz.h"

#include "app/config.h"
#include "app/sample.h"
#include "base/buf.h"
#include "base/error.h"

#define REPORT_MAX (1u << 20)

static int read_config(struct bytes text, struct buf *report)
{
    struct config *config = NULL;
    int error = config_parse(&config, "app.yaml", text, ".", NULL, 0, report);

    if (!error) {
        FUZZ_CHECK(config->app.len > 0);
        FUZZ_CHECK(config->edge.auth.role_count <= ROLES_MAX);
    }
    config_free(&config);
    return error;
}

static int read_sample(struct bytes text, struct buf *report)
{
    struct sample *sample = NULL;
    int error = sample_parse(&sample, "sample.yaml", text, "/nowhere", report);

    sample_free(&sample);
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct buf report;
    bool sample = size > 0 && data[0] == '%';
    int error;

    buf_init(&report, REPORT_MAX);
    if (sample)
        error = read_sample(bytes_skip(text, 1), &report);
    else
        error = read_config(text, &report);
    FUZZ_CHECK((error == 0) == (report.len == 0));
    buf_fini(&report);
    return 0;
}
