/* SPDX-License-Identifier: MIT
 * find_config.c: how Docker, LVM and the host are configured (G), and what of it depends on the
 * pool and on Docker's files (P2, P9, P11, T11, J22 to J24).
 */
#include <inttypes.h>
#include <string.h>

#include "docker_meta/facts/fullness.h"
#include "docker_meta/judge/findings_internal.h"
#include "docker_meta/text/human.h"

static struct meta_finding *last_of(struct finder *f)
{
	return &f->list->items[f->list->nr - 1];
}

static bool is_lint(const struct finder *f)
{
	return f->facts->options->command == COMMAND_LINT || f->facts->options->lint;
}

/* ---- the pool's room */

/* devmapper, checkForFreeSpace() before each device that is made: whole blocks, rounded down. */
static int find_too_little_free(struct finder *f)
{
	const struct config *c = f->facts->config;
	const struct pool_state *p = f->t->pool;
	const uint64_t percent = config_min_free_space(c), total = p->header.nr_data_blocks,
		       free = p->data_blocks_used < total ? total - p->data_blocks_used : 0,
		       least = total / 100 * percent + total % 100 * percent / 100;
	const bool told = dm_has(&c->dm, DM_MIN_FREE_SPACE);
	int r;

	/* What is not known is no alarm: lint says what it would come to. */
	if (!free || free >= least || !config_is_devicemapper(c) || (!c->has_daemon && !is_lint(f)))
		return 0;
	r = finder_add(f, ROW_P2, NULL, NULL,
		       "%" PRIu64 " of %" PRIu64
		       " data blocks are free, dm.min_free_space is %" PRIu64 "%%%s, %" PRIu64
		       " blocks",
		       free, total, percent, told ? "" : " where nobody says otherwise", least);
	if (r)
		return r;
	if (!c->has_daemon) {
		last_of(f)->severity = META_INFO;
		last_of(f)->unproven = true;
	} else if (!c->has_options && !told) {
		last_of(f)->severity = META_WARNING;
	}
	return 0;
}

#define METADATA_BLOCK 4096u
#define MOST_METADATA_BLOCKS 4161600u /* 255 * 16320: what the space map can count */

/* Linux: Documentation/admin-guide/device-mapper/thin-provisioning.rst, 48 bytes a data block. */
static int find_small_metadata(struct finder *f)
{
	const struct pool_state *p = f->t->pool;
	const uint64_t blocks = p->reading.metadata_blocks, used = pool_metadata_used(&p->reading),
		       wanted = p->header.nr_data_blocks * 48 / METADATA_BLOCK,
		       least = wanted < 512 ? 512 : wanted;

	if (!p->reading.raw || p->from_snapshot || !blocks)
		return 0;
	if (blocks >= MOST_METADATA_BLOCKS && is_nearly_full(used, blocks))
		return finder_add(f, ROW_P9, NULL, NULL,
				  "%" PRIu64 " of %" PRIu64
				  " metadata blocks are in use, and there "
				  "cannot be more: thin devices have to go",
				  used, blocks);
	if (p->header.nr_data_blocks < UINT64_MAX / 48 && blocks < least &&
	    blocks < MOST_METADATA_BLOCKS)
		return finder_add(f, ROW_P9, NULL, NULL,
				  "%" PRIu64 " metadata blocks for %" PRIu64
				  " data blocks: %" PRIu64 " are advised (48 bytes a data block)",
				  blocks, p->header.nr_data_blocks, least);
	return 0;
}

static bool nearly_full(const struct pool_state *p, const struct lvm_volume *pool)
{
	if (p && p->header.nr_data_blocks)
		return is_nearly_full(p->data_blocks_used, p->header.nr_data_blocks);
	return pool->has_data_percent && pool->data_percent * 1000 > (double)FULL_WARNING;
}

static int find_in_volume(struct finder *f, const struct lvm_volume *v)
{
	const struct pool_state *p = f->t->pool;
	int r = 0;

	if (v->when_full && !strcmp(v->when_full, "queue") && nearly_full(p, v))
		r = finder_add(f, ROW_P11, v->name, NULL, "lvs: %s/%s: when full, queue",
			       v->vg ? v->vg : "", v->name);
	if (!r && p && v->has_transaction && v->transaction_id &&
	    v->transaction_id != p->header.transaction_id)
		r = finder_add(f, ROW_T11, v->name, NULL,
			       "lvs: %s/%s: transaction_id %" PRIu64 ", the pool is at %" PRIu64,
			       v->vg ? v->vg : "", v->name, v->transaction_id,
			       p->header.transaction_id);
	return r;
}

int find_in_capacity(struct finder *f)
{
	const struct lvm_volume *v = config_pool_volume(f->facts->config);
	int r = 0;

	if (f->t->pool) {
		r = find_too_little_free(f);
		if (!r)
			r = find_small_metadata(f);
	}
	return r || !v ? r : find_in_volume(f, v);
}

/* ---- direct-lvm that Docker set up */

static bool same_setup(const struct setup_config *s, const struct dm_settings *d)
{
	const char *device = dm_has(d, DM_DIRECTLVM_DEVICE) ? d->texts[DM_DIRECTLVM_DEVICE] : "";

	return !strcmp(s->device, device) && s->thinp_percent == d->numbers[DM_THINP_PERCENT] &&
	       s->thinp_metapercent == d->numbers[DM_THINP_METAPERCENT] &&
	       s->autoextend_threshold == d->numbers[DM_THINP_AUTOEXTEND_THRESHOLD] &&
	       s->autoextend_percent == d->numbers[DM_THINP_AUTOEXTEND_PERCENT];
}

static bool is_empty_setup(const struct setup_config *s)
{
	return !s->present || (!*s->device && !s->thinp_percent && !s->thinp_metapercent &&
			       !s->autoextend_threshold && !s->autoextend_percent);
}

#define SETUP_NUMBERS "%s, %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64

static int tell_change(struct finder *f, const struct setup_config *s, const struct dm_settings *d)
{
	return finder_add(
		f, ROW_J22, "setup-config.json", NULL,
		"device, percent, metapercent, autoextend threshold and percent (0: not "
		"given, which is not the same as the default): setup-config.json " SETUP_NUMBERS
		"; daemon.json " SETUP_NUMBERS,
		s->device, s->thinp_percent, s->thinp_metapercent, s->autoextend_threshold,
		s->autoextend_percent,
		dm_has(d, DM_DIRECTLVM_DEVICE) ? d->texts[DM_DIRECTLVM_DEVICE] : "none",
		d->numbers[DM_THINP_PERCENT], d->numbers[DM_THINP_METAPERCENT],
		d->numbers[DM_THINP_AUTOEXTEND_THRESHOLD], d->numbers[DM_THINP_AUTOEXTEND_PERCENT]);
}

int find_in_setup(struct finder *f)
{
	const struct config *c = f->facts->config;
	const struct setup_config *s = &f->t->docker->setup;
	int r = 0;

	if (!c->has_daemon || !config_is_devicemapper(c) || s->broken || c->dm.bad)
		return 0;
	if (is_empty_setup(s)) {
		if (dm_settings_has_directlvm(&c->dm) && f->t->docker->driver.nr_records)
			r = finder_add(f, ROW_J24, "setup-config.json", NULL,
				       "daemon.json: dm.directlvm_device=%.100s; metadata/ has %zu "
				       "devices, and devicemapper/setup-config.json is not there, "
				       "or empty",
				       c->dm.texts[DM_DIRECTLVM_DEVICE],
				       f->t->docker->driver.nr_records);
		return r;
	}
	if (dm_settings_has_directlvm(&c->dm))
		return same_setup(s, &c->dm) ? 0 : tell_change(f, s, &c->dm);
	if (config_thinpooldev(c))
		return 0;
	r = finder_add(f, ROW_J23, "setup-config.json", NULL,
		       "setup-config.json: %.100s; %s: neither dm.directlvm_device nor "
		       "dm.thinpooldev",
		       s->device, c->daemon.path);
	/* dockerd may get its options as flags. */
	if (!r && !c->has_options) {
		last_of(f)->severity = META_INFO;
		last_of(f)->unproven = true;
	}
	return r;
}

/* ---- what was found in the files by themselves */

static int find_faults(struct finder *f)
{
	const struct config *c = f->facts->config;
	int r = 0;

	for (size_t i = 0; i < c->faults.nr && !r; i++) {
		const struct config_fault *fault = &c->faults.items[i];
		struct meta_finding *finding;

		r = finder_add(f, fault->row, fault->object, &finding, "%s: %s",
			       fault->of_flags ? c->sysconfig.path : c->daemon.path, fault->text);
		if (r)
			return r;
		if (fault->weight == FAULT_INFO)
			finding->severity = META_INFO;
		else if (fault->weight == FAULT_WARNING)
			finding->severity = META_WARNING;
	}
	return r;
}

/* ---- daemon.json against the pool and the state */

static int find_wrong_sizes(struct finder *f)
{
	const struct config *c = f->facts->config;
	const struct device_record *base = driver_state_find(&f->t->docker->driver, "base");
	const struct pool_state *p = f->t->pool;
	int r = 0;

	if (config_shrinks_base(c, base))
		r = finder_add(f, ROW_G12, "dm.basesize", NULL,
			       "%s: dm.basesize=%.40s, metadata/base: size %" PRIu64,
			       c->daemon.path, c->dm.texts[DM_BASESIZE], base->size);
	if (!r && p && config_wants_other_blocks(c, p->header.data_block_size))
		r = finder_add(
			f, ROW_G3, "dm.blocksize", NULL,
			"%s: dm.blocksize is %.40s, the pool has blocks of %" PRIu64
			" sectors: the kernel refuses to load it so",
			c->daemon.path,
			dm_has(&c->dm, DM_BLOCKSIZE) ? c->dm.texts[DM_BLOCKSIZE] : "not given, 64K",
			(uint64_t)p->header.data_block_size);
	return r;
}

static int find_loop(struct finder *f)
{
	const struct config *c = f->facts->config;

	if (!config_is_loop(c))
		return 0;
	return finder_add(f, ROW_G5, NULL, NULL, "%s",
			  c->has_loop_files
				  ? "devicemapper/devicemapper/data is the pool's data"
				  : "daemon.json names no device: neither dm.thinpooldev nor "
				    "dm.directlvm_device");
}

static int find_readiness(struct finder *f)
{
	const struct config *c = f->facts->config;
	int r = 0;

	if (!config_is_devicemapper(c) || (!c->has_daemon && !f->t->docker->driver.present))
		return 0;
	if (c->has_daemon && !c->driver && !c->has_driver_flag)
		r = finder_add(f, ROW_G13, NULL, NULL,
			       "%s: no storage-driver, and unless a flag of dockerd's names it, "
			       "Docker takes devicemapper because its files are there",
			       c->daemon.path);
	return r ? r
		 : finder_add(f, ROW_G14, NULL, NULL, "the storage driver is devicemapper%s",
			      c->driver ? "" : ", by its files");
}

/* ---- LVM */

/* Whether LVM extends it, as far as that is known. */
enum extending { EXTENDS_UNKNOWN, EXTENDS, EXTENDS_NOT };

static const struct autoextend *deciding(const struct config *c, const struct lvm_volume *v)
{
	return c->by_profile.has_threshold && !(v->profile && !*v->profile) ? &c->by_profile
									    : &c->by_lvm_conf;
}

static enum extending judge_extending(const struct config *c, const struct lvm_volume *v)
{
	const struct autoextend *a = deciding(c, v);

	if (!c->live)
		return v->profile && *v->profile ? EXTENDS : EXTENDS_UNKNOWN;
	if (!a->has_threshold && c->lvm_conf.look == CONFIG_UNREADABLE)
		return EXTENDS_UNKNOWN;
	if (!a->has_threshold || a->threshold >= 100 || (a->has_percent && !a->percent))
		return EXTENDS_NOT;
	return EXTENDS;
}

static int find_extending(struct finder *f, const struct lvm_volume *v)
{
	const struct config *c = f->facts->config;
	const enum extending extends = judge_extending(c, v);
	int r;

	if (extends == EXTENDS || (extends == EXTENDS_UNKNOWN && !v->profile))
		return 0;
	r = finder_add(
		f, ROW_G6, v->name, NULL,
		extends == EXTENDS_NOT
			? "lvs: %s/%s: profile '%.60s'; thin_pool_autoextend_threshold is 100 "
			  "there, which is what it is where nobody sets it, or _percent is 0"
			: "lvs: %s/%s: profile '%.60s': what lvm.conf says decides, which was "
			  "not looked at",
		v->vg ? v->vg : "", v->name, v->profile ? v->profile : "not asked for");
	if (!r && extends == EXTENDS_UNKNOWN) {
		last_of(f)->severity = META_INFO;
		last_of(f)->unproven = true;
	}
	return r;
}

static int find_room(struct finder *f, const struct lvm_volume *v)
{
	const struct config *c = f->facts->config;
	const struct autoextend *a = deciding(c, v);
	const uint64_t percent = a->has_percent ? a->percent : 20,
		       wanted = v->size / 100 * (percent < 1000 ? percent : 1000);

	if (!v->has_vg_free || !v->has_size || v->vg_free >= wanted)
		return 0;
	return finder_add(f, ROW_G8, v->name, NULL,
			  "lvs: %s has %s free, %s/%s of %s grows by %" PRIu64 "%% at a time",
			  v->vg ? v->vg : "", human_bytes(v->vg_free).text, v->vg ? v->vg : "",
			  v->name, human_bytes(v->size).text, percent);
}

static int find_spare(struct finder *f, const struct lvm_volume *v)
{
	const struct lvm_report *report = &f->facts->config->lvm;
	const struct lvm_volume *spare =
		v->vg ? lvm_report_find(report, v->vg, "lvol0_pmspare") : NULL;

	if (!v->vg || !lvm_report_has_hidden(report))
		return 0;
	if (!spare)
		return finder_add(f, ROW_G8, v->name, NULL,
				  "lvs: %s has no lvol0_pmspare: lvconvert --repair has nowhere to "
				  "write to",
				  v->vg);
	if (spare->has_size && v->has_metadata_size && spare->size < v->metadata_size)
		return finder_add(f, ROW_G8, v->name, NULL,
				  "lvs: %s/lvol0_pmspare is of %s, the pool's metadata of %s: "
				  "lvconvert --repair has no room",
				  v->vg, human_bytes(spare->size).text,
				  human_bytes(v->metadata_size).text);
	return 0;
}

static int find_in_lvm(struct finder *f)
{
	const struct lvm_volume *v = config_pool_volume(f->facts->config);
	int r = 0;

	if (!v || !config_is_devicemapper(f->facts->config))
		return 0;
	if (v->monitor && strncmp(v->monitor, "not monitored", 13) == 0)
		r = finder_add(f, ROW_G7, v->name, NULL, "lvs: %s/%s: %.40s", v->vg ? v->vg : "",
			       v->name, v->monitor);
	if (!r)
		r = find_extending(f, v);
	if (!r)
		r = find_room(f, v);
	return r ? r : find_spare(f, v);
}

/* ---- the host */

static int find_old_kernel(struct finder *f)
{
	const struct config *c = f->facts->config;
	const uint64_t major = c->kernel_major, minor = c->kernel_minor;

	if (!major || major > 4 || (major == 4 && minor >= 4))
		return 0;
	return finder_add(
		f, ROW_G15, NULL, NULL,
		"%s: %" PRIu64 ".%" PRIu64 ": before 4.4 a metadata snapshot may destroy "
		"the pool (mended in Red Hat's 3.10.0-366)%s",
		c->kernel.path, major, minor,
		major < 3 || (major == 3 && minor < 18)
			? "; before 3.18 mounts leak into other namespaces: Device is Busy"
			: "");
}

static int find_in_host(struct finder *f)
{
	const struct config *c = f->facts->config;
	int r = find_old_kernel(f);

	if (!r && (c->lacks_lvm || c->lacks_thin_check))
		r = finder_add(f, ROW_G16, NULL, NULL, "%s%s%s: not in /usr/sbin or its like",
			       c->lacks_lvm ? "lvm" : "",
			       c->lacks_lvm && c->lacks_thin_check ? ", " : "",
			       c->lacks_thin_check ? "thin_check" : "");
	if (r || !c->has_space || c->space_free >= c->space_total / 20)
		return r;
	r = finder_add(f, ROW_G17, NULL, NULL, "%s of %s are free", human_bytes(c->space_free).text,
		       human_bytes(c->space_total).text);
	if (!r && c->space_free >= c->space_total / 100)
		last_of(f)->severity = META_WARNING;
	return r;
}

int find_in_config(struct finder *f)
{
	static int (*const finders[])(struct finder *) = { find_faults, find_wrong_sizes,
							   find_loop,   find_readiness,
							   find_in_lvm, find_in_host };
	int r = 0;

	if (!is_lint(f))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(finders) && !r; i++)
		r = finders[i](f);
	return r;
}
