/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/rescue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/answers/pool_kind.h"
#include "docker_meta/answers/refs.h"
#include "docker_meta/text/shell.h"

bool is_plain_name(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "+-.:=_";
	const size_t n = strlen(name);

	return n && n < 128 && strspn(name, plain) == n && *name != '-' && *name != '.';
}

/* ---- lines */

static printf_like(3, 4) int add(struct rescue *r, bool is_command, const char *format, ...)
{
	struct rescue_line *grown = alloc_grow(r->lines, &r->capacity, r->nr, sizeof(*grown));
	va_list args;
	char *text;

	if (!grown)
		return -ENOMEM;
	r->lines = grown;
	va_start(args, format);
	text = alloc_vprintf(format, args);
	va_end(args);
	if (!text)
		return -ENOMEM;
	grown[r->nr++] = (struct rescue_line){ is_command, text };
	return 0;
}

static const char *pool_name(const struct meta_view *v)
{
	if (v->options->pool)
		return v->options->pool;
	return v->host->pool ? v->host->pool->name : config_thinpooldev(v->config);
}

/* ---- the parts */

/* What mounts it without writing, not even to recover. */
static const char *mount_options(const struct meta_view *v)
{
	const char *fs = v->devices->docker->driver.base_filesystem;

	if (fs && !strcmp(fs, "xfs"))
		return "-t xfs -o ro,nouuid,norecovery";
	if (fs && !strcmp(fs, "ext4"))
		return "-t ext4 -o ro,noload";
	return "-o ro";
}

/* No device is smaller than the base device that it descends from. */
static void find_sectors(const struct meta_view *v, const struct device_row *row, struct rescue *r)
{
	const struct device_row *base = device_table_find(v->devices, "base");
	const uint64_t sectors = v->devices->pool->header.data_block_size;
	const uint64_t nr = row->pool->nr_thin_blocks;

	if (row->record && row->record->size >= 512) {
		r->sectors = row->record->size / 512;
		return;
	}
	if (row->volume && row->volume->size_is_exact) {
		r->sectors = row->volume->size / 512;
		return;
	}
	r->guessed = true;
	r->sectors = !sectors || nr <= UINT64_MAX / 1024 / sectors ? nr * sectors : 0;
	if (base && base->record && base->record->size / 512 > r->sectors)
		r->sectors = base->record->size / 512;
}

static int add_dead_loop(const struct meta_view *v, struct rescue *r)
{
	char *root;
	int e = shell_quote(v->root, &root);

	if (e != -ENOMEM)
		e = add(r, true, "cp --sparse=always -- %s/devicemapper/devicemapper/metadata .",
			root ? root : "ROOT");

	if (!e)
		e = add(r, true, "cp --sparse=always -- %s/devicemapper/devicemapper/data .",
			root ? root : "ROOT");
	alloc_free(root);
	if (!e)
		e = add(r, true, "META=$(losetup -f --show metadata)");
	if (!e)
		e = add(r, true, "DATA=$(losetup -f --show data)");
	if (!e)
		e = add(r, true,
			"dmsetup create POOL --table \"0 $(blockdev --getsz $DATA)"
			" thin-pool $META $DATA %" PRIu32 " 0 1 skip_block_zeroing\"",
			v->devices->pool->header.data_block_size);
	return e;
}

static int add_pool(const struct meta_view *v, struct rescue *r)
{
	const char *name = pool_name(v);
	struct mend_pool pool;
	int e = 0;

	if (name && is_plain_name(name))
		e = add(r, false, "the pool %s must be active; if it is not:", name);
	else if (name)
		e = add(r, false,
			"the pool's name has characters that no table can have; POOL stands for "
			"it. It must be active; if it is not:");
	else
		e = add(r, false,
			"POOL stands for the pool's name, as 'dmsetup ls --target thin-pool' has "
			"it. Is there none, as of a dead host's disk:");
	mend_pool_find(v, &pool);
	if (!e && pool.kind == KIND_LOOP) {
		e = add(r, false, "make one of copies, in a directory with room for them:");
		return e ? e : add_dead_loop(v, r);
	}
	if (!e)
		e = add(r, false,
			"of LVM's pools, activate the volume group, VG; of damaged metadata, let "
			"thin_repair write good ones first; do not start Docker before you have "
			"seen what 'predict' says");
	return e ? e : add(r, true, "vgchange -ay VG");
}

static int add_warnings(const struct meta_view *v, const struct device_row *row, struct rescue *r)
{
	int e = 0;

	if (row->container && row->container->running)
		e = add(r, false,
			"the container is running, or was when its host died: while it runs, its "
			"file system changes, and what is mounted beside it is not consistent; "
			"'docker cp' is the better way");
	if (!e && v->devices->pool->header.needs_check)
		e = add(r, false,
			"the pool's metadata are marked as to be checked: thin_check and "
			"thin_repair come first");
	if (!e && r->guessed)
		e = add(r, false,
			"no file tells the device's size: this one is the base device's, or what "
			"holds its last mapped block; a mount that complains wants more");
	if (!e && !row->pool->complete)
		e = add(r, false,
			"its mappings are damaged: what can be read of it is not all there was");
	return e;
}

static int add_look(const struct meta_view *v, const struct device_row *row, struct rescue *r)
{
	const char *name = pool_name(v);
	const uint64_t id = row->id;
	int e = add(r, false, "then look, and take what you need; nothing is written:");

	if (!e)
		e = add(r, true,
			"dmsetup create --readonly rescue-%" PRIu64 " --table '0 %" PRIu64
			" thin /dev/mapper/%s %" PRIu64 "'",
			id, r->sectors, name && is_plain_name(name) ? name : "POOL", id);
	if (!e)
		e = add(r, true, "mkdir -p /mnt/rescue-%" PRIu64, id);
	if (!e)
		e = add(r, true, "mount %s /dev/mapper/rescue-%" PRIu64 " /mnt/rescue-%" PRIu64,
			mount_options(v), id, id);
	if (!e)
		e = add(r, true, "ls /mnt/rescue-%" PRIu64 "/rootfs", id);
	if (!e)
		e = add(r, false, "afterwards:");
	if (!e)
		e = add(r, true, "umount /mnt/rescue-%" PRIu64, id);
	if (!e)
		e = add(r, true, "rmdir /mnt/rescue-%" PRIu64, id);
	if (!e)
		e = add(r, true, "dmsetup remove rescue-%" PRIu64, id);
	return e;
}

static const char *refusal(const struct meta_view *v, const struct device_row *row)
{
	if (!v->devices->pool)
		return v->metadata ? "the pool's metadata cannot be read"
				   : "the pool was not looked at";
	if (!row->pool)
		return "the pool has no such device: there is nothing to look into";
	if (row->pool->complete && !row->pool->nr_mapped)
		return "nothing is mapped: there is no file system in it";
	return NULL;
}

int rescue_make(const struct meta_view *v, const struct device_row *row, struct rescue *ret_rescue)
{
	struct rescue *r = ret_rescue;
	int e;

	*r = (struct rescue){ .refused = refusal(v, row) };
	if (r->refused)
		return 0;
	find_sectors(v, row, r);
	if (!r->sectors)
		r->refused = "nothing tells its size";
	if (r->refused)
		return 0;
	e = add_warnings(v, row, r);
	if (!e)
		e = add_pool(v, r);
	return e ? e : add_look(v, row, r);
}

void rescue_destroy(struct rescue *r)
{
	for (size_t i = 0; i < r->nr; i++)
		alloc_free(r->lines[i].text);
	alloc_free(r->lines);
	*r = (struct rescue){ 0 };
}
