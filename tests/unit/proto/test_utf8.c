/* SPDX-License-Identifier: MIT */
/* utf8 - in pieces as in one. Threads: loop. */
#include "proto/utf8.h"
#include "../check.h"

/* Cut at every place, against the whole-text check of base. */
static void check_text(struct bytes text, bool valid)
{
    assert_int_equal(bytes_is_utf8(text), valid);
    for (size_t cut = 0; cut <= text.len; cut++) {
        uint32_t state = 0;
        bool fed = utf8_feed(&state, (struct bytes){text.at, cut}) &&
                   utf8_feed(&state, bytes_skip(text, cut));

        assert_int_equal(fed && state == 0, valid);
    }
}

static void well_formed_text_passes(void **state)
{
    check_text(BYTES(""), true);
    check_text(BYTES("plain text of more than eight bytes"), true);
    check_text(BYTES("eight by\xc3\xa9te then \xe2\x82\xac, \xf0\x9f\x9a\x97"),
               true);
    check_text(BYTES("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"), true);
}

static void malformed_text_is_refused(void **state)
{
    check_text(BYTES("12345678\x80"), false);
    check_text(BYTES("\xc0\x80"), false);
    check_text(BYTES("\xc1\xbf"), false);
    check_text(BYTES("\xe0\x9f\xbf"), false);
    check_text(BYTES("\xed\xa0\x80"), false);
    check_text(BYTES("\xf0\x8f\xbf\xbf"), false);
    check_text(BYTES("\xf4\x90\x80\x80"), false);
    check_text(BYTES("\xf5\x80\x80\x80"), false);
    check_text(BYTES("\xff"), false);
    check_text(BYTES("\xe2\x82"), false);
    check_text(BYTES("\xe2(\xac"), false);
}

static void all_pairs_agree_with_the_whole_check(void **state)
{
    for (unsigned i = 0; i < 0x1000000; i += 0x101 + i % 7) {
        char text[] = {(char)(i >> 16), (char)(i >> 8), (char)i, 'x'};
        uint32_t utf8 = 0;
        bool fed = utf8_feed(&utf8, (struct bytes){text, sizeof(text)});

        assert_int_equal(fed && utf8 == 0,
                         bytes_is_utf8((struct bytes){text, sizeof(text)}));
    }
}

RUN(cmocka_unit_test(well_formed_text_passes),
    cmocka_unit_test(malformed_text_is_refused),
    cmocka_unit_test(all_pairs_agree_with_the_whole_check))
