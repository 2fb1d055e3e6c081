/* SPDX-License-Identifier: MIT */
#include "common/io/undo.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/endian.h"
#include "common/io/checksum.h"
#include "common/io/direct_queue.h"
#include "common/io/fd_io.h"

#define MAGIC "thinmend undo 1\n"

enum { SECTOR = 512 /* what a disk writes whole or not at all */ };

struct undo_header {
	char magic[16];
	__le64 nr_blocks;
	__le32 superblock;
	__le32 checksum;
};

struct undo_record {
	__le64 block;
	__le32 number;
	__le32 checksum;
	uint8_t before[MD_BLOCK_SIZE];
	uint8_t after[MD_BLOCK_SIZE];
};

static_assert(sizeof(struct undo_header) == 32, "as documented");
static_assert(sizeof(struct undo_record) == 16 + 2 * MD_BLOCK_SIZE, "as documented");

static uint32_t whole_checksum(const void *raw)
{
	return crc32c_portable(UINT32_MAX, raw, MD_BLOCK_SIZE);
}

static uint32_t header_checksum(const struct undo_header *h)
{
	return crc32c_portable(UINT32_MAX, h, offsetof(struct undo_header, checksum));
}

static uint32_t record_checksum(const struct undo_record *r)
{
	uint32_t crc = crc32c_portable(UINT32_MAX, r, offsetof(struct undo_record, checksum));

	return crc32c_portable(crc, r->before, sizeof(r->before) + sizeof(r->after));
}

/* ---- noting */

struct undo_engine {
	struct block_engine base;
	struct direct_queue queue;
	struct block_engine *inner; /* borrowed */
	struct undo_record *record; /* owned */
	void *raw;                  /* owned: a block, aligned */
	char *name;                 /* owned: in dir */
	int dir;                    /* owned: descriptor of the directory */
	int fd;                     /* owned; -1: it can be made with a name alone */
	bool begun;                 /* the file has its name, and its header */
	uint64_t nr_noted;
	int error; /* of the file */
};

static struct undo_engine *to_undo(struct block_engine *e)
{
	return (struct undo_engine *)e;
}

static int note(struct undo_engine *u, uint64_t block, const void *after)
{
	struct undo_record *r = u->record;
	int e = undo_engine_begin(&u->base);

	if (e)
		return e;
	e = block_read(u->inner, block, u->raw);
	if (e)
		return e;
	memcpy(r->before, u->raw, MD_BLOCK_SIZE);
	memcpy(r->after, after, MD_BLOCK_SIZE);
	r->block = cpu_to_le64(block);
	r->number = cpu_to_le32((uint32_t)u->nr_noted);
	r->checksum = cpu_to_le32(record_checksum(r));
	e = fd_write_all(u->fd, r, sizeof(*r));
	if (!e && fsync(u->fd))
		e = -errno;
	u->nr_noted += !e;
	u->error = e;
	return e;
}

static int carry_out(struct undo_engine *u, const struct io_request *rq)
{
	struct io_request own = *rq, *done;
	int e = 0;

	for (unsigned int i = 0; rq->write && i < rq->nr_blocks && !e; i++)
		e = note(u, rq->block + i, (const char *)rq->source + (size_t)i * MD_BLOCK_SIZE);
	if (!e)
		e = io_submit_request(u->inner, &own);
	if (!e)
		e = io_reap_request(u->inner, &done);
	return e ? e : own.result;
}

static int undo_submit(struct block_engine *e, struct io_request *rq)
{
	rq->result = carry_out(to_undo(e), rq);
	return direct_queue_push(&to_undo(e)->queue, rq);
}

static int undo_reap(struct block_engine *e, struct io_request **ret_rq)
{
	return direct_queue_pop(&to_undo(e)->queue, ret_rq);
}

static int undo_flush(struct block_engine *e)
{
	return block_flush(to_undo(e)->inner);
}

static void undo_destroy(struct block_engine *e)
{
	struct undo_engine *u = to_undo(e);

	if (u->begun && !u->nr_noted)
		(void)unlinkat(u->dir, u->name, 0);
	if (u->fd >= 0)
		(void)close(u->fd);
	if (u->dir >= 0)
		(void)close(u->dir);
	alloc_free(u->name);
	alloc_free(u->record);
	alloc_free(u->raw);
	alloc_free(u);
}

static const struct block_engine_ops undo_ops = {
	.submit = undo_submit, .reap = undo_reap, .flush = undo_flush, .destroy = undo_destroy
};

static int open_place(struct undo_engine *u, const char *path)
{
	struct stat st;
	int r = fd_open_parent(path, &u->dir, &u->name);

	if (r)
		return r;
	if (!fstatat(u->dir, u->name, &st, AT_SYMLINK_NOFOLLOW))
		return -EEXIST;
	/* Where that cannot be, it is made with its name when the first change comes. */
	u->fd = openat(u->dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	return 0;
}

int undo_engine_create(struct block_engine *inner, const char *path,
		       struct block_engine **ret_engine)
{
	struct undo_engine *u = alloc_object(struct undo_engine);
	int r = -ENOMEM;

	if (!u)
		return r;
	u->base.ops = &undo_ops;
	u->base.nr_blocks = inner->nr_blocks;
	u->inner = inner;
	u->fd = u->dir = -1;
	u->record = alloc_object(struct undo_record);
	u->raw = alloc_aligned(MD_BLOCK_SIZE);
	if (u->record && u->raw)
		r = open_place(u, path);
	if (r)
		undo_destroy(&u->base);
	else
		*ret_engine = &u->base;
	return r;
}

bool undo_engine_is_open(const struct block_engine *e)
{
	return ((const struct undo_engine *)e)->fd >= 0;
}

static int write_header(struct undo_engine *u)
{
	struct undo_header h = { .magic = MAGIC, .nr_blocks = cpu_to_le64(u->inner->nr_blocks) };
	int r = block_read(u->inner, 0, u->raw);

	if (r)
		return r;
	h.superblock = cpu_to_le32(whole_checksum(u->raw));
	h.checksum = cpu_to_le32(header_checksum(&h));
	r = fd_write_all(u->fd, &h, sizeof(h));
	return r ? r : fsync(u->fd) ? -errno : 0;
}

static int begin_file(struct undo_engine *u)
{
	const bool named = u->fd < 0;
	int r;

	if (named)
		u->fd = openat(u->dir, u->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (u->fd < 0)
		return -errno;
	u->begun = named;
	r = write_header(u);
	if (!r && !named)
		r = fd_link(u->fd, u->dir, u->name);
	u->begun |= !r;
	/* Its name is on stable storage, too, before anything is changed; some file systems cannot.
	 */
	if (!r && fsync(u->dir) && errno != EINVAL && errno != EBADF)
		r = -errno;
	return r;
}

/* A file that could not be begun is none: nothing is ever noted in it. */
int undo_engine_begin(struct block_engine *e)
{
	struct undo_engine *u = to_undo(e);

	if (!u->begun && !u->error)
		u->error = begin_file(u);
	return u->error;
}

uint64_t undo_engine_nr_noted(const struct block_engine *e)
{
	return ((const struct undo_engine *)e)->nr_noted;
}

int undo_engine_error(const struct block_engine *e)
{
	return ((const struct undo_engine *)e)->error;
}

/* ---- putting back */

struct undo {
	struct block_engine *engine;
	int fd;
	uint32_t superblock; /* checksum of what it was before */
	uint64_t nr_records;
	struct undo_record *record; /* owned: the one that is looked at */
	uint8_t *raw;               /* owned: a block, aligned */
	struct undo_fault *fault;
};

static int complain(struct undo_fault *fault, const char *text)
{
	(void)snprintf(fault->text, sizeof(fault->text), "%s", text);
	return -EUCLEAN;
}

static int read_at(int fd, void *data, size_t bytes, uint64_t offset)
{
	ssize_t n = pread(fd, data, bytes, (off_t)offset);

	return n < 0 ? -errno : n == (ssize_t)bytes ? 0 : -ENODATA;
}

static int read_record(struct undo *u, uint64_t nr)
{
	const uint64_t offset = sizeof(struct undo_header) + nr * sizeof(*u->record);
	int r = read_at(u->fd, u->record, sizeof(*u->record), offset);

	if (r)
		return r;
	return le32_to_cpu(u->record->checksum) == record_checksum(u->record) &&
			       le32_to_cpu(u->record->number) == (uint32_t)nr &&
			       le64_to_cpu(u->record->block) < u->engine->nr_blocks
		       ? 0
		       : -ENODATA;
}

static int read_header(struct undo *u)
{
	struct undo_header h;
	int r = read_at(u->fd, &h, sizeof(h), 0);

	if (r && r != -ENODATA)
		return r;
	if (r || memcmp(h.magic, MAGIC, sizeof(h.magic)) != 0 ||
	    le32_to_cpu(h.checksum) != header_checksum(&h))
		return complain(u->fault, "it is no undo file of thin_check");
	u->superblock = le32_to_cpu(h.superblock);
	if (le64_to_cpu(h.nr_blocks) == u->engine->nr_blocks)
		return 0;
	(void)snprintf(u->fault->text, sizeof(u->fault->text),
		       "it is of a device of %" PRIu64
		       " metadata blocks, and the output has %" PRIu64,
		       le64_to_cpu(h.nr_blocks), u->engine->nr_blocks);
	return -EUCLEAN;
}

/* A record that is not whole can only be the last: its block was not written any more. */
static int count_records(struct undo *u)
{
	struct stat st;
	uint64_t nr;
	int r = 0;

	if (fstat(u->fd, &st))
		return -errno;
	nr = ((uint64_t)st.st_size - sizeof(struct undo_header) + sizeof(*u->record) - 1) /
	     sizeof(*u->record);
	while (!r && u->nr_records < nr) {
		r = read_record(u, u->nr_records);
		u->nr_records += !r;
	}
	if (r && (r != -ENODATA || u->nr_records + 1 < nr))
		return r == -ENODATA ? complain(u->fault, "a record in the midst of it is damaged")
				     : r;
	return 0;
}

static bool fits(const uint8_t *now, const struct undo_record *r)
{
	for (size_t i = 0; i < MD_BLOCK_SIZE; i += SECTOR) {
		if (memcmp(now + i, r->before + i, SECTOR) != 0 &&
		    memcmp(now + i, r->after + i, SECTOR) != 0)
			return false;
	}
	return true;
}

/* Which block a record is of. */
struct place {
	uint64_t block, record;
};

static int by_block(const void *a, const void *b)
{
	const struct place *pa = a, *pb = b;

	return pa->block != pb->block ? (pa->block > pb->block) - (pa->block < pb->block)
				      : (pa->record > pb->record) - (pa->record < pb->record);
}

static int find_places(struct undo *u, struct place *places)
{
	int r = 0;

	for (uint64_t i = 0; i < u->nr_records && !r; i++) {
		r = read_record(u, i);
		if (!r)
			places[i] = (struct place){ le64_to_cpu(u->record->block), i };
	}
	if (!r && u->nr_records)
		qsort(places, u->nr_records, sizeof(*places), by_block);
	return r;
}

/* A block that was written several times is as one of its records, `nr` of them, has it. */
static int check_block(struct undo *u, const struct place *places, uint64_t nr)
{
	const uint64_t block = places[0].block;
	int r = block_read(u->engine, block, u->raw);
	bool ok = false;

	for (uint64_t i = 0; i < nr && !r && !ok; i++) {
		r = read_record(u, places[i].record);
		ok = !r && fits(u->raw, u->record);
	}
	if (r || ok)
		return r;
	(void)snprintf(u->fault->text, sizeof(u->fault->text),
		       "the output is another device, or was used since: its block %" PRIu64
		       " is neither as before nor as after the change; nothing was written",
		       block);
	return -EUCLEAN;
}

/* Without a record of the superblock, the first of all blocks, it was not written. */
static int check_superblock(struct undo *u, const struct place *places)
{
	int r = 0;

	if (u->nr_records && !places[0].block)
		return 0;
	r = block_read(u->engine, 0, u->raw);
	if (r)
		return r;
	if (whole_checksum(u->raw) == u->superblock)
		return u->nr_records
			       ? 0
			       : complain(u->fault,
					  "it has no record: nothing was changed by then, unless "
					  "it was cut off; nothing was written");
	return complain(u->fault,
			"it was cut off, or the output is another device: the superblock there is "
			"not the one from before the change, and it has no record of that; nothing "
			"was written");
}

static int check_all(struct undo *u)
{
	struct place *places = alloc_array(u->nr_records + 1, sizeof(*places));
	int r = places ? find_places(u, places) : -ENOMEM;

	if (!r)
		r = check_superblock(u, places);
	for (uint64_t i = 0, nr; i < u->nr_records && !r; i += nr) {
		for (nr = 1; i + nr < u->nr_records && places[i + nr].block == places[i].block;)
			nr++;
		r = check_block(u, &places[i], nr);
	}
	alloc_free(places);
	return r;
}

/* Backwards, and each flushed: the superblock was the last to be written, and is the first to go
 * back. */
static int put_back(struct undo *u)
{
	int r = 0;

	for (uint64_t i = u->nr_records; i && !r; i--) {
		r = read_record(u, i - 1);
		if (r)
			break;
		memcpy(u->raw, u->record->before, MD_BLOCK_SIZE);
		r = block_write(u->engine, le64_to_cpu(u->record->block), u->raw);
		if (!r)
			r = block_flush(u->engine);
	}
	return r;
}

int undo_apply(struct block_engine *e, const char *path, uint64_t *ret_nr, struct undo_fault *fault)
{
	struct undo u = { .engine = e, .fault = fault };
	int r = -ENOMEM;

	*fault = (struct undo_fault){ "" };
	*ret_nr = 0;
	u.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (u.fd < 0)
		return -errno;
	u.record = alloc_object(struct undo_record);
	u.raw = alloc_aligned(MD_BLOCK_SIZE);
	if (u.record && u.raw)
		r = read_header(&u);
	if (!r)
		r = count_records(&u);
	if (!r)
		r = check_all(&u);
	if (!r)
		r = put_back(&u);
	if (!r)
		*ret_nr = u.nr_records;
	(void)close(u.fd);
	alloc_free(u.record);
	alloc_free(u.raw);
	return r;
}
