/* SPDX-License-Identifier: MIT */
#include "docker_meta/data/pool_data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "docker_meta/read/safe_dir.h"
#include "docker_meta/source/docker/layout.h"

/* ---- the data device */

static int open_loop(const char *root, const struct safe_rules *rules, int *ret_fd)
{
	struct safe_dir dir;
	int r = safe_dir_open(root, rules, &dir);

	if (!r)
		r = safe_dir_open_file(&dir, LOOP_DATA, ret_fd);
	safe_dir_close(&dir);
	return r;
}

/* What the user named may be reached through symbolic links, as /dev/mapper/NAME is. */
static int open_named(const char *path, int *ret_fd)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), r;
	struct stat st;

	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) ? -errno : 0;
	if (!r && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		r = -EINVAL;
	if (r)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}

/* ---- first blocks */

struct first {
	uint64_t block;
	size_t row;
};

static int by_block(const void *a, const void *b)
{
	const struct first *fa = a, *fb = b;

	if (fa->block != fb->block)
		return fa->block < fb->block ? -1 : 1;
	return (fa->row > fb->row) - (fa->row < fb->row);
}

/* To be freed; NULL where there is no memory. */
static struct first *collect(const struct device_table *t, size_t *ret_nr)
{
	struct first *firsts = alloc_array(t->nr + 1, sizeof(*firsts));

	*ret_nr = 0;
	for (size_t i = 0; firsts && i < t->nr; i++) {
		const struct pool_device *d = t->rows[i].pool;

		if (d && d->complete && d->has_first)
			firsts[(*ret_nr)++] = (struct first){ d->first_block, i };
	}
	if (firsts)
		qsort(firsts, *ret_nr, sizeof(*firsts), by_block);
	return firsts;
}

/* A file that ends before has nothing there. */
static struct file_system look(int fd, uint64_t block, uint64_t block_bytes)
{
	uint8_t head[FILE_SYSTEM_HEAD];
	uint64_t offset;
	ssize_t n;

	if (__builtin_mul_overflow(block, block_bytes, &offset) ||
	    offset > (uint64_t)INT64_MAX - sizeof(head))
		return (struct file_system){ .type = NULL };
	do {
		n = pread(fd, head, sizeof(head), (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? file_system_probe(head, (size_t)n) : (struct file_system){ .type = NULL };
}

static int look_at_all(struct pool_data *d, int fd)
{
	const struct device_table *t = d->table;
	const uint64_t bytes = (uint64_t)t->pool->header.data_block_size * 512;
	struct file_system fs = { .type = NULL };
	size_t nr;
	struct first *firsts = collect(t, &nr);

	d->systems = alloc_array(t->nr + 1, sizeof(*d->systems));
	if (!firsts || !d->systems) {
		alloc_free(firsts);
		return -ENOMEM;
	}
	for (size_t i = 0; i < nr; i++) {
		if (!i || firsts[i].block != firsts[i - 1].block)
			fs = look(fd, firsts[i].block, bytes);
		d->systems[firsts[i].row] = fs;
	}
	alloc_free(firsts);
	d->looked_at = true;
	return 0;
}

int pool_data_read(const char *path, const char *root, const struct safe_rules *rules,
		   const struct device_table *table, struct pool_data *ret_data)
{
	int fd = -1, r;

	*ret_data = (struct pool_data){ .named = path != NULL, .table = table };
	if (!table->pool)
		return 0;
	r = path ? open_named(path, &fd) : open_loop(root, rules, &fd);
	if (r) {
		if (r != -ENOENT || path)
			(void)snprintf(ret_data->fault, sizeof(ret_data->fault), "%s",
				       safe_dir_fault(r));
		return 0;
	}
	r = look_at_all(ret_data, fd);
	close(fd);
	return r;
}

void pool_data_destroy(struct pool_data *d)
{
	alloc_free(d->systems);
	*d = (struct pool_data){ 0 };
}

const struct file_system *pool_data_find(const struct pool_data *d, const struct device_row *row)
{
	const struct file_system *fs = d->systems ? &d->systems[row - d->table->rows] : NULL;

	return fs && fs->type ? fs : NULL;
}
