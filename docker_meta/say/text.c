/* SPDX-License-Identifier: MIT
 * text.c: for people and grep.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/tool/text_print.h"
#include "docker_meta/say/columns.h"
#include "docker_meta/say/output.h"
#include "docker_meta/say/state_file.h"
#include "docker_meta/text/human.h"

enum { WIDTH = 80, OWNER_MIN = 6 };

/* ---- the head */

static const char *plural(uint64_t nr)
{
	return nr == 1 ? "" : "s";
}

/* "129M of 2.0G (6.3%)" */
static void print_share(uint64_t used, uint64_t total, FILE *out)
{
	(void)fprintf(out, "%s of %s", human_bytes(used).text, human_bytes(total).text);
	if (total)
		(void)fprintf(out, " (%.1f%%)", 100.0 * (double)used / (double)total);
}

static void print_use(const struct meta_view *v, FILE *out)
{
	const struct pool_state *p = v->devices->pool;

	(void)fputs("use         data ", out);
	print_share(device_table_bytes(v->devices, p->data_blocks_used),
		    device_table_bytes(v->devices, p->header.nr_data_blocks), out);
	if (p->reading.raw && p->reading.metadata_blocks >= p->reading.metadata_blocks_free) {
		(void)fputs(", metadata ", out);
		print_share(pool_metadata_used(&p->reading) * 4096,
			    p->reading.metadata_blocks * 4096, out);
	}
	(void)fputc('\n', out);
}

static void print_head(const struct meta_view *r, FILE *out)
{
	const struct device_table *t = r->devices;
	const struct driver_state *d = &t->docker->driver;

	(void)fputs("docker_meta: ", out);
	text_print(out, r->root, strlen(r->root));
	(void)fputc('\n', out);
	if (!t->pool) {
		(void)fprintf(out, "pool        %s\n",
			      r->metadata ? "cannot be read" : "not looked at");
	} else {
		const struct pool_state *p = t->pool;

		(void)fprintf(out, "pool        transaction %" PRIu64 ", %zu device%s%s\n",
			      p->header.transaction_id, p->nr_devices, plural(p->nr_devices),
			      p->from_snapshot ? " (metadata snapshot)" : "");
		print_use(r, out);
	}
	if (r->torn) {
		(void)fputs("torn        ", out);
		text_print(out, r->torn, strlen(r->torn));
		(void)fputc('\n', out);
	}
	if (r->stale)
		(void)fprintf(out, "older       the metadata: %s\n", r->stale);
	(void)fprintf(out, "docker      ");
	if (d->has_transaction && d->transaction_usable)
		(void)fprintf(out, "transaction %" PRIu64 "%s, ", d->open_transaction_id,
			      t->pending ? " (open)" : "");
	(void)fprintf(out, "%zu device%s, %zu image%s, %zu container%s\n", d->nr_records,
		      plural(d->nr_records), t->docker->images.nr_images,
		      plural(t->docker->images.nr_images), t->docker->containers.nr_containers,
		      plural(t->docker->containers.nr_containers));
}

/* ---- findings */

void finding_headline(const struct meta_view *v, const struct meta_finding *f, char *text,
		      size_t size)
{
	const struct device_row *first = f->nr_devices ? f->devices[0] : NULL;
	char owner[120] = "-";

	if (first)
		device_owner_name(v->devices, first, owner, sizeof(owner));
	if (f->subject.name && !first)
		(void)snprintf(text, size, "%s: %.200s", f->row->title, f->subject.name);
	else if (!first)
		(void)snprintf(text, size, "%s", f->row->title);
	else if (f->nr_devices == 1)
		(void)snprintf(text, size, "%s: device %" PRIu64 "%s%s", f->row->title, first->id,
			       strcmp(owner, "-") != 0 ? ", " : "",
			       strcmp(owner, "-") != 0 ? owner : "");
	else
		(void)snprintf(text, size, "%s: device %" PRIu64 " and %zu more", f->row->title,
			       first->id, f->nr_devices - 1);
}

enum { SEVERITY_COLUMNS = 8 };

static void print_severity(enum meta_severity severity, FILE *out)
{
	static const char *const colours[] = { [META_INFO] = "36",
					       [META_WARNING] = "33",
					       [META_ERROR] = "31",
					       [META_FATAL] = "1;31" };
	const bool colour = wants_colour(out);

	(void)fprintf(out, "\n%s%s%s%-*s%s", colour ? "\033[" : "", colour ? colours[severity] : "",
		      colour ? "m" : "", SEVERITY_COLUMNS, meta_severity_name(severity),
		      colour ? "\033[0m" : "");
}

/* What it is about, without the title: "device 23, web", "exited"; "": the whole. */
static void subject_line(const struct meta_view *v, const struct meta_finding *f, char *text,
			 size_t size)
{
	const size_t title = strlen(f->row->title);
	char line[400];

	finding_headline(v, f, line, sizeof(line));
	(void)snprintf(text, size, "%s", line[title] ? line + title + 2 : "");
}

static const char *remedy_of(const struct meta_finding *f)
{
	const char *remedy = meta_finding_remedy(f);

	return remedy          ? remedy
	       : f->nr_devices ? "unproven: something may need it all the same; mend nothing "
				 "before that is known"
			       : "unproven: not all that it depends on was looked at";
}

static void print_bytes(const struct finding_group *g, FILE *out)
{
	const struct device_set *set = g->nr == 1 ? g->first->set : NULL;
	char text[200];

	if (!g->bytes)
		return;
	(void)snprintf(text, sizeof(text), "%s%s%.100s", human_bytes(g->bytes).text,
		       set         ? "; it shares more with the rest of "
		       : g->nr > 1 ? " in all"
				   : "",
		       set ? set->name : "");
	print_briefly(out, "bytes", text);
}

/* Of several each has a line: what it is about, and what was seen. */
static int print_each(const struct meta_view *v, const struct finding_group *g, FILE *out)
{
	for (size_t i = 0; i < g->nr; i++) {
		const struct meta_finding *f = &g->first[i];
		char what[300], *line;

		subject_line(v, f, what, sizeof(what));
		line = alloc_printf("%s%s%s", what, *what ? ": " : "", f->evidence.line);
		if (!line)
			return -ENOMEM;
		print_briefly(out, i ? "" : "found", line);
		alloc_free(line);
		if (f->busy)
			print_briefly(out, "busy", f->busy);
	}
	return 0;
}

static void print_one(const struct meta_finding *f, FILE *out)
{
	print_briefly(out, "found", f->evidence.line);
	if (f->busy)
		print_briefly(out, "busy", f->busy);
}

int output_findings(const struct meta_view *v, const struct finding_group *g, FILE *out)
{
	const struct meta_finding *first = g->first;
	char what[400];
	int r = 0;

	if (g->nr > 1)
		(void)snprintf(what, sizeof(what), "%s: %zu", first->row->title, g->nr);
	else
		finding_headline(v, first, what, sizeof(what));
	print_severity(first->severity, out);
	print_behind(out, SEVERITY_COLUMNS, first->row->id, what);
	if (g->nr > 1)
		r = print_each(v, g, out);
	else
		print_one(first, out);
	if (r)
		return r;
	print_wrapped(out, "effect", first->row->predicted);
	print_wrapped(out, "fix", remedy_of(first));
	print_bytes(g, out);
	return 0;
}

static void print_threshold(const struct verdict *d, enum measure_id id, FILE *out)
{
	const struct measure *m = &d->measures[id];
	const bool critical = m->level == LEVEL_CRITICAL;
	char what[240];

	if (m->level == LEVEL_OK || m->told_before)
		return;
	if (m->level == LEVEL_UNKNOWN)
		(void)snprintf(what, sizeof(what), "%s: not known, so the threshold is not kept",
			       measure_name(id));
	else
		(void)snprintf(what, sizeof(what), "%s is %s, beyond %s%s%s%s", measure_name(id),
			       measure_words(d, id).text, m->asked ? "--" : "",
			       m->asked ? level_name(m->level) : "", m->asked ? " " : "",
			       range_words(id, critical ? &d->thresholds.critical[id]
							: &d->thresholds.warning[id])
				       .text);
	print_severity(critical ? META_ERROR : META_WARNING, out);
	print_wrapped(out, "limit", what);
}

void output_start(const struct step *start, FILE *out)
{
	if (!start)
		return;
	print_severity(META_ERROR, out);
	print_behind(out, SEVERITY_COLUMNS, "start", "the next start of dockerd goes wrong");
	print_briefly(out, step_kind_name(start->kind), start->text);
}

static void print_changes(const struct changes *c, FILE *out)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->gone.nr; i++) {
		(void)fprintf(out, "\n%-8s", "gone");
		print_briefly(out, c->gone.items[i].id, c->gone.items[i].what);
	}
	(void)fprintf(out, "\n%s: %zu new, %zu gone, %zu in all\n",
		      c->first ? "the first time" : "since the last time", c->news.nr, c->gone.nr,
		      c->now.nr);
}

void output_counts(const uint64_t nr[META_FATAL + 1], FILE *out)
{
	(void)fprintf(out,
		      "\n%" PRIu64 " fatal, %" PRIu64 " error%s, %" PRIu64 " warning%s, %" PRIu64
		      " info%s\n",
		      nr[META_FATAL], nr[META_ERROR], plural(nr[META_ERROR]), nr[META_WARNING],
		      plural(nr[META_WARNING]), nr[META_INFO], plural(nr[META_INFO]));
}

int output_check(const struct meta_view *v, FILE *out)
{
	const struct meta_findings *l = v->findings;
	int r = 0;

	print_head(v, out);
	for (int i = 0; i < NR_MEASURES; i++)
		print_threshold(v->verdict, (enum measure_id)i, out);
	output_start(v->verdict->start, out);
	for (size_t i = 0; i < l->nr && !r;) {
		const struct finding_group g = meta_findings_group(l, i);

		r = output_findings(v, &g, out);
		i += g.nr;
	}
	if (r)
		return r;
	print_changes(v->verdict->changes, out);
	output_counts(l->nr_of, out);
	return 0;
}

/* ---- devices */

/* As wide as what stands in it; the owner gets what the others leave of a line. */
static void measure_columns(const struct meta_view *v, const struct list_layout *layout,
			    size_t widths[NR_COLUMNS])
{
	size_t others = 0;

	for (size_t n = 0; n < layout->nr; n++) {
		const enum column c = layout->columns[n];

		widths[c] = strlen(list_heading(c));
		for (size_t i = 0; i < v->devices->nr; i++) {
			const size_t nr = strlen(list_cell(v, &v->devices->rows[i], c).text);

			widths[c] = nr > widths[c] ? nr : widths[c];
		}
		if (c != COLUMN_OWNER)
			others += widths[c] + 1;
	}
	if (widths[COLUMN_OWNER] + others > WIDTH)
		widths[COLUMN_OWNER] =
			others + OWNER_MIN < WIDTH ? WIDTH - others : (size_t)OWNER_MIN;
}

static void print_cell(const char *text, enum column column, size_t width, bool last, FILE *out)
{
	int nr;

	if (column_is_number(column))
		(void)fprintf(out, "%*s", (int)(width - strnlen(text, width)), "");
	nr = print_fitting(out, text, width);
	if (!column_is_number(column) && !last)
		(void)fprintf(out, "%*s", (int)width - nr, "");
	(void)fputc(last ? '\n' : ' ', out);
}

int output_list(const struct meta_view *v, const struct list_layout *layout, FILE *out)
{
	size_t widths[NR_COLUMNS] = { 0 };
	const struct device_row **rows;
	int e = list_sort(v, layout, &rows);

	if (e)
		return e;
	measure_columns(v, layout, widths);
	for (size_t n = 0; n < layout->nr; n++)
		print_cell(list_heading(layout->columns[n]), layout->columns[n],
			   widths[layout->columns[n]], n + 1 == layout->nr, out);
	for (size_t i = 0; i < v->devices->nr; i++) {
		for (size_t n = 0; n < layout->nr; n++) {
			const enum column c = layout->columns[n];

			print_cell(list_cell(v, rows[i], c).text, c, widths[c], n + 1 == layout->nr,
				   out);
		}
	}
	alloc_free(rows);
	return 0;
}

/* ---- forecast */

void output_forecast(const struct meta_view *v, FILE *out)
{
	print_head(v, out);
	(void)fprintf(out, "\nthe next start of dockerd\n");
	for (size_t i = 0; i < v->forecast->nr; i++)
		print_briefly(out, step_kind_name(v->forecast->steps[i].kind),
			      v->forecast->steps[i].text);
}
