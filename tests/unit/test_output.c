/* SPDX-License-Identifier: MIT
 * test_output.c: thresholds as people write them, JSON of what is no UTF-8 and of large numbers.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/fullness.h"
#include "docker_meta/judge/thresholds.h"
#include "docker_meta/read/digest.h"
#include "docker_meta/text/json_build.h"
#include "tests/support/leaks.h"

TestSuite(output, .fini = fail_on_leaks);

/* ---- thresholds */

static struct range range_of(const char *text, enum measure_id id)
{
	struct range ranges[NR_MEASURES] = { { 0 } };
	char fault[200] = "";

	cr_expect_eq(thresholds_parse(text, ranges, fault, sizeof(fault)), 0, "%s: %s", text,
		     fault);
	cr_expect(ranges[id].set, "%s", text);
	return ranges[id];
}

Test(output, ranges)
{
	static const struct {
		const char *text;
		uint64_t well[3], alerts[3];
	} tries[] = {
		{ "orphans=10", { 0, 5, 10 }, { 11, 12, UINT64_MAX } },
		{ "orphans=0", { 0, 0, 0 }, { 1, 2, UINT64_MAX } },
		{ "orphans=10:", { 10, 11, UINT64_MAX }, { 0, 1, 9 } },
		{ "orphans=~:10", { 0, 5, 10 }, { 11, 12, UINT64_MAX } },
		{ "orphans=10:20", { 10, 15, 20 }, { 0, 9, 21 } },
		{ "orphans=@10:20", { 0, 9, 21 }, { 10, 15, 20 } },
		{ "orphans=@~:3", { 4, 5, UINT64_MAX }, { 0, 1, 3 } },
		{ "orphans=~:", { 0, 1, UINT64_MAX }, { 0, 0, 0 } },
		{ "orphans=18446744073709551615", { 0, 1, UINT64_MAX }, { 0, 0, 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		const struct range r = range_of(tries[i].text, MEASURE_ORPHANS);

		for (size_t n = 0; n < 3; n++) {
			cr_expect(!range_alerts(&r, tries[i].well[n]), "%s %zu", tries[i].text, n);
			cr_expect(range_alerts(&r, tries[i].alerts[n]) ||
					  (!tries[i].alerts[0] && !tries[i].alerts[1]),
				  "%s %zu", tries[i].text, n);
		}
	}
}

Test(output, nothing_is_asked)
{
	const struct range none = { .set = false };

	cr_expect(!range_alerts(&none, 0) && !range_alerts(&none, UINT64_MAX));
	cr_expect_str_eq(range_text(&none).text, "");
}

Test(output, units)
{
	cr_expect_eq(range_of("data=80", MEASURE_DATA).max, 80000);
	cr_expect_eq(range_of("data=99.5%", MEASURE_DATA).max, 99500);
	cr_expect_eq(range_of("data=0.125", MEASURE_DATA).max, 125);
	cr_expect_eq(range_of("metadata=100", MEASURE_METADATA).max, 100000);
	cr_expect_eq(range_of("orphan-bytes=1G", MEASURE_ORPHAN_BYTES).max, 1 << 30);
	cr_expect_eq(range_of("orphan-bytes=15E", MEASURE_ORPHAN_BYTES).max, UINT64_C(15) << 60);
	cr_expect_eq(range_of("orphan-bytes=4096", MEASURE_ORPHAN_BYTES).max, 4096);
	cr_expect_eq(range_of("data=1,orphans=2,deleting=@3:4", MEASURE_DELETING).min, 3);
}

Test(output, and_back)
{
	static const char *const texts[] = {
		"data=80%", "data=@0.5:80.125%",  "metadata=~:9%",
		"data=7:%", "orphan-bytes=1G:2T", "orphan-bytes=1025"
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct range ranges[NR_MEASURES] = { { 0 } };
		char fault[200];
		const char *words = strchr(texts[i], '=') + 1;
		char plain[64];

		/* "7:%" is what comes out; it goes in as "7:". */
		(void)snprintf(plain, sizeof(plain), "%s", texts[i]);
		if (strstr(plain, ":%"))
			*strchr(plain, '%') = '\0';
		cr_assert_eq(thresholds_parse(plain, ranges, fault, sizeof(fault)), 0);
		for (int id = 0; id < NR_MEASURES; id++) {
			if (ranges[id].set)
				cr_expect_str_eq(range_words((enum measure_id)id, &ranges[id]).text,
						 words);
		}
	}
}

Test(output, what_is_no_threshold)
{
	static const char *const texts[] = {
		"",
		"data",
		"data=",
		"=80",
		"data=80,",
		",data=80",
		"data=101",
		"data=-1",
		"data=80x",
		"data=80%%",
		"data=8 0",
		"data=90:80",
		"data=1:2:3",
		"data=@",
		"data=~",
		"data=80.",
		"data=1.2345",
		"orphans=1K",
		"orphans=1.5",
		"orphan-bytes=1X",
		"data=:",
		"Data=80",
		"dat=80",
		"orphans=@~:5x",
		"data=80,data=90",
		"data==80",
		"orphan-bytes=16E",
		"orphans=18446744073709551616",
		"orphan-bytes=1GG",
		"data=100.001",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct range ranges[NR_MEASURES] = { { 0 } };
		char fault[200] = "";

		cr_expect_eq(thresholds_parse(texts[i], ranges, fault, sizeof(fault)), -EINVAL,
			     "'%s'", texts[i]);
		cr_expect(*fault, "'%s'", texts[i]);
	}
}

Test(output, per_cents)
{
	cr_expect_eq(per_cent(0, 0), 0);
	cr_expect_eq(per_cent(1, 0), 0);
	cr_expect_eq(per_cent(29, 100), 29000);
	cr_expect_eq(per_cent(1, 3), 33333);
	cr_expect_eq(per_cent(UINT64_MAX, UINT64_MAX), 100000);
	cr_expect_eq(per_cent(UINT64_MAX / 2, UINT64_MAX), 49999);
}

/* The same whoever asks, also of a pool of few blocks. */
Test(output, nearly_full)
{
	cr_expect_not(is_nearly_full(0, 0));
	cr_expect_not(is_nearly_full(80, 100));
	cr_expect(is_nearly_full(81, 100));
	cr_expect_not(is_nearly_full(4, 5));
	cr_expect(is_nearly_full(6, 7));
	cr_expect(is_nearly_full(100, 100));
	cr_expect(is_nearly_full(UINT64_MAX, UINT64_MAX));
}

/* ---- JSON */

static void expect_json(json_t *value, const char *wanted)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	cr_expect_str_eq(text, wanted);
	free(text);
	json_decref(value);
}

Test(output, large_numbers)
{
	expect_json(json_number(0), "0");
	expect_json(json_number(INT64_MAX), "9223372036854775807");
	expect_json(json_number((uint64_t)INT64_MAX + 1), "\"9223372036854775808\"");
	expect_json(json_number(UINT64_MAX), "\"18446744073709551615\"");
}

Test(output, texts)
{
	expect_json(json_text(NULL), "null");
	expect_json(json_text(""), "\"\"");
	expect_json(json_text("\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3"),
		    "\"\\u00E4\\u20AC\\uD83D\\uDC33\"");
	expect_json(json_text("a\xff"
			      "b\n"),
		    "\"a\\\\xffb\\n\"");
	/* cut, overlong, surrogate, beyond the end, a lone continuation, and what follows is kept
	 */
	expect_json(json_text("\xe2\x82"), "\"\\\\xe2\\\\x82\"");
	expect_json(json_text("\xc0\x80z"), "\"\\\\xc0\\\\x80z\"");
	expect_json(json_text("\xed\xa0\x80"), "\"\\\\xed\\\\xa0\\\\x80\"");
	expect_json(json_text("\xf4\x90\x80\x80"), "\"\\\\xf4\\\\x90\\\\x80\\\\x80\"");
	expect_json(json_text("\x80\xc3\xa4"), "\"\\\\x80\\u00E4\"");
	expect_json(json_text("\xf8\x88\x80\x80\x80"), "\"\\\\xf8\\\\x88\\\\x80\\\\x80\\\\x80\"");
}

/* Whoever puts back the bytes has the name again. */
Test(output, an_escape_is_told_from_a_name_that_looks_like_one)
{
	expect_json(json_text("a\\x41"), "\"a\\\\x5cx41\"");
	expect_json(json_text("a\\xzz\\"), "\"a\\\\xzz\\\\\"");
}

/* ---- digests */

Test(output, digest_of_pieces)
{
	struct digest_stream *s = digest_begin();

	cr_assert(s);
	digest_add(s, "ab", 2);
	digest_add(s, "", 0);
	digest_add(s, "c", 1);
	cr_expect_str_eq(digest_end(s).hex, digest_of("abc", 3).hex);
	cr_expect_str_eq(digest_of("abc", 3).hex,
			 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

Test(output, digest_of_files)
{
	FILE *f = tmpfile();
	struct digest d;
	uint64_t bytes;

	cr_assert(f && fputs("abc", f) != EOF && !fflush(f));
	rewind(f);
	cr_expect_eq(digest_of_file(fileno(f), 3, &d, &bytes), 0);
	cr_expect_eq(bytes, 3);
	cr_expect_str_eq(d.hex, digest_of("abc", 3).hex);
	rewind(f);
	cr_expect_eq(digest_of_file(fileno(f), 2, &d, &bytes), -EFBIG);
	(void)fclose(f);
}
