/* SPDX-License-Identifier: MIT */
#include "tests/faults/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A guard against what would never end; nothing here takes a second. */
enum { GUARD_SECONDS = 120, MAX_ENV = 16 };

#define FAIL(what) (perror(what), exit(1))

static const char *tools, *library, *work;
static char state_path[PATH_MAX];
static struct fault_state *state;

void run_setup(const char *tools_dir, const char *preload, const char *work_dir)
{
	int fd;

	tools = tools_dir;
	library = preload;
	work = work_dir;
	snprintf(state_path, sizeof(state_path), "%s/state", work);
	fd = open(state_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*state)))
		FAIL(state_path);
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (state == MAP_FAILED)
		FAIL(state_path);
	close(fd);
}

const struct fault_state *run_state(void)
{
	return state;
}

/* ---- the tool's process */

struct environment {
	char text[MAX_ENV][PATH_MAX + 32];
	char *list[MAX_ENV + 1];
	size_t nr;
};

__attribute__((format(printf, 2, 3))) static void add(struct environment *e, const char *format,
						      ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(e->text[e->nr], sizeof(*e->text), format, args);
	va_end(args);
	e->list[e->nr] = e->text[e->nr];
	e->nr++;
}

static void make_environment(struct environment *e, const struct fault *fault)
{
	static const char *const names[] = FAULT_NAMES;

	add(e, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	add(e, "LC_ALL=C.UTF-8");
	add(e, "TMPDIR=%s", work);
	add(e, "LD_PRELOAD=%s", library);
	add(e, "ASAN_OPTIONS=verify_asan_link_order=0:exitcode=99:allocator_may_return_null=1");
	add(e, "LSAN_OPTIONS=exitcode=99");
	add(e, "UBSAN_OPTIONS=print_stacktrace=1:exitcode=99");
	add(e, "FAULT_STATE=%s", state_path);
	if (fault->nth) {
		add(e, "FAULT=%s", names[fault->call]);
		add(e, "FAULT_NTH=%u", fault->nth);
		add(e, "FAULT_HOW=%s", fault->how);
	}
	if (fault->lose)
		add(e, "FAULT_LOSE=%s", fault->lose);
}

static void limit_files(long bytes)
{
	struct rlimit limit = { (rlim_t)bytes, (rlim_t)bytes };

	if (bytes >= 0)
		setrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_IGN);
}

/* Addresses stay the same from run to run: a call is known by its backtrace. */
static void become(char *const *argv, const struct fault *fault, const int *ends)
{
	static struct environment e;
	static char path[PATH_MAX];
	struct rlimit no_core = { 0, 0 };

	make_environment(&e, fault);
	snprintf(path, sizeof(path), "%s/%s", tools, argv[0]);
	if (chdir(work) || dup2(ends[0], 0) < 0 || dup2(ends[1], 1) < 0 || dup2(ends[2], 2) < 0)
		_exit(126);
	personality(ADDR_NO_RANDOMIZE);
	setrlimit(RLIMIT_CORE, &no_core);
	limit_files(fault->file_limit);
	execve(path, argv, e.list);
	_exit(126);
}

static void collect(char **text, size_t *nr, struct pollfd *p)
{
	char *grown = realloc(*text, *nr + 65536 + 1);
	ssize_t n;

	if (!grown)
		FAIL("memory");
	*text = grown;
	n = read(p->fd, grown + *nr, 65536);
	if (n < 0 && errno == EINTR)
		return;
	*nr += n > 0 ? (size_t)n : 0;
	grown[*nr] = '\0';
	if (n <= 0)
		p->fd = -1;
}

/* Until both ends are closed; false: it takes too long. */
static bool listen_to(int out, int err, struct outcome *o)
{
	struct pollfd ends[2] = { { .fd = out, .events = POLLIN },
				  { .fd = err, .events = POLLIN } };

	while (ends[0].fd >= 0 || ends[1].fd >= 0) {
		int r = poll(ends, 2, GUARD_SECONDS * 1000);

		if (!r)
			return false;
		if (r > 0 && ends[0].revents)
			collect(&o->out, &o->out_bytes, &ends[0]);
		if (r > 0 && ends[1].revents)
			collect(&o->err, &o->err_bytes, &ends[1]);
	}
	return true;
}

/* What the tool is to read: small enough for a pipe to hold. */
static int pipe_from(const char *name)
{
	char path[PATH_MAX], text[65536];
	int ends[2], fd;
	ssize_t n;

	if (!name)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/%s", work, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pipe2(ends, O_CLOEXEC))
		FAIL(path);
	n = read(fd, text, sizeof(text));
	if (n < 0 || n == sizeof(text) || write(ends[1], text, (size_t)n) != n)
		FAIL(path);
	close(fd);
	close(ends[1]);
	return ends[0];
}

static void wait_for(pid_t pid, struct outcome *o)
{
	int status;

	if (o->hung)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	o->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	o->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

void run_tool(char *const *argv, const char *input, const struct fault *fault, struct outcome *o)
{
	int out[2], err[2], in = pipe_from(input);
	pid_t pid;

	memset(state, 0, sizeof(*state));
	*o = (struct outcome){ .out = calloc(1, 1), .err = calloc(1, 1) };
	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		FAIL("pipe");
	pid = fork();
	if (pid < 0)
		FAIL("fork");
	if (!pid)
		become(argv, fault, (int[]){ in, out[1], err[1] });
	close(in);
	close(out[1]);
	close(err[1]);
	o->hung = !listen_to(out[0], err[0], o);
	close(out[0]);
	close(err[0]);
	wait_for(pid, o);
	o->fired = state->fired || fault->file_limit >= 0;
}

void outcome_destroy(struct outcome *o)
{
	free(o->out);
	free(o->err);
	*o = (struct outcome){ 0 };
}

int run_judge(const char *program, const char *file)
{
	pid_t pid = fork();
	struct outcome o = { 0 };

	if (pid < 0)
		FAIL("fork");
	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		execl(program, program, file, (char *)NULL);
		_exit(126);
	}
	wait_for(pid, &o);
	return o.status;
}

void run_print(char *const *argv, const char *input, const struct fault *fault)
{
	static struct environment e;

	e = (struct environment){ .nr = 0 };
	make_environment(&e, fault);
	printf("    cd %s;", work);
	if (fault->file_limit >= 0)
		printf(" prlimit --fsize=%ld", fault->file_limit);
	printf(" env");
	for (size_t i = 3; i < e.nr; i++) {
		if (strncmp(e.list[i], "FAULT_STATE", 11) && !strstr(e.list[i], "SAN_OPTIONS"))
			printf(" %s", e.list[i]);
	}
	printf(" %s", tools);
	for (char *const *a = argv; *a; a++)
		printf("%s%s", a == argv ? "/" : " ", *a);
	printf(input ? " <%s\n" : "\n", input ? input : "");
}
