/* SPDX-License-Identifier: MIT
 * thin_dump.c: from metadata to text.
 */
#include "thin_dump/thin_dump.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/tool/loss_report.h"
#include "common/tool/open_metadata.h"
#include "common/tool/output_file.h"
#include "common/tool/progress_terminal.h"
#include "common/tool/sandbox.h"
#include "common/tool/verify.h"
#include "common/xml/emit.h"

struct dump {
	const struct thin_dump_options *options;
	struct output_file file; /* where the output is named */
};

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

static int explain_output(const struct thin_dump_options *o, const char *why)
{
	if (!o->quiet)
		tool_error(&thin_dump_tool, "cannot write to %s: %s",
			   o->output ? o->output : "standard output", why);
	return STATUS_BAD;
}

/* Its reader went away, or we are to end: nobody wants to hear of it. */
static int explain_write(const struct thin_dump_options *o, int error)
{
	return error == -EPIPE || error == -ECANCELED ? STATUS_BAD
						      : explain_output(o, out_file_why(error));
}

/* STATUS_NONE: what was read is at fault, and has been told. */
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
	if (stream_error(out))
		return explain_write(o, stream_error(out));
	(void)explain(o, &fault, r);
	return STATUS_NONE;
}

static int dump_to(const struct thin_dump_options *o, struct metadata_reader *reader, int fd,
		   const sigset_t *held)
{
	struct stream *out;
	int status, r = stream_open(fd, o->compress, held, &out);

	if (r)
		return explain_write(o, r);
	status = emit(o, reader, out);
	r = stream_close(out);
	return r && status != STATUS_BAD ? explain_write(o, r) : status;
}

/*
 * Of damaged metadata the part that was read is worth having, unless something better may stand
 * there.
 */
static int end_file(struct dump *d, int status)
{
	const struct thin_dump_options *o = d->options;
	const bool keep = output_file_replaces(&d->file);
	int r = status == STATUS_OK || (status == STATUS_NONE && !keep) ? 0 : -ECANCELED;

	r = output_file_end(&d->file, r);
	if (r && r != -ECANCELED)
		return explain_write(o, r);
	if (status == STATUS_NONE && !o->quiet)
		tool_error(&thin_dump_tool, "%s %s", o->output,
			   keep ? "is left as it was" : "is incomplete");
	return status == STATUS_OK ? STATUS_OK : STATUS_BAD;
}

static int dump(struct dump *d, struct metadata_reader *reader)
{
	const struct thin_dump_options *o = d->options;
	struct out_fault fault = { "" };
	int status;

	if (!o->output) {
		status = dump_to(o, reader, STDOUT_FILENO, NULL);
		return status == STATUS_NONE ? STATUS_BAD : status;
	}
	if (output_file_begin(&d->file, &fault))
		return explain_output(o, fault.text);
	return end_file(d, dump_to(o, reader, fileno(d->file.stream), output_file_held(&d->file)));
}

static int dump_engine(struct dump *d, struct block_engine *engine, const struct read_options *read)
{
	struct metadata_reader *reader;
	struct read_fault fault;
	int status, r = metadata_reader_open(engine, read, &reader, &fault);

	if (r)
		return explain(d->options, &fault, r);
	status = dump(d, reader);
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

static int dump_salvaged(struct dump *d, struct block_engine *sound, struct salvage_result *result,
			 const struct contradictions *found)
{
	const struct thin_dump_options *o = d->options;
	struct read_options read = o->read;
	struct contradictions left = { .any = false };
	int status, r;

	read.nr_blocks = result->nr_blocks;
	status = dump_engine(d, sound, &read);
	if (status != STATUS_OK || !found->any)
		return status;
	r = contradictions_find(sound, false, &left);
	status = contradictions_tell(&thin_dump_tool, &left, r, o->input, o->quiet);
	result->contradicts_itself = !r && left.any;
	contradictions_destroy(&left);
	return status;
}

static int salvage_and_dump(struct dump *d, struct block_engine *engine,
			    struct salvage_result *result)
{
	const struct thin_dump_options *o = d->options;
	struct salvage_options options = { .has_transaction_id = o->has_transaction_id,
					   .transaction_id = o->read.transaction_id,
					   .nr_data_blocks = o->read.nr_data_blocks,
					   .data_block_size = o->read.data_block_size };
	struct contradictions found = { .any = false };
	struct salvage_fault fault;
	struct block_engine *sound;
	int status, r = salvage_safely(engine, &options, &sound, result, &fault, &found);

	if (!r) {
		status = dump_salvaged(d, sound, result, &found);
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

static void raise_walls(const struct dump *d)
{
	struct sandbox walls = { .off = d->options->no_sandbox };

	output_file_let_through(&d->file, &walls);
	sandbox_enter(&walls);
}

/* What is lost is told, but no reason to fail: the dump is whole. */
static int dump_repaired(struct dump *d)
{
	const struct thin_dump_options *o = d->options;
	struct salvage_result result;
	struct block_engine *engine;
	int status = open_any_blocks(&thin_dump_tool, o->input, OPEN_READ, o->quiet, &engine);

	if (status != STATUS_NONE)
		return status;
	raise_walls(d);
	status = salvage_and_dump(d, engine, &result);
	if (!o->quiet && (result.superblock_found_out || result.nr_raised || result.nr_unreadable ||
			  loss_totals(&result).anything_lost))
		loss_report_text(&thin_dump_tool, o->input, &result);
	salvage_result_destroy(&result);
	block_engine_destroy(engine);
	return status;
}

static int dump_as_it_is(struct dump *d)
{
	const struct thin_dump_options *o = d->options;
	enum open_mode mode = o->read.metadata_snap ? OPEN_READ_LIVE : OPEN_READ;
	struct block_engine *engine;
	int status = open_metadata(&thin_dump_tool, o->input, mode, o->quiet, &engine);

	if (status != STATUS_NONE)
		return status;
	raise_walls(d);
	status = dump_engine(d, engine, &o->read);
	block_engine_destroy(engine);
	return status;
}

/* Before anything is read, and before the sandbox hides what the file is used for. */
static int place_output(struct dump *d)
{
	static const struct output_mark marks[] = { { "<superblock ", NULL },
						    { "begin superblock: ", NULL } };
	const struct thin_dump_options *o = d->options;
	struct out_fault fault;

	if (!o->output ||
	    !output_file_place(o->output, o->force, marks, ARRAY_SIZE(marks), &d->file, &fault))
		return STATUS_NONE;
	return explain_output(o, fault.text);
}

int thin_dump_run(const struct thin_dump_options *o)
{
	struct dump d = { .options = o, .file = NO_OUTPUT_FILE };
	int status = place_output(&d);

	if (status == STATUS_NONE)
		status = o->repair ? dump_repaired(&d) : dump_as_it_is(&d);
	(void)output_file_end(&d.file, -ECANCELED);
	return status;
}
