/* SPDX-License-Identifier: MIT */
#include "docker_meta/config/config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/alloc.h"
#include "docker_meta/config/etc.h"
#include "docker_meta/source/docker/driver_state.h"
#include "docker_meta/source/docker/root_hint.h"

#define DAEMON_JSON "/etc/docker/daemon.json"

/* ---- whose root it is */

static bool same_directory(const char *a, const char *b)
{
	struct stat sa, sb;

	if (stat(a, &sa) || stat(b, &sb))
		return !strcmp(a, b);
	return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Of the data-root itself, or with userns-remap of a directory in it. */
static bool is_root_of(const char *root, const struct daemon_json *d)
{
	const char *own = d->data_root ? d->data_root : DEFAULT_DATA_ROOT;
	char *above;
	bool same = same_directory(root, own);

	if (same || !d->userns)
		return same;
	above = alloc_printf("%s/..", root);
	same = above && same_directory(above, own);
	alloc_free(above);
	return same;
}

/* What can be told of the engine by what it wrote: buildkit/ is of 18.06, engine-id of 23. */
static void look_at_engine(const struct docker_meta_options *o, struct config *c, const char *root)
{
	struct safe_dir dir, below = { .fd = -1 };

	if (safe_dir_open(root, &o->reading, &dir))
		return;
	c->since_23 = !safe_dir_has_file(&dir, "engine-id");
	c->since_17_09 = c->since_23 || !safe_dir_enter(&dir, "buildkit", &below);
	safe_dir_close(&below);
	c->has_loop_files = !safe_dir_enter(&dir, "devicemapper/devicemapper", &below) &&
			    !safe_dir_has_file(&below, "data");
	safe_dir_close(&below);
	safe_dir_close(&dir);
}

/* ---- daemon.json */

/* This host's own, for where its root is: what is wrong with it does not matter yet. */
static int read_own(struct daemon_json *ret_own)
{
	const struct daemon_background b = { .since_23 = false };
	struct config_source ignored = { .path = NULL };
	struct fault_list none = { .nr = 0 };
	char *text;
	size_t size;
	int r = config_source_read(&ignored, DAEMON_JSON, false, &text, &size);

	*ret_own = (struct daemon_json){ .usable = false };
	if (!r && text)
		r = daemon_json_parse(text, size, &b, ret_own, &none);
	fault_list_destroy(&none);
	alloc_free(text);
	alloc_free(ignored.path);
	return r;
}

static void take_over(struct config *c, struct daemon_json *d)
{
	c->has_daemon = d->usable;
	c->has_options = d->has_options;
	c->nr_options = d->nr_options;
	c->data_root = d->data_root;
	c->driver = d->driver;
	c->userns = d->userns;
	c->dm = d->dm;
}

static int trouble(struct config *c, const char *path, const char *why, int error)
{
	c->trouble = alloc_printf("%s: %s", path, why);
	return c->trouble ? error : -ENOMEM;
}

static int set_source(struct config_source *source, enum config_look look, const char *path)
{
	source->look = look;
	source->path = alloc_string(path);
	return source->path ? 0 : -ENOMEM;
}

static int parse_daemon(struct config *c, char *text, size_t size)
{
	const struct daemon_background b = { c->since_17_09, c->since_23 };
	struct daemon_json d = { .usable = false };
	int r = daemon_json_parse(text, size, &b, &d, &c->faults);

	take_over(c, &d);
	if (!d.usable)
		c->daemon.look = CONFIG_UNREADABLE;
	return r;
}

/* The text of the file that was named, NULL where none was. */
static int read_named(const struct docker_meta_options *o, struct config *c, char **ret_text,
		      size_t *ret_size)
{
	int r = 0;

	*ret_text = NULL;
	if (o->daemon_json)
		r = config_source_read(&c->daemon, o->daemon_json, true, ret_text, ret_size);
	if (!r && o->daemon_json && !*ret_text)
		r = trouble(c, o->daemon_json, c->daemon.why, -EIO);
	return r;
}

/* Not when it is switched off, or when this host's own has nothing to do with the root. */
static int read_daemon(const struct docker_meta_options *o, struct config *c)
{
	char *text = NULL;
	size_t size;
	int r;

	if (o->no_daemon_json || !c->live)
		return set_source(&c->daemon, o->no_daemon_json ? CONFIG_NOT_LOOKED : CONFIG_OTHERS,
				  DAEMON_JSON);
	r = config_source_read(&c->daemon, DAEMON_JSON, false, &text, &size);
	if (!r && text)
		r = parse_daemon(c, text, size);
	else if (!r)
		c->has_daemon = c->daemon.look == CONFIG_ABSENT;
	alloc_free(text);
	return r;
}

/* "/var/lib/docker/100000.100000" */
static bool is_called_remapped(const char *root)
{
	char absolute[PATH_MAX];
	const char *name = strrchr(realpath(root, absolute) ? absolute : root, '/');
	size_t digits;

	name = name ? name + 1 : root;
	digits = strspn(name, "0123456789");
	return digits && name[digits] == '.' && name[digits + 1] &&
	       !name[digits + 1 + strspn(name + digits + 1, "0123456789")];
}

/*
 * With userns-remap Docker's root is below the data-root: the only one there is taken, unless the
 * user named another.
 */
static int find_remapped(const struct docker_meta_options *o, struct config *c,
			 const char *data_root)
{
	struct safe_dir dir;
	char name[64], *below;
	size_t nr;

	if (safe_dir_open(c->root, &o->reading, &dir))
		return 0;
	nr = root_remapped(&dir, name, sizeof(name));
	safe_dir_close(&dir);
	if (!nr && same_directory(c->root, data_root ? data_root : DEFAULT_DATA_ROOT)) {
		c->remapped = alloc_string("UID.GID");
		return c->remapped ? 0 : -ENOMEM;
	}
	c->may_be_above = !nr && !is_called_remapped(c->root);
	if (!nr)
		return 0;
	if (!o->root && nr > 1)
		return trouble(c, c->root,
			       "userns-remap: there are several roots in it, name one (-r)", -EIO);
	if (o->root) {
		c->remapped = alloc_string(name);
		return c->remapped ? 0 : -ENOMEM;
	}
	below = alloc_printf("%s/%s", c->root, name);
	alloc_free(c->root);
	c->root = below;
	return below ? 0 : -ENOMEM;
}

/* The data-root that a file names is wanted before its engine is known, and that before the file.
 */
static int find_root(const struct docker_meta_options *o, struct config *c, const char *named_text,
		     size_t named_size)
{
	const struct daemon_background b = { .since_23 = false };
	struct daemon_json own = { .usable = false }, named = { .usable = false };
	struct fault_list none = { .nr = 0 };
	char *copy = named_text ? alloc_string(named_text) : NULL;
	const char *root = o->root;
	int r = named_text && !copy ? -ENOMEM : 0;

	if (!r && !o->no_daemon_json)
		r = read_own(&own);
	if (!r && copy)
		r = daemon_json_parse(copy, strlen(copy) < named_size ? strlen(copy) : named_size,
				      &b, &named, &none);
	if (!root)
		root = copy ? named.data_root : own.data_root;
	root = root ? root : DEFAULT_DATA_ROOT;
	c->live = is_root_of(root, &own);
	c->root = r ? NULL : alloc_string(root);
	if (!r && !c->root)
		r = -ENOMEM;
	if (!r && copy && named.userns)
		r = find_remapped(o, c, named.data_root);
	else if (!r && !copy && c->live && own.userns)
		r = find_remapped(o, c, own.data_root);
	alloc_free(copy);
	fault_list_destroy(&none);
	daemon_json_destroy(&named);
	daemon_json_destroy(&own);
	return r;
}

/* ---- lvs */

static int read_lvs(const struct docker_meta_options *o, struct config *c)
{
	struct go_fault fault;
	char *text;
	size_t size;
	int r;

	if (!o->lvs_json)
		return 0;
	r = config_source_read(&c->lvs, o->lvs_json, true, &text, &size);
	if (r)
		return r;
	if (!text)
		return trouble(c, o->lvs_json, c->lvs.why, -EIO);
	r = size ? lvm_report_parse(text, size, &c->lvm, &fault)
		 : trouble(c, o->lvs_json, "it is empty", -EIO);
	if (r == -EBADMSG)
		r = trouble(c, o->lvs_json, fault.text, -EIO);
	alloc_free(text);
	return r;
}

/* ---- all */

int config_read(const struct docker_meta_options *o, struct config *ret_config)
{
	struct config *c = ret_config;
	size_t size = 0;
	char *text;
	int r;

	*c = (struct config){ .data_root = NULL };
	r = read_named(o, c, &text, &size);
	if (!r)
		r = find_root(o, c, text, size);
	if (!r) {
		look_at_engine(o, c, c->root);
		r = text ? parse_daemon(c, text, size) : read_daemon(o, c);
	}
	if (!r)
		r = read_lvs(o, c);
	if (!r)
		r = etc_read(o, c->root, c);
	alloc_free(text);
	return r;
}

const struct config_source *config_source(const struct config *c, size_t i)
{
	const struct config_source *const sources[NR_CONFIG_SOURCES] = {
		&c->daemon, &c->sysconfig, &c->lvs, &c->profile, &c->lvm_conf, &c->kernel
	};

	return sources[i];
}

void config_destroy(struct config *c)
{
	for (size_t i = 0; i < NR_CONFIG_SOURCES; i++)
		alloc_free(config_source(c, i)->path);
	alloc_free(c->data_root);
	alloc_free(c->root);
	alloc_free(c->remapped);
	alloc_free(c->trouble);
	alloc_free(c->driver);
	alloc_free(c->userns);
	dm_settings_destroy(&c->dm);
	lvm_report_destroy(&c->lvm);
	fault_list_destroy(&c->faults);
	*c = (struct config){ .data_root = NULL };
}

bool config_is_devicemapper(const struct config *c)
{
	return !c->driver || !strcmp(c->driver, "devicemapper");
}

const char *config_thinpooldev(const struct config *c)
{
	if (dm_settings_pool(&c->dm))
		return dm_settings_pool(&c->dm);
	return dm_has(&c->dm, DM_DIRECTLVM_DEVICE) ? "docker-thinpool" : NULL;
}

bool config_is_loop(const struct config *c)
{
	return config_is_devicemapper(c) && !c->dm.texts[DM_THINPOOLDEV] &&
	       !dm_settings_has_directlvm(&c->dm) && !c->dm.texts[DM_DATADEV] &&
	       (c->has_loop_files || (c->has_daemon && c->has_options));
}

uint64_t config_min_free_space(const struct config *c)
{
	return dm_has(&c->dm, DM_MIN_FREE_SPACE) ? c->dm.numbers[DM_MIN_FREE_SPACE] : 10;
}

void config_note_pool(struct config *c, const char *name)
{
	(void)snprintf(c->pool_name, sizeof(c->pool_name), "%s", name ? name : "");
}

const struct lvm_volume *config_pool_volume(const struct config *c)
{
	const char *name = *c->pool_name ? c->pool_name : config_thinpooldev(c);

	if (!name && config_is_loop(c))
		return NULL;
	return lvm_report_pool(&c->lvm, name);
}

bool config_shrinks_base(const struct config *c, const struct device_record *base)
{
	return c->has_daemon && config_is_devicemapper(c) && base && base->usable &&
	       dm_has(&c->dm, DM_BASESIZE) && c->dm.numbers[DM_BASESIZE] < base->size;
}

bool config_wants_other_blocks(const struct config *c, uint64_t sectors)
{
	const uint64_t size = dm_has(&c->dm, DM_BLOCKSIZE) ? c->dm.numbers[DM_BLOCKSIZE] : 65536;

	return c->has_daemon && c->has_options && config_is_loop(c) &&
	       !c->dm.refused[DM_BLOCKSIZE] && size / 512 != sectors;
}
