/* SPDX-License-Identifier: MIT */
#include "docker_meta/say/out_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/loop.h"
#include "common/tool/earlier_output.h"
#include "common/tool/same_storage.h"
#include "docker_meta/read/read_record.h"
#include "docker_meta/read/safe_dir.h"
#include "docker_meta/say/columns.h"
#include "docker_meta/source/docker/layout.h"

#define READ_AS_INPUT "it was read as an input, and no input is written to"

static int refuse(struct out_fault *fault, const char *text)
{
	return out_fault_fill(fault, -EPERM, text);
}

/* ---- below the root */

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int is_in(const struct out_file *f, const char *directory, bool *ret_below)
{
	struct stat st;

	*ret_below = false;
	return stat(directory, &st) ? 0 : safe_dir_is_below(f->dir, &st, ret_below);
}

/* The root, and what directories of it are links to; a directory that was given like /proc. */
static int accept_directory(const struct out_file *f, const struct out_inputs *inputs,
			    struct out_fault *fault)
{
	char path[PATH_MAX];
	bool below;
	int r = is_in(f, inputs->root, &below);

	for (size_t i = 0; i < NR_LAYOUT_DIRECTORIES && !r && !below; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", inputs->root, layout_directories[i]);
		r = is_in(f, path, &below);
	}
	if (r || below)
		return r ? r : refuse(fault, "it is below Docker's root, where nothing is written");
	if (inputs->options->proc)
		r = is_in(f, inputs->options->proc, &below);
	return below ? refuse(fault, "it is below --proc, and no input is written to") : r;
}

/* ---- what was read */

/* 1 or 0, or -ENOMEM. */
static int is_same(const char *path, const char *read)
{
	struct stat a, b;

	return read && !stat(path, &a) && !stat(read, &b) ? storage_compare(&a, &b) : 0;
}

/* 0; or -EPERM or -ENOMEM, with fault filled. */
static int refuse_what_was_read(const char *path, const struct out_inputs *inputs,
				struct out_fault *fault)
{
	int same = is_same(path, inputs->metadata);

	for (size_t i = 0; i < NR_CONFIG_SOURCES && !same; i++)
		same = is_same(path, config_source(inputs->config, i)->path);
	if (same < 0)
		return out_fault_fill(fault, same, strerror(-same));
	return same ? refuse(fault, READ_AS_INPUT) : 0;
}

int out_place_find_stdout(struct out_fault *fault)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st))
		return 0;
	if (S_ISBLK(st.st_mode))
		return refuse(fault, "it is a block device");
	return S_ISREG(st.st_mode) && loop_stands_on(&st)
		       ? refuse(fault, "it is in use through a loop device")
		       : 0;
}

/* A shell that opens it for reading and writing leaves it as it is until then. */
int out_place_accept_stdout(const struct out_inputs *inputs, struct out_fault *fault)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) || !S_ISREG(st.st_mode))
		return 0;
	return inputs->options->reading.record->met_watched
		       ? refuse(fault, READ_AS_INPUT)
		       : refuse_what_was_read("/proc/self/fd/1", inputs, fault);
}

int out_place_begin(struct out_file *f, const char *path, const struct out_inputs *inputs,
		    struct out_fault *fault)
{
	int r;

	*fault = (struct out_fault){ "" };
	r = accept_directory(f, inputs, fault);
	if (!r)
		r = refuse_what_was_read(path, inputs, fault);
	if (!r)
		r = out_file_begin(f, fault);
	if (!r)
		return 0;
	out_file_abandon(f);
	return *fault->text ? r : out_fault_fill(fault, r, strerror(-r));
}

/* ---- what stands there */

/* How the answers begin, in all forms. */
static const struct output_mark marks[] = {
	{ "docker_meta: ", NULL },
	{ "{\n  \"tool\": \"docker_meta\",\n  \"version\": ", NULL },
	{ "{\"", "\"tool\":\"docker_meta\"" },
	{ "DOCKER_META ", NULL },
	{ "# HELP docker_meta_up", NULL },
	{ "<!DOCTYPE html>", "<meta name=\"generator\" content=\"docker_meta\"/>" },
	{ "digraph docker_meta {", NULL },
	{ "#!/bin/sh\n## docker_meta plan", NULL },
	{ " ADDED   WITH  ALONE MAPPED", NULL },
	{ "present image     ", NULL },
	{ "present container ", NULL },
	{ "present device    ", NULL },
	{ "partial image     ", NULL },
	{ "partial container ", NULL },
	{ "partial device    ", NULL },
	{ "missing image     ", NULL },
	{ "missing container ", NULL },
	{ "missing device    ", NULL },
	{ "intact  image     ", NULL },
	{ "intact  container ", NULL },
	{ "intact  device    ", NULL },
	{ "partly  image     ", NULL },
	{ "partly  container ", NULL },
	{ "partly  device    ", NULL },
	{ "lost    image     ", NULL },
	{ "lost    container ", NULL },
	{ "lost    device    ", NULL },
	{ "unknown image     ", NULL },
	{ "unknown container ", NULL },
	{ "unknown device    ", NULL },
	{ "device ", "\n  hash    " },
	{ "image ", "\n  id      " },
	{ "layer ", "\n  chain   " },
	{ "container ", "\n  id      " },
	{ "thin block ", "\n  place   " },
	{ "data block ", "\n  place   bytes " },
};

static bool is_heading(const char *word)
{
	for (int c = 0; c < NR_COLUMNS; c++) {
		if (!strcmp(word, list_heading((enum column)c)))
			return true;
	}
	return false;
}

/* A list begins with a line of headings, and nothing else is in that. */
static bool may_be_list(const char *path)
{
	char line[400] = "", *state = NULL;
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(line, sizeof(line), f) && strchr(line, '\n');

	if (f)
		(void)fclose(f);
	for (char *word = strtok_r(line, " \n", &state); word && ok;
	     word = strtok_r(NULL, " \n", &state))
		ok = is_heading(word);
	return ok;
}

/* A loop device on it may be what is read, or be mounted: behind either nobody wants an answer. */
static int find(const char *path, bool in_turn, struct out_file *ret_file, struct out_fault *fault)
{
	int r = in_turn ? out_file_place_in_turn(path, ret_file, fault)
			: out_file_place(path, ret_file, fault);
	struct stat st;

	return !r && !stat(path, &st) && loop_stands_on(&st)
		       ? refuse(fault, "it is in use through a loop device")
		       : r;
}

int out_place_find(const char *path, struct out_file *ret_file, struct out_fault *fault)
{
	return find(path, false, ret_file, fault);
}

int out_place_find_state(const char *path, struct out_places *places, struct out_fault *fault)
{
	int r = find(path, true, &places->state, fault);
	const struct safe_dir dir = { .fd = places->state.dir };

	if (r)
		return r;
	r = safe_dir_open_file(&dir, places->state.name, &places->old_state);
	if (!r || r == -ENOENT)
		return 0;
	return out_fault_fill(fault, r, safe_dir_fault(r));
}

bool out_place_is_same(const struct out_file *a, const struct out_file *b)
{
	struct stat of_a, of_b;

	return a->dir >= 0 && b->dir >= 0 && !fstat(a->dir, &of_a) && !fstat(b->dir, &of_b) &&
	       same(&of_a, &of_b) && !strcmp(a->name, b->name);
}

void out_places_abandon(struct out_places *places)
{
	out_file_abandon(&places->output);
	out_file_abandon(&places->state);
	if (places->old_state >= 0)
		(void)close(places->old_state);
	places->old_state = -1;
}

int out_place_may_replace(const struct docker_meta_options *o, struct out_fault *fault)
{
	if (!o->output || o->force || output_may_replace(o->output, marks, ARRAY_SIZE(marks)) ||
	    (meta_command_has(o->command, COMMAND_HAS_COLUMNS) && may_be_list(o->output)))
		return 0;
	return refuse(fault, output_refusal());
}
