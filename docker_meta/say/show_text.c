/* SPDX-License-Identifier: MIT
 * show_text.c: all that is known of it, for people.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "common/tool/text_print.h"
#include "common/tool/tool.h"
#include "docker_meta/answers/refs.h"
#include "docker_meta/answers/show.h"
#include "docker_meta/text/human.h"

enum { TEXT = 700 };

static struct human human_blocks(const struct show *s, uint64_t nr)
{
	return human_bytes(nr * device_table_bytes(s->t, 1));
}

/* Any number of lines, of which only the first has the label. */
struct lines {
	const char *label;
	FILE *out;
};

static printf_like(2, 3) void print_line(struct lines *l, const char *format, ...)
{
	char text[TEXT];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_wrapped(l->out, l->label, text);
	l->label = "";
}

/* ---- a device */

static void print_sizes(const struct show *s, const struct device_row *row, FILE *out)
{
	const struct pool_device *p = row->pool;
	struct lines size = { "size", out }, mapped = { "mapped", out };

	if (row->record)
		print_line(&size, "%s, %" PRIu64 " bytes", human_bytes(row->record->size).text,
			   row->record->size);
	else
		print_line(&size, "not known: it has no file");
	if (p && p->complete)
		print_line(&mapped,
			   "%s, %" PRIu64 " blocks of %s, below thin block %" PRIu64
			   "; %s, %" PRIu64 " blocks, that no other device maps%s",
			   human_blocks(s, p->nr_mapped).text, p->nr_mapped,
			   human_bytes(device_table_bytes(s->t, 1)).text, p->nr_thin_blocks,
			   human_blocks(s, p->nr_exclusive).text, p->nr_exclusive,
			   s->t->pool->incomplete ? " (that is known of)" : "");
	else if (p)
		print_line(&mapped, "%" PRIu64 " blocks by its details; damage hides which",
			   p->details.mapped_blocks);
}

static void print_witnesses(const struct device_table *t, const struct device_row *row, FILE *out)
{
	const struct device_record *d = row->record;
	struct lines file = { "file", out }, pool = { "pool", out };

	if (d)
		print_line(&file, "device %" PRId64 ", transaction %" PRIu64 "%s%s", d->device_id,
			   d->transaction_id, d->initialized ? ", initialized" : "",
			   d->deleted ? ", deleted: its removal was put off" : "");
	else
		print_line(&file, "none: Docker does not know it");
	if (row->pool)
		print_line(&pool,
			   "transaction %" PRIu64 ", made at time %" PRIu32
			   ", snapshotted last at %" PRIu32,
			   row->pool->details.transaction_id, row->pool->details.creation_time,
			   row->pool->details.snapshotted_time);
	else
		print_line(&pool, t->pool ? "it has no such device" : "it was not read");
}

/* What the times say of its life. */
static void print_history(const struct show *s, const struct device_row *row, FILE *out)
{
	const struct pool_device *p = row->pool;
	struct lines l = { "history", out };
	struct origin o;

	if (!p)
		return;
	o = origin_find(s->t->pool, p);
	if (o.certain)
		print_line(&l,
			   "made in transaction %" PRIu64 " as a snapshot of device %" PRIu64
			   ": no other was snapshotted at time %" PRIu32,
			   p->details.transaction_id, o.certain->id, p->details.creation_time);
	else if (o.is_snapshot && o.possible)
		print_line(&l,
			   "made in transaction %" PRIu64 " as a snapshot at time %" PRIu32
			   ", of one of %" PRIu64 " devices that were there and were "
			   "snapshotted later, too; the youngest of them is %" PRIu64,
			   p->details.transaction_id, p->details.creation_time, o.nr_possible,
			   o.possible->id);
	else
		print_line(&l, "made in transaction %" PRIu64 ", at time %" PRIu32,
			   p->details.transaction_id, p->details.creation_time);
	if (p->details.snapshotted_time > p->details.creation_time)
		print_line(&l, "snapshotted last at time %" PRIu32, p->details.snapshotted_time);
	else
		print_line(&l, "never snapshotted since");
	if (p->complete && p->nr_mapped)
		print_line(&l, "newest mapping of time %" PRIu32 ", %s; the pool is at %" PRIu32,
			   p->newest_time,
			   p->newest_time < p->details.creation_time ? "all inherited"
								     : "written since it was made",
			   s->t->pool->header.time);
}

static void print_device_facts(const struct show *s, const struct device_row *row, FILE *out)
{
	print_wrapped(out, "state", device_state_name(s->t, row));
	print_sizes(s, row, out);
	print_witnesses(s->t, row, out);
	print_history(s, row, out);
}

/* ---- who refers to it */

static void print_images_with(const struct show *s, const struct layer *layer, struct lines *l)
{
	const struct image_store *store = &s->t->docker->images;

	for (size_t i = 0; i < store->nr_images; i++) {
		const struct image *image = &store->images[i];
		const size_t position = show_position(image, layer);
		const char *name = position ? image_store_name(store, image->id) : NULL;

		if (position)
			print_line(l, "layer %zu of %zu of image %s%s%.12s%s", position,
				   image->nr_chains, name ? name : "", name ? " (" : "", image->id,
				   name ? ")" : "");
	}
}

static void print_references(const struct show *s, const struct device_row *row, FILE *out)
{
	const struct driver_state *d = &s->t->docker->driver;
	const struct snapshot_record *snapshot = show_snapshot(s, row);
	struct lines l = { "for", out };

	if (row->role == ROLE_BASE)
		print_line(&l, "all devices that Docker makes: they descend from it");
	if (row->layer) {
		print_line(&l, "cache-id of layer %s", row->layer->directory);
		print_images_with(s, row->layer, &l);
	}
	if (row->mount)
		print_line(&l, "layerdb/mounts/%.12s: %s", row->mount->name,
			   row->role == ROLE_INIT ? "init-id" : "mount-id");
	if (row->container)
		print_line(&l, "container %s (%.12s), %s", row->container->name, row->container->id,
			   show_container_state(row->container));
	else if (row->mount)
		print_line(&l, "no container: a build's, or left behind");
	if (snapshot)
		print_line(&l, "BuildKit's snapshot %s", snapshot->key);
	if (row->in_flight)
		print_line(&l, "the open transaction %" PRIu64 ", which the next start takes back",
			   d->open_transaction_id);
	if (*l.label && !row->referenced)
		print_line(&l, "%s",
			   s->t->complete ? "nothing refers to it"
					  : "nothing that could be read refers to it, and not all "
					    "could");
}

static void print_lineage(const struct show *s, FILE *out)
{
	const struct lineage *l = &s->lineage;

	(void)fprintf(out, "  lineage %8s %6s %6s\n", "DEVICE", "MADE", "SNAP");
	for (size_t i = l->nr; i-- > 0;)
		print_lineage_line(s->t, l->devices[i], i ? "" : "this one", out);
	if (l->missing) {
		char text[TEXT];

		(void)snprintf(text, sizeof(text),
			       "what comes before should be %.70s, which has no file", l->missing);
		print_wrapped(out, "", text);
	}
	if (l->circle)
		print_wrapped(out, "", "the parents lead back to where they began");
	else if (l->nr_by_times)
		print_wrapped(out, "",
			      "in part by the pool's times: Docker does not know what it "
			      "was made from");
	else if (!lineage_fits_times(l))
		print_wrapped(out, "", "that is Docker's word: the times of the pool do not agree");
	for (size_t i = 0; i < s->children.nr; i++) {
		if (!i)
			(void)fprintf(out, "  %-7s %8s %6s %6s\n", "below", "DEVICE", "MADE",
				      "SNAP");
		print_lineage_line(s->t, s->children.devices[i], "", out);
	}
}

/* ---- findings, and how to look inside */

static void print_findings(const struct show *s, FILE *out)
{
	struct lines l = { "found", out };

	for (size_t i = 0; i < s->about.nr; i++) {
		const struct meta_finding *f = s->about.findings[i];

		print_line(&l, "%s %s: %s", meta_severity_name(f->severity), f->row->id,
			   f->row->title);
		print_line(&l, "%.500s", f->evidence.line);
	}
	if (!s->about.nr)
		print_line(&l, "none");
}

/* A long command goes on in the next line. */
static void print_command(const char *text, FILE *out)
{
	const char *option = strlen(text) > 70 ? strstr(text, " --table ") : NULL;

	(void)fputs("    ", out);
	if (option) {
		text_print(out, text, (size_t)(option - text));
		(void)fputs(" \\\n       ", out);
		text = option;
	}
	text_print(out, text, strlen(text));
	(void)fputc('\n', out);
}

static void print_rescue(const struct show *s, FILE *out)
{
	const struct rescue *r = &s->rescue;

	if (!s->row)
		return;
	if (r->refused) {
		print_wrapped(out, "look", r->refused);
		return;
	}
	(void)fprintf(out, "\nto look inside (nothing of this was run):\n");
	for (size_t i = 0; i < r->nr; i++) {
		if (r->lines[i].is_command)
			print_command(r->lines[i].text, out);
		else
			print_wrapped(out, "#", r->lines[i].text);
	}
}

static void print_no_device(const struct show *s, FILE *out)
{
	char text[TEXT];

	if (s->hash)
		(void)snprintf(text, sizeof(text),
			       "missing: it should be %.70s, of which devicemapper/metadata has "
			       "nothing",
			       s->hash);
	else
		(void)snprintf(text, sizeof(text), "nothing tells which it is");
	print_wrapped(out, "device", text);
}

/* ---- each kind */

static void print_image_names(const struct show *s, FILE *out)
{
	const struct image_store *store = &s->t->docker->images;
	struct lines names = { "names", out };

	for (size_t i = 0; i < store->nr_tags; i++) {
		if (!strcmp(store->tags[i].id, s->image->id))
			print_line(&names, "%.300s", store->tags[i].name);
	}
	if (*names.label)
		print_line(&names, "none");
}

static void print_layer_line(const struct show *s, size_t i, FILE *out)
{
	const char *chain = s->image->chains[i].hex;
	const struct layer *l = layer_store_find(&s->t->docker->layers, chain);
	const struct device_row *row =
		l && l->cache_id ? device_table_find(s->t, l->cache_id) : NULL;

	(void)fprintf(out, "%13zu %12.12s", i + 1, chain);
	if (!l) {
		(void)fprintf(out, "  missing: layerdb has not got it\n");
		return;
	}
	(void)fprintf(out, " %7s", human_bytes(l->size).text);
	if (!row) {
		(void)fprintf(out, "  its device is missing\n");
		return;
	}
	(void)fprintf(out, " %8" PRIu64, row->id);
	if (row->pool)
		(void)fprintf(out, " %7s %7s  ", human_blocks(s, row->pool->nr_mapped).text,
			      human_blocks(s, row->pool->nr_exclusive).text);
	else
		(void)fprintf(out, " %7s %7s  ", "-", "-");
	(void)fprintf(out, "%.12s\n", l->cache_id);
}

static void print_image(const struct show *s, FILE *out)
{
	const struct container_store *containers = &s->t->docker->containers;
	struct lines id = { "id", out }, parent = { "from", out }, used = { "used by", out };
	struct lines bytes = { "bytes", out };

	print_line(&id, "%s%s", s->image->id, s->image->whole ? "" : " (its file is broken)");
	print_image_names(s, out);
	if (*s->image->parent)
		print_line(&parent, "image %.12s", s->image->parent);
	(void)fprintf(out, "  layers %4s %12s %7s %8s %7s %7s  %s\n", "", "CHAIN", "FILES",
		      "DEVICE", "MAPPED", "EXCL", "HASH");
	for (size_t i = 0; i < s->image->nr_chains; i++)
		print_layer_line(s, i, out);
	if (s->t->pool)
		print_line(&bytes, "%s, %" PRIu64 " blocks, that its layers alone map",
			   human_blocks(s, s->set_blocks).text, s->set_blocks);
	for (size_t i = 0; i < containers->nr_containers; i++) {
		const struct container *c = &containers->containers[i];

		if (!strcmp(c->image, s->image->id))
			print_line(&used, "container %.200s (%.12s), %s", c->name, c->id,
				   show_container_state(c));
	}
	if (*used.label)
		print_line(&used, "no container");
	if (!s->row)
		print_no_device(s, out);
}

static void print_container_head(const struct show *s, FILE *out)
{
	const struct container *c = s->container;
	const char *name = s->image ? image_store_name(&s->t->docker->images, c->image) : NULL;
	struct lines id = { "id", out }, image = { "image", out };

	print_line(&id, "%s%s", c->id, c->whole ? "" : " (its file is broken)");
	print_wrapped(out, "state", show_container_state(c));
	print_line(&image, "%s%s%.12s%s%s%s%s", name ? name : "", name ? " (" : "",
		   *c->image ? c->image : "not told", name ? ")" : "",
		   c->image_name ? ", asked for as " : "", c->image_name ? c->image_name : "",
		   *c->image && !s->image ? ", which is not there" : "");
}

/* What its own device is made from, and itself. */
static void print_writable(const struct show *s, FILE *out)
{
	const struct device_row *init =
		s->mount && s->mount->init_id ? device_table_find(s->t, s->mount->init_id) : NULL;
	struct lines l = { "init", out }, device = { "device", out };

	if (init)
		print_line(&l, "device %" PRIu64 ", %.70s", init->id, init->hash);
	else if (s->mount && s->mount->init_id)
		print_line(&l, "missing: it should be %.70s", s->mount->init_id);
	if (!s->row) {
		print_no_device(s, out);
		return;
	}
	print_line(&device, "%" PRIu64 ", %.70s", s->row->id, s->row->hash);
	print_wrapped(out, "", device_state_name(s->t, s->row));
	print_sizes(s, s->row, out);
	print_history(s, s->row, out);
}

static void print_layer(const struct show *s, FILE *out)
{
	const struct layer *l = s->layer;
	struct lines chain = { "chain", out }, diff = { "diff", out }, parent = { "parent", out };
	struct lines size = { "files", out }, images = { "for", out }, device = { "device", out };

	print_line(&chain, "%s%s", l->chain, l->removing ? ", being removed" : "");
	print_line(&diff, "%s", *l->diff ? l->diff : "not to be read");
	print_line(&parent, "%s", *l->parent ? l->parent : l->whole ? "none" : "not known");
	print_line(&size, "%s, %" PRIu64 " bytes", human_bytes(l->size).text, l->size);
	print_images_with(s, l, &images);
	if (*images.label)
		print_line(&images, "no image");
	if (!s->row) {
		print_no_device(s, out);
		return;
	}
	print_line(&device, "%" PRIu64 ", %.70s", s->row->id, s->row->hash);
	print_device_facts(s, s->row, out);
}

static void print_device(const struct show *s, FILE *out)
{
	print_wrapped(out, "hash", s->row->hash ? s->row->hash : "not known");
	print_wrapped(out, "role", role_name(s->row->role));
	print_device_facts(s, s->row, out);
	print_references(s, s->row, out);
}

static void print_subject(const struct show *s, FILE *out)
{
	struct lines name = { "name", out };

	switch ((int)s->subject.kind) {
	case SUBJECT_DEVICE:
		print_device(s, out);
		break;
	case SUBJECT_IMAGE:
		print_image(s, out);
		break;
	case SUBJECT_CONTAINER:
		print_container_head(s, out);
		print_writable(s, out);
		break;
	case SUBJECT_LAYER:
		print_layer(s, out);
		break;
	case SUBJECT_MOUNT:
	default:
		print_line(&name, "layerdb/mounts/%.100s", s->mount->name);
		print_writable(s, out);
		break;
	}
}

int show_text(const struct meta_view *v, FILE *out, int *status)
{
	struct show s;
	int said = show_make(v, &s);
	char text[300];

	if (said != STATUS_NONE) {
		*status = said;
	} else {
		subject_describe(s.t, &s.subject, text, sizeof(text));
		text_print(out, text, strlen(text));
		(void)fputc('\n', out);
		print_subject(&s, out);
		if (s.row && s.subject.kind != SUBJECT_IMAGE)
			print_lineage(&s, out);
		print_findings(&s, out);
		print_rescue(&s, out);
		*status = about_status(&s.about, s.t);
	}
	show_destroy(&s);
	return 0;
}
