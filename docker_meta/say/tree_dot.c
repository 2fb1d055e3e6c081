/* SPDX-License-Identifier: MIT
 * tree_dot.c: lineage as Graphviz draws it.
 */
#include <inttypes.h>

#include "common/base/alloc.h"
#include "docker_meta/answers/space.h"
#include "docker_meta/answers/tree.h"

/* In quotes; names of Docker's are plain ASCII, and nothing else gets through. */
static void print_quoted(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', out);
		(void)fputc(*text < ' ' || *text > '~' ? '?' : *text, out);
	}
}

static const char *style_of(const struct device_row *row)
{
	if (!row->pool)
		return "style=dotted";
	if (row->role == ROLE_ORPHAN)
		return "style=filled fillcolor=lightpink";
	if (row->role == ROLE_UNPROVEN || row->role == ROLE_IN_FLIGHT || row->role == ROLE_DELETING)
		return "style=filled fillcolor=lightgrey";
	if (row->role == ROLE_RW || row->role == ROLE_INIT)
		return "style=filled fillcolor=lightblue";
	return "style=solid";
}

static void print_node(const struct meta_view *v, const struct descent *l, uint32_t row, FILE *out)
{
	char text[200];

	tree_label(v->devices, row, text, sizeof(text));
	(void)fprintf(out, "\td%" PRIu32 " [label=\"", row);
	print_quoted(out, text);
	if (v->devices->rows[row].pool)
		(void)fprintf(out, "\\n+%s", space_human(v, l->added[row]).text);
	(void)fprintf(out, "\" %s];\n", style_of(&v->devices->rows[row]));
	if (l->parent[row] != NO_ROW)
		(void)fprintf(out, "\td%" PRIu32 " -> d%" PRIu32 "%s;\n", l->parent[row], row,
			      l->proof[row] != LINEAGE_DOCKER ? " [style=dashed]" : "");
}

/* An image hangs on its uppermost layer. */
static void print_image(const struct meta_view *v, const struct descent *l,
			const struct device_set *set, size_t number, FILE *out)
{
	const struct image *image = set->image;
	const uint32_t row =
		image->nr_chains ? tree_layer(v->devices, l, image, image->nr_chains - 1) : NO_ROW;

	(void)fprintf(out, "\ti%zu [label=\"", number);
	print_quoted(out, set->name);
	(void)fprintf(out, "\" shape=note style=filled fillcolor=lightyellow];\n");
	if (row != NO_ROW)
		(void)fprintf(out, "\td%" PRIu32 " -> i%zu [arrowhead=none];\n", row, number);
}

int tree_dot(const struct meta_view *v, FILE *out, int *status)
{
	const struct device_set **images = NULL;
	struct descent l;
	size_t nr = 0;
	int r = descent_make(v->devices, &l);

	(void)status;
	if (!r)
		r = tree_images(v, &images, &nr);
	if (!r) {
		(void)fprintf(out, "digraph docker_meta {\n\trankdir=LR;\n\tnode [shape=box];\n");
		for (size_t i = 0; i < v->devices->nr; i++)
			print_node(v, &l, l.order[i], out);
		for (size_t i = 0; i < nr; i++)
			print_image(v, &l, images[i], i, out);
		(void)fprintf(out, "}\n");
	}
	alloc_free(images);
	descent_destroy(&l);
	return r;
}
