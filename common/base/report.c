/* SPDX-License-Identifier: MIT */
#include "common/base/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

static const struct finding_type catalogue[NR_FINDINGS] = {
#define FINDING(name, id, severity, measure, costs, mends, kernel) \
	[FINDING_##name] = { id, SEVERITY_##severity, measure, costs, mends, kernel },
#include "common/base/findings.def"
#undef FINDING
};

const struct finding_type *finding_type(enum finding_id id)
{
	return &catalogue[id];
}

const char *severity_name(enum severity severity)
{
	static const char *const names[NR_SEVERITIES] = { "none", "suspect", "non-fatal", "fatal" };

	return names[severity];
}

const char *range_unit_name(enum range_unit unit)
{
	static const char *const names[] = { "", "thin blocks", "data blocks", "metadata blocks",
					     "device ids" };

	return names[unit];
}

void report_init(struct report *r)
{
	*r = (struct report){ 0 };
}

void report_destroy(struct report *r)
{
	for (size_t i = 0; i < r->nr_findings; i++) {
		alloc_free(r->findings[i].message);
		alloc_free(r->findings[i].affected);
	}
	alloc_free(r->findings);
	report_init(r);
}

static const struct affected *copy_affected(const struct finding *f, size_t nr)
{
	struct affected *copy;

	if (!nr)
		return NULL;
	copy = alloc_array(nr, sizeof(*copy));
	if (copy)
		memcpy(copy, f->affected, nr * sizeof(*copy));
	return copy;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool keep(struct report *r, const struct finding *f, char *message)
{
	struct finding *slot, *grown;
	size_t nr = min_size(f->nr_affected, min_size(REPORT_MAX_AFFECTED,
						      REPORT_MAX_AFFECTED_TOTAL - r->nr_affected));

	if (!message)
		return false;
	grown = alloc_grow(r->findings, &r->capacity, r->nr_findings, sizeof(*grown));
	if (!grown)
		return false;
	r->findings = grown;
	slot = &r->findings[r->nr_findings];
	*slot = *f;
	slot->nr_affected = nr;
	slot->nr_affected_left_out += f->nr_affected - nr;
	slot->affected = copy_affected(f, nr);
	if (nr && !slot->affected)
		return false;
	slot->message = message;
	r->nr_findings++;
	r->nr_affected += nr;
	return true;
}

enum severity finding_severity(const struct finding *f)
{
	const enum severity severity = finding_type(f->id)->severity;

	return f->snapshot == SNAPSHOT_BESIDE && severity == SEVERITY_FATAL ? SEVERITY_NON_FATAL
									    : severity;
}

const char *finding_costs(const struct finding *f)
{
	return f->snapshot != SNAPSHOT_NONE && finding_type(f->id)->severity == SEVERITY_FATAL
		       ? "the metadata snapshot cannot be read or released; the pool works"
		       : finding_type(f->id)->costs;
}

bool finding_has_counts(const struct finding *f)
{
	return *finding_type(f->id)->measure && f->expected != f->found;
}

void report_finding(struct report *r, const struct finding *f, const char *format, ...)
{
	struct finding own = *f;
	char *message;
	va_list args;

	if (r->snapshot != SNAPSHOT_NONE)
		own.snapshot = r->snapshot;
	r->per_severity[finding_severity(&own)]++;
	if (r->per_id[f->id]++ >= REPORT_MAX_PER_ID)
		return;
	va_start(args, format);
	message = alloc_vprintf(format, args);
	va_end(args);
	if (!keep(r, &own, message)) {
		alloc_free(message);
		r->out_of_memory = true;
	}
}

enum severity report_worst(const struct report *r)
{
	for (enum severity s = SEVERITY_FATAL; s > SEVERITY_NONE; s--) {
		if (r->per_severity[s])
			return s;
	}
	return SEVERITY_NONE;
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_findings(const void *a, const void *b)
{
	const struct finding *fa = a, *fb = b;
	int d = (int)finding_severity(fb) - (int)finding_severity(fa);

	if (!d)
		d = (int)fa->id - (int)fb->id;
	if (!d)
		d = strcmp(fa->tree ? fa->tree : "", fb->tree ? fb->tree : "");
	if (!d)
		d = compare_u64(fa->block, fb->block);
	if (!d && fa->nr_affected && fb->nr_affected)
		d = compare_u64(fa->affected[0].begin, fb->affected[0].begin);
	return d;
}

void report_sort(struct report *r)
{
	if (r->nr_findings)
		qsort(r->findings, r->nr_findings, sizeof(*r->findings), compare_findings);
}
