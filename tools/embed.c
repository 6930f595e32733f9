/* SPDX-License-Identifier: MIT */
/*
 * embed - writes files as a C table, so that the binary carries its pages.
 *
 *   embed OUT.c NAME FILE [NAME FILE]...
 *
 * The table is `const struct web_file web_files[]` of web/web.h, ended by a
 * row of NULLs. A build tool: it runs on the building machine only.
 * Threads: one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "embed: cannot %s %s\n", what, name);
    exit(1);
}

static unsigned long embed(FILE *out, int index, const char *path)
{
    FILE *in = fopen(path, "rb");
    unsigned long len = 0;
    int c;

    if (!in)
        fail("read", path);
    fprintf(out, "static const unsigned char file_%d[] = {", index);
    while ((c = getc(in)) != EOF)
        fprintf(out, "%s%d,", len++ % 20 ? "" : "\n", c);
    fprintf(out, "0};\n");
    fclose(in);
    return len;
}

int main(int argc, char **argv)
{
    unsigned long len[64];
    FILE *out;

    if (argc < 4 || argc % 2 || argc > 2 + 2 * 64) {
        fprintf(stderr, "usage: embed OUT.c NAME FILE [NAME FILE]...\n");
        return 2;
    }
    out = fopen(argv[1], "wb");
    if (!out)
        fail("write", argv[1]);
    fprintf(out, "#include \"web.h\"\n#include <stddef.h>\n");
    for (int i = 2; i < argc; i += 2)
        len[i / 2 - 1] = embed(out, i, argv[i + 1]);
    fprintf(out, "const struct web_file web_files[] = {\n");
    for (int i = 2; i < argc; i += 2)
        fprintf(out, "{\"%s\", (const char *)file_%d, %luu},\n", argv[i], i,
                len[i / 2 - 1]);
    fprintf(out, "{NULL, NULL, 0}};\n");
    if (fclose(out) != 0)
        fail("write", argv[1]);
    return 0;
}
