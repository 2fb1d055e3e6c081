/* SPDX-License-Identifier: MIT
 * replay.c: run a fuzz target on files, without a fuzzer: TARGET [-v] FILE|DIR...
 *
 * Each input has 5 seconds of the processor's time and, together with the process, 512 MiB; one
 * that waits for something has a minute.  Exit status 0; else the input is named, and it ended by a
 * signal or a sanitizer's status.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/fuzz/support/fuzz.h"

enum { SECONDS = 5, SECONDS_TO_WAIT = 60, MEBIBYTES = 512 };

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN
#endif

#ifdef WITH_ASAN
#include <sanitizer/lsan_interface.h>

/* It maps terabytes that it never touches: the limit is on what is resident. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "hard_rss_limit_mb=512:allocator_may_return_null=1:handle_abort=1";
}

static void limit_memory(void)
{
}

static void require_no_leaks(void)
{
	fuzz_require(!__lsan_do_recoverable_leak_check(), "memory was leaked");
}
#else
static void limit_memory(void)
{
	const struct rlimit limit = { (rlim_t)MEBIBYTES << 20, (rlim_t)MEBIBYTES << 20 };

	fuzz_require(!setrlimit(RLIMIT_DATA, &limit), "setrlimit: %s", strerror(errno));
}

static void require_no_leaks(void)
{
}
#endif

static char current[4096];
static bool verbose;

/* Only what a signal handler may call. */
static void on_signal(int signal)
{
	static const char late[] = "replay: too slow: ", bad[] = "replay: failed: ";
	const bool is_late = signal == SIGALRM || signal == SIGPROF;
	ssize_t r = is_late ? write(STDERR_FILENO, late, sizeof(late) - 1)
			    : write(STDERR_FILENO, bad, sizeof(bad) - 1);

	r = write(STDERR_FILENO, current, strlen(current));
	r = write(STDERR_FILENO, "\n", 1);
	(void)r;
	if (is_late)
		_exit(124);
}

static void set_limits(unsigned int seconds, unsigned int seconds_to_wait)
{
	const struct itimerval timer = { .it_value.tv_sec = seconds };

	fuzz_require(!setitimer(ITIMER_PROF, &timer, NULL), "setitimer: %s", strerror(errno));
	alarm(seconds_to_wait);
}

static void run_file(const char *path, off_t size)
{
	FILE *f = fopen(path, "rb");
	/* Exactly as large: a byte too far is seen by a sanitizer. */
	uint8_t *bytes = malloc(size ? (size_t)size : 1);

	fuzz_require(f && bytes && fread(bytes, 1, (size_t)size, f) == (size_t)size, "%s: %s", path,
		     strerror(errno));
	fclose(f);
	snprintf(current, sizeof(current), "%s", path);
	if (verbose)
		dprintf(STDERR_FILENO, "%s\n", path);
	set_limits(SECONDS, SECONDS_TO_WAIT);
	(void)LLVMFuzzerTestOneInput(bytes, (size_t)size);
	set_limits(0, 0);
	free(bytes);
}

static unsigned long run(const char *path)
{
	struct dirent **entries;
	unsigned long nr = 0;
	struct stat st;
	int n;

	fuzz_require(!stat(path, &st), "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode)) {
		run_file(path, st.st_size);
		return 1;
	}
	n = scandir(path, &entries, NULL, alphasort);
	fuzz_require(n >= 0, "%s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			nr += run(name);
		free(entries[i]);
	}
	free(entries);
	return nr;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
	unsigned long nr = 0;
	FILE *out = stdout;

	limit_memory();
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGPROF, &action, NULL);
	sigaction(SIGABRT, &action, NULL);
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-v"))
			verbose = true;
		else
			nr += run(argv[i]);
	}
	require_no_leaks();
	fprintf(out, "%lu inputs, all as they should be\n", nr);
	return nr ? 0 : 1;
}
