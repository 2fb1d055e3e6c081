/* SPDX-License-Identifier: MIT */
#include "docker_meta/source/docker/other_drivers.h"

#include <errno.h>
#include <stdio.h>

#include "common/base/alloc.h"

/* Of moby daemon/graphdriver; it does not count vfs. */
static const char *const names[] = {
	"aufs", "btrfs", "fuse-overlayfs", "overlay", "overlay2", "zfs"
};

static int look_at_state(const struct safe_dir *root, struct other_driver *d)
{
	struct dir_list list = { 0 };
	struct safe_dir dir;
	int e = safe_dir_enter(root, d->name, &dir);

	if (!e)
		e = safe_dir_list(&dir, &list);
	d->has_state = list.nr > 0;
	dir_list_destroy(&list);
	safe_dir_close(&dir);
	return e == -ENOMEM ? e : 0;
}

static int look_at_images(const struct safe_dir *root, const struct image_store *images,
			  struct other_driver *d)
{
	struct dir_list list = { 0 };
	struct safe_dir dir;
	char path[64];
	int e;

	(void)snprintf(path, sizeof(path), "image/%s/imagedb/content/sha256", d->name);
	e = safe_dir_enter(root, path, &dir);
	if (!e)
		e = safe_dir_list(&dir, &list);
	for (size_t i = 0; i < list.nr; i++) {
		d->nr_images += is_hex_name(list.items[i].name);
		d->nr_twice += image_store_find(images, list.items[i].name) != NULL;
	}
	dir_list_destroy(&list);
	safe_dir_close(&dir);
	return e == -ENOMEM ? e : 0;
}

static int add(struct other_drivers *all, const struct other_driver *d)
{
	struct other_driver *grown =
		alloc_grow(all->items, &all->capacity, all->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	all->items = grown;
	grown[all->nr++] = *d;
	return 0;
}

int other_drivers_read(const struct safe_dir *root, const struct image_store *images,
		       struct other_drivers *ret_drivers)
{
	int e = 0;

	*ret_drivers = (struct other_drivers){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(names) && !e; i++) {
		struct other_driver d = { .name = names[i] };

		e = look_at_state(root, &d);
		if (!e)
			e = look_at_images(root, images, &d);
		if (!e && (d.has_state || d.nr_images))
			e = add(ret_drivers, &d);
	}
	return e;
}

bool other_drivers_have_state(const struct other_drivers *d)
{
	for (size_t i = 0; i < d->nr; i++) {
		if (d->items[i].has_state)
			return true;
	}
	return false;
}

void other_drivers_destroy(struct other_drivers *d)
{
	alloc_free(d->items);
	*d = (struct other_drivers){ 0 };
}
