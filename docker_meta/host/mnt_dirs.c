/* SPDX-License-Identifier: MIT
 * mnt_dirs.c: what lies below ROOT/devicemapper: mount points, and the file of a loop device.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "docker_meta/host/host_internal.h"

/* -errno, or whether there is anything but . and .. */
static int has_anything(const struct safe_dir *dir, const char *name)
{
	struct safe_dir inner;
	struct dirent *e;
	DIR *d;
	int r = safe_dir_enter(dir, name, &inner);

	if (r)
		return r;
	d = fdopendir(inner.fd);
	if (!d) {
		r = -errno;
		safe_dir_close(&inner);
		return r;
	}
	errno = 0;
	while (!r && (e = readdir(d)))
		r = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	if (!r && errno)
		r = -errno;
	/* The descriptor goes with it. */
	closedir(d);
	inner.fd = -1;
	safe_dir_close(&inner);
	return r;
}

/* What is mounted there is another device; nobody looks into it. */
static int add_dir(struct host *h, const struct safe_dir *mnt, dev_t device, const char *name)
{
	struct mnt_dir *grown =
		alloc_grow(h->mnt_dirs, &h->mnt_dirs_capacity, h->nr_mnt_dirs, sizeof(*grown));
	struct mnt_dir *d;
	struct stat st;
	int anything;

	if (!grown)
		return -ENOMEM;
	h->mnt_dirs = grown;
	d = &grown[h->nr_mnt_dirs++];
	*d = (struct mnt_dir){ .name = alloc_string(name) };
	if (!d->name)
		return -ENOMEM;
	if (fstatat(mnt->fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT)) {
		/* A device that gives no answer is mounted all the same. */
		d->unreadable = true;
		return 0;
	}
	d->mounted = st.st_dev != device;
	if (d->mounted)
		return 0;
	anything = has_anything(mnt, name);
	if (anything == -ENOMEM)
		return anything;
	d->unreadable = anything < 0;
	d->empty = !anything;
	return 0;
}

int host_mnt_dirs_read(const struct safe_dir *root, struct host *h)
{
	struct safe_dir mnt;
	struct dir_list list = { NULL, 0, 0 };
	struct stat st;
	int r = safe_dir_enter(root, "devicemapper/mnt", &mnt);

	if (r)
		return r == -ENOMEM ? r : 0;
	r = fstat(mnt.fd, &st) ? -errno : safe_dir_list(&mnt, &list);
	h->has_mnt_dirs = !r;
	for (size_t i = 0; i < list.nr && !r; i++) {
		if (list.items[i].is_dir)
			r = add_dir(h, &mnt, st.st_dev, list.items[i].name);
	}
	dir_list_destroy(&list);
	safe_dir_close(&mnt);
	return r == -ENOMEM ? r : 0;
}

void host_data_file_read(const struct safe_dir *root, struct host *h)
{
	struct safe_dir dir;
	struct statvfs fs;
	struct stat st;
	int fd = -1;

	if (safe_dir_enter(root, "devicemapper/devicemapper", &dir))
		return;
	if (!safe_dir_open_file(&dir, "data", &fd) && !fstat(fd, &st) && !fstatvfs(fd, &fs))
		h->data_file = (struct host_file){
			.present = true,
			.bytes = (uint64_t)st.st_size,
			.allocated = (uint64_t)st.st_blocks * 512,
			.fs_bytes = (uint64_t)fs.f_blocks * fs.f_frsize,
			.fs_free = (uint64_t)fs.f_bfree * fs.f_frsize,
		};
	if (fd >= 0)
		close(fd);
	safe_dir_close(&dir);
}
