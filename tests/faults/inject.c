/* SPDX-License-Identifier: MIT
 * inject.c: a library to be preloaded that makes calls fail (faults.h tells how it is told).
 *
 * Under AddressSanitizer it comes before libasan (ASAN_OPTIONS=verify_asan_link_order=0): what does
 * not fail goes on to the sanitizer's own functions.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <libaio.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/faults/faults.h"

enum { SECTOR = 512, MAX_LOG = 4096, MAX_DONE = 256, ARENA_BYTES = 1 << 16 };
enum how { NOT, FAIL, FROM, SHORT, TORN, KILL };
enum lose { LOSE_NONE, LOSE_ALL, LOSE_ODD, LOSE_EVEN };

/* A write since the last fsync. */
struct logged {
	int fd;
	off_t offset;
	size_t bytes;
	char *before, *after;
};

static struct {
	bool armed, busy, trace;
	enum fault_call call;
	uint32_t nth;
	enum how how;
	enum lose lose;
	int error;
	size_t sectors; /* of the write that is cut off */
	struct fault_state own, *state;
	struct logged log[MAX_LOG];
	size_t nr_log;
	struct io_event done[MAX_DONE];
	size_t nr_done;
} f;

/* ---- the functions that stand behind */

static void *next(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function) {
		(void)!write(STDERR_FILENO, name, strlen(name));
		_exit(125);
	}
	return function;
}

/* A pointer to an object is none to a function, in ISO C. */
#define REAL(name)                                   \
	static __typeof__(name) *real;               \
	if (!real) {                                 \
		void *found = next(#name);           \
		memcpy(&real, &found, sizeof(real)); \
	}

/* ---- whether it is this call */

/* Of a sanitizer that may be there: what the first backtrace() takes is never given back. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static int frames_here(void **frames, int max)
{
	int nr;

	if (__lsan_disable)
		__lsan_disable();
	nr = backtrace(frames, max);
	if (__lsan_enable)
		__lsan_enable();
	return nr;
}

static void trace(void)
{
	void *frames[32];

	backtrace_symbols_fd(frames, frames_here(frames, 32), STDERR_FILENO);
}

/* FNV-1a */
static uint64_t place(void)
{
	void *frames[64];
	const int nr = frames_here(frames, 64);
	uint64_t hash = 0xcbf29ce484222325;

	for (int i = 3; i < nr; i++)
		hash = (hash ^ (uintptr_t)frames[i]) * 0x100000001b3;
	return hash;
}

static void note_place(uint32_t n)
{
	if (n > FAULT_MAX_PLACES)
		return;
	f.busy = true;
	f.state->places[n - 1] = place();
	f.busy = false;
}

static bool hit(enum fault_call call)
{
	uint32_t n;

	if (!f.armed || f.busy)
		return false;
	n = __atomic_add_fetch(&f.state->calls[call], 1, __ATOMIC_RELAXED);
	if (f.how == NOT && call == FAULT_MALLOC)
		note_place(n);
	if (call != f.call || f.how == NOT || n < f.nth || (n > f.nth && f.how != FROM))
		return false;
	__atomic_add_fetch(&f.state->fired, 1, __ATOMIC_RELAXED);
	if (f.trace) {
		f.busy = true;
		trace();
		f.busy = false;
	}
	return true;
}

/* The same where half of the work is done too; *bytes becomes that half. */
static bool hit_transfer(enum fault_call call, size_t *bytes)
{
	if (!hit(call))
		return false;
	if (f.how != SHORT)
		return true;
	if (*bytes > 1)
		*bytes = *bytes / 2 < SECTOR ? *bytes / 2 : *bytes / 2 / SECTOR * SECTOR;
	return false;
}

/* ---- disks: what is written, torn and lost.  Files opened with O_DIRECT are opened again. */

static int open_again(int fd)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDWR | O_CLOEXEC);
}

static void put(int fd, const char *data, size_t bytes, off_t offset)
{
	int again = open_again(fd);

	if (again < 0 || pwrite(again, data, bytes, offset) != (ssize_t)bytes) {
		(void)dprintf(STDERR_FILENO, "inject: cannot write\n");
		_exit(125);
	}
	(void)close(again);
}

static void get(int fd, char *data, size_t bytes, off_t offset)
{
	int again = open_again(fd);

	memset(data, 0, bytes);
	if (again >= 0) {
		(void)!pread(again, data, bytes, offset);
		(void)close(again);
	}
}

static void remember(int fd, const void *data, size_t bytes, off_t offset)
{
	struct logged *l = &f.log[f.nr_log];

	if (f.call != FAULT_COMPLETE && (f.how != KILL || f.lose == LOSE_NONE))
		return;
	*l = (struct logged){ fd, offset, bytes, malloc(bytes), malloc(bytes) };
	if (f.nr_log == MAX_LOG - 1 || !l->before || !l->after)
		_exit(125);
	get(fd, l->before, bytes, offset);
	memcpy(l->after, data, bytes);
	f.nr_log++;
}

static void forget_log(void)
{
	for (size_t i = 0; i < f.nr_log; i++) {
		free(f.log[i].before);
		free(f.log[i].after);
	}
	f.nr_log = 0;
}

/* Back to the last fsync, and on with what is kept. */
static void lose(void)
{
	for (size_t i = f.nr_log; i-- > 0;)
		put(f.log[i].fd, f.log[i].before, f.log[i].bytes, f.log[i].offset);
	for (size_t i = 0; i < f.nr_log; i++) {
		if ((f.lose == LOSE_ODD && i % 2 == 0) || (f.lose == LOSE_EVEN && i % 2))
			put(f.log[i].fd, f.log[i].after, f.log[i].bytes, f.log[i].offset);
	}
}

static bool is_file(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

/* Before each write to a file; true: it fails with EIO, and part of it was done. */
static bool disk(enum fault_call call, int fd, const void *data, size_t bytes, off_t offset)
{
	size_t part = f.sectors * SECTOR < bytes ? f.sectors * SECTOR : bytes;
	bool now, torn;

	if (!f.armed || f.busy || !is_file(fd))
		return false;
	now = hit(FAULT_DISK);
	torn = f.call == call && f.how == TORN && f.state->calls[call] == f.nth;
	f.busy = true;
	if (now || torn)
		bytes = part;
	if (bytes)
		remember(fd, data, bytes, offset);
	if ((now || torn) && bytes)
		put(fd, data, bytes, offset);
	if (now && f.how == KILL) {
		lose();
		(void)kill(getpid(), SIGKILL);
	}
	f.busy = false;
	return now || torn;
}

/* ---- files */

#define RETURN_ERROR(value)      \
	do {                     \
		errno = f.error; \
		return value;    \
	} while (0)

ssize_t read(int fd, void *data, size_t bytes)
{
	REAL(read)
	if (hit_transfer(FAULT_READ, &bytes))
		RETURN_ERROR(-1);
	return real(fd, data, bytes);
}

ssize_t pread(int fd, void *data, size_t bytes, off_t offset)
{
	REAL(pread)
	if (hit_transfer(FAULT_PREAD, &bytes))
		RETURN_ERROR(-1);
	return real(fd, data, bytes, offset);
}

ssize_t pread64(int fd, void *data, size_t bytes, off64_t offset)
{
	return pread(fd, data, bytes, offset);
}

ssize_t write(int fd, const void *data, size_t bytes)
{
	REAL(write)
	if (hit_transfer(FAULT_WRITE, &bytes) && f.how != TORN)
		RETURN_ERROR(-1);
	if (disk(FAULT_WRITE, fd, data, bytes, lseek(fd, 0, SEEK_CUR)))
		RETURN_ERROR(-1);
	return real(fd, data, bytes);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
	REAL(pwrite)
	if (hit_transfer(FAULT_PWRITE, &bytes) && f.how != TORN)
		RETURN_ERROR(-1);
	if (disk(FAULT_PWRITE, fd, data, bytes, offset))
		RETURN_ERROR(-1);
	return real(fd, data, bytes, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset)
{
	return pwrite(fd, data, bytes, offset);
}

int fsync(int fd)
{
	int r;

	REAL(fsync)
	if (hit(FAULT_FSYNC))
		RETURN_ERROR(-1);
	r = real(fd);
	if (!r)
		forget_log();
	return r;
}

static mode_t mode_of(int flags, va_list args)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	REAL(open)
	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	if (hit(FAULT_OPEN))
		RETURN_ERROR(-1);
	return real(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	REAL(openat)
	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	if (hit(FAULT_OPEN))
		RETURN_ERROR(-1);
	return real(dir, path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	REAL(fopen)
	if (hit(FAULT_OPEN))
		RETURN_ERROR(NULL);
	return real(path, mode);
}

DIR *opendir(const char *path)
{
	REAL(opendir)
	if (hit(FAULT_OPEN))
		RETURN_ERROR(NULL);
	return real(path);
}

/* The same by the names that the compiler's hardening and large files give them. */
ssize_t __read_chk(int fd, void *data, size_t bytes, size_t room);
ssize_t __read_chk(int fd, void *data, size_t bytes, size_t room)
{
	return bytes > room ? abort(), -1 : read(fd, data, bytes);
}

ssize_t __pread_chk(int fd, void *data, size_t bytes, off_t offset, size_t room);
ssize_t __pread_chk(int fd, void *data, size_t bytes, off_t offset, size_t room)
{
	return bytes > room ? abort(), -1 : pread(fd, data, bytes, offset);
}

int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
	return open(path, flags);
}

int __openat_2(int dir, const char *path, int flags);
int __openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return open(path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return openat(dir, path, flags, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
	return fopen(path, mode);
}

/* ---- libaio.  Where the process is to be killed, requests are done at once and one by one: what
 * is still under way would be written behind our back. */

static void do_now(struct iocb *cb)
{
	struct io_event *e = &f.done[f.nr_done++];
	ssize_t n;

	f.busy = true;
	if (cb->aio_lio_opcode == IO_CMD_PWRITE)
		n = pwrite(cb->aio_fildes, cb->u.c.buf, cb->u.c.nbytes, cb->u.c.offset);
	else
		n = pread(cb->aio_fildes, cb->u.c.buf, cb->u.c.nbytes, cb->u.c.offset);
	f.busy = false;
	*e = (struct io_event){ .data = cb->data,
				.obj = cb,
				.res = (unsigned long)(n < 0 ? -errno : n) };
}

int io_submit(io_context_t context, long nr, struct iocb *cbs[])
{
	REAL(io_submit)
	if (hit(FAULT_SUBMIT) && f.how != TORN)
		return -f.error;
	for (long i = 0; i < nr; i++) {
		struct iocb *cb = cbs[i];

		if (cb->aio_lio_opcode == IO_CMD_PWRITE &&
		    disk(FAULT_SUBMIT, cb->aio_fildes, cb->u.c.buf, cb->u.c.nbytes, cb->u.c.offset))
			return -f.error;
		if (f.how == KILL && f.nr_done < MAX_DONE)
			do_now(cb);
	}
	return f.how == KILL ? (int)nr : real(context, nr, cbs);
}

static void undo(const struct iocb *cb, size_t done)
{
	for (size_t i = f.nr_log; i-- > 0;) {
		const struct logged *l = &f.log[i];

		if (l->fd != cb->aio_fildes || l->offset != cb->u.c.offset)
			continue;
		put(l->fd, l->before + done, l->bytes - done, l->offset + (off_t)done);
		return;
	}
}

/* What a request did not do is not there. */
static void spoil(struct io_event *e)
{
	struct iocb *cb = e->obj;
	size_t bytes = cb->u.c.nbytes, done = f.how == SHORT ? bytes / 2 / SECTOR * SECTOR : 0;

	e->res = f.how == SHORT ? done : (unsigned long)-f.error;
	f.busy = true;
	if (cb->aio_lio_opcode == IO_CMD_PWRITE)
		undo(cb, done);
	else if (cb->aio_lio_opcode == IO_CMD_PREAD)
		memset((char *)cb->u.c.buf + done, 0x5a, bytes - done);
	f.busy = false;
}

int io_getevents(io_context_t context, long min, long nr, struct io_event *events,
		 struct timespec *timeout)
{
	int got = 0;

	REAL(io_getevents)
	if (hit(FAULT_GETEVENTS))
		return -f.error;
	if (f.how == KILL) {
		for (; got < nr && f.nr_done; got++)
			events[got] = f.done[--f.nr_done];
		return got;
	}
	got = real(context, min, nr, events, timeout);
	for (int i = 0; i < got; i++) {
		if (hit(FAULT_COMPLETE))
			spoil(&events[i]);
	}
	return got;
}

/* ---- memory.  dlsym() may want some before the functions are known that give it. */

static char arena[ARENA_BYTES] __attribute__((aligned(16)));
static size_t arena_used;
static bool resolving;

static struct {
	void *(*malloc)(size_t bytes);
	void *(*calloc)(size_t nr, size_t bytes);
	void *(*realloc)(void *p, size_t bytes);
	int (*posix_memalign)(void **ret, size_t alignment, size_t bytes);
	void (*free)(void *p);
} heap;

static void *from_arena(size_t bytes)
{
	size_t at = arena_used;

	arena_used += (bytes + 15) & ~(size_t)15;
	return arena_used <= sizeof(arena) ? arena + at : NULL;
}

static bool in_arena(const void *p)
{
	return (const char *)p >= arena && (const char *)p < arena + sizeof(arena);
}

#define FIND(name)                                             \
	do {                                                   \
		void *found = next(#name);                     \
		memcpy(&heap.name, &found, sizeof(heap.name)); \
	} while (0)

/* Whether the heap can be used. */
static bool find_heap(void)
{
	if (resolving)
		return false;
	if (heap.free)
		return true;
	resolving = true;
	FIND(malloc);
	FIND(calloc);
	FIND(realloc);
	FIND(posix_memalign);
	FIND(free);
	resolving = false;
	return true;
}

static bool no_memory(void)
{
	if (!hit(FAULT_MALLOC))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t bytes)
{
	if (!find_heap())
		return from_arena(bytes);
	return no_memory() ? NULL : heap.malloc(bytes);
}

void *calloc(size_t nr, size_t bytes)
{
	if (!find_heap())
		return from_arena(nr * bytes);
	return no_memory() ? NULL : heap.calloc(nr, bytes);
}

void *realloc(void *p, size_t bytes)
{
	if (!find_heap() || in_arena(p))
		abort();
	return no_memory() ? NULL : heap.realloc(p, bytes);
}

int posix_memalign(void **ret, size_t alignment, size_t bytes)
{
	if (!find_heap())
		abort();
	return no_memory() ? ENOMEM : heap.posix_memalign(ret, alignment, bytes);
}

void free(void *p)
{
	if (p && !in_arena(p) && find_heap())
		heap.free(p);
}

/* AddressSanitizer's own would not come by here. */
char *strdup(const char *text)
{
	size_t bytes = strlen(text) + 1;
	char *copy = malloc(bytes);

	return copy ? memcpy(copy, text, bytes) : NULL;
}

char *strndup(const char *text, size_t n)
{
	size_t bytes = strnlen(text, n);
	char *copy = malloc(bytes + 1);

	if (!copy)
		return NULL;
	copy[bytes] = '\0';
	return memcpy(copy, text, bytes);
}

/* ---- the clock stands still: two runs print the same */

time_t time(time_t *ret)
{
	const time_t now = 1700000000;

	if (ret)
		*ret = now;
	return now;
}

/* ---- what is to fail, and from when to when */

static int error_named(const char *name)
{
	static const struct {
		const char *name;
		int error;
	} errors[] = { { "EIO", EIO },       { "ENOSPC", ENOSPC }, { "EINVAL", EINVAL },
		       { "EAGAIN", EAGAIN }, { "EINTR", EINTR },   { "ENOMEM", ENOMEM },
		       { "EMFILE", EMFILE }, { "EACCES", EACCES }, { "EPERM", EPERM },
		       { "EDQUOT", EDQUOT }, { "EFBIG", EFBIG },   { "EROFS", EROFS } };

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		if (!strcmp(errors[i].name, name))
			return errors[i].error;
	}
	return EIO;
}

static void read_how(const char *how)
{
	static const char *const names[] = { "", "fail", "from", "short", "torn", "kill" };
	size_t length = strcspn(how, ":");
	const char *argument = how[length] ? how + length + 1 : "";

	for (size_t i = FAIL; i <= KILL; i++) {
		if (strlen(names[i]) == length && !strncmp(names[i], how, length))
			f.how = (enum how)i;
	}
	f.error = error_named(argument);
	f.sectors = strtoul(argument, NULL, 10);
}

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static void read_call(const char *name)
{
	static const char *const names[] = FAULT_NAMES;

	for (size_t i = 0; i < NR_FAULT_CALLS; i++) {
		if (!strcmp(names[i], name))
			f.call = (enum fault_call)i;
	}
}

static void read_lose(const char *name)
{
	static const char *const names[] = { "", "all", "odd", "even" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(names[i], name))
			f.lose = (enum lose)i;
	}
}

static void map_state(const char *path)
{
	int fd = *path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map =
		fd < 0 ? MAP_FAILED
		       : mmap(NULL, sizeof(*f.state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	f.state = map == MAP_FAILED ? &f.own : map;
	if (fd >= 0)
		(void)close(fd);
}

static int (*real_main)(int argc, char **argv, char **env);

static int armed_main(int argc, char **argv, char **env)
{
	int status;

	read_call(setting("FAULT"));
	read_how(setting("FAULT_HOW"));
	read_lose(setting("FAULT_LOSE"));
	f.nth = (uint32_t)strtoul(setting("FAULT_NTH"), NULL, 10);
	f.trace = *setting("FAULT_TRACE");
	map_state(setting("FAULT_STATE"));
	(void)unsetenv("LD_PRELOAD"); /* what the tool runs is not under test */
	f.armed = true;
	status = real_main(argc, argv, env);
	f.armed = false;
	return status;
}

typedef int start_fn(int (*run)(int, char **, char **), int argc, char **argv, void (*init)(void),
		     void (*fini)(void), void (*rtld_fini)(void), void *stack_end);
start_fn __libc_start_main;

/* Counted is what main does: what goes before is the dynamic linker's. */
int __libc_start_main(int (*run)(int, char **, char **), int argc, char **argv, void (*init)(void),
		      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
	void *found = next("__libc_start_main");
	start_fn *real;

	memcpy(&real, &found, sizeof(real));
	real_main = run;
	return real(armed_main, argc, argv, init, fini, rtld_fini, stack_end);
}
