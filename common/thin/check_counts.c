/* SPDX-License-Identifier: MIT
 * check_counts.c: what a bitmap says of each block against what was counted in the trees.
 */
#include <errno.h>

#include "common/base/alloc.h"
#include "common/thin/check_space_maps.h"

/* Neighbouring blocks with the same two counts. */
struct mismatch {
	uint64_t begin, end, expected, found;
};

static int note_leak(struct space_map_check *s, const struct mismatch *m)
{
	struct check_result *result = s->c->result;
	struct leak *grown;

	if (!s->c->options->collect_leaks)
		return 0;
	grown = alloc_grow(result->leaks, &result->leaks_capacity, result->nr_leaks,
			   sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	result->leaks = grown;
	grown[result->nr_leaks++] = (struct leak){ .metadata = space_map_is_metadata(s),
						   .begin = m->begin,
						   .end = m->end,
						   .found = m->found };
	return 0;
}

static int report_mismatch(struct space_map_check *s, uint64_t block, struct mismatch *m)
{
	struct affected where = {
		.device = NO_DEVICE, .unit = s->kinds->unit, .begin = m->begin, .end = m->end
	};
	int r = 0;

	if (m->begin == m->end)
		return 0;
	if (m->found < m->expected) {
		space_map_finding(s, s->kinds->bitmap, block, FINDING_REF_COUNT_LOW, m->expected,
				  m->found, &where);
	} else if (s->counts_complete && m->expected) {
		space_map_finding(s, s->kinds->bitmap, block, FINDING_REF_COUNT_HIGH, m->expected,
				  m->found, &where);
	} else if (s->counts_complete) {
		space_map_finding(s, s->kinds->bitmap, block, FINDING_BLOCK_LEAKED, 0, m->found,
				  &where);
		s->nr_leaked += m->end - m->begin;
		s->tallies[m->begin / BITMAP_ENTRIES].nr_leaked += m->end - m->begin;
		r = note_leak(s, m);
	}
	m->begin = m->end;
	return r;
}

static int compare(struct space_map_check *s, uint64_t bitmap_block, uint64_t block, uint64_t found,
		   struct mismatch *m)
{
	uint64_t expected = ref_counts_get(s->expected, block);
	int r;

	if (m->begin != m->end && (m->expected != expected || m->found != found)) {
		r = report_mismatch(s, bitmap_block, m);
		if (r)
			return r;
	}
	if (expected == found)
		return 0;
	if (m->begin == m->end)
		*m = (struct mismatch){ block, block, expected, found };
	m->end = block + 1;
	return 0;
}

/* The count of a block whose bitmap entry says that the tree has it; the tree's is used up. */
static uint64_t overflow_count(struct space_map_check *s, uint64_t bitmap_block, uint64_t block)
{
	struct affected where = {
		.device = NO_DEVICE, .unit = s->kinds->unit, .begin = block, .end = block + 1
	};
	uint64_t *slot = u64_map_find(&s->overflow, block), count;

	if (!slot || !*slot) {
		if (!s->c->table.incomplete[s->kinds->ref_counts])
			space_map_finding(s, s->kinds->bitmap, bitmap_block,
					  FINDING_OVERFLOW_MISSING, 1, 0, &where);
		return ref_counts_get(s->expected, block);
	}
	count = *slot - 1;
	*slot = 0;
	return count;
}

static int compare_bitmap(struct space_map_check *s, uint64_t block, uint64_t number,
			  const struct disk_bitmap *bitmap)
{
	uint32_t none_free_before = s->index[number].none_free_before;
	struct bitmap_tally *tally = &s->tallies[number];
	uint64_t base = number * BITMAP_ENTRIES;
	struct mismatch m = { 0 };
	int r = 0;

	*tally = (struct bitmap_tally){ .counted = true, .first_free = BITMAP_ENTRIES };
	for (unsigned int i = 0; i < BITMAP_ENTRIES && !r; i++) {
		uint64_t found = bitmap_entry(bitmap_word(bitmap, i / 32), i % 32);

		if (!found && !tally->nr_free++)
			tally->first_free = i;
		tally->nr_unseen += !found && i < none_free_before;
		if (base + i >= s->nr_blocks) {
			tally->nr_tail += found != 0;
			continue;
		}
		s->nr_allocated += found != 0;
		if (found == BITMAP_OVERFLOW)
			found = overflow_count(s, block, base + i);
		r = compare(s, block, base + i, found, &m);
	}
	return r ? r : report_mismatch(s, block, &m);
}

int space_map_judge_bitmap(struct space_map_check *s, uint64_t block, const void *raw)
{
	uint64_t number = s->bitmap_of[block] - 1u;
	struct affected where = space_map_bitmap_range(s, number);
	const struct disk_bitmap *bitmap = raw;
	int r = compare_bitmap(s, block, number, bitmap);

	if (r)
		return r;
	if (le32_to_cpu(bitmap->not_used))
		space_map_finding(s, s->kinds->bitmap, block, FINDING_BITMAP_PADDING, 0,
				  le32_to_cpu(bitmap->not_used), &where);
	if (s->tallies[number].nr_tail)
		space_map_finding(s, s->kinds->bitmap, block, FINDING_BITMAP_TAIL, 0,
				  s->tallies[number].nr_tail, &where);
	return 0;
}
