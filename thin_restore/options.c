/* SPDX-License-Identifier: MIT */
#include "common/thin/superblock.h"
#include "common/tool/pool_options.h"
#include "thin_restore/thin_restore.h"

enum option_id {
	OPT_BATCH_MODE = 1,
	OPT_DATA_BLOCK_SIZE,
	OPT_INPUT,
	OPT_IO_ENGINE,
	OPT_NO_SANDBOX,
	OPT_NR_DATA_BLOCKS,
	OPT_OUTPUT,
	OPT_QUIET,
	OPT_TRANSACTION_ID,
	OPT_UNDO,
	OPT_VERBOSE,
};

static const struct tool_option options[] = {
	{ OPT_BATCH_MODE, "batch-mode", 0, ARGUMENT_NONE, NULL,
	  "do not ask before something is overwritten" },
	{ OPT_DATA_BLOCK_SIZE, "data-block-size", 0, ARGUMENT_REQUIRED, "SECTORS",
	  "use this data block size" },
	{ OPT_INPUT, "input", 'i', ARGUMENT_INPUT, "FILE",
	  "read this XML, plain or gzip'd; - for standard input" },
	{ OPT_IO_ENGINE, "io-engine", 0, ARGUMENT_REQUIRED, "NAME", NULL },
	{ OPT_NO_SANDBOX, "no-sandbox", 0, ARGUMENT_NONE, NULL,
	  "run without seccomp and Landlock" },
	{ OPT_NR_DATA_BLOCKS, "nr-data-blocks", 0, ARGUMENT_REQUIRED, "NUM",
	  "use this number of data blocks" },
	{ OPT_OUTPUT, "output", 'o', ARGUMENT_OUTPUT, "DEVICE",
	  "write to this device or existing file" },
	{ OPT_QUIET, "quiet", 'q', ARGUMENT_NONE, NULL, "no messages, tell by the exit status" },
	{ OPT_TRANSACTION_ID, "transaction-id", 0, ARGUMENT_REQUIRED, "NUM",
	  "use this transaction id" },
	{ OPT_UNDO, "undo", 0, ARGUMENT_INPUT, "FILE",
	  "put back what thin_check --undo FILE has noted" },
	{ OPT_VERBOSE, "verbose", 'v', ARGUMENT_NONE, NULL, NULL },
};

static const struct tool_conflict conflicts[] = {
	{ OPT_UNDO, OPT_INPUT },
	{ OPT_UNDO, OPT_DATA_BLOCK_SIZE },
	{ OPT_UNDO, OPT_NR_DATA_BLOCKS },
	{ OPT_UNDO, OPT_TRANSACTION_ID },
};

const struct tool thin_restore_tool = {
	.name = "thin_restore",
	.summary = "Make thin-pool metadata from XML",
	.usage = "-i {file|-} -o {device|file}, or --undo file -o {device|file}",
	.options = options,
	.nr_options = ARRAY_SIZE(options),
	.conflicts = conflicts,
	.nr_conflicts = ARRAY_SIZE(conflicts),
	.footer =
		"Exit status: 0 restored, 1 no result, 64 wrong usage.  What was on the output is\n"
		"lost; unless all went well, it has no valid superblock afterwards.",
};

static int take(void *context, const struct tool_option *option, const char *argument)
{
	struct thin_restore_options *o = context;

	switch ((enum option_id)option->id) {
	case OPT_BATCH_MODE:
		o->batch = true;
		break;
	case OPT_DATA_BLOCK_SIZE:
		return take_data_block_size(&thin_restore_tool, option, argument,
					    &o->xml.data_block_size);
	case OPT_INPUT:
		o->input = argument;
		break;
	case OPT_IO_ENGINE: /* each file and device gets the engine that suits it */
	case OPT_VERBOSE:   /* all there is to say is said anyway */
		break;
	case OPT_NO_SANDBOX:
		o->no_sandbox = true;
		break;
	case OPT_NR_DATA_BLOCKS:
		return take_number(&thin_restore_tool, option, argument, 1, MAX_DATA_BLOCKS,
				   &o->xml.nr_data_blocks);
	case OPT_OUTPUT:
		o->output = argument;
		break;
	case OPT_QUIET:
		o->quiet = true;
		break;
	case OPT_UNDO:
		o->undo = argument;
		break;
	case OPT_TRANSACTION_ID:
		o->xml.has_transaction_id = true;
		return take_number(&thin_restore_tool, option, argument, 0, UINT64_MAX,
				   &o->xml.transaction_id);
	}
	return STATUS_NONE;
}

int thin_restore_parse(int argc, char **argv, struct thin_restore_options *ret_options)
{
	int status;

	*ret_options = (struct thin_restore_options){ .quiet = false };
	status = tool_parse(&thin_restore_tool, argc, argv, take, ret_options, NULL);
	if (status != STATUS_NONE)
		return status;
	if (!ret_options->input && !ret_options->undo)
		return tool_usage_error(&thin_restore_tool,
					REQUIRED_MISSING ": -i <FILE> (No input file provided.)");
	if (!ret_options->output)
		return tool_usage_error(&thin_restore_tool,
					REQUIRED_MISSING ": -o <DEVICE> (no output file provided)");
	return STATUS_NONE;
}
