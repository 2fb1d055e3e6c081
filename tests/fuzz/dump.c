/* SPDX-License-Identifier: MIT
 * dump.c: thin_dump on any device.
 *
 * It ends and changes nothing.  What thin_check finds nothing fatal in is dumped whole, and read as
 * XML again it is the same, call by call.
 */
#include <errno.h>
#include <string.h>

#include "common/thin/metadata_read.h"
#include "common/xml/emit.h"
#include "common/xml/parse.h"
#include "tests/fuzz/support/images.h"
#include "tests/fuzz/support/recorder.h"

static int read_all(struct image *i, const struct read_options *o, struct metadata_visitor *v,
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

static int emit(struct image *i, const struct read_options *o,
		const struct metadata_visitor *format, bool compress, struct fuzz_file *ret)
{
	struct metadata_visitor *v;
	struct read_fault fault;
	struct stream *out;
	int r;

	*ret = fuzz_file_make("", 0);
	fuzz_require(!stream_open(ret->path, compress, &out), "no stream");
	v = emitter_create(format, out);
	fuzz_require(v, "no memory");
	r = read_all(i, o, v, &fault);
	emitter_destroy(v);
	fuzz_require(!stream_close(out), "the stream failed");
	return r;
}

static void require_same(const struct fuzz_file *xml, const struct recorder *wanted)
{
	const struct xml_options options = { .nr_data_blocks = 0 };
	struct recorder got = recorder_make();
	struct xml_fault fault;
	struct input *in;
	int r;

	fuzz_require(!input_open(xml->path, &in), "no input");
	r = xml_parse(in, &options, &got.base, &fault);
	input_close(in);
	fuzz_require(!r, "the dump is refused: %d, line %d column %d: %s", r, (int)fault.line,
		     (int)fault.column, fault.text);
	fuzz_require(got.digest == wanted->digest, "the dump says something else");
}

static struct read_options options_of(struct fuzz_bytes *in, uint64_t *ret_id)
{
	uint64_t bits = fuzz_take(in, 1);
	struct read_options o = { .metadata_snap = (bits & 3) == 3, .skip_mappings = bits & 4 };

	if (bits & 8) {
		*ret_id = fuzz_number(in);
		o.dev_ids = ret_id;
		o.nr_dev_ids = 1;
	}
	if (bits & 16)
		o.transaction_id = fuzz_number(in);
	if (bits & 32)
		o.nr_data_blocks = fuzz_number(in);
	return o;
}

static bool is_plain(const struct read_options *o)
{
	return !o->metadata_snap && !o->skip_mappings && !o->nr_dev_ids && !o->transaction_id &&
	       !o->nr_data_blocks;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes in = { data, data + size };
	struct recorder calls = recorder_make();
	uint64_t id;
	struct read_options o = options_of(&in, &id);
	struct read_fault fault;
	struct fuzz_file xml, human;
	struct fuzz_image f;
	int r;

	fuzz_silence();
	if (!fuzz_image_make(&in, &f))
		return 0;
	r = read_all(&f.image, &o, &calls.base, &fault);
	fuzz_require(!r || *fault.text || r == -ENOMEM, "%d without a reason", r);
	fuzz_require(emit(&f.image, &o, &xml_emitter, size & 1, &xml) == r, "XML ends otherwise");
	fuzz_require(emit(&f.image, &o, &human_emitter, false, &human) == r, "text ends otherwise");
	fuzz_image_require_unchanged(&f);
	if (is_plain(&o) && image_worst(&f.image) < SEVERITY_FATAL) {
		fuzz_require(!r, "nothing fatal is wrong, but: %s", fault.text);
		require_same(&xml, &calls);
	}
	fuzz_file_close(&xml);
	fuzz_file_close(&human);
	return 0;
}
