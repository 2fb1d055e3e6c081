/* SPDX-License-Identifier: MIT */
#include "tests/support/salvaged.h"

#include <stdlib.h>
#include <string.h>

/* Tools without Criterion are linked with this too. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

struct content image_content(struct image *i)
{
	struct block_engine *e = image_engine(i);
	struct content c;

	must(!content_read(e, 0, &c));
	block_engine_destroy(e);
	return c;
}

struct salvaged salvage_image(struct image *i, const struct salvage_options *options,
			      const struct content *truth)
{
	const struct salvage_options none = { .aggressive = false };
	struct salvaged s = { .difference = { .lost = truth->nr } };
	struct block_engine *e = image_engine(i), *sound = NULL;
	struct salvage_fault fault;

	s.error = salvage(e, options ? options : &none, &sound, &s.result, &fault);
	if (!s.error) {
		must(!content_read(sound, s.result.nr_blocks, &s.content));
		s.difference = content_compare(truth, &s.content);
	}
	block_engine_destroy(sound);
	block_engine_destroy(e);
	return s;
}

void salvaged_destroy(struct salvaged *s)
{
	content_destroy(&s->content);
	salvage_result_destroy(&s->result);
}

void image_lose(struct image *i, uint64_t block)
{
	memset(i->bytes + block * MD_BLOCK_SIZE, 0, MD_BLOCK_SIZE);
}

static bool shares(const struct salvage_result *r, size_t loss, uint64_t device)
{
	for (size_t n = 0; n < r->nr_shares; n++) {
		if (r->shares[n].loss == loss && r->shares[n].device == device)
			return true;
	}
	return false;
}

static bool is_named(const struct salvage_result *r, const struct content_mapping *m)
{
	for (size_t n = 0; n < r->nr_losses; n++) {
		const struct salvage_loss *l = &r->losses[n];

		if (m->thin >= l->begin && (m->thin < l->end || l->end == RANGE_OPEN) &&
		    (l->device == m->device || shares(r, n, m->device)))
			return true;
	}
	return false;
}

uint64_t salvaged_nr_unnamed(const struct salvaged *s, const struct content *truth)
{
	const struct content *got = &s->content;
	uint64_t nr = 0;
	size_t g = 0;

	for (size_t t = 0; t < truth->nr; t++) {
		const struct content_mapping *m = &truth->mappings[t];

		while (g < got->nr &&
		       (got->mappings[g].device < m->device ||
			(got->mappings[g].device == m->device && got->mappings[g].thin < m->thin)))
			g++;
		if (g == got->nr || got->mappings[g].device != m->device ||
		    got->mappings[g].thin != m->thin)
			nr += !is_named(&s->result, m);
	}
	return nr;
}
