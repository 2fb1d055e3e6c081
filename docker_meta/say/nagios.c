/* SPDX-License-Identifier: MIT
 * nagios.c: a plugin's answer (Monitoring Plugins' guidelines): one line with figures behind a bar,
 * then as many as there is to tell.
 */
#include <inttypes.h>
#include <string.h>

#include "common/base/text.h"

#include "docker_meta/docker_meta.h"
#include "docker_meta/judge/verdict.h"
#include "docker_meta/say/output.h"
#include "docker_meta/text/human.h"

enum { MAX_FINDINGS = 20 };

/* Names come from files; a bar would end the text, a backslash is an escape to some readers. */
static void print_safe(FILE *out, const char *text)
{
	const char *const end = text + strlen(text);

	while (text < end) {
		size_t bad, safe = text_safe_prefix(text, (size_t)(end - text), &bad);

		for (; safe; safe--, text++)
			(void)fputc(strchr("|\\<>", *text) ? '?' : *text, out);
		for (; bad; bad--, text++)
			(void)fputc('?', out);
	}
}

static const char *status_word(int status)
{
	static const char *const words[] = { [META_STATUS_OK] = "OK",
					     [META_STATUS_WARNING] = "WARNING",
					     [META_STATUS_ERROR] = "CRITICAL",
					     [META_STATUS_BLIND] = "UNKNOWN" };

	return words[status];
}

/* ---- the text */

static void print_count(FILE *out, uint64_t nr, const char *one, bool *any)
{
	if (nr)
		(void)fprintf(out, "%s%" PRIu64 " %s%s", *any ? ", " : "", nr, one,
			      nr == 1 ? "" : "s");
	*any |= nr != 0;
}

static void print_measure(const struct verdict *d, enum measure_id id, bool *any, FILE *out)
{
	const struct measure *m = &d->measures[id];
	const struct range *range = m->level == LEVEL_CRITICAL ? &d->thresholds.critical[id]
							       : &d->thresholds.warning[id];

	if (m->level == LEVEL_OK)
		return;
	(void)fprintf(out, "%s%s %s", *any ? ", " : "", measure_name(id),
		      measure_words(d, id).text);
	*any = true;
	if (m->level != LEVEL_UNKNOWN)
		(void)fprintf(out, " (%s %s)", level_name(m->level), range_words(id, range).text);
}

static void print_text(const struct meta_view *v, FILE *out)
{
	const struct verdict *d = v->verdict;
	const struct meta_finding *first = NULL;
	uint64_t nr_of[META_FATAL + 1] = { 0 };
	bool any = false;

	if (!v->devices->pool) {
		print_safe(out, v->metadata ? v->metadata : v->root);
		(void)fprintf(out, ": ");
		print_safe(out, v->pool_fault ? v->pool_fault : "the pool was not looked at");
		(void)fprintf(out, "; ");
	}
	for (size_t i = 0; i < v->findings->nr; i++) {
		const struct meta_finding *f = &v->findings->items[i];

		if (f->severity == META_INFO || verdict_tolerates(d, f))
			continue;
		first = first ? first : f;
		nr_of[f->severity]++;
	}
	print_count(out, nr_of[META_FATAL], "fatal finding", &any);
	print_count(out, nr_of[META_ERROR], "error", &any);
	print_count(out, nr_of[META_WARNING], "warning", &any);
	if (first)
		(void)fprintf(out, ", first %s %s", first->row->id, first->row->title);
	if (d->start) {
		(void)fprintf(out, "%sthe next start of dockerd %s: ", first ? "; " : "",
			      step_kind_name(d->start->kind));
		print_safe(out, d->start->text);
		any = true;
	}
	for (int i = 0; i < NR_MEASURES; i++)
		print_measure(d, (enum measure_id)i, &any, out);
	if (!any) {
		(void)fprintf(out, v->devices->pool ? "nothing wrong"
						    : "nothing wrong in Docker's files");
	}
	if (d->measures[MEASURE_ORPHANS].value)
		(void)fprintf(out, "; %" PRIu64 " orphan%s with %s",
			      d->measures[MEASURE_ORPHANS].value,
			      d->measures[MEASURE_ORPHANS].value == 1 ? "" : "s",
			      measure_words(d, MEASURE_ORPHAN_BYTES).text);
	(void)fprintf(out, "; data %s, metadata %s", measure_words(d, MEASURE_DATA).text,
		      measure_words(d, MEASURE_METADATA).text);
}

/* ---- the figures */

/* A share of total, rounded down. */
static uint64_t share(uint64_t thousandths, uint64_t total)
{
	return total / 100000 * thousandths + total % 100000 * thousandths / 100000;
}

static struct range_text range_of(enum measure_id id, const struct range *range, uint64_t total)
{
	struct range bytes = *range;

	if (measure_is_percent(id)) {
		bytes.min = share(range->min, total);
		bytes.max = share(range->max, total);
	}
	return range_text(&bytes);
}

static void print_perf(const struct verdict *d, enum measure_id id, const char *label,
		       uint64_t value, const char *unit, uint64_t total, FILE *out)
{
	if (!d->measures[id].known)
		return;
	(void)fprintf(out, " '%s'=%" PRIu64 "%s;%s;%s;0;", label, value, unit,
		      range_of(id, &d->thresholds.warning[id], total).text,
		      range_of(id, &d->thresholds.critical[id], total).text);
	if (total)
		(void)fprintf(out, "%" PRIu64, total);
}

static void print_figures(const struct meta_view *v, FILE *out)
{
	const struct verdict *d = v->verdict;
	const struct measure *m = d->measures;

	(void)fprintf(out, " |");
	print_perf(d, MEASURE_DATA, "data_used", d->data_used, "B", d->data_total, out);
	print_perf(d, MEASURE_METADATA, "metadata_used", d->metadata_used, "B", d->metadata_total,
		   out);
	print_perf(d, MEASURE_ORPHANS, "orphan_devices", m[MEASURE_ORPHANS].value, "", 0, out);
	print_perf(d, MEASURE_ORPHAN_BYTES, "orphan_bytes", m[MEASURE_ORPHAN_BYTES].value, "B", 0,
		   out);
	if (v->devices->pool)
		(void)fprintf(out, " 'pending_transaction'=%d;;;0;1", v->devices->pending);
	print_perf(d, MEASURE_DELETING, "deleted_pending", m[MEASURE_DELETING].value, "", 0, out);
	for (int s = META_FATAL; s >= META_INFO; s--)
		(void)fprintf(out, " 'findings_%s'=%" PRIu64 ";;;0;",
			      meta_severity_name((enum meta_severity)s), v->findings->nr_of[s]);
	(void)fputc('\n', out);
}

/* ---- all */

void output_nagios(const struct meta_view *v, FILE *out)
{
	const struct meta_findings *l = v->findings;

	(void)fprintf(out, "DOCKER_META %s - ", status_word(v->verdict->status));
	print_text(v, out);
	print_figures(v, out);
	for (size_t i = 0; i < l->nr; i++) {
		char what[400];

		if (i == MAX_FINDINGS) {
			(void)fprintf(out, "and %zu more\n", l->nr - i);
			return;
		}
		finding_headline(v, &l->items[i], what, sizeof(what));
		(void)fprintf(out, "%s %s ", meta_severity_name(l->items[i].severity),
			      l->items[i].row->id);
		print_safe(out, what);
		(void)fprintf(out, "; ");
		print_safe(out, l->items[i].evidence.line);
		(void)fputc('\n', out);
	}
}

void output_nagios_unknown(const char *what, const char *why, FILE *out)
{
	(void)fprintf(out, "DOCKER_META UNKNOWN - ");
	print_safe(out, what);
	(void)fprintf(out, ": ");
	print_safe(out, why);
	(void)fputc('\n', out);
}
