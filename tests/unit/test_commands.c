/* SPDX-License-Identifier: MIT
 * test_commands.c: each command in each form, of hosts that Docker left: how it ends, with memory
 * and without, and that no file which cannot be read is passed over.
 */
#include <criterion/criterion.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/tool/tool.h"
#include "docker_meta/docker_meta.h"
#include "tests/support/alloc_fault.h"
#include "tests/support/capture.h"
#include "tests/support/docker_host.h"
#include "tests/support/leaks.h"

TestSuite(commands, .fini = fail_on_leaks);

/* Of each command; a run takes several times as long with sanitizers. */
#if defined(__SANITIZE_ADDRESS__)
enum { FAILURES = 2 };
#else
enum { FAILURES = 6 };
#endif
enum { MAX_ARGUMENTS = 16 };

/* ---- one run */

struct said {
	int status;
	char *out, *err; /* owned */
};

/* A page says when it was made. */
static void hide_times(char *text)
{
	for (char *at = text; (at = strstr(at, "<time ")); at++) {
		for (char *digit = at; *digit && strncmp(digit, "</time>", 7) != 0; digit++) {
			if (*digit >= '0' && *digit <= '9')
				*digit = '#';
		}
	}
}

static void said_forget(struct said *s)
{
	free(s->out);
	free(s->err);
}

static int run_words(const struct docker_host *host, char *words)
{
	static const char *const whatever_is_asked[] = { "--no-dm",      "--no-mounts",
							 "--no-lvs",     "--no-daemon-json",
							 "--no-sandbox", "-r" };
	char name[] = "docker_meta",
	     *argv[MAX_ARGUMENTS + ARRAY_SIZE(whatever_is_asked) + 4] = { name };
	struct docker_meta_options o;
	int argc = 1, status;

	for (size_t i = 0; i < ARRAY_SIZE(whatever_is_asked); i++)
		argv[argc++] = (char *)(uintptr_t)whatever_is_asked[i];
	argv[argc++] = (char *)(uintptr_t)host->root;
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	optind = 0;
	status = docker_meta_parse(argc, argv, &o);
	return status == STATUS_NONE ? docker_meta_run(&o) : status;
}

/* words: the command, and what else it is given. */
static struct said run(const struct docker_host *host, const char *words)
{
	char text[400];
	struct capture err, out;
	struct said s;

	(void)snprintf(text, sizeof(text), "%s --metadata %s", words, host->metadata);
	err = capture_begin(stderr);
	out = capture_begin(stdout);
	s.status = run_words(host, text);
	s.out = capture_end(&out);
	hide_times(s.out);
	s.err = capture_end(&err);
	return s;
}

static void expect_json(const struct said *s, const char *command)
{
	json_error_t error;
	json_t *object = json_loads(s->out, 0, &error);

	cr_assert_not_null(object, "%s: line %d: %s", command, error.line, error.text);
	cr_expect_str_eq(json_string_value(json_object_get(object, "tool")), "docker_meta");
	cr_expect_str_eq(json_string_value(json_object_get(object, "command")), command);
	json_decref(object);
}

/* ---- how each ends */

enum { MAX_FORMS = 6 };

/* The form that is one for all comes first. */
static const struct asked {
	const char *command;
	const char *forms[MAX_FORMS];
} asked[] = {
	{ "check", { "text", "json", "ndjson", "nagios", "prometheus", "html" } },
	{ "list", { "text", "json", "html", "dot" } },
	{ "tree", { "text", "json", "dot" } },
	{ "du", { "text", "json", "html" } },
	{ "predict", { "text", "json" } },
	{ "plan", { "text", "json" } },
	{ "survivors", { "text", "json" } },
	{ "lint", { "text", "json" } },
	{ "report", { "html", "json" } },
};

/* Their histories are in tests/fixtures/README.md.  The page has the exit status of the check. */
static const struct {
	const char *name;
	int check, plan;
	size_t nr_forms; /* that are tried */
} hosts[] = {
	{ "docker-loop-lvm", 0, 0, MAX_FORMS }, { "docker-live", 1, 1, 1 },
	{ "docker-kill9-1", 0, 0, 1 },          { "docker-kill9-2", 1, 1, 1 },
	{ "docker-kill9-3", 1, 1, 1 },          { "docker-pool-full", 2, 1, MAX_FORMS },
};

static int wanted_status(size_t host, const char *command, const char *form)
{
	if (!strcmp(command, "plan"))
		return hosts[host].plan;
	return !strcmp(command, "check") || !strcmp(form, "html") || !strcmp(command, "report")
		       ? hosts[host].check
		       : 0;
}

static void try_form(const struct docker_host *host, size_t number, const char *command,
		     const char *form)
{
	const int wanted = wanted_status(number, command, form);
	char words[100];
	struct said s;

	(void)snprintf(words, sizeof(words), "%s -f %s", command, form);
	s = run(host, words);
	cr_expect_eq(s.status, wanted, "%s: %s: %d: %s", hosts[number].name, words, s.status,
		     s.err);
	cr_expect(*s.out && !*s.err, "%s: %s: %s", hosts[number].name, words, s.err);
	if (!strcmp(form, "json"))
		expect_json(&s, command);
	said_forget(&s);
}

Test(commands, each_in_each_form)
{
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct docker_host host;

		docker_host_make(hosts[i].name, &host);
		for (size_t n = 0; n < ARRAY_SIZE(asked); n++) {
			for (size_t f = 0; f < hosts[i].nr_forms && asked[n].forms[f]; f++)
				try_form(&host, i, asked[n].command, asked[n].forms[f]);
		}
		docker_host_forget(&host);
	}
}

/* ---- without memory */

/* It says that there was no memory, or all of what it would have said. */
static void try_without(const struct docker_host *host, const char *words)
{
	struct said whole;
	uint64_t nr;

	alloc_fault_set(UINT64_MAX - 1);
	whole = run(host, words);
	nr = alloc_fault_count();
	(void)alloc_fault_clear();

	for (uint64_t n = 0; n < FAILURES; n++) {
		struct said s;
		bool failed;

		alloc_fault_set(nr * n / FAILURES + n);
		s = run(host, words);
		failed = alloc_fault_clear();
		if (failed && s.status == 3)
			cr_expect_not_null(strstr(s.err, "memory"), "%s: %s", words, s.err);
		else
			cr_expect(s.status == whole.status && !strcmp(s.out, whole.out),
				  "%s: allocation %d: %d: %s", words, (int)(nr * n / FAILURES + n),
				  s.status, s.err);
		said_forget(&s);
	}
	said_forget(&whole);
}

Test(commands, without_memory)
{
	struct docker_host host;

	docker_host_make("docker-kill9-2", &host);
	for (size_t n = 0; n < ARRAY_SIZE(asked); n++) {
		for (size_t i = 0; i < MAX_FORMS && asked[n].forms[i]; i++) {
			char words[100];

			/* What monitoring is told is told there too: that nothing is known. */
			if (!strcmp(asked[n].forms[i], "nagios") ||
			    !strcmp(asked[n].forms[i], "prometheus"))
				continue;
			(void)snprintf(words, sizeof(words), "%s -f %s", asked[n].command,
				       asked[n].forms[i]);
			try_without(&host, words);
		}
	}
	docker_host_forget(&host);
}

/* ---- what cannot be read */

enum { MAX_FILES = 1000 };
static char *files[MAX_FILES];
static size_t nr_files;

static int note_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_F && nr_files < MAX_FILES)
		files[nr_files++] = alloc_string(path);
	return 0;
}

static size_t nr_findings(const struct said *s)
{
	json_t *object = json_loads(s->out, 0, NULL);
	const size_t nr = json_array_size(json_object_get(object, "findings"));

	json_decref(object);
	return nr;
}

/* The name, but of files that are called by what is in them, or by a container: the directory's. */
static const char *kind_of(const char *path)
{
	const char *name = strrchr(path, '/'), *above = name;

	if (strspn(name + 1, "0123456789abcdef") < 32)
		return name;
	while (above > path && above[-1] != '/')
		above--;
	return above;
}

static bool is_same_kind(const char *a, const char *b)
{
	const char *ka = kind_of(a), *kb = kind_of(b);
	const size_t n = *ka == '/' ? strlen(ka) + 1 : strcspn(ka, "/") + 1;

	return !strncmp(ka, kb, n);
}

/* Of each kind two are enough; of the last Docker has no need. */
static bool is_wanted(size_t i)
{
	int nr = 0;

	for (size_t n = 0; n < i; n++)
		nr += is_same_kind(files[n], files[i]);
	return nr < 2 && !strstr(files[i], "/lastUpdated");
}

/* In place of a file a directory stands, or a link that leads away. */
static void try_in_place_of(const struct docker_host *host, const char *path, size_t nr, bool link)
{
	char *kept = alloc_printf("%s/kept", host->place);
	struct said s;

	cr_assert(kept && !rename(path, kept));
	cr_assert_eq(link ? symlink("/etc/passwd", path) : mkdir(path, 0700), 0);
	s = run(host, "check -f json");
	cr_expect(nr_findings(&s) > nr && s.status > 0, "%s: %d, %zu findings", path, s.status,
		  nr_findings(&s));
	said_forget(&s);
	cr_assert(!remove(path) && !rename(kept, path));
	alloc_free(kept);
}

Test(commands, nothing_is_passed_over)
{
	struct docker_host host;
	struct said whole;

	docker_host_make("docker-loop-lvm", &host);
	whole = run(&host, "check -f json");
	cr_assert_eq(nftw(host.root, note_file, 16, FTW_PHYS), 0);
	cr_assert_gt(nr_files, 50);
	for (size_t i = 0; i < nr_files; i++) {
		if (is_wanted(i))
			try_in_place_of(&host, files[i], nr_findings(&whole), i % 2);
	}
	for (size_t i = 0; i < nr_files; i++)
		alloc_free(files[i]);
	said_forget(&whole);
	docker_host_forget(&host);
}
