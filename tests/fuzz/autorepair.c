/* SPDX-License-Identifier: MIT
 * autorepair.c: thin_check --auto-repair and --clear-needs-check-flag on any device, under the
 * conditions of the tool.
 *
 * It ends and never leaves more findings than there were, of whatever severity; what it calls fine
 * checks clean; no mapping changes.
 */
#include <string.h>

#include "common/thin/metadata_fix.h"
#include "tests/fuzz/support/images.h"
#include "tests/support/content.h"

struct judged {
	struct report report;
	struct check_result result;
};

static void judge(struct image *i, struct judged *ret)
{
	const struct check_options options = { .collect_leaks = true };
	int r = image_check(i, &options, &ret->report, &ret->result);

	fuzz_require(!r, "the check could not be finished: %d", r);
}

static void judged_destroy(struct judged *j)
{
	check_result_destroy(&j->result);
	report_destroy(&j->report);
}

static bool worth_mending(const struct report *r)
{
	return r->per_id[FINDING_BLOCK_LEAKED] || r->per_id[FINDING_INDEX_NR_FREE_LOW] ||
	       r->per_id[FINDING_INDEX_NONE_FREE_BEFORE] ||
	       r->per_id[FINDING_SPACE_MAP_NR_ALLOCATED_HIGH] || r->per_id[FINDING_BITMAP_TAIL];
}

static struct content content_of(struct image *i)
{
	struct block_engine *e = image_engine(i);
	struct content c;
	int r = content_read(e, 0, &c);

	fuzz_require(!r, "what has nothing fatal cannot be read: %d", r);
	block_engine_destroy(e);
	return c;
}

static void require_no_worse(const struct judged *before, const struct judged *after)
{
	for (int id = 0; id < NR_FINDINGS; id++)
		fuzz_require(after->report.per_id[id] <= before->report.per_id[id],
			     "%d findings became %d: %s", (int)before->report.per_id[id],
			     (int)after->report.per_id[id], finding_type((enum finding_id)id)->id);
	fuzz_require(after->result.nr_mappings == before->result.nr_mappings &&
			     after->result.nr_devices == before->result.nr_devices,
		     "devices or mappings changed");
	fuzz_require(after->result.free_metadata_blocks >= before->result.free_metadata_blocks,
		     "there are fewer free metadata blocks");
}

static void fix(struct image *i, struct judged *before)
{
	struct content was = content_of(i), is;
	struct block_engine *e = image_engine(i);
	struct content_difference d;
	struct fix_result fixed;
	struct judged after;
	int r = metadata_fix_space_maps(e, before->result.leaks, before->result.nr_leaks, &fixed);

	block_engine_destroy(e);
	judge(i, &after);
	/* An error of reading, if any, must have left everything as it was. */
	require_no_worse(before, &after);
	/* Without a free block, leaks with a large count may stay. */
	fuzz_require(r || fixed.in_place || !worth_mending(&after.report),
		     "some of what can be mended was left: %s",
		     after.report.nr_findings ? after.report.findings[0].message : "");
	is = content_of(i);
	d = content_compare(&was, &is);
	fuzz_require(!d.lost && !d.wrong, "mappings changed");
	content_destroy(&was);
	content_destroy(&is);
	judged_destroy(&after);
}

static void clear(struct image *i)
{
	struct block_engine *e = image_engine(i);
	int r = metadata_clear_needs_check(e);
	struct judged after;

	block_engine_destroy(e);
	if (r)
		return;
	judge(i, &after);
	fuzz_require(!superblock_needs_check(&after.result.sb), "the flag is still there");
	fuzz_require(report_worst(&after.report) < SEVERITY_NON_FATAL,
		     "what was fine before the flag was cleared is so no more");
	judged_destroy(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes in = { data, data + size };
	struct fuzz_image f;
	struct judged j;

	fuzz_silence();
	if (!fuzz_image_make(&in, &f))
		return 0;
	judge(&f.image, &j);
	if (report_worst(&j.report) < SEVERITY_FATAL && worth_mending(&j.report)) {
		fix(&f.image, &j);
		judged_destroy(&j);
		judge(&f.image, &j);
	}
	if (report_worst(&j.report) < SEVERITY_NON_FATAL && superblock_needs_check(&j.result.sb))
		clear(&f.image);
	judged_destroy(&j);
	return 0;
}
