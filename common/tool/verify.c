/* SPDX-License-Identifier: MIT */
#include "common/tool/verify.h"

#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/thin/metadata_check.h"
#include "common/tool/loss_report.h"

static int note_exposing(const struct report *report, struct contradictions *c)
{
	c->exposing = alloc_array(report->nr_findings + 1, sizeof(*c->exposing));
	if (!c->exposing)
		return -ENOMEM;
	for (size_t i = 0; i < report->nr_findings; i++) {
		const struct finding *f = &report->findings[i];

		/* The device that would write comes first. */
		if (f->id == FINDING_MAPPING_SHARED && f->nr_affected)
			c->exposing[c->nr_exposing++] = f->affected[0].device;
	}
	return 0;
}

int contradictions_find(struct block_engine *e, bool space_maps, struct contradictions *ret)
{
	const struct check_options options = { .skip_space_maps = !space_maps };
	struct check_result result;
	struct report report;
	int r;

	*ret = (struct contradictions){ .any = false };
	report_init(&report);
	r = metadata_check(e, &options, &report, NULL, &result);
	if (!r)
		r = note_exposing(&report, ret);
	/* Of what could not be read nothing is known: that is no contradiction. */
	if (!r && (report.per_id[FINDING_BLOCK_UNREADABLE] ||
		   report.per_id[FINDING_SUPERBLOCK_UNREADABLE]))
		r = -EIO;
	else
		ret->any = space_maps ? report_worst(&report) == SEVERITY_FATAL
				      : report.per_id[FINDING_MAPPING_SHARED] != 0;
	check_result_destroy(&result);
	report_destroy(&report);
	return r;
}

bool contradictions_are_times(const struct contradictions *c, const struct salvage_result *result)
{
	bool rebuilt = false;

	for (size_t i = 0; i < result->nr_devices; i++)
		rebuilt |= result->devices[i].rebuilt_details || result->devices[i].matched_root;
	return c->nr_exposing && !rebuilt && !result->nr_stale && !result->nr_adopted &&
	       !result->superblock_found_out && !loss_totals(result).anything_lost;
}

void contradictions_destroy(struct contradictions *c)
{
	alloc_free(c->exposing);
}

int contradictions_tell(const struct tool *tool, const struct contradictions *c, int r,
			const char *name, bool quiet)
{
	if (!r && !c->any)
		return STATUS_OK;
	if (r && !quiet)
		tool_error(tool, "%s: what was made could not be checked: %s", name, strerror(-r));
	else if (!quiet)
		tool_error(tool,
			   "%s: what was made contradicts itself: some of it is not current.  "
			   "thin_check tells which devices; do not use them",
			   name);
	return STATUS_BAD;
}
