/* SPDX-License-Identifier: MIT
 * block_io.h: reading and writing metadata blocks, whatever lies behind.
 *
 * An engine takes requests and gives them back when they are done, in any order.  Three exist:
 * libaio (O_DIRECT files and devices), pread (files that refuse O_DIRECT, such as those on old
 * tmpfs), and memory (tests).  Nothing here knows what a block means.
 */
#ifndef THINMEND_IO_BLOCK_IO_H
#define THINMEND_IO_BLOCK_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/compiler.h"

#define MD_BLOCK_SIZE 4096u /* bytes in a metadata block, always */
#define IO_MAX_BLOCKS 256u  /* blocks in one request: 1 MiB */
#define IO_MAX_DEPTH 32u    /* requests under way at once */

struct io_request {
	bool write;
	uint64_t block;             /* the first */
	unsigned int nr_blocks;     /* 1 … IO_MAX_BLOCKS */
	union {                     /* nr_blocks * 4096 bytes, aligned to 4096; the caller's */
		void *data;         /* to read into */
		const void *source; /* to write from */
	};
	/*
	 * When done: 0 or -errno.  Of a read -EIO, whatever name the device has for it (ENODATA for
	 * a bad sector, EILSEQ, ETIMEDOUT, EREMOTEIO), or -ENOMEM.
	 */
	int result;
};

struct block_engine;

struct block_engine_ops {
	/* Begin rq, which stays the caller's and must live until it is given back. 0 or -errno. */
	int (*submit)(struct block_engine *e, struct io_request *rq);
	/*
	 * Wait for one request to be done.  0, or -EINVAL when none is under way: while some are,
	 * an engine gives each of them back, whatever fails.
	 */
	int (*reap)(struct block_engine *e, struct io_request **ret_rq);
	/* Everything written so far is on stable storage.  0 or -errno. */
	int (*flush)(struct block_engine *e);
	void (*destroy)(struct block_engine *e);
};

struct block_engine {
	const struct block_engine_ops *ops;
	uint64_t nr_blocks; /* whole blocks on the device */
	bool read_only;     /* opened by OPEN_MAY_WRITE, and nothing can be written */
	unsigned int nr_under_way;
};

/* At most IO_MAX_DEPTH requests may be under way. */
must_check int io_submit_request(struct block_engine *e, struct io_request *rq);
must_check int io_reap_request(struct block_engine *e, struct io_request **ret_rq);

/* One block, and wait for it; data is aligned to 4096.  No other request may be under way. */
must_check int block_read(struct block_engine *e, uint64_t block, void *data);
must_check int block_write(struct block_engine *e, uint64_t block, const void *data);
must_check int block_flush(struct block_engine *e);

/* Destroys the engine and closes what it opened.  NULL is allowed. */
void block_engine_destroy(struct block_engine *e);

enum open_mode {
	OPEN_READ,       /* exclusive on devices: fails with -EBUSY when in use */
	OPEN_READ_LIVE,  /* not exclusive: for the metadata snapshot of an active pool */
	OPEN_READ_WRITE, /* exclusive on devices */
	OPEN_MAY_WRITE,  /* the same; where it is read-only the engine is read_only */
};

/*
 * Open a file or a block device.  Returns 0, -errno of open(2), or
 *   -EISDIR    a directory
 *   -ENOTBLK   neither a regular file nor a block device
 *   -EBUSY     a device in use, or a file behind a loop device in use
 *   -EROFS     OPEN_READ_WRITE, but the device is read-only
 */
must_check int block_open(const char *path, enum open_mode mode, struct block_engine **ret_engine);

/* The engines.  They own fd once they are made; when that fails it stays the caller's. */
must_check int aio_engine_create(int fd, uint64_t nr_blocks, struct block_engine **ret_engine);
must_check int sync_engine_create(int fd, uint64_t nr_blocks, struct block_engine **ret_engine);

/* memory stays the caller's and must outlive the engine. */
must_check int mem_engine_create(void *memory, uint64_t nr_blocks,
				 struct block_engine **ret_engine);

#endif
