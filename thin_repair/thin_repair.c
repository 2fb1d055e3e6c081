/* SPDX-License-Identifier: MIT
 * thin_repair.c: from damaged metadata to good metadata on another device.
 *
 * The salvage makes sound metadata in memory, on top of the input.  That is read twice as any
 * other: to find out how large the output has to be, and to write it.
 */
#include "thin_repair/thin_repair.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/pdata/space_map.h"
#include "common/thin/metadata_read.h"
#include "common/thin/metadata_write.h"
#include "common/tool/confirm.h"
#include "common/tool/loss_report.h"
#include "common/tool/open_metadata.h"
#include "common/tool/output_file.h"
#include "common/tool/sandbox.h"
#include "common/tool/verify.h"

struct repair {
	const struct thin_repair_options *options;
	struct block_engine *input, *sound, *output;
	struct salvage_options salvage;
	struct salvage_result result;
	struct contradictions found;
	uint64_t nr_blocks; /* of the output */
	bool written;
	struct output_file report;
	char reason[512]; /* why nothing was */
};

static int fail(struct repair *r, const char *file, const char *text)
{
	(void)snprintf(r->reason, sizeof(r->reason), "%s: %s", file, text);
	if (!r->options->quiet)
		tool_error(&thin_repair_tool, "%s: %s", file, text);
	return STATUS_BAD;
}

/* The sound metadata to a writer.  0 or -errno; *ret_fault tells of what could not be read. */
static int copy(const struct repair *r, struct metadata_writer *w, struct read_fault *ret_fault,
		uint64_t *ret_needed)
{
	const struct read_options read = { .nr_blocks = r->result.nr_blocks };
	struct metadata_reader *reader;
	int e = metadata_reader_open(r->sound, &read, &reader, ret_fault);

	if (e)
		return e;
	e = metadata_reader_run(reader, metadata_writer_visitor(w), NULL, ret_fault);
	metadata_reader_destroy(reader);
	return e ? e : metadata_writer_commit(w, ret_needed);
}

/* With an engine write, without only find out how many blocks are needed. */
static int transfer(const struct repair *r, struct block_engine *to, uint64_t *ret_needed,
		    struct read_fault *ret_fault)
{
	struct metadata_writer *w = NULL;
	uint32_t time;
	int e = metadata_writer_create(to, r->nr_blocks, &w);

	*ret_fault = (struct read_fault){ "" };
	if (!e)
		e = copy(r, w, ret_fault, ret_needed);
	if (!e && to && !r->options->quiet && metadata_writer_raised_time(w, &time))
		tool_error(&thin_repair_tool,
			   "%s: the superblock's time is %" PRIu32
			   " now, that of the newest mapping or device: or the next snapshot "
			   "would not protect it",
			   r->options->output, time);
	metadata_writer_destroy(w);
	return e;
}

static int measure(struct repair *r)
{
	uint64_t needed = METADATA_MAX_BLOCKS + 1;
	struct read_fault fault;
	char text[256];
	int e = transfer(r, NULL, &needed, &fault);

	if (*fault.text)
		return fail(r, r->options->input, fault.text);
	if (e && e != -ENOSPC)
		return fail(r, r->options->input, strerror(-e));
	if (needed <= r->nr_blocks)
		return STATUS_NONE;
	(void)snprintf(text, sizeof(text),
		       "Output file too small: it has %" PRIu64 " bytes, and %" PRIu64
		       " are needed (%" PRIu64 " metadata blocks); nothing was written",
		       r->nr_blocks * MD_BLOCK_SIZE, needed * MD_BLOCK_SIZE, needed);
	return fail(r, r->options->output, text);
}

static int write_output(struct repair *r)
{
	struct read_fault fault = { "" };
	uint64_t needed;
	int e = metadata_destroy_superblock(r->output);

	if (e)
		return fail(r, r->options->output, strerror(-e));
	e = transfer(r, r->output, &needed, &fault);
	if (!e)
		return STATUS_OK;
	if (metadata_destroy_superblock(r->output))
		(void)fail(r, r->options->output, "its superblock could not be destroyed");
	return *fault.text ? fail(r, r->options->input, fault.text)
			   : fail(r, r->options->output, strerror(-e));
}

static int repair_to_output(struct repair *r)
{
	int status;

	r->nr_blocks = r->output->nr_blocks;
	if (r->nr_blocks > METADATA_MAX_BLOCKS)
		r->nr_blocks = METADATA_MAX_BLOCKS;
	status = measure(r);
	if (status == STATUS_NONE)
		status = write_output(r);
	r->written = status == STATUS_OK;
	return status;
}

static const struct output_mark report_mark = { "{\n  \"tool\": \"thin_repair\"", NULL };

static int write_report(struct repair *r, FILE *out)
{
	const struct thin_repair_options *o = r->options;

	return r->written ? loss_report_json(&thin_repair_tool, o->input, &r->result, out)
			  : loss_report_json_failure(&thin_repair_tool, o->input, r->reason, out);
}

/* The output is as good without it: that it is missing is told, and changes no status. */
static void report_to_file(struct repair *r)
{
	const struct thin_repair_options *o = r->options;
	struct out_fault fault = { "" };
	int e;

	if (!o->report)
		return;
	e = output_file_begin(&r->report, &fault);
	if (!e)
		e = write_report(r, r->report.stream);
	e = output_file_end(&r->report, e);
	if (e && !o->quiet)
		tool_error(&thin_repair_tool, "%s: the report could not be written: %s", o->report,
			   *fault.text ? fault.text : out_file_why(e));
}

/* That nothing could be made is worth a report too. */
static int report(struct repair *r, int status)
{
	const struct thin_repair_options *o = r->options;

	if (r->written && !o->quiet)
		loss_report_text(&thin_repair_tool, o->input, &r->result);
	report_to_file(r);
	if (r->written && status == STATUS_OK && o->strict && loss_totals(&r->result).anything_lost)
		return STATUS_BAD;
	return status;
}

static int salvage_to_output(struct repair *r)
{
	const struct thin_repair_options *o = r->options;
	struct salvage_fault fault;
	int status, e = salvage(r->input, &r->salvage, &r->sound, &r->result, &fault);

	if (e)
		return fail(r, o->input, *fault.text ? fault.text : strerror(-e));
	status = repair_to_output(r);
	block_engine_destroy(r->sound);
	return status;
}

/* Judged by what is on the output now: e is what looking at it gave. */
static int judge(struct repair *r, const struct contradictions *found, int e)
{
	const struct thin_repair_options *o = r->options;
	int status = contradictions_tell(&thin_repair_tool, found, e, o->output, o->quiet);

	r->result.contradicts_itself = !e && found->any;
	if (e) { /* nobody looked: of what was lost nothing can be said either */
		(void)snprintf(r->reason, sizeof(r->reason), "%s: it could not be checked: %s",
			       o->output, strerror(-e));
		r->written = false;
	}
	return status;
}

static int verify(struct repair *r)
{
	struct contradictions left;
	int e = contradictions_find(r->output, true, &left);
	int status = judge(r, &left, e);

	contradictions_destroy(&left);
	return status;
}

/* Once more where devices are not safe from each other as their details have it. */
static int salvage_safely(struct repair *r)
{
	int status = salvage_to_output(r), e;

	if (status != STATUS_OK)
		return status;
	e = contradictions_find(r->output, true, &r->found);
	if (e || !contradictions_are_times(&r->found, &r->result))
		return judge(r, &r->found, e);
	salvage_result_destroy(&r->result);
	r->written = false;
	r->salvage.exposing = r->found.exposing;
	r->salvage.nr_exposing = r->found.nr_exposing;
	status = salvage_to_output(r);
	return status == STATUS_OK ? verify(r) : status;
}

/* An output that cannot be written is better known before hours of work. */
static int run(struct repair *r)
{
	const struct thin_repair_options *o = r->options;
	struct sandbox walls = { .off = o->no_sandbox };
	struct confirm confirm;
	int status = open_output(&thin_repair_tool, o->output, o->quiet, &r->output);

	if (status != STATUS_NONE) {
		(void)snprintf(r->reason, sizeof(r->reason), "%s: it cannot be opened for writing",
			       o->output);
		return report(r, status);
	}
	confirm_look(o->output, o->batch, &confirm);
	output_file_let_through(&r->report, &walls);
	sandbox_enter(&walls);
	status = confirm_overwrite(&thin_repair_tool, o->output, r->output, &confirm);
	if (status == STATUS_NONE)
		status = salvage_safely(r);
	else
		(void)snprintf(r->reason, sizeof(r->reason), "%s: not overwritten", o->output);
	contradictions_destroy(&r->found);
	block_engine_destroy(r->output);
	return report(r, status);
}

/* Likewise. */
static int place_report(struct repair *r)
{
	const struct thin_repair_options *o = r->options;
	struct out_fault fault;

	if (!o->report ||
	    !output_file_place(o->report, o->force, &report_mark, 1, &r->report, &fault))
		return STATUS_NONE;
	if (!o->quiet)
		tool_error(&thin_repair_tool, "%s: %s", o->report, fault.text);
	return STATUS_BAD;
}

static int list_or_repair(struct repair *r)
{
	const struct thin_repair_options *o = r->options;
	int status = open_any_blocks(&thin_repair_tool, o->input, OPEN_READ, o->quiet, &r->input);

	if (status != STATUS_NONE) {
		(void)snprintf(r->reason, sizeof(r->reason), "%s: it cannot be opened", o->input);
		return report(r, status);
	}
	status = o->candidates ? thin_repair_list(o, r->input) : run(r);
	salvage_result_destroy(&r->result);
	block_engine_destroy(r->input);
	return status;
}

int thin_repair_run(const struct thin_repair_options *o)
{
	struct repair r = { .options = o, .salvage = o->salvage, .report = NO_OUTPUT_FILE };
	int status = place_report(&r);

	if (status == STATUS_NONE)
		status = list_or_repair(&r);
	(void)output_file_end(&r.report, -EIO);
	return status;
}
