/* SPDX-License-Identifier: MIT */
#include "thin_check/thin_check.h"

enum option_id {
	OPT_AUTO_REPAIR = 1,
	OPT_CLEAR_NEEDS_CHECK,
	OPT_IGNORE_NON_FATAL,
	OPT_JSON,
	OPT_METADATA_SNAP,
	OPT_OVERRIDE_DETAILS_ROOT,
	OPT_OVERRIDE_MAPPING_ROOT,
	OPT_IO_ENGINE,
	OPT_NO_SANDBOX,
	OPT_QUIET,
	OPT_SKIP_MAPPINGS,
	OPT_STRICT,
	OPT_SUPER_BLOCK_ONLY,
	OPT_UNDO,
	OPT_VERBOSE,
};

static const struct tool_option options[] = {
	{ OPT_AUTO_REPAIR, "auto-repair", 0, ARGUMENT_NONE, NULL,
	  "free leaked blocks, then clear needs_check" },
	{ OPT_CLEAR_NEEDS_CHECK, "clear-needs-check-flag", 0, ARGUMENT_NONE, NULL,
	  "the same, as LVM asks for it" },
	{ OPT_IGNORE_NON_FATAL, "ignore-non-fatal-errors", 0, ARGUMENT_NONE, NULL,
	  "exit with 0 unless there is fatal damage" },
	{ OPT_JSON, "json", 0, ARGUMENT_NONE, NULL, "print the whole report as JSON" },
	{ OPT_METADATA_SNAP, "metadata-snap", 'm', ARGUMENT_NONE, NULL,
	  "check the metadata snapshot of a live pool" },
	{ OPT_OVERRIDE_DETAILS_ROOT, "override-details-root", 0, ARGUMENT_REQUIRED, "BLOCK",
	  "use this root of the device details tree" },
	{ OPT_OVERRIDE_MAPPING_ROOT, "override-mapping-root", 0, ARGUMENT_REQUIRED, "BLOCK",
	  "use this root of the mapping tree" },
	{ OPT_IO_ENGINE, "io-engine", 0, ARGUMENT_REQUIRED, "NAME", NULL },
	{ OPT_NO_SANDBOX, "no-sandbox", 0, ARGUMENT_NONE, NULL,
	  "run without seccomp and Landlock" },
	{ OPT_QUIET, "quiet", 'q', ARGUMENT_NONE, NULL, "print nothing, tell by the exit status" },
	{ OPT_SKIP_MAPPINGS, "skip-mappings", 0, ARGUMENT_NONE, NULL,
	  "check neither mappings nor space maps" },
	{ OPT_STRICT, "strict", 0, ARGUMENT_NONE, NULL, "exit with 1 for suspect findings too" },
	{ OPT_SUPER_BLOCK_ONLY, "super-block-only", 0, ARGUMENT_NONE, NULL,
	  "check the superblock only" },
	{ OPT_UNDO, "undo", 0, ARGUMENT_OUTPUT, "FILE",
	  "note what is changed, for thin_restore --undo" },
	{ OPT_VERBOSE, "verbose", 'v', ARGUMENT_NONE, NULL, NULL },
};

static const struct tool_conflict conflicts[] = {
	{ OPT_CLEAR_NEEDS_CHECK, OPT_METADATA_SNAP },
	{ OPT_CLEAR_NEEDS_CHECK, OPT_OVERRIDE_MAPPING_ROOT },
	{ OPT_CLEAR_NEEDS_CHECK, OPT_OVERRIDE_DETAILS_ROOT },
	{ OPT_AUTO_REPAIR, OPT_IGNORE_NON_FATAL },
	{ OPT_AUTO_REPAIR, OPT_METADATA_SNAP },
	{ OPT_AUTO_REPAIR, OPT_OVERRIDE_MAPPING_ROOT },
	{ OPT_AUTO_REPAIR, OPT_OVERRIDE_DETAILS_ROOT },
	{ OPT_AUTO_REPAIR, OPT_SKIP_MAPPINGS },
	{ OPT_AUTO_REPAIR, OPT_SUPER_BLOCK_ONLY },
	{ OPT_QUIET, OPT_JSON },
	{ OPT_STRICT, OPT_IGNORE_NON_FATAL },
	{ OPT_METADATA_SNAP, OPT_OVERRIDE_MAPPING_ROOT },
	{ OPT_METADATA_SNAP, OPT_OVERRIDE_DETAILS_ROOT },
};

const struct tool thin_check_tool = {
	.name = "thin_check",
	.summary = "Verify thin-pool metadata on a device or in a file",
	.input = "{device|file}",
	.options = options,
	.nr_options = ARRAY_SIZE(options),
	.conflicts = conflicts,
	.nr_conflicts = ARRAY_SIZE(conflicts),
	.footer =
		"Exit status: 0 fine, 1 damage or no result, 64 wrong usage.  Nothing is written\n"
		"unless --auto-repair or --clear-needs-check-flag is given.",
};

static int take(void *context, const struct tool_option *option, const char *argument)
{
	struct thin_check_options *o = context;

	switch ((enum option_id)option->id) {
	case OPT_AUTO_REPAIR:
		o->auto_repair = true;
		break;
	case OPT_CLEAR_NEEDS_CHECK:
		o->clear_needs_check = true;
		break;
	case OPT_IGNORE_NON_FATAL:
		o->ignore_non_fatal = true;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_METADATA_SNAP:
		o->check.metadata_snap = true;
		break;
	case OPT_OVERRIDE_DETAILS_ROOT:
		o->check.override_details_root = true;
		return take_number(&thin_check_tool, option, argument, 1, METADATA_MAX_BLOCKS - 1,
				   &o->check.details_root);
	case OPT_OVERRIDE_MAPPING_ROOT:
		o->check.override_mapping_root = true;
		return take_number(&thin_check_tool, option, argument, 1, METADATA_MAX_BLOCKS - 1,
				   &o->check.mapping_root);
	case OPT_IO_ENGINE: /* each file and device gets the engine that suits it */
		break;
	case OPT_NO_SANDBOX:
		o->no_sandbox = true;
		break;
	case OPT_QUIET:
		o->quiet = true;
		break;
	case OPT_SKIP_MAPPINGS:
		o->check.skip_mappings = true;
		break;
	case OPT_STRICT:
		o->strict = true;
		break;
	case OPT_SUPER_BLOCK_ONLY:
		o->check.superblock_only = true;
		break;
	case OPT_UNDO:
		o->undo = argument;
		break;
	case OPT_VERBOSE: /* all there is to say is said anyway */
		break;
	}
	return STATUS_NONE;
}

int thin_check_parse(int argc, char **argv, struct thin_check_options *ret_options)
{
	struct thin_check_options o = { 0 };
	int status = tool_parse(&thin_check_tool, argc, argv, take, &o, &o.input);

	if (status != STATUS_NONE)
		return status;
	if (o.undo && !o.auto_repair && !o.clear_needs_check)
		return tool_usage_error(&thin_check_tool,
					"--undo goes with --auto-repair and "
					"--clear-needs-check-flag: nothing else is changed");
	*ret_options = o;
	return STATUS_NONE;
}
