/* SPDX-License-Identifier: MIT */
#include "tests/faults/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/image.h"

#define FAIL(what) (perror(what), exit(1))

struct bytes bytes_read(const char *path)
{
	struct bytes b = { NULL, 0 };
	FILE *f = fopen(path, "rb");
	long size;

	if (!f)
		return b;
	if (fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
		FAIL(path);
	rewind(f);
	b.nr = (size_t)size;
	b.data = aligned_alloc(MD_BLOCK_SIZE, b.nr / MD_BLOCK_SIZE * MD_BLOCK_SIZE + MD_BLOCK_SIZE);
	if (!b.data || fread(b.data, 1, b.nr, f) != b.nr || fclose(f))
		FAIL(path);
	return b;
}

/* Written in place: the same file, as an output is. */
void bytes_write(const char *path, const struct bytes *b)
{
	FILE *f;

	if (!b->data) {
		unlink(path);
		return;
	}
	f = fopen(path, "wb");
	if (!f || fwrite(b->data, 1, b->nr, f) != b->nr || fclose(f))
		FAIL(path);
}

bool bytes_equal(const struct bytes *a, const struct bytes *b)
{
	return !a->data == !b->data && a->nr == b->nr &&
	       (!a->nr || !memcmp(a->data, b->data, a->nr));
}

void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){ NULL, 0 };
}

struct state state_of(const struct bytes *metadata)
{
	struct image i = { .bytes = (uint8_t *)metadata->data,
			   .nr_blocks = metadata->nr / MD_BLOCK_SIZE,
			   .unreadable = NO_BLOCK };
	const struct check_options options = { .superblock_only = false };
	struct check_result result;
	struct report report;
	struct block_engine *e;
	struct state s = { .sound = false };

	if (!i.nr_blocks)
		return s;
	if (image_check(&i, &options, &report, &result))
		FAIL("check");
	s.has_superblock = result.has_superblock;
	s.sound = report_worst(&report) == SEVERITY_NONE;
	memcpy(s.per_finding, report.per_id, sizeof(s.per_finding));
	report_destroy(&report);
	check_result_destroy(&result);
	e = image_engine(&i);
	s.has_content = s.has_superblock && !content_read(e, 0, &s.content);
	block_engine_destroy(e);
	return s;
}

bool state_same_content(const struct state *a, const struct state *b)
{
	struct content_difference d;

	if (!a->has_content || !b->has_content)
		return false;
	d = content_compare(&a->content, &b->content);
	return a->content.nr_devices == b->content.nr_devices && !d.lost && !d.wrong;
}

bool state_same_findings(const struct state *a, const struct state *b)
{
	return !memcmp(a->per_finding, b->per_finding, sizeof(a->per_finding));
}

void state_destroy(struct state *s)
{
	content_destroy(&s->content);
}
