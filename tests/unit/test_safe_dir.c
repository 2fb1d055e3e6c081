/* SPDX-License-Identifier: MIT
 * test_safe_dir.c: directories that somebody else writes.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "docker_meta/read/read_record.h"
#include "docker_meta/read/safe_dir.h"
#include "tests/support/leaks.h"

struct place {
	char path[64];
	struct safe_dir dir;
};

static struct place place;

static const struct safe_rules anywhere = { .follows = true };

static void put(const char *name, const char *text)
{
	int fd = openat(place.dir.fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void put_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", place.path);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void make_place(void)
{
	(void)snprintf(place.path, sizeof(place.path), "/tmp/safe-dir-XXXXXX");
	cr_assert_not_null(mkdtemp(place.path));
	cr_assert_eq(safe_dir_open(place.path, NULL, &place.dir), 0);
	cr_assert_eq(mkdirat(place.dir.fd, "a", 0700), 0);
	cr_assert_eq(mkdirat(place.dir.fd, "a/b", 0700), 0);
	put("file", "text");
	put("a/b/file", "below");
	put("empty", "");
	put("large", "0123456789");
	cr_assert_eq(symlinkat("file", place.dir.fd, "link"), 0);
	cr_assert_eq(symlinkat("a", place.dir.fd, "link-to-a"), 0);
	cr_assert_eq(symlinkat("nothing", place.dir.fd, "dangling"), 0);
	cr_assert_eq(symlinkat("/", place.dir.fd, "out"), 0);
	cr_assert_eq(symlinkat("../a/b", place.dir.fd, "a/back"), 0);
	cr_assert_eq(symlinkat(place.path, place.dir.fd, "absolute"), 0);
	cr_assert_eq(symlinkat("loop", place.dir.fd, "loop"), 0);
	cr_assert_eq(symlinkat("../file", place.dir.fd, "a/up"), 0);
	cr_assert_eq(mkfifoat(place.dir.fd, "fifo", 0600), 0);
	put_socket();
}

static void remove_place(void)
{
	char command[128];

	safe_dir_close(&place.dir);
	(void)snprintf(command, sizeof(command), "rm -rf %s", place.path);
	cr_assert_eq(system(command), 0);
	fail_on_leaks();
}

TestSuite(safe_dir, .init = make_place, .fini = remove_place);

static const struct {
	const char *name;
	int result; /* of opening it as a file */
	const char *text;
} files[] = {
	{ "file", 0, "text" },        { "a/b/file", 0, "below" },
	{ "./file", 0, "text" },      { "a//b/file", 0, "below" },
	{ "empty", 0, "" },           { "none", -ENOENT, NULL },
	{ "a/none", -ENOENT, NULL },  { "none/file", -ENOENT, NULL },
	{ "file/x", -ENOTDIR, NULL }, { "link", -ELOOP, NULL },
	{ "dangling", -ELOOP, NULL }, { "loop", -ELOOP, NULL },
	{ "a/up", -ELOOP, NULL },     { "link-to-a/b/file", 0, "below" },
	{ "out/file", -EXDEV, NULL }, { "dangling/file", -EXDEV, NULL },
	{ "fifo", -EINVAL, NULL },    { "socket", -EINVAL, NULL },
	{ "a", -EINVAL, NULL },       { "a/b", -EINVAL, NULL },
	{ "large", -EFBIG, NULL },    { "..", -EXDEV, NULL },
	{ "../x", -EXDEV, NULL },     { "a/../file", -EXDEV, NULL },
	{ "a/..", -EXDEV, NULL },     { "/etc/passwd", -EXDEV, NULL },
	{ "", -EXDEV, NULL },
};

enum { MAX = 9 }; /* bytes */

static void expect_files(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		size_t size = 99;
		char *text;
		int r = safe_dir_read(&place.dir, files[i].name, MAX, &text, &size);

		cr_expect_eq(r, files[i].result, "%s: %d", files[i].name, r);
		if (files[i].text)
			cr_expect(size == strlen(files[i].text) && !strcmp(text, files[i].text),
				  "%s", files[i].name);
		else
			cr_expect(!text && !size, "%s", files[i].name);
		free(text);
		cr_expect_neq(*safe_dir_fault(r), '\0');
	}
}

static void expect_directories(void)
{
	static const struct {
		const char *name;
		int result;
	} cases[] = {
		{ "a", 0 },
		{ "a/b", 0 },
		{ "a/b/", 0 },
		{ ".", 0 },
		{ "file", -ENOTDIR },
		{ "none", -ENOENT },
		{ "link-to-a", 0 },
		{ "link-to-a/b", 0 },
		{ "absolute", 0 },
		{ "a/back", 0 },
		{ "out", -EXDEV },
		{ "out/etc", -EXDEV },
		{ "dangling", -EXDEV },
		{ "link", -EXDEV },
		{ "..", -EXDEV },
		{ "a/../..", -EXDEV },
		{ "/", -EXDEV },
		{ "fifo", -ENOTDIR },
		{ "loop", -ELOOP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct safe_dir dir;
		int r = safe_dir_enter(&place.dir, cases[i].name, &dir);

		cr_expect_eq(r, cases[i].result, "%s: %d", cases[i].name, r);
		cr_expect_eq(dir.fd >= 0, !r, "%s", cases[i].name);
		safe_dir_close(&dir);
		cr_expect_eq(dir.fd, -1);
	}
}

Test(safe_dir, paths)
{
	expect_files();
	expect_directories();
}

/* Kernels before 5.6: the same, part by part. */
Test(safe_dir, paths_without_openat2)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { ARRAY_SIZE(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		cr_skip_test("no seccomp here");
	cr_expect(syscall(SYS_openat2, 0, "", NULL, 0) < 0 && errno == ENOSYS);
	expect_files();
	expect_directories();
}

Test(safe_dir, unreadable)
{
	struct safe_dir dir;
	size_t size;
	char *text;

	if (!geteuid() && (chmod(place.path, 0755) || seteuid(65534)))
		cr_skip_test("it is root, and cannot be another");
	cr_expect_eq(safe_dir_read(&place.dir, "file", MAX, &text, &size),
		     geteuid() == 65534 ? -EACCES : 0);
	cr_expect_eq(safe_dir_enter(&place.dir, "a", &dir), geteuid() == 65534 ? -EACCES : 0);
	free(text);
	safe_dir_close(&dir);
	(void)!seteuid(0);
}

Test(safe_dir, device)
{
	size_t size;
	char *text;

	if (mknodat(place.dir.fd, "zero", S_IFCHR | 0600, (1 << 8) | 5))
		cr_skip_test("no device can be made");
	cr_expect_eq(safe_dir_read(&place.dir, "zero", MAX, &text, &size), -EINVAL);
}

Test(safe_dir, stat)
{
	struct safe_stat st;

	cr_expect(safe_dir_stat(&place.dir, "large", &st) == 0 && st.size == 10);
	cr_expect(st.changed > 1600000000);
	cr_expect_eq(safe_dir_stat(&place.dir, "a/b/file", &st), 0);
	cr_expect_eq(safe_dir_stat(&place.dir, "a", &st), -EINVAL);
	cr_expect_eq(safe_dir_stat(&place.dir, "fifo", &st), -EINVAL);
	cr_expect_eq(safe_dir_stat(&place.dir, "link", &st), -ELOOP);
	cr_expect_eq(safe_dir_stat(&place.dir, "none", &st), -ENOENT);
	cr_expect_eq(safe_dir_stat(&place.dir, "a/../file", &st), -EXDEV);
	cr_expect_eq(st.size, 0);
	cr_expect(!safe_dir_is_immutable(&place.dir, "file"));
	cr_expect(!safe_dir_is_immutable(&place.dir, "none"));
}

Test(safe_dir, open_file)
{
	char text[8] = "";
	int fd = -1;

	cr_assert_eq(safe_dir_open_file(&place.dir, "a/b/file", &fd), 0);
	cr_expect(read(fd, text, sizeof(text)) == 5 && !strcmp(text, "below"));
	close(fd);
	cr_expect_eq(safe_dir_open_file(&place.dir, "fifo", &fd), -EINVAL);
}

static const struct dir_entry *find(const struct dir_list *list, const char *name)
{
	size_t i = 0;

	while (i < list->nr && strcmp(list->items[i].name, name) != 0)
		i++;
	cr_assert_lt(i, list->nr, "%s is not listed", name);
	return &list->items[i];
}

Test(safe_dir, list)
{
	static const struct {
		const char *name;
		bool is_dir, is_file;
	} kinds[] = {
		{ "a", true, false },          { "file", false, true },    { "link", false, false },
		{ "fifo", false, false },      { "socket", false, false }, { "loop", false, false },
		{ "link-to-a", false, false },
	};
	struct dir_list list;

	for (int round = 0; round < 2; round++) {
		cr_assert_eq(safe_dir_list(&place.dir, &list), 0);
		cr_expect_eq(list.nr, 12);
		for (size_t i = 1; i < list.nr; i++)
			cr_expect_lt(strcmp(list.items[i - 1].name, list.items[i].name), 0);
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
			const struct dir_entry *e = find(&list, kinds[i].name);

			cr_expect(e->is_dir == kinds[i].is_dir && e->is_file == kinds[i].is_file,
				  "%s", kinds[i].name);
		}
		dir_list_destroy(&list);
	}
}

/* The user allows links that lead anywhere. */
Test(safe_dir, links_that_are_followed)
{
	struct safe_dir top, dir;
	struct safe_stat st;

	cr_assert_eq(safe_dir_open(place.path, &anywhere, &top), 0);
	cr_expect_eq(safe_dir_enter(&top, "out", &dir), 0);
	safe_dir_close(&dir);
	cr_expect_eq(safe_dir_enter(&top, "out/etc", &dir), 0);
	cr_expect_eq(safe_dir_stat(&dir, "passwd", &st), 0, "what is below follows, too");
	safe_dir_close(&dir);
	cr_expect_eq(safe_dir_stat(&top, "out/etc/passwd", &st), 0);
	cr_expect_eq(safe_dir_enter(&top, "dangling", &dir), -EXDEV);
	cr_expect_eq(safe_dir_stat(&top, "link", &st), -ELOOP, "no link to a file is followed");
	safe_dir_close(&top);
	cr_expect_eq(safe_dir_stat(&place.dir, "out/etc/passwd", &st), -EXDEV);
}

static void ask(const struct safe_dir *top)
{
	struct safe_stat ignored;
	struct safe_dir dir;
	size_t size;
	char *text;
	int fd;

	cr_expect_eq(safe_dir_read(top, "file", 100, &text, &size), 0);
	alloc_free(text);
	cr_expect_eq(safe_dir_read(top, "none", 100, &text, &size), -ENOENT);
	cr_expect_eq(safe_dir_open_file(top, "link", &fd), -ELOOP);
	cr_expect_eq(safe_dir_open_file(top, "link", &fd), -ELOOP);
	cr_expect_eq(safe_dir_enter(top, "out", &dir), -EXDEV);
	cr_expect_eq(safe_dir_has_file(top, "empty"), 0, "what is only looked for is not read");
	cr_expect_eq(safe_dir_stat(top, "link", &ignored), -ELOOP);
	cr_expect_eq(safe_dir_enter(top, "a", &dir), 0);
	cr_expect_eq(safe_dir_read(&dir, "b/file", 100, &text, &size), 0);
	alloc_free(text);
	safe_dir_close(&dir);
}

/* What was read, and what could not be; what is not there is not noted. */
Test(safe_dir, what_was_read_is_noted)
{
	static const struct {
		const char *path;
		int error;
	} wanted[] = {
		{ "a/b/file", 0 },
		{ "file", 0 },
		{ "link", -ELOOP },
		{ "out", -EXDEV },
	};
	struct read_record record = { .keeps_names = true };
	const struct safe_rules rules = { .record = &record };
	struct safe_dir top;

	cr_assert_eq(safe_dir_open(place.path, &rules, &top), 0);
	ask(&top);
	read_record_sort(&record);
	cr_assert_eq(record.nr, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		cr_expect_str_eq(record.items[i].path, wanted[i].path);
		cr_expect_eq(record.items[i].error, wanted[i].error, "%s", wanted[i].path);
	}
	cr_expect_not(record.short_of_memory);
	read_record_note(&record, "a", "b", -ENOMEM);
	cr_expect(record.short_of_memory);
	cr_expect_eq(record.nr, ARRAY_SIZE(wanted));
	read_record_destroy(&record);
	safe_dir_close(&top);
}

/* Of one path the failure stays. */
Test(safe_dir, what_failed_once_is_noted_as_failed)
{
	struct read_record record = { .keeps_names = true };

	read_record_note(&record, "", "b", 0);
	read_record_note(&record, "", "a", 0);
	read_record_note(&record, "", "b", -EACCES);
	read_record_sort(&record);
	cr_assert_eq(record.nr, 2);
	cr_expect_str_eq(record.items[1].path, "b");
	cr_expect_eq(record.items[1].error, -EACCES);
	read_record_destroy(&record);
}

/* No descriptor, no answer: whoever takes that for something that is not there is found out. */
Test(safe_dir, a_lack_of_descriptors_is_noted)
{
	struct read_record record = { .keeps_names = true };
	const struct safe_rules rules = { .record = &record };
	struct safe_dir top, dir;
	struct rlimit before;

	cr_assert_eq(safe_dir_open(place.path, &rules, &top), 0);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, before.rlim_max }), 0);
	cr_expect_eq(safe_dir_enter(&top, "a", &dir), -ENOMEM);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	cr_expect(record.short_of_memory);
	cr_expect_eq(record.nr, 0);
	safe_dir_close(&top);
	read_record_destroy(&record);
}

Test(safe_dir, huge_directory)
{
	struct dir_list list;
	struct safe_dir dir;

	cr_assert_eq(mkdirat(place.dir.fd, "huge", 0700), 0);
	cr_assert_eq(safe_dir_enter(&place.dir, "huge", &dir), 0);
	for (int i = 0; i < 20000; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "%d", i);
		cr_assert_eq(mknodat(dir.fd, name, S_IFREG | 0600, 0), 0);
	}
	cr_assert_eq(safe_dir_list(&dir, &list), 0);
	cr_expect_eq(list.nr, 20000);
	dir_list_destroy(&list);
	safe_dir_close(&dir);
}

Test(safe_dir, open)
{
	struct safe_dir dir;

	cr_expect_eq(safe_dir_open("/none", NULL, &dir), -ENOENT);
	cr_expect_eq(safe_dir_open("/etc/passwd", NULL, &dir), -ENOTDIR);
	safe_dir_close(&dir);
}
