/* SPDX-License-Identifier: MIT
 * read_blocks.c: read the beginning of every block of a thin device, past the page cache, so that
 * the kernel looks up each of them.  Prints how many could not be read.
 *
 *     read_blocks DEVICE BYTES    BYTES: of a block
 */
#include <fcntl.h>
#include <libaio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 512, BATCH = 256 };

/* At most BATCH blocks from *at on; moves *at.  Returns how many could not be read, or -1. */
static long read_batch(io_context_t ctx, int fd, off_t *at, off_t end, long block)
{
	static char buffer[PIECE] __attribute__((aligned(4096)));
	struct iocb iocbs[BATCH], *list[BATCH];
	struct io_event events[BATCH];
	long failed = 0;
	int nr = 0;

	for (; nr < BATCH && *at < end; *at += block) {
		io_prep_pread(&iocbs[nr], fd, buffer, PIECE, *at);
		list[nr] = &iocbs[nr];
		nr++;
	}
	if (io_submit(ctx, nr, list) != nr || io_getevents(ctx, nr, nr, events, NULL) != nr)
		return -1;
	for (int n = 0; n < nr; n++)
		failed += events[n].res != PIECE;
	return failed;
}

int main(int argc, char **argv)
{
	io_context_t ctx = NULL;
	long block, failed = 0, r;
	off_t at = 0, end;
	int fd;

	if (argc != 3 || (block = atol(argv[2])) < PIECE)
		return fprintf(stderr, "usage: read_blocks DEVICE BYTES\n"), 64;
	fd = open(argv[1], O_RDONLY | O_DIRECT);
	if (fd < 0 || (end = lseek(fd, 0, SEEK_END)) < 0 || io_setup(BATCH, &ctx))
		return perror(argv[1]), 1;
	while (at < end) {
		r = read_batch(ctx, fd, &at, end, block);
		if (r < 0)
			return perror(argv[1]), 1;
		failed += r;
	}
	printf("%ld\n", failed);
	return 0;
}
