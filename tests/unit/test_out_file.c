/* SPDX-License-Identifier: MIT
 * test_out_file.c: files that are written whole or not at all, and what may be written over.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/alloc.h"
#include "common/tool/earlier_output.h"
#include "common/tool/known_content.h"
#include "common/tool/output_file.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/leaks.h"

static char place[64];

static const char *at(const char *name)
{
	static char paths[8][500];
	static unsigned int nr;
	char *path = paths[nr++ % ARRAY_SIZE(paths)];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", place, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");

	cr_assert(f && fputs(text, f) >= 0 && !fclose(f));
}

static void expect_content(const char *name, const char *wanted)
{
	char text[100] = "(none)";
	FILE *f = fopen(at(name), "r");

	if (f) {
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		fclose(f);
	}
	cr_expect_str_eq(text, wanted, "%s: %s", name, text);
}

/* So many names, whatever they are. */
static void expect_names(unsigned int wanted)
{
	DIR *dir = opendir(place);
	unsigned int nr = 0;

	cr_assert_not_null(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	cr_expect_eq(nr, wanted + 2, "%u", nr);
}

/* O_TMPFILE is refused where the file system cannot do it, and here when a test says so. */
static bool no_unnamed_files;
int openat(int dir, const char *path, int flags, ...)
{
	mode_t mode;
	va_list args;

	va_start(args, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (no_unnamed_files && (flags & __O_TMPFILE)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

/* Not so random where a test says so. */
static int next_random = -1;
ssize_t getrandom(void *to, size_t size, unsigned int flags)
{
	if (next_random < 0 || size != sizeof(uint32_t))
		return syscall(SYS_getrandom, to, size, flags);
	*(uint32_t *)to = (uint32_t)++next_random;
	return (ssize_t)size;
}

/* A process that may not do it by descriptor alone, and has no /proc. */
static int no_links; /* from this call on */
int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	if (no_links && !--no_links) {
		no_links = 1;
		errno = ENOENT;
		return -1;
	}
	return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

static void expect_mode(const char *name, mode_t wanted)
{
	struct stat st;

	cr_assert_eq(stat(at(name), &st), 0);
	cr_expect_eq(st.st_mode & 07777, wanted, "%s: %o", name, st.st_mode);
}

static void begin(void)
{
	(void)snprintf(place, sizeof(place), "/tmp/out-file-XXXXXX");
	cr_assert_not_null(mkdtemp(place));
	umask(027);
}

static void finish(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", place);
	cr_assert_eq(system(command), 0);
	fail_on_leaks();
}

TestSuite(out_file, .init = begin, .fini = finish);

static bool signals_are_held(void)
{
	sigset_t now;

	sigprocmask(SIG_SETMASK, NULL, &now);
	return sigismember(&now, SIGTERM) || sigismember(&now, SIGINT) || sigismember(&now, SIGHUP);
}

/* ---- out_file */

static int write_file(const char *name, const char *text)
{
	struct out_fault fault;
	struct out_file f;
	int r = out_file_place(at(name), &f, &fault);

	if (!r)
		r = out_file_begin(&f, &fault);
	if (r) {
		cr_expect(*fault.text);
		out_file_abandon(&f);
		return r;
	}
	(void)fputs(text, f.stream);
	return out_file_commit(&f);
}

/* The place is open where standard input was, and what failed long ago says nothing of it. */
Test(out_file, without_standard_input)
{
	close(STDIN_FILENO);
	errno = EACCES;
	cr_expect_eq(write_file("new", "text"), 0);
	expect_content("new", "text");
	cr_expect_eq(fcntl(STDIN_FILENO, F_GETFD), -1, "nothing is left open");
}

/* With names for what is unfinished, and without. */
Test(out_file, whole)
{
	for (int named = 0; named < 2; named++) {
		no_unnamed_files = named;
		cr_expect_eq(write_file("new", "text"), 0);
		expect_content("new", "text");
		expect_mode("new", 0640); /* as umask says */
		cr_expect_eq(write_file("new", "more"), 0);
		expect_content("new", "more");
		expect_names(1);
		cr_assert_eq(unlink(at("new")), 0);
		cr_expect_not(signals_are_held());
	}
	cr_expect_eq(umask(0), 027);
}

Test(out_file, not_at_all)
{
	for (int named = 0; named < 2; named++) {
		struct out_fault fault;
		struct out_file f;

		no_unnamed_files = named;
		put("old", "old");
		cr_assert_eq(out_file_place(at("old"), &f, &fault), 0);
		expect_names(1);
		cr_expect_eq(out_file_is_open(&f), !named);
		cr_expect(f.replaces && !signals_are_held());
		cr_assert_eq(out_file_begin(&f, &fault), 0);
		(void)fputs("half", f.stream);
		expect_content("old", "old");
		cr_expect_eq(signals_are_held(), named, "no signal leaves a name behind");
		out_file_abandon(&f);
		expect_content("old", "old");
		expect_names(1);
		cr_expect_not(signals_are_held());
	}
}

/* Who could not read it before cannot read it now; of somebody else's file nothing is taken over.
 */
Test(out_file, whose_it_was)
{
	for (int named = 0; named < 2; named++) {
		struct stat st;

		no_unnamed_files = named;
		put("old", "old");
		cr_assert_eq(chmod(at("old"), 0600), 0);
		cr_expect_eq(write_file("old", "text"), 0);
		expect_mode("old", 0600);
		if (getuid())
			continue;
		cr_assert_eq(chmod(at("old"), 0666) | chown(at("old"), 12, 34), 0);
		cr_expect_eq(write_file("old", "text"), 0);
		expect_mode("old", 0640);
		cr_assert_eq(stat(at("old"), &st), 0);
		cr_expect_eq(st.st_uid, 0);
		/* Its group keeps what it may; where it cannot be given, no other gets that. */
		cr_assert_eq(chmod(at("old"), 0664) | chown(at("old"), 0, 34), 0);
		cr_expect_eq(write_file("old", "text"), 0);
		cr_assert_eq(stat(at("old"), &st), 0);
		cr_expect_eq(st.st_gid, named ? 0 : 34);
		expect_mode("old", named ? 0604 : 0664);
		cr_assert_eq(chown(at("old"), 0, 0), 0);
	}
	/* A file of our own keeps what it had, whatever the umask is. */
	for (int named = 0; named < 2; named++) {
		no_unnamed_files = named;
		cr_assert_eq(chmod(at("old"), 06666), 0);
		cr_expect_eq(write_file("old", "text"), 0);
		expect_mode("old", 0666);
	}
}

/* A file that others put there, or write to, between the begin and the end. */
static void expect_others(const char *before, void (*do_it)(void))
{
	struct out_fault fault;
	struct out_file f;

	if (before)
		put("new", before);
	cr_assert_eq(out_file_place(at("new"), &f, &fault), 0);
	cr_expect_eq(f.replaces, before && *before);
	cr_assert_eq(out_file_begin(&f, &fault), 0);
	(void)fputs("ours", f.stream);
	do_it();
	cr_expect_eq(out_file_commit(&f), -EEXIST);
	expect_content("new", "others'");
	expect_names(1);
	cr_assert_eq(unlink(at("new")), 0);
}

static void write_it(void)
{
	put("new", "others'");
}

static void replace_it(void)
{
	put("other", "others'");
	cr_assert_eq(rename(at("other"), at("new")), 0);
}

Test(out_file, what_comes_meanwhile_stays)
{
	for (int named = 0; named < 2; named++) {
		struct out_fault fault;
		struct out_file f;

		no_unnamed_files = named;
		expect_others(NULL, write_it);
		expect_others(NULL, replace_it);
		expect_others("", write_it);
		expect_others("before", write_it);
		expect_others("before", replace_it);
		/* What goes meanwhile is no reason. */
		put("new", "before");
		cr_assert_eq(out_file_place(at("new"), &f, &fault), 0);
		cr_assert_eq(out_file_begin(&f, &fault), 0);
		cr_assert_eq(unlink(at("new")), 0);
		cr_expect_eq(out_file_commit(&f), 0);
		/* What stood there from the beginning is replaced. */
		cr_expect_eq(write_file("new", "text"), 0);
		expect_content("new", "text");
		expect_names(1);
		cr_assert_eq(unlink(at("new")), 0);
	}
}

Test(out_file, a_name_that_is_taken)
{
	for (int named = 0; named < 2; named++) {
		no_unnamed_files = named;
		put(".new.00000001", "somebody's");
		next_random = 0; /* the first one that is tried is taken */
		cr_expect_eq(write_file("new", "text"), 0);
		expect_content("new", "text");
		expect_content(".new.00000001", "somebody's");
		expect_names(2);
	}
	next_random = -1;
}

Test(out_file, ways_to_a_name)
{
	no_links = 2; /* the first of them works */
	cr_expect_eq(write_file("new", "text"), 0);
	expect_content("new", "text");
	no_links = 1;
	cr_expect_eq(write_file("new", "more"), -ENOENT);
	expect_content("new", "text");
	expect_names(1);
	cr_expect_not(signals_are_held());
}

#define LONG_NAME                                                                                  \
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567" \
	"890123456789"

Test(out_file, no_place)
{
	static const char long_name[] = LONG_NAME LONG_NAME LONG_NAME;
	const struct {
		const char *name, *text;
		int error;
	} cases[] = {
		{ "link", "it is a symbolic link", -EPERM },
		{ "directory", "it is a directory", -EPERM },
		{ "fifo", "it is no regular file", -EPERM },
		{ "", "Is a directory", -EISDIR },
		{ ".", "Is a directory", -EISDIR },
		{ "..", "Is a directory", -EISDIR },
		{ "none/file", "No such file or directory", -ENOENT },
		{ long_name, "File name too long", -ENAMETOOLONG },
		{ "file/file", "Not a directory", -ENOTDIR },
	};
	struct out_fault fault;
	struct out_file f;

	cr_assert_eq(mkdir(at("directory"), 0700) | mkfifo(at("fifo"), 0600), 0);
	put("file", "text");
	cr_assert_eq(symlink("file", at("link")), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_expect_eq(out_file_place(at(cases[i].name), &f, &fault), cases[i].error, "%s",
			     cases[i].name);
		cr_expect_str_eq(fault.text, cases[i].text, "%s: %s", cases[i].name, fault.text);
		out_file_abandon(&f);
	}
	expect_content("file", "text");
}

Test(out_file, a_name_without_a_directory)
{
	struct out_fault fault;
	struct out_file f;
	char here[400];

	cr_assert_not_null(getcwd(here, sizeof(here)));
	cr_assert_eq(chdir(place), 0);
	cr_expect_eq(out_file_place("new", &f, &fault), 0);
	cr_assert_eq(chdir(here), 0);
	cr_assert_eq(out_file_begin(&f, &fault), 0);
	cr_expect_eq(out_file_commit(&f), 0);
	expect_content("new", "");
}

/* The directory goes, or something else comes to the place meanwhile: then it is not replaced. */
Test(out_file, a_place_that_changes)
{
	for (int named = 0; named < 2; named++) {
		struct out_fault fault;
		struct out_file f;

		no_unnamed_files = named;
		cr_assert_eq(mkdir(at("d"), 0700), 0);
		cr_assert_eq(out_file_place(at("d/new"), &f, &fault), 0);
		cr_assert_eq(out_file_begin(&f, &fault), 0);
		cr_assert_eq(mkdir(at("d/new"), 0700), 0);
		cr_expect_eq(out_file_commit(&f), -EEXIST);
		cr_expect_eq(rmdir(at("d/new")), 0);
		cr_expect_eq(rmdir(at("d")), 0, "nothing else is left");
	}
	for (int named = 0; named < 2; named++) {
		struct out_fault fault;
		struct out_file f;

		no_unnamed_files = named;
		cr_assert_eq(mkdir(at("d"), 0700), 0);
		cr_assert_eq(out_file_place(at("d/new"), &f, &fault), 0);
		cr_assert_eq(rmdir(at("d")), 0);
		if (named) {
			cr_expect_eq(out_file_begin(&f, &fault), -ENOENT);
			cr_expect_str_eq(fault.text, "No such file or directory");
			out_file_abandon(&f);
		} else {
			cr_expect_eq(out_file_begin(&f, &fault), 0);
			cr_expect_eq(out_file_commit(&f), -ENOENT);
		}
		cr_expect_not(signals_are_held());
	}
}

Test(out_file, what_cannot_be_written)
{
	struct out_fault fault;
	struct out_file f;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	put("old", "old");
	if (full < 0) {
		cr_skip_test("there is no /dev/full");
		return;
	}
	cr_assert_eq(out_file_place(at("old"), &f, &fault), 0);
	cr_assert_eq(out_file_begin(&f, &fault), 0);
	cr_assert_geq(dup2(full, fileno(f.stream)), 0);
	(void)fputs("new", f.stream);
	cr_expect_eq(out_file_commit(&f), -ENOSPC);
	expect_content("old", "old");
	/* It was noticed while it was written: the buffer is empty at the end. */
	cr_assert_eq(out_file_place(at("old"), &f, &fault), 0);
	cr_assert_eq(out_file_begin(&f, &fault), 0);
	setbuf(f.stream, NULL);
	cr_assert_geq(dup2(full, fileno(f.stream)), 0);
	(void)fputs("new", f.stream);
	cr_expect_eq(out_file_commit(&f), -ENOSPC);
	expect_content("old", "old");
	expect_names(1);
	close(full);
}

static int write_new(void *context)
{
	int r;

	(void)context;
	r = write_file("new", "text");
	expect_content("new", r ? "old" : "text");
	expect_names(1);
	cr_expect_not(signals_are_held());
	put("new", "old");
	return r;
}

Test(out_file, without_memory)
{
	put("new", "old");
	cr_expect_eq(alloc_fault_sweep(write_new, NULL, 1), 3);
	no_unnamed_files = true;
	cr_expect_eq(alloc_fault_sweep(write_new, NULL, 1), 3);
}

/* ---- what may be replaced */

static const struct output_mark marks[] = { { "<superblock", NULL }, { "{\n", "\"tool\": \"x\"" } };

static bool may_replace(const char *name)
{
	return output_may_replace(at(name), marks, ARRAY_SIZE(marks));
}

static void put_gzip(const char *name, const char *text)
{
	gzFile f = gzopen(at(name), "w");

	cr_assert(f && gzputs(f, text) == (int)strlen(text) && gzclose(f) == Z_OK);
}

Test(out_file, earlier_outputs)
{
	char *far = alloc_array(OUTPUT_START + 100, 1);

	cr_expect(may_replace("none"));
	put("file", "");
	cr_expect(may_replace("file"));
	put("file", "my notes");
	cr_expect_not(may_replace("file"));
	cr_expect_str_eq(output_refusal(), OUTPUT_NOT_OURS);
	put("file", "<superblock uuid");
	cr_expect(may_replace("file"));
	put("file", "see <superblock");
	cr_expect_not(may_replace("file"));
	put("file", "{\n \"tool\": \"x\"");
	cr_expect(may_replace("file"));
	put("file", "{\n \"tool\": \"y\"");
	cr_expect_not(may_replace("file"));
	memset(far, ' ', OUTPUT_START + 99);
	memcpy(far, "{\n", 2);
	memcpy(far + OUTPUT_START - 11, "\"tool\": \"x\"", 11);
	put("file", far);
	cr_expect(may_replace("file"), "within the start");
	memcpy(far + OUTPUT_START - 11, " \"tool\": \"x\"", 12);
	put("file", far);
	cr_expect_not(may_replace("file"), "behind it");
	alloc_free(far);

	put_gzip("gzip", "<superblock uuid");
	cr_expect(may_replace("gzip"));
	put_gzip("gzip", "my notes");
	cr_expect_not(may_replace("gzip"));
	put_gzip("gzip", "<superblock uuid");
	cr_assert_eq(truncate(at("gzip"), 15), 0);
	cr_expect_not(may_replace("gzip"), "it cannot be unpacked");

	cr_assert_eq(mkdir(at("directory"), 0700) | symlink("loop", at("loop")), 0);
	cr_expect(output_may_replace("/dev/null", marks, 2));
	cr_expect_not(may_replace("loop"));
	cr_expect_not(output_may_replace(at("file/x"), marks, 2));
}

Test(out_file, no_memory_to_look)
{
	put("file", "<superblock uuid");
	alloc_fault_set(0);
	cr_expect_not(may_replace("file"));
	cr_expect_str_eq(output_refusal(), strerror(ENOMEM));
	cr_expect(alloc_fault_clear());
}

/* ---- what is there already */

static void put_bytes(const char *name, off_t offset, const char *bytes, size_t nr)
{
	int fd = open(at(name), O_RDWR | O_CREAT, 0600);
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(ftruncate(fd, st.st_size < 1 << 20 ? 1 << 20 : st.st_size), 0);
	cr_assert_eq(pwrite(fd, bytes, nr, offset), (ssize_t)nr);
	close(fd);
}

static const char *content(const char *name)
{
	static char text[KNOWN_CONTENT_MAX];
	const bool known = known_content(at(name), text);

	cr_expect_eq(known, *text != '\0');
	return text;
}

Test(out_file, known_contents)
{
	put_bytes("blank", 0, "", 0);
	cr_expect_str_eq(content("blank"), "");
	cr_expect_str_eq(content("none"), "");
	put_bytes("swap", 1024, "\1\0\0\0\377\0\0\0", 8);
	put_bytes("swap", 4086, "SWAPSPACE2", 10);
	cr_expect_str_eq(content("swap"), "a signature, swap");
	put_bytes("swap", 1052, "mine", 4);
	cr_expect_str_eq(content("swap"), "a signature, swap (label mine)");
	put_bytes("table", 446 + 4, "\x83", 1);
	put_bytes("table", 446 + 8, "\0\1\0\0\0\4\0\0", 8);
	put_bytes("table", 510, "\x55\xaa", 2);
	cr_expect_str_eq(content("table"), "a partition table (dos)");
	put_bytes("romfs", 0, "-rom1fs-\0\0\1\0\0\0\0\0disk\0", 21);
	cr_expect(!strncmp(content("romfs"), "a file system, romfs", 20), "%s", content("romfs"));
}

/* ---- outputs */

static void expect_output(const char *name, int wanted, bool forced, const char *words)
{
	struct output_file f;
	struct out_fault fault = { "" };
	const int r = output_file_place(at(name), forced, marks, ARRAY_SIZE(marks), &f, &fault);

	cr_expect_eq(r, wanted, "%s: %d", name, r);
	cr_expect_str_eq(fault.text, words, "%s: %s", name, fault.text);
	cr_expect_eq(output_file_end(&f, -EIO), -EIO);
}

static int write_output(const char *path, int so_far)
{
	struct output_file f;
	struct out_fault fault;
	int r = output_file_place(path, true, marks, ARRAY_SIZE(marks), &f, &fault);

	if (!r)
		r = output_file_begin(&f, &fault);
	if (r) {
		cr_expect_str_eq(fault.text, strerror(-r));
		return output_file_end(&f, r);
	}
	(void)fputs("report", f.stream);
	return output_file_end(&f, so_far);
}

Test(out_file, outputs)
{
	put("notes", "notes");
	put("earlier", "{\n\"tool\": \"x\"");
	cr_assert_eq(symlink("notes", at("link")) | symlink("none", at("nowhere")), 0);
	expect_output("new", 0, false, "");
	expect_output("earlier", 0, false, "");
	expect_output("notes", -EEXIST, false, OUTPUT_NOT_OURS);
	expect_output("notes", 0, true, "");
	expect_output("link", -EEXIST, false, OUTPUT_NOT_OURS);
	expect_output("nowhere", -EPERM, true, "it is a symbolic link");
	expect_output("none/x", -ENOENT, true, "No such file or directory");
	expect_names(4);
	expect_content("notes", "notes");
	expect_content("earlier", "{\n\"tool\": \"x\"");

	cr_expect_eq(write_output(at("new"), 0), 0);
	expect_content("new", "report");
	cr_expect_eq(write_output(at("earlier"), -EIO), -EIO);
	expect_content("earlier", "{\n\"tool\": \"x\"");
	cr_expect_eq(write_output(at("none/x"), 0), -ENOENT);
	expect_names(5);
}

/* The file gets it, and the link stays. */
Test(out_file, outputs_behind_links)
{
	struct stat st;

	cr_assert_eq(mkdir(at("d"), 0700), 0);
	put("d/file", "");
	cr_assert_eq(symlink("d/file", at("near")) | symlink(at("near"), at("far")), 0);
	cr_expect_eq(write_output(at("far"), 0), 0);
	expect_content("d/file", "report");
	cr_expect(!lstat(at("near"), &st) && S_ISLNK(st.st_mode));
	cr_expect(!lstat(at("far"), &st) && S_ISLNK(st.st_mode));
}

/* Somebody has it open: he gets what is written. */
Test(out_file, outputs_to_descriptors)
{
	char path[40], text[20] = "";
	int fd;

	put("open", "");
	fd = open(at("open"), O_RDWR | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	cr_assert_eq(unlink(at("open")), 0);
	cr_expect_eq(write_output(path, 0), 0);
	cr_expect_eq(pread(fd, text, sizeof(text) - 1, 0), 6);
	cr_expect_str_eq(text, "report");
	cr_expect_eq(pwrite(fd, "my notes", 8, 0), 8);
	{
		struct output_file f;
		struct out_fault fault;

		cr_expect_eq(output_file_place(path, false, marks, 2, &f, &fault), -EEXIST);
		cr_expect_eq(output_file_end(&f, 0), 0);
	}
	close(fd);
	expect_names(0);
}

/* A directory in which nothing can be made: what stands there is written to as it is. */
Test(out_file, outputs_where_nothing_can_be_made)
{
	pid_t child;
	int status;

	if (getuid()) {
		cr_skip_test("only root can become somebody else");
		return;
	}
	put("own", "");
	cr_assert_eq(chown(at("own"), 65534, 65534) | chmod(place, 0755), 0);
	child = fork();
	if (!child) {
		struct output_file f;
		struct out_fault fault;

		/* What it holds is not lost unasked: it cannot be kept until the new one is whole.
		 */
		_exit(setuid(65534) || write_output(at("own"), 0) || !write_output(at("new"), 0) ||
		      output_file_place(at("own"), false, marks, 2, &f, &fault) != -EEXIST ||
		      strcmp(fault.text, OUTPUT_IS_FIXED) != 0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
	expect_content("own", "report");
	expect_names(1);
}

/* It is opened when it is written to, and may be another one by then. */
Test(out_file, an_output_to_a_pipe_that_changes)
{
	struct out_fault fault;
	struct output_file f;
	int reader;

	cr_assert_eq(mkfifo(at("pipe"), 0600) | mkfifo(at("other"), 0600), 0);
	cr_assert_eq(output_file_place(at("pipe"), false, marks, 2, &f, &fault), 0);
	cr_assert_eq(rename(at("other"), at("pipe")), 0);
	reader = open(at("pipe"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	cr_assert_geq(reader, 0);
	cr_expect_eq(output_file_begin(&f, &fault), -EAGAIN);
	cr_expect_eq(output_file_end(&f, -EAGAIN), -EAGAIN);
	close(reader);
}

/* A standard stream that is closed reads /dev/null: that is not where the output goes. */
Test(out_file, outputs_beside_a_closed_stream)
{
	const int saved = dup(STDERR_FILENO), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int r;

	cr_assert_eq(dup2(null, STDERR_FILENO), STDERR_FILENO);
	r = write_output("/dev/null", 0);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
	cr_expect_eq(r, 0);
}

/* Where files without names cannot be made, one is made in the walls, and all is open to it. */
Test(out_file, outputs_in_the_walls)
{
	for (int named = 0; named < 2; named++) {
		struct sandbox walls = { .off = true };
		struct out_fault fault;
		struct output_file f;

		no_unnamed_files = named;
		cr_assert_eq(output_file_place(at("new"), false, marks, 1, &f, &fault), 0);
		output_file_let_through(&f, &walls);
		cr_expect_eq(named ? walls.make[0] : walls.name[0], f.path);
		cr_expect_null(named ? walls.name[0] : walls.make[0]);
		cr_expect_str_eq(f.path, at("new"));
		cr_expect_not(output_file_replaces(&f));
		cr_expect_eq(output_file_end(&f, 0), 0, "nothing was begun");
		expect_names(0);
	}
}

/* What is no file is written to directly: nothing is there to be kept. */
Test(out_file, outputs_to_what_is_no_file)
{
	struct stat st;
	char text[20] = "";
	int fd;

	cr_assert_eq(mkfifo(at("fifo"), 0600), 0);
	expect_output("fifo", 0, false, "");
	fd = open(at("fifo"), O_RDWR | O_CLOEXEC);
	cr_expect_eq(write_output(at("fifo"), 0), 0);
	cr_expect_eq(read(fd, text, sizeof(text) - 1), 6);
	cr_expect_str_eq(text, "report");
	cr_expect_eq(write_output(at("fifo"), -EIO), -EIO);
	close(fd);
	cr_expect(!stat(at("fifo"), &st) && S_ISFIFO(st.st_mode));
	cr_expect_eq(write_output("/dev/null", 0), 0);
	if (!access("/dev/full", W_OK))
		cr_expect_eq(write_output("/dev/full", 0), -ENOSPC);
}

/* What was printed to the same file before is kept. */
Test(out_file, outputs_to_standard_output)
{
	int saved, fd;

	for (int own = STDOUT_FILENO; own <= STDERR_FILENO; own++) {
		put("printed", "first ");
		fd = open(at("printed"), O_WRONLY | O_APPEND | O_CLOEXEC);
		fflush(NULL);
		saved = dup(own);
		cr_assert_geq(dup2(fd, own), 0);
		expect_output("printed", 0, false, "");
		cr_expect_eq(write_output(at("printed"), 0), 0);
		cr_expect_eq(write(own, " last", 5), 5, "it is still open");
		dup2(saved, own);
		close(saved);
		close(fd);
		expect_content("printed", "first report last");
	}
}
