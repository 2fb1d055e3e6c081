/* SPDX-License-Identifier: MIT
 * check.c: let each call fail, of each tool, and judge what comes of it.
 *
 *     check [-v] [-p] [-e N] [-t CALL] [-j THIN_CHECK]... BUILD WORK [CASE...]
 *
 *     -e N     of all calls each Nth
 *     -p       of those that take memory each place in the code
 *     -t CALL  let this call alone fail (faults.h)
 *     -j FILE  another thin_check: what ours calls sound it has to accept
 *     -v       a line for each run that is wrong, not only for the first ten
 *
 * Whatever fails, a run ends as it would have ended, or with the status of a failure and with one
 * line that says so; no signal, no leak.  Where the process is killed, metadata on an output is
 * sound, or there is no superblock; what was changed in place is as before or as after.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/faults/cases.h"
#include "tests/faults/inputs.h"
#include "tests/faults/judge.h"
#include "tests/faults/run.h"

enum { MAX_ARGS = 32, MAX_JUDGES = 4, MAX_FILES = 4, MAX_SHOWN = 10, MAX_SEEN = 1 << 16 };

struct file {
	const char *name;
	struct bytes before, after; /* after: where nothing fails */
};

struct trial {
	const struct fault_case *c;
	char text[1024];
	char *argv[MAX_ARGS + 1];
	struct file inputs[MAX_FILES], outputs[MAX_FILES];
	size_t nr_inputs, nr_outputs;
	struct outcome reference;
	struct state before, after; /* of the metadata that is written, outputs[0] */
	uint32_t calls[NR_FAULT_CALLS];
	uint64_t *places;
	bool without_optional; /* the run at hand told what it does without */
	unsigned long nr_runs, nr_same, nr_failed, nr_bad;
};

static const char *work;
static const char *judges[MAX_JUDGES];
static size_t nr_judges;
static unsigned int every = 1;
static int verbose, by_place, only_call = -1;

/* Hashes: places in the code from which memory was taken, and metadata that others have judged. */
static uint64_t seen_places[MAX_SEEN], seen_outputs[MAX_SEEN];

static const char *path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", work, name);
	return path;
}

/* Whether it is new; where there is no more room all are. */
static bool note(uint64_t *set, uint64_t hash)
{
	hash += !hash;
	for (size_t n = 0, i = hash % MAX_SEEN; n < MAX_SEEN; n++, i = (i + 1) % MAX_SEEN) {
		if (set[i] == hash)
			return false;
		if (!set[i]) {
			set[i] = hash;
			return true;
		}
	}
	return true;
}

/* ---- words */

static size_t split(char *text, char **words, size_t max)
{
	size_t nr = 0;

	for (char *w = strtok(text, " "); w && nr < max; w = strtok(NULL, " "))
		words[nr++] = w;
	words[nr] = NULL;
	return nr;
}

/* NAME, or NAME=TEMPLATE: before each run it is what the template is; NAME=: it is not there. */
static size_t read_files(const char *list, struct file *files)
{
	static char text[MAX_FILES * 4][256];
	static size_t used;
	char *words[MAX_FILES + 1], *from;
	size_t nr;

	if (!list)
		return 0;
	snprintf(text[used], sizeof(*text), "%s", list);
	nr = split(text[used], words, MAX_FILES);
	used = (used + 1) % (MAX_FILES * 4);
	for (size_t i = 0; i < nr; i++) {
		from = strchr(words[i], '=');
		if (from)
			*from++ = '\0';
		files[i].name = words[i];
		if (!from || *from)
			files[i].before = bytes_read(path_of(from ? from : words[i]));
	}
	return nr;
}

/* ---- verdicts: NULL, or what is wrong */

static bool is_in(const char *line, size_t length, const char *text)
{
	for (const char *t = text; *t; t += strcspn(t, "\n"), t += *t == '\n') {
		if (strcspn(t, "\n") == length && !strncmp(t, line, length))
			return true;
	}
	return false;
}

/* The lines that are not there where nothing fails; of those the tool's own, and those that say
 * why. */
struct lines {
	size_t nr, nr_own, nr_why;
};

static bool has(const char *line, size_t length, const char *text)
{
	return memmem(line, length, text, strlen(text)) != NULL;
}

static struct lines new_lines(const struct trial *t, const char *err)
{
	const size_t name = strlen(t->c->tool);
	struct lines nr = { 0 };

	for (const char *l = err; *l; l += strcspn(l, "\n"), l += *l == '\n') {
		const size_t length = strcspn(l, "\n");

		if (is_in(l, length, t->reference.err))
			continue;
		nr.nr++;
		nr.nr_own += !strncmp(l, t->c->tool, name) && l[name] == ':' && l[name + 1] == ' ';
		nr.nr_why += has(l, length, "emory");
	}
	return nr;
}

static bool take_line_out(struct outcome *o, const char *text)
{
	char *said = text ? strstr(o->err, text) : NULL, *line = said, *next;

	if (!said)
		return false;
	while (line > o->err && line[-1] != '\n')
		line--;
	next = said + strcspn(said, "\n");
	next += *next == '\n';
	memmove(line, next, strlen(next) + 1);
	o->err_bytes = strlen(o->err);
	return true;
}

/* Takes the lines out that say so. */
static bool goes_on_without(const struct trial *t, struct outcome *o)
{
	bool any = false;

	for (size_t i = 0; i < sizeof(t->c->optional) / sizeof(*t->c->optional); i++)
		any |= take_line_out(o, t->c->optional[i]);
	return any;
}

static bool same_printed(const struct trial *t, const struct outcome *o)
{
	return o->status == t->reference.status && o->out_bytes == t->reference.out_bytes &&
	       !memcmp(o->out, t->reference.out, o->out_bytes) && !strcmp(o->err, t->reference.err);
}

static const char *judge_end(const struct trial *t, const struct fault *f, const struct outcome *o)
{
	const bool killed = !strncmp(f->how, "kill", 4) && o->fired;

	if (o->hung)
		return "it hangs";
	if (o->status == 99 || strstr(o->err, "Sanitizer") || strstr(o->err, "runtime error:"))
		return "a sanitizer complains";
	if (killed && o->signal == SIGKILL)
		return NULL;
	if (o->signal)
		return "it ends by a signal";
	if (o->status != t->reference.status && o->status != t->c->failure)
		return t->c->degrades && f->call != FAULT_MALLOC && o->status <= 3
			       ? NULL
			       : "the status is another one";
	return NULL;
}

/* A failure is told; that of memory in one line, and a second one may say what became of it. */
static const char *judge_words(const struct trial *t, const struct fault *f,
			       const struct outcome *o)
{
	const struct lines nr = new_lines(t, o->err);

	if (!nr.nr)
		return "it does not say that it failed";
	if (t->c->talks)
		return f->call == FAULT_MALLOC && !nr.nr_why ? "it does not say why" : NULL;
	if (nr.nr_own != nr.nr)
		return "a line without the tool's name";
	if (f->call == FAULT_MALLOC && nr.nr_why != 1)
		return nr.nr_why ? "it says more than once why" : "it does not say why";
	if (f->call == FAULT_MALLOC && nr.nr > 1 + !strcmp(t->c->tool, "thin_dump"))
		return "more lines than one";
	return NULL;
}

/* What must not stop anybody. */
static bool must_survive(const struct fault *f)
{
	return strstr(f->how, "EINTR") || strstr(f->how, "EAGAIN") || !strcmp(f->how, "short");
}

/* A page that has no end is none, whatever it lacks. */
static bool is_broken_off(const struct outcome *whole, const struct outcome *o)
{
	return strstr(whole->out, "</html>") && !strstr(o->out, "</html>");
}

static const char *judge_printed(const struct trial *t, const struct fault *f,
				 const struct outcome *o)
{
	const struct outcome *r = &t->reference;

	if (o->signal || same_printed(t, o))
		return NULL;
	if (must_survive(f) && f->file_limit < 0)
		return "it does not survive what is no failure";
	if (t->c->degrades && f->call != FAULT_MALLOC)
		return o->status || new_lines(t, o->err).nr
			       ? NULL
			       : "something failed, and it says that all is well";
	if (o->status != r->status || strcmp(o->err, r->err) != 0) {
		if (!t->c->talks && !is_broken_off(r, o) &&
		    (o->out_bytes > r->out_bytes || memcmp(o->out, r->out, o->out_bytes)))
			return "it prints something else, and fails";
		return o->status == t->c->failure
			       ? judge_words(t, f, o)
			       : "it says something else, with the status of success";
	}
	return "it prints something else, with the status of success";
}

static void ask_others(struct trial *t, const struct bytes *b);

static const char *judge_metadata(struct trial *t, const struct outcome *o, const struct bytes *got)
{
	const struct file *f = &t->outputs[0];
	const bool done = !o->signal && o->status == t->reference.status;
	struct state s;
	const char *wrong = NULL;

	if (done && t->c->kind != KIND_IN_PLACE)
		return bytes_equal(got, &f->after) ? NULL
						   : "what was written is not what it is else";
	if (bytes_equal(got, &f->before) || bytes_equal(got, &f->after))
		return NULL;
	s = state_of(got);
	if (t->c->kind == KIND_IN_PLACE) {
		if (!state_same_content(&s, &t->before))
			wrong = "the metadata mean something else";
		else if (!state_same_findings(&s, &t->before) &&
			 !state_same_findings(&s, &t->after))
			wrong = "the metadata are neither as before nor as after";
	} else if (s.has_superblock && !s.sound) {
		wrong = "it looks like metadata, and is not sound";
	}
	if (!wrong && s.sound)
		ask_others(t, got);
	state_destroy(&s);
	return wrong;
}

static bool is_prefix(const struct bytes *part, const struct bytes *all)
{
	return part->nr <= all->nr && (!part->nr || !memcmp(part->data, all->data, part->nr));
}

/* A report that nothing was made is no report that all is well. */
static bool says_error(const struct bytes *b)
{
	return b->nr && memmem(b->data, b->nr, "\"error\": \"", 10);
}

static const char *judge_text(const struct trial *t, const struct file *f, const struct outcome *o,
			      const struct bytes *got)
{
	if (bytes_equal(got, &f->after))
		return NULL;
	/* What it did without is in its report too. */
	if (t->without_optional)
		return NULL;
	if (!o->signal && o->status == t->reference.status)
		return t->c->degrades ? NULL
				      : "another text was written, with the status of success";
	if (bytes_equal(got, &f->before) || says_error(got))
		return NULL;
	/* Of a file that was being written to when its writer was killed nothing is known. */
	if (o->signal && t->c->kind != KIND_WHOLE_TEXT)
		return NULL;
	if (t->c->kind == KIND_WHOLE_TEXT)
		return "part of a text was written";
	return is_prefix(got, &f->after) ? NULL : "another text was written";
}

static const char *judge_files(struct trial *t, const struct outcome *o)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < t->nr_inputs && !wrong; i++) {
		struct bytes b = bytes_read(path_of(t->inputs[i].name));

		wrong = bytes_equal(&b, &t->inputs[i].before) ? NULL : "an input was changed";
		bytes_free(&b);
	}
	for (size_t i = 0; i < t->nr_outputs && !wrong; i++) {
		struct file *f = &t->outputs[i];
		struct bytes b = bytes_read(path_of(f->name));

		if (!i && (t->c->kind == KIND_METADATA || t->c->kind == KIND_IN_PLACE))
			wrong = judge_metadata(t, o, &b);
		else
			wrong = judge_text(t, f, o, &b);
		bytes_free(&b);
	}
	return wrong;
}

/* ---- other judges */

static uint64_t hash_of(const struct bytes *b)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < b->nr; i++)
		hash = (hash ^ (unsigned char)b->data[i]) * 0x100000001b3;
	return hash;
}

/* What ours calls sound: each metadata once. */
static void ask_others(struct trial *t, const struct bytes *b)
{
	if (!nr_judges || !note(seen_outputs, hash_of(b)))
		return;
	bytes_write(path_of("judged"), b);
	for (size_t i = 0; i < nr_judges; i++) {
		if (!run_judge(judges[i], path_of("judged")))
			continue;
		t->nr_bad++;
		printf("  WRONG: %s: %s refuses what ours calls sound\n", t->c->name, judges[i]);
	}
}

/* ---- one run */

static void put_back(struct trial *t)
{
	for (size_t i = 0; i < t->nr_outputs; i++)
		bytes_write(path_of(t->outputs[i].name), &t->outputs[i].before);
}

static void complain(struct trial *t, const struct fault *f, const struct outcome *o,
		     const char *wrong)
{
	if (t->nr_bad++ >= MAX_SHOWN && !verbose)
		return;
	printf("  WRONG: %s: %s (status %d, signal %d)\n", t->c->name, wrong, o->status, o->signal);
	run_print(t->argv, t->c->standard_input, f);
	printf("    %.*s\n", (int)(verbose ? 4000 : strcspn(o->err, "\n")), o->err);
	fflush(stdout);
}

/* false: it came to no such call. */
static bool try(struct trial *t, const struct fault *f)
{
	struct outcome o;
	const char *wrong;
	bool fired;

	put_back(t);
	run_tool(t->argv, t->c->standard_input, f, &o);
	fired = o.fired;
	t->without_optional = goes_on_without(t, &o);
	wrong = judge_end(t, f, &o);
	if (!wrong)
		wrong = judge_printed(t, f, &o);
	if (!wrong)
		wrong = judge_files(t, &o);
	if (wrong)
		complain(t, f, &o, wrong);
	t->nr_runs++;
	t->nr_same += !wrong && same_printed(t, &o);
	t->nr_failed += !wrong && !same_printed(t, &o);
	outcome_destroy(&o);
	return fired;
}

/* ---- what can fail */

static const struct {
	enum fault_call call;
	const char *how, *lose;
} faults[] = {
	{ FAULT_MALLOC, "fail:ENOMEM", NULL },   { FAULT_MALLOC, "from:ENOMEM", NULL },
	{ FAULT_OPEN, "fail:EIO", NULL },        { FAULT_OPEN, "fail:EMFILE", NULL },
	{ FAULT_READ, "fail:EIO", NULL },        { FAULT_READ, "fail:EINTR", NULL },
	{ FAULT_READ, "short", NULL },           { FAULT_WRITE, "fail:ENOSPC", NULL },
	{ FAULT_WRITE, "fail:EINTR", NULL },     { FAULT_WRITE, "short", NULL },
	{ FAULT_PREAD, "fail:EIO", NULL },       { FAULT_PREAD, "fail:EINTR", NULL },
	{ FAULT_PREAD, "short", NULL },          { FAULT_PWRITE, "fail:ENOSPC", NULL },
	{ FAULT_PWRITE, "fail:EINTR", NULL },    { FAULT_PWRITE, "short", NULL },
	{ FAULT_PWRITE, "torn:1", NULL },        { FAULT_FSYNC, "fail:EIO", NULL },
	{ FAULT_SUBMIT, "fail:EINVAL", NULL },   { FAULT_SUBMIT, "fail:EAGAIN", NULL },
	{ FAULT_SUBMIT, "torn:1", NULL },        { FAULT_COMPLETE, "fail:ENODATA", NULL },
	{ FAULT_COMPLETE, "short", NULL },       { FAULT_GETEVENTS, "fail:EINVAL", NULL },
	{ FAULT_GETEVENTS, "fail:EINTR", NULL }, { FAULT_DISK, "kill:0", NULL },
	{ FAULT_DISK, "kill:1", NULL },          { FAULT_DISK, "kill:4", NULL },
	{ FAULT_DISK, "kill:7", NULL },          { FAULT_DISK, "kill:0", "all" },
	{ FAULT_DISK, "kill:1", "all" },         { FAULT_DISK, "kill:1", "odd" },
	{ FAULT_DISK, "kill:1", "even" },
};

/* By default each call; of those that take memory in a large run, each place in the code. */
static bool is_wanted(const struct trial *t, enum fault_call call, const char *how, uint32_t n)
{
	if ((n - 1) % every)
		return false;
	if (call != FAULT_MALLOC || !(t->c->by_place || by_place) || n > FAULT_MAX_PLACES)
		return true;
	return note(seen_places, t->places[n - 1] ^ (uint64_t)(unsigned char)how[0] << 32);
}

static bool only_reads(enum fault_call call)
{
	return call == FAULT_OPEN || call == FAULT_READ || call == FAULT_PREAD ||
	       call == FAULT_SUBMIT || call == FAULT_COMPLETE || call == FAULT_GETEVENTS;
}

static void try_all(struct trial *t, size_t i)
{
	const enum fault_call call = faults[i].call;
	struct fault f = {
		.call = call, .how = faults[i].how, .lose = faults[i].lose, .file_limit = -1
	};

	if (t->c->sandbox && call != FAULT_MALLOC && call != FAULT_OPEN)
		return;
	if ((only_call >= 0 && (int)call != only_call) || (t->c->gathered && only_reads(call)))
		return;
	for (f.nth = 1; f.nth <= t->calls[call]; f.nth++) {
		if (is_wanted(t, call, f.how, f.nth) && !try(t, &f))
			t->nr_runs--;
	}
}

/* No room: wherever a file that is written has to end. */
static void try_limits(struct trial *t)
{
	size_t largest = 0, step;

	for (size_t i = 0; i < t->nr_outputs; i++) {
		if (t->outputs[i].after.nr > largest)
			largest = t->outputs[i].after.nr;
	}
	step = largest / 32 / 512 * 512 + 512;
	for (size_t bytes = 0; bytes < largest; bytes += step * every) {
		struct fault f = { .call = FAULT_DISK,
				   .how = "fail:EFBIG",
				   .file_limit = (long)bytes };

		(void)try(t, &f);
	}
}

/* ---- a case */

static void prepare(struct trial *t, const struct fault_case *c)
{
	const struct fault none = { .how = "", .file_limit = -1 };

	*t = (struct trial){ .c = c };
	/* In the sandbox the injector itself could not open a file again, nor kill. */
	snprintf(t->text, sizeof(t->text), "%s %s%s", c->tool, c->sandbox ? "" : "--no-sandbox ",
		 c->arguments);
	(void)split(t->text, t->argv, MAX_ARGS);
	t->nr_inputs = read_files(c->inputs, t->inputs);
	t->nr_outputs = read_files(c->outputs, t->outputs);
	put_back(t);
	run_tool(t->argv, c->standard_input, &none, &t->reference);
	memcpy(t->calls, run_state()->calls, sizeof(t->calls));
	t->places = malloc(sizeof(run_state()->places));
	if (!t->places)
		abort();
	memcpy(t->places, run_state()->places, sizeof(run_state()->places));
	for (size_t i = 0; i < t->nr_outputs; i++)
		t->outputs[i].after = bytes_read(path_of(t->outputs[i].name));
	if (c->kind == KIND_METADATA || c->kind == KIND_IN_PLACE) {
		t->before = state_of(&t->outputs[0].before);
		t->after = state_of(&t->outputs[0].after);
	}
}

/* What is not as expected where nothing fails says nothing where something does. */
static const char *judge_reference(struct trial *t)
{
	const struct fault none = { .how = "", .file_limit = -1 };
	struct outcome again;
	bool same;

	put_back(t);
	run_tool(t->argv, t->c->standard_input, &none, &again);
	same = same_printed(t, &again) && !memcmp(run_state()->calls, t->calls, sizeof(t->calls));
	outcome_destroy(&again);
	if (!same)
		return "without a fault it is not twice the same";
	if (t->reference.status != t->c->success)
		return "without a fault the status is another one";
	if (!t->calls[FAULT_MALLOC])
		return "the injector sees no call (a sanitizer that is linked statically?)";
	if (t->c->kind == KIND_METADATA && !t->after.sound)
		return "without a fault the output is not sound";
	return NULL;
}

static void finish(struct trial *t)
{
	for (size_t i = 0; i < t->nr_inputs; i++)
		bytes_free(&t->inputs[i].before);
	for (size_t i = 0; i < t->nr_outputs; i++) {
		bytes_free(&t->outputs[i].before);
		bytes_free(&t->outputs[i].after);
	}
	state_destroy(&t->before);
	state_destroy(&t->after);
	outcome_destroy(&t->reference);
	free(t->places);
}

static bool run_case(const struct fault_case *c)
{
	static struct trial t;
	const char *wrong;
	bool bad;

	prepare(&t, c);
	wrong = judge_reference(&t);
	if (wrong) {
		printf("  WRONG: %s: %s: %d, %s\n", c->name, wrong, t.reference.status,
		       t.reference.err);
		t.nr_bad++;
	} else {
		if (c->kind == KIND_METADATA)
			ask_others(&t, &t.outputs[0].after);
		for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
			try_all(&t, i);
		if (!c->sandbox && (only_call < 0 || only_call == FAULT_DISK))
			try_limits(&t);
	}
	printf("%-22s %6lu runs: %6lu as if nothing was, %6lu failed and said so, %lu wrong\n",
	       c->name, t.nr_runs, t.nr_same, t.nr_failed, t.nr_bad);
	fflush(stdout);
	bad = t.nr_bad != 0;
	finish(&t);
	return bad;
}

static bool is_named(const struct fault_case *c, char **names)
{
	for (char **n = names; *n; n++) {
		if (!strncmp(*n, c->name, strlen(*n)))
			return true;
	}
	return !*names;
}

static int call_named(const char *name)
{
	static const char *const names[] = FAULT_NAMES;

	for (int i = 0; i < NR_FAULT_CALLS; i++) {
		if (!strcmp(names[i], name))
			return i;
	}
	fprintf(stderr, "check: no call %s\n", name);
	exit(64);
}

int main(int argc, char **argv)
{
	char tools[PATH_MAX], library[PATH_MAX];
	bool bad = false;
	int o;

	while ((o = getopt(argc, argv, "vpe:t:j:")) >= 0) {
		if (o == 'v')
			verbose = 1;
		else if (o == 'p')
			by_place = 1;
		else if (o == 'e')
			every = (unsigned int)strtoul(optarg, NULL, 10);
		else if (o == 't')
			only_call = call_named(optarg);
		else if (o == 'j' && nr_judges < MAX_JUDGES)
			judges[nr_judges++] = optarg;
		else
			return 64;
	}
	if (argc - optind < 2 || !every)
		return 64;
	work = argv[optind + 1];
	snprintf(tools, sizeof(tools), "%s/faults/bin", argv[optind]);
	snprintf(library, sizeof(library), "%s/faults/inject.so", argv[optind]);
	run_setup(tools, library, work);
	make_inputs(work);
	for (const struct fault_case *c = fault_cases; c->name; c++) {
		if (is_named(c, argv + optind + 2))
			bad |= run_case(c);
	}
	return bad;
}
