/* SPDX-License-Identifier: MIT
 * du.c: what uses the pool, for people.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/tool/text_print.h"
#include "docker_meta/answers/du.h"
#include "docker_meta/answers/reclaim.h"
#include "docker_meta/answers/space.h"
#include "docker_meta/facts/descent.h"

struct human space_human(const struct meta_view *v, uint64_t nr_data_blocks)
{
	return human_bytes(device_table_bytes(v->devices, nr_data_blocks));
}

/* ---- totals */

struct du_totals du_totals(const struct meta_view *v)
{
	const struct pool_state *p = v->devices->pool;
	const uint64_t mapped = v->sets->totals.nr_mapped;
	struct du_totals t = { .mapped = mapped, .between = v->sets->totals.nr_between };

	t.exclusive = mapped - t.between;
	t.total = p->header.nr_data_blocks;
	t.used = p->data_blocks_used;
	/* In a snapshot, and in XML, there is no space map that belongs to the mappings. */
	t.space_map = p->reading.raw && !p->from_snapshot;
	if (t.space_map && t.used > mapped)
		t.unmapped = t.used - mapped;
	t.free = t.total > t.used ? t.total - t.used : 0;
	return t;
}

static void print_total(const struct meta_view *v, const char *name, uint64_t nr, uint64_t of,
			const char *text, FILE *out)
{
	(void)fprintf(out, "%-10s %6s", name, space_human(v, nr).text);
	(void)fprintf(out, " %5.1f%%%s%s\n", of ? 100.0 * (double)nr / (double)of : 0.0,
		      *text ? "  " : "", text);
}

static void print_totals(const struct meta_view *v, FILE *out)
{
	const struct pool_state *p = v->devices->pool;
	const struct pool_reading *m = &p->reading;
	const struct du_totals t = du_totals(v);

	(void)fprintf(out, "pool       %6s\n", space_human(v, t.total).text);
	print_total(v, "used", t.used, t.total, "data blocks that are not free", out);
	print_total(v, "  mapped", t.mapped, t.total, "by some device", out);
	if (!t.space_map)
		(void)fprintf(out, "  leaked        ?         the space map was not read\n");
	else
		print_total(v, "  leaked", t.unmapped, t.total,
			    m->held_root ? "not by a device, maybe by the metadata snapshot"
					 : "by no device",
			    out);
	print_total(v, "free", t.free, t.total, "", out);
	if (m->metadata_blocks)
		(void)fprintf(
			out,
			"metadata   %6s %5.1f%%  of %s, a tenth of which is the kernel's own\n",
			human_bytes(pool_metadata_used(m) * 4096).text,
			100.0 * (double)pool_metadata_used(m) / (double)m->metadata_blocks,
			human_bytes(m->metadata_blocks * 4096).text);
	if (p->incomplete || p->reading.torn)
		print_wrapped(out, "note",
			      p->incomplete ? "the metadata are damaged: what could not be read "
					      "counts for nothing, and what it shares with others "
					      "counts as theirs alone"
					    : "the pool was written to while it was read: the "
					      "figures are of two moments");
}

/* ---- sets */

int du_make(const struct meta_view *v, struct du *ret_du)
{
	const struct device_sets *s = v->sets;
	struct descent l;
	int r = descent_make(v->devices, &l);

	*ret_du = (struct du){ .nr = s->nr, .nr_apart = l.nr_apart };
	ret_du->sets = alloc_array(s->nr + 1, sizeof(*ret_du->sets));
	if (!r && !ret_du->sets)
		r = -ENOMEM;
	for (size_t i = 0; i < s->nr && !r; i++)
		ret_du->sets[i].set = &s->sets[i];
	for (size_t i = 0; i < v->devices->nr && !r; i++)
		ret_du->sets[s->of_row[i]].nr_added += l.added[i];
	descent_destroy(&l);
	return r;
}

void du_destroy(struct du *d)
{
	alloc_free(d->sets);
	*d = (struct du){ 0 };
}

static int most_first(const void *a, const void *b)
{
	const struct du_set *da = a, *db = b;

	if (da->nr_added != db->nr_added)
		return da->nr_added > db->nr_added ? -1 : 1;
	if (da->set->nr_exclusive != db->set->nr_exclusive)
		return da->set->nr_exclusive > db->set->nr_exclusive ? -1 : 1;
	return (da->set > db->set) - (da->set < db->set);
}

bool du_goes_alone(const struct device_set *set)
{
	return set->kind != SET_BASE && set->kind != SET_SHARED && set->kind != SET_KEPT &&
	       set->kind != SET_UNPROVEN && set->kind != SET_FOREIGN;
}

static void print_set(const struct meta_view *v, const struct du_set *d, FILE *out)
{
	const struct device_set *set = d->set;
	char name[200];

	(void)snprintf(name, sizeof(name), "%s%s", set->name,
		       set->container && set->container->running ? " (running)" : "");
	(void)fprintf(out, "%6s", space_human(v, d->nr_added).text);
	(void)fprintf(out, " %6s", space_human(v, set->nr_exclusive).text);
	(void)fprintf(out, " %6s",
		      du_goes_alone(set) ? space_human(v, set->nr_returned).text : "-");
	(void)fprintf(out, " %6s %6zu ", space_human(v, set->nr_largest).text, set->nr_rows);
	print_column(out, set_kind_name(set->kind), 9);
	(void)print_fitting(out, name, DU_NAME);
	(void)fputc('\n', out);
}

static int print_sets(const struct meta_view *v, FILE *out)
{
	struct du d;
	int r = du_make(v, &d);

	if (r) {
		du_destroy(&d);
		return r;
	}
	(void)fprintf(out, "\n%6s %6s %6s %6s %6s %-9s %s\n", "ADDED", "ALONE", "BACK", "MAPPED",
		      "DEVS", "SET", "NAME");
	if (d.nr)
		qsort(d.sets, d.nr, sizeof(*d.sets), most_first);
	for (size_t i = 0; i < d.nr; i++) {
		if (d.sets[i].set->nr_rows || !d.sets[i].set->step)
			print_set(v, &d.sets[i], out);
	}
	(void)fprintf(out, "%6s", space_human(v, d.nr_apart).text);
	(void)fprintf(out, " %6s %6s %6s %6s between   several of these\n",
		      space_human(v, v->sets->totals.nr_between).text, "-", "-", "-");
	(void)fprintf(out, "%6s", space_human(v, v->sets->totals.nr_mapped).text);
	(void)fprintf(out, " %6s %6s %6s %6s mapped    all of these\n",
		      space_human(v, v->sets->totals.nr_mapped).text, "-", "-", "-");
	du_destroy(&d);
	return 0;
}

static void print_legend(FILE *out)
{
	(void)fputs(
		"\n"
		"ADDED   came in with this set: mapped by it and what descends from it alone\n"
		"ALONE   mapped by devices of this set and by no other\n"
		"BACK    comes back when this set goes and nothing else: of an image, by its\n"
		"        layers that no other image has and no container or build stands on\n"
		"MAPPED  by that device of the set that maps most, shared with others or not\n"
		"Both ADDED and ALONE add up to what is mapped.  What is mapped by several sets\n"
		"comes back when the last of them goes: a container maps all that it has from\n"
		"its image, and an image all that it has from the one that it is built on.\n",
		out);
}

static int print_reclaim(const struct meta_view *v, FILE *out)
{
	static const char *const texts[NR_RECLAIM_KINDS][2] = {
		[RECLAIM_STOPPED] = { "docker container prune", "containers that do not run" },
		[RECLAIM_DANGLING] = { "docker image prune", "images without name and use" },
		[RECLAIM_IMAGES] = { "docker image prune -a", "images without a container" },
		[RECLAIM_BUILDS] = { "docker builder prune -a", "devices of the build cache" },
		[RECLAIM_UNUSED] = { "removing unused layers", "devices, none of them needed" },
		[RECLAIM_ORPHANS] = { "removing orphans (plan)", "orphaned devices" },
	};
	struct reclaim reclaim;
	int r = reclaim_count(v, &reclaim);

	if (r)
		return r;
	(void)fprintf(out, "\nwhat comes back, each by itself\n");
	for (size_t i = 0; i < NR_RECLAIM_KINDS; i++)
		(void)fprintf(out, "%6s  %-24s %6zu %s\n", space_human(v, reclaim.blocks[i]).text,
			      texts[i][0], reclaim.nr[i], texts[i][1]);
	return 0;
}

int du_text(const struct meta_view *v, FILE *out, int *status)
{
	int r;

	(void)status;
	(void)fprintf(out, "docker_meta: ");
	text_print(out, v->root, strlen(v->root));
	(void)fputc('\n', out);
	if (!v->sets->counted) {
		(void)fprintf(out, "pool        not looked at\n");
		return 0;
	}
	print_totals(v, out);
	r = print_sets(v, out);
	if (!r)
		r = print_reclaim(v, out);
	if (!r)
		print_legend(out);
	return r;
}
