/* SPDX-License-Identifier: MIT
 * state.c: the file of check --state.
 *
 * What is no such file is left alone; what is one is read, and what is written after that is one,
 * which then tells nothing new.
 */
#include "docker_meta/say/state_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/scratch.h"

/* Where the text has no other root: one that there is not. */
#define ROOT "/nonexistent"

static int find(const char *path, bool has_pool, struct changes *c, struct out_fault *fault)
{
	static const struct pool_state pool;
	static const struct meta_findings findings;
	static const struct forecast forecast;
	const struct device_table devices = { .pool = has_pool ? &pool : NULL };
	struct out_places places = NO_OUT_PLACES;
	const struct meta_view view = { .root = ROOT,
					.devices = &devices,
					.findings = &findings,
					.forecast = &forecast,
					.places = &places };
	struct verdict verdict = { .status = 0 };
	int r = out_place_find_state(path, &places, fault);

	fuzz_require(!r, "it has no place: %s", fault->text);
	*fault = (struct out_fault){ "" };
	r = changes_find(&view, &verdict, c, fault);
	out_places_abandon(&places);
	return r;
}

static void save_and_read(const struct changes *c)
{
	struct fuzz_path path = fuzz_path_of(fuzz_scratch(), "written");
	const struct config config = { .data_root = NULL };
	struct out_places places = NO_OUT_PLACES;
	const struct docker_meta_options options = { .command = COMMAND_CHECK };
	const struct out_inputs inputs = { &options, ROOT, NULL, &config, &places };
	struct out_fault fault = { "" };
	struct changes again;
	size_t bytes;
	char *text;
	int r = out_place_find(path.text, &places.state, &fault);

	if (!r)
		r = changes_save(c, path.text, &inputs, &fault);
	fuzz_require(!r, "it cannot be written: %s", fault.text);
	text = fuzz_read(path.text, &bytes);
	fuzz_require_json(text, bytes);
	free(text);
	r = find(path.text, false, &again, &fault);
	fuzz_require(!r, "what was written is not taken: %s", fault.text);
	fuzz_require(!again.first && again.now.nr == c->now.nr, "%d of %d are left",
		     (int)again.now.nr, (int)c->now.nr);
	changes_destroy(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes in = { data, data + size };
	struct fuzz_path path = fuzz_path_of(fuzz_scratch(), "state");
	bool has_pool = fuzz_take(&in, 1) & 1;
	struct out_fault fault;
	struct changes c;
	size_t left = fuzz_left(&in), bytes;
	char *text;
	int r;

	fuzz_write(path.text, in.p, left);
	r = find(path.text, has_pool, &c, &fault);
	fuzz_require(!r || r == -EBADMSG, "%d", r);
	fuzz_require(!r || *fault.text, "no reason");
	text = fuzz_read(path.text, &bytes);
	fuzz_require(bytes == left && !memcmp(text, in.p, left), "the file was changed");
	free(text);
	if (!r)
		save_and_read(&c);
	changes_destroy(&c);
	return 0;
}
