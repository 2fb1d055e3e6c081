/* SPDX-License-Identifier: MIT */
#include "common/tool/open_metadata.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/thin/superblock.h"
#include "common/tool/dm_busy.h"

static void explain_open(const struct tool *tool, const char *path, const char *what, int error)
{
	char user[256];

	switch (-error) {
	case ENOENT:
		tool_error(tool, "%s: Couldn't find %s file", path, what);
		break;
	case EISDIR:
		tool_error(tool, "%s: Not a block device or regular file: it is a directory", path);
		break;
	case ENOTBLK:
		tool_error(tool, "%s: Not a block device or regular file", path);
		break;
	case EBUSY:
		dm_who_uses(path, user, sizeof(user));
		tool_error(tool, "%s: in use%s; deactivate the pool first%s", path, user,
			   *what == 'i' ? ", or read its metadata snapshot (--metadata-snap)" : "");
		break;
	case EACCES:
	case EPERM:
		tool_error(tool, "%s: Permission denied; run as root", path);
		break;
	default:
		tool_error(tool, "%s: cannot be opened: %s", path, strerror(-error));
	}
}

static bool all_zero(const unsigned char *p, size_t bytes)
{
	while (bytes && !*p) {
		p++;
		bytes--;
	}
	return !bytes;
}

/* What these first bytes (with a zero at the end) say the file is, or NULL. */
static const char *guess_format(const char *p)
{
	if (p[0] == '\x1f' && p[1] == '\x8b')
		return "it is compressed with gzip; unpack it first";
	p += strspn(p, " \t\r\n");
	if (*p == '<')
		return "This looks like XML.  This tool only supports the binary metadata format; "
		       "thin_restore makes it from XML";
	return NULL;
}

/* What a block without superblock looks like, for somebody who gave the wrong file. */
static const char *guess(const void *raw)
{
	const unsigned char *p = raw;
	const char *format = guess_format(raw);

	if (format)
		return format;
	if (all_zero(p, MD_BLOCK_SIZE))
		return "its first block is all zero: a pool that was never used, or a superblock "
		       "that was wiped (then thin_repair)";
	if (!memcmp(p + 512, "LABELONE", 8))
		return "it is a physical volume of LVM; name the pool's metadata volume (…_tmeta)";
	return "there is no superblock; is it the pool's data device? name the metadata device "
	       "(LVM: …_tmeta).  If it is the metadata, its superblock is lost: thin_repair";
}

static int inspect(const struct tool *tool, const char *path, bool quiet, struct block_engine *e)
{
	char *raw;
	struct superblock sb;
	int status = STATUS_NONE;

	raw = alloc_aligned(MD_BLOCK_SIZE + 1);
	if (!raw) {
		if (!quiet)
			tool_error(tool, "%s", strerror(ENOMEM));
		return STATUS_BAD;
	}
	if (!block_read(e, SUPERBLOCK_LOCATION, raw)) {
		raw[MD_BLOCK_SIZE] = '\0';
		sb = superblock_decode(raw);
		if (!sb.checksum_ok && sb.magic != SUPERBLOCK_MAGIC) {
			if (!quiet)
				tool_error(tool, "%s: bad checksum in superblock: %s", path,
					   guess(raw));
			status = STATUS_BAD;
		}
	}
	alloc_free(raw);
	return status;
}

/* A file shorter than a block: what it is matters more than that it is short. */
static void explain_short(const struct tool *tool, const char *path)
{
	const char *format = NULL;
	char start[64] = "";
	FILE *f = fopen(path, "re");

	if (f) {
		size_t n = fread(start, 1, sizeof(start) - 1, f);

		start[n] = '\0';
		format = guess_format(start);
		(void)fclose(f);
	}
	tool_error(tool, "%s: %s", path,
		   format ? format : "Metadata device/file too small.  Is this binary metadata?");
}

static int examine(const struct tool *tool, const char *path, bool quiet, struct block_engine *e)
{
	if (e->nr_blocks)
		return inspect(tool, path, quiet, e);
	if (!quiet)
		explain_short(tool, path);
	return STATUS_BAD;
}

int open_metadata(const struct tool *tool, const char *path, enum open_mode mode, bool quiet,
		  struct block_engine **ret_engine)
{
	int r = block_open(path, mode, ret_engine);

	if (r) {
		if (!quiet)
			explain_open(tool, path, "input", r);
		return STATUS_BAD;
	}
	r = examine(tool, path, quiet, *ret_engine);
	if (r != STATUS_NONE) {
		block_engine_destroy(*ret_engine);
		*ret_engine = NULL;
	}
	return r;
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
