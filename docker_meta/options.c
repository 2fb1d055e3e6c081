/* SPDX-License-Identifier: MIT */
#include "docker_meta/options.h"

#include <string.h>

#include "docker_meta/docker_meta.h"

enum option_id {
	OPT_BYTE = 1,
	OPT_COLUMNS,
	OPT_CRITICAL,
	OPT_DAEMON_JSON,
	OPT_DATA,
	OPT_DATA_BLOCK,
	OPT_FOLLOW,
	OPT_FORCE,
	OPT_FORMAT,
	OPT_LINT,
	OPT_LOSS,
	OPT_LVS_JSON,
	OPT_METADATA,
	OPT_METADATA_SNAP,
	OPT_MOUNTINFO,
	OPT_NO_DAEMON_JSON,
	OPT_NO_DM,
	OPT_NO_LVS,
	OPT_NO_MOUNTS,
	OPT_NO_SANDBOX,
	OPT_OUTPUT,
	OPT_POOL,
	OPT_PROC,
	OPT_QUIET,
	OPT_RESERVE_SNAP,
	OPT_ROOT,
	OPT_SECTOR,
	OPT_SORT,
	OPT_STATE,
	OPT_STATUS,
	OPT_TABLE,
	OPT_WARNING,
	OPT_XML,
};

static const struct tool_option options[] = {
	{ OPT_BYTE, "byte", 0, ARGUMENT_REQUIRED, "N", "block: the one that has this byte" },
	{ OPT_COLUMNS, "columns", 0, ARGUMENT_REQUIRED, "NAME,...", "list: these columns" },
	{ OPT_CRITICAL, "critical", 'c', ARGUMENT_REQUIRED, "WHAT=N,...",
	  "thresholds of errors: data=90,orphans=5" },
	{ OPT_DAEMON_JSON, "daemon-json", 0, ARGUMENT_INPUT, "FILE",
	  "in place of /etc/docker/daemon.json" },
	{ OPT_DATA, "data", 0, ARGUMENT_INPUT, "DEV|FILE",
	  "the pool's data, for its file systems" },
	{ OPT_DATA_BLOCK, "data-block", 0, ARGUMENT_REQUIRED, "N",
	  "block: who maps this data block" },
	{ OPT_FOLLOW, "follow", 0, ARGUMENT_NONE, NULL,
	  "read directories of the root that are links out of it" },
	{ OPT_FORCE, "force", 0, ARGUMENT_NONE, NULL, "-o: overwrite what is no earlier output" },
	{ OPT_FORMAT, "format", 'f', ARGUMENT_REQUIRED, "FORM",
	  "text, json, html, dot, nagios and others" },
	{ OPT_LINT, "lint", 0, ARGUMENT_NONE, NULL, "check: the host's configuration too" },
	{ OPT_LOSS, "loss", 0, ARGUMENT_INPUT, "FILE", "survivors: report of thin_repair" },
	{ OPT_LVS_JSON, "lvs-json", 0, ARGUMENT_INPUT, "FILE", "in place of what lvs says" },
	{ OPT_METADATA, "metadata", 0, ARGUMENT_INPUT, "DEV|FILE",
	  "the pool's metadata; else it is found" },
	{ OPT_METADATA_SNAP, "metadata-snap", 0, ARGUMENT_NONE, NULL,
	  "read the snapshot that the pool holds" },
	{ OPT_MOUNTINFO, "mountinfo", 0, ARGUMENT_INPUT, "FILE",
	  "in place of /proc/self/mountinfo" },
	{ OPT_NO_DAEMON_JSON, "no-daemon-json", 0, ARGUMENT_NONE, NULL,
	  "do not look at daemon.json" },
	{ OPT_NO_DM, "no-dm", 0, ARGUMENT_NONE, NULL, "do not ask the kernel's device-mapper" },
	{ OPT_NO_LVS, "no-lvs", 0, ARGUMENT_NONE, NULL, "do not look at LVM's files" },
	{ OPT_NO_MOUNTS, "no-mounts", 0, ARGUMENT_NONE, NULL, "do not look at mounts" },
	{ OPT_NO_SANDBOX, "no-sandbox", 0, ARGUMENT_NONE, NULL,
	  "run without seccomp and Landlock" },
	{ OPT_OUTPUT, "output", 'o', ARGUMENT_OUTPUT, "FILE",
	  "write to FILE, whole or not at all" },
	{ OPT_POOL, "pool", 0, ARGUMENT_REQUIRED, "NAME", "the active pool's name" },
	{ OPT_PROC, "proc", 0, ARGUMENT_INPUT, "DIR", "in place of /proc" },
	{ OPT_QUIET, "quiet", 'q', ARGUMENT_NONE, NULL, "print nothing when all is well" },
	{ OPT_RESERVE_SNAP, "reserve-snap", 0, ARGUMENT_NONE, NULL,
	  "make a snapshot, read it, let go of it" },
	{ OPT_ROOT, "root", 'r', ARGUMENT_REQUIRED, "DIR",
	  "Docker's data-root (else daemon.json's)" },
	{ OPT_SECTOR, "sector", 0, ARGUMENT_REQUIRED, "N", "block: the one that has this sector" },
	{ OPT_SORT, "sort", 0, ARGUMENT_REQUIRED, "NAME", "list: by this column; -NAME: downward" },
	{ OPT_STATE, "state", 0, ARGUMENT_OUTPUT, "FILE", "check: report what changed since FILE" },
	{ OPT_STATUS, "status", 0, ARGUMENT_INPUT, "FILE", "in place of dmsetup status" },
	{ OPT_TABLE, "table", 0, ARGUMENT_INPUT, "FILE", "in place of dmsetup table" },
	{ OPT_WARNING, "warning", 'w', ARGUMENT_REQUIRED, "WHAT=N,...",
	  "thresholds of warnings, likewise" },
	{ OPT_XML, "xml", 0, ARGUMENT_INPUT, "FILE", "what thin_dump wrote; - is standard input" },
};

static const struct tool_conflict conflicts[] = {
	{ OPT_METADATA, OPT_XML },        { OPT_METADATA_SNAP, OPT_XML },
	{ OPT_RESERVE_SNAP, OPT_XML },    { OPT_RESERVE_SNAP, OPT_METADATA_SNAP },
	{ OPT_NO_MOUNTS, OPT_MOUNTINFO }, { OPT_NO_MOUNTS, OPT_PROC },
	{ OPT_NO_DM, OPT_STATUS },        { OPT_NO_DM, OPT_TABLE },
	{ OPT_NO_DM, OPT_RESERVE_SNAP },  { OPT_NO_LVS, OPT_LVS_JSON },
	{ OPT_BYTE, OPT_SECTOR },         { OPT_BYTE, OPT_DATA_BLOCK },
	{ OPT_SECTOR, OPT_DATA_BLOCK },   { OPT_NO_DAEMON_JSON, OPT_DAEMON_JSON },
};

const struct tool docker_meta_tool = {
	.name = "docker_meta",
	.summary = "Compare a thin pool with what Docker wrote about it",
	.input = "[COMMAND]",
	.input_optional = true,
	.input_is_words = true,
	.max_inputs = 1 + MAX_WORDS,
	.options = options,
	.nr_options = ARRAY_SIZE(options),
	.conflicts = conflicts,
	.nr_conflicts = ARRAY_SIZE(conflicts),
	.failure = META_STATUS_BLIND,
	.footer = "Commands:\n"
		  "  check          what is wrong, worst first (default)\n"
		  "  list           whose each device is\n"
		  "  tree           images, layers and containers, with their bytes\n"
		  "  du             what uses the pool\n"
		  "  show X         all about a device, layer, image or container\n"
		  "  block NAME N   where thin block N of a device leads to, and who shares it\n"
		  "  predict        what the next start of dockerd does\n"
		  "  plan           a script that mends, every line a comment\n"
		  "  survivors      what a repair has left of images and containers\n"
		  "  lint           the configuration of Docker, LVM and the host\n"
		  "  report         all of it as one HTML file\n"
		  "\nNothing is ever changed, but for the snapshot of --reserve-snap.\n"
		  "Exit status: 0 fine, 1 warning, 2 error, 3 could not look, 64 wrong usage.",
};

/* ---- the command */

static const struct {
	const char *name;
	int min, max;        /* words behind it */
	unsigned int traits; /* enum command_trait */
} commands[NR_COMMANDS] = {
	[COMMAND_CHECK] = { "check", 0, 0, COMMAND_TELLS_DOUBT | COMMAND_MEASURES },
	[COMMAND_LIST] = { "list", 0, 0, COMMAND_HAS_COLUMNS },
	[COMMAND_TREE] = { "tree", 0, 0, COMMAND_WANTS_POOL },
	[COMMAND_DU] = { "du", 0, 0, COMMAND_WANTS_POOL },
	[COMMAND_SHOW] = { "show", 1, 1, COMMAND_READS_AGAIN },
	[COMMAND_BLOCK] = { "block", 0, 2,
			    COMMAND_WANTS_POOL | COMMAND_READS_AGAIN | COMMAND_FINDS_BLOCK },
	[COMMAND_PREDICT] = { "predict", 0, 0, COMMAND_TELLS_DOUBT },
	[COMMAND_PLAN] = { "plan", 0, 0, COMMAND_WANTS_PLACE | COMMAND_TELLS_DOUBT },
	[COMMAND_SURVIVORS] = { "survivors", 0, 0, COMMAND_TAKES_LOSS },
	[COMMAND_LINT] = { "lint", 0, 0, COMMAND_LINTS | COMMAND_TELLS_DOUBT },
	[COMMAND_REPORT] = { "report", 0, 0, COMMAND_LISTS_INPUTS | COMMAND_TELLS_DOUBT },
};

bool meta_command_has(enum meta_command command, enum command_trait trait)
{
	return commands[command].traits & (unsigned int)trait;
}

const char *meta_command_name(enum meta_command command)
{
	return commands[command].name;
}

static int take_words(struct docker_meta_options *o, const char *const *words)
{
	const int min = commands[o->command].min, max = commands[o->command].max;
	int nr = 0;

	while (nr < MAX_WORDS && words[nr]) {
		o->words[nr] = words[nr];
		nr++;
	}
	if (nr < min)
		return tool_usage_error(&docker_meta_tool, "%s of what?  A name is missing",
					commands[o->command].name);
	if (nr > max)
		return tool_usage_error(&docker_meta_tool, "unexpected argument '%s' found",
					words[max]);
	return STATUS_NONE;
}

static int take_command(struct docker_meta_options *o, const char *const *words)
{
	for (int i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(words[0], commands[i].name) != 0)
			continue;
		o->command = (enum meta_command)i;
		return take_words(o, words + 1);
	}
	return tool_usage_error(&docker_meta_tool, "'%s' is no command", words[0]);
}

/* ---- options */

static int take_form(struct docker_meta_options *o, const char *argument)
{
	static const char *const names[NR_FORMS] = {
		[OUTPUT_TEXT] = "text",     [OUTPUT_JSON] = "json",
		[OUTPUT_NDJSON] = "ndjson", [OUTPUT_NAGIOS] = "nagios",
		[OUTPUT_HTML] = "html",     [OUTPUT_PROMETHEUS] = "prometheus",
		[OUTPUT_DOT] = "dot",
	};

	for (int i = 0; i < NR_FORMS; i++) {
		if (strcmp(argument, names[i]) != 0)
			continue;
		o->form = (enum output_form)i;
		return STATUS_NONE;
	}
	return tool_usage_error(&docker_meta_tool,
				"--format is text, json, ndjson, nagios, prometheus, html or dot, "
				"not '%s'",
				argument);
}

/* Where an option that is a text or a switch is kept. */
static const char **text_of(struct docker_meta_options *o, enum option_id id)
{
	const char **const texts[] = {
		[OPT_COLUMNS] = &o->columns,   [OPT_CRITICAL] = &o->critical,
		[OPT_DATA] = &o->data,         [OPT_DAEMON_JSON] = &o->daemon_json,
		[OPT_LOSS] = &o->loss,         [OPT_LVS_JSON] = &o->lvs_json,
		[OPT_METADATA] = &o->metadata, [OPT_MOUNTINFO] = &o->mountinfo,
		[OPT_OUTPUT] = &o->output,     [OPT_POOL] = &o->pool,
		[OPT_PROC] = &o->proc,         [OPT_ROOT] = &o->root,
		[OPT_SORT] = &o->sort,         [OPT_STATE] = &o->state,
		[OPT_STATUS] = &o->status,     [OPT_TABLE] = &o->table,
		[OPT_WARNING] = &o->warning,   [OPT_XML] = &o->xml,
	};

	return (size_t)id < ARRAY_SIZE(texts) ? texts[id] : NULL;
}

static bool *switch_of(struct docker_meta_options *o, enum option_id id)
{
	bool *const switches[] = {
		[OPT_LINT] = &o->lint,           [OPT_METADATA_SNAP] = &o->metadata_snap,
		[OPT_NO_DM] = &o->no_dm,         [OPT_NO_DAEMON_JSON] = &o->no_daemon_json,
		[OPT_NO_LVS] = &o->no_lvs,       [OPT_RESERVE_SNAP] = &o->reserve_snap,
		[OPT_NO_MOUNTS] = &o->no_mounts, [OPT_QUIET] = &o->quiet,
		[OPT_BYTE] = &o->has_byte,       [OPT_DATA_BLOCK] = &o->has_data_block,
		[OPT_SECTOR] = &o->has_sector,   [OPT_FOLLOW] = &o->reading.follows,
		[OPT_FORCE] = &o->force,         [OPT_NO_SANDBOX] = &o->no_sandbox,
	};

	return (size_t)id < ARRAY_SIZE(switches) ? switches[id] : NULL;
}

static int take_option(void *context, const struct tool_option *option, const char *argument)
{
	struct docker_meta_options *o = context;
	const enum option_id id = (enum option_id)option->id;
	const char **text = text_of(o, id);
	bool *is_set = switch_of(o, id);

	if (text)
		*text = argument;
	if (is_set)
		*is_set = true;
	if (id == OPT_FORMAT)
		return take_form(o, argument);
	if (id == OPT_BYTE)
		return take_number(&docker_meta_tool, option, argument, 0, UINT64_MAX, &o->byte);
	if (id == OPT_SECTOR)
		return take_number(&docker_meta_tool, option, argument, 0, UINT64_MAX, &o->sector);
	if (id == OPT_DATA_BLOCK)
		return take_number(&docker_meta_tool, option, argument, 0, UINT64_MAX,
				   &o->data_block);
	return STATUS_NONE;
}

int docker_meta_parse(int argc, char **argv, struct docker_meta_options *ret_options)
{
	const char *words[1 + MAX_WORDS + 1] = { NULL };
	int status;

	*ret_options = (struct docker_meta_options){ .command = COMMAND_CHECK };
	status = tool_parse(&docker_meta_tool, argc, argv, take_option, ret_options, words);
	return status == STATUS_NONE && words[0] ? take_command(ret_options, words) : status;
}
