/* SPDX-License-Identifier: MIT
 * replay_log.c: replay the log of dm-log-writes, flush by flush.  The format: the kernel's
 * Documentation/admin-guide/device-mapper/log-writes.rst and drivers/md/dm-log-writes.c.
 *
 *     replay_log LOG FILE FIRST    write the entries from FIRST (0 is the first one) to the next
 *                                  flush or FUA, which is included, to FILE.  Prints the entry to
 * go on with.  Status 1, and no number, at the end of the log.
 *
 * Sector 0 of the log: magic, version, number of entries (64 bits each), bytes of a sector (32).
 * Then each entry: a sector with its header, and nr_sectors sectors of data, but none for a
 * discard. The text of a mark follows in the header's sector.
 */
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC 0x6a736677736872ULL

enum { FLUSH = 1, FUA = 2, DISCARD = 4, MARK = 8 };
enum { MAX_SECTOR = 4096 };

struct super {
	uint64_t magic, version, nr_entries;
	uint32_t sector_size;
};

struct entry {
	uint64_t sector, nr_sectors, flags, data_len;
};

static void die(const char *what)
{
	fprintf(stderr, "replay_log: %s\n", what);
	exit(2);
}

static void get(FILE *f, void *bytes, size_t nr)
{
	if (fread(bytes, 1, nr, f) != nr)
		die("the log ends too early");
}

static struct super read_super(FILE *log)
{
	struct super s;

	get(log, &s, sizeof(s));
	s.sector_size = le32toh(s.sector_size);
	s.nr_entries = le64toh(s.nr_entries);
	if (le64toh(s.magic) != MAGIC || le64toh(s.version) != 1)
		die("no log of dm-log-writes, version 1");
	if (s.sector_size < 512 || s.sector_size > MAX_SECTOR)
		die("a sector of an impossible size");
	if (fseek(log, s.sector_size, SEEK_SET))
		die(strerror(errno));
	return s;
}

static struct entry read_entry(FILE *log, uint32_t sector_size)
{
	uint8_t header[MAX_SECTOR];
	struct entry e;

	get(log, header, sector_size);
	memcpy(&e, header, sizeof(e));
	e.sector = le64toh(e.sector);
	e.nr_sectors = le64toh(e.nr_sectors);
	e.flags = le64toh(e.flags);
	e.data_len = le64toh(e.data_len);
	return e;
}

/* The data of an entry: to out, or nowhere. */
static void copy_data(FILE *log, const struct entry *e, uint32_t sector_size, FILE *out)
{
	uint8_t sector[MAX_SECTOR];

	if (e->flags & (DISCARD | MARK))
		return;
	if (out && fseek(out, (long)(e->sector * sector_size), SEEK_SET))
		die(strerror(errno));
	for (uint64_t n = 0; n < e->nr_sectors; n++) {
		get(log, sector, sector_size);
		if (out && fwrite(sector, 1, sector_size, out) != sector_size)
			die(strerror(errno));
	}
}

int main(int argc, char **argv)
{
	FILE *log, *out;
	struct super super;
	uint64_t first;

	if (argc != 4)
		return fprintf(stderr, "usage: replay_log LOG FILE FIRST\n"), 64;
	log = fopen(argv[1], "rb");
	out = fopen(argv[2], "r+b");
	first = strtoull(argv[3], NULL, 10);
	if (!log || !out)
		die(strerror(errno));
	super = read_super(log);
	for (uint64_t n = 0; n < super.nr_entries; n++) {
		struct entry e = read_entry(log, super.sector_size);

		copy_data(log, &e, super.sector_size, n < first ? NULL : out);
		if (n < first || !(e.flags & (FLUSH | FUA)))
			continue;
		if (fclose(out))
			die(strerror(errno));
		printf("%llu\n", (unsigned long long)n + 1);
		return 0;
	}
	return fclose(out) ? 2 : 1;
}
