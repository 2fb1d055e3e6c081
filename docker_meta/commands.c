/* SPDX-License-Identifier: MIT */
#include "docker_meta/commands.h"

#include <errno.h>
#include <string.h>

#include "docker_meta/config/lint.h"
#include "docker_meta/docker_meta.h"
#include "docker_meta/lookup/block.h"
#include "docker_meta/lookup/show.h"
#include "docker_meta/output/output.h"

static int status_of_findings(const struct meta_view *v)
{
	const struct meta_findings *l = v->findings;

	if (l->nr_of[META_FATAL] || l->nr_of[META_ERROR])
		return META_STATUS_ERROR;
	return l->nr_of[META_WARNING] ? META_STATUS_WARNING : META_STATUS_OK;
}

/* ---- the commands: 0 or -errno, *status is META_STATUS_OK */

static int check_text(const struct meta_view *v, FILE *out, int *status)
{
	*status = status_of_findings(v);
	if (!v->options->quiet || *status != META_STATUS_OK)
		output_check(v, out);
	return 0;
}

static int check_json(const struct meta_view *v, FILE *out, int *status)
{
	*status = status_of_findings(v);
	return v->options->quiet && *status == META_STATUS_OK ? 0 : output_json(v, out);
}

static int list_text(const struct meta_view *v, FILE *out, int *status)
{
	(void)status;
	output_list(v, out);
	return 0;
}

static int predict_text(const struct meta_view *v, FILE *out, int *status)
{
	if (v->forecast->worst != STEP_OK)
		*status = META_STATUS_ERROR;
	output_forecast(v, out);
	return 0;
}

/* What each command says in each form; where there is nothing, the form is refused. */
static int (*const sayings[NR_COMMANDS][NR_FORMS])(const struct meta_view *v, FILE *out,
						   int *status) = {
	[COMMAND_CHECK] = { [OUTPUT_TEXT] = check_text, [OUTPUT_JSON] = check_json },
	[COMMAND_LIST] = { [OUTPUT_TEXT] = list_text, [OUTPUT_JSON] = check_json },
	[COMMAND_SHOW] = { [OUTPUT_TEXT] = show_text, [OUTPUT_JSON] = show_json },
	[COMMAND_BLOCK] = { [OUTPUT_TEXT] = block_text, [OUTPUT_JSON] = block_json },
	[COMMAND_PREDICT] = { [OUTPUT_TEXT] = predict_text, [OUTPUT_JSON] = check_json },
	[COMMAND_LINT] = { [OUTPUT_TEXT] = lint_text, [OUTPUT_JSON] = lint_json },
};

int meta_command_accept(const struct docker_meta_options *o)
{
	if (sayings[o->command][o->form])
		return o->command == COMMAND_BLOCK ? block_accept(o) : STATUS_NONE;
	return tool_usage_error(&docker_meta_tool, "%s has no such form",
				meta_command_name(o->command));
}

int meta_command_run(const struct meta_view *v)
{
	const struct docker_meta_options *o = v->options;
	int status = META_STATUS_OK;
	int r = sayings[o->command][o->form](v, stdout, &status);

	if (r) {
		tool_error(&docker_meta_tool, "standard output: %s", strerror(-r));
		return META_STATUS_BLIND;
	}
	return status;
}
