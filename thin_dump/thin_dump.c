/* SPDX-License-Identifier: MIT
 * thin_dump.c: from metadata to text.
 */
#include "thin_dump/thin_dump.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/io/loop.h"
#include "common/tool/earlier_output.h"
#include "common/tool/loss_report.h"
#include "common/tool/open_metadata.h"
#include "common/tool/progress_terminal.h"
#include "common/tool/sandbox.h"
#include "common/tool/verify.h"
#include "common/xml/emit.h"

static int explain(const struct thin_dump_options *o, const struct read_fault *fault, int error)
{
	const char *hint = error == -EUCLEAN ? "; thin_check tells the extent of the damage" : "";

	/* The reader of our output went away: it had what it wanted. */
	if (o->quiet || error == -EPIPE)
		return STATUS_BAD;
	if (*fault->text)
		tool_error(&thin_dump_tool, "%s: %s%s", o->input, fault->text, hint);
	else
		tool_error(&thin_dump_tool, "%s: %s", o->input, strerror(-error));
	return STATUS_BAD;
}

static int explain_output(const struct thin_dump_options *o, int error)
{
	if (!o->quiet && error != -EPIPE)
		tool_error(&thin_dump_tool, "cannot write to %s: %s",
			   o->output ? o->output : "standard output", strerror(-error));
	return STATUS_BAD;
}

static int emit(const struct thin_dump_options *o, struct metadata_reader *reader,
		struct stream *out)
{
	struct metadata_visitor *v =
		emitter_create(o->format == FORMAT_XML ? &xml_emitter : &human_emitter, out);
	struct progress_terminal terminal;
	struct progress *progress =
		progress_terminal_begin(&terminal, thin_dump_tool.name, o->quiet || !o->output);
	struct read_fault fault = { "" };
	int r = -ENOMEM;

	if (v)
		r = metadata_reader_run(reader, v, progress, &fault);
	progress_terminal_end(&terminal);
	emitter_destroy(v);
	if (!r)
		return STATUS_OK;
	return stream_error(out) ? explain_output(o, stream_error(out)) : explain(o, &fault, r);
}

static int dump(const struct thin_dump_options *o, struct metadata_reader *reader)
{
	struct stream *out;
	int status, r = stream_open(o->output, o->compress, &out);

	if (r)
		return explain_output(o, r);
	status = emit(o, reader, out);
	r = stream_close(out);
	if (r && status == STATUS_OK)
		return explain_output(o, r);
	if (status != STATUS_OK && o->output && !o->quiet)
		tool_error(&thin_dump_tool, "%s is incomplete", o->output);
	return status;
}

static int dump_engine(const struct thin_dump_options *o, struct block_engine *engine,
		       const struct read_options *read)
{
	struct metadata_reader *reader;
	struct read_fault fault;
	int status, r = metadata_reader_open(engine, read, &reader, &fault);

	if (r)
		return explain(o, &fault, r);
	status = dump(o, reader);
	metadata_reader_destroy(reader);
	return status;
}

/* Once more where devices are not safe from each other as their details have it. */
static int salvage_safely(struct block_engine *engine, struct salvage_options *options,
			  struct block_engine **ret_sound, struct salvage_result *result,
			  struct salvage_fault *fault, struct contradictions *found)
{
	int r = salvage(engine, options, ret_sound, result, fault);

	if (r)
		return r;
	r = contradictions_find(*ret_sound, false, found);
	if (!r && !contradictions_are_times(found, result))
		return 0;
	block_engine_destroy(*ret_sound);
	if (r)
		return r;
	salvage_result_destroy(result);
	options->exposing = found->exposing;
	options->nr_exposing = found->nr_exposing;
	return salvage(engine, options, ret_sound, result, fault);
}

static int dump_salvaged(const struct thin_dump_options *o, struct block_engine *sound,
			 struct salvage_result *result, const struct contradictions *found)
{
	struct read_options read = o->read;
	struct contradictions left = { .any = false };
	int status, r;

	read.nr_blocks = result->nr_blocks;
	status = dump_engine(o, sound, &read);
	if (status != STATUS_OK || !found->any)
		return status;
	r = contradictions_find(sound, false, &left);
	status = contradictions_tell(&thin_dump_tool, &left, r, o->input, o->quiet);
	result->contradicts_itself = !r && left.any;
	contradictions_destroy(&left);
	return status;
}

static int salvage_and_dump(const struct thin_dump_options *o, struct block_engine *engine,
			    struct salvage_result *result)
{
	struct salvage_options options = { .has_transaction_id = o->has_transaction_id,
					   .transaction_id = o->read.transaction_id,
					   .nr_data_blocks = o->read.nr_data_blocks,
					   .data_block_size = o->read.data_block_size };
	struct contradictions found = { .any = false };
	struct salvage_fault fault;
	struct block_engine *sound;
	int status, r = salvage_safely(engine, &options, &sound, result, &fault, &found);

	if (!r) {
		status = dump_salvaged(o, sound, result, &found);
		block_engine_destroy(sound);
	} else {
		/* Of what it found by then nothing was made. */
		salvage_result_destroy(result);
		status = STATUS_BAD;
		if (!o->quiet)
			tool_error(&thin_dump_tool, "%s: %s", o->input,
				   *fault.text ? fault.text : strerror(-r));
	}
	contradictions_destroy(&found);
	return status;
}

/* What is lost is told, but no reason to fail: the dump is whole. */
static int dump_repaired(const struct thin_dump_options *o)
{
	struct salvage_result result;
	struct block_engine *engine;
	int status = open_any_blocks(&thin_dump_tool, o->input, OPEN_READ, o->quiet, &engine);

	if (status != STATUS_NONE)
		return status;
	sandbox_enter(&(struct sandbox){ .off = o->no_sandbox, .make = { o->output } });
	status = salvage_and_dump(o, engine, &result);
	if (!o->quiet && (result.superblock_found_out || result.nr_raised || result.nr_unreadable ||
			  loss_totals(&result).anything_lost))
		loss_report_text(&thin_dump_tool, o->input, &result);
	salvage_result_destroy(&result);
	block_engine_destroy(engine);
	return status;
}

/* Before anything is read, and before the sandbox hides what the file is used for. */
static int accept_output(const struct thin_dump_options *o)
{
	static const struct output_mark marks[] = { { "<superblock ", NULL },
						    { "begin superblock: ", NULL } };
	const char *why = NULL;
	struct stat st;

	if (!o->output)
		return STATUS_NONE;
	if (!stat(o->output, &st) && loop_in_use(&st))
		why = "it is in use through a loop device";
	else if (!o->force && !output_may_replace(o->output, marks, ARRAY_SIZE(marks)))
		why = output_refusal();
	if (why && !o->quiet)
		tool_error(&thin_dump_tool, "%s: %s", o->output, why);
	return why ? STATUS_BAD : STATUS_NONE;
}

int thin_dump_run(const struct thin_dump_options *o)
{
	enum open_mode mode = o->read.metadata_snap ? OPEN_READ_LIVE : OPEN_READ;
	struct block_engine *engine;
	int status;

	status = accept_output(o);
	if (status != STATUS_NONE)
		return status;
	if (o->repair)
		return dump_repaired(o);
	status = open_metadata(&thin_dump_tool, o->input, mode, o->quiet, &engine);
	if (status != STATUS_NONE)
		return status;
	sandbox_enter(&(struct sandbox){ .off = o->no_sandbox, .make = { o->output } });
	status = dump_engine(o, engine, &o->read);
	block_engine_destroy(engine);
	return status;
}
