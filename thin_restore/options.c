/* SPDX-License-Identifier: MIT */
#include "common/thin/superblock.h"
#include "common/tool/pool_options.h"
#include "thin_restore/thin_restore.h"

enum option_id {
	OPT_DATA_BLOCK_SIZE = 1,
	OPT_INPUT,
	OPT_IO_ENGINE,
	OPT_NO_SANDBOX,
	OPT_NR_DATA_BLOCKS,
	OPT_OUTPUT,
	OPT_QUIET,
	OPT_TRANSACTION_ID,
};

static const struct tool_option options[] = {
	{ OPT_DATA_BLOCK_SIZE, "data-block-size", 0, ARGUMENT_REQUIRED, "SECTORS",
	  "use this data block size" },
	{ OPT_INPUT, "input", 'i', ARGUMENT_REQUIRED, "FILE",
	  "read this XML, plain or gzip'd; - for standard input" },
	{ OPT_IO_ENGINE, "io-engine", 0, ARGUMENT_REQUIRED, "NAME", NULL },
	{ OPT_NO_SANDBOX, "no-sandbox", 0, ARGUMENT_NONE, NULL,
	  "run without seccomp and Landlock" },
	{ OPT_NR_DATA_BLOCKS, "nr-data-blocks", 0, ARGUMENT_REQUIRED, "NUM",
	  "use this number of data blocks" },
	{ OPT_OUTPUT, "output", 'o', ARGUMENT_REQUIRED, "DEVICE",
	  "write to this device or existing file" },
	{ OPT_QUIET, "quiet", 'q', ARGUMENT_NONE, NULL, "no messages, tell by the exit status" },
	{ OPT_TRANSACTION_ID, "transaction-id", 0, ARGUMENT_REQUIRED, "NUM",
	  "use this transaction id" },
};

const struct tool thin_restore_tool = {
	.name = "thin_restore",
	.summary = "Make thin-pool metadata from XML",
	.usage = "-i {file|-} -o {device|file}",
	.options = options,
	.nr_options = ARRAY_SIZE(options),
	.footer =
		"Exit status: 0 restored, 1 no result, 64 wrong usage.  What was on the output is\n"
		"lost; unless all went well, it has no valid superblock afterwards.",
};

static int take(void *context, const struct tool_option *option, const char *argument)
{
	struct thin_restore_options *o = context;

	switch ((enum option_id)option->id) {
	case OPT_DATA_BLOCK_SIZE:
		return take_data_block_size(&thin_restore_tool, option, argument,
					    &o->xml.data_block_size);
	case OPT_INPUT:
		o->input = argument;
		break;
	case OPT_IO_ENGINE: /* each file and device gets the engine that suits it */
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
	if (!ret_options->input)
		return tool_usage_error(&thin_restore_tool,
					"no input file provided: -i <FILE> is missing");
	if (!ret_options->output)
		return tool_usage_error(&thin_restore_tool,
					"no output file provided: -o <DEVICE> is missing");
	return STATUS_NONE;
}
