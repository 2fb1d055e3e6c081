/* SPDX-License-Identifier: MIT
 * pool_sets.h: whose data blocks are whose, when devices are put together in sets.
 *
 * A data block belongs to a set when every device that maps it is of that set: deleting the whole
 * set gives it back.  So what related devices share among themselves, and with nobody else, counts.
 * Cost: linear in runs, refs and data blocks up to the last mapped one; while it lasts, 4 bytes for
 * each data block of which there is a neighbourhood that differs (block_owners.h).
 */
#ifndef THINMEND_POOL_POOL_SETS_H
#define THINMEND_POOL_POOL_SETS_H

#include "common/pool/pool_state.h"

#define NO_SET UINT32_MAX
#define POOL_MAX_SETS 0x7ffffff0u

struct pool_set_totals {
	uint64_t nr_mapped;  /* data blocks that some device maps: the sum of all sets, and of: */
	uint64_t nr_no_set;  /* those that only devices without a set map */
	uint64_t nr_between; /* those that devices of several sets map, or of a set and of none */
};

/*
 * set_of[i] is the set of s->devices[i], below nr_sets, or NO_SET.  ret_blocks has room for nr_sets
 * counts.  Where s is incomplete, a device that could not be read shares nothing: the counts are
 * too high then.  0, -EINVAL (too many sets, or a set that there is not) or -ENOMEM.
 */
must_check int pool_sets_count(const struct pool_state *s, const uint32_t *set_of, uint32_t nr_sets,
			       uint64_t *ret_blocks, struct pool_set_totals *ret_totals);

/*
 * Which devices of a class belong together: two do when they share a data block that only devices
 * of their class map, and so do those that a third one ties together.  So every block that comes
 * back when a whole class goes belongs to one group: the groups' blocks add up to those of the
 * class. class_of[i] as set_of above; ret_first[i] is the first device of the group that device i
 * is in, which is i where it is alone, and where it has no class.  Cost and errors as above.
 */
must_check int pool_sets_relate(const struct pool_state *s, const uint32_t *class_of,
				uint32_t nr_classes, uint32_t *ret_first);

#define POOL_MAX_CELLS (1u << 20)

/* The data device in equal cells: what is in them, for a map. */
struct pool_map {
	uint32_t nr_cells, nr_sets;
	uint64_t nr_data_blocks;
	uint64_t *blocks; /* owned: see pool_map_blocks() */
};

/* Columns of a cell behind those of the sets. */
enum pool_map_column { POOL_MAP_NO_SET, POOL_MAP_BETWEEN, NR_POOL_MAP_COLUMNS };

/*
 * nr_cells is 1 … POOL_MAX_CELLS; sets as above.  8 bytes for each cell and column.  0, -EINVAL or
 * -ENOMEM.  *ret_map may be destroyed whatever is returned.
 */
must_check int pool_map_make(const struct pool_state *s, const uint32_t *set_of, uint32_t nr_sets,
			     uint32_t nr_cells, struct pool_map *ret_map);
void pool_map_destroy(struct pool_map *m);

/* The first data block of a cell; cell may be nr_cells: the end of the device. */
uint64_t pool_map_begin(const struct pool_map *m, uint32_t cell);

/* Blocks in a cell by column: a set, or nr_sets + enum pool_map_column.  The rest is not mapped. */
static inline uint64_t pool_map_blocks(const struct pool_map *m, uint32_t cell, uint32_t column)
{
	return m->blocks[(size_t)cell * (m->nr_sets + NR_POOL_MAP_COLUMNS) + column];
}

#endif
