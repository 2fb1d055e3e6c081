/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/base/alloc.h"
#include "common/thin/superblock.h"
#include "common/tool/pool_options.h"
#include "thin_dump/thin_dump.h"

enum option_id {
	OPT_COMPRESS = 1,
	OPT_DATA_BLOCK_SIZE,
	OPT_DEV_ID,
	OPT_FORCE,
	OPT_FORMAT,
	OPT_METADATA_SNAP,
	OPT_NO_SANDBOX,
	OPT_NR_DATA_BLOCKS,
	OPT_OUTPUT,
	OPT_IO_ENGINE,
	OPT_QUIET,
	OPT_REPAIR,
	OPT_SKIP_MAPPINGS,
	OPT_TRANSACTION_ID,
	OPT_VERBOSE,
};

static const struct tool_option options[] = {
	{ OPT_COMPRESS, "compress", 0, ARGUMENT_NONE, NULL,
	  "write gzip; so does an output named *.gz" },
	{ OPT_DATA_BLOCK_SIZE, "data-block-size", 0, ARGUMENT_REQUIRED, "SECTORS",
	  "say this data block size" },
	{ OPT_DEV_ID, "dev-id", 0, ARGUMENT_REQUIRED, "ID",
	  "dump this device only; may be repeated" },
	{ OPT_FORCE, "force", 0, ARGUMENT_NONE, NULL,
	  "overwrite an -o FILE that is no earlier dump" },
	{ OPT_FORMAT, "format", 'f', ARGUMENT_REQUIRED, "TYPE", "xml (default) or human_readable" },
	{ OPT_METADATA_SNAP, "metadata-snap", 'm', ARGUMENT_OPTIONAL, "BLOCK",
	  "dump the metadata snapshot of a live pool" },
	{ OPT_NO_SANDBOX, "no-sandbox", 0, ARGUMENT_NONE, NULL,
	  "run without seccomp and Landlock" },
	{ OPT_NR_DATA_BLOCKS, "nr-data-blocks", 0, ARGUMENT_REQUIRED, "NUM",
	  "say at least this many data blocks" },
	{ OPT_OUTPUT, "output", 'o', ARGUMENT_OUTPUT, "FILE", "write there, not to stdout" },
	{ OPT_IO_ENGINE, "io-engine", 0, ARGUMENT_REQUIRED, "NAME", NULL },
	{ OPT_QUIET, "quiet", 'q', ARGUMENT_NONE, NULL, "no messages, tell by the exit status" },
	{ OPT_REPAIR, "repair", 'r', ARGUMENT_NONE, NULL,
	  "dump what can be saved of damaged metadata" },
	{ OPT_SKIP_MAPPINGS, "skip-mappings", 0, ARGUMENT_NONE, NULL,
	  "dump devices without their mappings" },
	{ OPT_TRANSACTION_ID, "transaction-id", 0, ARGUMENT_REQUIRED, "NUM",
	  "say at least this transaction" },
	{ OPT_VERBOSE, "verbose", 'v', ARGUMENT_NONE, NULL, NULL },
};

static const struct tool_conflict conflicts[] = { { OPT_REPAIR, OPT_METADATA_SNAP } };

const struct tool thin_dump_tool = {
	.name = "thin_dump",
	.summary = "Dump thin-pool metadata as XML",
	.input = "{device|file}",
	.options = options,
	.nr_options = ARRAY_SIZE(options),
	.conflicts = conflicts,
	.nr_conflicts = ARRAY_SIZE(conflicts),
	.footer = "Exit status: 0 complete, 1 damage or no result, 64 wrong usage.  A dump that\n"
		  "ended early lacks its last line, </superblock>.",
};

static int add_dev_id(struct thin_dump_options *o, const struct tool_option *option,
		      const char *argument)
{
	uint64_t id, *grown;
	int status = take_number(&thin_dump_tool, option, argument, 0, UINT64_MAX, &id);

	if (status != STATUS_NONE)
		return status;
	grown = alloc_grow(o->dev_ids, &o->dev_ids_capacity, o->read.nr_dev_ids, sizeof(*grown));
	if (!grown) {
		tool_error(&thin_dump_tool, "out of memory");
		return STATUS_BAD;
	}
	grown[o->read.nr_dev_ids++] = id;
	o->dev_ids = grown;
	o->read.dev_ids = grown;
	return STATUS_NONE;
}

static int take_format(struct thin_dump_options *o, const char *argument)
{
	if (!strcmp(argument, "xml"))
		o->format = FORMAT_XML;
	else if (!strcmp(argument, "human_readable"))
		o->format = FORMAT_HUMAN;
	else
		return tool_usage_error(&thin_dump_tool,
					"--format is xml or human_readable, not '%s'", argument);
	return STATUS_NONE;
}

/* -m, -mN, -m=N, --metadata-snap, --metadata-snap=N: all of them were in use at some time. */
static int take_metadata_snap(struct thin_dump_options *o, const struct tool_option *option,
			      const char *argument)
{
	o->read.metadata_snap = true;
	if (!argument)
		return STATUS_NONE;
	return take_number(&thin_dump_tool, option, argument + (*argument == '='), 1,
			   METADATA_MAX_BLOCKS - 1, &o->read.snap_block);
}

static int take(void *context, const struct tool_option *option, const char *argument)
{
	struct thin_dump_options *o = context;

	switch ((enum option_id)option->id) {
	case OPT_COMPRESS:
		o->compress = true;
		break;
	case OPT_DATA_BLOCK_SIZE:
		return take_data_block_size(&thin_dump_tool, option, argument,
					    &o->read.data_block_size);
	case OPT_DEV_ID:
		return add_dev_id(o, option, argument);
	case OPT_FORCE:
		o->force = true;
		break;
	case OPT_FORMAT:
		return take_format(o, argument);
	case OPT_METADATA_SNAP:
		return take_metadata_snap(o, option, argument);
	case OPT_NO_SANDBOX:
		o->no_sandbox = true;
		break;
	case OPT_NR_DATA_BLOCKS:
		return take_number(&thin_dump_tool, option, argument, 0, MAX_DATA_BLOCKS,
				   &o->read.nr_data_blocks);
	case OPT_OUTPUT:
		o->output = argument;
		break;
	case OPT_IO_ENGINE: /* each file and device gets the engine that suits it */
	case OPT_VERBOSE:   /* all there is to say is said anyway */
		break;
	case OPT_QUIET:
		o->quiet = true;
		break;
	case OPT_REPAIR:
		o->repair = true;
		break;
	case OPT_SKIP_MAPPINGS:
		o->read.skip_mappings = true;
		break;
	case OPT_TRANSACTION_ID:
		o->has_transaction_id = true;
		return take_number(&thin_dump_tool, option, argument, 0, UINT64_MAX,
				   &o->read.transaction_id);
	}
	return STATUS_NONE;
}

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && !strcmp(text + a - b, end);
}

int thin_dump_parse(int argc, char **argv, struct thin_dump_options *ret_options)
{
	int status;

	*ret_options = (struct thin_dump_options){ 0 };
	status = tool_parse(&thin_dump_tool, argc, argv, take, ret_options, &ret_options->input);
	if (ret_options->output && ends_with(ret_options->output, ".gz"))
		ret_options->compress = true;
	return status;
}

void thin_dump_options_destroy(struct thin_dump_options *o)
{
	alloc_free(o->dev_ids);
	o->dev_ids = NULL;
	o->read.dev_ids = NULL;
}
