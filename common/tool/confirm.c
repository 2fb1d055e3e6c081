/* SPDX-License-Identifier: MIT */
#include "common/tool/confirm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/thin/metadata_check.h"

/* Metadata that a pool can be activated on: somebody's, or an earlier result. */
static bool holds_pool(struct block_engine *e, char text[KNOWN_CONTENT_MAX])
{
	const struct check_options options = { 0 };
	struct check_result result;
	struct report report;
	bool sound;

	report_init(&report);
	sound = !metadata_check(e, &options, &report, NULL, &result) && result.has_superblock &&
		report_worst(&report) < SEVERITY_FATAL;
	if (sound)
		(void)snprintf(text, KNOWN_CONTENT_MAX,
			       "sound pool metadata (transaction %" PRIu64 ", %" PRIu64
			       " device%s, %" PRIu64 " mappings)",
			       result.sb.transaction_id, result.nr_devices,
			       result.nr_devices == 1 ? "" : "s", result.nr_mappings);
	check_result_destroy(&result);
	report_destroy(&report);
	return sound;
}

static int ask(const struct tool *tool, const char *path, const char *what)
{
	char line[16] = "";

	tool_error(tool, "%s holds %s; it will be overwritten", path, what);
	(void)fprintf(stderr, "Overwrite it?  Type YES: ");
	(void)fflush(stderr);
	if (fgets(line, sizeof(line), stdin) && !strcmp(line, "YES\n"))
		return STATUS_NONE;
	tool_error(tool, "%s: nothing was written", path);
	return STATUS_BAD;
}

void confirm_look(const char *path, bool batch, struct confirm *ret)
{
	*ret = (struct confirm){ .asks = !batch && isatty(STDIN_FILENO) && isatty(STDERR_FILENO) };
	if (ret->asks && !known_content(path, ret->what))
		*ret->what = '\0';
}

int confirm_overwrite(const struct tool *tool, const char *path, struct block_engine *e,
		      struct confirm *c)
{
	if (!c->asks || !e->nr_blocks || (!*c->what && !holds_pool(e, c->what)))
		return STATUS_NONE;
	return ask(tool, path, c->what);
}
