/* SPDX-License-Identifier: MIT
 * test_emit.c: what a visitor is told, as XML and for people, byte for byte as
 * thin-provisioning-tools 1.x has it.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/xml/emit.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/capture.h"
#include "tests/support/file_stream.h"
#include "tests/support/leaks.h"

TestSuite(emit, .fini = fail_on_leaks);

/* One def that two devices share, and a device without mappings; the largest numbers there are. */
static int tell(struct metadata_visitor *v)
{
	const struct pool_header header = { .time = 9,
					    .transaction_id = UINT64_MAX,
					    .needs_check = true,
					    .version = 2,
					    .data_block_size = 128,
					    .nr_data_blocks = 1000 };
	const struct device_details first = { 12, 3, 4, 5 }, none = { 0, 6, 7, 7 };
	const struct mapping_run one = {
		.thin_begin = 8, .data_begin = 20, .length = 1, .time = 1
	};
	const struct mapping_run run = {
		.thin_begin = 10, .data_begin = 30, .length = 10, .time = 0
	};
	const struct mapping_run last = {
		.thin_begin = 100, .data_begin = 999, .length = 1, .time = 16777215
	};

	return v->superblock(v, &header) | v->def(v, 155) | v->map(v, &one) | v->map(v, &run) |
	       v->def_end(v) | v->device(v, 1, &first) | v->ref(v, 155) | v->map(v, &last) |
	       v->device_end(v) | v->device(v, 16777215, &none) | v->device_end(v) |
	       v->superblock_end(v);
}

static char *text_of(const struct metadata_visitor *format, int (*fn)(struct metadata_visitor *))
{
	struct capture c = capture_begin(stdout);
	struct metadata_visitor *v;
	struct stream *out;

	cr_assert_eq(stream_open(STDOUT_FILENO, false, NULL, &out), 0);
	v = emitter_create(format, out);
	cr_assert_not_null(v);
	cr_expect_eq(fn(v), 0);
	emitter_destroy(v);
	cr_expect_eq(stream_close(out), 0);
	return capture_end(&c);
}

Test(emit, xml)
{
	char *text = text_of(&xml_emitter, tell);

	cr_expect_str_eq(
		text,
		"<superblock uuid=\"\" time=\"9\" transaction=\"18446744073709551615\" flags=\"1\" "
		"version=\"2\" data_block_size=\"128\" nr_data_blocks=\"1000\">\n"
		"  <def name=\"155\">\n"
		"    <single_mapping origin_block=\"8\" data_block=\"20\" time=\"1\"/>\n"
		"    <range_mapping origin_begin=\"10\" data_begin=\"30\" length=\"10\" "
		"time=\"0\"/>\n"
		"  </def>\n"
		"  <device dev_id=\"1\" mapped_blocks=\"12\" transaction=\"3\" creation_time=\"4\" "
		"snap_time=\"5\">\n"
		"    <ref name=\"155\"/>\n"
		"    <single_mapping origin_block=\"100\" data_block=\"999\" time=\"16777215\"/>\n"
		"  </device>\n"
		"  <device dev_id=\"16777215\" mapped_blocks=\"0\" transaction=\"6\" "
		"creation_time=\"7\" snap_time=\"7\">\n"
		"  </device>\n"
		"</superblock>",
		"%s", text);
	free(text);
}

Test(emit, for_people)
{
	char *text = text_of(&human_emitter, tell);

	cr_expect_str_eq(text,
			 "begin superblock: \"\", 9, 18446744073709551615, 1, 2, 128, 1000\n"
			 "def: 155\n"
			 "    (8..8) -> (20..20), 1\n"
			 "    (10..19) -> (30..39), 0\n"
			 "\n"
			 "device: 1\nmapped_blocks: 12\ntransaction: 3\ncreation time: 4\n"
			 "snap time: 5\n"
			 "    ref: 155\n"
			 "    (100..100) -> (999..999), 16777215\n"
			 "\n"
			 "device: 16777215\nmapped_blocks: 0\ntransaction: 6\ncreation time: 7\n"
			 "snap time: 7\n"
			 "\n"
			 "end superblock\n",
			 "%s", text);
	free(text);
}

static int tell_healthy(struct metadata_visitor *v)
{
	const struct pool_header header = { .version = 2, .data_block_size = 128 };

	return v->superblock(v, &header);
}

/* A pool that needs no check has no flags in XML, and 0 for people. */
Test(emit, without_flags)
{
	char *text = text_of(&xml_emitter, tell_healthy);

	cr_expect_str_eq(text, "<superblock uuid=\"\" time=\"0\" transaction=\"0\" version=\"2\" "
			       "data_block_size=\"128\" nr_data_blocks=\"0\">\n");
	free(text);
	text = text_of(&human_emitter, tell_healthy);
	cr_expect_str_eq(text, "begin superblock: \"\", 0, 0, 0, 2, 128, 0\n");
	free(text);
}

/* A full disk ends the walk: some call returns it, and the stream says it once more. */
static void expect_failure(const struct metadata_visitor *format)
{
	const struct mapping_run run = { .length = 1 };
	struct metadata_visitor *v;
	struct file_stream out;
	int r = 0;

	cr_assert_eq(file_stream_open("/dev/full", false, &out), 0);
	v = emitter_create(format, out.stream);
	for (int n = 0; n < 200000 && !r; n++)
		r = v->map(v, &run);
	cr_expect_eq(r, -ENOSPC);
	cr_expect_eq(v->superblock_end(v), -ENOSPC);
	cr_expect_eq(v->device_end(v), -ENOSPC);
	emitter_destroy(v);
	cr_expect_eq(file_stream_close(&out), -ENOSPC);
}

Test(emit, a_full_disk)
{
	expect_failure(&xml_emitter);
	expect_failure(&human_emitter);
}

static int make(void *context)
{
	struct metadata_visitor *v = emitter_create(&xml_emitter, context);

	if (!v)
		return -ENOMEM;
	emitter_destroy(v);
	return 0;
}

Test(emit, without_memory)
{
	struct file_stream out;

	cr_assert_eq(file_stream_open("/dev/null", false, &out), 0);
	cr_expect_eq(alloc_fault_sweep(make, out.stream, 1), 1);
	cr_expect_eq(file_stream_close(&out), 0);
}
