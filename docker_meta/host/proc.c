/* SPDX-License-Identifier: MIT
 * proc.c: the mounts of a file, and those of every process.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/number.h"
#include "common/base/u64_map.h"
#include "common/io/fd_io.h"
#include "docker_meta/host/kernel_file.h"
#include "docker_meta/host/mounts.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC)

enum {
	MAX_MOUNTINFO = 64 << 20, /* bytes: of one namespace */
	MAX_PROCESSES = 1 << 20,
	MAX_NAMESPACES = 1 << 16,
};

/* ---- a file */

int mount_table_read_file(const char *path, struct mount_table *ret_table)
{
	const struct mount_namespace alone = { .is_dockers = true };
	char *text;
	size_t bytes;
	int r;

	*ret_table = (struct mount_table){ 0 };
	r = kernel_file_read(path, MAX_MOUNTINFO, &text, &bytes);
	if (!r)
		r = mount_table_add_namespace(ret_table, &alone);
	if (!r)
		r = mount_table_parse(text, 0, ret_table);
	if (!r && ret_table->nr_bad_lines)
		r = -EINVAL;
	if (r != -ENOMEM)
		mount_table_sort(ret_table);
	alloc_free(text);
	return r;
}

/* ---- processes */

struct processes {
	uint64_t *pids; /* owned, ascending */
	size_t nr, capacity;
};

static int by_number(const void *a, const void *b)
{
	const uint64_t na = *(const uint64_t *)a, nb = *(const uint64_t *)b;

	return (na > nb) - (na < nb);
}

static int add_process(struct processes *p, uint64_t pid)
{
	uint64_t *grown = alloc_grow(p->pids, &p->capacity, p->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	p->pids = grown;
	grown[p->nr++] = pid;
	return 0;
}

static int list_processes(int proc, struct processes *p, bool *ret_all)
{
	int fd = openat(proc, ".", OPEN_DIR), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e = NULL;
	uint64_t pid;

	*ret_all = true;
	if (!d) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (!r) {
		errno = 0;
		e = readdir(d);
		if (!e)
			break;
		if (!parse_u64(e->d_name, &pid))
			continue;
		if (p->nr == MAX_PROCESSES) {
			*ret_all = false;
			break;
		}
		r = add_process(p, pid);
	}
	if (!e && errno)
		*ret_all = false;
	closedir(d);
	if (p->nr)
		qsort(p->pids, p->nr, sizeof(*p->pids), by_number);
	return r;
}

static bool is_dockerd(const char *comm)
{
	static const char *const names[] = { "dockerd", "dockerd-current", "docker-current",
					     "docker" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(comm, names[i]))
			return true;
	}
	return false;
}

/* The inode in "mnt:[4026531840]"; 0: not known.  True unless the process is gone, or is not ours
 * to look at. */
static uint64_t inode_of(int proc, uint64_t pid)
{
	char name[48], link[64];
	uint64_t inode = 0;
	ssize_t n;

	(void)snprintf(name, sizeof(name), "%llu/ns/mnt", (unsigned long long)pid);
	n = readlinkat(proc, name, link, sizeof(link) - 1);
	if (n < 7 || strncmp(link, "mnt:[", 5) != 0 || link[n - 1] != ']')
		return 0;
	link[n - 1] = '\0';
	return parse_u64(link + 5, &inode) && inode != UINT64_MAX ? inode : 0;
}

/*
 * Landlock hides the inode, which is for who may trace the process, and so does the kernel from
 * who is not root.  Mounts are numbered across all namespaces: the first one tells which it is.
 * 0: not known.
 */
static uint64_t first_mount_of(int proc, uint64_t pid)
{
	char name[48], text[24] = "";
	uint64_t mount = 0;
	size_t n = 0;
	int fd;

	(void)snprintf(name, sizeof(name), "%llu/mountinfo", (unsigned long long)pid);
	fd = openat(proc, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		if (fd_read_up_to(fd, text, sizeof(text) - 1, &n))
			*text = '\0';
		close(fd);
	}
	text[strcspn(text, " ")] = '\0';
	return parse_u64(text, &mount) && mount <= INT32_MAX ? mount : 0;
}

static uint64_t own_pid(int proc)
{
	char link[32];
	uint64_t pid = 0;
	ssize_t n = readlinkat(proc, "self", link, sizeof(link) - 1);

	if (n <= 0)
		return 0;
	link[n] = '\0';
	return parse_u64(link, &pid) ? pid : 0;
}

#define MOUNT_KEY (UINT64_C(1) << 32) /* inodes of namespaces have 32 bits */

struct walk {
	int proc;
	uint64_t self;
	struct u64_map seen; /* inode of a namespace, or MOUNT_KEY + a mount: its index and 1 */
	struct mount_table *table;
};

/* A process that is gone has no mounts; what else cannot be read may have some. */
static bool is_gone(int error)
{
	return error == -ENOENT || error == -ESRCH || error == -EINVAL;
}

static int read_namespace(struct walk *w, uint64_t pid, const struct mount_namespace *n)
{
	char name[48], *text;
	size_t bytes;
	int r;

	(void)snprintf(name, sizeof(name), "%llu/mountinfo", (unsigned long long)pid);
	r = kernel_file_read_at(w->proc, name, MAX_MOUNTINFO, &text, &bytes);
	if (r) {
		w->table->nr_unread += !is_gone(r) && r != -ENOMEM;
		return r == -ENOMEM ? r : 0;
	}
	r = mount_table_add_namespace(w->table, n);
	if (!r)
		r = mount_table_parse(text, (uint32_t)(w->table->nr_namespaces - 1), w->table);
	alloc_free(text);
	return r;
}

/* It was read before: this process may tell more of it. */
static void note_process(struct mount_namespace *known, const struct mount_namespace *n,
			 bool dockerd)
{
	if (dockerd && !is_dockerd(known->holder)) {
		known->pid = n->pid;
		memcpy(known->holder, n->holder, sizeof(known->holder));
	}
	if (!known->inode)
		known->inode = n->inode;
	known->is_dockers |= n->is_dockers;
}

/* The namespace that was read before, or NULL.  Different inodes are different namespaces. */
static struct mount_namespace *find_seen(const struct walk *w, uint64_t inode, uint64_t mount)
{
	const uint64_t *seen = inode ? u64_map_find(&w->seen, inode) : NULL;
	struct mount_namespace *known;

	if (seen)
		return &w->table->namespaces[*seen - 1];
	seen = mount ? u64_map_find(&w->seen, MOUNT_KEY + mount) : NULL;
	known = seen ? &w->table->namespaces[*seen - 1] : NULL;
	return known && (!inode || !known->inode) ? known : NULL;
}

static int remember(struct walk *w, uint64_t key, size_t index)
{
	uint64_t *slot = u64_map_at(&w->seen, key);

	if (slot && !*slot)
		*slot = index + 1;
	return slot ? 0 : -ENOMEM;
}

static int read_first(struct walk *w, const struct mount_namespace *n, uint64_t mount)
{
	const size_t before = w->table->nr_namespaces;
	int r;

	if (before == MAX_NAMESPACES) {
		w->table->nr_unread++;
		return 0;
	}
	r = read_namespace(w, n->pid, n);
	if (w->table->nr_namespaces == before)
		return r;
	if (!r && n->inode)
		r = remember(w, n->inode, before);
	if (!r && mount)
		r = remember(w, MOUNT_KEY + mount, before);
	return r;
}

static int look_at(struct walk *w, uint64_t pid)
{
	struct mount_namespace n = { .inode = inode_of(w->proc, pid), .pid = pid };
	struct mount_namespace *known = find_seen(w, n.inode, 0);
	uint64_t mount = 0;
	char name[48];
	bool dockerd;

	(void)snprintf(name, sizeof(name), "%llu/comm", (unsigned long long)pid);
	dockerd = kernel_file_line_at(w->proc, name, n.holder, sizeof(n.holder)) &&
		  is_dockerd(n.holder);
	n.is_dockers = dockerd || pid == 1 || pid == w->self;
	w->table->has_dockerd |= dockerd;
	if (!known) {
		mount = first_mount_of(w->proc, pid);
		known = find_seen(w, n.inode, mount);
	}
	if (!known)
		return read_first(w, &n, mount);
	note_process(known, &n, dockerd);
	return 0;
}

int mount_table_read_proc(const char *path, struct mount_table *ret_table)
{
	struct walk w = { .proc = open(path, OPEN_DIR), .table = ret_table };
	struct processes p = { NULL, 0, 0 };
	bool all = true;
	int r;

	*ret_table = (struct mount_table){ 0 };
	if (w.proc < 0)
		return -errno;
	w.self = own_pid(w.proc);
	r = list_processes(w.proc, &p, &all);
	for (size_t i = 0; i < p.nr && !r; i++)
		r = look_at(&w, p.pids[i]);
	if (!r && !ret_table->nr_namespaces)
		r = -ENODATA;
	ret_table->has_processes = true;
	ret_table->all_namespaces = all && !ret_table->nr_unread && !ret_table->truncated;
	if (r != -ENOMEM)
		mount_table_sort(ret_table);
	close(w.proc);
	alloc_free(p.pids);
	u64_map_destroy(&w.seen);
	return r;
}
