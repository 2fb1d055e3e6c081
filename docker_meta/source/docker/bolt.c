/* SPDX-License-Identifier: MIT
 * bolt.c: the file and its meta pages; see bolt_walk.c for what they lead to.
 */
#include "docker_meta/source/docker/bolt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "docker_meta/source/docker/bolt_internal.h"

enum {
	MIN_PAGE_SIZE = 1024,
	MAX_PAGE_SIZE = 65536,
	META_SUMMED_BYTES = 56, /* what stands before the checksum */
	META_END = BOLT_PAGE_HEADER + META_SUMMED_BYTES + 8,
};

#define META_MAGIC 0xED0CDAEDu
#define META_VERSION 2u

void bolt_fault_add(struct bolt_fault *f, uint64_t page, const char *format, ...)
{
	va_list args;
	int used = 0;

	if (f->nr++)
		return;
	f->page = page;
	if (page != BOLT_NO_PAGE)
		used = snprintf(f->text, sizeof(f->text), "page %" PRIu64 ": ", page);
	if (used < 0)
		used = 0;
	va_start(args, format);
	(void)vsnprintf(f->text + used, sizeof(f->text) - (size_t)used, format, args);
	va_end(args);
}

/* ---- meta pages */

static uint64_t fnv64a(const uint8_t *p, size_t bytes)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static bool decode_meta(const uint8_t *bytes, size_t nr_bytes, size_t at, struct bolt_meta *ret)
{
	const uint8_t *p = bytes + at + BOLT_PAGE_HEADER;
	uint32_t page_size;

	if (at > nr_bytes || nr_bytes - at < META_END)
		return false;
	page_size = bolt_u32(p + 8);
	if (bolt_u32(p) != META_MAGIC || bolt_u32(p + 4) != META_VERSION)
		return false;
	if (bolt_u64(p + META_SUMMED_BYTES) != fnv64a(p, META_SUMMED_BYTES))
		return false;
	if (page_size < MIN_PAGE_SIZE || page_size > MAX_PAGE_SIZE || page_size & (page_size - 1))
		return false;
	*ret = (struct bolt_meta){ .page_size = page_size,
				   .root = bolt_u64(p + 16),
				   .nr_pages = bolt_u64(p + 40),
				   .txid = bolt_u64(p + 48),
				   .checksum = bolt_u64(p + META_SUMMED_BYTES) };
	return true;
}

/* Where the second one stands is known from the first only, or by trying. */
static bool find_second(const uint8_t *bytes, size_t nr_bytes, const struct bolt_meta *first,
			struct bolt_meta *ret)
{
	uint32_t from = first ? first->page_size : MIN_PAGE_SIZE;
	uint32_t to = first ? first->page_size : MAX_PAGE_SIZE;

	for (uint32_t size = from; size <= to; size *= 2) {
		if (decode_meta(bytes, nr_bytes, size, ret) && ret->page_size == size)
			return true;
	}
	return false;
}

/* The newest one.  *ret_broken: the page that has none that is good, or BOLT_NO_PAGE. */
static bool choose_meta(const uint8_t *bytes, size_t nr_bytes, struct bolt_meta *ret,
			uint64_t *ret_broken)
{
	struct bolt_meta first, second;
	bool has_first = decode_meta(bytes, nr_bytes, 0, &first);
	bool has_second = find_second(bytes, nr_bytes, has_first ? &first : NULL, &second);

	*ret_broken = BOLT_NO_PAGE;
	if (!has_first || !has_second)
		*ret_broken = has_first ? 1 : 0;
	if (!has_first && !has_second)
		return false;
	*ret = !has_first || (has_second && second.txid > first.txid) ? second : first;
	return true;
}

/* ---- the file */

/* *ret_bytes is less than bytes when the file ends before. */
static int read_start(int fd, uint8_t *buffer, size_t bytes, size_t *ret_bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n = pread(fd, buffer + done, bytes - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += (size_t)n;
	}
	*ret_bytes = done;
	return 0;
}

static int file_size(int fd, uint64_t *ret_bytes)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

/* The size tells of a commit that made the file larger before it was read, but behind what was. */
static int check_unchanged(int fd, const struct bolt_meta *meta, uint64_t size)
{
	size_t bytes = (size_t)meta->page_size + META_END, got = 0;
	uint8_t *buffer = alloc_array(bytes, 1);
	struct bolt_meta now;
	uint64_t broken, size_now = 0;
	int r;

	if (!buffer)
		return -ENOMEM;
	r = read_start(fd, buffer, bytes, &got);
	if (!r)
		r = file_size(fd, &size_now);
	if (!r && (size_now != size || !choose_meta(buffer, got, &now, &broken) ||
		   now.txid != meta->txid || now.checksum != meta->checksum))
		r = -EAGAIN;
	alloc_free(buffer);
	return r;
}

static int fill(struct bolt *b, int fd, uint64_t size, struct bolt_fault *fault)
{
	uint64_t broken;
	int r = read_start(fd, b->bytes, (size_t)size, &b->nr_bytes);

	if (r)
		return r;
	if (!choose_meta(b->bytes, b->nr_bytes, &b->meta, &broken)) {
		bolt_fault_add(fault, BOLT_NO_PAGE, "%s",
			       b->nr_bytes ? "no good meta page, or no bbolt database"
					   : "the file is empty");
		return -EUCLEAN;
	}
	r = check_unchanged(fd, &b->meta, size);
	if (!r && broken != BOLT_NO_PAGE)
		bolt_fault_add(fault, broken, "no good meta page: the last commit may be lost");
	return r;
}

int bolt_open(int fd, struct bolt **ret_bolt, struct bolt_fault *fault)
{
	struct bolt *b;
	uint64_t size = 0;
	int r = file_size(fd, &size);

	if (r)
		return r;
	if (size > BOLT_MAX_BYTES)
		return -EFBIG;
	b = alloc_object(struct bolt);
	if (!b)
		return -ENOMEM;
	b->bytes = alloc_array((size_t)size, 1);
	r = b->bytes ? fill(b, fd, size, fault) : -ENOMEM;
	if (r)
		bolt_close(b);
	else
		*ret_bolt = b;
	return r;
}

void bolt_close(struct bolt *b)
{
	if (!b)
		return;
	alloc_free(b->bytes);
	alloc_free(b);
}

uint64_t bolt_txid(const struct bolt *b)
{
	return b->meta.txid;
}

uint32_t bolt_page_size(const struct bolt *b)
{
	return b->meta.page_size;
}
