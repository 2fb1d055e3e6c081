/* SPDX-License-Identifier: MIT */
#include "docker_meta/source/docker/root_hint.h"

#include <stdio.h>
#include <string.h>

#define NOTHING "there is no state of Docker's devicemapper driver in it"

static bool has_dir(const struct safe_dir *root, const char *name)
{
	struct safe_dir dir;
	int r = safe_dir_enter(root, name, &dir);

	safe_dir_close(&dir);
	return !r;
}

static bool is_remapped(const struct safe_dir *root, const struct dir_entry *entry)
{
	const char *group = strchr(entry->name, '.');
	char path[600];

	if (!entry->is_dir || !group || !group[1] ||
	    strspn(entry->name, "0123456789") != (size_t)(group - entry->name) ||
	    strspn(group + 1, "0123456789") != strlen(group + 1))
		return false;
	(void)snprintf(path, sizeof(path), "%s/devicemapper", entry->name);
	return has_dir(root, path);
}

size_t root_remapped(const struct safe_dir *root, char *name, size_t size)
{
	struct dir_list list;
	size_t nr = 0;

	*name = '\0';
	if (safe_dir_list(root, &list))
		list.nr = 0;
	for (size_t i = 0; i < list.nr; i++) {
		if (!is_remapped(root, &list.items[i]))
			continue;
		if (!nr++)
			(void)snprintf(name, size, "%s", list.items[i].name);
	}
	dir_list_destroy(&list);
	return nr;
}

static bool find_remapped(const struct safe_dir *root, struct root_hint *hint)
{
	char name[64];

	if (!root_remapped(root, name, sizeof(name)))
		return false;
	(void)snprintf(hint->text, sizeof(hint->text),
		       NOTHING "; with userns-remap it is in %.60s below it", name);
	return true;
}

static bool find_other_driver(const struct safe_dir *root, struct root_hint *hint)
{
	static const char *const names[] = { "overlay2", "overlay", "aufs", "btrfs", "zfs", "vfs" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!has_dir(root, names[i]))
			continue;
		(void)snprintf(hint->text, sizeof(hint->text), NOTHING ": Docker uses %s here",
			       names[i]);
		return true;
	}
	return false;
}

bool root_is_of_containers_storage(const struct safe_dir *root)
{
	return has_dir(root, "devicemapper-layers");
}

struct root_hint root_hint_of(const struct safe_dir *root)
{
	struct root_hint hint = { NOTHING };
	struct safe_stat ignored;

	if (!safe_dir_stat(root, "metadata/deviceset-metadata", &ignored) ||
	    !safe_dir_stat(root, "metadata/transaction-metadata", &ignored) ||
	    !safe_dir_stat(root, "metadata/base", &ignored))
		(void)snprintf(hint.text, sizeof(hint.text),
			       "it is the driver's own directory: give the one above it");
	else if (!find_remapped(root, &hint))
		(void)find_other_driver(root, &hint);
	return hint;
}
