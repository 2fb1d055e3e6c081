/* SPDX-License-Identifier: MIT
 * page_lineage.c: images, their layers from the bottom, the containers on them, and what is
 * nobody's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/say/page/page_internal.h"

/* Lines are counted, so that the page stays small: what is left out is told. */
struct branches {
	const struct page *p;
	const struct docker_state *docker;
	size_t nr_lines, nr_left;
	size_t *first;        /* of each image, one more for none, and one more: where in */
	uint32_t *containers; /* its containers stand */
};

static bool has_room(struct branches *l)
{
	if (l->nr_lines < TREE_LINES) {
		l->nr_lines++;
		return true;
	}
	l->nr_left++;
	return false;
}

/* ---- a line */

static void put_line_end(const struct branches *l, const struct pool_device *d)
{
	FILE *out = l->p->out;

	put_bar(l->p, d);
	(void)fputs("<span class=\"num\">", out);
	if (d)
		put_bytes(out, device_table_bytes(l->p->v->devices, d->nr_exclusive));
	else
		(void)fputs("–", out);
	(void)fputs("</span><span class=\"num quiet\">", out);
	if (d)
		put_bytes(out, device_table_bytes(l->p->v->devices, d->nr_mapped));
	(void)fputs("</span></li>\n", out);
}

static void put_device_line(struct branches *l, const char *what, const char *name,
			    const struct device_row *row)
{
	FILE *out = l->p->out;

	if (!has_room(l))
		return;
	(void)fprintf(out, "<li><span class=\"what\">%s</span><span class=\"who\"><bdi>", what);
	put_text(out, name);
	(void)fputs("</bdi>", out);
	if (row)
		(void)fprintf(out, "%s<a href=\"#d%" PRIu64 "\">device %" PRIu64 "</a>%s",
			      *name ? " " : "", row->id, row->id,
			      row->pool || !l->p->pool ? "" : " <em>not in the pool</em>");
	else
		(void)fputs(*name ? " <em>its device is not known</em>"
				  : "<em>its device is not known</em>",
			    out);
	(void)fputs("</span>", out);
	put_line_end(l, row ? row->pool : NULL);
}

struct totals {
	uint64_t returned; /* data blocks that come back when all of it goes */
	uint64_t mapped;   /* about what a file system on top of it has */
};

static void begin_group(const struct branches *l, const char *kind, const char *name,
			const char *words, struct totals totals)
{
	FILE *out = l->p->out;

	(void)fprintf(out,
		      "<details class=\"branch\" open=\"open\"><summary><span class=\"what\">%s"
		      "</span><span class=\"who\"><b><bdi>",
		      kind);
	put_text(out, name);
	(void)fprintf(out,
		      "</bdi></b> <small>%s</small></span><span class=\"totals\">"
		      "<span class=\"num\">",
		      words);
	put_bytes(out, device_table_bytes(l->p->v->devices, totals.returned));
	(void)fputs("</span><span class=\"num quiet\">", out);
	put_bytes(out, device_table_bytes(l->p->v->devices, totals.mapped));
	(void)fputs("</span></span></summary>\n<ul>\n", out);
}

static void end_group(const struct branches *l)
{
	(void)fputs("</ul></details>\n", l->p->out);
}

/* ---- containers */

static void put_container(struct branches *l, const struct container *c)
{
	const struct mount *m = layer_store_find_mount(&l->docker->layers, c->id);
	const struct device_table *t = l->p->v->devices;
	const char *id = m ? m->mount_id : c->old_layout ? c->id : NULL;
	char name[OWNER_SIZE];

	(void)snprintf(name, sizeof(name), "%s%s", c->name, c->running ? " (running)" : "");
	put_device_line(l, "container", name, id ? device_table_find(t, id) : NULL);
	if (m && m->init_id)
		put_device_line(l, "init", "", device_table_find(t, m->init_id));
}

static size_t image_of(const struct branches *l, const struct container *c)
{
	const struct image *image =
		*c->image ? image_store_find(&l->docker->images, c->image) : NULL;

	return image ? (size_t)(image - l->docker->images.images) : l->docker->images.nr_images;
}

/* Containers by image, in the order of their ids. */
static int sort_containers(struct branches *l)
{
	const struct container_store *s = &l->docker->containers;
	const size_t nr_images = l->docker->images.nr_images;

	l->first = alloc_array(nr_images + 3, sizeof(*l->first));
	l->containers = alloc_array(s->nr_containers + 1, sizeof(*l->containers));
	if (!l->first || !l->containers)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr_containers; i++)
		l->first[image_of(l, &s->containers[i]) + 2]++;
	for (size_t i = 2; i < nr_images + 3; i++)
		l->first[i] += l->first[i - 1];
	for (size_t i = 0; i < s->nr_containers; i++)
		l->containers[l->first[image_of(l, &s->containers[i]) + 1]++] = (uint32_t)i;
	return 0;
}

static void put_containers(struct branches *l, size_t image)
{
	for (size_t i = l->first[image]; i < l->first[image + 1]; i++)
		put_container(l, &l->docker->containers.containers[l->containers[i]]);
}

/* ---- images */

static const struct device_row *row_of_layer(const struct branches *l, const struct image *image,
					     size_t nr)
{
	const struct layer *layer = layer_store_find(&l->docker->layers, image->chains[nr].hex);

	return layer && layer->cache_id ? device_table_find(l->p->v->devices, layer->cache_id)
					: NULL;
}

static void put_layers(struct branches *l, const struct image *image)
{
	char what[32], name[OWNER_SIZE];

	for (size_t i = 0; i < image->nr_chains; i++) {
		const struct device_row *row = row_of_layer(l, image, i);
		const struct image *other = row && row->image != image ? row->image : NULL;
		const char *its = other ? image_store_name(&l->docker->images, other->id) : NULL;

		(void)snprintf(what, sizeof(what), "layer %zu/%zu", i + 1, image->nr_chains);
		*name = '\0';
		if (its)
			(void)snprintf(name, sizeof(name), "with %s", its);
		else if (other)
			(void)snprintf(name, sizeof(name), "with image %.12s", other->id);
		put_device_line(l, what, name, row);
	}
}

static struct totals totals_of_image(const struct branches *l, const struct image *image)
{
	const struct device_table *t = l->p->v->devices;
	const struct device_row *top =
		image->nr_chains ? row_of_layer(l, image, image->nr_chains - 1) : NULL;

	return (struct totals){ device_set_of_image(l->p->v->sets, t, image)->nr_returned,
				top && top->pool ? top->pool->nr_mapped : 0 };
}

static void put_image(struct branches *l, size_t nr)
{
	const struct image *image = &l->docker->images.images[nr];
	const char *name = image_store_name(&l->docker->images, image->id);
	const size_t nr_containers = l->first[nr + 1] - l->first[nr];
	char words[80], short_id[32];

	if (!has_room(l))
		return;
	(void)snprintf(short_id, sizeof(short_id), "%.12s", image->id);
	(void)snprintf(words, sizeof(words), "%s%.12s%s%zu layer%s, %zu container%s",
		       name ? "" : "no name", name ? image->id : "", name ? " · " : ", ",
		       image->nr_chains, image->nr_chains == 1 ? "" : "s", nr_containers,
		       nr_containers == 1 ? "" : "s");
	begin_group(l, "image", name ? name : short_id, words, totals_of_image(l, image));
	put_layers(l, image);
	put_containers(l, nr);
	end_group(l);
}

static int by_bytes(const void *a, const void *b)
{
	const struct device_set *x = *(const struct device_set *const *)a;
	const struct device_set *y = *(const struct device_set *const *)b;

	if (x->nr_returned != y->nr_returned)
		return x->nr_returned > y->nr_returned ? -1 : 1;
	return x < y ? -1 : 1;
}

/* Those first of which most comes back. */
static int put_images(struct branches *l)
{
	const size_t nr = l->docker->images.nr_images;
	const struct device_set *sets = &l->p->v->sets->sets[l->p->v->sets->image_0];
	const struct device_set **order = alloc_array(nr + 1, sizeof(const void *));

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		order[i] = &sets[i];
	if (nr)
		qsort(order, nr, sizeof(const void *), by_bytes);
	for (size_t i = 0; i < nr; i++)
		put_image(l, (size_t)(order[i] - sets));
	alloc_free(order);
	return 0;
}

/* ---- what is no image's */

static void put_rows(struct branches *l, const struct device_set *set)
{
	char owner[OWNER_SIZE], what[32];

	for (size_t i = 0; i < set->nr_rows; i++) {
		(void)page_owner(l->p, set->rows[i], owner);
		(void)page_role(l->p, set->rows[i], what);
		put_device_line(l, what, owner, set->rows[i]);
	}
}

static const struct {
	const char *name, *words;
} kinds[NR_SET_KINDS] = {
	[SET_BASE] = { "base", "all others descend from it" },
	[SET_KEPT] = { "kept", "of no image; a container or a build needs it" },
	[SET_BUILDS] = { "builds", "snapshots of BuildKit’s" },
	[SET_LEFT] = { "left", "its container or build is gone" },
	[SET_UNUSED] = { "unused", "layers of no image" },
	[SET_REMOVING] = { "removing", "layers that Docker removes" },
	[SET_DELETING] = { "deleting", "Docker deletes them when nobody has them open" },
	[SET_IN_FLIGHT] = { "in flight", "of the open transaction" },
	[SET_ORPHANS] = { "orphans", "nobody refers to them" },
	[SET_FOREIGN] = { "foreign", "something else than Docker made them" },
	[SET_UNPROVEN] = { "unproven", "nobody who could be read refers to them" },
};

static bool stands_alone(const struct branches *l, const struct device_set *set, enum set_kind kind)
{
	return set->nr_rows == 1 && page_set_kind(l->p, set) == kind;
}

/* Those of one device each, which may be many, are put together. */
static void put_singles(struct branches *l, enum set_kind kind)
{
	const struct device_sets *s = l->p->v->sets;
	struct totals totals = { 0, 0 };
	const char *last = NULL;
	size_t nr = 0;
	char name[48];

	for (size_t i = 0; i < s->nr; i++) {
		if (!stands_alone(l, &s->sets[i], kind))
			continue;
		nr++;
		last = s->sets[i].name;
		totals.returned += s->sets[i].nr_returned;
		totals.mapped += s->sets[i].nr_largest;
	}
	if (!nr || !has_room(l))
		return;
	(void)snprintf(name, sizeof(name), "%zu devices", nr);
	begin_group(l, kinds[kind].name, nr == 1 ? last : name, kinds[kind].words, totals);
	for (size_t i = 0; i < s->nr; i++) {
		if (stands_alone(l, &s->sets[i], kind))
			put_rows(l, &s->sets[i]);
	}
	end_group(l);
}

static void put_sets(struct branches *l, enum set_kind kind)
{
	const struct device_sets *s = l->p->v->sets;

	put_singles(l, kind);
	for (size_t i = 0; i < s->nr; i++) {
		const struct device_set *set = &s->sets[i];

		if (set->nr_rows < 2 || page_set_kind(l->p, set) != kind || !has_room(l))
			continue;
		begin_group(l, kinds[kind].name, set->name, kinds[kind].words,
			    (struct totals){ set->nr_returned, set->nr_largest });
		put_rows(l, set);
		end_group(l);
	}
}

static void put_all_sets(struct branches *l, const enum set_kind *of, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		put_sets(l, of[i]);
}

static void put_homeless(struct branches *l)
{
	const size_t nr_images = l->docker->images.nr_images;

	if (l->first[nr_images + 1] == l->first[nr_images])
		return;
	begin_group(l, "", "containers", "of images that are not here", (struct totals){ 0, 0 });
	put_containers(l, nr_images);
	end_group(l);
}

static void put_tree_head(FILE *out)
{
	(void)fputs(
		"<section id=\"tree\">\n<h2>Lineage</h2>\n<p class=\"quiet\">Image, layers from "
		"the bottom, containers. <span class=\"key x\"></span> exclusive: no other "
		"device has it. <span class=\"key m\"></span> mapped: shared with what it "
		"stands on.</p>\n"
		"<div class=\"tree\">\n<div class=\"columns\" aria-hidden=\"true\"><span>"
		"exclusive</span><span>mapped</span></div>\n",
		out);
}

int put_tree(const struct page *p)
{
	static const enum set_kind first[] = { SET_LEFT, SET_UNUSED, SET_ORPHANS, SET_UNPROVEN,
					       SET_BASE };
	static const enum set_kind last[] = { SET_KEPT,     SET_BUILDS,    SET_REMOVING,
					      SET_DELETING, SET_IN_FLIGHT, SET_FOREIGN };
	struct branches l = { .p = p, .docker = p->v->devices->docker };
	int r = sort_containers(&l);

	if (!r) {
		put_tree_head(p->out);
		put_all_sets(&l, first, ARRAY_SIZE(first));
		r = put_images(&l);
		put_homeless(&l);
		put_all_sets(&l, last, ARRAY_SIZE(last));
		(void)fputs("</div>\n", p->out);
		if (l.nr_left) {
			(void)fprintf(
				p->out,
				"<div class=\"left\"><p>%zu more lines are left out here.</p>",
				l.nr_left);
			put_command(p, "tree", NULL);
			(void)fputs("</div>\n", p->out);
		}
		(void)fputs("</section>\n", p->out);
	}
	alloc_free(l.first);
	alloc_free(l.containers);
	return r;
}
