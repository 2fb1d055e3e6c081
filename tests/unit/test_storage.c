/* SPDX-License-Identifier: MIT
 * test_storage.c: what devices stand on, and which names lead to the same bytes.
 */
#include "tests/support/made_devices.h"

#include "common/base/alloc.h"
#include "common/io/block_io.h"
#include "common/io/loop.h"
#include "common/tool/dm_busy.h"
#include "common/tool/same_storage.h"
#include "tests/support/alloc_fault.h"

TestSuite(storage, .init = make_devices, .fini = remove_devices);

static void expect_same(bool wanted, const char *a, const char *b)
{
	cr_expect_eq(same_storage(a, b), wanted, "%s and %s", a, b);
	cr_expect_eq(same_storage(b, a), wanted, "%s and %s", b, a);
}

/* ---- loop devices */

Test(storage, what_a_loop_device_stands_on)
{
	struct device *d = add_loop(3, file_a, 0, 0);
	struct loop_backing on;
	struct stat st;

	cr_assert_eq(stat(file_a, &st), 0);
	cr_assert_eq(loop_backing(d->rdev, &on), 0);
	cr_expect(!on.is_device && on.device == st.st_dev && on.inode == st.st_ino);
	cr_expect(!on.begin && on.end == UINT64_MAX);
	d->loop.lo_offset = 4096;
	d->loop.lo_sizelimit = 8192;
	d->loop.lo_rdevice = makedev(8, 1);
	cr_assert_eq(loop_backing(d->rdev, &on), 0);
	cr_expect(on.is_device && on.rdev == makedev(8, 1));
	cr_expect(on.begin == 4096 && on.end == 4096 + 8192);
}

Test(storage, no_loop_device)
{
	struct device *d = add_loop(3, NULL, 0, 0);
	struct loop_backing on;

	cr_expect_eq(loop_backing(d->rdev, &on), -ENXIO);
	cr_expect_eq(loop_backing(makedev(7, 4000), &on), -ENOENT);
	cr_expect_eq(loop_backing(makedev(8, 4000), &on), -ENOENT);
	/* Its name in /dev is another one's. */
	d->rdev = makedev(7, 5);
	cr_expect_eq(loop_backing(makedev(7, 3), &on), -ENODEV);
	put_name(makedev(7, 6), "loop-of-none");
	cr_expect_eq(loop_backing(makedev(7, 6), &on), -ENOENT);
}

Test(storage, files_in_use_through_loop_devices)
{
	struct stat a, b;
	struct device *d;

	cr_assert_eq(stat(file_a, &a) | stat(file_b, &b), 0);
	cr_expect_not(loop_in_use(&a), "there is no /sys/block");
	add_loop(0, NULL, 0, 0)->busy = true;
	add_loop(1, file_b, 0, 0);
	d = add_loop(2, file_a, 0, 0);
	cr_expect_not(loop_in_use(&a), "nobody uses it");
	d->busy = true;
	cr_expect(loop_in_use(&a));
	cr_expect_not(loop_in_use(&b));
	d->loop.lo_rdevice = makedev(8, 1);
	cr_expect_not(loop_in_use(&a), "it is on a device of that number");
	d->loop.lo_rdevice = 0;
	d->loop.lo_device++;
	cr_expect_not(loop_in_use(&a), "on a file of another file system");
	d->loop.lo_device--;
	strcpy(d->path, "/dev/gone");
	cr_expect_not(loop_in_use(&a), "it has no name");
}

/* The one below is free for O_EXCL. */
Test(storage, loop_devices_on_loop_devices)
{
	struct stat a, st = { .st_mode = S_IFBLK };
	struct device *below, *above;

	cr_assert_eq(stat(file_a, &a), 0);
	below = add_loop(1, file_a, 0, 0);
	above = add_loop(2, file_b, 0, 0);
	above->loop.lo_rdevice = below->rdev;
	st.st_rdev = below->rdev;
	cr_expect(loop_stands_on(&a));
	cr_expect(loop_stands_on(&st));
	cr_expect_not(loop_in_use(&a));
	cr_expect_not(loop_in_use(&st));
	above->busy = true;
	cr_expect(loop_in_use(&a));
	cr_expect(loop_in_use(&st));
	st.st_rdev = above->rdev;
	cr_expect_not(loop_stands_on(&st));
	cr_expect_not(loop_in_use(&st));
}

/* A partition of a loop device has bytes that a loop device beside it reaches, and one on it. */
Test(storage, partitions_of_loop_devices_in_use)
{
	struct stat a, part = { .st_mode = S_IFBLK, .st_rdev = makedev(259, 1) };
	struct stat whole = { .st_mode = S_IFBLK }, other = { .st_mode = S_IFBLK };
	struct device *disk, *beside, *above;

	cr_assert_eq(stat(file_a, &a), 0);
	disk = add_loop(0, file_a, 0, 0);
	add_partition("loop0p1", makedev(259, 1), "loop0/loop0p1", "2048\n", "1000\n");
	add_partition("loop0p2", makedev(259, 2), "loop0/loop0p2", "3048\n", "1000\n");
	whole.st_rdev = disk->rdev;
	other.st_rdev = makedev(259, 2);
	cr_expect_not(loop_in_use(&part));
	beside = add_loop(1, file_a, 2048 * 512, 1000 * 512);
	cr_expect_not(loop_in_use(&part));
	beside->busy = true;
	cr_expect(loop_in_use(&part));
	cr_expect_not(loop_in_use(&other), "it has other bytes");
	beside->busy = false;
	above = add_loop(2, "/dev/loop0p1", 0, 0);
	cr_expect(loop_stands_on(&part) && loop_stands_on(&whole));
	cr_expect_not(loop_stands_on(&other));
	above->busy = true;
	cr_expect(loop_in_use(&part) && loop_in_use(&whole) && loop_in_use(&a));
	cr_expect_not(loop_in_use(&other));
}

/* What is at rest is read; what is in use only by who says that it may be. */
Test(storage, what_is_in_use_is_not_opened)
{
	struct device *d = add_loop(0, file_a, 0, 0);
	struct block_engine *e;

	d->busy = true;
	cr_expect_eq(block_open(file_a, OPEN_READ, &e), -EBUSY);
	cr_expect_eq(block_open("/dev/loop0", OPEN_READ, &e), -EBUSY);
	cr_assert_eq(block_open(file_a, OPEN_READ_LIVE, &e), 0);
	block_engine_destroy(e);
	d->busy = false;
	cr_assert_eq(block_open(file_a, OPEN_READ, &e), 0);
	block_engine_destroy(e);
	cr_assert_eq(block_open("/dev/loop0", OPEN_MAY_WRITE, &e), 0);
	cr_expect_not(e->read_only);
	block_engine_destroy(e);
}

/* Where a loop device cannot be asked it may stand on anything. */
Test(storage, a_loop_device_that_cannot_be_asked)
{
	struct stat a, st = { .st_mode = S_IFBLK, .st_rdev = makedev(7, 4000) };

	cr_assert_eq(stat(file_a, &a), 0);
	cr_expect_eq(storage_compare(&a, &st), 1);
	cr_expect_eq(storage_compare(&st, &a), 1);
	st.st_rdev = add_loop(3, NULL, 0, 0)->rdev;
	cr_expect_eq(storage_compare(&a, &st), 0);
}

/* ---- tables of device-mapper */

struct visits {
	char text[400];
};

static void note_target(void *context, const struct dm_target *t)
{
	struct visits *v = context;
	const size_t nr = strlen(v->text);

	(void)snprintf(v->text + nr, sizeof(v->text) - nr, "%d+%d %s %s;", (int)t->begin,
		       (int)t->length, t->type, t->parameters);
}

static void note_piece(void *context, const struct dm_linear *p)
{
	struct visits *v = context;
	const size_t nr = strlen(v->text);

	(void)snprintf(v->text + nr, sizeof(v->text) - nr, "%d+%d %u:%u+%d;", (int)p->begin,
		       (int)p->length, major(p->on), minor(p->on), (int)p->on_begin);
}

static const struct dm_target two_pieces[] = { { 0, 100, "linear", "8:1 2048" },
					       { 100, 50, "linear", "8:17 0" } };

Test(storage, tables)
{
	static const struct dm_target mixed[] = { { 0, 8, "linear", "8:1 0" },
						  { 8, 9, "sixteen-letters!", "x" } };
	struct visits v = { "" };
	char name[DM_NAME_BYTES] = "";

	add_dm(makedev(253, 0), "vg-two", two_pieces, 2);
	add_dm(makedev(253, 1), "mixed", mixed, 2);
	add_dm(makedev(253, 2), "empty", NULL, 0);
	cr_expect_eq(dm_table_read(makedev(253, 0), name, note_target, &v), 0);
	cr_expect_str_eq(name, "vg-two");
	cr_expect_str_eq(v.text, "0+100 linear 8:1 2048;100+50 linear 8:17 0;");
	v.text[0] = '\0';
	cr_expect_eq(dm_table_read(makedev(253, 1), name, note_target, &v), 0);
	cr_expect_str_eq(name, "mixed");
	cr_expect_str_eq(v.text, "0+8 linear 8:1 0;8+9 sixteen-letters x;", "%s", v.text);
	v.text[0] = '\0';
	cr_expect_eq(dm_table_read(makedev(253, 2), name, note_target, &v), 0);
	cr_expect_eq(dm_table_read(makedev(253, 3), name, note_target, &v), -ENODEV,
		     "no device of its");
	cr_expect_str_eq(v.text, "");
	dm_control_there = false;
	cr_expect_eq(dm_table_read(makedev(253, 0), name, note_target, &v), -ENODEV,
		     "no device-mapper");
	cr_expect_str_eq(v.text, "");
}

/* A table that is not all there is none. */
Test(storage, tables_that_end_too_early)
{
	static const uint32_t lies[] = { UINT32_MAX, 65536, 65536 - sizeof(struct dm_ioctl) - 40 };
	struct visits v = { "" };
	char name[DM_NAME_BYTES] = "";

	add_dm(makedev(253, 0), "two", two_pieces, 2);
	dms[0].needs = UINT32_MAX;
	cr_expect_eq(dm_table_read(makedev(253, 0), name, note_target, &v), -ENOMEM);
	cr_expect_eq(dm_table_is_linear(makedev(253, 0)), -ENOMEM);
	cr_expect_str_eq(v.text, "");
	dms[0].needs = 1000000;
	cr_expect_eq(dm_table_is_linear(makedev(253, 0)), 1);
	dms[0].needs = 0;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		dms[0].lie = lies[i];
		cr_expect_eq(dm_table_read(makedev(253, 0), name, note_target, &v), -ENODEV, "%u",
			     lies[i]);
	}
}

static int read_table(void *context)
{
	(void)context;
	const int r = dm_table_is_linear(makedev(253, 0));

	return r == 1 ? 0 : r;
}

Test(storage, linear_tables)
{
	static const struct dm_target others[][1] = {
		{ { 0, 8, "striped", "8:1 0" } },
		{ { 0, 8, "linear", "sda 0" } },
		{ { 0, 8, "linear", "8:1" } },
		{ { 0, 8, "linear", "8:1 x" } },
		{ { 0, 8, "linear", "8:1x0" } },
		{ { 0, 8, "linear", "8 0" } },
		{ { 0, 8, "linear", "8:4294967296 0" } },
	};
	static const struct dm_target three[] = { { 0, 100, "linear", "8:1 2048" },
						  { 100, 50, "linear", "8:17 0" },
						  { 150, 9, "linear", "259:1 7" } };
	struct visits v = { "" };

	add_dm(makedev(253, 0), "three", three, 3);
	cr_expect_eq(dm_table_is_linear(makedev(253, 0)), 1);
	cr_expect_eq(dm_table_linear(makedev(253, 0), note_piece, &v), 0);
	cr_expect_str_eq(v.text, "0+100 8:1+2048;100+50 8:17+0;150+9 259:1+7;");
	cr_expect_eq(alloc_fault_sweep(read_table, NULL, 1), 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++) {
		add_dm(makedev(253, i + 1), "other", others[i], 1);
		cr_expect_eq(dm_table_is_linear(makedev(253, i + 1)), 0, "%u", i);
	}
	cr_expect_eq(dm_table_is_linear(makedev(8, 1)), 0);
}

/* ---- who uses a device */

static const char *user_of(const char *path)
{
	static char text[64];

	strcpy(text, "x");
	dm_who_uses(path, text, sizeof(text));
	return text;
}

Test(storage, the_pool_that_uses_a_device)
{
	static const struct dm_target linear[] = { { 0, 8, "linear", "8:1 0" } };
	static const struct dm_target data[] = { { 0, 8, "thin-pool", "8:2 8:1 128 0 0" } };
	static const struct dm_target longer[] = { { 0, 8, "thin-pool", "8:10 8:1 128 0 0" } };
	static const struct dm_target pool[] = { { 0, 8, "thin-pool", "8:1 8:2 128 0 0" } };

	(void)add_device("sda1", makedev(8, 1), "sda1");
	cr_expect_str_eq(user_of("/dev/sda1"), "");
	add_dm(makedev(253, 0), "linear", linear, 1);
	add_dm(makedev(253, 1), "other-pool", data, 1);
	add_dm(makedev(253, 2), "far-pool", longer, 1);
	put("/sys/devices/sda1/holders/dm-0/dev", "253:0\n");
	put("/sys/devices/sda1/holders/dm-1/dev", "253:1\n");
	put("/sys/devices/sda1/holders/dm-2/dev", "253:2\n");
	put("/sys/devices/sda1/holders/dm-8/nothing", "");
	put("/sys/devices/sda1/holders/dm-9/dev", "what\n");
	cr_expect_str_eq(user_of("/dev/sda1"), "");
	add_dm(makedev(253, 3), "vg-pool", pool, 1);
	put("/sys/devices/sda1/holders/md3/dev", "253:3\n");
	cr_expect_str_eq(user_of("/dev/sda1"), "", "no device of device-mapper's by its name");
	put("/sys/devices/sda1/holders/dm-3/dev", "253:3\n");
	cr_expect_str_eq(user_of("/dev/sda1"), " as the metadata of pool vg-pool");
	cr_expect_str_eq(user_of(file_a), "");
	cr_expect_str_eq(user_of("/none"), "");
}

/* ---- the same storage */

Test(storage, files)
{
	char fifo[100];

	(void)snprintf(fifo, sizeof(fifo), "%s/fifo", root);
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	expect_same(true, file_a, file_a);
	expect_same(true, file_a, link_a);
	expect_same(false, file_a, file_b);
	expect_same(false, file_a, "/none");
	expect_same(false, fifo, fifo);
}

Test(storage, loops)
{
	(void)add_loop(0, file_a, 0, 0);
	(void)add_loop(1, "/dev/loop0", 0, 0);
	(void)add_loop(2, link_a, 4096, 4096);
	(void)add_loop(3, file_a, 8192, 4096);
	(void)add_loop(4, file_a, 6144, 4096);
	(void)add_loop(5, file_b, 0, 0);
	(void)add_loop(6, NULL, 0, 0);
	(void)add_loop(7, "/dev/loop2", 1024, 1024);
	(void)add_loop(8, "/dev/loop2", 2048, 1024);
	expect_same(true, "/dev/loop0", "/dev/loop0");
	expect_same(true, "/dev/loop0", file_a);
	expect_same(true, "/dev/loop1", file_a);
	expect_same(true, "/dev/loop1", "/dev/loop4");
	expect_same(true, "/dev/loop2", file_a);
	expect_same(false, "/dev/loop2", "/dev/loop3");
	expect_same(true, "/dev/loop2", "/dev/loop4");
	expect_same(true, "/dev/loop3", "/dev/loop4");
	expect_same(false, "/dev/loop0", "/dev/loop5");
	expect_same(false, "/dev/loop0", "/dev/loop6");
	expect_same(true, "/dev/loop6", "/dev/loop6");
	/* Bytes [5120, 6144) and [6144, 7168) of the file. */
	expect_same(false, "/dev/loop7", "/dev/loop8");
	expect_same(false, "/dev/loop7", "/dev/loop4");
	expect_same(true, "/dev/loop8", "/dev/loop4");
	expect_same(true, "/dev/loop7", "/dev/loop2");
}

Test(storage, partitions)
{
	(void)add_device("sda", makedev(8, 0), "sda");
	(void)add_device("sdb", makedev(8, 16), "sdb");
	add_partition("sda1", makedev(8, 1), "sda/sda1", "2048\n", "1000\n");
	add_partition("sda2", makedev(8, 2), "sda/sda2", "3048\n", "1000\n");
	add_partition("sda3", makedev(8, 3), "sda/sda3", "4000\n", "1000\n");
	expect_same(true, "/dev/sda", "/dev/sda1");
	expect_same(false, "/dev/sdb", "/dev/sda1");
	expect_same(false, "/dev/sda1", "/dev/sda2");
	expect_same(true, "/dev/sda2", "/dev/sda3");
	expect_same(false, "/dev/sda1", file_a);
	/* A loop device on 3000 to 3048 of the disk, in sectors. */
	(void)add_loop(0, "/dev/sda", 3000 * 512, 48 * 512);
	expect_same(true, "/dev/loop0", "/dev/sda1");
	expect_same(false, "/dev/loop0", "/dev/sda2");
	/* A partition that the kernel says too little of is a device of its own. */
	add_partition("sda4", makedev(8, 4), "sda/sda4", "no\n", "1000\n");
	expect_same(false, "/dev/sda", "/dev/sda4");
}

Test(storage, linear_stacks)
{
	static const struct dm_target on_a[] = { { 0, 100, "linear", "8:0 0" } };
	static const struct dm_target behind[] = { { 0, 100, "linear", "8:0 100" } };
	static const struct dm_target two[] = { { 0, 50, "linear", "8:16 0" },
						{ 50, 50, "linear", "8:0 200" } };
	static const struct dm_target upper[] = { { 0, 50, "linear", "253:2 50" } };
	static const struct dm_target lower[] = { { 0, 50, "linear", "253:2 0" } };
	static const struct dm_target window[] = { { 0, 25, "linear", "8:0 225" } };

	(void)add_device("sda", makedev(8, 0), "sda");
	(void)add_device("sdb", makedev(8, 16), "sdb");
	add_dm(makedev(253, 0), "a", on_a, 1);
	add_dm(makedev(253, 1), "behind", behind, 1);
	add_dm(makedev(253, 2), "two", two, 2);
	add_dm(makedev(253, 3), "upper", upper, 1);
	add_dm(makedev(253, 4), "lower", lower, 1);
	add_dm(makedev(253, 5), "window", window, 1);
	expect_same(true, "/dev/dm-0", "/dev/sda");
	expect_same(false, "/dev/dm-0", "/dev/sdb");
	expect_same(false, "/dev/dm-0", "/dev/dm-1");
	expect_same(true, "/dev/dm-2", "/dev/sda");
	expect_same(true, "/dev/dm-2", "/dev/sdb");
	expect_same(false, "/dev/dm-2", "/dev/dm-1");
	expect_same(true, "/dev/dm-3", "/dev/dm-2");
	expect_same(false, "/dev/dm-3", "/dev/dm-4");
	expect_same(true, "/dev/dm-3", "/dev/dm-5");
	expect_same(false, "/dev/dm-4", "/dev/dm-5");
	expect_same(true, "/dev/dm-2", "/dev/dm-5");
}

/* A RAID, a thin device: it stands on others, nobody knows where. */
Test(storage, other_stacks)
{
	static const struct dm_target pool[] = { { 0, 8, "thin-pool", "8:2 8:1 128 0 0" } };

	(void)add_device("sda", makedev(8, 0), "sda");
	add_partition("sda1", makedev(8, 1), "sda/sda1", "2048\n", "1000\n");
	add_partition("sda2", makedev(8, 2), "sda/sda2", "4048\n", "1000\n");
	add_partition("sda3", makedev(8, 3), "sda/sda3", "6048\n", "1000\n");
	add_dm(makedev(253, 0), "pool", pool, 1);
	put("/sys/devices/dm-0/slaves/sda1/dev", "8:1\n");
	put("/sys/devices/dm-0/slaves/sda2/dev", "8:2\n");
	put("/sys/devices/dm-0/slaves/odd/nothing", "");
	expect_same(true, "/dev/dm-0", "/dev/sda1");
	expect_same(true, "/dev/dm-0", "/dev/sda2");
	expect_same(true, "/dev/dm-0", "/dev/sda");
	expect_same(false, "/dev/dm-0", "/dev/sda3");
	(void)add_device("md0", makedev(9, 0), "md0");
	put("/sys/devices/md0/slaves/dm-0/dev", "253:0\n");
	expect_same(true, "/dev/md0", "/dev/sda2");
	expect_same(true, "/dev/md0", "/dev/dm-0");
	expect_same(false, "/dev/md0", "/dev/sda3");
}

/* No kernel has such: they end nevertheless. */
Test(storage, circles)
{
	static const struct dm_target own[] = { { 0, 8, "linear", "253:0 0" } };

	add_dm(makedev(253, 0), "own", own, 1);
	(void)add_device("sda", makedev(8, 0), "sda");
	(void)add_device("md0", makedev(9, 0), "md0");
	(void)add_device("md1", makedev(9, 1), "md1");
	put("/sys/devices/md0/slaves/md1/dev", "9:1\n");
	put("/sys/devices/md1/slaves/md0/dev", "9:0\n");
	expect_same(true, "/dev/dm-0", "/dev/dm-0");
	expect_same(false, "/dev/dm-0", "/dev/sda");
	expect_same(true, "/dev/md0", "/dev/md1");
	expect_same(false, "/dev/md0", "/dev/sda");
	cr_expect_leq(nr_dm_calls, 500);
}

static int compare(void *context)
{
	struct stat *st = context;

	return storage_compare(&st[0], &st[1]);
}

Test(storage, without_memory)
{
	struct stat st[2];

	(void)add_loop(0, file_a, 0, 0);
	cr_assert_eq(stat("/dev/loop0", &st[0]) | stat(file_b, &st[1]), 0);
	cr_expect_eq(alloc_fault_sweep(compare, st, 1), 4);
	alloc_fault_set(0);
	cr_expect(storage_is_same(&st[0], &st[1]), "nobody writes then");
	cr_expect(alloc_fault_clear());
	cr_expect_not(storage_is_same(&st[0], &st[1]));
}
