/* SPDX-License-Identifier: MIT
 * test_host.c: what the host says: mounts, processes, loop devices, as the kernel writes them and
 * as it would not.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "docker_meta/host/dm_names.h"
#include "docker_meta/host/host_internal.h"
#include "docker_meta/host/kernel_file.h"
#include "docker_meta/host/snap.h"
#include "docker_meta/judge/findings_internal.h"
#include "tests/support/leaks.h"

TestSuite(host, .fini = fail_on_leaks);

/* ---- names */

Test(host, names_of_devices)
{
	cr_expect_str_eq(dm_name_hash("docker-254:16-16386-pool"), "pool");
	cr_expect_str_eq(dm_name_hash("docker-8:1-2-a-init"), "a-init");
	cr_expect_null(dm_name_hash("docker-8:1-2-"));
	cr_expect_null(dm_name_hash("docker-8:1-2"));
	cr_expect_null(dm_name_hash("docker-8-1-2-a"));
	cr_expect_null(dm_name_hash("docker-:1-2-a"));
	cr_expect_null(dm_name_hash("docker-8:1-2-a/b"));
	cr_expect_null(dm_name_hash("docker-thinpool"));
	cr_expect_null(dm_name_hash(""));
	cr_expect_str_eq(dm_name_strip("/dev/mapper/a"), "a");
	cr_expect_str_eq(dm_name_strip("a"), "a");
}

Test(host, kernels)
{
	cr_expect(snap_kernel_is_good("4.4.0-210-generic"));
	cr_expect(snap_kernel_is_good("6.1.0-50-amd64") && snap_kernel_is_good("10.0"));
	cr_expect_not(snap_kernel_is_good("4.3.9") || snap_kernel_is_good("3.10.0-1160.el7"));
	cr_expect_not(snap_kernel_is_good("") || snap_kernel_is_good("4"));
}

/* ---- mounts */

static struct mount_table table_of(const char *lines)
{
	const struct mount_namespace alone = { .is_dockers = true };
	struct mount_table t = { 0 };
	char *text = alloc_string(lines);

	cr_assert(!mount_table_add_namespace(&t, &alone) && !mount_table_parse(text, 0, &t));
	mount_table_sort(&t);
	alloc_free(text);
	return t;
}

Test(host, mounts_that_are_dockers)
{
	struct mount_table t = table_of(
		"31 1 0:25 / / rw,relatime - overlay root rw,lowerdir=/ro\n"
		"35 33 253:1 / /var/lib/docker/devicemapper/mnt/aa rw shared:2 master:3 - xfs "
		"/dev/mapper/docker-254:16-16386-aa rw\n"
		"36 33 253:2 /rootfs / rw - xfs /dev/mapper/docker-254:16-16386-bb rw\n"
		"37 33 253:3 / /mnt/a\\040b\\134\\011\\9x rw - xfs "
		"/dev/mapper/docker-254:16-16386-cc rw\n"
		"38 33 253:4 / /x/devicemapper/mnt/dd rw - xfs /dev/dm-4 rw\n"
		"39 33 253:4 / /x/devicemapper/mnt/dd/rootfs/proc rw - proc proc rw\n"
		"40 33 253:5 / /x rw - xfs /dev/mapper/vg-root rw");
	const struct host_mount *m;

	cr_assert_eq(t.nr_mounts, 4);
	cr_expect_eq(t.nr_bad_lines, 0);
	m = mount_table_find(&t, "aa");
	cr_assert_not_null(m);
	cr_expect(m->major == 253 && m->minor == 1 && !m->is_root);
	cr_expect_str_eq(m->point, "/var/lib/docker/devicemapper/mnt/aa");
	m = mount_table_find(&t, "bb");
	cr_expect(m && m->is_root);
	m = mount_table_find(&t, "cc");
	cr_assert_not_null(m);
	cr_expect_str_eq(m->point, "/mnt/a b\\\t\\9x");
	cr_expect_not_null(mount_table_find(&t, "dd"));
	cr_expect_null(mount_table_find(&t, "ee"));
	cr_expect_null(mount_table_find(&t, ""));
	mount_table_destroy(&t);
}

Test(host, mounts_that_are_none)
{
	static const char *const bad[] = {
		"x",
		"1",
		"1 2",
		"1 2 3:4",
		"1 2 3:4 / /x rw",
		"1 2 3:4 / /x rw - xfs",
		"1 2 3:4 / x rw - xfs /dev/x rw",
		"1 2 3 / /x rw - xfs /dev/x rw",
		"1 2 3:99999999999 / /x rw - xfs /dev/x rw",
		"-1 2 3:4 / /x rw - xfs /dev/x rw",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mount_table t = table_of(bad[i]);

		cr_expect(!t.nr_mounts && t.nr_bad_lines == 1, "%s", bad[i]);
		mount_table_destroy(&t);
	}
}

/* ---- a directory like /proc */

struct tree {
	char path[32];
};

static struct tree make_tree(void)
{
	struct tree t = { "/tmp/test_host.XXXXXX" };

	cr_assert_not_null(mkdtemp(t.path));
	return t;
}

static void remove_tree(const struct tree *t)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", t->path);
	cr_assert_eq(system(command), 0); /* NOLINT(cert-env33-c): a fixed command */
}

static void make_dirs(const struct tree *t, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", t->path, name);
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void)mkdir(path, 0700);
		*p = '/';
	}
}

static void put(const struct tree *t, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	make_dirs(t, name);
	(void)snprintf(path, sizeof(path), "%s/%s", t->path, name);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	cr_assert(fputs(text, f) >= 0 && !fclose(f));
}

static void link_to(const struct tree *t, const char *name, const char *target)
{
	char path[256];

	make_dirs(t, name);
	(void)snprintf(path, sizeof(path), "%s/%s", t->path, name);
	cr_assert_eq(symlink(target, path), 0);
}

#define MOUNT(hash) NUMBERED("1", hash)
#define NUMBERED(number, hash)                                                                   \
	number " 1 253:1 / /d/devicemapper/mnt/" hash " rw - xfs /dev/mapper/docker-1:2-3-" hash \
	       " rw\n"

Test(host, processes)
{
	struct tree tree = make_tree();
	struct mount_table t;
	const struct host_mount *m;

	put(&tree, "1/comm", "init\n");
	link_to(&tree, "1/ns/mnt", "mnt:[10]");
	put(&tree, "1/mountinfo", MOUNT("aa"));
	put(&tree, "30/comm", "dockerd\n");
	link_to(&tree, "30/ns/mnt", "mnt:[10]");
	put(&tree, "9/comm", "ntpd\n");
	link_to(&tree, "9/ns/mnt", "mnt:[11]");
	put(&tree, "9/mountinfo", MOUNT("aa") MOUNT("bb"));
	link_to(&tree, "9/root", "/");
	put(&tree, "40/comm", "gone\n");
	put(&tree, "41/mountinfo", NUMBERED("2", "cc"));
	link_to(&tree, "42/mountinfo", "/proc/self/mountinfo");
	put(&tree, "version", "Linux");
	cr_assert_eq(mount_table_read_proc(tree.path, &t), 0);
	cr_expect(t.has_processes && t.has_dockerd);
	cr_expect_eq(t.nr_namespaces, 3);
	/* That of 42 is a symbolic link, and is not followed: it may have any. */
	cr_expect(t.nr_unread == 1 && !t.all_namespaces);
	cr_assert_eq(t.nr_mounts, 4);
	m = mount_table_find(&t, "aa");
	cr_assert(m && t.namespaces[m->namespace].is_dockers);
	cr_expect_str_eq(t.namespaces[m->namespace].holder, "dockerd");
	cr_expect_eq(t.namespaces[m->namespace].pid, 30);
	m = mount_table_find(&t, "bb");
	cr_assert(m && !t.namespaces[m->namespace].is_dockers);
	cr_expect_str_eq(t.namespaces[m->namespace].holder, "ntpd");
	cr_expect_eq(t.namespaces[m->namespace].inode, 11);
	m = mount_table_find(&t, "cc");
	cr_assert(m && !t.namespaces[m->namespace].inode);
	mount_table_destroy(&t);
	remove_tree(&tree);
}

/* As Landlock shows them, and as who is not root sees them: the inode is that of few. */
Test(host, processes_of_others)
{
	struct tree tree = make_tree();
	struct mount_table t;
	const struct host_mount *m;

	put(&tree, "1/mountinfo", NUMBERED("20", "aa") NUMBERED("21", "bb"));
	put(&tree, "2/mountinfo", NUMBERED("20", "aa"));
	link_to(&tree, "3/ns/mnt", "mnt:[10]");
	put(&tree, "3/mountinfo", NUMBERED("20", "aa"));
	link_to(&tree, "4/ns/mnt", "mnt:[10]");
	link_to(&tree, "5/ns/mnt", "mnt:[11]");
	put(&tree, "5/mountinfo", NUMBERED("20", "cc"));
	put(&tree, "6/mountinfo", NUMBERED("2000000000000", "dd"));
	put(&tree, "7/mountinfo", NUMBERED("21", "ee"));
	cr_assert_eq(mount_table_read_proc(tree.path, &t), 0);
	cr_expect_eq(t.nr_namespaces, 4);
	cr_assert_eq(t.nr_mounts, 5);
	m = mount_table_find(&t, "bb");
	cr_assert(m && t.namespaces[m->namespace].is_dockers);
	cr_expect_eq(t.namespaces[m->namespace].inode, 10);
	mount_table_destroy(&t);
	remove_tree(&tree);
}

Test(host, no_processes)
{
	struct tree tree = make_tree();
	struct mount_table t;

	cr_expect_eq(mount_table_read_proc(tree.path, &t), -ENODATA);
	mount_table_destroy(&t);
	cr_expect_eq(mount_table_read_proc("/not/there", &t), -ENOENT);
	mount_table_destroy(&t);
	cr_expect_eq(mount_table_read_file("/not/there", &t), -ENOENT);
	mount_table_destroy(&t);
	cr_expect_eq(mount_table_read_file(tree.path, &t), -EISDIR);
	mount_table_destroy(&t);
	remove_tree(&tree);
}

/* The one that this runs on. */
Test(host, running_kernel)
{
	struct mount_table t;

	cr_assert_eq(mount_table_read_proc("/proc", &t), 0);
	cr_expect(t.nr_namespaces && !t.nr_bad_lines);
	mount_table_destroy(&t);
	cr_assert_eq(mount_table_read_file("/proc/self/mountinfo", &t), 0);
	mount_table_destroy(&t);
}

/* ---- files without a size */

Test(host, text_files)
{
	struct tree tree = make_tree();
	char path[64], line[4], *text;
	size_t bytes;

	put(&tree, "a", "12345\nx");
	(void)snprintf(path, sizeof(path), "%s/a", tree.path);
	cr_assert_eq(kernel_file_read(path, 7, &text, &bytes), 0);
	cr_expect_eq(bytes, 7);
	cr_expect_str_eq(text, "12345\nx");
	alloc_free(text);
	cr_expect_eq(kernel_file_read(path, 6, &text, &bytes), -EFBIG);
	cr_expect(kernel_file_line_at(AT_FDCWD, path, line, sizeof(line)));
	cr_expect_str_eq(line, "123");
	(void)snprintf(path, sizeof(path), "%s/fifo", tree.path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(kernel_file_read_at(AT_FDCWD, path, 7, &text, &bytes), -EINVAL);
	cr_expect_not(kernel_file_line_at(AT_FDCWD, path, line, sizeof(line)));
	cr_expect_eq(kernel_file_read("/dev/zero", 100000, &text, &bytes), -EFBIG);
	remove_tree(&tree);
}

/* ---- a directory like /sys, and semaphores */

Test(host, loop_devices)
{
	struct tree tree = make_tree();
	struct host h = { 0 };

	put(&tree, "block/loop0/dev", "7:0\n");
	put(&tree, "block/loop0/loop/backing_file", "/d/data\n");
	put(&tree, "block/loop1/dev", "7:1\n");
	put(&tree, "block/loop1/loop/backing_file", "/d/a (deleted)\n");
	put(&tree, "block/loop2/dev", "7:2\n");
	put(&tree, "block/loop3/dev", "nonsense\n");
	put(&tree, "block/loop3/loop/backing_file", "/d/data\n");
	put(&tree, "block/sda/dev", "8:0\n");
	cr_assert_eq(host_loops_read(tree.path, &h), 0);
	cr_assert_eq(h.nr_loops, 2);
	cr_expect(h.loops[0].deleted && h.loops[0].minor == 1);
	cr_expect_str_eq(h.loops[0].file, "/d/a");
	cr_expect(!h.loops[1].deleted && h.loops[1].major == 7 && !h.loops[1].minor);
	cr_expect_str_eq(h.loops[1].file, "/d/data");
	host_destroy(&h);
	cr_expect_eq(host_loops_read("/not/there", &h), 0);
	cr_expect_eq(h.nr_loops, 0);
	remove_tree(&tree);
}

Test(host, semaphores)
{
	struct tree tree = make_tree();
	struct host h = { 0 };

	cr_assert_eq(host_semaphores_read(tree.path, &h), 0);
	cr_expect_not(h.semaphores.known);
	put(&tree, "sysvipc/sem",
	    "       key      semid perms      nsems\n"
	    " 223150081          0   600          1\n"
	    "-223150081          1   600          1\n"
	    "         0          2   600          1\n");
	put(&tree, "sys/kernel/sem", "32000\t1024000000\t500\t128\n");
	cr_assert_eq(host_semaphores_read(tree.path, &h), 0);
	cr_expect(h.semaphores.known && h.semaphores.nr == 3 && h.semaphores.nr_cookies == 1);
	cr_expect_eq(h.semaphores.max, 128);
	remove_tree(&tree);
}

/* ---- devices */

static struct host host_of(const char *table, const char *prefix, const char *option)
{
	struct host h = { .wanted_pool = option };
	struct host_fault fault;
	const struct dm_says says = { .table = table,
				      .table_bytes = strlen(table),
				      .table_path = "table",
				      .root_prefix = prefix,
				      .pool_option = option };

	cr_assert_eq(host_devices_make(&says, &h, &fault), 0);
	return h;
}

#define POOL ": 0 100 thin-pool 7:1 7:0 128 0\n"

Test(host, which_pool)
{
	struct host h = host_of("a" POOL "docker-1:2-3-pool" POOL "docker-thinpool" POOL,
				"docker-1:2-3-", NULL);

	cr_expect_str_eq(h.pool->name, "docker-1:2-3-pool");
	host_destroy(&h);
	h = host_of("a" POOL "docker-1:2-3-pool" POOL "docker-thinpool" POOL, "docker-9:9-9-",
		    NULL);
	cr_expect_str_eq(h.pool->name, "docker-thinpool");
	host_destroy(&h);
	h = host_of("a" POOL "docker-1:2-3-pool" POOL, "docker-9:9-9-", NULL);
	cr_expect_str_eq(h.pool->name, "docker-1:2-3-pool");
	cr_expect_str_eq(h.prefix, "docker-1:2-3-");
	host_destroy(&h);
	h = host_of("a" POOL "b" POOL, "", NULL);
	cr_expect_null(h.pool);
	host_destroy(&h);
	h = host_of("a" POOL "b" POOL, "", "b");
	cr_expect_str_eq(h.pool->name, "b");
	host_destroy(&h);
	h = host_of("a" POOL "c: 0 1 linear 8:0 0\n", "", "c");
	cr_expect(!h.pool && h.wanted_is_other);
	host_destroy(&h);
	/* A device of this root tells which it is. */
	h = host_of("x" POOL "y" POOL "docker-1:2-3-aa: 0 10 thin /dev/mapper/y 5\n",
		    "docker-1:2-3-", NULL);
	cr_expect_str_eq(h.pool->name, "y");
	cr_expect_eq(host_device_with_id(&h, 5), host_device_of(&h, "aa"));
	host_destroy(&h);
}

Test(host, look_ups)
{
	struct host h = host_of("docker-1:2-3-pool" POOL "docker-1:2-3-aa: 0 10 thin 253:0 5\n"
				"docker-8:8-8-aa: 0 10 thin 253:9 6\n"
				"docker-1:2-3-bb: 0 10 thin 253:0 7\n",
				"docker-1:2-3-", NULL);
	char text[200];

	cr_expect_str_eq(host_device_of(&h, "aa")->name, "docker-1:2-3-aa");
	cr_expect_str_eq(host_device_with_id(&h, 7)->name, "docker-1:2-3-bb");
	cr_expect_null(host_device_of(&h, "pool"));
	cr_expect_null(host_device_with_id(&h, 8));
	cr_expect_null(host_mount_of(&h, "aa"));
	cr_expect(host_busy(&h, "bb", 7, text, sizeof(text)));
	cr_expect_str_eq(text, "active as docker-1:2-3-bb");
	cr_expect(host_busy(&h, NULL, 7, text, sizeof(text)));
	cr_expect_not(host_busy(&h, "cc", 9, text, sizeof(text)));
	cr_expect_str_eq(text, "");
	host_destroy(&h);
	cr_expect_null(host_device_named(&h, "x"));
	cr_expect_not(host_busy(&h, "aa", 5, text, sizeof(text)));
}

Test(host, room_of_a_file_system)
{
	const uint64_t g = 1 << 30;

	cr_expect_eq(severity_of_room(100 * g, 50 * g), META_INFO);
	cr_expect_eq(severity_of_room(100 * g, 9 * g), META_WARNING);
	cr_expect_eq(severity_of_room(5 * g, g - 1), META_WARNING);
	cr_expect_eq(severity_of_room(100 * g, g), META_ERROR);
	cr_expect_eq(severity_of_room(100 * g, 0), META_ERROR);
}
