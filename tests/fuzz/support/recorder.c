/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/support/recorder.h"

#include <errno.h>

#include "common/base/compiler.h"
#include "tests/fuzz/support/fuzz.h"

static int note(struct metadata_visitor *v, const uint64_t *numbers, size_t nr)
{
	struct recorder *r = (struct recorder *)v;

	r->digest = fuzz_hash(r->digest, numbers, nr * sizeof(*numbers));
	return ++r->nr_calls == r->fail_at ? -EIO : 0;
}

static uint64_t place_of(const struct recorder *r, uint64_t name)
{
	uint64_t i = 0;

	while (i < r->nr_defs && i < RECORDER_DEFS && r->names[i] != name)
		i++;
	return i;
}

static int on_superblock(struct metadata_visitor *v, const struct pool_header *h)
{
	/* Not the version: what is read as XML becomes the newest. */
	const uint64_t n[] = {
		1, h->time, h->transaction_id, h->needs_check, h->data_block_size, h->nr_data_blocks
	};

	return note(v, n, ARRAY_SIZE(n));
}

static int on_superblock_end(struct metadata_visitor *v)
{
	return note(v, &(const uint64_t){ 2 }, 1);
}

static int on_def(struct metadata_visitor *v, uint64_t name)
{
	struct recorder *r = (struct recorder *)v;

	if (r->nr_defs < RECORDER_DEFS)
		r->names[r->nr_defs] = name;
	return note(v, (const uint64_t[]){ 3, r->nr_defs++ }, 2);
}

static int on_def_end(struct metadata_visitor *v)
{
	return note(v, &(const uint64_t){ 4 }, 1);
}

static int on_device(struct metadata_visitor *v, uint64_t id, const struct device_details *d)
{
	const uint64_t n[] = {
		5, id, d->mapped_blocks, d->transaction_id, d->creation_time, d->snapshotted_time
	};

	return note(v, n, ARRAY_SIZE(n));
}

static int on_device_end(struct metadata_visitor *v)
{
	return note(v, &(const uint64_t){ 6 }, 1);
}

static int on_map(struct metadata_visitor *v, const struct mapping_run *run)
{
	const uint64_t n[] = { 7, run->thin_begin, run->data_begin, run->length, run->time };

	return note(v, n, ARRAY_SIZE(n));
}

static int on_ref(struct metadata_visitor *v, uint64_t name)
{
	return note(v, (const uint64_t[]){ 8, place_of((struct recorder *)v, name) }, 2);
}

struct recorder recorder_make(void)
{
	return (struct recorder){ .base = { on_superblock, on_superblock_end, on_def, on_def_end,
					    on_device, on_device_end, on_map, on_ref },
				  .digest = FUZZ_HASH_SEED };
}
