/* SPDX-License-Identifier: MIT
 * dm_busy.c: by sysfs and device-mapper's own ioctl.
 *
 * libdevmapper would say the same with as many lines here, but it comes with libselinux, libudev,
 * libpcre2 and libm (2.3 MB on Debian, which has no static libdevmapper), and thin_check goes into
 * the initramfs.  dlopen() would load all of that into a process of root for the sake of one name.
 * The ioctl has been the same since 2003.
 */
#include "common/tool/dm_busy.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The answer to DM_TABLE_STATUS: the kernel puts the first target right behind the head. */
struct table {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char parameters[4096];
};

/* Ask for the table of the device-mapper device with this number.  A pool's has one line. */
static bool read_table(int control, dev_t dev, struct table *ret_table)
{
	*ret_table = (struct table){
		.head = { .version = { DM_VERSION_MAJOR, 0, 0 },
			  .data_size = sizeof(*ret_table),
			  .data_start = offsetof(struct table, target),
			  .flags = DM_STATUS_TABLE_FLAG,
			  .dev = dev },
	};
	return !ioctl(control, DM_TABLE_STATUS, ret_table) && ret_table->head.target_count == 1 &&
	       ret_table->head.data_start == offsetof(struct table, target) &&
	       !(ret_table->head.flags & DM_BUFFER_FULL_FLAG);
}

/* Is it a thin pool with this metadata device?  Its parameters begin with "MAJOR:MINOR ". */
static bool is_pool_on(const struct table *t, dev_t metadata)
{
	char wanted[32];

	(void)snprintf(wanted, sizeof(wanted), "%u:%u ", major(metadata), minor(metadata));
	return !strcmp(t->target.target_type, "thin-pool") &&
	       !strncmp(t->parameters, wanted, strlen(wanted));
}

/* The number of the device dm-N that holds another one. */
static bool read_number(int holders, const char *name, dev_t *ret_dev)
{
	unsigned int major, minor;
	char path[300], text[32] = "";
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/dev", name);
	fd = openat(holders, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (n <= 0 || sscanf(text, "%u:%u", &major, &minor) != 2)
		return false;
	*ret_dev = makedev(major, minor);
	return true;
}

static void find_pool(int control, DIR *holders, dev_t metadata, char *text, size_t size)
{
	const struct dirent *entry;
	struct table t;
	dev_t dev;

	while (!*text && (entry = readdir(holders))) {
		if (!strncmp(entry->d_name, "dm-", 3) &&
		    read_number(dirfd(holders), entry->d_name, &dev) &&
		    read_table(control, dev, &t) && is_pool_on(&t, metadata))
			(void)snprintf(text, size, " as the metadata of pool %.*s",
				       (int)sizeof(t.head.name), t.head.name);
	}
}

void dm_who_uses(const char *path, char *text, size_t size)
{
	char holders_path[64];
	struct stat st;
	DIR *holders;
	int control;

	*text = '\0';
	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		return;
	(void)snprintf(holders_path, sizeof(holders_path), "/sys/dev/block/%u:%u/holders",
		       major(st.st_rdev), minor(st.st_rdev));
	holders = opendir(holders_path);
	if (!holders)
		return;
	control = open("/dev/" DM_DIR "/" DM_CONTROL_NODE, O_RDWR | O_CLOEXEC);
	if (control >= 0) {
		find_pool(control, holders, st.st_rdev, text, size);
		(void)close(control);
	}
	(void)closedir(holders);
}
