/* SPDX-License-Identifier: MIT
 * thin_check.c: check, mend what may be mended, and tell.
 */
#include "thin_check/thin_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/io/undo.h"
#include "common/thin/metadata_fix.h"
#include "common/tool/hold_signals.h"
#include "common/tool/open_metadata.h"
#include "common/tool/progress_terminal.h"
#include "common/tool/report_json.h"
#include "common/tool/report_text.h"
#include "common/tool/sandbox.h"

struct session {
	const struct thin_check_options *options;
	struct block_engine *engine;
	struct block_engine *noting; /* the same, and what is written is noted; NULL: nothing was */
	struct check_options checked; /* by the last check */
	struct report report;
	struct check_result result;
};

static bool may_write(const struct thin_check_options *o)
{
	return o->auto_repair || o->clear_needs_check;
}

static enum open_mode open_mode(const struct thin_check_options *o)
{
	if (may_write(o))
		return OPEN_MAY_WRITE;
	return o->check.metadata_snap ? OPEN_READ_LIVE : OPEN_READ;
}

static void say(const struct session *s, const char *what, int error)
{
	if (s->options->quiet)
		return;
	if (error)
		tool_error(&thin_check_tool, "%s: %s: %s", s->options->input, what,
			   strerror(-error));
	else
		tool_error(&thin_check_tool, "%s: %s", s->options->input, what);
}

static int run_check(struct session *s)
{
	struct check_options check = s->options->check;
	struct progress_terminal terminal;
	struct progress *progress =
		progress_terminal_begin(&terminal, thin_check_tool.name, s->options->quiet);
	int r;

	check.collect_leaks = may_write(s->options);
	s->checked = check;
	report_destroy(&s->report);
	check_result_destroy(&s->result);
	r = metadata_check(s->engine, &check, &s->report, progress, &s->result);
	progress_terminal_end(&terminal);
	if (r == -ENODATA)
		say(s, "no current metadata snap", 0);
	else if (r)
		say(s, "the check could not be finished", r);
	return r;
}

/* The one place where findings become an exit status. */
static int judge(const struct session *s)
{
	switch (report_worst(&s->report)) {
	case SEVERITY_NONE:
		return STATUS_OK;
	case SEVERITY_SUSPECT:
		return s->options->strict ? STATUS_BAD : STATUS_OK;
	case SEVERITY_NON_FATAL:
		return s->options->ignore_non_fatal ? STATUS_OK : STATUS_BAD;
	case SEVERITY_FATAL:
	case NR_SEVERITIES:
		break;
	}
	return STATUS_BAD;
}

static void print_figures(const struct check_result *r, bool unknown)
{
	if (!r->has_superblock || unknown)
		return;
	(void)printf("TRANSACTION_ID=%" PRIu64 "\nMETADATA_FREE_BLOCKS=%" PRIu64 "\n",
		     r->sb.transaction_id, r->free_metadata_blocks);
	(void)fflush(stdout);
}

/* What there is, for a reader who only wants to know that all is well. */
static void print_summary(const struct session *s)
{
	const struct check_result *r = &s->result;
	uint64_t block_kib = r->sb.data_block_size / 2;

	tool_error(&thin_check_tool, "%s: no damage: %" PRIu64 " devices, %" PRIu64 " mappings",
		   s->options->input, r->nr_devices, r->nr_mappings);
	tool_error(&thin_check_tool,
		   "%s: %" PRIu64 " of %" PRIu64 " data blocks of %" PRIu64 " KiB in use, %" PRIu64
		   " of %" PRIu64 " metadata blocks free, %s",
		   s->options->input, r->used_data_blocks, r->data_blocks, block_kib,
		   r->free_metadata_blocks, r->metadata_blocks,
		   r->sb.held_root ? "a metadata snapshot held" : "no metadata snapshot");
}

static void print_fine(const struct session *s)
{
	const struct check_options *o = &s->checked;
	const struct check_result *r = &s->result;

	if (o->superblock_only && o->metadata_snap)
		say(s, "both superblocks are fine; nothing else was checked", 0);
	else if (o->superblock_only)
		say(s, "the superblock is fine; nothing else was checked", 0);
	else if (o->skip_mappings)
		tool_error(&thin_check_tool,
			   "%s: %" PRIu64 " devices, no damage; mappings were not checked",
			   s->options->input, r->nr_devices);
	else if (o->metadata_snap)
		tool_error(&thin_check_tool,
			   "%s: no damage in the metadata snapshot: %" PRIu64 " devices, %" PRIu64
			   " mappings",
			   s->options->input, r->nr_devices, r->nr_mappings);
	else
		print_summary(s);
}

/* The worst of it is the first: findings are sorted. */
static void print_damage(const struct session *s)
{
	const struct report *r = &s->report;
	const struct finding *worst = &r->findings[0];
	const struct finding_type *type = finding_type(worst->id);

	if (report_worst(r) == SEVERITY_SUSPECT)
		tool_error(&thin_check_tool,
			   "%s: no damage, but %" PRIu64 " suspect finding%s: %s. Next: %s",
			   s->options->input, r->per_severity[SEVERITY_SUSPECT],
			   r->per_severity[SEVERITY_SUSPECT] == 1 ? "" : "s", finding_costs(worst),
			   type->mends);
	else
		tool_error(&thin_check_tool,
			   "%s: DAMAGED: %" PRIu64 " fatal, %" PRIu64 " non-fatal, %" PRIu64
			   " suspect findings; the worst: %s. Next: %s",
			   s->options->input, r->per_severity[SEVERITY_FATAL],
			   r->per_severity[SEVERITY_NON_FATAL], r->per_severity[SEVERITY_SUSPECT],
			   finding_costs(worst), type->mends);
}

static void print_text(const struct session *s)
{
	/* Of a metadata snapshot that is damaged nobody knows them. */
	print_figures(&s->result,
		      s->checked.metadata_snap && (s->result.snapshot_lost ||
						   report_worst(&s->report) == SEVERITY_FATAL));
	report_print_text(&s->report, stderr);
	if (s->report.nr_findings)
		print_damage(s);
	else
		print_fine(s);
	if (s->result.has_superblock && superblock_needs_check(&s->result.sb))
		say(s,
		    "needs_check is set: the kernel keeps the pool read-only until "
		    "--clear-needs-check-flag",
		    0);
}

static int print_result(const struct session *s, int status)
{
	struct json_report j = { .tool = thin_check_tool.name,
				 .version = THINMEND_VERSION,
				 .input = s->options->input,
				 .report = &s->report,
				 .result = &s->result,
				 .exit_status = status };

	if (s->options->quiet)
		return status;
	if (!s->options->json) {
		print_text(s);
		return status;
	}
	if (!report_print_json(&j, stdout))
		return status;
	say(s, "the report could not be printed as JSON: no memory, or no room where it goes", 0);
	return STATUS_BAD;
}

/* What hides free space, and nothing else, can be mended here: its rows name this tool. */
static bool worth_mending(const struct session *s)
{
	for (size_t i = 0; i < NR_FINDINGS; i++) {
		const struct finding_type *type = finding_type((enum finding_id)i);

		if (s->report.per_id[i] && !strcmp(type->mends, "thin_check --auto-repair"))
			return true;
	}
	return false;
}

static void say_what_was_mended(const struct session *s, const struct fix_result *fixed)
{
	char text[128];

	(void)snprintf(text, sizeof(text),
		       "freed %" PRIu64 " leaked blocks and counted free space anew%s; checking "
		       "again",
		       fixed->nr_freed, fixed->in_place ? ", in place" : "");
	say(s, text, 0);
}

static int refuse_undo(const struct session *s, int error)
{
	if (!s->options->quiet)
		tool_error(&thin_check_tool, "%s: %s; nothing was changed", s->options->undo,
			   error == -EEXIST ? "it exists, and no undo file is ever overwritten"
					    : strerror(-error));
	return error;
}

/* From here on what is written is noted, where that is asked for. */
static int begin_changes(struct session *s, struct block_engine **ret_engine)
{
	int r = 0;

	if (s->engine->read_only) {
		if (!s->options->quiet)
			explain_read_only(&thin_check_tool, s->options->input);
		return -EROFS;
	}
	if (s->noting)
		r = undo_engine_begin(s->noting);
	*ret_engine = s->noting ? s->noting : s->engine;
	return r ? refuse_undo(s, r) : 0;
}

/* A change that failed: of the device, or of the undo file. */
static void say_change(const struct session *s, const char *what, int error)
{
	const int undo = s->noting ? undo_engine_error(s->noting) : 0;

	if (!undo)
		say(s, what, error);
	else if (!s->options->quiet)
		tool_error(&thin_check_tool, "%s: the undo file could not be written: %s; %s",
			   s->options->undo, strerror(-undo),
			   undo_engine_nr_noted(s->noting)
				   ? "thin_restore --undo puts back what was changed by then"
				   : "nothing was changed");
}

/* Done whole, or not begun: no signal comes in between. */
static int fix_engine(struct session *s, struct fix_result *fixed)
{
	struct block_engine *e;
	sigset_t before;
	int r;

	signals_hold(&before);
	r = begin_changes(s, &e);
	if (!r) {
		r = metadata_fix_space_maps(e, s->result.leaks, s->result.nr_leaks, fixed);
		if (r)
			say_change(s,
				   "the space maps could not be mended; what was found before "
				   "follows",
				   r);
	}
	signals_release(&before);
	return r;
}

static int clear_engine(struct session *s)
{
	struct block_engine *e;
	sigset_t before;
	int r;

	signals_hold(&before);
	r = begin_changes(s, &e);
	if (!r) {
		r = metadata_clear_needs_check(e);
		if (r)
			say_change(s, "needs_check could not be cleared", r);
	}
	signals_release(&before);
	return r;
}

static int fix_space_maps(struct session *s)
{
	struct fix_result fixed;
	int r;

	if (!worth_mending(s) || report_worst(&s->report) == SEVERITY_FATAL ||
	    s->options->ignore_non_fatal)
		return 0;
	r = fix_engine(s, &fixed);
	if (r) {
		(void)print_result(s, STATUS_BAD);
		return r;
	}
	say_what_was_mended(s, &fixed);
	return run_check(s);
}

/* A partial check cannot vouch for the rest: before the flag goes, everything is looked at. */
static int finish_check(struct session *s, bool *ret_sound)
{
	struct thin_check_options whole = *s->options;
	const struct thin_check_options *asked = s->options;
	int r = 0;

	if (asked->check.superblock_only || asked->check.skip_mappings) {
		whole.check = (struct check_options){ 0 };
		s->options = &whole;
		r = run_check(s);
		s->options = asked;
	}
	*ret_sound = judge(s) == STATUS_OK;
	return r;
}

static int clear_flag(struct session *s)
{
	bool sound;
	int r;

	if (!superblock_needs_check(&s->result.sb) || judge(s) != STATUS_OK)
		return 0;
	r = finish_check(s, &sound);
	if (r || !sound)
		return r;
	r = clear_engine(s);
	if (r)
		return r;
	s->result.sb.flags &= ~SUPERBLOCK_NEEDS_CHECK;
	say(s, "needs_check was set and is cleared now", 0);
	return 0;
}

static int check_and_mend(struct session *s)
{
	int r = run_check(s);

	if (!r && may_write(s->options))
		r = fix_space_maps(s);
	if (!r && may_write(s->options))
		r = clear_flag(s);
	if (r)
		return STATUS_BAD;
	return print_result(s, judge(s));
}

int thin_check_run(const struct thin_check_options *options)
{
	struct session s = { .options = options };
	bool is_open = false;
	/* A lost superblock is a finding like any other, for programs. */
	int status = options->json ? open_any_blocks(&thin_check_tool, options->input,
						     open_mode(options), false, &s.engine)
				   : open_metadata(&thin_check_tool, options->input,
						   open_mode(options), options->quiet, &s.engine);

	if (status != STATUS_NONE)
		return status;
	if (options->undo) {
		const int r = undo_engine_create(s.engine, options->undo, &s.noting);

		if (r) {
			(void)refuse_undo(&s, r);
			block_engine_destroy(s.engine);
			return STATUS_BAD;
		}
		is_open = undo_engine_is_open(s.noting);
	}
	sandbox_enter(&(struct sandbox){ .off = options->no_sandbox,
					 .make = { is_open ? NULL : options->undo },
					 .name = { is_open ? options->undo : NULL } });
	report_init(&s.report);
	status = check_and_mend(&s);
	report_destroy(&s.report);
	check_result_destroy(&s.result);
	block_engine_destroy(s.noting);
	block_engine_destroy(s.engine);
	return status;
}
