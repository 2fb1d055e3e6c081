/* SPDX-License-Identifier: MIT
 * test_text.c: what of a name reaches a terminal, and that it can be put back.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/text.h"
#include "common/tool/text_print.h"
#include "tests/support/leaks.h"

TestSuite(text, .fini = fail_on_leaks);

static void expect(const char *text, const char *terminal, const char *bytes)
{
	char printed[64] = "", *b = text_escape_bytes(text);
	FILE *out = fmemopen(printed, sizeof(printed), "w");

	text_print(out, text, strlen(text));
	cr_assert_eq(fclose(out), 0);
	cr_expect_str_eq(printed, terminal);
	cr_expect_str_eq(b, bytes);
	alloc_free(b);
}

Test(text, what_is_seen_stays)
{
	expect("", "", "");
	expect("pool_tmeta \xc3\xa4 \xe2\x80\xa6", "pool_tmeta \xc3\xa4 \xe2\x80\xa6",
	       "pool_tmeta \xc3\xa4 \xe2\x80\xa6");
	expect("a\\b\\", "a\\b\\", "a\\b\\");
}

Test(text, what_steers_is_escaped)
{
	expect("a\033[2Jb\n", "a\\x1b[2Jb\\x0a", "a\033[2Jb\n");
	expect("\xc2\x9b", "\\xc2\\x9b", "\xc2\x9b");
	expect("\xe2\x80\xae", "\\xe2\\x80\\xae", "\xe2\x80\xae");
}

Test(text, what_is_no_utf8_is_escaped)
{
	expect("\x9b\xff", "\\x9b\\xff", "\\x9b\\xff");
	expect("\xe2\x82", "\\xe2\\x82", "\\xe2\\x82");
	expect("\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80");
}

/* A name that has an escape in it is told from one that was escaped. */
Test(text, an_escape_is_escaped)
{
	expect("\\x41", "\\x5cx41", "\\x5cx41");
}

/* To the character: what is beside what cannot be seen can be. */
Test(text, what_cannot_be_seen)
{
	static const uint32_t unseen[] = { 0,      0x1f,   0x7f,   0x9f,    0xad,    0x34f,
					   0x61c,  0x200b, 0x200f, 0x2028,  0x202e,  0x2060,
					   0x206f, 0xfdd0, 0xfdef, 0xfe00,  0xfe0f,  0xfeff,
					   0xfffb, 0xfffe, 0xffff, 0xe0000, 0xe0fff, 0x1fffe };
	static const uint32_t seen[] = { 0x20,   0x7e,   0xa0,   0xac,    0xae,   0x34e,  0x350,
					 0x61b,  0x61d,  0x200a, 0x2010,  0x2027, 0x202f, 0x205f,
					 0x2070, 0xfdcf, 0xfdf0, 0xfdff,  0xfe10, 0xfefe, 0xff00,
					 0xffef, 0xfffc, 0xfffd, 0xe1000, 0x1fffd };

	for (size_t n = 0; n < ARRAY_SIZE(unseen); n++)
		cr_expect(character_is_unseen(unseen[n]), "%x", unseen[n]);
	for (size_t n = 0; n < ARRAY_SIZE(seen); n++)
		cr_expect_not(character_is_unseen(seen[n]), "%x", seen[n]);
}
