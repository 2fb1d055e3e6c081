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
