/* SPDX-License-Identifier: MIT
 * gzip.c: input that is gzip'd, or is not, as common/io/input.c reads it.
 *
 * However it is read, piece by piece or at once, and once more after a rewind: the same bytes, and
 * the same end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/io/input.h"
#include "tests/fuzz/support/fuzz.h"

enum { MOST = 1 << 20 }; /* bytes that are read of one input */

struct reading {
	uint64_t digest, bytes;
	int error;
};

static struct reading read_all(struct input *in, size_t piece, size_t size)
{
	static uint8_t buffer[65536];
	struct reading r = { .digest = FUZZ_HASH_SEED };
	size_t got = piece;

	while (got == piece && r.bytes < MOST) {
		r.error = input_read(in, buffer, piece, &got);
		if (r.error)
			break;
		fuzz_require(got <= piece, "more than was asked for");
		r.digest = fuzz_hash(r.digest, buffer, got);
		r.bytes += got;
		fuzz_require(input_position(in) <= size, "a position behind the end");
	}
	return r;
}

static void require_same(const struct reading *a, const struct reading *b)
{
	fuzz_require(a->error == b->error, "%d, then %d", a->error, b->error);
	/* What precedes a fault is given out in pieces, or not. */
	fuzz_require(a->error || (a->bytes == b->bytes && a->digest == b->digest),
		     "%d bytes, then %d others", (int)a->bytes, (int)b->bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes in = { data, data + size };
	/* Powers of two, so that all stop at the same place where there is no end. */
	const size_t piece = (size_t)1 << fuzz_below(&in, 17);
	struct fuzz_file f = fuzz_file_make(in.p, fuzz_left(&in));
	struct reading pieces, again, whole;
	struct input *input;

	fuzz_require(!input_open(f.path, &input), "it cannot be opened");
	pieces = read_all(input, piece, size);
	fuzz_require(!input_rewind(input), "no rewind");
	again = read_all(input, piece, size);
	require_same(&pieces, &again);
	fuzz_require(!input_rewind(input), "no rewind");
	whole = read_all(input, 65536, size);
	require_same(&pieces, &whole);
	input_close(input);
	fuzz_file_close(&f);
	return 0;
}
