/* SPDX-License-Identifier: MIT */
#include "docker_meta/config/etc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "docker_meta/config/text_file.h"

#define SYSCONFIG "/etc/sysconfig/docker-storage"
#define LVM_CONF "/etc/lvm/lvm.conf"
#define PROFILES "/etc/lvm/profile"
#define PROFILE "docker-thinpool"

int config_source_read(struct config_source *source, const char *path, bool named, char **ret_text,
		       size_t *ret_size)
{
	char *kept = alloc_string(path);
	int r = text_file_read(path, named, ret_text, ret_size);

	alloc_free(source->path);
	*source = (struct config_source){ .path = kept };
	if (!kept || r == -ENOMEM) {
		alloc_free(*ret_text);
		*ret_text = NULL;
		return -ENOMEM;
	}
	source->look = !r ? CONFIG_READ : r == -ENOENT ? CONFIG_ABSENT : CONFIG_UNREADABLE;
	source->why = r ? strerror(-r) : NULL;
	return 0;
}

/* ---- the kernel */

bool kernel_release_parse(const char *text, uint64_t *ret_major, uint64_t *ret_minor)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*ret_major = strtoull(text, &end, 10);
	if (*end != '.' || end[1] < '0' || end[1] > '9')
		return false;
	*ret_minor = strtoull(end + 1, NULL, 10);
	return *ret_major > 0 && *ret_major < 1000;
}

static int read_kernel(const struct docker_meta_options *o, struct config *c)
{
	char *path = alloc_printf("%s/sys/kernel/osrelease", o->proc ? o->proc : "/proc"), *text;
	size_t size;
	int r = path ? config_source_read(&c->kernel, path, false, &text, &size) : -ENOMEM;

	alloc_free(path);
	if (r || !text)
		return r;
	if (!kernel_release_parse(text, &c->kernel_major, &c->kernel_minor))
		c->kernel.look = CONFIG_UNREADABLE;
	alloc_free(text);
	return 0;
}

/* ---- flags in /etc/sysconfig */

/* The value of a flag: behind its =, or the next word. */
static const char *value_of_flag(const char *word, const char *flag, char **state)
{
	const size_t n = strlen(flag);

	if (strncmp(word, flag, n) != 0)
		return NULL;
	if (word[n] == '=')
		return word + n + 1;
	return word[n] ? NULL : strtok_r(NULL, " \t\"'", state);
}

static int take_flags(char *line, struct config *c, struct dm_settings *dm,
		      struct fault_list *faults)
{
	char *state = NULL;
	int r = 0;

	for (char *word = strtok_r(line, " \t\"'", &state); word && !r;
	     word = strtok_r(NULL, " \t\"'", &state)) {
		const char *option = value_of_flag(word, "--storage-opt", &state);

		if (option) {
			c->has_option_flag = true;
			r = dm_settings_take(dm, option, faults);
		}
		c->has_driver_flag |= !strcmp(word, "-s") || !strncmp(word, "--storage-driver", 16);
	}
	return r;
}

int storage_flags_take(const char *text, struct config *c, struct dm_settings *dm,
		       struct fault_list *faults)
{
	static const char name[] = "DOCKER_STORAGE_OPTIONS";
	char *copy = alloc_string(text), *state = NULL;
	int r = copy ? 0 : -ENOMEM;

	for (char *line = copy ? strtok_r(copy, "\n", &state) : NULL; line && !r;
	     line = strtok_r(NULL, "\n", &state)) {
		line += strspn(line, " \t");
		if (strncmp(line, name, strlen(name)) != 0 || line[strlen(name)] != '=')
			continue;
		r = take_flags(line + strlen(name) + 1, c, dm, faults);
	}
	alloc_free(copy);
	return r;
}

/* Docker has them from one place alone. */
static int judge_flags(struct config *c)
{
	const bool twice =
		(c->driver && c->has_driver_flag) || (c->has_options && c->has_option_flag);

	if (!twice)
		return 0;
	return fault_add(&c->faults, ROW_G19, FAULT_WARNING, SYSCONFIG,
			 "DOCKER_STORAGE_OPTIONS gives %s, and so does daemon.json; dockerd does "
			 "not start if its unit reads this file",
			 c->driver && c->has_driver_flag ? "--storage-driver" : "--storage-opt");
}

/* Whether dockerd's unit reads the file is not known: nothing in it is worse than a warning. */
static int take_sysconfig(struct config *c, const char *text)
{
	const struct dm_background b = { .since_17_09 = c->since_17_09 };
	const size_t before = c->faults.nr;
	int r = storage_flags_take(text, c, &c->dm, &c->faults);

	if (!r && c->has_option_flag)
		r = dm_settings_judge(&c->dm, &b, &c->faults);
	for (size_t i = before; i < c->faults.nr; i++) {
		struct config_fault *f = &c->faults.items[i];

		f->of_flags = true;
		f->weight = f->weight == FAULT_AS_ROW ? FAULT_WARNING : f->weight;
	}
	return r;
}

static int read_sysconfig(struct config *c)
{
	struct dm_settings ignored = { .bad = false };
	struct fault_list none = { .nr = 0 };
	char *text;
	size_t size;
	int r = config_source_read(&c->sysconfig, SYSCONFIG, false, &text, &size);

	if (r || !text)
		return r;
	/* Options of daemon.json are the ones that are judged, where there are any. */
	r = c->has_options ? storage_flags_take(text, c, &ignored, &none) : take_sysconfig(c, text);
	dm_settings_destroy(&ignored);
	fault_list_destroy(&none);
	alloc_free(text);
	return r ? r : judge_flags(c);
}

/* ---- LVM */

static bool is_plain_name(const char *name)
{
	return *name && *name != '.' && strlen(name) < 100 && !strchr(name, '/');
}

static int read_autoextend(struct config_source *source, const char *path, struct autoextend *a)
{
	char *text;
	size_t size;
	int r = config_source_read(source, path, false, &text, &size);

	if (!r && text)
		autoextend_parse(text, a);
	alloc_free(text);
	return r;
}

static int read_lvm(struct config *c)
{
	const struct lvm_volume *pool = config_pool_volume(c);
	const char *profile = pool && pool->profile ? pool->profile : PROFILE;
	char *path;
	int r;

	if (!pool && !config_thinpooldev(c))
		return 0;
	r = read_autoextend(&c->lvm_conf, LVM_CONF, &c->by_lvm_conf);
	if (r || !is_plain_name(profile))
		return r;
	path = alloc_printf(PROFILES "/%s.profile", profile);
	r = path ? read_autoextend(&c->profile, path, &c->by_profile) : -ENOMEM;
	alloc_free(path);
	return r;
}

static bool has_program(const char *name)
{
	static const char *const directories[] = { "/usr/sbin", "/sbin", "/usr/local/sbin",
						   "/usr/bin",  "/bin",  "/usr/local/bin" };
	char path[100];

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directories[i], name);
		if (!access(path, X_OK))
			return true;
	}
	return false;
}

static void look_at_programs(struct config *c)
{
	if (!config_thinpooldev(c))
		return;
	c->lacks_lvm = !has_program("lvm") && !has_program("lvs");
	c->lacks_thin_check = !has_program("thin_check");
}

static void look_at_space(struct config *c, const char *root)
{
	struct statvfs v;

	if (statvfs(root, &v))
		return;
	c->has_space = v.f_blocks > 0;
	c->space_total = (uint64_t)v.f_blocks * v.f_frsize;
	c->space_free = (uint64_t)v.f_bavail * v.f_frsize;
}

int etc_read(const struct docker_meta_options *o, const char *root, struct config *c)
{
	int r = 0;

	if (c->live || o->proc)
		r = read_kernel(o, c);
	if (r || !c->live)
		return r;
	r = read_sysconfig(c);
	if (!r && !o->no_lvs)
		r = read_lvm(c);
	look_at_programs(c);
	look_at_space(c, root);
	return r;
}
