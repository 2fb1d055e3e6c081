/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/pool_kind.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "docker_meta/host/dm_names.h"
#include "docker_meta/read/safe_dir.h"

#define LOOP_FILES "devicemapper/devicemapper"

/* Sectors: of pools in loop files (devmapper/deviceset.go), and of those that Docker has LVM make
 * (device_setup.go: lvconvert -c 512K). */
enum { LOOP_BLOCK_SIZE = 128, DIRECTLVM_BLOCK_SIZE = 1024 };

/* ---- small reads */

static bool below_root(const struct meta_view *v, const char *directory, const char *name)
{
	struct safe_dir root = { .fd = -1 }, dir = { .fd = -1 };
	bool there = !safe_dir_open(v->root, &v->options->reading, &root) &&
		     !safe_dir_enter(&root, directory, &dir) &&
		     (!name || !safe_dir_has_file(&dir, name));

	safe_dir_close(&dir);
	safe_dir_close(&root);
	return there;
}

static uint64_t loop_file_bytes(const struct meta_view *v, const char *name)
{
	struct safe_dir root = { .fd = -1 }, dir = { .fd = -1 };
	struct stat st = { 0 };
	int fd = -1;

	if (!safe_dir_open(v->root, &v->options->reading, &root) &&
	    !safe_dir_enter(&root, LOOP_FILES, &dir) && !safe_dir_open_file(&dir, name, &fd)) {
		if (fstat(fd, &st))
			st.st_size = 0;
		close(fd);
	}
	safe_dir_close(&dir);
	safe_dir_close(&root);
	return (uint64_t)st.st_size;
}

/* ---- the kind */

static void take_name(struct mend_pool *p, const char *name, bool guess)
{
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	p->name_is_guess = guess;
}

static void copy_name(char to[128], const char *from, size_t n)
{
	size_t nr = 0;

	for (size_t i = 0; i < n && nr < 127; i++) {
		to[nr++] = from[i];
		i += from[i] == '-';
	}
	to[nr] = '\0';
}

/* LVM's "group-volume", or "group-volume-tpool"; a hyphen of a name's own is doubled. */
static void split_name(struct mend_pool *p, const char *name, size_t n)
{
	const size_t group = dm_name_group(name);

	if (dm_name_is_layered(name))
		n -= strlen(LVM_POOL_LAYER);
	if (!group || group + 1 >= n)
		return;
	copy_name(p->group, name, group);
	copy_name(p->volume, name + group + 1, n - group - 1);
}

static bool is_lvm_metadata(struct mend_pool *p, const char *path)
{
	const size_t n = path ? dm_name_of_metadata(path) : 0;

	if (!n)
		return false;
	split_name(p, dm_name_strip(path), n);
	(void)snprintf(p->name, sizeof(p->name), "%.*s", (int)n, dm_name_strip(path));
	return true;
}

/* "docker-8:1-131-pool", as Docker calls a pool of its own. */
static bool is_own_name(const char *name)
{
	const char *hash = dm_name_hash(name);

	return hash && !strcmp(hash, "pool");
}

/* The active pool's, what the user calls it, or Docker's configuration; NULL: none of them. */
static const char *known_name(const struct meta_view *v)
{
	if (v->host->pool && *v->host->pool->name)
		return v->host->pool->name;
	return v->options->pool ? dm_name_strip(v->options->pool) : config_thinpooldev(v->config);
}

static void find_kind(const struct meta_view *v, struct mend_pool *p)
{
	const char *name = known_name(v);

	if (is_lvm_metadata(p, v->metadata)) {
		p->kind = KIND_LVM;
		p->why = "its metadata is a volume of LVM's";
	} else if (name && !is_own_name(name)) {
		p->kind = KIND_LVM;
		p->why = "its name is not one that Docker gives";
		split_name(p, name, strlen(name));
	} else if (below_root(v, "devicemapper", "setup-config.json")) {
		p->kind = KIND_LVM;
		p->why = "devicemapper/setup-config.json is there";
	} else if (below_root(v, LOOP_FILES, "metadata") || (name && is_own_name(name))) {
		p->kind = KIND_LOOP;
		p->why = name ? "its name is one that Docker gives"
			      : LOOP_FILES "/metadata is there";
	} else if (below_root(v, LOOP_FILES, NULL)) {
		p->kind = KIND_LOOP;
		p->why = "the directory of loop files is there";
	}
}

void mend_pool_find(const struct meta_view *v, struct mend_pool *ret_pool)
{
	*ret_pool = (struct mend_pool){ .why = "nothing tells whether it is LVM's or loop files" };
	find_kind(v, ret_pool);
	if (known_name(v))
		take_name(ret_pool, known_name(v), false);
	else if (!*ret_pool->name && ret_pool->kind != KIND_LOOP)
		take_name(ret_pool, "docker-thinpool", true);
	if (!*ret_pool->group && ret_pool->kind != KIND_LOOP) {
		(void)snprintf(ret_pool->group, sizeof(ret_pool->group), "docker");
		(void)snprintf(ret_pool->volume, sizeof(ret_pool->volume), "thinpool");
	}
}

/* ---- what thin_repair has to be told */

static void find_transaction(const struct driver_state *d, struct repair_hints *h)
{
	for (size_t i = 0; i < d->nr_records; i++) {
		if (!d->records[i].usable || d->records[i].transaction_id <= h->transaction_id)
			continue;
		h->transaction_id = d->records[i].transaction_id;
		h->transaction_from = "the latest of the devices' files";
	}
	if (!d->has_transaction || !d->transaction_usable ||
	    d->open_transaction_id < h->transaction_id)
		return;
	h->transaction_id = d->open_transaction_id;
	h->transaction_from = "open_transaction_id of transaction-metadata";
	h->may_be_pending = true;
}

static void take_sizes(struct repair_hints *h, uint64_t block, uint64_t nr_blocks, const char *from)
{
	if (h->data_block_size || !block)
		return;
	h->data_block_size = block;
	h->nr_data_blocks = nr_blocks;
	h->block_size_from = from;
	h->nr_blocks_from = nr_blocks ? from : NULL;
}

/* What pools of that kind are made with. */
static void take_kind(const struct meta_view *v, struct repair_hints *h)
{
	const bool by_docker = below_root(v, "devicemapper", "setup-config.json");
	struct mend_pool pool;

	mend_pool_find(v, &pool);
	if (pool.kind == KIND_LOOP)
		take_sizes(h, LOOP_BLOCK_SIZE, 0, "Docker's default for loop files");
	else if (by_docker && pool.kind == KIND_LVM)
		take_sizes(h, DIRECTLVM_BLOCK_SIZE, 0,
			   "setup-config.json: Docker made the pool, with 512 KiB");
}

static void find_sizes(const struct meta_view *v, struct repair_hints *h)
{
	const struct dm_target *table = v->host->pool ? v->host->pool->target : NULL;
	const struct lvm_volume *volume = config_pool_volume(v->config);
	const struct dm_settings *dm = &v->config->dm;

	if (v->devices->pool)
		take_sizes(h, v->devices->pool->header.data_block_size,
			   v->devices->pool->header.nr_data_blocks, "the superblock");
	take_sizes(h, v->reading->data_block_size, v->reading->nr_data_blocks, "the superblock");
	if (table && table->thin_pool.data_block_size)
		take_sizes(h, table->thin_pool.data_block_size,
			   table->length / table->thin_pool.data_block_size, "dmsetup table");
	if (volume && volume->has_chunk_size && volume->chunk_size)
		take_sizes(h, volume->chunk_size / 512,
			   volume->size_is_exact ? volume->size / volume->chunk_size : 0, "lvs");
	if (config_is_loop(v->config) && dm_has(dm, DM_BLOCKSIZE))
		take_sizes(h, dm->numbers[DM_BLOCKSIZE] / 512, 0, "dm.blocksize of daemon.json");
	take_kind(v, h);
	if (!h->data_block_size)
		h->block_size_from =
			"not known: lvs -o chunk_size VG/POOL, or dmsetup table; it is "
			"needed where the superblock is lost";
	if (!h->nr_data_blocks && h->data_block_size)
		h->nr_data_blocks = loop_file_bytes(v, "data") / 512 / h->data_block_size;
	if (!h->nr_blocks_from)
		h->nr_blocks_from = h->nr_data_blocks
					    ? "the size of " LOOP_FILES "/data"
					    : "not known: the data device's size in data blocks";
}

void repair_hints_find(const struct meta_view *v, struct repair_hints *ret_hints)
{
	*ret_hints = (struct repair_hints){ .transaction_from = "not known" };
	find_transaction(&v->devices->docker->driver, ret_hints);
	find_sizes(v, ret_hints);
}

void repair_hints_print(const struct repair_hints *h, char *text, size_t size)
{
	int n = 0;

	*text = '\0';
	if (h->transaction_id)
		n = snprintf(text, size, "--transaction-id %" PRIu64, h->transaction_id);
	if (h->data_block_size)
		n += snprintf(text + n, size - (size_t)n, "%s--data-block-size %" PRIu64,
			      n ? " " : "", h->data_block_size);
	if (h->nr_data_blocks)
		(void)snprintf(text + n, size - (size_t)n, " --nr-data-blocks %" PRIu64,
			       h->nr_data_blocks);
}
