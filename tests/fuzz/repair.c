/* SPDX-License-Identifier: MIT
 * repair.c: thin_repair of any device, as the tool does it: salvage, write, verify, and once more
 * with other times where devices would harm each other.
 *
 * It ends and changes nothing; a repair that claims success checks clean; sound metadata come
 * through unharmed; the result can be dumped and restored; the report is JSON.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/thin/metadata_read.h"
#include "common/thin/metadata_write.h"
#include "common/thin/salvage_candidates.h"
#include "common/tool/loss_report.h"
#include "common/tool/verify.h"
#include "tests/fuzz/support/dumps.h"
#include "tests/fuzz/support/images.h"
#include "tests/support/content.h"

enum { MORE_BLOCKS = 64, MAX_OUTPUT = 1024 };

static const struct tool tool = { .name = "thin_repair" };

struct repair {
	struct image *input;
	struct block_engine *engine; /* on it */
	struct image output;
	struct salvage_options options;
	struct salvage_result result;
};

/* As thin_repair: 0; -EUCLEAN: nothing could be made; -ENOSPC and others. */
static int salvage_and_write(struct repair *r)
{
	struct block_engine *sound, *out = image_engine(&r->output);
	struct metadata_reader *reader;
	struct metadata_writer *w;
	struct salvage_fault fault;
	struct read_fault read_fault = { "" };
	uint64_t needed;
	int e = salvage(r->engine, &r->options, &sound, &r->result, &fault);

	if (e) {
		fuzz_require(e != -EUCLEAN || *fault.text, "no reason");
		block_engine_destroy(out);
		return e;
	}
	fuzz_require(!metadata_writer_create(out, r->output.nr_blocks, &w), "no memory");
	const struct read_options read = { .nr_blocks = r->result.nr_blocks };

	e = metadata_reader_open(sound, &read, &reader, &read_fault);
	if (!e) {
		e = metadata_reader_run(reader, metadata_writer_visitor(w), NULL, &read_fault);
		metadata_reader_destroy(reader);
	}
	fuzz_require(!*read_fault.text, "what was salvaged cannot be read: %s", read_fault.text);
	if (!e)
		e = metadata_writer_commit(w, &needed);
	fuzz_require(!e || e == -ENOSPC, "what was salvaged cannot be written: %d", e);
	metadata_writer_destroy(w);
	block_engine_destroy(sound);
	block_engine_destroy(out);
	return e;
}

/* Whether the tool would say that all went well. */
static bool verify(struct repair *r, struct contradictions *ret)
{
	struct block_engine *out = image_engine(&r->output);
	int e = contradictions_find(out, true, ret);

	fuzz_require(!e, "the result cannot be checked: %d", e);
	block_engine_destroy(out);
	return !ret->any;
}

static int repair(struct repair *r, bool *ret_claimed)
{
	struct contradictions found, left;
	int e = salvage_and_write(r);

	*ret_claimed = false;
	if (e)
		return e;
	*ret_claimed = verify(r, &found);
	if (contradictions_are_times(&found, &r->result)) {
		salvage_result_destroy(&r->result);
		r->options.exposing = found.exposing;
		r->options.nr_exposing = found.nr_exposing;
		e = salvage_and_write(r);
		*ret_claimed = !e && verify(r, &left);
		if (!e)
			contradictions_destroy(&left);
	}
	contradictions_destroy(&found);
	return e;
}

static void report(const struct repair *r)
{
	struct fuzz_file f = fuzz_file_make("", 0);
	FILE *out = fopen(f.path, "w");
	size_t bytes;
	char *text;

	loss_report_text(&tool, "device", &r->result);
	fuzz_require(out && !loss_report_json(&tool, "device", &r->result, out), "no report");
	fclose(out);
	text = fuzz_file_read(&f, &bytes);
	fuzz_require_json(text, bytes);
	free(text);
	fuzz_file_close(&f);
}

static void require_same_content(struct image *a, struct image *b)
{
	struct block_engine *x = image_engine(a), *y = image_engine(b);
	struct content_difference d;
	struct content was, is;

	fuzz_require(!content_read(x, 0, &was), "sound metadata cannot be read");
	fuzz_require(!content_read(y, 0, &is), "the result cannot be read");
	d = content_compare(&was, &is);
	fuzz_require(!d.lost && !d.wrong && was.nr_devices == is.nr_devices,
		     "of sound metadata %d mappings are lost, %d wrong", (int)d.lost, (int)d.wrong);
	content_destroy(&was);
	content_destroy(&is);
	block_engine_destroy(x);
	block_engine_destroy(y);
}

/* Sound, and no mapping is beyond the end of any device: those are left out. */
static bool is_to_be_kept(struct image *i)
{
	struct check_result result;
	struct report report;
	bool kept;

	fuzz_require(!image_check(i, NULL, &report, &result), "no check");
	kept = report_worst(&report) < SEVERITY_NON_FATAL &&
	       !report.per_id[FINDING_MAPPING_THIN_BLOCK];
	check_result_destroy(&result);
	report_destroy(&report);
	return kept;
}

static void list_candidates(struct block_engine *e)
{
	struct salvage_fault fault;
	struct candidate_list c;

	if (!salvage_find_candidates(e, &c, &fault))
		candidate_list_destroy(&c);
}

static struct salvage_options options_of(struct fuzz_bytes *in)
{
	uint64_t bits = fuzz_take(in, 1);
	struct salvage_options o = { .has_transaction_id = bits & 1,
				     .has_roots = bits & 2,
				     .allow_older = bits & 4,
				     .aggressive = bits & 8 };

	if (o.has_transaction_id)
		o.transaction_id = fuzz_number(in);
	if (o.has_roots) {
		o.mapping_root = fuzz_number(in);
		o.details_root = fuzz_number(in);
	}
	if (bits & 16)
		o.nr_data_blocks = fuzz_number(in);
	if (bits & 32)
		o.data_block_size = 128u << fuzz_below(in, 14);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *output;
	struct fuzz_bytes in = { data, data + size };
	struct repair r = { .options = options_of(&in) };
	bool claimed, plain = !r.options.has_roots && !r.options.nr_data_blocks;
	struct fuzz_image f;

	fuzz_silence();
	if (!fuzz_image_make(&in, &f))
		return 0;
	if (!output)
		output = alloc_aligned((size_t)MAX_OUTPUT * MD_BLOCK_SIZE);
	fuzz_require(output, "no memory");
	/* Whatever stood on the output before is not to be seen. */
	r.output = (struct image){ output, f.image.nr_blocks + MORE_BLOCKS, NO_BLOCK };
	memset(output, 0xa5, (size_t)r.output.nr_blocks * MD_BLOCK_SIZE);
	r.input = &f.image;
	r.engine = image_engine(&f.image);
	if (!repair(&r, &claimed)) {
		fuzz_require(!claimed || fuzz_image_is_sound(&r.output),
			     "a repair that claims success does not check clean");
		if (claimed)
			fuzz_dump_require_restorable(&r.output);
		if (plain && is_to_be_kept(&f.image))
			require_same_content(&f.image, &r.output);
		report(&r);
	} else {
		fuzz_require(!f.is_base || r.options.has_roots, "a sound base cannot be repaired");
	}
	salvage_result_destroy(&r.result);
	if (size & 1)
		list_candidates(r.engine);
	fuzz_image_require_unchanged(&f);
	block_engine_destroy(r.engine);
	return 0;
}
