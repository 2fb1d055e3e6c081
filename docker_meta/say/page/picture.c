/* SPDX-License-Identifier: MIT
 * picture.c: how full the pool is, and by whom: gauges, and a map of the data device.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/say/page/page_internal.h"

static const struct {
	const char *name, *words;
} parts[NR_PARTS] = {
	[PART_IMAGES] = { "images", "the base device and layers of images" },
	[PART_SHARED] = { "shared", "mapped by images and by what stands on them" },
	[PART_CONTAINERS] = { "containers", "what containers wrote" },
	[PART_BUILDS] = { "builds", "what builds wrote" },
	[PART_GOING] = { "in between", "being made or deleted" },
	[PART_UNPROVEN] = { "unproven", "nobody of Docker’s is known to need it" },
	[PART_NOBODY] = { "left over", "orphaned" },
	[PART_LEAKED] = { "leaked", "counted as used, mapped by no device" },
	[PART_FREE] = { "free", "not in use" },
};

const char *part_name(enum part part)
{
	return parts[part].name;
}

/* ---- whose each data block is */

static enum part part_of_kind(enum set_kind kind)
{
	static const enum part of_kind[NR_SET_KINDS] = {
		[SET_BASE] = PART_IMAGES,          [SET_IMAGE] = PART_IMAGES,
		[SET_SHARED] = PART_IMAGES,        [SET_KEPT] = PART_IMAGES,
		[SET_CONTAINER] = PART_CONTAINERS, [SET_BUILDS] = PART_BUILDS,
		[SET_LEFT] = PART_NOBODY,          [SET_UNUSED] = PART_NOBODY,
		[SET_REMOVING] = PART_GOING,       [SET_DELETING] = PART_GOING,
		[SET_IN_FLIGHT] = PART_GOING,      [SET_ORPHANS] = PART_NOBODY,
		[SET_FOREIGN] = PART_UNPROVEN,     [SET_UNPROVEN] = PART_UNPROVEN,
	};

	return of_kind[kind];
}

uint64_t page_left_over(const struct page *p)
{
	const struct device_sets *s = p->v->sets;
	uint64_t nr = 0;

	for (size_t i = 0; i < s->nr; i++) {
		if (part_of_kind(page_set_kind(p, &s->sets[i])) == PART_NOBODY)
			nr += s->sets[i].nr_exclusive;
	}
	return nr;
}

/* A column of the map is a part, but for what several map. */
static uint64_t blocks_of_cell(const struct pool_map *m, uint32_t cell, enum part part)
{
	if (part == PART_SHARED)
		return pool_map_blocks(m, cell, NR_PARTS + POOL_MAP_BETWEEN);
	if (part == PART_UNPROVEN)
		return pool_map_blocks(m, cell, PART_UNPROVEN) +
		       pool_map_blocks(m, cell, NR_PARTS + POOL_MAP_NO_SET);
	return part < PART_LEAKED ? pool_map_blocks(m, cell, part) : 0;
}

static uint32_t *parts_of_devices(const struct page *p)
{
	const struct device_table *t = p->v->devices;
	uint32_t *part = alloc_array(p->pool->nr_devices + 1, sizeof(*part));

	for (size_t i = 0; i < p->pool->nr_devices && part; i++)
		part[i] = NO_SET;
	for (size_t i = 0; i < t->nr && part; i++) {
		const struct device_set *set = device_set_of(p->v->sets, t, &t->rows[i]);

		if (t->rows[i].pool)
			part[t->rows[i].pool - p->pool->devices] =
				part_of_kind(page_set_kind(p, set));
	}
	return part;
}

static void add_up(struct page *p)
{
	const struct pool_state *s = p->pool;
	uint64_t mapped = 0, leaked;

	for (uint32_t cell = 0; cell < p->map.nr_cells; cell++) {
		for (int part = 0; part < PART_LEAKED; part++) {
			uint64_t nr = blocks_of_cell(&p->map, cell, (enum part)part);

			p->blocks[part] += nr;
			mapped += nr;
		}
	}
	leaked = s->data_blocks_used > mapped ? s->data_blocks_used - mapped : 0;
	p->blocks[PART_LEAKED] = leaked;
	p->blocks[PART_FREE] =
		s->nr_data_blocks > mapped + leaked ? s->nr_data_blocks - mapped - leaked : 0;
}

int page_count_parts(struct page *p)
{
	const uint32_t most = MAP_COLUMNS * MAP_ROWS;
	uint32_t *part;
	int r;

	if (!p->pool || !p->pool->nr_data_blocks)
		return 0;
	part = parts_of_devices(p);
	r = part ? pool_map_make(p->pool, part, NR_PARTS,
				 p->pool->nr_data_blocks < most ? (uint32_t)p->pool->nr_data_blocks
								: most,
				 &p->map)
		 : -ENOMEM;
	alloc_free(part);
	if (!r)
		add_up(p);
	return r;
}

/* ---- gauges */

static void name_class(enum part part, char class[16])
{
	if (part == PART_FREE)
		(void)snprintf(class, 16, "part-free");
	else
		(void)snprintf(class, 16, "part-%u", (unsigned int)part);
}

static void put_segment(FILE *out, const char *class, uint64_t from, uint64_t nr, uint64_t whole)
{
	double left = (double)from * 1000 / (double)whole,
	       width = (double)nr * 1000 / (double)whole;

	if (nr)
		(void)fprintf(out, "<rect class=\"%s\" x=\"%.1f\" width=\"%.1f\" height=\"10\"/>",
			      class, left, width < 2 ? 2 : width);
}

static void begin_gauge(FILE *out, const char *label)
{
	(void)fprintf(out, "<div class=\"gauge\"><h3>%s</h3>\n", label);
}

static void put_track(FILE *out)
{
	(void)fputs("<svg class=\"track\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" "
		    "aria-hidden=\"true\"><rect class=\"part-free\" width=\"1000\" height=\"10\"/>",
		    out);
}

static void end_gauge(FILE *out, uint64_t used, uint64_t all, uint64_t each)
{
	const uint64_t nr[] = { used, all > used ? all - used : 0, all };
	static const char *const names[] = { "used", "free", "in all" };

	(void)fputs("</svg>\n<dl class=\"numbers\">", out);
	for (size_t i = 0; i < ARRAY_SIZE(nr); i++) {
		uint64_t bytes;

		if (__builtin_mul_overflow(nr[i], each, &bytes))
			bytes = UINT64_MAX;
		(void)fprintf(out, "<div><dt>%s</dt><dd><b>", names[i]);
		put_bytes(out, bytes);
		(void)fputs("</b><small>", out);
		put_exact(out, bytes);
		(void)fputs("&#160;B</small><small>", out);
		put_exact(out, nr[i]);
		(void)fputs("&#160;blocks</small></dd></div>", out);
	}
	(void)fputs("</dl></div>\n", out);
}

static void put_data_gauge(const struct page *p)
{
	const struct pool_state *s = p->pool;
	uint64_t from = 0;
	char class[16];

	begin_gauge(p->out, "Data");
	(void)fputs("<p class=\"big\">", p->out);
	put_percent(p->out, s->data_blocks_used, s->nr_data_blocks);
	(void)fputs("</p>", p->out);
	put_track(p->out);
	for (int part = 0; part < PART_FREE; part++) {
		name_class((enum part)part, class);
		put_segment(p->out, class, from, p->blocks[part], s->nr_data_blocks);
		from += p->blocks[part];
	}
	end_gauge(p->out, s->data_blocks_used, s->nr_data_blocks,
		  device_table_bytes(p->v->devices, 1));
}

static void put_metadata_gauge(const struct page *p)
{
	const struct pool_reading *r = &p->pool->reading;
	const uint64_t used = pool_metadata_used(r);

	begin_gauge(p->out, "Metadata");
	if (!r->raw || !r->metadata_blocks || r->metadata_blocks_free > r->metadata_blocks) {
		(void)fputs("<p class=\"big\">–</p><p class=\"quiet\">A dump does not tell it."
			    "</p></div>\n",
			    p->out);
		return;
	}
	(void)fputs("<p class=\"big\">", p->out);
	put_percent(p->out, used, r->metadata_blocks);
	(void)fputs("</p>", p->out);
	put_track(p->out);
	put_segment(p->out, "part-meta", 0, used, r->metadata_blocks);
	end_gauge(p->out, used, r->metadata_blocks, 4096);
}

/* ---- the map */

enum { CELL_WIDTH = 8, CELL_HEIGHT = 14, ROW_PITCH = 17 };

/* Cells from here on that are alike, in the same row, and can be told as one. */
static uint32_t alike(const struct page *p, uint32_t cell)
{
	const struct pool_map *m = &p->map;
	uint32_t end = cell + 1;

	for (; end < m->nr_cells && end % MAP_COLUMNS; end++) {
		for (int part = 0; part < PART_LEAKED; part++) {
			uint64_t here = blocks_of_cell(m, end, (enum part)part);
			uint64_t size = pool_map_begin(m, end + 1) - pool_map_begin(m, end);
			uint64_t there = blocks_of_cell(m, cell, (enum part)part);
			uint64_t size_there = pool_map_begin(m, cell + 1) - pool_map_begin(m, cell);

			/* All of it, or nothing. */
			if (!(here == 0 && there == 0) && !(here == size && there == size_there))
				return end;
		}
	}
	return end;
}

static void put_title(const struct page *p, uint32_t cell, uint32_t end)
{
	const struct pool_map *m = &p->map;
	uint64_t begin = pool_map_begin(m, cell), stop = pool_map_begin(m, end), used = 0;

	(void)fprintf(p->out, "<title>blocks %" PRIu64 "–%" PRIu64 ", at ", begin, stop - 1);
	put_bytes(p->out, device_table_bytes(p->v->devices, begin));
	(void)fputs(": ", p->out);
	for (int part = 0; part < PART_LEAKED; part++) {
		uint64_t nr = 0;

		for (uint32_t i = cell; i < end; i++)
			nr += blocks_of_cell(m, i, (enum part)part);
		if (!nr)
			continue;
		(void)fprintf(p->out, "%s%s %" PRIu64, used ? ", " : "", part_name((enum part)part),
			      nr);
		used += nr;
	}
	if (used < stop - begin)
		(void)fprintf(p->out, "%sfree %" PRIu64, used ? ", " : "", stop - begin - used);
	(void)fputs("</title>", p->out);
}

/* Stacked from below; what is there is seen, however little it is. */
static void put_cells(const struct page *p, uint32_t cell, uint32_t end)
{
	const struct pool_map *m = &p->map;
	const uint32_t x = cell % MAP_COLUMNS * CELL_WIDTH, y = cell / MAP_COLUMNS * ROW_PITCH;
	const uint32_t width = (end - cell) * CELL_WIDTH;
	uint64_t size = pool_map_begin(m, cell + 1) - pool_map_begin(m, cell), below = 0;

	(void)fputs("<g>", p->out);
	put_title(p, cell, end);
	for (int part = 0; part < PART_LEAKED; part++) {
		uint64_t nr = blocks_of_cell(m, cell, (enum part)part);
		unsigned int bottom = page_share(below, size, CELL_HEIGHT);
		unsigned int top = page_share(below + nr, size, CELL_HEIGHT);

		below += nr;
		if (!nr)
			continue;
		bottom -= top == bottom;
		(void)fprintf(p->out,
			      "<rect class=\"part-%d\" x=\"%u\" y=\"%u\" width=\"%u\" "
			      "height=\"%u\"/>",
			      part, x, y + CELL_HEIGHT - top, width, top - bottom);
	}
	if (!below)
		(void)fprintf(p->out,
			      "<rect class=\"part-free\" x=\"%u\" y=\"%u\" width=\"%u\" "
			      "height=\"%u\"/>",
			      x, y, width, (unsigned int)CELL_HEIGHT);
	(void)fputs("</g>\n", p->out);
}

static void put_map(const struct page *p)
{
	const uint32_t nr = p->map.nr_cells, rows = (nr + MAP_COLUMNS - 1) / MAP_COLUMNS;
	const uint32_t columns = nr < MAP_COLUMNS ? nr : MAP_COLUMNS;

	(void)fprintf(p->out,
		      "<svg id=\"map\" class=\"map\" viewBox=\"0 0 %u %u\" role=\"img\" "
		      "aria-label=\"Map of the data device\">\n",
		      columns * CELL_WIDTH, rows * ROW_PITCH - (ROW_PITCH - CELL_HEIGHT));
	for (uint32_t row = 0; row < rows; row++)
		(void)fprintf(p->out,
			      "<rect class=\"part-free\" y=\"%u\" width=\"%u\" height=\"%u\"/>",
			      row * ROW_PITCH,
			      (row + 1 < rows ? columns : nr - row * MAP_COLUMNS) * CELL_WIDTH,
			      (unsigned int)CELL_HEIGHT);
	(void)fputc('\n', p->out);
	for (uint32_t cell = 0, end; cell < nr; cell = end) {
		end = alike(p, cell);
		put_cells(p, cell, end);
	}
	(void)fputs("</svg>\n<p class=\"readout\" id=\"readout\">From the first data block, row by "
		    "row. A cell is ",
		    p->out);
	put_bytes(p->out, device_table_bytes(p->v->devices, pool_map_begin(&p->map, 1)));
	(void)fputs("; how high it is filled is how much of it is in use.</p>\n", p->out);
}

static void put_legend(const struct page *p)
{
	char class[16];

	(void)fputs("<table class=\"legend\" id=\"legend\"><caption>Whose the data blocks are"
		    "</caption>\n<tbody>",
		    p->out);
	for (int part = 0; part < NR_PARTS; part++) {
		if (!p->blocks[part])
			continue;
		name_class((enum part)part, class);
		(void)fprintf(p->out,
			      "<tr data-part=\"%s\"><th scope=\"row\"><svg viewBox=\"0 0 12 12\" "
			      "aria-hidden=\"true\"><rect class=\"%s\" width=\"12\" "
			      "height=\"12\" rx=\"2\"/></svg><b>%s</b> <small>%s</small></th>"
			      "<td class=\"num\">",
			      class, class, parts[part].name, parts[part].words);
		put_bytes(p->out, device_table_bytes(p->v->devices, p->blocks[part]));
		(void)fputs("</td><td class=\"num quiet\">", p->out);
		put_percent(p->out, p->blocks[part], p->pool->nr_data_blocks);
		(void)fputs("</td></tr>\n", p->out);
	}
	(void)fputs("</tbody></table>\n", p->out);
}

void put_pool(const struct page *p)
{
	(void)fputs("<section id=\"pool\">\n<h2>Pool</h2>\n", p->out);
	if (!p->map.nr_cells) {
		(void)fprintf(p->out,
			      "<p class=\"quiet\">The pool’s metadata %s.</p>\n</section>\n",
			      p->v->metadata ? "cannot be read" : "were not looked at");
		return;
	}
	(void)fputs("<div class=\"gauges\">\n", p->out);
	put_data_gauge(p);
	put_metadata_gauge(p);
	(void)fputs("</div>\n<div class=\"picture\">\n<div>", p->out);
	put_map(p);
	(void)fputs("</div>\n", p->out);
	put_legend(p);
	(void)fputs("</div>\n</section>\n", p->out);
}
