/* SPDX-License-Identifier: MIT */
#include "docker_meta/judge/verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/pool/pool_sets.h"
#include "docker_meta/docker_meta.h"
#include "docker_meta/facts/fullness.h"
#include "docker_meta/text/human.h"

const char *level_name(enum level level)
{
	static const char *const names[] = { [LEVEL_OK] = "ok",
					     [LEVEL_WARNING] = "warning",
					     [LEVEL_CRITICAL] = "critical",
					     [LEVEL_UNKNOWN] = "unknown" };

	return names[level];
}

/* ---- what is asked for */

static int take(const char *option, const char *text, struct range ranges[NR_MEASURES])
{
	char fault[200] = "";

	if (!text || !thresholds_parse(text, ranges, fault, sizeof(fault)))
		return STATUS_NONE;
	return tool_usage_error(&docker_meta_tool, "%s: %s", option, fault);
}

/* Where nothing is asked for. */
static void take_default(enum measure_id id, struct verdict *verdict)
{
	if (verdict->measures[id].asked)
		return;
	verdict->thresholds.warning[id] = (struct range){ .set = true, .max = FULL_WARNING };
	verdict->thresholds.critical[id] = (struct range){ .set = true, .max = FULL_ERROR };
}

int verdict_accept(const struct docker_meta_options *o, struct verdict *ret_verdict)
{
	int status;

	*ret_verdict = (struct verdict){ .status = META_STATUS_OK };
	if ((o->warning || o->critical) && !meta_command_has(o->command, COMMAND_MEASURES))
		return tool_usage_error(&docker_meta_tool,
					"--warning and --critical go with check");
	status = take("--warning", o->warning, ret_verdict->thresholds.warning);
	if (status == STATUS_NONE)
		status = take("--critical", o->critical, ret_verdict->thresholds.critical);
	for (int i = 0; i < NR_MEASURES; i++)
		ret_verdict->measures[i].asked = ret_verdict->thresholds.warning[i].set ||
						 ret_verdict->thresholds.critical[i].set;
	take_default(MEASURE_DATA, ret_verdict);
	take_default(MEASURE_METADATA, ret_verdict);
	return status;
}

/* ---- measures */

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static void know(struct verdict *verdict, enum measure_id id, uint64_t value)
{
	verdict->measures[id].known = true;
	verdict->measures[id].value = value;
}

static void measure_pool(const struct pool_state *p, struct verdict *verdict)
{
	const uint64_t block = times(p->header.data_block_size, 512);
	const struct pool_reading *reading = &p->reading;

	verdict->data_used = times(p->data_blocks_used, block);
	verdict->data_total = times(p->header.nr_data_blocks, block);
	if (p->header.nr_data_blocks)
		know(verdict, MEASURE_DATA,
		     per_cent(p->data_blocks_used, p->header.nr_data_blocks));
	if (!reading->raw || !reading->metadata_blocks ||
	    reading->metadata_blocks_free > reading->metadata_blocks)
		return;
	verdict->metadata_used = times(pool_metadata_used(reading), 4096);
	verdict->metadata_total = times(reading->metadata_blocks, 4096);
	know(verdict, MEASURE_METADATA,
	     per_cent(pool_metadata_used(reading), reading->metadata_blocks));
}

/* Counted as a set: what two orphans share comes back as well. */
static int measure_orphans(const struct device_table *t, struct verdict *verdict)
{
	const struct pool_state *p = t->pool;
	uint32_t *set_of = alloc_array(p->nr_devices + 1, sizeof(*set_of));
	uint64_t nr = 0, blocks = 0;
	struct pool_set_totals totals;
	int r = set_of ? 0 : -ENOMEM;

	for (size_t i = 0; i < p->nr_devices && !r; i++)
		set_of[i] = NO_SET;
	for (size_t i = 0; i < t->nr && !r; i++) {
		if (t->rows[i].role != ROLE_ORPHAN || !t->rows[i].pool)
			continue;
		set_of[t->rows[i].pool - p->devices] = 0;
		nr++;
	}
	if (!r && nr)
		r = pool_sets_count(p, set_of, 1, &blocks, &totals);
	alloc_free(set_of);
	know(verdict, MEASURE_ORPHANS, nr);
	know(verdict, MEASURE_ORPHAN_BYTES, times(blocks, times(p->header.data_block_size, 512)));
	return r;
}

static enum level level_of(const struct verdict *verdict, enum measure_id id)
{
	const struct measure *m = &verdict->measures[id];

	if (!m->known)
		return m->asked ? LEVEL_UNKNOWN : LEVEL_OK;
	if (range_alerts(&verdict->thresholds.critical[id], m->value))
		return LEVEL_CRITICAL;
	return range_alerts(&verdict->thresholds.warning[id], m->value) ? LEVEL_WARNING : LEVEL_OK;
}

int verdict_measure(const struct meta_view *v, struct verdict *verdict)
{
	const struct device_table *t = v->devices;
	struct measure *m = verdict->measures;
	uint64_t deleting = 0;
	int r = 0;

	for (size_t i = 0; i < t->nr; i++)
		deleting += t->rows[i].record && t->rows[i].record->deleted;
	know(verdict, MEASURE_DELETING, deleting);
	if (t->pool) {
		measure_pool(t->pool, verdict);
		r = measure_orphans(t, verdict);
	}
	for (int i = 0; i < NR_MEASURES; i++)
		m[i].level = level_of(verdict, (enum measure_id)i);
	return r;
}

/* ---- the status */

bool verdict_tolerates(const struct verdict *verdict, const struct meta_finding *f)
{
	const struct measure *m = verdict->measures;

	return (m[MEASURE_ORPHANS].asked || m[MEASURE_ORPHAN_BYTES].asked) &&
	       f->severity == META_WARNING && row_has(f->row, TRAIT_ORPHAN);
}

const struct meta_finding *verdict_worst(const struct meta_view *v)
{
	const struct meta_findings *l = v->findings;

	for (size_t i = 0; i < l->nr; i++) {
		if (l->items[i].severity > META_INFO &&
		    !verdict_tolerates(v->verdict, &l->items[i]))
			return &l->items[i];
	}
	return NULL;
}

static int status_of_findings(const struct verdict *verdict, const struct meta_findings *l)
{
	uint64_t warnings = l->nr_of[META_WARNING];

	if (l->nr_of[META_FATAL] || l->nr_of[META_ERROR])
		return META_STATUS_ERROR;
	for (size_t i = 0; i < l->nr; i++)
		warnings -= verdict_tolerates(verdict, &l->items[i]);
	return warnings ? META_STATUS_WARNING : META_STATUS_OK;
}

void verdict_judge(const struct meta_view *v, struct verdict *verdict)
{
	const struct measure *m = verdict->measures;
	bool unknown = false;

	verdict->status = status_of_findings(verdict, v->findings);
	verdict->start = verdict->start_told_before ? NULL : forecast_bad_step(v->forecast);
	if (verdict->start)
		verdict->status = META_STATUS_ERROR;
	for (int i = 0; i < NR_MEASURES; i++) {
		if (m[i].told_before)
			continue;
		unknown |= m[i].level == LEVEL_UNKNOWN;
		if (m[i].level == LEVEL_CRITICAL)
			verdict->status = META_STATUS_ERROR;
		else if (m[i].level == LEVEL_WARNING && verdict->status == META_STATUS_OK)
			verdict->status = META_STATUS_WARNING;
	}
	if (unknown && verdict->status == META_STATUS_OK)
		verdict->status = META_STATUS_BLIND;
	if (!v->devices->pool && verdict->status != META_STATUS_ERROR)
		verdict->status = META_STATUS_BLIND;
}

struct range_text measure_words(const struct verdict *verdict, enum measure_id id)
{
	const struct measure *m = &verdict->measures[id];
	struct range_text t = { "unknown" };

	if (!m->known)
		return t;
	if (measure_is_percent(id))
		(void)snprintf(t.text, sizeof(t.text), "%.1f%%", (double)m->value / 1000);
	else if (id == MEASURE_ORPHAN_BYTES)
		(void)snprintf(t.text, sizeof(t.text), "%s", human_bytes(m->value).text);
	else
		(void)snprintf(t.text, sizeof(t.text), "%" PRIu64, m->value);
	return t;
}
