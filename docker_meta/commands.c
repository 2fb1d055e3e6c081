/* SPDX-License-Identifier: MIT */
#include "docker_meta/commands.h"

#include <errno.h>
#include <string.h>

#include "docker_meta/answers/block.h"
#include "docker_meta/answers/plan.h"
#include "docker_meta/answers/show.h"
#include "docker_meta/answers/space.h"
#include "docker_meta/answers/survivors.h"
#include "docker_meta/docker_meta.h"
#include "docker_meta/say/columns.h"
#include "docker_meta/say/lint.h"
#include "docker_meta/say/output.h"
#include "docker_meta/say/page/page.h"
#include "docker_meta/say/state_file.h"

/* ---- the commands: 0 or -errno; *status is META_STATUS_BLIND where the pool was not read, else OK
 */

/* Nothing above info, and nothing of that has gone. */
static bool all_is_well(const struct meta_view *v)
{
	const struct changes *c = v->verdict->changes;

	for (size_t i = 0; c && i < c->gone.nr; i++) {
		if (c->gone.items[i].severity > META_INFO)
			return false;
	}
	return v->verdict->status == META_STATUS_OK;
}

static bool is_silent(const struct meta_view *v)
{
	return v->options->quiet && all_is_well(v);
}

static int check_text(const struct meta_view *v, FILE *out, int *status)
{
	*status = v->verdict->status;
	return is_silent(v) ? 0 : output_check(v, out);
}

static int check_json(const struct meta_view *v, FILE *out, int *status)
{
	*status = v->verdict->status;
	return is_silent(v) ? 0 : output_json(v, out);
}

static int check_ndjson(const struct meta_view *v, FILE *out, int *status)
{
	*status = v->verdict->status;
	return is_silent(v) ? 0 : output_ndjson(v, out);
}

/* Whoever reads these two needs them also when all is well. */
static int check_nagios(const struct meta_view *v, FILE *out, int *status)
{
	*status = v->verdict->status;
	output_nagios(v, out);
	return 0;
}

static int check_prometheus(const struct meta_view *v, FILE *out, int *status)
{
	*status = v->verdict->status;
	output_prometheus(v, out);
	return 0;
}

static int list_text(const struct meta_view *v, FILE *out, int *status)
{
	struct list_layout layout;

	(void)status;
	if (list_layout_parse(v->options, &layout) != STATUS_NONE)
		return -EINVAL;
	return output_list(v, &layout, out);
}

static void judge_forecast(const struct forecast *f, int *status)
{
	if (forecast_is_bad(f))
		*status = META_STATUS_ERROR;
	else if (f->blind)
		*status = META_STATUS_BLIND;
}

static int predict_text(const struct meta_view *v, FILE *out, int *status)
{
	judge_forecast(v->forecast, status);
	if (!v->options->quiet || *status != META_STATUS_OK)
		output_forecast(v, out);
	return 0;
}

static int html(const struct meta_view *v, FILE *out, int *status)
{
	*status = v->verdict->status;
	return page_write(v, out);
}

static int predict_json(const struct meta_view *v, FILE *out, int *status)
{
	judge_forecast(v->forecast, status);
	if (v->options->quiet && *status == META_STATUS_OK)
		return 0;
	return output_json(v, out);
}

static int list_json(const struct meta_view *v, FILE *out, int *status)
{
	(void)status;
	return output_json(v, out);
}

/* What each command says in each form; where there is nothing, the form is refused. */
static int (*const sayings[NR_COMMANDS][NR_FORMS])(const struct meta_view *v, FILE *out,
						   int *status) = {
	[COMMAND_CHECK] = { [OUTPUT_TEXT] = check_text,
			    [OUTPUT_JSON] = check_json,
			    [OUTPUT_NDJSON] = check_ndjson,
			    [OUTPUT_NAGIOS] = check_nagios,
			    [OUTPUT_PROMETHEUS] = check_prometheus,
			    [OUTPUT_HTML] = html },
	[COMMAND_SHOW] = { [OUTPUT_TEXT] = show_text, [OUTPUT_JSON] = show_json },
	[COMMAND_BLOCK] = { [OUTPUT_TEXT] = block_text, [OUTPUT_JSON] = block_json },
	[COMMAND_LIST] = { [OUTPUT_TEXT] = list_text,
			   [OUTPUT_JSON] = list_json,
			   [OUTPUT_HTML] = html,
			   [OUTPUT_DOT] = tree_dot },
	[COMMAND_TREE] = { [OUTPUT_TEXT] = tree_text,
			   [OUTPUT_JSON] = tree_json,
			   [OUTPUT_DOT] = tree_dot },
	[COMMAND_DU] = { [OUTPUT_TEXT] = du_text, [OUTPUT_JSON] = du_json, [OUTPUT_HTML] = html },
	[COMMAND_REPORT] = { [OUTPUT_TEXT] = html,
			     [OUTPUT_JSON] = check_json,
			     [OUTPUT_HTML] = html },
	[COMMAND_PLAN] = { [OUTPUT_TEXT] = mend_plan_text, [OUTPUT_JSON] = mend_plan_json },
	[COMMAND_SURVIVORS] = { [OUTPUT_TEXT] = survivors_text, [OUTPUT_JSON] = survivors_json },
	[COMMAND_PREDICT] = { [OUTPUT_TEXT] = predict_text, [OUTPUT_JSON] = predict_json },
	[COMMAND_LINT] = { [OUTPUT_TEXT] = lint_text, [OUTPUT_JSON] = lint_json },
};

/* ---- what is accepted */

static int refuse_place(const char *option, const char *path, int r, const struct out_fault *fault)
{
	if (r == -EPERM && *fault->text)
		return tool_usage_error(&docker_meta_tool, "%s %s: %s", option, path, fault->text);
	tool_error(&docker_meta_tool, "%s: %s", path, fault->text);
	return META_STATUS_BLIND;
}

static int refuse_stdout(int r, const struct out_fault *fault)
{
	if (r == -EPERM)
		return tool_usage_error(&docker_meta_tool, "standard output: %s", fault->text);
	tool_error(&docker_meta_tool, "%s", fault->text);
	return META_STATUS_BLIND;
}

static int accept_output(const struct docker_meta_options *o, struct out_places *places)
{
	struct out_fault fault;
	int r = o->output ? out_place_find(o->output, &places->output, &fault)
			  : out_place_find_stdout(&fault);

	if (r && !o->output)
		return refuse_stdout(r, &fault);
	if (!r)
		r = out_place_may_replace(o, &fault);
	return r ? refuse_place("--output", o->output, r, &fault) : STATUS_NONE;
}

static int accept_state(const struct docker_meta_options *o, struct out_places *places)
{
	struct out_fault fault;
	int r;

	if (!o->state)
		return STATUS_NONE;
	if (!meta_command_has(o->command, COMMAND_MEASURES))
		return tool_usage_error(&docker_meta_tool, "--state goes with check");
	if (o->form == OUTPUT_NAGIOS || o->form == OUTPUT_PROMETHEUS || o->form == OUTPUT_HTML)
		return tool_usage_error(&docker_meta_tool,
					"--state does not go with a form that tells all each time");
	r = out_place_find_state(o->state, places, &fault);
	if (r)
		return refuse_place("--state", o->state, r, &fault);
	if (out_place_is_same(&places->output, &places->state))
		return tool_usage_error(&docker_meta_tool, "--state and --output are one file: %s",
					o->state);
	return STATUS_NONE;
}

/* Options that one command alone has a use for. */
static int accept_particulars(const struct docker_meta_options *o)
{
	if ((o->has_byte || o->has_sector || o->has_data_block) &&
	    !meta_command_has(o->command, COMMAND_FINDS_BLOCK))
		return tool_usage_error(&docker_meta_tool,
					"--byte, --sector and --data-block go with block");
	return STATUS_NONE;
}

int meta_command_accept(const struct docker_meta_options *o, struct out_places *places)
{
	struct list_layout layout;
	struct verdict verdict;
	int status;

	if (!sayings[o->command][o->form])
		return tool_usage_error(&docker_meta_tool, "%s has no such form",
					meta_command_name(o->command));
	status = accept_output(o, places);
	if (status == STATUS_NONE)
		status = accept_state(o, places);
	if (status == STATUS_NONE)
		status = accept_particulars(o);
	if (status == STATUS_NONE)
		status = verdict_accept(o, &verdict);
	if (status == STATUS_NONE && meta_command_has(o->command, COMMAND_FINDS_BLOCK))
		status = block_accept(o);
	return status == STATUS_NONE ? list_layout_parse(o, &layout) : status;
}

/* ---- speaking */

/* What is said goes to the output; where none is named, to standard output. */
static int begin(const struct docker_meta_options *o, const struct out_inputs *inputs)
{
	struct out_fault fault;
	int r;

	if (!o->output) {
		r = out_place_accept_stdout(inputs, &fault);
		return r ? refuse_stdout(r, &fault) : STATUS_NONE;
	}
	r = out_place_begin(&inputs->places->output, o->output, inputs, &fault);
	return r ? refuse_place("--output", o->output, r, &fault) : STATUS_NONE;
}

/* r: how far it came.  STATUS_NONE, or the status of a failure. */
static int end(const struct docker_meta_options *o, struct out_file *f, int r)
{
	if (!o->output) {
		if (r && r != -EIO)
			tool_error(&docker_meta_tool, "%s", strerror(-r));
		/* tool_end() tells of what could not be written. */
		return r || fflush(stdout) ? META_STATUS_BLIND : STATUS_NONE;
	}
	if (r == -EIO)
		r = out_file_error(f);
	if (r)
		out_file_abandon(f);
	else
		r = out_file_commit(f);
	if (r)
		tool_error(&docker_meta_tool, "%s: %s", o->output, out_file_why(r));
	return r ? META_STATUS_BLIND : STATUS_NONE;
}

/* What an answer is worth that is made from other metadata than the pool's of now. */
static void tell_doubt(const struct meta_view *v)
{
	if (meta_command_has(v->options->command, COMMAND_TELLS_DOUBT))
		return;
	if (v->devices->another_pool)
		tool_error(&docker_meta_tool, "%s: metadata of another pool, see check (X4)",
			   v->metadata);
	else if (v->stale)
		tool_error(&docker_meta_tool, "%s: older than the pool (P18): %s", v->metadata,
			   v->stale);
}

/* Whether all of it has been told; *status is the one to end with. */
static bool speak(const struct meta_view *v, int *status)
{
	const struct docker_meta_options *o = v->options;
	const struct out_inputs inputs = { v->options, v->root, v->metadata, v->config, v->places };
	struct out_file *f = &v->places->output;
	int failed = begin(o, &inputs), r;
	int said = v->devices->pool ? META_STATUS_OK : META_STATUS_BLIND;

	tell_doubt(v);
	if (failed == STATUS_NONE) {
		r = sayings[o->command][o->form](v, o->output ? f->stream : stdout, &said);
		failed = end(o, f, r);
	}
	*status = failed == STATUS_NONE ? said : failed;
	return failed == STATUS_NONE;
}

static int complain(const char *path, const char *text)
{
	tool_error(&docker_meta_tool, "%s: %s", path, text);
	return META_STATUS_BLIND;
}

/* The state is written when its changes have been told, so that none is lost. */
static int speak_of_changes(const struct meta_view *v, const struct verdict *measured)
{
	const char *path = v->options->state;
	const struct out_inputs inputs = { v->options, v->root, v->metadata, v->config, v->places };
	struct verdict verdict = *measured;
	struct meta_view view = *v;
	struct changes changes;
	struct out_fault fault;
	int status;

	if (changes_find(v, &verdict, &changes, &fault)) {
		changes_destroy(&changes);
		return complain(path, fault.text);
	}
	view.findings = &changes.news;
	view.verdict = &verdict;
	verdict.changes = &changes;
	verdict_judge(&view, &verdict);
	if (speak(&view, &status) && changes_save(&changes, path, &inputs, &fault))
		status = complain(path, fault.text);
	changes_destroy(&changes);
	return status;
}

int meta_command_run(const struct meta_view *v)
{
	struct meta_view view = *v;
	struct verdict verdict;
	int r = verdict_accept(v->options, &verdict);

	if (r != STATUS_NONE)
		return r;
	r = verdict_measure(v, &verdict);
	if (r)
		return complain(v->root, strerror(-r));
	view.verdict = &verdict;
	if (v->options->state)
		return speak_of_changes(&view, &verdict);
	verdict_judge(v, &verdict);
	(void)speak(&view, &r);
	return r;
}

void meta_command_blind(const struct docker_meta_options *o, const struct out_inputs *inputs,
			const char *what, const char *why)
{
	struct out_file *f = &inputs->places->output;
	FILE *out;

	if ((o->form != OUTPUT_NAGIOS && o->form != OUTPUT_PROMETHEUS) ||
	    begin(o, inputs) != STATUS_NONE)
		return;
	out = o->output ? f->stream : stdout;
	if (o->form == OUTPUT_NAGIOS)
		output_nagios_unknown(what, why, out);
	else
		output_prometheus_unknown(inputs->root, META_STATUS_BLIND, out);
	(void)end(o, f, 0);
}
