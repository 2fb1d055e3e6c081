/* SPDX-License-Identifier: MIT
 * find_config.c: how Docker, LVM and the host are configured (G), and what of it depends on the
 * pool and on Docker's files (P2, P9, P11, T11, J22 to J24).
 */
#include <inttypes.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/fullness.h"
#include "docker_meta/judge/findings_internal.h"
#include "docker_meta/source/docker/layout.h"
#include "docker_meta/text/human.h"

static bool is_lint(const struct finder *f)
{
	return meta_command_has(f->facts->options->command, COMMAND_LINTS) ||
	       f->facts->options->lint;
}

/* ---- the pool's room */

/* devmapper, checkForFreeSpace() before each device that is made: whole blocks, rounded down. */
static void find_too_little_free(struct finder *f)
{
	const struct config *c = f->facts->config;
	const struct pool_state *p = f->t->pool;
	const uint64_t percent = config_min_free_space(c), total = p->header.nr_data_blocks,
		       free = p->data_blocks_used < total ? total - p->data_blocks_used : 0,
		       least = total / 100 * percent + total % 100 * percent / 100;
	const bool told = dm_has(&c->dm, DM_MIN_FREE_SPACE);
	struct meta_finding *x;

	/* What is not known is no alarm: lint says what it would come to. */
	if (!free || free >= least || !config_is_devicemapper(c) || (!c->has_daemon && !is_lint(f)))
		return;
	x = finder_add(f, ROW_P2, the_pool());
	finder_found(f, x, alloc_string("pool"), "%" PRIu64 " of %" PRIu64 " data blocks are free",
		     free, total);
	finder_against(f, x, alloc_string("dm.min_free_space"),
		       "%" PRIu64 "%%%s, %" PRIu64 " blocks", percent,
		       told ? "" : " where nobody says otherwise", least);
	if (!c->has_daemon)
		finding_doubt(x);
	else if (!c->has_options && !told)
		x->severity = META_WARNING;
}

#define METADATA_BLOCK 4096u
#define MOST_METADATA_BLOCKS 4161600u /* 255 * 16320: what the space map can count */

/* Linux: Documentation/admin-guide/device-mapper/thin-provisioning.rst, 48 bytes a data block. */
static void find_small_metadata(struct finder *f)
{
	const struct pool_state *p = f->t->pool;
	const uint64_t blocks = p->reading.metadata_blocks, used = pool_metadata_used(&p->reading),
		       wanted = p->header.nr_data_blocks * 48 / METADATA_BLOCK,
		       least = wanted < 512 ? 512 : wanted;

	if (!p->reading.raw || p->from_snapshot || !blocks)
		return;
	if (blocks >= MOST_METADATA_BLOCKS && is_nearly_full(used, blocks))
		finder_found(f, finder_add(f, ROW_P9, the_pool()), alloc_string("pool"),
			     "%" PRIu64 " of %" PRIu64
			     " metadata blocks are in use, and there cannot be more: thin devices "
			     "have to go",
			     used, blocks);
	else if (p->header.nr_data_blocks < UINT64_MAX / 48 && blocks < least &&
		 blocks < MOST_METADATA_BLOCKS)
		finder_found(f, finder_add(f, ROW_P9, the_pool()), alloc_string("pool"),
			     "%" PRIu64 " metadata blocks for %" PRIu64 " data blocks: %" PRIu64
			     " are advised (48 bytes a data block)",
			     blocks, p->header.nr_data_blocks, least);
}

static bool nearly_full(const struct pool_state *p, const struct lvm_volume *pool)
{
	if (p && p->header.nr_data_blocks)
		return is_nearly_full(p->data_blocks_used, p->header.nr_data_blocks);
	return pool->has_data_percent && pool->data_percent * 1000 > (double)FULL_WARNING;
}

static struct meta_finding *add_of_volume(struct finder *f, enum meta_row_id id,
					  const struct lvm_volume *v)
{
	return finder_add(f, id, subject_named(SUBJECT_VOLUME, v->name));
}

static char *in_lvs(const struct lvm_volume *v)
{
	return alloc_printf("lvs: %s/%s", v->vg ? v->vg : "", v->name);
}

static void find_in_volume(struct finder *f, const struct lvm_volume *v)
{
	const struct pool_state *p = f->t->pool;
	struct meta_finding *x;

	if (v->when_full && !strcmp(v->when_full, "queue") && nearly_full(p, v))
		finder_found(f, add_of_volume(f, ROW_P11, v), in_lvs(v), "when full, queue");
	if (!p || !v->has_transaction || !v->transaction_id ||
	    v->transaction_id == p->header.transaction_id)
		return;
	x = add_of_volume(f, ROW_T11, v);
	finder_found(f, x, in_lvs(v), "transaction_id %" PRIu64, v->transaction_id);
	finder_against(f, x, alloc_string("pool"), "transaction %" PRIu64,
		       p->header.transaction_id);
}

void find_in_capacity(struct finder *f)
{
	const struct lvm_volume *v = config_pool_volume(f->facts->config);

	if (f->t->pool) {
		find_too_little_free(f);
		find_small_metadata(f);
	}
	if (v)
		find_in_volume(f, v);
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

#define SETUP_FILE "setup-config.json"
#define SETUP_NUMBERS "%s, %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64

static struct meta_finding *add_of_setup(struct finder *f, enum meta_row_id id)
{
	return finder_add(f, id, subject_named(SUBJECT_FILE, SETUP_FILE));
}

static char *in_daemon(const struct finder *f)
{
	const char *path = f->facts->config->daemon.path;

	return alloc_string(path ? path : "daemon.json");
}

static void find_change(struct finder *f, const struct setup_config *s, const struct dm_settings *d)
{
	struct meta_finding *x = add_of_setup(f, ROW_J22);

	finder_found(f, x, alloc_string(SETUP_FILE), SETUP_NUMBERS, s->device, s->thinp_percent,
		     s->thinp_metapercent, s->autoextend_threshold, s->autoextend_percent);
	finder_against(f, x, in_daemon(f),
		       SETUP_NUMBERS " (device, percent, metapercent, autoextend threshold and "
				     "percent; 0: not given, which is not the same as the default)",
		       dm_has(d, DM_DIRECTLVM_DEVICE) ? d->texts[DM_DIRECTLVM_DEVICE] : "none",
		       d->numbers[DM_THINP_PERCENT], d->numbers[DM_THINP_METAPERCENT],
		       d->numbers[DM_THINP_AUTOEXTEND_THRESHOLD],
		       d->numbers[DM_THINP_AUTOEXTEND_PERCENT]);
}

static void find_setup_over(struct finder *f)
{
	const struct config *c = f->facts->config;
	struct meta_finding *x;

	if (!dm_settings_has_directlvm(&c->dm) || !f->d->driver.nr_records)
		return;
	x = add_of_setup(f, ROW_J24);
	finder_found(f, x, in_daemon(f), "dm.directlvm_device=%s",
		     c->dm.texts[DM_DIRECTLVM_DEVICE]);
	finder_against(f, x, alloc_string("devicemapper"),
		       "%zu devices in metadata/, and setup-config.json is missing or empty",
		       f->d->driver.nr_records);
}

void find_in_setup(struct finder *f)
{
	const struct config *c = f->facts->config;
	const struct setup_config *s = &f->d->setup;
	struct meta_finding *x;

	if (!c->has_daemon || !config_is_devicemapper(c) || s->broken || c->dm.bad)
		return;
	if (is_empty_setup(s)) {
		find_setup_over(f);
		return;
	}
	if (dm_settings_has_directlvm(&c->dm)) {
		if (!same_setup(s, &c->dm))
			find_change(f, s, &c->dm);
		return;
	}
	if (config_thinpooldev(c))
		return;
	x = add_of_setup(f, ROW_J23);
	finder_found(f, x, alloc_string(SETUP_FILE), "%s", s->device);
	finder_against(f, x, in_daemon(f), "neither dm.directlvm_device nor dm.thinpooldev");
	/* dockerd may get its options as flags. */
	if (!c->has_options)
		finding_doubt(x);
}

/* ---- what was found in the files by themselves */

static void find_faults(struct finder *f)
{
	const struct config *c = f->facts->config;

	for (size_t i = 0; i < c->faults.nr; i++) {
		const struct config_fault *fault = &c->faults.items[i];
		struct meta_finding *x = finder_add(
			f, fault->row, subject_named(meta_row(fault->row)->subject, fault->object));

		finder_found(f, x, fault->of_flags ? alloc_string(c->sysconfig.path) : in_daemon(f),
			     "%s", fault->text);
		if (fault->weight == FAULT_INFO)
			x->severity = META_INFO;
		else if (fault->weight == FAULT_WARNING)
			x->severity = META_WARNING;
	}
}

/* ---- daemon.json against the pool and the state */

static struct meta_finding *add_of_option(struct finder *f, enum meta_row_id id, const char *name)
{
	return finder_add(f, id, subject_named(SUBJECT_OPTION, name));
}

static void find_wrong_sizes(struct finder *f)
{
	const struct config *c = f->facts->config;
	const struct device_record *base = driver_state_find(&f->d->driver, "base");
	const struct pool_state *p = f->t->pool;
	struct meta_finding *x;

	if (config_shrinks_base(c, base)) {
		x = add_of_option(f, ROW_G12, "dm.basesize");
		finder_found(f, x, in_daemon(f), "dm.basesize=%s", c->dm.texts[DM_BASESIZE]);
		finder_against(f, x, alloc_string("metadata/base"), "size %" PRIu64, base->size);
	}
	if (!p || !config_wants_other_blocks(c, p->header.data_block_size))
		return;
	x = add_of_option(f, ROW_G3, "dm.blocksize");
	finder_found(f, x, in_daemon(f), "dm.blocksize is %s",
		     dm_has(&c->dm, DM_BLOCKSIZE) ? c->dm.texts[DM_BLOCKSIZE] : "not given, 64K");
	finder_against(f, x, alloc_string("pool"),
		       "data blocks of %" PRIu32
		       " sectors: the kernel refuses to load it with others",
		       p->header.data_block_size);
}

static void find_loop(struct finder *f)
{
	const struct config *c = f->facts->config;
	struct meta_finding *x;

	if (!config_is_loop(c))
		return;
	x = finder_add(f, ROW_G5, the_host());
	if (c->has_loop_files)
		finder_found(f, x, alloc_string(LOOP_DATA), "the pool's data");
	else
		finder_found(f, x, alloc_string("daemon.json"),
			     "no device: neither dm.thinpooldev nor dm.directlvm_device");
}

static void find_readiness(struct finder *f)
{
	const struct config *c = f->facts->config;

	if (!config_is_devicemapper(c) || (!c->has_daemon && !f->d->driver.present))
		return;
	if (c->has_daemon && !c->driver && !c->has_driver_flag)
		finder_found(f, finder_add(f, ROW_G13, the_host()), in_daemon(f),
			     "no storage-driver, and unless a flag of dockerd's names it, Docker "
			     "takes devicemapper because its files are there");
	finder_found(f, finder_add(f, ROW_G14, the_host()),
		     alloc_string(c->driver ? c->daemon.path : "devicemapper/"),
		     c->driver ? "the storage driver is devicemapper"
			       : "the storage driver is devicemapper, by its files");
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

static void find_extending(struct finder *f, const struct lvm_volume *v)
{
	const struct config *c = f->facts->config;
	const enum extending extends = judge_extending(c, v);
	struct meta_finding *x;

	if (extends == EXTENDS || (extends == EXTENDS_UNKNOWN && !v->profile))
		return;
	x = add_of_volume(f, ROW_G6, v);
	finder_found(f, x, in_lvs(v), "profile '%s'", v->profile ? v->profile : "not asked for");
	finder_against(f, x, alloc_string("lvm.conf"), "%s",
		       extends == EXTENDS_NOT
			       ? "thin_pool_autoextend_threshold is 100, which it is where nobody "
				 "sets it, or thin_pool_autoextend_percent is 0"
			       : "decides, and was not looked at");
	if (extends == EXTENDS_UNKNOWN)
		finding_doubt(x);
}

static void find_room(struct finder *f, const struct lvm_volume *v)
{
	const struct config *c = f->facts->config;
	const struct autoextend *a = deciding(c, v);
	const uint64_t percent = a->has_percent ? a->percent : 20,
		       wanted = v->size / 100 * (percent < 1000 ? percent : 1000);
	struct meta_finding *x;

	if (!v->has_vg_free || !v->has_size || v->vg_free >= wanted)
		return;
	x = add_of_volume(f, ROW_G8, v);
	finder_found(f, x, alloc_printf("lvs: %s", v->vg ? v->vg : ""), "%s free",
		     human_bytes(v->vg_free).text);
	finder_against(f, x, in_lvs(v), "%s, grows by %" PRIu64 "%% at a time",
		       human_bytes(v->size).text, percent);
}

static void find_spare(struct finder *f, const struct lvm_volume *v)
{
	const struct lvm_report *report = &f->facts->config->lvm;
	const struct lvm_volume *spare =
		v->vg ? lvm_report_find(report, v->vg, "lvol0_pmspare") : NULL;
	struct meta_finding *x;

	if (!v->vg || !lvm_report_has_hidden(report))
		return;
	if (!spare) {
		finder_found(f, add_of_volume(f, ROW_G8, v), alloc_printf("lvs: %s", v->vg),
			     "no lvol0_pmspare: lvconvert --repair has nowhere to write to");
		return;
	}
	if (!spare->has_size || !v->has_metadata_size || spare->size >= v->metadata_size)
		return;
	x = add_of_volume(f, ROW_G8, v);
	finder_found(f, x, in_lvs(spare), "%s", human_bytes(spare->size).text);
	finder_against(f, x, alloc_string("the pool's metadata"),
		       "%s: lvconvert --repair has no room", human_bytes(v->metadata_size).text);
}

static void find_in_lvm(struct finder *f)
{
	const struct lvm_volume *v = config_pool_volume(f->facts->config);

	if (!v || !config_is_devicemapper(f->facts->config))
		return;
	if (v->monitor && strncmp(v->monitor, "not monitored", 13) == 0)
		finder_found(f, add_of_volume(f, ROW_G7, v), in_lvs(v), "%s", v->monitor);
	find_extending(f, v);
	find_room(f, v);
	find_spare(f, v);
}

/* ---- the host */

static void find_old_kernel(struct finder *f)
{
	const struct config *c = f->facts->config;
	const uint64_t major = c->kernel_major, minor = c->kernel_minor;

	if (!major || major > 4 || (major == 4 && minor >= 4))
		return;
	finder_found(f, finder_add(f, ROW_G15, the_host()), alloc_string(c->kernel.path),
		     "%" PRIu64 ".%" PRIu64 ": before 4.4 a metadata snapshot may destroy the pool "
		     "(fixed in Red Hat's 3.10.0-366)%s",
		     major, minor,
		     major < 3 || (major == 3 && minor < 18)
			     ? "; before 3.18 mounts leak into other namespaces: Device is Busy"
			     : "");
}

static void find_lacking(struct finder *f)
{
	const struct config *c = f->facts->config;

	if (c->lacks_lvm || c->lacks_thin_check)
		finder_found(f, finder_add(f, ROW_G16, the_host()),
			     alloc_string("/usr/sbin and its like"), "no %s%s%s",
			     c->lacks_lvm ? "lvm" : "",
			     c->lacks_lvm && c->lacks_thin_check ? ", no " : "",
			     c->lacks_thin_check ? "thin_check" : "");
}

static void find_space(struct finder *f)
{
	const struct config *c = f->facts->config;
	struct meta_finding *x;

	if (!c->has_space || c->space_free >= c->space_total / 20)
		return;
	x = finder_add(f, ROW_G17, the_host());
	finder_found(f, x, alloc_string("the data-root's file system"), "%s of %s are free",
		     human_bytes(c->space_free).text, human_bytes(c->space_total).text);
	if (c->space_free >= c->space_total / 100)
		x->severity = META_WARNING;
}

void find_in_config(struct finder *f)
{
	if (!is_lint(f))
		return;
	find_faults(f);
	find_wrong_sizes(f);
	find_loop(f);
	find_readiness(f);
	find_in_lvm(f);
	find_old_kernel(f);
	find_lacking(f);
	find_space(f);
}
