/* SPDX-License-Identifier: MIT
 * plan_output.c: a plan as a script, and as JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/tool/text_print.h"
#include "docker_meta/answers/inputs.h"
#include "docker_meta/answers/plan.h"
#include "docker_meta/answers/script.h"
#include "docker_meta/docker_meta.h"
#include "docker_meta/say/json_parts.h"
#include "docker_meta/text/human.h"
#include "docker_meta/text/shell.h"

enum { WIDTH = 80 };

/* ---- what the head says */

enum { NR_VARIABLES = 11 };

/* An assignment each, owned; NULL where it is left out. */
struct variables {
	char *lines[NR_VARIABLES];
};

static void destroy_variables(struct variables *x)
{
	for (size_t i = 0; i < ARRAY_SIZE(x->lines); i++)
		alloc_free(x->lines[i]);
}

/* "NAME='value'"; what cannot be quoted is to be filled in. */
static char *assignment(const char *name, const char *value)
{
	char *word, *line;
	int r = shell_quote(value ? value : "", &word);

	if (r == -ENOMEM)
		return NULL;
	line = alloc_printf("%s=%s", name, word ? word : "''");
	alloc_free(word);
	return line;
}

static char *metadata_line(const struct meta_view *v, const struct mend_pool *pool)
{
	if (pool->kind == KIND_LOOP)
		return alloc_string("METADATA=\"$ROOT/devicemapper/devicemapper/metadata\"");
	if (v->metadata && !v->options->xml && !strncmp(v->metadata, "/dev/", 5))
		return assignment("METADATA", v->metadata);
	return alloc_string(pool->kind == KIND_LVM ? "METADATA=\"/dev/mapper/${POOL%-tpool}_tmeta\""
						   : "METADATA=''");
}

static int make_variables(const struct meta_view *v, const struct mend_plan *plan,
			  struct variables *x)
{
	static const char *const kinds[] = { "KIND=''", "KIND=loop", "KIND=lvm" };
	const struct pool_state *p = v->devices->pool;
	const struct mend_pool *pool = &plan->pool;
	const bool loop = pool->kind == KIND_LOOP;
	char absolute[PATH_MAX], *digests = meta_reference_digests(v);

	*x = (struct variables){
		.lines = {
			assignment("ROOT", realpath(v->root, absolute) ? absolute : v->root),
			alloc_string(kinds[pool->kind]),
			assignment("VG", pool->group),
			assignment("LV", pool->volume),
			loop && !*pool->name
				? alloc_string("POOL=$(stat -c '%d %i' \"$ROOT/devicemapper\" | "
					       "awk '{ printf \"docker-%d:%d-%s-pool\", "
					       "int($1 / 256) % 4096, $1 % 256 + "
					       "int($1 / 1048576) * 256, $2 }')")
				: assignment("POOL", pool->name),
			metadata_line(v, pool),
			alloc_string("KEEP=\"/root/docker_meta.kept\""),
			alloc_printf("TRANSACTION=%" PRIu64,
				     p ? p->header.transaction_id : plan->hints.transaction_id),
			alloc_printf("BLOCK=%" PRIu64, plan->hints.data_block_size),
			alloc_string("PLACES='" META_REFERENCES "'"),
			digests ? alloc_printf("SEEN='%s'", digests) : NULL,
		},
	};
	alloc_free(digests);
	for (size_t i = 0; i < ARRAY_SIZE(x->lines); i++) {
		if (!x->lines[i])
			return -ENOMEM;
	}
	return 0;
}

/* ---- text */

/* Prose: words of text, below 80 columns, behind "## ". */
static void print_prose(FILE *out, const char *text)
{
	int column = fprintf(out, "##");

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column > 2 && column + 1 + n > WIDTH) {
			(void)fputc('\n', out);
			column = fprintf(out, "##");
		}
		if (n) {
			(void)fputc(' ', out);
			text_print(out, text, (size_t)n);
			column += 1 + n;
		}
		text += n + (text[n] == ' ');
	}
	(void)fputc('\n', out);
}

static void print_part(FILE *out, enum script_part part)
{
	struct asset rest = script_part(part), line;

	while (script_next_line(&rest, &line))
		(void)fprintf(out, "# %.*s\n", (int)line.size, line.text);
}

static void print_heading(FILE *out, const char *text)
{
	(void)fprintf(out, "\n## ---- %s\n", text);
}

/* text is freed.  0 or -ENOMEM, where it is NULL. */
static int print_made(FILE *out, char *text)
{
	if (!text)
		return -ENOMEM;
	print_prose(out, text);
	alloc_free(text);
	return 0;
}

static int print_title(FILE *out, const struct meta_finding *f)
{
	int r = print_made(
		out, alloc_printf("%s %s: %s%s%s", f->row->id, meta_severity_name(f->severity),
				  f->row->title, f->subject.name ? ": " : "",
				  f->subject.name ? f->subject.name : ""));

	if (!r)
		r = print_made(out, alloc_printf("found: %s", f->evidence.line));
	if (!r && f->bytes)
		(void)fprintf(out, "## bytes: %s\n", human_bytes(f->bytes).text);
	return r;
}

static int print_step(FILE *out, const struct mend_step *step)
{
	int r;

	(void)fprintf(out, "##\n");
	r = step->finding ? print_title(out, step->finding) : 0;
	for (size_t i = 0; i < step->nr && !r; i++) {
		if (step->lines[i].command)
			(void)fprintf(out, "# %s\n", step->lines[i].text);
		else
			print_prose(out, step->lines[i].text);
	}
	return r;
}

static const char *phase_heading(enum mend_phase phase)
{
	static const char *const headings[NR_PHASES] = {
		[PHASE_POOL] = "the pool itself, before anything else",
		[PHASE_TRANSACTION] = "what the next start of Docker would take back",
		[PHASE_FILES] = "Docker's files",
		[PHASE_SPACE] = "room",
		[PHASE_DELETE] = "orphaned devices: their deletion cannot be undone",
		[PHASE_DOCKER] = "once Docker runs again (systemctl start docker)",
		[PHASE_HAND] = "without a command",
	};

	return headings[phase];
}

static bool any_commands(const struct mend_plan *plan)
{
	for (size_t i = 0; i < plan->steps.nr; i++) {
		if (mend_step_has_commands(&plan->steps.items[i]))
			return true;
	}
	return false;
}

/* Some step compares a device with the dump of the pool, or sends the pool a message. */
static bool needs_dump(const struct mend_plan *plan)
{
	for (size_t i = 0; i < plan->steps.nr; i++) {
		const struct mend_step *step = &plan->steps.items[i];

		for (size_t n = 0; n < step->nr; n++) {
			if (step->lines[n].command &&
			    (strstr(step->lines[n].text, "same_device ") ||
			     strstr(step->lines[n].text, "pool_lacks ") ||
			     strstr(step->lines[n].text, "look ")))
				return true;
		}
	}
	return false;
}

static void print_origin(FILE *out, const struct meta_view *v, const struct mend_plan *plan)
{
	const struct pool_state *p = v->devices->pool;
	const struct docker_meta_options *o = v->options;

	(void)fprintf(out, "#!/bin/sh\n");
	print_prose(out,
		    "docker_meta plan: what mends a thin pool and Docker's state of it.  Every "
		    "line is a comment: nothing here runs by itself.  Read it, then uncomment the "
		    "commands that you want: they have one hash and a blank in front, prose has "
		    "two hashes.  Take the head, the guards and the backup always.");
	(void)fprintf(out, "##\n");
	print_prose(out, "Made from:");
	print_prose(out, v->root);
	print_prose(out, o->xml ? o->xml : v->metadata ? v->metadata : "no metadata");
	if (p)
		(void)fprintf(out, "## pool: transaction %" PRIu64 ", %zu devices\n",
			      p->header.transaction_id, p->nr_devices);
	else
		print_prose(out, v->pool_fault ? v->pool_fault : "the pool was not looked at");
	print_prose(out, "The host of the pool is where its Docker ran: not necessarily this one.");
	if (v->verdict->start) {
		print_prose(out, "The next start of dockerd goes wrong (docker_meta predict):");
		print_prose(out, v->verdict->start->text);
	}
	if (plan->no_deletions) {
		(void)fprintf(out, "## Nothing is deleted: ");
		text_print(out, plan->no_deletions, strlen(plan->no_deletions));
		(void)fprintf(out, ".\n");
	}
}

static void print_head(FILE *out, const struct mend_plan *plan, const struct variables *x)
{
	print_heading(out, "the head: look at each line");
	print_prose(out, "KIND is loop or lvm:");
	print_prose(out, plan->pool.why);
	if (plan->pool.name_is_guess)
		print_prose(out, "POOL, VG and LV are a guess: dmsetup ls --target thin-pool");
	for (size_t i = 0; i < ARRAY_SIZE(x->lines); i++)
		(void)fprintf(out, "# %s\n", x->lines[i]);
	print_heading(out, "the guards");
	print_part(out, SCRIPT_GUARDS);
	print_heading(out, "the backup: Docker and docker.socket are stopped");
	print_part(out, SCRIPT_BACKUP);
}

static int print_steps(FILE *out, const struct mend_plan *plan)
{
	const struct mend_steps *s = &plan->steps;
	const bool commands = any_commands(plan);
	bool dumped = !needs_dump(plan), again = false;
	int r = 0;

	for (size_t i = 0; i < s->nr && !r; i++) {
		const enum mend_phase phase = s->items[i].phase;

		if (!dumped && phase >= PHASE_FILES) {
			print_heading(out, "the pool as it is now");
			print_part(out, SCRIPT_DUMP);
			dumped = true;
		}
		if (!again && phase >= PHASE_DOCKER && commands) {
			print_heading(out, "look again, and let go of the pool");
			print_part(out, SCRIPT_AGAIN);
			again = true;
		}
		if (!i || s->items[i - 1].phase != phase)
			print_heading(out, phase_heading(phase));
		r = print_step(out, &s->items[i]);
	}
	if (!r && !again && commands) {
		print_heading(out, "look again, and let go of the pool");
		print_part(out, SCRIPT_AGAIN);
		print_prose(out, "Then start Docker.  What hung on what was deleted may be seen as "
				 "unneeded only now.");
	}
	return r;
}

static int status_of(const struct meta_view *v, const struct mend_plan *plan)
{
	const struct meta_findings *l = v->findings;

	if (!v->devices->pool || l->nr_of[META_FATAL] || l->nr_of[META_ERROR])
		return META_STATUS_ERROR;
	for (size_t i = 0; i < plan->steps.nr; i++) {
		if (plan->steps.items[i].phase == PHASE_SPACE)
			return META_STATUS_WARNING;
	}
	return l->nr_of[META_WARNING] ? META_STATUS_WARNING : META_STATUS_OK;
}

int mend_plan_text(const struct meta_view *v, FILE *out, int *status)
{
	struct variables x = { { NULL } };
	struct mend_plan plan;
	int r = mend_plan_make(v, &plan);

	if (!r)
		r = make_variables(v, &plan, &x);
	if (!r) {
		*status = status_of(v, &plan);
		print_origin(out, v, &plan);
		if (!plan.steps.nr)
			(void)fprintf(out, "##\n## Nothing is to be mended.\n");
		else if (any_commands(&plan))
			print_head(out, &plan, &x);
		r = print_steps(out, &plan);
	}
	destroy_variables(&x);
	mend_plan_destroy(&plan);
	return r;
}

/* ---- JSON */

static json_t *part_json(enum script_part part, bool *failed)
{
	struct asset rest = script_part(part), line;
	json_t *array = json_array();

	while (script_next_line(&rest, &line))
		json_append(array, json_stringn(line.text, line.size), failed);
	return array;
}

static json_t *lines_of(const struct mend_step *step, bool command, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < step->nr; i++) {
		if (step->lines[i].command == command)
			json_append(array, json_text(step->lines[i].text), failed);
	}
	return array;
}

static json_t *step_object(const struct mend_step *step, bool *failed)
{
	const struct meta_finding *f = step->finding;
	json_t *object = json_object(), *devices = json_array();

	for (size_t i = 0; f && i < f->nr_devices; i++)
		json_append(devices, json_number(f->devices[i]->id), failed);
	json_put(object, "phase", json_string(mend_phase_name(step->phase)), failed);
	json_put(object, "finding", f ? json_string(f->row->id) : json_null(), failed);
	json_put(object, "severity", f ? json_string(meta_severity_name(f->severity)) : json_null(),
		 failed);
	json_put(object, "object", json_text(f ? f->subject.name : NULL), failed);
	json_put(object, "devices", devices, failed);
	json_put(object, "refused", json_boolean(step->refused), failed);
	json_put(object, "deletes", json_boolean(step->deletes), failed);
	json_put(object, "remarks", lines_of(step, false, failed), failed);
	json_put(object, "commands", lines_of(step, true, failed), failed);
	return object;
}

int mend_plan_json(const struct meta_view *v, FILE *out, int *status)
{
	static const char *const kinds[] = { "unknown", "loop", "lvm" };
	json_t *object = json_object(), *steps = json_array(), *head = json_array();
	struct variables x = { { NULL } };
	struct mend_plan plan;
	bool failed = false;
	int r = mend_plan_make(v, &plan);

	if (!r)
		r = make_variables(v, &plan, &x);
	if (!r)
		*status = status_of(v, &plan);
	for (size_t i = 0; !r && i < ARRAY_SIZE(x.lines); i++)
		json_append(head, json_text(x.lines[i]), &failed);
	for (size_t i = 0; !r && i < plan.steps.nr; i++)
		json_append(steps, step_object(&plan.steps.items[i], &failed), &failed);
	json_put_head(object, v, &failed);
	json_put(object, "kind", json_string(kinds[plan.pool.kind]), &failed);
	json_put(object, "start",
		 v->verdict->start ? json_text(v->verdict->start->text) : json_null(), &failed);
	json_put(object, "no_deletions", json_text(plan.no_deletions), &failed);
	json_put(object, "head", head, &failed);
	json_put(object, "guards", part_json(SCRIPT_GUARDS, &failed), &failed);
	json_put(object, "backup", part_json(SCRIPT_BACKUP, &failed), &failed);
	json_put(object, "dump", part_json(SCRIPT_DUMP, &failed), &failed);
	json_put(object, "steps", steps, &failed);
	json_put(object, "again", part_json(SCRIPT_AGAIN, &failed), &failed);
	destroy_variables(&x);
	mend_plan_destroy(&plan);
	return json_finish(object, r || failed, out);
}
