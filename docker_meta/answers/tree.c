/* SPDX-License-Identifier: MIT
 * tree.c: images, their layers, and what descends from these, for people.
 */
#include "docker_meta/answers/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/answers/space.h"
#include "docker_meta/facts/layer_use.h"

enum { NUMBERS = 28, INDENT = 2, MAX_DEPTH = 8, TEXT = 80 - NUMBERS };

void tree_label(const struct device_table *t, uint32_t number, char *text, size_t size)
{
	const struct device_row *row = &t->rows[number];
	char owner[120];

	device_owner_name(t, row, owner, sizeof(owner));
	if (row->role == ROLE_LAYER && row->image)
		(void)snprintf(text, size, "device %" PRIu64 ", layer %" PRIu32 "/%" PRIu32,
			       row->id, row->position, row->nr_layers);
	else if (row->container || row->layer || row->mount)
		(void)snprintf(text, size, "device %" PRIu64 ", %s %s", row->id,
			       role_name(row->role), owner);
	else if (row->hash && row->role != ROLE_BASE)
		(void)snprintf(text, size, "device %" PRIu64 ", %s %.12s", row->id,
			       role_name(row->role), row->hash);
	else
		(void)snprintf(text, size, "device %" PRIu64 ", %s", row->id, role_name(row->role));
}

static int few_layers_first(const void *a, const void *b)
{
	const struct device_set *sa = *(const struct device_set *const *)a;
	const struct device_set *sb = *(const struct device_set *const *)b;

	if (sa->image->nr_chains != sb->image->nr_chains)
		return sa->image->nr_chains < sb->image->nr_chains ? -1 : 1;
	return strcmp(sa->name, sb->name);
}

int tree_images(const struct meta_view *v, const struct device_set ***ret_images, size_t *ret_nr)
{
	const size_t nr = v->devices->docker->images.nr_images;
	const struct device_set **images = alloc_array(nr + 1, sizeof(const void *));

	*ret_images = images;
	*ret_nr = 0;
	if (!images)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		const struct device_set *set = &v->sets->sets[v->sets->image_0 + i];

		if (!set->step)
			images[(*ret_nr)++] = set;
	}
	if (*ret_nr)
		qsort(images, *ret_nr, sizeof(const void *), few_layers_first);
	return 0;
}

uint32_t tree_layer(const struct device_table *t, const struct descent *l,
		    const struct image *image, size_t layer)
{
	const uint32_t n = layer_number(&t->docker->layers, image->chains[layer].hex);

	return n == NO_LAYER ? NO_ROW : l->row_of_layer[n];
}

/* ---- text */

struct printing {
	const struct meta_view *v;
	const struct device_table *t;
	struct descent l;
	const struct device_set **images; /* owned */
	size_t nr_images;
	uint8_t *of_image;    /* owned, by row: it is printed as a layer of an image */
	uint32_t *printed_by; /* owned, by row: the image and 1 */
	FILE *out;
};

static void print_line(const struct printing *p, unsigned int depth, const char *text)
{
	const size_t indent = (size_t)(depth < MAX_DEPTH ? depth : MAX_DEPTH) * INDENT;
	char deep[16] = "";

	if (depth > MAX_DEPTH)
		(void)snprintf(deep, sizeof(deep), "+%u ", depth - MAX_DEPTH);
	(void)fprintf(p->out, "%*s%s", (int)indent, "", deep);
	(void)print_fitting(p->out, text, TEXT - indent - strlen(deep));
	(void)fputc('\n', p->out);
}

static void print_head(const struct printing *p, unsigned int depth, const char *text)
{
	(void)fprintf(p->out, "%*s", NUMBERS, "");
	print_line(p, depth, text);
}

static void print_row(const struct printing *p, uint32_t row, unsigned int depth)
{
	const struct pool_device *d = p->t->rows[row].pool;
	char text[200];

	tree_label(p->t, row, text, sizeof(text));
	if (d) {
		(void)fprintf(p->out, "%6s", space_human(p->v, p->l.added[row]).text);
		(void)fprintf(p->out, " %6s", space_human(p->v, p->l.with[row]).text);
		(void)fprintf(p->out, " %6s", space_human(p->v, d->nr_exclusive).text);
		(void)fprintf(p->out, " %6s ", space_human(p->v, d->nr_mapped).text);
	} else {
		(void)fprintf(p->out, "%6s %6s %6s %6s ", "-", "-", "-", "-");
	}
	print_line(p, depth, text);
}

/* The row, and all below it that is no layer of an image. */
static void print_below(const struct printing *p, uint32_t top, unsigned int depth)
{
	const struct descent *l = &p->l;
	uint32_t at = top;

	for (;;) {
		uint32_t next = NO_ROW;

		if (at == top || !p->of_image[at]) {
			print_row(p, at, depth);
			next = l->first_child[at];
		}
		if (next != NO_ROW) {
			depth++;
			at = next;
			continue;
		}
		while (at != top && l->next[at] == NO_ROW) {
			at = l->parent[at];
			depth--;
		}
		if (at == top)
			return;
		at = l->next[at];
	}
}

static void print_layer(struct printing *p, size_t number, size_t layer)
{
	const struct image *image = p->images[number]->image;
	const uint32_t row = tree_layer(p->t, &p->l, image, layer);
	char text[80];

	if (row != NO_ROW) {
		p->printed_by[row] = (uint32_t)number + 1;
		print_below(p, row, 1);
		return;
	}
	(void)snprintf(text, sizeof(text), "layer %zu/%zu: its device is not known", layer + 1,
		       image->nr_chains);
	print_head(p, 1, text);
}

/* Layers that stand above already are told in one line. */
static void print_image(struct printing *p, size_t number)
{
	const struct image *image = p->images[number]->image;
	uint32_t printed_by = 0;
	size_t layer = 0;
	char text[300];

	(void)snprintf(text, sizeof(text), "image %s", p->images[number]->name);
	print_head(p, 0, text);
	for (; layer < image->nr_chains; layer++) {
		const uint32_t row = tree_layer(p->t, &p->l, image, layer);

		if (row == NO_ROW || !p->printed_by[row])
			break;
		printed_by = p->printed_by[row];
	}
	if (layer) {
		(void)snprintf(text, sizeof(text), "layer%s%zu of %zu: see %s",
			       layer > 1 ? "s 1-" : " ", layer, image->nr_chains,
			       p->images[printed_by - 1]->name);
		print_head(p, 1, text);
	}
	for (; layer < image->nr_chains; layer++)
		print_layer(p, number, layer);
}

static void mark_layers(struct printing *p)
{
	for (size_t i = 0; i < p->nr_images; i++) {
		const struct image *image = p->images[i]->image;

		for (size_t k = 0; k < image->nr_chains; k++) {
			const uint32_t row = tree_layer(p->t, &p->l, image, k);

			if (row != NO_ROW)
				p->of_image[row] = 1;
		}
	}
}

/* Roots: the base device, and then those that descend from nobody we know. */
static void print_roots(const struct printing *p, bool base)
{
	bool head = base;

	for (uint32_t i = 0; i < p->t->nr; i++) {
		if (p->l.parent[i] != NO_ROW || p->of_image[i] ||
		    (p->t->rows[i].role == ROLE_BASE) != base)
			continue;
		if (!head)
			print_head(p, 0, "of unknown origin");
		head = true;
		print_below(p, i, !base);
	}
}

static void print_all(struct printing *p)
{
	(void)fprintf(p->out, "%6s %6s %6s %6s\n", "ADDED", "WITH", "ALONE", "MAPPED");
	print_roots(p, true);
	for (size_t i = 0; i < p->nr_images; i++)
		print_image(p, i);
	print_roots(p, false);
	if (p->l.nr_apart)
		(void)fprintf(p->out, "%6s shared by devices that have no ancestor in common\n",
			      space_human(p->v, p->l.nr_apart).text);
	(void)fputs(
		"\n"
		"ADDED   came in with this device: it is mapped by this one or its descendants\n"
		"        alone; these figures add up to what is mapped\n"
		"WITH    the same of this device and all that descend from it: comes back when\n"
		"        all of them go, those of unknown origin with the base device\n"
		"ALONE   mapped by this device and by no other\n"
		"MAPPED  by this device, shared with others or not\n",
		p->out);
}

int tree_text(const struct meta_view *v, FILE *out, int *status)
{
	struct printing p = { .v = v, .t = v->devices, .out = out };
	int r = descent_make(v->devices, &p.l);

	(void)status;
	p.of_image = alloc_array(p.t->nr + 1, 1);
	p.printed_by = alloc_array(p.t->nr + 1, sizeof(*p.printed_by));
	if (!r && (!p.of_image || !p.printed_by))
		r = -ENOMEM;
	if (!r)
		r = tree_images(v, &p.images, &p.nr_images);
	if (!r) {
		mark_layers(&p);
		print_all(&p);
	}
	descent_destroy(&p.l);
	alloc_free(p.images);
	alloc_free(p.of_image);
	alloc_free(p.printed_by);
	return r;
}
