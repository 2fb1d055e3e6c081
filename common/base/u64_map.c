/* SPDX-License-Identifier: MIT */
#include "common/base/u64_map.h"

#include "common/base/alloc.h"

/* Fibonacci hashing: neighbours are spread over the table. */
static size_t first_slot(const struct u64_map *m, uint64_t key)
{
	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (m->nr_slots - 1);
}

static struct u64_map_slot *find_slot(const struct u64_map *m, uint64_t key)
{
	size_t i = first_slot(m, key);

	while (m->slots[i].key_plus_1 && m->slots[i].key_plus_1 != key + 1)
		i = (i + 1) & (m->nr_slots - 1);
	return &m->slots[i];
}

static bool grow(struct u64_map *m)
{
	struct u64_map bigger = { .nr_slots = m->nr_slots ? m->nr_slots * 2 : 64 };

	bigger.slots = alloc_array(bigger.nr_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < m->nr_slots; i++) {
		if (m->slots[i].key_plus_1)
			*find_slot(&bigger, m->slots[i].key_plus_1 - 1) = m->slots[i];
	}
	bigger.nr_used = m->nr_used;
	alloc_free(m->slots);
	*m = bigger;
	return true;
}

void u64_map_destroy(struct u64_map *m)
{
	alloc_free(m->slots);
	*m = (struct u64_map){ 0 };
}

uint64_t *u64_map_at(struct u64_map *m, uint64_t key)
{
	struct u64_map_slot *slot;

	if (key == UINT64_MAX)
		return NULL;
	if ((m->nr_used + 1) * 3 > m->nr_slots * 2 && !grow(m))
		return NULL;
	slot = find_slot(m, key);
	if (!slot->key_plus_1) {
		slot->key_plus_1 = key + 1;
		slot->value = 0;
		m->nr_used++;
	}
	return &slot->value;
}

uint64_t *u64_map_find(const struct u64_map *m, uint64_t key)
{
	struct u64_map_slot *slot;

	if (!m->nr_slots || key == UINT64_MAX)
		return NULL;
	slot = find_slot(m, key);
	return slot->key_plus_1 ? &slot->value : NULL;
}
