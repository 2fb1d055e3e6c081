/* SPDX-License-Identifier: MIT
 * test_sandbox.c: what can still be done inside the walls, and what cannot.
 *
 * Walls are around a thread, as around a process: each attempt is made in a thread of its own, so
 * that the test itself, gcov and the sanitizers stay outside.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* Builds with sanitizers and gcov have no walls but these: here they are the code under test. */
#undef THINMEND_NO_SANDBOX
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "common/tool/sandbox.c"

#include "common/base/alloc.h"
#include "common/io/block_io.h"
#include "tests/support/leaks.h"

/* ---- a place with files */

static char place[64];

static const char *at(const char *name)
{
	static char paths[16][200];
	static unsigned int nr;
	char *path = paths[nr++ % ARRAY_SIZE(paths)];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", place, name);
	return path;
}

static void put(const char *name)
{
	int fd = open(at(name), O_WRONLY | O_CREAT, 0600);
	char bytes[MD_BLOCK_SIZE] = "text";

	cr_assert(fd >= 0 && write(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes));
	close(fd);
}

static void begin(void)
{
	(void)snprintf(place, sizeof(place), "/tmp/sandbox-XXXXXX");
	cr_assert_not_null(mkdtemp(place));
	cr_assert_eq(mkdir(at("a"), 0700) | mkdir(at("a/below"), 0700) | mkdir(at("b"), 0700), 0);
	put("a/one");
	put("a/two");
	put("a/below/deep");
	put("b/other");
	cr_assert_eq(mkfifo(at("a/fifo"), 0600), 0);
	cr_assert_eq(symlink("../b/other", at("a/link")), 0);
}

static void finish(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", place);
	cr_assert_eq(system(command), 0);
	fail_on_leaks();
}

TestSuite(sandbox, .init = begin, .fini = finish);

/* ---- attempts: 0 or errno */

typedef int (*attempt_fn)(const char *path);

static int outcome(long r)
{
	return r < 0 ? errno : 0;
}

static int open_and_close(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int read_it(const char *path)
{
	return open_and_close(path, O_RDONLY);
}

static int write_it(const char *path)
{
	return open_and_close(path, O_RDWR);
}

static int cut_it(const char *path)
{
	return open_and_close(path, O_WRONLY | O_TRUNC);
}

static int make_it(const char *path)
{
	return open_and_close(path, O_WRONLY | O_CREAT | O_EXCL);
}

static int remove_it(const char *path)
{
	return outcome(unlink(path));
}

/* As out_file.c puts a file to its place. */
static int replace_it(const char *path)
{
	char beside[220];
	int r;

	(void)snprintf(beside, sizeof(beside), "%s.beside", path);
	r = make_it(beside);
	return r ? r : outcome(rename(beside, path));
}

static int move_it(const char *path)
{
	char to[220];

	(void)snprintf(to, sizeof(to), "%s.moved", path);
	return outcome(rename(path, to));
}

static int list_it(const char *path)
{
	return open_and_close(path, O_RDONLY | O_DIRECTORY);
}

/* Not by execve(): gcov comes between there, and wants to write its files. */
static int run_it(const char *path)
{
	char *const none[] = { NULL };

	return outcome(syscall(SYS_execve, path, none, none));
}

static int try_socket(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)path;
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int try_peek(const char *path)
{
	char byte = 0, copy;
	struct iovec to = { &copy, 1 }, from = { &byte, 1 };

	(void)path;
	return outcome(process_vm_readv(getpid(), &to, 1, &from, 1, 0));
}

static int try_ring(const char *path)
{
	(void)path;
	return outcome(syscall(SYS_io_uring_setup, 0, NULL));
}

static int try_mount(const char *path)
{
	return outcome(syscall(SYS_mount, NULL, path, NULL, ~0UL, NULL));
}

static int signal_parent(const char *path)
{
	(void)path;
	return outcome(kill(getppid(), 0));
}

static int signal_self(const char *path)
{
	(void)path;
	return outcome(syscall(SYS_tgkill, getpid(), gettid(), 0));
}

static int signal_stranger(const char *path)
{
	(void)path;
	return outcome(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int is_privileged(const char *path)
{
	(void)path;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0;
}

static int child_reads(const char *path)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(read_it(path));
	if (child < 0 || waitpid(child, &status, 0) != child)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ENOTRECOVERABLE;
}

/* ---- walls around a thread */

struct thread {
	const struct sandbox *first, *second; /* NULL: none */
	attempt_fn attempt;
	const char *path;
	int result;
};

static void *go(void *context)
{
	struct thread *t = context;

	if (t->first)
		sandbox_enter(t->first);
	if (t->second)
		sandbox_enter(t->second);
	t->result = t->attempt(t->path);
	return NULL;
}

static int inside_both(const struct sandbox *first, const struct sandbox *second,
		       attempt_fn attempt, const char *path)
{
	struct thread t = { first, second, attempt, path, -1 };
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, go, &t), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	return t.result;
}

static int inside(const struct sandbox *walls, attempt_fn attempt, const char *path)
{
	return inside_both(walls, NULL, attempt, path);
}

#define expect_inside(walls, attempt, path, wanted)                                   \
	do {                                                                          \
		const int got_ = inside(walls, attempt, path);                        \
                                                                                      \
		cr_expect_eq(got_, wanted, #attempt " %s: %s", path, strerror(got_)); \
	} while (0)

/* Whether a call is let through is seen by the kernel's other answers to it. */
#define expect_filtered(walls, attempt)                                \
	do {                                                           \
		if (inside(NULL, attempt, "/none") != EPERM)           \
			expect_inside(walls, attempt, "/none", EPERM); \
	} while (0)
#define expect_let_through(walls, attempt) \
	expect_inside(walls, attempt, "/none", inside(NULL, attempt, "/none"))

static long landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* Is there anything to be tried here? */
static bool has_filter(void)
{
#ifdef ARCHITECTURE
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0)
		return true;
	cr_skip_test("this kernel has no seccomp");
#else
	cr_skip_test("on this machine there is no filter");
#endif
	return false;
}

static bool has_landlock(void)
{
	if (landlock() > 0)
		return true;
	cr_skip_test("there is no Landlock");
	return false;
}

/* ---- the filter */

Test(sandbox, off)
{
	const struct sandbox walls = { .off = true };

	expect_inside(&walls, read_it, at("b/other"), 0);
	expect_inside(&walls, make_it, at("b/new"), 0);
	expect_inside(&walls, try_socket, "", 0);
	expect_inside(&walls, run_it, "/none", ENOENT);
	expect_inside(&walls, is_privileged, "", 1);
}

Test(sandbox, nothing_is_opened_or_called)
{
	const struct sandbox walls = { .off = false };
	static const attempt_fn attempts[] = {
		try_socket, try_peek, try_ring,      try_mount,
		run_it,     list_it,  signal_parent, signal_stranger
	};

	if (!has_filter())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		expect_filtered(&walls, attempts[i]);
	expect_inside(&walls, read_it, at("a/one"), EPERM);
	expect_inside(&walls, write_it, at("a/one"), EPERM);
	expect_inside(&walls, remove_it, at("a/one"), EPERM);
	expect_inside(&walls, child_reads, at("a/one"), EPERM);
	expect_inside(&walls, signal_self, "", 0);
}

static int known_fd;

static int asks(unsigned long command)
{
	return outcome(syscall(SYS_ioctl, known_fd, command, NULL));
}

static int asks_of_terminal(const char *path)
{
	(void)path;
	return asks(TCGETS) == ENOTTY && asks(TIOCGWINSZ) == ENOTTY ? 0 : EPERM;
}

static int asks_of_disk(const char *path)
{
	(void)path;
	return asks(BLKGETSIZE64) == ENOTTY && asks(BLKSSZGET) == ENOTTY &&
			       asks(BLKPBSZGET) == ENOTTY
		       ? 0
		       : EPERM;
}

static int asks_anything_else(const char *path)
{
	(void)path;
	return asks(FS_IOC_GETFLAGS);
}

static int asks_to_type(const char *path)
{
	(void)path;
	return asks(TIOCSTI) == EPERM ? asks(TIOCSTI | UINT64_C(1) << 32) : ENOTRECOVERABLE;
}

Test(sandbox, ioctls_on_what_is_open)
{
	const struct sandbox strict = { .off = false }, walks = { .walks = true };

	if (!has_filter())
		return;
	known_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	cr_assert_geq(known_fd, 0);
	cr_expect_eq(asks_anything_else(""), ENOTTY);
	cr_expect_eq(asks(TIOCSTI), ENOTTY);
	expect_inside(&strict, asks_of_terminal, "", 0);
	expect_inside(&strict, asks_of_disk, "", 0);
	expect_inside(&strict, asks_anything_else, "", EPERM);
	expect_inside(&strict, asks_to_type, "", EPERM);
	expect_inside(&walks, asks_of_terminal, "", 0);
	expect_inside(&walks, asks_anything_else, "", ENOTTY);
	expect_inside(&walks, asks_to_type, "", EPERM);
	close(known_fd);
}

/* What a tool does when everything is open. */
static struct block_engine *engine;

static int work(const char *path)
{
	uint8_t *block = alloc_aligned(MD_BLOCK_SIZE);
	void *map = mmap(NULL, 1 << 22, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec now, moment = { 0, 1000 };
	int r;

	(void)path;
	r = block ? -block_read(engine, 0, block) : ENOMEM;
	if (!r && memcmp(block, "text", 5) != 0)
		r = EIO;
	if (!r)
		r = -block_write(engine, 0, block);
	if (!r)
		r = -block_flush(engine);
	if (map == MAP_FAILED || munmap(map, 1 << 22) || clock_gettime(CLOCK_MONOTONIC, &now) ||
	    nanosleep(&moment, NULL))
		r = errno;
	alloc_free(block);
	return r;
}

Test(sandbox, what_is_open_stays)
{
	const struct sandbox strict = { .off = false }, walks = { .walks = true };

	cr_assert_eq(block_open(at("a/one"), OPEN_READ_WRITE, &engine), 0);
	expect_inside(&strict, work, "", 0);
	expect_inside(&walks, work, "", 0);
	block_engine_destroy(engine);
}

#ifdef __x86_64__
/* The same numbers are other calls to the kernel here. */
static int x32_call(const char *path)
{
	(void)path;
	return outcome(syscall(0x40000000 | SYS_getpid));
}

static int i386_call(const char *path)
{
	long r;

	(void)path;
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "0"(20L /* getpid */)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)r < 0 ? -(int)r : 0;
}

/* It kills where the kernel has no such calls. */
static bool has_i386_calls(void)
{
	pid_t child = fork();
	int status;

	if (!child) {
		(void)signal(SIGSEGV, SIG_DFL);
		_exit(i386_call(""));
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status);
}

Test(sandbox, calls_of_another_kind)
{
	const struct sandbox strict = { .off = false }, walks = { .walks = true };

	if (!has_filter())
		return;
	expect_inside(&strict, x32_call, "", EPERM);
	expect_inside(&walks, x32_call, "", EPERM);
	if (!has_i386_calls()) {
		cr_skip_test("calls of i386, which this kernel has not");
		return;
	}
	expect_inside(&strict, i386_call, "", EPERM);
	expect_inside(&walks, i386_call, "", EPERM);
}
#endif

/* ---- a tool that goes on looking for files */

Test(sandbox, walking)
{
	const struct sandbox walls = { .walks = true, .read = { at("a") } };
	static const attempt_fn attempts[] = { try_socket, try_peek, try_ring, try_mount, run_it };

	if (!has_filter())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		expect_filtered(&walls, attempts[i]);
	expect_inside(&walls, signal_self, "", 0);
	expect_inside(&walls, read_it, at("a/one"), 0);
	expect_inside(&walls, child_reads, at("a/below/deep"), 0);
	expect_inside(&walls, is_privileged, "", 0);
	if (!has_landlock())
		return;
	expect_inside(&walls, read_it, at("b/other"), EACCES);
	expect_inside(&walls, child_reads, at("b/other"), EACCES);
	expect_inside(&walls, signal_parent, "", landlock() >= 6 ? EPERM : 0);
}

/* ---- files that are named */

Test(sandbox, files_to_read)
{
	const struct sandbox walls = { .read = { NULL, at("none"), at("a/one"), at("a/below") } };

	if (!has_landlock() || !has_filter())
		return;
	expect_inside(&walls, read_it, at("a/one"), 0);
	expect_inside(&walls, read_it, at("a/below/deep"), 0);
	expect_inside(&walls, list_it, at("a/below"), 0);
	expect_inside(&walls, write_it, at("a/one"), EACCES);
	expect_inside(&walls, write_it, at("a/below/deep"), EACCES);
	expect_inside(&walls, cut_it, at("a/below/deep"), EACCES);
	expect_inside(&walls, make_it, at("a/below/new"), EACCES);
	expect_inside(&walls, remove_it, at("a/below/deep"), EPERM);
	expect_inside(&walls, read_it, at("a/two"), EACCES);
	expect_inside(&walls, list_it, at("a"), EACCES);
	expect_inside(&walls, read_it, at("a/link"), EACCES);
	expect_inside(&walls, run_it, at("a/one"), EPERM);
	expect_filtered(&walls, try_socket);
}

Test(sandbox, files_to_write)
{
	const struct sandbox walls = { .write = { at("a/one"), NULL, at("a/below"), at("none") } };

	if (!has_landlock() || !has_filter())
		return;
	expect_inside(&walls, read_it, at("a/one"), 0);
	expect_inside(&walls, write_it, at("a/one"), 0);
	expect_inside(&walls, cut_it, at("a/one"), 0);
	expect_inside(&walls, write_it, at("a/below/deep"), 0);
	expect_inside(&walls, list_it, at("a/below"), 0);
	expect_inside(&walls, make_it, at("a/below/new"), EACCES);
	expect_inside(&walls, remove_it, at("a/below/deep"), EPERM);
	expect_inside(&walls, write_it, at("a/two"), EACCES);
	expect_inside(&walls, make_it, at("none"), EACCES);
}

Test(sandbox, every_place_counts)
{
	struct sandbox read = { .off = false }, write = { .off = false }, make = { .off = false };

	if (!has_landlock() || !has_filter())
		return;
	read.read[SANDBOX_PATHS - 1] = at("a/one");
	write.write[SANDBOX_PATHS - 1] = at("a/one");
	make.make[ARRAY_SIZE(make.make) - 1] = at("a/one");
	expect_inside(&read, read_it, at("a/one"), 0);
	expect_inside(&read, write_it, at("a/one"), EACCES);
	expect_inside(&write, write_it, at("a/one"), 0);
	expect_inside(&write, replace_it, at("a/one"), EACCES);
	expect_inside(&write, remove_it, at("a/one"), EPERM);
	expect_inside(&make, write_it, at("a/one"), 0);
	expect_inside(&make, replace_it, at("a/one"), 0);
}

Test(sandbox, files_to_make)
{
	const struct sandbox walls = { .make = { NULL, at("b/new") } };

	if (!has_landlock() || !has_filter())
		return;
	expect_inside(&walls, make_it, at("b/new"), 0);
	expect_inside(&walls, replace_it, at("b/new"), 0);
	expect_inside(&walls, remove_it, at("b/new"), 0);
	expect_inside(&walls, list_it, at("b"), 0);
	expect_inside(&walls, make_it, at("a/new"), EACCES);
	expect_inside(&walls, read_it, at("a/one"), EACCES);
	expect_inside(&walls, make_it, at("new"), EACCES);
}

/* Its file is open already: nothing else is opened there, to be read or written. */
Test(sandbox, files_to_name)
{
	struct sandbox walls = { .off = false };

	walls.name[ARRAY_SIZE(walls.name) - 1] = at("b/other");
	if (!has_landlock() || !has_filter())
		return;
	expect_inside(&walls, move_it, at("b/other"), 0);
	expect_inside(&walls, read_it, at("b/other.moved"), EPERM);
	expect_inside(&walls, remove_it, at("b/other.moved"), 0);
	expect_inside(&walls, make_it, at("b/new"), EPERM);
	expect_inside(&walls, list_it, at("b"), EPERM);
	expect_inside(&walls, move_it, at("a/one"), EACCES);
	expect_inside(&walls, remove_it, at("a/one"), EACCES);
	/* Where others are opened, none of these is. */
	walls.read[0] = at("a");
	expect_inside(&walls, read_it, at("a/one"), 0);
	expect_inside(&walls, make_it, at("b/new"), EACCES);
	expect_inside(&walls, remove_it, at("a/one"), EACCES);
}

/* What is there is written to wherever its name leads; its directory is as of any other file. */
Test(sandbox, a_link_is_followed)
{
	const struct sandbox walls = { .make = { at("a/link") } };

	if (!has_landlock() || !has_filter())
		return;
	expect_inside(&walls, cut_it, at("a/link"), 0);
	expect_inside(&walls, write_it, at("b/other"), 0);
	expect_inside(&walls, make_it, at("b/new"), EACCES);
	expect_inside(&walls, replace_it, at("a/link"), 0);
}

/* A pipe or a device: it is written to, and nothing is made beside it. */
Test(sandbox, what_is_no_file)
{
	const struct sandbox walls = { .make = { at("a/fifo") } };

	if (!has_landlock() || !has_filter())
		return;
	expect_inside(&walls, write_it, at("a/fifo"), 0);
	expect_inside(&walls, list_it, at("a"), 0);
	expect_inside(&walls, make_it, at("a/new"), EACCES);
	expect_inside(&walls, read_it, at("a/one"), EACCES);
	expect_inside(&walls, remove_it, at("a/fifo"), EACCES);
}

Test(sandbox, names_of_files_to_make)
{
	struct sandbox walls = { .make = { "new" } };
	char here[400], *long_name;

	if (!has_landlock() || !has_filter())
		return;
	long_name = alloc_array(6000, 1);
	cr_assert_not_null(getcwd(here, sizeof(here)));
	cr_assert_eq(chdir(at("b")), 0);
	expect_inside(&walls, make_it, "new", 0);
	expect_inside(&walls, make_it, at("a/new"), EACCES);
	/* No path that the kernel would take: nothing is allowed for it, a part of it neither. */
	(void)snprintf(long_name, 6000, "%s", at("b/"));
	while (strlen(long_name) < 5000)
		strcat(long_name, "./");
	strcat(long_name, "other");
	walls.make[0] = long_name;
	expect_inside(&walls, make_it, at("b/more"), EACCES);
	cr_assert_eq(chdir(here), 0);
	alloc_free(long_name);
}

/* ---- walls within walls */

Test(sandbox, what_was_forbidden_stays_so)
{
	const struct sandbox wide = { .walks = true, .read = { at("a"), at("b/other") } };
	const struct sandbox narrow = { .walks = true, .read = { at("b") } };
	const struct sandbox strict = { .off = false };

	if (!has_filter())
		return;
	cr_expect_eq(inside_both(&wide, &strict, read_it, at("a/one")), EPERM);
	cr_expect_eq(inside_both(&strict, &wide, read_it, at("a/one")), EPERM);
	if (!has_landlock())
		return;
	cr_expect_eq(inside_both(&wide, &narrow, read_it, at("b/other")), 0);
	cr_expect_eq(inside_both(&wide, &narrow, read_it, at("a/one")), EACCES);
	cr_expect_eq(inside_both(&narrow, &wide, read_it, at("a/one")), EACCES);
}
