/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/support/dumps.h"

#include <errno.h>

#include "common/xml/parse.h"
#include "tests/fuzz/support/recorder.h"
#include "tests/support/file_stream.h"

int fuzz_dump_read(struct image *i, const struct read_options *o, struct metadata_visitor *v,
		   struct read_fault *fault)
{
	struct block_engine *e = image_engine(i);
	struct metadata_reader *reader;
	int r;

	*fault = (struct read_fault){ "" };
	r = metadata_reader_open(e, o, &reader, fault);
	if (!r) {
		r = metadata_reader_run(reader, v, NULL, fault);
		metadata_reader_destroy(reader);
	}
	block_engine_destroy(e);
	return r;
}

int fuzz_dump_emit(struct image *i, const struct read_options *o,
		   const struct metadata_visitor *format, bool compress, struct fuzz_file *ret)
{
	struct metadata_visitor *v;
	struct read_fault fault;
	struct file_stream out;
	int r;

	*ret = fuzz_file_make("", 0);
	fuzz_require(!file_stream_open(ret->path, compress, &out), "no stream");
	v = emitter_create(format, out.stream);
	fuzz_require(v, "no memory");
	r = fuzz_dump_read(i, o, v, &fault);
	emitter_destroy(v);
	fuzz_require(!file_stream_close(&out), "the stream failed");
	return r;
}

static bool has_late_device(struct image *i)
{
	struct check_result result;
	struct report report;
	bool late;

	fuzz_require(!image_check(i, NULL, &report, &result), "no check");
	late = report.per_id[FINDING_DEVICE_TIME] || report.per_id[FINDING_DEVICE_CREATION_TIME];
	check_result_destroy(&result);
	report_destroy(&report);
	return late;
}

void fuzz_dump_require_restorable(struct image *i)
{
	const struct read_options plain = { .nr_blocks = 0 };
	const struct xml_options options = { .nr_data_blocks = 0 };
	struct recorder wanted = recorder_make(), got = recorder_make();
	struct read_fault unread;
	struct xml_fault fault;
	struct fuzz_file xml;
	struct input *in;
	int r = fuzz_dump_read(i, &plain, &wanted.base, &unread);

	fuzz_require(!r, "it cannot be read: %s", unread.text);
	fuzz_require(!fuzz_dump_emit(i, &plain, &xml_emitter, false, &xml), "no XML");
	fuzz_require(!input_open(xml.path, &in), "no input");
	r = xml_parse(in, &options, &got.base, &fault);
	input_close(in);
	fuzz_file_close(&xml);
	/* Times of more than 24 bits are only suspect in device details, and not to be restored. */
	if (r == -EINVAL && has_late_device(i))
		return;
	fuzz_require(!r, "the dump is refused: %d, line %d column %d: %s", r, (int)fault.line,
		     (int)fault.column, fault.text);
	fuzz_require(got.digest == wanted.digest, "the dump says something else");
}
