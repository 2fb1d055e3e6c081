/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "docker_meta/docker_meta.h"

enum option_id {
	OPT_FORMAT = 1,
	OPT_METADATA,
	OPT_METADATA_SNAP,
	OPT_QUIET,
	OPT_ROOT,
	OPT_XML,
};

static const struct tool_option options[] = {
	{ OPT_FORMAT, "format", 'f', ARGUMENT_REQUIRED, "FORM", "text (default) or json" },
	{ OPT_METADATA, "metadata", 0, ARGUMENT_REQUIRED, "DEV|FILE",
	  "the pool's metadata; else the loop file below the root" },
	{ OPT_METADATA_SNAP, "metadata-snap", 0, ARGUMENT_NONE, NULL,
	  "read the metadata snapshot that the pool holds" },
	{ OPT_QUIET, "quiet", 'q', ARGUMENT_NONE, NULL, "print nothing when all is well" },
	{ OPT_ROOT, "root", 'r', ARGUMENT_REQUIRED, "DIR",
	  "Docker's data-root (default: /var/lib/docker)" },
	{ OPT_XML, "xml", 0, ARGUMENT_REQUIRED, "FILE",
	  "what thin_dump wrote, in place of the metadata; - is standard input" },
};

static const struct tool_conflict conflicts[] = { { OPT_METADATA, OPT_XML },
						  { OPT_METADATA_SNAP, OPT_XML } };

const struct tool docker_meta_tool = {
	.name = "docker_meta",
	.summary = "Compare a thin pool with what Docker wrote about it",
	.input = "[check|list|predict]",
	.input_optional = true,
	.options = options,
	.nr_options = ARRAY_SIZE(options),
	.conflicts = conflicts,
	.nr_conflicts = ARRAY_SIZE(conflicts),
	.footer = "check says what is wrong, list whose each device is, predict what the next\n"
		  "start of dockerd does.  Nothing is ever changed.\n\n"
		  "Exit status: 0 fine, 1 warning, 2 error, 3 could not look, 64 wrong usage.",
};

static int take_form(struct docker_meta_options *o, const char *argument)
{
	if (!strcmp(argument, "text"))
		o->form = OUTPUT_TEXT;
	else if (!strcmp(argument, "json"))
		o->form = OUTPUT_JSON;
	else
		return tool_usage_error(&docker_meta_tool, "--format is text or json, not '%s'",
					argument);
	return STATUS_NONE;
}

static int take_option(void *context, const struct tool_option *option, const char *argument)
{
	struct docker_meta_options *o = context;

	switch ((enum option_id)option->id) {
	case OPT_FORMAT:
		return take_form(o, argument);
	case OPT_METADATA:
		o->metadata = argument;
		break;
	case OPT_METADATA_SNAP:
		o->metadata_snap = true;
		break;
	case OPT_QUIET:
		o->quiet = true;
		break;
	case OPT_ROOT:
		o->root = argument;
		break;
	case OPT_XML:
		o->xml = argument;
		break;
	}
	return STATUS_NONE;
}

static int take_command(struct docker_meta_options *o, const char *command)
{
	static const struct {
		const char *name;
		enum meta_command command;
	} commands[] = { { "check", COMMAND_CHECK },
			 { "list", COMMAND_LIST },
			 { "predict", COMMAND_PREDICT } };

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(command, commands[i].name) != 0)
			continue;
		o->command = commands[i].command;
		return STATUS_NONE;
	}
	return tool_usage_error(&docker_meta_tool, "'%s' is no command", command);
}

int docker_meta_parse(int argc, char **argv, struct docker_meta_options *ret_options)
{
	const char *command = NULL;
	int status;

	*ret_options = (struct docker_meta_options){ .command = COMMAND_CHECK };
	status = tool_parse(&docker_meta_tool, argc, argv, take_option, ret_options, &command);
	return status == STATUS_NONE && command ? take_command(ret_options, command) : status;
}
