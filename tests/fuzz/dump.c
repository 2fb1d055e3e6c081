/* SPDX-License-Identifier: MIT
 * dump.c: thin_dump on any device.
 *
 * It ends and changes nothing.  What thin_check finds nothing fatal in is dumped whole, and read as
 * XML again it is the same, call by call.
 */
#include <errno.h>
#include <string.h>

#include "tests/fuzz/support/dumps.h"
#include "tests/fuzz/support/images.h"
#include "tests/fuzz/support/recorder.h"

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
	r = fuzz_dump_read(&f.image, &o, &calls.base, &fault);
	fuzz_require(!r || *fault.text || r == -ENOMEM, "%d without a reason", r);
	fuzz_require(fuzz_dump_emit(&f.image, &o, &xml_emitter, size & 1, &xml) == r,
		     "XML ends otherwise");
	fuzz_require(fuzz_dump_emit(&f.image, &o, &human_emitter, false, &human) == r,
		     "text ends otherwise");
	fuzz_image_require_unchanged(&f);
	if (is_plain(&o) && image_worst(&f.image) < SEVERITY_FATAL) {
		fuzz_require(!r, "nothing fatal is wrong, but: %s", fault.text);
		fuzz_dump_require_restorable(&f.image);
	}
	fuzz_file_close(&xml);
	fuzz_file_close(&human);
	return 0;
}
