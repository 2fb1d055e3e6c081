/* SPDX-License-Identifier: MIT
 * xml.c: XML, plain or gzip'd, that thin_restore is given.
 *
 * The express lane and expat agree: the same calls, and the same error at the same place.  What is
 * accepted is written as sound metadata.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/base/alloc.h"
#include "common/thin/metadata_write.h"
#include "common/xml/parse.h"
#include "tests/fuzz/support/images.h"
#include "tests/fuzz/support/recorder.h"

enum { OUTPUT_BLOCKS = 160 };

struct outcome {
	int error;
	struct recorder calls;
	struct xml_fault fault;
};

static void parse(const char *path, struct xml_options o, bool no_express, uint64_t fail_at,
		  struct outcome *ret)
{
	struct input *in;

	o.no_express = no_express;
	ret->calls = recorder_make();
	ret->calls.fail_at = fail_at;
	memset(&ret->fault, 0, sizeof(ret->fault));
	ret->error = input_open(path, &in);
	if (ret->error)
		return;
	ret->error = xml_parse(in, &o, &ret->calls.base, &ret->fault);
	input_close(in);
}

static void require_agreement(const struct outcome *a, const struct outcome *b)
{
	fuzz_require(a->error == b->error, "the express lane ends with %d (%s), expat with %d (%s)",
		     a->error, a->fault.text, b->error, b->fault.text);
	fuzz_require(a->calls.digest == b->calls.digest && a->calls.nr_calls == b->calls.nr_calls,
		     "%d calls by the express lane are not %d by expat", (int)a->calls.nr_calls,
		     (int)b->calls.nr_calls);
	fuzz_require(a->fault.line == b->fault.line && a->fault.column == b->fault.column,
		     "the express lane: %d:%d: %s, expat: %d:%d: %s", (int)a->fault.line,
		     (int)a->fault.column, a->fault.text, (int)b->fault.line, (int)b->fault.column,
		     b->fault.text);
	fuzz_require(!strcmp(a->fault.text, b->fault.text), "%s: not: %s", a->fault.text,
		     b->fault.text);
	fuzz_require(a->error != -EINVAL || *a->fault.text, "no reason");
}

/* As thin_restore does, without the parts of it that only look for sharing. */
static void restore(const char *path, const struct xml_options *o)
{
	static uint8_t *bytes;
	struct image i = { .nr_blocks = OUTPUT_BLOCKS, .unreadable = NO_BLOCK };
	struct block_engine *e;
	struct metadata_writer *w;
	struct xml_fault fault;
	struct input *in;
	uint64_t needed;
	int r;

	if (!bytes)
		bytes = alloc_aligned((size_t)OUTPUT_BLOCKS * MD_BLOCK_SIZE);
	fuzz_require(bytes, "no memory");
	memset(bytes, 0xa5, (size_t)OUTPUT_BLOCKS * MD_BLOCK_SIZE);
	i.bytes = bytes;
	e = image_engine(&i);
	fuzz_require(!metadata_writer_create(e, OUTPUT_BLOCKS, &w), "no memory");
	fuzz_require(!input_open(path, &in), "no input");
	r = xml_parse(in, o, metadata_writer_visitor(w), &fault);
	if (!r)
		r = metadata_writer_commit(w, &needed);
	fuzz_require(!r || r == -ENOSPC, "what was parsed cannot be written: %d", r);
	if (!r && !metadata_writer_suspicious(w))
		fuzz_require(image_worst(&i) < SEVERITY_NON_FATAL, "what was written is not sound");
	input_close(in);
	metadata_writer_destroy(w);
	block_engine_destroy(e);
}

/* Members of gzip, of so many bytes each, the last one perhaps cut off. */
static struct fuzz_file compress_text(const uint8_t *text, size_t bytes, size_t member, size_t cut)
{
	size_t room = bytes + 256 + 64 * (bytes / member + 1), used = 0;
	uint8_t *out = malloc(room);
	struct fuzz_file f;

	fuzz_require(out, "no memory");
	do {
		const size_t n = bytes < member ? bytes : member;
		z_stream z = { .avail_in = (uInt)n, .avail_out = (uInt)(room - used) };
		uint8_t *from = malloc(n + 1);

		memcpy(from, text, n);
		z.next_in = from;
		z.next_out = out + used;
		fuzz_require(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK &&
				     deflate(&z, Z_FINISH) == Z_STREAM_END,
			     "deflate");
		used += z.total_out;
		deflateEnd(&z);
		free(from);
		text += n;
		bytes -= n;
	} while (bytes);
	f = fuzz_file_make(out, used - cut);
	free(out);
	return f;
}

static struct fuzz_file file_of(struct fuzz_bytes *in, bool compressed)
{
	size_t member = 1 + fuzz_take(in, 2), cut = compressed ? fuzz_take(in, 1) % 16 : 0;

	if (!compressed)
		return fuzz_file_make(in->p, fuzz_left(in));
	return compress_text(in->p, fuzz_left(in), member < 64 ? 64 : member, cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes in = { data, data + size };
	uint64_t bits = fuzz_take(&in, 1);
	struct xml_options o = { .has_transaction_id = bits & 1 };
	struct outcome express, expat;
	struct fuzz_file f;
	uint64_t fail_at;

	fuzz_silence();
	if (bits & 1)
		o.transaction_id = fuzz_number(&in);
	if (bits & 2)
		o.nr_data_blocks = fuzz_number(&in);
	if (bits & 4)
		o.data_block_size = 128u << fuzz_below(&in, 14);
	fail_at = bits & 8 ? fuzz_take(&in, 1) : 0;
	f = file_of(&in, bits & 16);
	parse(f.path, o, false, fail_at, &express);
	parse(f.path, o, true, fail_at, &expat);
	require_agreement(&express, &expat);
	if (!express.error)
		restore(f.path, &o);
	fuzz_file_close(&f);
	return 0;
}
