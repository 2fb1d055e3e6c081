/* SPDX-License-Identifier: MIT
 * test_elements.c: each rule that XML has to keep, and the words and the place where it does not;
 * what the options put in the place of what it says.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/thin/superblock.h"
#include "common/xml/parse.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/leaks.h"

TestSuite(elements, .fini = fail_on_leaks);

/* ---- a visitor that notes what it is told, and fails when it is told so */

struct notes {
	struct metadata_visitor base;
	struct pool_header header;
	struct device_details details;
	uint64_t device, nr_mappings, nr_calls;
	uint64_t fail_at; /* this call returns -EREMOTEIO */
};

static int count_call(struct metadata_visitor *v)
{
	struct notes *n = (struct notes *)v;

	return n->nr_calls++ == n->fail_at ? -EREMOTEIO : 0;
}

static int on_superblock(struct metadata_visitor *v, const struct pool_header *h)
{
	((struct notes *)v)->header = *h;
	return count_call(v);
}

static int on_name(struct metadata_visitor *v, uint64_t name)
{
	(void)name;
	return count_call(v);
}

static int on_device(struct metadata_visitor *v, uint64_t id, const struct device_details *d)
{
	((struct notes *)v)->device = id;
	((struct notes *)v)->details = *d;
	return count_call(v);
}

static int on_map(struct metadata_visitor *v, const struct mapping_run *run)
{
	((struct notes *)v)->nr_mappings += run->length;
	return count_call(v);
}

static const struct metadata_visitor note_calls = { on_superblock, count_call, on_name, count_call,
						    on_device,     count_call, on_map,  on_name };

static struct notes notes;

static int parse(const char *text, const struct xml_options *options, struct xml_fault *fault)
{
	static const char path[] = "build/elements.xml";
	FILE *f = fopen(path, "w");
	struct input *in;
	int r;

	cr_assert_not_null(f);
	cr_assert_geq(fputs(text, f), 0);
	cr_assert_eq(fclose(f), 0);
	cr_assert_eq(input_open(path, &in), 0);
	r = xml_parse(in, options, &notes.base, fault);
	input_close(in);
	unlink(path);
	return r;
}

/* Nobody fails; both ways to read it. */
static void notes_reset(void)
{
	notes = (struct notes){ .base = note_calls, .fail_at = UINT64_MAX };
}

#define SB                                                                              \
	"<superblock uuid=\"\" time=\"1\" transaction=\"2\" flags=\"0\" version=\"2\" " \
	"data_block_size=\"128\" nr_data_blocks=\"1000\">\n"
#define DEV(id, nr)                                                             \
	"<device dev_id=\"" id "\" mapped_blocks=\"" nr "\" transaction=\"0\" " \
	"creation_time=\"0\" snap_time=\"1\">\n"
#define ONE(thin, data) \
	"<single_mapping origin_block=\"" thin "\" data_block=\"" data "\" time=\"0\"/>\n"
#define RUN(thin, data, length)                                                             \
	"<range_mapping origin_begin=\"" thin "\" data_begin=\"" data "\" length=\"" length \
	"\" time=\"0\"/>\n"
#define END "</device></superblock>"

struct rule {
	const char *text, *words; /* words: NULL: nothing is wrong */
	uint64_t line;
};

static void expect_rules(const struct rule *rules, size_t nr)
{
	for (size_t n = 0; n < 2 * nr; n++) {
		const struct rule *rule = &rules[n / 2];
		const struct xml_options options = { .no_express = n % 2 };
		struct xml_fault fault;
		int r;

		notes_reset();
		r = parse(rule->text, &options, &fault);
		cr_expect_eq(r, rule->words ? -EINVAL : 0, "%zu: %d: %s", n / 2, r, fault.text);
		cr_expect(!rule->words || strstr(fault.text, rule->words), "%zu: %s", n / 2,
			  fault.text);
		cr_expect_eq(fault.line, rule->line, "%zu: line %d: %s", n / 2, (int)fault.line,
			     fault.text);
	}
}

Test(elements, where_they_belong)
{
	static const struct rule rules[] = {
		{ SB DEV("1", "0") END, NULL, 0 },
		{ SB "</superblock>", NULL, 0 },
		{ SB
		  "<def name=\"a\">" ONE("1", "2") "</def>" DEV("1", "1") "<ref name=\"a\"/>" END,
		  NULL, 0 },
		{ DEV("1", "0") "</device>", "<device> outside of <superblock>", 1 },
		{ ONE("1", "2"), "outside of <superblock>", 1 },
		{ SB SB "</superblock></superblock>", "a second <superblock>", 2 },
		{ SB "</superblock>\n" SB "</superblock>", "well-formed", 3 },
		{ SB ONE("1", "2") "</superblock>",
		  "<single_mapping> in <superblock>: it belongs into <def> or <device>", 2 },
		{ SB "<ref name=\"a\"/></superblock>", "it belongs into <device>", 2 },
		{ SB DEV("1", "0") "<def name=\"a\"/>" END,
		  "<def> in <device>: it belongs into <superblock>", 3 },
		{ SB DEV("1", "0") DEV("2", "0") "</device>" END, "<device> in <device>", 3 },
		{ SB "<def name=\"a\"><ref name=\"a\"/></def></superblock>", "<ref> in <def>", 2 },
		{ SB DEV("1", "1") "<single_mapping origin_block=\"1\" data_block=\"2\" time=\"0\">"
				   "<ref name=\"a\"/></single_mapping>" END,
		  "<ref> in <single_mapping>", 3 },
		{ SB "<thing/></superblock>", "unknown element <thing>", 2 },
		{ SB DEV("1", "0") "words" END, "text", 3 },
	};

	expect_rules(rules, ARRAY_SIZE(rules));
}

Test(elements, attributes)
{
	static const struct rule rules[] = {
		{ "<superblock uuid=\"\" time=\"1\" transaction=\"2\" data_block_size=\"128\" "
		  "nr_data_blocks=\"9\" metadata_snap=\"\"/>",
		  "metadata_snap=\"\"", 1 },
		{ "<superblock uuid=\"\" time=\"1\" transaction=\"2\" data_block_size=\"128\" "
		  "nr_data_blocks=\"9\" metadata_snap=\"7\"/>",
		  NULL, 0 },
		{ "<superblock uuid=\"01234567890123456789012345678901234567\" time=\"1\" "
		  "transaction=\"2\" data_block_size=\"128\" nr_data_blocks=\"9\"/>",
		  NULL, 0 },
		{ "<superblock uuid=\"012345678901234567890123456789012345678\" time=\"1\" "
		  "transaction=\"2\" data_block_size=\"128\" nr_data_blocks=\"9\"/>",
		  "uuid of 39 bytes", 1 },
		{ "<superblock time=\"1\" transaction=\"2\" data_block_size=\"128\" "
		  "nr_data_blocks=\"9\"/>",
		  "missing attribute 'uuid' in <superblock>", 1 },
		{ "<superblock uuid=\"\" time=\"16777216\" transaction=\"2\" "
		  "data_block_size=\"128\" nr_data_blocks=\"9\"/>",
		  "time=\"16777216\"", 1 },
		{ "<superblock uuid=\"\" time=\"1\" transaction=\"2\" flags=\"2\" "
		  "data_block_size=\"128\" nr_data_blocks=\"9\"/>",
		  "flags=\"2\"", 1 },
		{ "<superblock uuid=\"\" time=\"1\" transaction=\"2\" version=\"0\" "
		  "data_block_size=\"128\" nr_data_blocks=\"9\"/>",
		  NULL, 0 },
		{ "<superblock uuid=\"\" time=\"1\" transaction=\"2\" version=\"17\" "
		  "data_block_size=\"128\" nr_data_blocks=\"9\"/>",
		  NULL, 0 },
		{ "<superblock uuid=\"\" time=\"1\" transaction=\"2\" version=\"x\" "
		  "data_block_size=\"128\" nr_data_blocks=\"9\"/>",
		  "version=\"x\"", 1 },
		{ "<superblock uuid=\"\" time=\"1\" transaction=\"2\" data_block_size=\"100\" "
		  "nr_data_blocks=\"9\"/>",
		  "data_block_size=\"100\"", 1 },
		{ "<superblock uuid=\"\" time=\"1\" transaction=\"2\" data_block_size=\"0\" "
		  "nr_data_blocks=\"9\"/>",
		  "data_block_size=\"0\"", 1 },
		{ SB DEV("16777216", "0") END, "dev_id=\"16777216\"", 2 },
		{ SB DEV("16777215", "0") END, NULL, 0 },
		{ SB DEV("-1", "0") END, "dev_id=\"-1\"", 2 },
		{ SB DEV("1", "0x0") END, "mapped_blocks=\"0x0\"", 2 },
		{ SB DEV("", "0") END, "dev_id=\"\"", 2 },
		{ SB DEV("1", "18446744073709551616") END, "mapped_blocks", 2 },
		{ SB "<device dev_id=\"1\" colour=\"2\"/></superblock>",
		  "unknown attribute 'colour'", 2 },
		{ SB "<device dev_id=\"1\"/></superblock>", "missing attribute 'mapped_blocks'",
		  2 },
		{ SB "<device dev_id=\"1\" dev_id=\"1\"/></superblock>", "well-formed", 2 },
		{ SB DEV("1", "1") "<range_mapping origin_begin=\"1\" data_begin=\"2\" "
				   "time=\"0\"/>" END,
		  "missing attribute 'length'", 3 },
	};

	expect_rules(rules, ARRAY_SIZE(rules));
}

Test(elements, mappings)
{
	static const struct rule rules[] = {
		{ SB DEV("1", "3") RUN("0", "0", "2") ONE("2", "999") END, NULL, 0 },
		{ SB DEV("1", "1") ONE("18446744073709551614", "0") END, NULL, 0 },
		{ SB DEV("1", "1") ONE("18446744073709551615", "0") END, "origin_block", 3 },
		{ SB DEV("1", "2") RUN("18446744073709551614", "0", "2") END, "beyond any device",
		  3 },
		{ SB DEV("1", "0") RUN("5", "0", "0") END, "length=\"0\"", 3 },
		{ SB DEV("1", "1") ONE("5", "1000") END,
		  "data block 1000, but nr_data_blocks is 1000", 3 },
		{ SB DEV("1", "2") RUN("5", "999", "2") END, "data block 1000", 3 },
		{ SB DEV("1", "2") ONE("5", "0") ONE("5", "1") END,
		  "thin block 5 after thin block 5", 4 },
		{ SB DEV("1", "3") RUN("5", "0", "2") ONE("6", "9") END,
		  "thin block 6 after thin block 6", 4 },
		{ SB DEV("1", "2") ONE("5", "0") ONE("4", "1") END,
		  "thin block 4 after thin block 5", 4 },
		{ SB DEV("1", "2") ONE("5", "0") END,
		  "device 1 has 1 mappings, but its mapped_blocks", 4 },
		{ SB DEV("1", "0") ONE("5", "0") END, "device 1 has 1 mappings", 4 },
		/* Another device begins anew. */
		{ SB DEV("1", "1") ONE("5", "0") "</device>" DEV("2", "1") ONE("3", "0") END, NULL,
		  0 },
		{ SB DEV("1", "0") "</device>" DEV("1", "0") END, "a second device 1", 3 },
	};

	expect_rules(rules, ARRAY_SIZE(rules));
}

#define DEF(name, inside) "<def name=\"" name "\">" inside "</def>\n"

Test(elements, defs)
{
	static const struct rule rules[] = {
		{ SB DEF("a", ONE("3", "1")) DEF("b", ONE("2", "1"))
			  DEV("1", "2") "<ref name=\"b\"/><ref name=\"a\"/>" END,
		  NULL, 0 },
		{ SB DEF("a", ONE("3", "1")) DEF("b", ONE("2", "1"))
			  DEV("1", "2") "<ref name=\"a\"/><ref name=\"b\"/>" END,
		  "def 'b' begins with thin block 2, after thin block 3", 7 },
		{ SB DEF("a", ONE("3", "1")) DEV("1", "1") ONE("3", "9") "<ref name=\"a\"/>" END,
		  "def 'a' begins with thin block 3, after thin block 3", 6 },
		{ SB DEF("a", ONE("3", "1")) DEV("1", "2") "<ref name=\"a\"/>\n" ONE("3", "9") END,
		  "thin block 3 after thin block 3", 6 },
		{ SB DEF("a", ONE("3", "1")) DEV("1", "2") "<ref name=\"a\"/>\n" END,
		  "has 1 mappings", 6 },
		{ SB DEF("a", "") "</superblock>", "def 'a' is empty", 2 },
		{ SB DEF("a", ONE("3", "1")) DEF("a", ONE("3", "1")) "</superblock>",
		  "a second def named 'a'", 4 },
		{ SB DEV("1", "1") "<ref name=\"b\"/>" END, "no def named 'b' came before", 3 },
		{ SB "<def>" ONE("3", "1") "</def></superblock>", "missing attribute 'name'", 2 },
	};

	expect_rules(rules, ARRAY_SIZE(rules));
}

/* ---- size */

/* A tag or a comment is kept whole until its end: only so much of it. */
Test(elements, a_token_without_end)
{
	enum { ROOM = 4 << 20 };
	const struct xml_options none = { .has_transaction_id = false };
	char *text = alloc_array(ROOM, 1);

	for (int way = 0; way < 4; way++) {
		const size_t length = way & 1 ? 3 << 20 : 1000000;
		const char *begin = way & 2 ? "<!-- " : "<device dev_id=\"1";
		struct xml_fault fault;
		int r;

		memset(text, '1', ROOM);
		memcpy(text, SB, sizeof(SB) - 1);
		memcpy(text + sizeof(SB) - 1, begin, strlen(begin));
		snprintf(text + length, 100, "%s",
			 way & 2 ? "--></superblock>" : "\"/></superblock>");
		notes_reset();
		r = parse(text, &none, &fault);
		cr_expect_eq(r, way == 2 ? 0 : -EINVAL, "way %d: %s", way, fault.text);
		cr_expect(!(way & 1) || strstr(fault.text, "1 MiB"), "way %d: %s", way, fault.text);
		cr_expect(way != 0 || strstr(fault.text, "dev_id"), "%s", fault.text);
	}
	alloc_free(text);
}

/* ---- options */

Test(elements, what_the_options_say_counts)
{
	const struct xml_options none = { .has_transaction_id = false };
	const struct xml_options all = { .has_transaction_id = true,
					 .transaction_id = 0,
					 .nr_data_blocks = 50,
					 .data_block_size = 256 };
	const struct xml_options small = { .nr_data_blocks = 9 };
	const struct xml_options odd = { .data_block_size = 100 };
	static const char text[] = SB DEV("7", "1") ONE("5", "9") END;
	struct xml_fault fault;

	notes_reset();
	cr_assert_eq(parse(text, &none, &fault), 0);
	cr_expect(notes.header.transaction_id == 2 && notes.header.nr_data_blocks == 1000 &&
		  notes.header.data_block_size == 128 && notes.header.time == 1 &&
		  notes.header.version == 2 && !notes.header.needs_check);
	cr_expect(notes.device == 7 && notes.details.mapped_blocks == 1 &&
		  notes.details.snapshotted_time == 1 && notes.nr_mappings == 1);
	notes_reset();
	cr_assert_eq(parse(text, &all, &fault), 0);
	cr_expect(notes.header.transaction_id == 0 && notes.header.nr_data_blocks == 50 &&
		  notes.header.data_block_size == 256);
	notes_reset();
	cr_expect_eq(parse(text, &small, &fault), -EINVAL);
	cr_expect(strstr(fault.text, "data block 9"), "%s", fault.text);
	notes_reset();
	cr_expect_eq(parse(text, &odd, &fault), -EINVAL);
}

/* A dump of a pool whose size was not known: the option is named. */
Test(elements, no_data_blocks)
{
	const struct xml_options none = { .has_transaction_id = false };
	struct xml_fault fault;

	notes_reset();
	cr_expect_eq(parse("<superblock uuid=\"\" time=\"1\" transaction=\"2\" flags=\"1\" "
			   "data_block_size=\"128\" nr_data_blocks=\"0\">" DEV("1", "1")
				   ONE("5", "0") END,
			   &none, &fault),
		     -EINVAL);
	cr_expect(strstr(fault.text, "--nr-data-blocks"), "%s", fault.text);
	cr_expect(notes.header.needs_check);
}

/* ---- failures that are not the document's */

static const char whole[] = SB DEF("a", ONE("3", "1"))
	DEV("1", "3") "<ref name=\"a\"/>" ONE("5", "9") RUN("6", "7", "1") END;

Test(elements, what_the_visitor_says_is_handed_on)
{
	uint64_t nr_calls;

	for (int no_express = 0; no_express < 2; no_express++) {
		const struct xml_options options = { .no_express = no_express };
		struct xml_fault fault;

		notes_reset();
		cr_assert_eq(parse(whole, &options, &fault), 0);
		nr_calls = notes.nr_calls;
		cr_assert_eq(nr_calls, 10);
		for (uint64_t n = 0; n < nr_calls; n++) {
			notes_reset();
			notes.fail_at = n;
			cr_expect_eq(parse(whole, &options, &fault), -EREMOTEIO, "call %d", (int)n);
			cr_expect_str_eq(fault.text, "");
			cr_expect_gt(fault.line, 0);
			cr_expect_eq(notes.nr_calls, n + 1, "nothing is told any more");
		}
	}
}

static int parse_whole(void *context)
{
	struct input *in = context;
	const struct xml_options options = { .no_express = false };
	struct xml_fault fault;
	int r = input_rewind(in);

	notes_reset();
	return r ? r : xml_parse(in, &options, &notes.base, &fault);
}

Test(elements, without_memory)
{
	static const char path[] = "build/elements-memory.xml";
	FILE *f = fopen(path, "w");
	struct input *in;

	cr_assert_geq(fputs(whole, f), 0);
	fclose(f);
	cr_assert_eq(input_open(path, &in), 0);
	cr_expect_geq(alloc_fault_sweep(parse_whole, in, 1), 5);
	input_close(in);
	unlink(path);
}

/* Damaged gzip is an error of reading, wherever the parser is. */
Test(elements, input_that_cannot_be_read)
{
	const struct xml_options none = { .has_transaction_id = false };
	static const char path[] = "build/elements-broken.gz";
	static const char broken[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03";
	FILE *f = fopen(path, "w");
	struct xml_fault fault;
	struct input *in;

	cr_assert_eq(fwrite(broken, 1, 10, f), 10);
	fclose(f);
	cr_assert_eq(input_open(path, &in), 0);
	notes_reset();
	cr_expect_eq(xml_parse(in, &none, &notes.base, &fault), -EIO);
	cr_expect_eq(notes.nr_calls, 0);
	input_close(in);
	unlink(path);
}
