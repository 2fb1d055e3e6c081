/* SPDX-License-Identifier: MIT */
#include "common/tool/same_storage.h"

#include <dirent.h>
#include <errno.h>
#include <linux/major.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/loop.h"
#include "common/io/sys_block.h"
#include "common/tool/dm_table.h"

enum {
	SECTOR = 512,
	MAX_LEVELS = 32, /* of devices on devices; the kernel's stack would not bear more */
};

static bool is_same(const struct storage_node *a, const struct storage_node *b)
{
	return a->rdev == b->rdev && a->device == b->device && a->inode == b->inode;
}

static struct storage_node device_node(dev_t rdev)
{
	return (struct storage_node){ .rdev = rdev };
}

/* Sum, or UINT64_MAX. */
static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static int add_node(struct storage *s, const struct storage_node *node)
{
	struct storage_node *grown =
		alloc_grow(s->nodes, &s->nodes_capacity, s->nr_nodes, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->nodes = grown;
	grown[s->nr_nodes++] = *node;
	return 0;
}

static bool has_node(const struct storage *s, const struct storage_node *node)
{
	for (size_t i = 0; i < s->nr_nodes; i++) {
		if (is_same(&s->nodes[i], node))
			return true;
	}
	return false;
}

static int add_extent(struct storage *s, const struct storage_extent *extent)
{
	struct storage_extent *grown =
		alloc_grow(s->extents, &s->extents_capacity, s->nr_extents, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->extents = grown;
	grown[s->nr_extents++] = *extent;
	return 0;
}

/* ---- one level down */

static int find_below(struct storage *s, const struct storage_extent *here, bool exact,
		      unsigned int level);

/* The bytes of `here` that lie `shift` further on a node below, at most up to `end` there. */
/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_LEVELS deep */
static int move_down(struct storage *s, const struct storage_extent *here, struct storage_node node,
		     uint64_t shift, uint64_t end, bool exact, unsigned int level)
{
	struct storage_extent below = { node, sum(here->begin, shift), sum(here->end, shift) };

	if (below.end > end)
		below.end = end;
	return find_below(s, &below, exact, level + 1);
}

/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_LEVELS deep */
static int find_below_loop(struct storage *s, const struct storage_extent *here, bool exact,
			   unsigned int level, bool *ret_known)
{
	struct loop_backing on;
	struct storage_node node;
	const int e = loop_backing(here->node.rdev, &on);

	*ret_known = !e;
	/* Who may not ask may not read it either. */
	s->unknown |= e && e != -ENXIO && e != -EACCES && e != -EPERM;
	if (e)
		return 0;
	node = (struct storage_node){ .device = on.device, .inode = on.inode };
	if (on.is_device)
		node = device_node(on.rdev);
	return move_down(s, here, node, on.begin, on.end, exact, level);
}

/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_LEVELS deep */
static int find_below_partition(struct storage *s, const struct storage_extent *here, bool exact,
				unsigned int level, bool *ret_known)
{
	struct partition p;

	*ret_known = partition_find(here->node.rdev, &p);
	return *ret_known ? move_down(s, here, device_node(p.disk), p.begin, p.end, exact, level)
			  : 0;
}

struct linear_walk {
	struct storage *s;
	const struct storage_extent *here;
	bool exact;
	unsigned int level;
	int error;
};

/* The part of `here` that lies in this piece. */
/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_LEVELS deep */
static void visit_linear(void *context, const struct dm_linear *piece)
{
	struct linear_walk *w = context;
	const uint64_t begin = piece->begin * SECTOR, end = sum(begin, piece->length * SECTOR);
	const uint64_t on = piece->on_begin * SECTOR;
	struct storage_extent part = *w->here;

	part.begin = part.begin > begin ? part.begin : begin;
	part.end = part.end < end ? part.end : end;
	if (w->error || part.begin >= part.end)
		return;
	part.begin -= begin;
	part.end -= begin;
	w->error =
		move_down(w->s, &part, device_node(piece->on), on, UINT64_MAX, w->exact, w->level);
}

/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_LEVELS deep */
static int find_below_linear(struct storage *s, const struct storage_extent *here, bool exact,
			     unsigned int level, bool *ret_known)
{
	struct linear_walk w = { s, here, exact, level, 0 };
	int r = dm_table_is_linear(here->node.rdev);

	*ret_known = r > 0;
	if (r > 0)
		r = dm_table_linear(here->node.rdev, visit_linear, &w);
	if (r == -ENODEV) { /* It was removed in the meantime. */
		*ret_known = false;
		r = 0;
	}
	return r ? r : w.error;
}

/* Where on them its bytes are nobody can tell: that it stands on them is all. */
/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_LEVELS deep */
static int find_slaves(struct storage *s, dev_t rdev, unsigned int level)
{
	const struct dirent *entry;
	char path[SYS_PATH];
	DIR *dir;
	int r = 0;

	sys_path(rdev, "slaves", path);
	dir = opendir(path);
	while (dir && !r && (entry = readdir(dir))) {
		struct storage_extent all = { .end = UINT64_MAX };
		char dev[640];

		(void)snprintf(dev, sizeof(dev), "%s/%s/dev", path, entry->d_name);
		if (entry->d_name[0] != '.' && sys_read_device(dev, &all.node.rdev))
			r = find_below(s, &all, false, level + 1);
	}
	if (dir)
		(void)closedir(dir);
	return r;
}

/* Exact: all bytes of here belong to what is looked at. */
/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_LEVELS deep */
static int find_below(struct storage *s, const struct storage_extent *here, bool exact,
		      unsigned int level)
{
	bool known = false;
	int r;

	if (level > MAX_LEVELS || (!exact && has_node(s, &here->node)))
		return 0;
	r = has_node(s, &here->node) ? 0 : add_node(s, &here->node);
	if (!r && here->node.rdev)
		r = find_below_partition(s, here, exact, level, &known);
	if (!r && !known && major(here->node.rdev) == LOOP_MAJOR)
		r = find_below_loop(s, here, exact, level, &known);
	if (!r && !known && here->node.rdev)
		r = find_below_linear(s, here, exact, level, &known);
	if (!r && !known && exact)
		r = add_extent(s, here);
	return r || known || !here->node.rdev ? r : find_slaves(s, here->node.rdev, level);
}

/* ---- the whole */

int storage_find(const struct stat *st, struct storage *ret)
{
	struct storage_extent all = { .end = UINT64_MAX };

	*ret = (struct storage){ 0 };
	if (S_ISBLK(st->st_mode))
		all.node.rdev = st->st_rdev;
	else if (S_ISREG(st->st_mode))
		all.node = (struct storage_node){ .device = st->st_dev, .inode = st->st_ino };
	else
		return 0;
	return find_below(ret, &all, true, 0);
}

void storage_destroy(struct storage *s)
{
	alloc_free(s->nodes);
	alloc_free(s->extents);
	*s = (struct storage){ 0 };
}

static bool extents_meet(const struct storage *a, const struct storage *b)
{
	for (size_t i = 0; i < a->nr_extents; i++) {
		for (size_t j = 0; j < b->nr_extents; j++) {
			const struct storage_extent *x = &a->extents[i], *y = &b->extents[j];

			if (is_same(&x->node, &y->node) && x->begin < y->end && y->begin < x->end)
				return true;
		}
	}
	return false;
}

bool storage_overlaps(const struct storage *a, const struct storage *b)
{
	if (!a->nr_nodes || !b->nr_nodes)
		return false;
	return a->unknown || b->unknown || has_node(a, &b->nodes[0]) || has_node(b, &a->nodes[0]) ||
	       extents_meet(a, b);
}

int storage_compare(const struct stat *a, const struct stat *b)
{
	struct storage sa = { 0 }, sb = { 0 };
	int r = storage_find(a, &sa);

	if (!r)
		r = storage_find(b, &sb);
	if (!r)
		r = storage_overlaps(&sa, &sb);
	storage_destroy(&sa);
	storage_destroy(&sb);
	return r;
}

bool storage_is_same(const struct stat *a, const struct stat *b)
{
	return storage_compare(a, b) != 0;
}

bool same_storage(const char *a, const char *b)
{
	struct stat sa, sb;

	return !stat(a, &sa) && !stat(b, &sb) && storage_is_same(&sa, &sb);
}
