/* SPDX-License-Identifier: MIT */
#include "common/tool/report_text.h"

#include <string.h>

enum { MAX_FINDINGS_SHOWN = 10, MAX_AFFECTED_SHOWN = 6 };

static void print_range(const struct affected *a, FILE *out)
{
	const unsigned long long begin = a->begin, end = a->end;
	const char *unit = range_unit_name(a->unit);
	int stem = (int)strlen(unit) - 1;

	if (a->end == RANGE_OPEN && !a->begin)
		(void)fprintf(out, "all %s", unit);
	else if (a->end == RANGE_OPEN)
		(void)fprintf(out, "%s %llu and above", unit, begin);
	else if (end <= begin + 1)
		(void)fprintf(out, "%.*s %llu", stem, unit, begin);
	else
		(void)fprintf(out, "%s %llu to %llu", unit, begin, end - 1);
}

static void print_affected(const struct affected *a, FILE *out)
{
	if (a->device != NO_DEVICE)
		(void)fprintf(out, "device %llu", (unsigned long long)a->device);
	if (a->unit == RANGE_NONE)
		return;
	if (a->device != NO_DEVICE)
		(void)fprintf(out, ": ");
	print_range(a, out);
	if (a->mappings && a->end != a->begin + 1)
		(void)fprintf(out, " (about %llu mapping%s)", (unsigned long long)a->mappings,
			      a->mappings == 1 ? "" : "s");
}

static void print_finding(const struct finding *f, FILE *out)
{
	const struct finding_type *type = finding_type(f->id);

	(void)fprintf(out, "%s: %s", severity_name(finding_severity(f)), f->tree);
	if (f->block != NO_BLOCK)
		(void)fprintf(out, ", block %llu", (unsigned long long)f->block);
	(void)fprintf(out, ": %s", f->message);
	if (f->nr_affected == 1) {
		(void)fprintf(out, "; ");
		print_affected(&f->affected[0], out);
	}
	(void)fprintf(out, " [%s]\n", type->id);
	for (size_t i = 0; f->nr_affected > 1 && i < f->nr_affected; i++) {
		if (i == MAX_AFFECTED_SHOWN) {
			(void)fprintf(out, "    … and %zu more\n",
				      f->nr_affected - i + f->nr_affected_left_out);
			break;
		}
		(void)fprintf(out, "    ");
		print_affected(&f->affected[i], out);
		(void)fputc('\n', out);
	}
}

void report_print_text(const struct report *report, FILE *out)
{
	uint64_t shown = 0;

	for (size_t i = 0; i < report->nr_findings; i++) {
		const struct finding *f = &report->findings[i];

		if (i && report->findings[i - 1].id != f->id)
			shown = 0;
		if (shown < MAX_FINDINGS_SHOWN)
			print_finding(f, out);
		else if (shown == MAX_FINDINGS_SHOWN)
			(void)fprintf(out, "… and %llu more [%s]; --json lists them\n",
				      (unsigned long long)(report->per_id[f->id] - shown),
				      finding_type(f->id)->id);
		shown++;
	}
}
