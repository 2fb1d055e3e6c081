/* SPDX-License-Identifier: MIT
 * test_page.c: names in HTML and in JSON within HTML, and numbers for people.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docker_meta/say/page/page_internal.h"
#include "tests/support/leaks.h"

TestSuite(page, .fini = fail_on_leaks);

static void expect_both(const char *text, const char *html, const char *json)
{
	char *written = NULL;
	size_t size;
	FILE *out = open_memstream(&written, &size);

	cr_assert_not_null(out);
	put_text(out, text);
	cr_assert_eq(fflush(out), 0);
	cr_expect_str_eq(written, html);
	rewind(out);
	put_json_text(out, text);
	cr_assert_eq(fclose(out), 0);
	cr_expect_str_eq(written, json);
	free(written);
}

Test(page, markup_is_text)
{
	expect_both("plain, ünï \xf0\x9f\x90\xb3", "plain, ünï \xf0\x9f\x90\xb3",
		    "\"plain, ünï \xf0\x9f\x90\xb3\"");
	expect_both("</script><!--", "&lt;/script&gt;&lt;!--",
		    "\"\\u003c/script\\u003e\\u003c!--\"");
	expect_both("]]>&amp;\"'\\", "]]&gt;&amp;amp;&quot;&#39;\\",
		    "\"]]\\u003e\\u0026amp;\\\"\\u0027\\\\\"");
}

Test(page, what_steers_is_seen)
{
	expect_both("a\n\x1b[1m\x7f", "a\\x0a\\x1b[1m\\x7f", "\"a\\\\x0a\\\\x1b[1m\\\\x7f\"");
	expect_both("\xc2\x85", "\\xc2\\x85", "\"\\\\xc2\\\\x85\"");
	expect_both("a\xe2\x80\xae\xe2\x80\xa8\xef\xbb\xbf",
		    "a\\xe2\\x80\\xae\\xe2\\x80\\xa8\\xef\\xbb\\xbf",
		    "\"a\\\\xe2\\\\x80\\\\xae\\\\xe2\\\\x80\\\\xa8\\\\xef\\\\xbb\\\\xbf\"");
	expect_both("\xef\xbf\xbf\xf3\xa0\x80\x81", "\\xef\\xbf\\xbf\\xf3\\xa0\\x80\\x81",
		    "\"\\\\xef\\\\xbf\\\\xbf\\\\xf3\\\\xa0\\\\x80\\\\x81\"");
}

Test(page, what_is_no_utf8_is_bytes)
{
	expect_both("\xff\xfe", "\\xff\\xfe", "\"\\\\xff\\\\xfe\"");
	/* Too long, a surrogate, too high, cut off. */
	expect_both("\xc0\x80", "\\xc0\\x80", "\"\\\\xc0\\\\x80\"");
	expect_both("\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\"\\\\xe0\\\\x80\\\\xaf\"");
	expect_both("\xed\xa0\x80", "\\xed\\xa0\\x80", "\"\\\\xed\\\\xa0\\\\x80\"");
	expect_both("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\"\\\\xf4\\\\x90\\\\x80\\\\x80\"");
	expect_both("\xe2\x82", "\\xe2\\x82", "\"\\\\xe2\\\\x82\"");
	expect_both("\xe2<", "\\xe2&lt;", "\"\\\\xe2\\u003c\"");
}

Test(page, no_name_is_null)
{
	char text[8] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	cr_assert_not_null(out);
	put_json_text(out, NULL);
	cr_assert_eq(fclose(out), 0);
	cr_expect_str_eq(text, "null");
}

static void expect_number(void (*put)(FILE *out, uint64_t number), uint64_t number,
			  const char *wanted)
{
	char text[96] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	cr_assert_not_null(out);
	put(out, number);
	cr_assert_eq(fclose(out), 0);
	cr_expect_str_eq(text, wanted);
}

Test(page, numbers)
{
	expect_number(put_bytes, 0, "0&#160;B");
	expect_number(put_bytes, 999, "999&#160;B");
	expect_number(put_bytes, 1000, "1.0&#160;KiB");
	expect_number(put_bytes, 1280, "1.3&#160;KiB");
	expect_number(put_bytes, UINT64_C(10) << 20, "10&#160;MiB");
	expect_number(put_bytes, UINT64_MAX, "16&#160;EiB");
	expect_number(put_exact, 7, "<span class=\"n\">7</span>");
	expect_number(put_exact, 1234567, "<span class=\"n\">1<i>234</i><i>567</i></span>");
	cr_expect_eq(page_share(0, 10, 100), 0);
	cr_expect_eq(page_share(1, 1000000, 100), 1);
	cr_expect_eq(page_share(999, 1000, 100), 99);
	cr_expect_eq(page_share(20, 10, 100), 100);
	cr_expect_eq(page_share(1, 0, 100), 1);
}
