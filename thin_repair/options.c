/* SPDX-License-Identifier: MIT */
#include "common/pdata/space_map.h"
#include "common/tool/pool_options.h"
#include "thin_repair/thin_repair.h"

enum option_id {
	OPT_AGGRESSIVE = 1,
	OPT_ALLOW_OLDER,
	OPT_BATCH_MODE,
	OPT_CANDIDATES,
	OPT_DATA_BLOCK_SIZE,
	OPT_DETAILS_ROOT,
	OPT_FORCE,
	OPT_INPUT,
	OPT_IO_ENGINE,
	OPT_MAPPING_ROOT,
	OPT_NO_SANDBOX,
	OPT_NR_DATA_BLOCKS,
	OPT_OUTPUT,
	OPT_QUIET,
	OPT_REPORT,
	OPT_STRICT,
	OPT_TRANSACTION_ID,
	OPT_VERBOSE,
};

static const struct tool_option options[] = {
	{ OPT_AGGRESSIVE, "aggressive", 0, ARGUMENT_NONE, NULL,
	  "where several ways fit, take the likeliest" },
	{ OPT_ALLOW_OLDER, "allow-older", 0, ARGUMENT_NONE, NULL,
	  "where nothing current is left, take an earlier commit" },
	{ OPT_BATCH_MODE, "batch-mode", 0, ARGUMENT_NONE, NULL,
	  "do not ask before something is overwritten" },
	{ OPT_CANDIDATES, "candidates", 0, ARGUMENT_NONE, NULL,
	  "list the pairs of roots that are left, and end" },
	{ OPT_DATA_BLOCK_SIZE, "data-block-size", 0, ARGUMENT_REQUIRED, "SECTORS",
	  "the pool has this data block size" },
	{ OPT_DETAILS_ROOT, "details-root", 0, ARGUMENT_REQUIRED, "BLOCK",
	  "start from this details tree; with --mapping-root" },
	{ OPT_FORCE, "force", 0, ARGUMENT_NONE, NULL,
	  "overwrite a --report FILE that is no earlier report" },
	{ OPT_INPUT, "input", 'i', ARGUMENT_INPUT, "DEVICE", "read this device or file only" },
	{ OPT_IO_ENGINE, "io-engine", 0, ARGUMENT_REQUIRED, "NAME", NULL },
	{ OPT_MAPPING_ROOT, "mapping-root", 0, ARGUMENT_REQUIRED, "BLOCK",
	  "start from this mapping tree; with --details-root" },
	{ OPT_NO_SANDBOX, "no-sandbox", 0, ARGUMENT_NONE, NULL,
	  "run without seccomp and Landlock" },
	{ OPT_NR_DATA_BLOCKS, "nr-data-blocks", 0, ARGUMENT_REQUIRED, "NUM",
	  "the pool has at least this number of data blocks" },
	{ OPT_OUTPUT, "output", 'o', ARGUMENT_OUTPUT, "DEVICE",
	  "write to this device or existing file" },
	{ OPT_QUIET, "quiet", 'q', ARGUMENT_NONE, NULL, "no messages, tell by the exit status" },
	{ OPT_REPORT, "report", 0, ARGUMENT_OUTPUT, "FILE", "write what was lost as JSON" },
	{ OPT_STRICT, "strict", 0, ARGUMENT_NONE, NULL, "exit with 1 when anything was lost" },
	{ OPT_TRANSACTION_ID, "transaction-id", 0, ARGUMENT_REQUIRED, "NUM",
	  "the pool is at least at this transaction" },
	{ OPT_VERBOSE, "verbose", 'v', ARGUMENT_NONE, NULL, NULL },
};

const struct tool thin_repair_tool = {
	.name = "thin_repair",
	.summary = "Make good thin-pool metadata from damaged metadata",
	.usage = "-i {device|file} {-o {device|file}|--candidates}",
	.options = options,
	.nr_options = ARRAY_SIZE(options),
	.footer = "Exit status: 0 the output is usable, whatever was lost; 1 no result; 64 wrong\n"
		  "usage.  The input is only read.",
};

static int take(void *context, const struct tool_option *option, const char *argument)
{
	struct thin_repair_options *o = context;

	switch ((enum option_id)option->id) {
	case OPT_AGGRESSIVE:
		o->salvage.aggressive = true;
		break;
	case OPT_ALLOW_OLDER:
		o->salvage.allow_older = true;
		break;
	case OPT_BATCH_MODE:
		o->batch = true;
		break;
	case OPT_CANDIDATES:
		o->candidates = true;
		break;
	case OPT_DETAILS_ROOT:
		return take_number(&thin_repair_tool, option, argument, 1, METADATA_MAX_BLOCKS - 1,
				   &o->salvage.details_root);
	case OPT_MAPPING_ROOT:
		return take_number(&thin_repair_tool, option, argument, 1, METADATA_MAX_BLOCKS - 1,
				   &o->salvage.mapping_root);
	case OPT_DATA_BLOCK_SIZE:
		return take_data_block_size(&thin_repair_tool, option, argument,
					    &o->salvage.data_block_size);
	case OPT_FORCE:
		o->force = true;
		break;
	case OPT_INPUT:
		o->input = argument;
		break;
	case OPT_NO_SANDBOX:
		o->no_sandbox = true;
		break;
	case OPT_NR_DATA_BLOCKS:
		return take_number(&thin_repair_tool, option, argument, 1, MAX_DATA_BLOCKS,
				   &o->salvage.nr_data_blocks);
	case OPT_OUTPUT:
		o->output = argument;
		break;
	case OPT_QUIET:
		o->quiet = true;
		break;
	case OPT_REPORT:
		o->report = argument;
		break;
	case OPT_STRICT:
		o->strict = true;
		break;
	case OPT_TRANSACTION_ID:
		o->salvage.has_transaction_id = true;
		return take_number(&thin_repair_tool, option, argument, 0, UINT64_MAX,
				   &o->salvage.transaction_id);
	case OPT_IO_ENGINE: /* each file and device gets the engine that suits it */
	case OPT_VERBOSE:   /* all there is to say is said anyway */
		break;
	}
	return STATUS_NONE;
}

/* STATUS_NONE, or STATUS_USAGE after saying which options do not go together. */
static int check_combination(const struct thin_repair_options *o)
{
	const struct salvage_options *s = &o->salvage;

	if (!s->mapping_root != !s->details_root)
		return tool_usage_error(&thin_repair_tool,
					"--mapping-root and --details-root go together: "
					"--candidates lists the pairs");
	if (s->has_roots && s->allow_older)
		return tool_usage_error(&thin_repair_tool,
					"--allow-older chooses what --mapping-root has chosen");
	if (o->candidates && (o->output || o->report || o->strict || s->has_roots ||
			      s->allow_older || s->aggressive))
		return tool_usage_error(
			&thin_repair_tool,
			"--candidates only lists: it goes with --input and --quiet");
	if (!o->output && !o->candidates)
		return tool_usage_error(&thin_repair_tool,
					REQUIRED_MISSING ": -o <DEVICE> (no output file provided)");
	return STATUS_NONE;
}

int thin_repair_parse(int argc, char **argv, struct thin_repair_options *ret_options)
{
	int status;

	*ret_options = (struct thin_repair_options){ .quiet = false };
	status = tool_parse(&thin_repair_tool, argc, argv, take, ret_options, NULL);
	if (status != STATUS_NONE)
		return status;
	if (!ret_options->input)
		return tool_usage_error(&thin_repair_tool,
					REQUIRED_MISSING ": -i <DEVICE> (No input file provided.)");
	ret_options->salvage.has_roots = ret_options->salvage.mapping_root != 0;
	return check_combination(ret_options);
}
