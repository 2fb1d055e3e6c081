/* SPDX-License-Identifier: MIT
 * loss.c: the report of thin_repair, as docker_meta survivors takes it.
 *
 * What is taken is in order, and ranges of a device do not overlap.
 */
#include "docker_meta/facts/loss.h"

#include <errno.h>
#include <string.h>

#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/scratch.h"

static void require_order(const struct loss *l)
{
	const struct lost_range *first;

	for (size_t i = 0; i < l->nr_ranges; i++) {
		const struct lost_range *r = &l->ranges[i];

		fuzz_require(r->begin < r->end, "an empty range");
		fuzz_require(!i || r[-1].device < r->device ||
				     (r[-1].device == r->device && r[-1].end < r->begin),
			     "ranges overlap");
		fuzz_require(loss_ranges(l, r->device, &first) && first <= r, "not found");
	}
	for (size_t i = 0; i < l->nr_devices; i++)
		fuzz_require((!i || l->devices[i - 1].id <= l->devices[i].id) &&
				     loss_find(l, l->devices[i].id),
			     "devices out of order");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_path path = fuzz_path_of(fuzz_scratch(), "report");
	char text[256] = "";
	struct loss l;
	int r;

	fuzz_write(path.text, data, size);
	r = loss_read(path.text, &l, text, sizeof(text));
	fuzz_require(!r || r == -EBADMSG, "%d", r);
	fuzz_require(!r || (*text && !strchr(text, '\n')), "no reason in one line: %s", text);
	if (!r)
		require_order(&l);
	loss_destroy(&l);
	return 0;
}
