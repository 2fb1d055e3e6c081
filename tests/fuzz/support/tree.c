/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/support/tree.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/support/scratch.h"
#include "tests/support/pool.h"

enum { MAX_FILES = 64, MAX_CHANGES = 8, MAX_GROWN = 65536 };

struct file {
	char *path, *content; /* owned, for ever */
	size_t bytes;
	bool changed;
};

static struct file files[MAX_FILES];
static unsigned int nr_files;

/* ---- as it is in the beginning */

#define POOL "docker-8:1-1234-pool"
#define HASH "11ab57a5c2ba3b4e2236d94a9b180cbafeda7b277686e93fe8e86462cb8121b6"

static const struct {
	const char *name, *text;
} beside[] = {
	{ "daemon.json",
	  "{\"storage-driver\": \"devicemapper\", \"storage-opts\": [\"dm.basesize=20G\", "
	  "\"dm.thinpooldev=/dev/mapper/docker-thinpool\", \"dm.min_free_space=10%\"], "
	  "\"data-root\": \"/var/lib/docker\", \"userns-remap\": \"\"}\n" },
	{ "lvs.json",
	  "{\"report\": [{\"lv\": [{\"lv_name\":\"thinpool\", \"vg_name\":\"docker\", "
	  "\"lv_attr\":\"twi-aot---\", \"lv_size\":\"134217728B\", \"data_percent\":\"83.20\", "
	  "\"metadata_percent\":\"12.10\", \"transaction_id\":\"5\", \"seg_monitor\":\"\", "
	  "\"lv_when_full\":\"queue\", \"lv_metadata_size\":\"8388608B\", "
	  "\"chunk_size\":\"65536B\", \"vg_free\":\"0B\"}, {\"lv_name\":\"[thinpool_tmeta]\", "
	  "\"vg_name\":\"docker\", \"lv_attr\":\"ewi-ao----\", \"thin_id\":\"\"}]}]}\n" },
	{ "mountinfo", "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		       "90 22 253:3 / /var/lib/docker/devicemapper/mnt/" HASH " rw - xfs "
		       "/dev/mapper/docker-8:1-1234-" HASH " rw\n" },
	{ "table", POOL ": 0 262144 thin-pool 7:1 7:0 128 32768 1 skip_block_zeroing\n"
			"docker-8:1-1234-" HASH ": 0 20971520 thin 253:0 3\n" },
	{ "status", POOL ": 0 262144 thin-pool 5 90/2048 2048/2048 - out_of_data_space "
			 "discard_passdown queue_if_no_space - 1024\n" },
	{ "loss.json",
	  "{\"tool\": \"thin_repair\", \"summary\": {\"losses_left_out\": 0, "
	  "\"loss_devices_left_out\": 0, \"older_commit\": false}, \"losses\": [{\"block\": 7, "
	  "\"devices\": [1, 3], \"begin\": 5, \"end\": 90}], \"devices\": [{\"device\": 1, "
	  "\"expected\": 100, \"kept\": 90, \"details_rebuilt\": false}]}\n" },
};

static int note_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	struct file *f = &files[nr_files];

	(void)st;
	(void)ftw;
	if (kind != FTW_F)
		return 0;
	fuzz_require(nr_files < MAX_FILES, "too many files");
	f->path = strdup(path);
	f->content = fuzz_read(path, &f->bytes);
	nr_files++;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

static void make_metadata(void)
{
	struct image i = image_load("docker-pool-full");
	char path[64];
	size_t bytes;
	char *text;

	pool_dump(&i, false, path);
	text = fuzz_read(path, &bytes);
	fuzz_write(fuzz_path_of(fuzz_scratch(), "metadata.xml").text, text, bytes);
	unlink(path);
	free(text);
	image_destroy(&i);
}

static void make(void)
{
	char command[600];

	snprintf(command, sizeof(command),
		 "mkdir %s/host && tar -xJf tests/fixtures/docker/docker-pool-full.tar.xz -C "
		 "%s/host",
		 fuzz_scratch(), fuzz_scratch());
	fuzz_require(!system(command), "the fixture cannot be unpacked");
	make_metadata();
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++)
		fuzz_write(fuzz_path_of(fuzz_scratch(), beside[i].name).text, beside[i].text,
			   strlen(beside[i].text));
	fuzz_require(!nftw(fuzz_scratch(), note_file, 16, FTW_PHYS), "no walk");
	qsort(files, nr_files, sizeof(*files), by_path);
}

struct fuzz_path fuzz_tree_path(const char *name)
{
	if (!nr_files)
		make();
	return fuzz_path_of(fuzz_scratch(), name);
}

/* ---- changes */

/* Pieces that such files consist of. */
static const char *const words[] = {
	"null",
	"-1",
	"0",
	"18446744073709551615",
	"1e400",
	"\"\"",
	"{",
	"}]",
	"[[[[",
	"\"device_id\":1,",
	"\"transaction_id\":99,",
	"\"deleted\":true,",
	"\\u0000",
	"\xff\xfe",
	"../../../etc/passwd",
	"\n",
	"sha256:",
	"\"initialized\":true,",
	"\"Running\":true,",
	"-init",
	"$(touch /tmp/x)`",
	"'; rm -rf / #",
	"\033[31m",
	"<script>",
};

static void cut(struct file *f, struct fuzz_bytes *in)
{
	fuzz_write(f->path, f->content, f->bytes ? fuzz_below(in, f->bytes) : 0);
}

static void replace(struct file *f, struct fuzz_bytes *in)
{
	size_t n = fuzz_take(in, 2);

	n = n < fuzz_left(in) ? n : fuzz_left(in);
	fuzz_write(f->path, in->p, n);
	in->p += n;
}

/* Some bytes give way to others, or to one of the words. */
static void splice(struct file *f, const char *text, size_t bytes, struct fuzz_bytes *in)
{
	size_t at = f->bytes ? fuzz_below(in, f->bytes) : 0, gone = fuzz_take(in, 1);
	char *grown = malloc(f->bytes + bytes + 1);

	fuzz_require(grown, "no memory");
	gone = gone < f->bytes - at ? gone : f->bytes - at;
	memcpy(grown, f->content, at);
	memcpy(grown + at, text, bytes);
	memcpy(grown + at + bytes, f->content + at + gone, f->bytes - at - gone);
	fuzz_write(f->path, grown, f->bytes + bytes - gone);
	free(grown);
}

static void patch(struct file *f, struct fuzz_bytes *in)
{
	char bytes[16];
	size_t n = fuzz_below(in, sizeof(bytes));

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)fuzz_take(in, 1);
	splice(f, bytes, n, in);
}

static void insert_word(struct file *f, struct fuzz_bytes *in)
{
	const char *word = words[fuzz_below(in, ARRAY_SIZE(words))];

	splice(f, word, strlen(word), in);
}

static void put_other(struct file *f, struct fuzz_bytes *in)
{
	const struct file *other = &files[fuzz_below(in, nr_files)];

	fuzz_write(f->path, other->content, other->bytes);
}

static void put_other_thing(struct file *f, struct fuzz_bytes *in)
{
	unlink(f->path);
	switch (fuzz_below(in, 4)) {
	case 0:
		break; /* nothing at all */
	case 1:
		mkdir(f->path, 0700);
		break;
	case 2:
		(void)!symlink(files[fuzz_below(in, nr_files)].path, f->path);
		break;
	default:
		mkfifo(f->path, 0600);
	}
}

static bool is_below_host(const struct file *f)
{
	return strstr(f->path, "/host/");
}

void fuzz_tree_change(struct fuzz_bytes *in)
{
	static void (*const changes[])(struct file *, struct fuzz_bytes *) = {
		cut, replace, patch, insert_word, put_other, put_other_thing,
	};

	for (int n = 0; n < MAX_CHANGES && fuzz_left(in); n++) {
		struct file *f = &files[fuzz_below(in, nr_files)];
		uint64_t how = fuzz_below(in, ARRAY_SIZE(changes));

		/* Once each; a pipe that the user named would be waited for. */
		if (f->changed || (changes[how] == put_other_thing && !is_below_host(f)))
			continue;
		f->changed = true;
		changes[how](f, in);
	}
}

void fuzz_tree_restore(void)
{
	for (unsigned int i = 0; i < nr_files; i++) {
		struct file *f = &files[i];

		if (!f->changed)
			continue;
		(void)remove(f->path);
		fuzz_write(f->path, f->content, f->bytes);
		f->changed = false;
	}
}

/* ---- what there is */

static uint64_t digest;

static int add_to_digest(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	const char *name = path + ftw->base;
	const uint64_t numbers[] = { (uint64_t)kind,
				     (uint64_t)st->st_size,
				     st->st_mode,
				     st->st_uid,
				     st->st_ino,
				     (uint64_t)st->st_mtim.tv_sec,
				     (uint64_t)st->st_mtim.tv_nsec,
				     (uint64_t)st->st_ctim.tv_nsec };
	uint64_t one;

	/* The directory itself changes when these come and go. */
	if (!ftw->level || (ftw->level == 1 && (!strcmp(name, "out") || !strcmp(name, "state"))))
		return 0;
	one = fuzz_hash(FUZZ_HASH_SEED, path, strlen(path));
	digest += fuzz_hash(one, numbers, sizeof(numbers));
	return 0;
}

/* In any order: a sum. */
uint64_t fuzz_tree_digest(void)
{
	digest = 0;
	fuzz_require(!nftw(fuzz_scratch(), add_to_digest, 16, FTW_PHYS), "no walk");
	return digest;
}

const char *fuzz_tree_word(struct fuzz_bytes *in)
{
	static const char *const names[] = {
		"base",
		"1",
		"3",
		"11ab57",
		"db9e6d9fd3d7",
		"3e3ffa47bc79",
		"e64201c57be2-init",
		"busybox",
		"37cfd0d7af04",
		"9fd4",
		"",
		"sha256:3",
		"99",
		"945752b38a95",
	};

	return names[fuzz_below(in, ARRAY_SIZE(names))];
}
