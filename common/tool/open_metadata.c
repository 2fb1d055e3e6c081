/* SPDX-License-Identifier: MIT */
#include "common/tool/open_metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/bitset.h"
#include "common/io/block_reader.h"
#include "common/io/checksum.h"
#include "common/io/fd_io.h"
#include "common/pdata/btree_node.h"
#include "common/thin/superblock.h"
#include "common/tool/dm_busy.h"
#include "common/tool/other_format.h"

static void explain_busy(const struct tool *tool, const char *path, const char *what)
{
	bool input = !strcmp(what, "input");
	char user[256];

	dm_who_uses(path, user, sizeof(user));
	if (*user)
		tool_error(tool, "%s: in use%s; deactivate the pool first%s", path, user,
			   input ? ", or read its metadata snapshot (--metadata-snap)" : "");
	else
		tool_error(tool,
			   "%s: in use: mounted, or part of something active; unmount or "
			   "deactivate that first",
			   path);
}

static void explain_open(const struct tool *tool, const char *path, const char *what, int error)
{
	switch (-error) {
	case ENOENT:
		tool_error(tool, "%s: Couldn't find %s file: there is nothing of this name", path,
			   what);
		break;
	case EISDIR:
		tool_error(tool, "%s: Not a block device or regular file: it is a directory", path);
		break;
	case ENOTBLK:
		tool_error(tool, "%s: Not a block device or regular file", path);
		break;
	case EBUSY:
		explain_busy(tool, path, what);
		break;
	case EROFS:
		tool_error(tool, "%s: it is read-only, and stays as it was", path);
		break;
	case EACCES:
		tool_error(tool, "%s: Permission denied; run as root", path);
		break;
	default:
		tool_error(tool, "%s: cannot be opened: %s", path, strerror(-error));
	}
}

/* Blocks: 1 GiB.  The kernel takes the lowest free one, so that those of a pool stand in front. */
enum { MAX_LOOKED_AT = 1 << 18 };

/* A node or a bitmap that is whole and in its own place ends the search. */
static int is_metadata(void *context, uint64_t block, const void *raw, int error)
{
	const struct node_header *header = raw;
	bool *found = context;

	/* The number is at the same place in a bitmap. */
	if (error)
		return 0;
	*found = le64_to_cpu(header->blocknr) == block &&
		 (block_checksum_ok(raw, SALT_BTREE_NODE) || block_checksum_ok(raw, SALT_BITMAP));
	return *found ? -ECANCELED : 0;
}

/* Metadata all the same, whatever came over their first block?  True also without memory to look.
 */
static bool has_metadata(struct block_engine *e)
{
	const uint64_t nr = e->nr_blocks < MAX_LOOKED_AT ? e->nr_blocks : MAX_LOOKED_AT;
	struct block_reader *reader = NULL;
	struct bitset blocks = { 0 };
	bool found = false;
	int r = bitset_init(&blocks, nr);

	for (uint64_t i = SUPERBLOCK_LOCATION + 1; i < nr && !r; i++)
		bitset_set(&blocks, i);
	if (!r)
		r = block_reader_create(e, &reader);
	if (!r)
		r = block_reader_run(reader, &blocks, is_metadata, &found);
	block_reader_destroy(reader);
	bitset_destroy(&blocks);
	return found || r == -ENOMEM;
}

/* What a block without superblock looks like, for somebody who gave the wrong file. */
static const char *guess(const void *raw, struct block_engine *e)
{
	const unsigned char *p = raw;
	const char *format = other_format(raw, MD_BLOCK_SIZE);

	if (format && has_metadata(e))
		return "something else was written over it, and metadata stand behind: its "
		       "superblock is lost (thin_repair)";
	if (format)
		return format;
	if (is_all_zero(p, MD_BLOCK_SIZE))
		return "its first block is all zero: a pool that was never used, or a superblock "
		       "that was wiped (then thin_repair)";
	return "there is no superblock; is it the pool's data device? name the metadata device "
	       "(LVM: …_tmeta).  If it is the metadata, its superblock is lost: thin_repair";
}

enum strictness { WITH_SUPERBLOCK, ANY_BLOCKS };

static bool has_superblock(const void *raw)
{
	const struct superblock sb = superblock_decode(raw);

	return sb.checksum_ok || sb.magic == SUPERBLOCK_MAGIC;
}

static int inspect(const struct tool *tool, const char *path, bool quiet,
		   enum strictness strictness, struct block_engine *e)
{
	char *raw;
	int status = STATUS_NONE;

	raw = alloc_aligned(MD_BLOCK_SIZE + 1);
	if (!raw) {
		if (!quiet)
			tool_error(tool, "%s", strerror(ENOMEM));
		return STATUS_BAD;
	}
	if (!block_read(e, SUPERBLOCK_LOCATION, raw)) {
		raw[MD_BLOCK_SIZE] = '\0';
		if (!has_superblock(raw) &&
		    (strictness == WITH_SUPERBLOCK ||
		     (other_format(raw, MD_BLOCK_SIZE) && !has_metadata(e)))) {
			if (!quiet)
				tool_error(tool, "%s: bad checksum in superblock: %s", path,
					   guess(raw, e));
			status = STATUS_BAD;
		}
	}
	alloc_free(raw);
	return status;
}

#define TOO_SHORT                                                                     \
	"Metadata device/file too small.  Is this binary metadata?  Name the pool's " \
	"metadata device, or a whole copy of it"

/* A file shorter than a block: what it is matters more than that it is short. */
static void explain_short(const struct tool *tool, const char *path)
{
	const char *format = NULL;
	char start[64] = "";
	FILE *f = fopen(path, "re");

	if (f) {
		size_t n = fread(start, 1, sizeof(start) - 1, f);

		start[n] = '\0';
		format = other_format(start, n);
		(void)fclose(f);
	}
	tool_error(tool, "%s: %s", path, format ? format : TOO_SHORT);
}

/* The first bytes of a file, with a zero behind them. */
static const char *judge_begin(const char *raw, size_t nr)
{
	const char *format;

	if (!nr)
		return "it is empty; name the pool's metadata device";
	if (nr == MD_BLOCK_SIZE && has_superblock(raw))
		return NULL;
	format = other_format(raw, nr);
	return format || nr == MD_BLOCK_SIZE ? format : TOO_SHORT;
}

const char *what_no_metadata_is(const char *path)
{
	char *raw = alloc_aligned(MD_BLOCK_SIZE + 1);
	const int fd = raw ? open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
	struct block_engine *e;
	const char *text = NULL;
	size_t nr = 0;

	if (fd >= 0 && !fd_read_up_to(fd, raw, MD_BLOCK_SIZE, &nr)) {
		raw[nr] = '\0';
		text = judge_begin(raw, nr);
	}
	if (text && !block_open(path, OPEN_READ_LIVE, &e)) {
		text = has_metadata(e) ? NULL : text;
		block_engine_destroy(e);
	}
	if (fd >= 0)
		(void)close(fd);
	alloc_free(raw);
	return text;
}

static int examine(const struct tool *tool, const char *path, bool quiet,
		   enum strictness strictness, struct block_engine *e)
{
	if (e->nr_blocks)
		return inspect(tool, path, quiet, strictness, e);
	if (!quiet)
		explain_short(tool, path);
	return STATUS_BAD;
}

static int open_and_examine(const struct tool *tool, const char *path, enum open_mode mode,
			    bool quiet, enum strictness strictness,
			    struct block_engine **ret_engine)
{
	int r = block_open(path, mode, ret_engine);

	if (r) {
		if (!quiet)
			explain_open(tool, path, "input", r);
		return STATUS_BAD;
	}
	r = examine(tool, path, quiet, strictness, *ret_engine);
	if (r != STATUS_NONE) {
		block_engine_destroy(*ret_engine);
		*ret_engine = NULL;
	}
	return r;
}

int open_metadata(const struct tool *tool, const char *path, enum open_mode mode, bool quiet,
		  struct block_engine **ret_engine)
{
	return open_and_examine(tool, path, mode, quiet, WITH_SUPERBLOCK, ret_engine);
}

int open_any_blocks(const struct tool *tool, const char *path, enum open_mode mode, bool quiet,
		    struct block_engine **ret_engine)
{
	return open_and_examine(tool, path, mode, quiet, ANY_BLOCKS, ret_engine);
}

void explain_read_only(const struct tool *tool, const char *path)
{
	tool_error(tool,
		   "%s: it is read-only, and so it stays as it was (LVM activates a pool's _tmeta "
		   "read-only: swap the metadata out with lvconvert --thinpool POOL --poolmetadata "
		   "LV, or give LVM the option in thin_check_options of lvm.conf)",
		   path);
}

int open_output(const struct tool *tool, const char *path, bool quiet,
		struct block_engine **ret_engine)
{
	int r = block_open(path, OPEN_READ_WRITE, ret_engine);

	if (!r)
		return STATUS_NONE;
	if (!quiet)
		explain_open(tool, path, "output", r);
	return STATUS_BAD;
}
