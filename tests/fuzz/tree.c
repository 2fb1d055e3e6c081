/* SPDX-License-Identifier: MIT
 * tree.c: all of docker_meta on what Docker left on a host, of which some files are anything.
 *
 * It ends with one of its statuses; JSON is JSON; of a plan every line is a comment; and nothing is
 * written, made or touched but the output.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "docker_meta/docker_meta.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/scratch.h"
#include "tests/fuzz/support/tree.h"

struct paths {
	struct fuzz_path root, xml, daemon_json, lvs_json, mountinfo, table, status, loss, out,
		state;
};

static const struct paths *paths_get(void)
{
	static struct paths p;

	if (!*p.root.text)
		p = (struct paths){ fuzz_tree_path("host"),        fuzz_tree_path("metadata.xml"),
				    fuzz_tree_path("daemon.json"), fuzz_tree_path("lvs.json"),
				    fuzz_tree_path("mountinfo"),   fuzz_tree_path("table"),
				    fuzz_tree_path("status"),      fuzz_tree_path("loss.json"),
				    fuzz_tree_path("out"),         fuzz_tree_path("state") };
	return &p;
}

/* Half of them as JSON; the command line would refuse some that are taken here. */
static void choose_command(struct docker_meta_options *o, struct fuzz_bytes *in)
{
	uint64_t what = fuzz_take(in, 1);

	o->command = (enum meta_command)((what & 0x7f) % NR_COMMANDS);
	o->form = what & 0x80 ? (enum output_form)fuzz_below(in, NR_FORMS) : OUTPUT_JSON;
	if (o->command == COMMAND_SHOW || o->command == COMMAND_BLOCK)
		o->words[0] = fuzz_tree_word(in);
	if (o->command == COMMAND_BLOCK) {
		o->has_data_block = fuzz_take(in, 1) & 1;
		o->data_block = fuzz_number(in);
		o->words[1] = o->has_data_block ? NULL : "7";
		o->words[0] = o->has_data_block ? NULL : o->words[0];
	}
}

static struct docker_meta_options options_of(struct fuzz_bytes *in)
{
	const struct paths *p = paths_get();
	uint64_t bits = fuzz_take(in, 1);
	struct docker_meta_options o = { .root = p->root.text, .output = p->out.text };

	choose_command(&o, in);
	o.no_dm = !(bits & 1);
	o.no_mounts = !(bits & 2);
	o.no_daemon_json = !(bits & 4);
	o.no_lvs = !(bits & 8);
	o.table = o.no_dm ? NULL : p->table.text;
	o.status = o.no_dm ? NULL : p->status.text;
	o.mountinfo = o.no_mounts ? NULL : p->mountinfo.text;
	o.daemon_json = o.no_daemon_json ? NULL : p->daemon_json.text;
	o.lvs_json = o.no_lvs ? NULL : p->lvs_json.text;
	o.xml = bits & 16 ? NULL : p->xml.text;
	o.lint = bits & 32;
	o.warning = bits & 64 ? "data=80,orphans=0" : NULL;
	o.loss = o.command == COMMAND_SURVIVORS ? p->loss.text : NULL;
	if (o.command == COMMAND_CHECK && bits & 128 && o.form <= OUTPUT_NDJSON)
		o.state = p->state.text;
	return o;
}

static void require_json_lines(char *text)
{
	char *state = NULL;

	for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		fuzz_require_json(line, strlen(line));
}

static void require_comments(char *text)
{
	char *state = NULL;

	for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		fuzz_require(*line == '#', "a line of a plan that is no comment: %s", line);
}

static void look_at_output(const struct docker_meta_options *o, int status)
{
	struct stat st;
	size_t bytes;
	char *text;

	if (lstat(o->output, &st)) {
		fuzz_require(status == META_STATUS_BLIND || status == STATUS_USAGE,
			     "status %d and no output", status);
		return;
	}
	text = fuzz_read(o->output, &bytes);
	fuzz_require(strlen(text) == bytes, "a NUL in the output");
	if (o->form == OUTPUT_JSON && bytes)
		fuzz_require_json(text, bytes);
	else if (o->form == OUTPUT_NDJSON)
		require_json_lines(text);
	else if (o->form == OUTPUT_TEXT && o->command == COMMAND_PLAN)
		require_comments(text);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes in = { data, data + size };
	struct docker_meta_options o;
	uint64_t before;
	int status;

	fuzz_silence();
	o = options_of(&in);
	fuzz_tree_change(&in);
	before = fuzz_tree_digest();
	/* Twice where there is a state: that of the first is read by the second. */
	for (int n = 0; n < (o.state ? 2 : 1); n++) {
		(void)unlink(o.output);
		status = docker_meta_run(&o);
		fuzz_require((status >= 0 && status <= META_STATUS_BLIND) || status == STATUS_USAGE,
			     "status %d", status);
		look_at_output(&o, status);
	}
	fuzz_require(fuzz_tree_digest() == before, "something was written, made or touched");
	(void)unlink(paths_get()->out.text);
	(void)unlink(paths_get()->state.text);
	fuzz_tree_restore();
	return 0;
}
