/* SPDX-License-Identifier: MIT
 * recipes_pool.c: the pool's metadata, and room for data and metadata.
 *
 * Sizes: a metadata device should have 48 bytes for each data block and at least 2 MiB, and may
 * have 255 * 16384 blocks of 4096 bytes (Linux: thin-provisioning.rst, dm-thin-metadata.h).
 */
#include <inttypes.h>
#include <string.h>

#include "docker_meta/answers/plan_internal.h"

#define MIB (UINT64_C(1) << 20)
#define METADATA_MAX (UINT64_C(255) * 16384 * 4096)

enum {
	METADATA_BLOCK = 4096,
	BYTES_PER_DATA_BLOCK = 48,
	WANTED_USE = 70, /* percent, afterwards */
	ROUND_MIB = 4,   /* an extent of LVM's */
};

/* ---- sizes */

static uint64_t round_up_mib(uint64_t bytes)
{
	const uint64_t unit = ROUND_MIB * MIB;

	return bytes > UINT64_MAX - unit ? bytes : (bytes + unit - 1) / unit * unit;
}

/* Such a total that used is WANTED_USE percent of it; not less than there is. */
static uint64_t roomy(uint64_t used, uint64_t total)
{
	uint64_t wanted = used / WANTED_USE * 100 + used % WANTED_USE * 100 / WANTED_USE + 1;

	return wanted > total ? wanted : total;
}

struct sizes {
	uint64_t block;                     /* bytes of a data block */
	uint64_t data, wanted_data;         /* bytes */
	uint64_t metadata, wanted_metadata; /* bytes; metadata is 0 where it is not known */
};

static struct sizes find_sizes(const struct planning *p)
{
	const struct pool_state *pool = p->t->pool;
	const struct repair_hints *h = &p->plan->hints;
	struct sizes s = { .block = h->data_block_size * 512 };
	uint64_t blocks = h->nr_data_blocks, used;

	if (s.block && blocks > UINT64_MAX / 4 / s.block)
		blocks = UINT64_MAX / 4 / s.block;
	s.data = blocks * s.block;
	s.wanted_data = s.data;
	if (pool && pool->data_blocks_used <= blocks)
		s.wanted_data = round_up_mib(roomy(pool->data_blocks_used, blocks) * s.block);
	if (pool && pool->reading.raw && !pool->from_snapshot) {
		s.metadata = pool->reading.metadata_blocks * METADATA_BLOCK;
		used = pool_metadata_used(&pool->reading) * METADATA_BLOCK;
		s.wanted_metadata = roomy(used, s.metadata);
	}
	if (s.block && s.wanted_metadata < s.wanted_data / s.block * BYTES_PER_DATA_BLOCK)
		s.wanted_metadata = s.wanted_data / s.block * BYTES_PER_DATA_BLOCK;
	if (s.wanted_metadata < 2 * MIB)
		s.wanted_metadata = 2 * MIB;
	s.wanted_metadata = round_up_mib(s.wanted_metadata);
	if (s.wanted_metadata > METADATA_MAX)
		s.wanted_metadata = METADATA_MAX;
	return s;
}

static bool may_be_lvm(const struct planning *p)
{
	return p->plan->pool.kind != KIND_LOOP;
}

static bool may_be_loop(const struct planning *p)
{
	return p->plan->pool.kind != KIND_LVM;
}

static void mark(struct planning *p, const char *kind)
{
	if (p->plan->pool.kind == KIND_UNKNOWN)
		mend_remark(p->s, "Where the pool stands on %s:", kind);
}

/* ---- room */

static void grow_lvm(struct planning *p, const struct sizes *s)
{
	mark(p, "LVM");
	mend_command(p->s, "vgs \"$VG\"; lvs -a \"$VG\"");
	if (s->wanted_data > s->data)
		mend_command(p->s, "lvextend -L %" PRIu64 "m \"$VG/$LV\"", s->wanted_data / MIB);
	if (s->metadata && s->wanted_metadata > s->metadata)
		mend_command(p->s, "lvextend --poolmetadatasize +%" PRIu64 "m \"$VG/$LV\"",
			     (s->wanted_metadata - s->metadata + MIB - 1) / MIB);
	mend_remark(p->s, "Where the volume group has no room: pvcreate DEVICE; vgextend VG DEVICE "
			  "first.  LVM can do this by itself: activation { "
			  "thin_pool_autoextend_threshold, thin_pool_autoextend_percent } in the "
			  "volume's profile, and lvchange --monitor y.");
}

static void grow_loop(struct planning *p, const struct sizes *s)
{
	mark(p, "loop files");
	mend_remark(p->s,
		    "A file that is made larger has holes: its file system must have room for "
		    "what will be written.  It never shrinks again.");
	if (s->wanted_data > s->data)
		mend_command(p->s, "grow_file \"$ROOT/devicemapper/devicemapper/data\" %" PRIu64,
			     s->wanted_data);
	if (s->metadata && s->wanted_metadata > s->metadata)
		mend_command(p->s,
			     "grow_file \"$ROOT/devicemapper/devicemapper/metadata\" %" PRIu64,
			     s->wanted_metadata);
	mend_remark(p->s,
		    "If Docker is stopped and the pool is not active, that is all: the next "
		    "start takes the files as large as they are.  For an active pool, lengths in "
		    "sectors of 512 bytes:");
	mend_command(p->s, "grow_loop_pool %" PRIu64, s->wanted_data / 512);
	mend_remark(p->s,
		    "The pool's table is then: 0 %" PRIu64 " thin-pool METADATA DATA %" PRIu64
		    " 32768 1 skip_block_zeroing",
		    s->wanted_data / 512, s->block / 512);
}

static void tell_sizes(struct planning *p, const struct sizes *s)
{
	const struct pool_state *pool = p->t->pool;

	mend_remark(p->s, "Data: %" PRIu64 " of %" PRIu64 " bytes are in use.",
		    pool->data_blocks_used * s->block, s->data);
	if (s->wanted_data > s->data)
		mend_remark(p->s, "With %" PRIu64 " bytes it is %d %%.", s->wanted_data,
			    WANTED_USE);
	if (!s->metadata)
		return;
	mend_remark(p->s,
		    "Metadata: %" PRIu64 " of %" PRIu64 " bytes are in use; %" PRIu64
		    " is what the kernel's rule and %d %% come to.",
		    pool_metadata_used(&pool->reading) * METADATA_BLOCK, s->metadata,
		    s->wanted_metadata, WANTED_USE);
}

void recipe_space(struct planning *p, const struct meta_finding *f)
{
	const struct sizes s = find_sizes(p);

	if (p->enlarged && !f)
		return;
	plan_step(p, PHASE_SPACE, f);
	if (p->enlarged) {
		mend_remark(p->s, "As above.");
		return;
	}
	p->enlarged = true;
	if (!f)
		mend_remark(p->s, "The pool is nearly full.");
	if (!s.data || (p->t->another_pool || !p->t->pool)) {
		mend_remark(p->s, "How large the pool is could not be read: no numbers are given.");
		return;
	}
	tell_sizes(p, &s);
	if (may_be_lvm(p))
		grow_lvm(p, &s);
	if (may_be_loop(p))
		grow_loop(p, &s);
	mend_remark(p->s, "Or less is kept: docker image prune, docker container prune, fstrim in "
			  "containers, and the deletions below.");
	mend_remark(p->s, "File systems that met a full pool are to be checked before they are "
			  "trusted.");
}

/* ---- metadata */

static void add_hints(struct planning *p)
{
	const struct repair_hints *h = &p->plan->hints;

	mend_remark(p->s,
		    "What thin_repair is told: the transaction is %s; the data block size is "
		    "from %s; the number of data blocks: %s.",
		    h->transaction_from, h->block_size_from, h->nr_blocks_from);
}

static void add_thin_repair(struct planning *p)
{
	const struct repair_hints *h = &p->plan->hints;

	mend_command(p->s, "thin_repair -i \"$DAMAGED\" -o \"$REPAIRED\" --report "
			   "\"$KEEP/loss.json\"");
	if (h->transaction_id)
		mend_command_more(p->s, " --transaction-id %" PRIu64, h->transaction_id);
	if (h->data_block_size)
		mend_command_more(p->s, " --data-block-size %" PRIu64, h->data_block_size);
	if (h->nr_data_blocks)
		mend_command_more(p->s, " --nr-data-blocks %" PRIu64, h->nr_data_blocks);
	mend_command_more(p->s, " || stop 'thin_repair failed'");
}

static void look_at_result(struct planning *p)
{
	mend_remark(p->s, "What survives, and what the next start of Docker would do:");
	mend_command(p->s, "docker_meta survivors -r \"$ROOT\" --metadata \"$REPAIRED\" --loss "
			   "\"$KEEP/loss.json\"");
	mend_command(p->s, "docker_meta predict -r \"$ROOT\" --metadata \"$REPAIRED\"");
}

static void repair_loop(struct planning *p, const struct sizes *s)
{
	mark(p, "loop files");
	mend_command(p->s, "REPAIRED=\"$KEEP/metadata.repaired\"");
	mend_command(p->s,
		     "ready && pool_is_down && truncate -r \"$METADATA\" \"$REPAIRED\" && "
		     "grow_file \"$REPAIRED\" %" PRIu64 " || stop 'no room for the result'",
		     s->wanted_metadata);
	mend_command(p->s, "DAMAGED=\"$METADATA\"");
	add_thin_repair(p);
	mend_command(p->s, "thin_check \"$REPAIRED\" || stop 'the result is not good'");
	look_at_result(p);
	mend_remark(p->s, "Only then, with the copy of the damaged metadata in $KEEP:");
	mend_command(p->s, "ready && pool_is_down && [ -s \"$KEEP/metadata.raw\" ] && cp "
			   "\"$REPAIRED\" \"$METADATA\" || stop 'the metadata was not replaced'");
}

static void repair_lvm(struct planning *p, const struct sizes *s)
{
	mark(p, "LVM");
	mend_remark(p->s, "The short way; LVM keeps the old metadata as VG/LV_meta0:");
	mend_command(p->s, "ready && lvchange -an \"$VG/$LV\" && lvconvert --repair \"$VG/$LV\"");
	mend_remark(p->s,
		    "By hand, which tells thin_repair what Docker knows, and has room for more "
		    "metadata:");
	mend_command(p->s, "REPAIRED=\"/dev/$VG/meta_repaired\"");
	mend_command(p->s, "SIZE=$(lvs --noheadings --units m --nosuffix -o lv_metadata_size "
			   "\"$VG/$LV\" | tr -dc 0-9. | cut -d . -f 1)");
	mend_command(p->s, "[ \"$SIZE\" -ge %" PRIu64 " ] || SIZE=%" PRIu64,
		     s->wanted_metadata / MIB, s->wanted_metadata / MIB);
	mend_command(p->s,
		     "ready && lvchange -an \"$VG/$LV\" && lvcreate -an -L \"${SIZE}m\" -n "
		     "meta_damaged \"$VG\" && lvcreate -L \"${SIZE}m\" -n meta_repaired \"$VG\" "
		     "|| stop 'no room for the result'");
	mend_command(p->s,
		     "lvconvert -y --thinpool \"$VG/$LV\" --poolmetadata \"$VG/meta_damaged\" && "
		     "lvchange -ay \"$VG/meta_damaged\" || stop 'the metadata was not swapped'");
	mend_command(p->s, "DAMAGED=\"/dev/$VG/meta_damaged\"");
	add_thin_repair(p);
	mend_command(p->s, "thin_check \"$REPAIRED\" || stop 'the result is not good'");
	look_at_result(p);
	mend_remark(p->s, "Only then:");
	mend_command(p->s,
		     "ready && lvchange -an \"$VG/meta_damaged\" \"$VG/meta_repaired\" && "
		     "lvconvert -y --thinpool \"$VG/$LV\" --poolmetadata \"$VG/meta_repaired\" && "
		     "lvchange -ay \"$VG/$LV\"");
}

void recipe_repair(struct planning *p, const struct meta_finding *f)
{
	const struct sizes s = find_sizes(p);

	plan_step(p, PHASE_POOL, f);
	if (!f)
		mend_remark(p->s, "The pool's metadata could not be read: %s.",
			    p->v->pool_fault ? p->v->pool_fault : "it was not looked at");
	if (p->repaired) {
		mend_remark(p->s, "As above.");
		return;
	}
	p->repaired = true;
	mend_remark(p->s,
		    "Before anything else, and before Docker is started.  Afterwards make this "
		    "plan anew, from the repaired metadata: nothing below is certain before.");
	add_hints(p);
	if (may_be_lvm(p))
		repair_lvm(p, &s);
	if (may_be_loop(p))
		repair_loop(p, &s);
}

void recipe_metadata_full(struct planning *p, const struct meta_finding *f)
{
	recipe_space(p, f);
	recipe_repair(p, f);
	mend_remark(p->s,
		    "If the pool has become read-only: a larger device alone does not bring it "
		    "back.");
}

void recipe_needs_check(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_POOL, f);
	mend_remark(p->s, "Where thin_check finds nothing, the mark alone is taken away; of LVM's "
			  "pools the repair below does the same.");
	if (may_be_loop(p)) {
		mark(p, "loop files");
		mend_command(p->s,
			     "ready && pool_is_down && thin_check \"$METADATA\" && thin_check "
			     "--clear-needs-check-flag \"$METADATA\"");
	}
	recipe_repair(p, f);
}

void recipe_leaked_blocks(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_POOL, f);
	if (may_be_loop(p)) {
		mark(p, "loop files");
		mend_command(p->s,
			     "ready && pool_is_down && thin_check --auto-repair \"$METADATA\"");
	}
	if (may_be_lvm(p)) {
		mark(p, "LVM");
		mend_command(p->s,
			     "ready && lvchange -an \"$VG/$LV\" && lvconvert --repair \"$VG/$LV\"");
	}
}

void recipe_snapshot(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_POOL, f);
	mend_remark(p->s,
		    "Only if no program is reading it: cadvisor, a backup, docker_meta itself.  A "
		    "pool that is not active drops it with the next repair.");
	mend_command(p->s,
		     "ready && activate && dmsetup message \"$POOL\" 0 release_metadata_snap");
	p->s->items[p->s->nr - 1].messages = true;
}

void recipe_queue(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_SPACE, f);
	if (may_be_lvm(p))
		mend_command(p->s, "lvchange --errorwhenfull y \"$VG/$LV\"");
	else
		mend_remark(p->s, "%s.", f->row->remedy);
}
