/* SPDX-License-Identifier: MIT
 * thin_restore.c: from XML to metadata.
 *
 * The XML is read twice: first to see that all of it is right and fits, then to write.  So a
 * mistake in its last line is found before the first block is written.
 */
#include "thin_restore/thin_restore.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/io/undo.h"
#include "common/pdata/space_map.h"
#include "common/thin/metadata_write.h"
#include "common/thin/superblock.h"
#include "common/tool/confirm.h"
#include "common/tool/hold_signals.h"
#include "common/tool/open_metadata.h"
#include "common/tool/sandbox.h"
#include "thin_restore/sharing.h"

static const char *input_name(const struct thin_restore_options *o)
{
	return strcmp(o->input, "-") ? o->input : "standard input";
}

static int bad_input(const struct thin_restore_options *o, const struct input *in,
		     const struct xml_fault *fault, int error)
{
	const char *text = *fault->text ? fault->text : strerror(-error);

	if (error == -EIO && !*fault->text)
		text = "it cannot be read, or its gzip data is damaged";
	if (o->quiet)
		return STATUS_BAD;
	if (error == -EBADMSG)
		tool_error(&thin_restore_tool,
			   "%s: its gzip data ends before byte %" PRIu64
			   ", and something else follows: cut that off",
			   input_name(o), input_position(in));
	else if (fault->line)
		tool_error(&thin_restore_tool, "%s:%" PRIu64 ":%" PRIu64 ": %s", input_name(o),
			   fault->line, fault->column, text);
	else
		tool_error(&thin_restore_tool, "%s: %s", input_name(o), text);
	return STATUS_BAD;
}

static int bad_output(const struct thin_restore_options *o, int error)
{
	if (!o->quiet)
		tool_error(&thin_restore_tool, "cannot write to %s: %s", o->output,
			   strerror(-error));
	return STATUS_BAD;
}

static int too_small(const struct thin_restore_options *o, uint64_t nr_blocks, uint64_t needed,
		     bool at_least)
{
	if (o->quiet)
		return STATUS_BAD;
	if (needed > METADATA_MAX_BLOCKS)
		tool_error(&thin_restore_tool,
			   "%s: too much for any metadata device: they have at most %" PRIu64
			   " blocks (15.875 GiB)",
			   input_name(o), METADATA_MAX_BLOCKS);
	else
		tool_error(&thin_restore_tool,
			   "%s: Output file too small: it has %" PRIu64 " bytes, and %s%" PRIu64
			   " are needed (%" PRIu64 " metadata blocks); nothing was written",
			   o->output, nr_blocks * MD_BLOCK_SIZE, at_least ? "at least " : "",
			   needed * MD_BLOCK_SIZE, needed);
	return STATUS_BAD;
}

/* The wrong way round: then the output is what should have been the input. */
static int refuse_binary(const struct thin_restore_options *o, struct input *in)
{
	char raw[MD_BLOCK_SIZE] = "";
	size_t bytes;
	int r = input_read(in, raw, sizeof(raw), &bytes);

	if (!r && superblock_decode(raw).magic == SUPERBLOCK_MAGIC) {
		if (!o->quiet)
			tool_error(&thin_restore_tool,
				   "%s: This is binary metadata; -i takes the XML that thin_dump "
				   "makes of it",
				   input_name(o));
		return STATUS_BAD;
	}
	r = input_rewind(in); /* what could not be read is told by whoever reads it next */
	return r ? bad_input(o, in, &(struct xml_fault){ 0 }, r) : STATUS_NONE;
}

/* One reading of the XML.  *ret_fault tells whether it was at fault. */
static int read_xml(const struct thin_restore_options *o, struct input *in,
		    struct metadata_writer *w, struct xml_fault *ret_fault, uint64_t *ret_needed)
{
	int r = xml_parse(in, &o->xml, metadata_writer_visitor(w), ret_fault);

	return r ? r : metadata_writer_commit(w, ret_needed);
}

/* What is on the output is not metadata from now on, whatever happens. */
static int give_up(const struct thin_restore_options *o, struct block_engine *e)
{
	int r = metadata_destroy_superblock(e);

	return r ? bad_output(o, r) : STATUS_BAD;
}

/* STATUS_NONE: the XML is right and fits. */
static int measure(const struct thin_restore_options *o, struct input *in, struct block_engine *e,
		   uint64_t nr_blocks, struct shared_block *ret_shared)
{
	struct metadata_writer *w = NULL;
	struct xml_fault fault = { 0 };
	uint64_t needed = METADATA_MAX_BLOCKS + 1;
	bool at_least;
	int r = metadata_writer_create(NULL, nr_blocks, &w);

	if (!r)
		r = read_xml(o, in, w, &fault, &needed);
	at_least = w && metadata_writer_estimated(w);
	if (!r && needed <= nr_blocks && metadata_writer_repeats(w))
		r = sharing_read_again(&o->xml, in, w, &fault, ret_shared);
	metadata_writer_destroy(w);
	if (r == -ENOSPC || (!r && needed > nr_blocks))
		return too_small(o, nr_blocks, needed, at_least);
	if (!r)
		r = input_rewind(in);
	if (!r)
		return STATUS_NONE;
	(void)bad_input(o, in, &fault, r);
	return give_up(o, e);
}

static int write_all(const struct thin_restore_options *o, struct input *in, struct block_engine *e,
		     uint64_t nr_blocks, const struct shared_block *shared)
{
	struct metadata_writer *w = NULL;
	struct xml_fault fault = { 0 };
	bool suspicious;
	uint64_t needed;
	uint32_t time;
	int r = metadata_destroy_superblock(e);

	if (r)
		return bad_output(o, r);
	r = metadata_writer_create(e, nr_blocks, &w);
	if (!r)
		r = read_xml(o, in, w, &fault, &needed);
	if (!r && !o->quiet && metadata_writer_raised_time(w, &time))
		tool_error(&thin_restore_tool,
			   "%s: the superblock's time is %" PRIu32
			   " now, that of the newest mapping or device: or the next snapshot "
			   "would not protect it",
			   o->output, time);
	suspicious = w && metadata_writer_suspicious(w);
	metadata_writer_destroy(w);
	if (!r && suspicious && !o->quiet)
		sharing_warn(o, e, shared);
	if (!r)
		return STATUS_OK;
	(void)(*fault.text ? bad_input(o, in, &fault, r) : bad_output(o, r));
	return give_up(o, e);
}

static int restore(const struct thin_restore_options *o, struct input *in)
{
	struct shared_block shared = { .found = false };
	struct confirm confirm;
	struct block_engine *e;
	uint64_t nr_blocks;
	int status = open_output(&thin_restore_tool, o->output, o->quiet, &e);

	if (status != STATUS_NONE)
		return status;
	nr_blocks = e->nr_blocks < METADATA_MAX_BLOCKS ? e->nr_blocks : METADATA_MAX_BLOCKS;
	confirm_look(o->output, o->batch, &confirm);
	sandbox_enter(&(struct sandbox){ .off = o->no_sandbox });
	status = refuse_binary(o, in);
	if (status == STATUS_NONE)
		status = confirm_overwrite(&thin_restore_tool, o->output, e, &confirm);
	if (status == STATUS_NONE)
		status = measure(o, in, e, nr_blocks, &shared);
	if (status == STATUS_NONE)
		status = write_all(o, in, e, nr_blocks, &shared);
	block_engine_destroy(e);
	return status;
}

static int explain_input(const struct thin_restore_options *o, int error)
{
	if (o->quiet)
		return STATUS_BAD;
	if (error == -ENOENT)
		tool_error(&thin_restore_tool, "%s: Couldn't find input file", o->input);
	else if (error == -EACCES)
		tool_error(&thin_restore_tool, "%s: Permission denied", o->input);
	else if (error == -EISDIR)
		tool_error(&thin_restore_tool, "%s: it is a directory; give the XML of thin_dump",
			   o->input);
	else
		tool_error(&thin_restore_tool, "%s: cannot be read: %s", input_name(o),
			   strerror(-error));
	return STATUS_BAD;
}

/* Done whole, or not begun; and what was interrupted all the same can be done again. */
static int undo(const struct thin_restore_options *o)
{
	struct undo_fault fault;
	struct block_engine *e;
	sigset_t before;
	uint64_t nr;
	int status = open_output(&thin_restore_tool, o->output, o->quiet, &e), r;

	if (status != STATUS_NONE)
		return status;
	sandbox_enter(&(struct sandbox){ .off = o->no_sandbox, .read = { o->undo } });
	signals_hold(&before);
	r = undo_apply(e, o->undo, &nr, &fault);
	signals_release(&before);
	block_engine_destroy(e);
	if (!o->quiet && r)
		tool_error(&thin_restore_tool, "%s: %s", o->undo,
			   *fault.text ? fault.text : strerror(-r));
	else if (!o->quiet)
		tool_error(&thin_restore_tool,
			   "%s: %" PRIu64 " block%s put back; it is as it was before the change",
			   o->output, nr, nr == 1 ? "" : "s");
	return r ? STATUS_BAD : STATUS_OK;
}

int thin_restore_run(const struct thin_restore_options *o)
{
	struct input *in;
	int status, r;

	if (o->undo)
		return undo(o);
	r = input_open(o->input, &in);
	if (r)
		return explain_input(o, r);
	status = restore(o, in);
	input_close(in);
	return status;
}
