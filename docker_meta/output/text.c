/* SPDX-License-Identifier: MIT
 * text.c: for people and grep.
 */
#include <inttypes.h>
#include <string.h>

#include "docker_meta/output/human.h"
#include "docker_meta/output/output.h"

static struct human human_blocks(const struct meta_view *r, uint64_t nr)
{
	return human_bytes(nr * r->devices->pool->header.data_block_size * 512);
}

/* ---- the head */

static void print_head(const struct meta_view *r, FILE *out)
{
	const struct device_table *t = r->devices;
	const struct driver_state *d = &t->docker->driver;

	(void)fprintf(out, "docker_meta: %s\n", r->root);
	if (!t->pool) {
		(void)fprintf(out, "pool        not looked at\n");
	} else {
		const struct pool_state *p = t->pool;

		(void)fprintf(out, "pool        transaction %" PRIu64 ", %zu devices, %s",
			      p->header.transaction_id, p->nr_devices,
			      human_blocks(r, p->data_blocks_used).text);
		(void)fprintf(out, " of %s in use%s\n",
			      human_blocks(r, p->header.nr_data_blocks).text,
			      p->from_snapshot ? " (metadata snapshot)" : "");
	}
	(void)fprintf(out, "docker      ");
	if (d->has_transaction && d->transaction_usable)
		(void)fprintf(out, "transaction %" PRIu64 "%s, ", d->open_transaction_id,
			      t->pending ? " (open)" : "");
	(void)fprintf(out, "%zu devices, %zu images, %zu containers\n", d->nr_records,
		      t->docker->images.nr_images, t->docker->containers.nr_containers);
}

/* ---- findings */

void output_finding(const struct meta_view *r, const struct meta_finding *f, FILE *out)
{
	const struct device_row *first = f->nr_devices ? f->devices[0] : NULL;
	char what[300], owner[120] = "-";

	if (first)
		device_owner_name(r->devices, first, owner, sizeof(owner));
	if (f->object && !first)
		(void)snprintf(what, sizeof(what), "%s: %.64s", f->row->title, f->object);
	else if (!first)
		(void)snprintf(what, sizeof(what), "%s", f->row->title);
	else if (f->nr_devices == 1)
		(void)snprintf(what, sizeof(what), "%s: device %" PRIu64 "%s%s", f->row->title,
			       first->id, strcmp(owner, "-") ? ", " : "",
			       strcmp(owner, "-") ? owner : "");
	else
		(void)snprintf(what, sizeof(what), "%s: device %" PRIu64 " and %zu more",
			       f->row->title, first->id, f->nr_devices - 1);
	(void)fprintf(out, "\n%-8s", meta_severity_name(f->severity));
	print_wrapped(out, f->row->id, what);
	print_wrapped(out, "seen", f->evidence);
	print_wrapped(out, "docker", f->row->predicted);
	print_wrapped(out, "mend",
		      f->unproven ? "unproven: something may need it all the same; "
				    "mend nothing before that is known"
				  : f->row->remedy);
	if (f->bytes)
		print_wrapped(out, "bytes", human_bytes(f->bytes).text);
}

void output_check(const struct meta_view *r, FILE *out)
{
	const struct meta_findings *l = r->findings;

	print_head(r, out);
	for (size_t i = 0; i < l->nr; i++)
		output_finding(r, &l->items[i], out);
	(void)fprintf(out,
		      "\n%" PRIu64 " fatal, %" PRIu64 " errors, %" PRIu64 " warnings, %" PRIu64
		      " infos\n",
		      l->nr_of[META_FATAL], l->nr_of[META_ERROR], l->nr_of[META_WARNING],
		      l->nr_of[META_INFO]);
}

/* ---- devices */

static void print_role(const struct device_row *row, char *text, size_t size)
{
	if (row->role == ROLE_LAYER && row->image)
		(void)snprintf(text, size, "layer %" PRIu32 "/%" PRIu32, row->position,
			       row->nr_layers);
	else
		(void)snprintf(text, size, "%s", role_name(row->role));
}

static void print_device(const struct meta_view *r, const struct device_row *row, FILE *out)
{
	const struct pool_device *p = row->pool;
	char role[24], owner[120];

	print_role(row, role, sizeof(role));
	device_owner_name(r->devices, row, owner, sizeof(owner));
	(void)fprintf(out, "%8" PRIu64 " ", row->id);
	print_column(out, row->hash ? row->hash : "-", 12);
	print_column(out, role, 10);
	print_column(out, owner, 21);
	(void)fprintf(out, "%5s", row->record ? human_bytes(row->record->size).text : "?");
	(void)fprintf(out, " %5s", p ? human_blocks(r, p->nr_mapped).text : "-");
	(void)fprintf(out, " %5s", p ? human_blocks(r, p->nr_exclusive).text : "-");
	if (p)
		(void)fprintf(out, " %6" PRIu64 "\n", p->details.transaction_id);
	else
		(void)fprintf(out, " %6s\n", "-");
}

void output_list(const struct meta_view *r, FILE *out)
{
	(void)fprintf(out, "%8s %-12s %-10s %-21s %5s %5s %5s %6s\n", "DEVICE", "HASH", "ROLE",
		      "OWNER", "SIZE", "MAPPD", "EXCL", "TRANS");
	for (size_t i = 0; i < r->devices->nr; i++)
		print_device(r, &r->devices->rows[i], out);
}

/* ---- forecast */

void output_forecast(const struct meta_view *r, FILE *out)
{
	print_head(r, out);
	(void)fprintf(out, "\nthe next start of dockerd\n");
	for (size_t i = 0; i < r->forecast->nr; i++)
		print_wrapped(out, step_kind_name(r->forecast->steps[i].kind),
			      r->forecast->steps[i].text);
}
