/* SPDX-License-Identifier: MIT */
#include "common/io/input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/alloc.h"
#include "common/io/fd_io.h"

enum { COPY_BYTES = 1 << 18, RAW_BYTES = 1 << 18 };

enum state {
	PLAIN,
	IN_MEMBER, /* of gzip: several may follow each other */
	BETWEEN,   /* behind a member */
	PADDING,   /* zeros behind the last member, as tapes have them */
};

struct input {
	int fd;
	off_t start;
	enum state state;
	uint8_t *raw; /* owned: RAW_BYTES of the file, of which z has those still to come */
	z_stream z;
	bool has_z;
	uint64_t nr_read; /* bytes of the file */
};

static int open_unnamed(void)
{
	const char *const places[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
	int fd = -1;

	for (size_t i = 0; i < ARRAY_SIZE(places) && fd < 0; i++) {
		if (places[i])
			fd = open(places[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	}
	return fd < 0 ? -errno : fd;
}

static int copy_all(int from, int to, char *buffer)
{
	for (;;) {
		ssize_t n = read(from, buffer, COPY_BYTES);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		r = fd_write_all(to, buffer, (size_t)n);
		if (r)
			return r;
	}
}

/* Takes fd.  Returns a descriptor that can be read again, or -errno. */
static int make_seekable(int fd)
{
	struct stat st;
	char *buffer;
	int copy, r;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	copy = open_unnamed();
	buffer = alloc_array(COPY_BYTES, 1);
	r = copy < 0 ? copy : -ENOMEM;
	if (copy >= 0 && buffer)
		r = copy_all(fd, copy, buffer);
	if (!r && lseek(copy, 0, SEEK_SET) < 0)
		r = -errno;
	alloc_free(buffer);
	(void)close(fd);
	if (!r)
		return copy;
	if (copy >= 0)
		(void)close(copy);
	return r;
}

static int open_path(const char *path)
{
	struct stat st;
	int fd = strcmp(path, "-") != 0 ? open(path, O_RDONLY | O_CLOEXEC)
					: fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)close(fd);
		return -EISDIR;
	}
	return make_seekable(fd);
}

/* ret_bytes is 0 at the end only. */
static int read_some(struct input *in, void *buffer, size_t bytes, size_t *ret_bytes)
{
	ssize_t n;

	do {
		n = read(in->fd, buffer, bytes);
	} while (n < 0 && errno == EINTR);
	*ret_bytes = n > 0 ? (size_t)n : 0;
	in->nr_read += *ret_bytes;
	return n < 0 ? -errno : 0;
}

static int fill(struct input *in)
{
	size_t got;
	int r = read_some(in, in->raw, RAW_BYTES, &got);

	in->z.next_in = in->raw;
	in->z.avail_in = (unsigned int)got;
	return r;
}

static int begin_member(struct input *in)
{
	/* 15: the largest window; 16: gzip, with its checksum */
	int code = in->has_z ? inflateReset(&in->z) : inflateInit2(&in->z, 15 + 16);

	in->has_z = in->has_z || code == Z_OK;
	in->state = IN_MEMBER;
	return code == Z_OK ? 0 : -ENOMEM;
}

static int begin(struct input *in)
{
	int r;

	in->nr_read = 0;
	in->state = PLAIN;
	r = fill(in);
	if (!r && in->z.avail_in >= 2 && in->raw[0] == 0x1f && in->raw[1] == 0x8b)
		return begin_member(in);
	return r;
}

int input_open(const char *path, struct input **ret_input)
{
	struct input *in;
	int fd = open_path(path), r;

	if (fd < 0)
		return fd;
	in = alloc_object(struct input);
	if (!in) {
		(void)close(fd);
		return -ENOMEM;
	}
	in->fd = fd;
	in->raw = alloc_array(RAW_BYTES, 1);
	in->start = lseek(fd, 0, SEEK_CUR);
	r = in->raw ? 0 : -ENOMEM;
	if (!r && in->start < 0)
		r = -errno;
	if (!r)
		r = begin(in);
	if (r)
		input_close(in);
	else
		*ret_input = in;
	return r;
}

void input_close(struct input *in)
{
	if (!in)
		return;
	if (in->has_z)
		(void)inflateEnd(&in->z);
	alloc_free(in->raw);
	(void)close(in->fd);
	alloc_free(in);
}

/* What was looked at to see whether it is gzip comes first. */
static int read_plain(struct input *in, uint8_t *buffer, size_t bytes, size_t *ret_bytes)
{
	const size_t first = in->z.avail_in < bytes ? in->z.avail_in : bytes;
	size_t got = 1;
	int r = 0;

	memcpy(buffer, in->z.next_in, first);
	in->z.next_in += first;
	in->z.avail_in -= (unsigned int)first;
	*ret_bytes = first;
	while (!r && got && *ret_bytes < bytes) {
		r = read_some(in, buffer + *ret_bytes, bytes - *ret_bytes, &got);
		*ret_bytes += got;
	}
	return r;
}

/* Another member, zeros to the end, or nothing: as gzip has it, but anything else is an error. */
static int leave_member(struct input *in)
{
	const uint8_t next = *in->z.next_in;

	if (next == 0x1f && in->state == BETWEEN)
		return begin_member(in);
	if (next)
		return -EBADMSG;
	in->state = PADDING;
	in->z.next_in++;
	in->z.avail_in--;
	return 0;
}

static int inflate_some(struct input *in)
{
	int code = inflate(&in->z, Z_NO_FLUSH);

	if (code == Z_STREAM_END)
		in->state = BETWEEN;
	if (code == Z_MEM_ERROR)
		return -ENOMEM;
	return code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR ? 0 : -EIO;
}

static int read_gzip(struct input *in, uint8_t *buffer, size_t bytes, size_t *ret_bytes)
{
	const unsigned int room = bytes < UINT_MAX ? (unsigned int)bytes : UINT_MAX;
	int r = 0;

	in->z.next_out = buffer;
	in->z.avail_out = room;
	while (!r && in->z.avail_out) {
		if (!in->z.avail_in)
			r = fill(in);
		if (r)
			break;
		if (!in->z.avail_in) {
			r = in->state == IN_MEMBER ? -EIO : 0;
			break;
		}
		r = in->state == IN_MEMBER ? inflate_some(in) : leave_member(in);
	}
	*ret_bytes = room - in->z.avail_out;
	return r;
}

int input_read(struct input *in, void *buffer, size_t bytes, size_t *ret_bytes)
{
	if (in->state == PLAIN)
		return read_plain(in, buffer, bytes, ret_bytes);
	return read_gzip(in, buffer, bytes, ret_bytes);
}

int input_rewind(struct input *in)
{
	return lseek(in->fd, in->start, SEEK_SET) < 0 ? -errno : begin(in);
}

uint64_t input_position(const struct input *in)
{
	return in->nr_read - in->z.avail_in;
}
