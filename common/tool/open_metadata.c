/* SPDX-License-Identifier: MIT */
#include "common/tool/open_metadata.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/thin/superblock.h"
#include "common/tool/dm_busy.h"

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

static bool all_zero(const unsigned char *p, size_t bytes)
{
	while (bytes && !*p) {
		p++;
		bytes--;
	}
	return !bytes;
}

struct signature {
	size_t offset;
	const char *bytes;
	size_t nr;
	const char *meaning;
};

/* The first two sentences are those of thin-provisioning-tools 1.x. */
#define XML_TEXT                                                                            \
	"This looks like XML.  This tool only supports the binary metadata format.  Next: " \
	"thin_restore makes it from XML"

static const struct signature signatures[] = {
	{ 0, "\x1f\x8b", 2, "it is compressed with gzip; unpack it first" },
	{ 0,
	  "\xfd"
	  "7zXZ",
	  5, "it is compressed with xz; unpack it first" },
	{ 0, "BZh", 3, "it is compressed with bzip2; unpack it first" },
	{ 0, "\x28\xb5\x2f\xfd", 4, "it is compressed with zstd; unpack it first" },
	{ 0,
	  "\x7f"
	  "ELF",
	  4, "it is a program; name the pool's metadata device" },
	{ 0, "\xef\xbb\xbf<", 4, XML_TEXT },
	{ 512, "LABELONE", 8,
	  "it is a physical volume of LVM; name the pool's metadata volume (…_tmeta)" },
	{ 1080, "\x53\xef", 2, "there is an ext file system; name the pool's metadata device" },
	{ 0, "XFSB", 4, "there is an XFS file system; name the pool's metadata device" },
};

/* Text, and behind its end nothing but zeros. */
static bool is_text(const unsigned char *p, size_t bytes)
{
	const size_t nr = strnlen((const char *)p, bytes);

	for (size_t i = 0; i < nr; i++) {
		if ((p[i] < ' ' && p[i] != '\t' && p[i] != '\n' && p[i] != '\r') || p[i] == 0x7f)
			return false;
	}
	return nr && all_zero(p + nr, bytes - nr);
}

/* What these bytes, with a zero behind them, say the file is, or NULL. */
static const char *guess_format(const char *p, size_t bytes)
{
	const char *first = p + strspn(p, " \t\r\n");
	const bool is_all_text = is_text((const unsigned char *)p, bytes);

	for (size_t i = 0; i < ARRAY_SIZE(signatures); i++) {
		const struct signature *s = &signatures[i];

		if (s->offset + s->nr <= bytes && !memcmp(p + s->offset, s->bytes, s->nr))
			return s->meaning;
	}
	if (*first == '<' && is_all_text)
		return XML_TEXT;
	return is_all_text && strlen(p) == bytes
		       ? "it is a text file; name the pool's metadata device"
		       : NULL;
}

/* What a block without superblock looks like, for somebody who gave the wrong file. */
static const char *guess(const void *raw)
{
	const unsigned char *p = raw;
	const char *format = guess_format(raw, MD_BLOCK_SIZE);

	if (format)
		return format;
	if (all_zero(p, MD_BLOCK_SIZE))
		return "its first block is all zero: a pool that was never used, or a superblock "
		       "that was wiped (then thin_repair)";
	return "there is no superblock; is it the pool's data device? name the metadata device "
	       "(LVM: …_tmeta).  If it is the metadata, its superblock is lost: thin_repair";
}

enum strictness { WITH_SUPERBLOCK, ANY_BLOCKS };

static int inspect(const struct tool *tool, const char *path, bool quiet,
		   enum strictness strictness, struct block_engine *e)
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
		if (!sb.checksum_ok && sb.magic != SUPERBLOCK_MAGIC &&
		    (strictness == WITH_SUPERBLOCK || guess_format(raw, MD_BLOCK_SIZE))) {
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
		format = guess_format(start, n);
		(void)fclose(f);
	}
	tool_error(tool, "%s: %s", path,
		   format ? format
			  : "Metadata device/file too small.  Is this binary metadata?  Name the "
			    "pool's metadata device, or a whole copy of it");
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
