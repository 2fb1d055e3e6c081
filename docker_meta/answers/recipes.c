/* SPDX-License-Identifier: MIT
 * recipes.c: which recipe is for which row, and those of devices and of what Docker itself mends.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/answers/plan_internal.h"

mend_recipe mend_recipe_of(const struct meta_row *row)
{
	static const mend_recipe recipes[NR_ROWS] = {
#define ROW(id, severity, subject, traits, recipe, title, predicted, remedy) \
	[ROW_##id] = recipe_##recipe,
#include "docker_meta/catalogue/rows.def"
#undef ROW
	};

	return recipes[meta_row_number(row)];
}

void recipe_by_hand(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_HAND, f);
	mend_remark(p->s, "%s.", f->row->remedy);
}

void recipe_nothing(struct planning *p, const struct meta_finding *f)
{
	(void)p;
	(void)f;
}

/* ---- devices that nobody needs */

void recipe_delete(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_DELETE, f);
	for (size_t i = 0; i < f->nr_devices; i++)
		(void)deletion_add(&p->deletion, p->s, f->devices[i], NULL, NULL);
}

/* A container's own layer before the one below it, then the directory that names both. */
void recipe_delete_mount(struct planning *p, const struct meta_finding *f)
{
	const struct mount *m = f->subject.mount;
	const char *const hashes[] = { m ? m->mount_id : NULL, m ? m->init_id : NULL };
	const struct device_row *rows[ARRAY_SIZE(hashes)];
	const char *why = m ? NULL : "it is not there any more";
	size_t nr = 0;

	plan_step(p, PHASE_DELETE, f);
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		const struct device_row *row =
			hashes[i] ? device_table_find(p->t, hashes[i]) : NULL;

		if (hashes[i] && !row && !why)
			why = "the file of one of its devices is missing";
		if (row && !why)
			why = deletion_forbidden(&p->deletion, row, NULL, m);
		if (row)
			rows[nr++] = row;
	}
	if (why || !nr) {
		mend_remark(p->s, "All of it stays: %s.", why ? why : "it names no device");
		return;
	}
	for (size_t i = 0; i < nr; i++)
		(void)deletion_add(&p->deletion, p->s, rows[i], NULL, m);
	mend_command(p->s, "move_out image/devicemapper/layerdb/mounts/%s", m->name);
}

struct unreached {
	const struct meta_finding *finding;
	const struct layer *layer;
	const struct device_row *row; /* NULL: its file is missing */
};

/* What is made upon another comes later. */
static int latest_first(const void *a, const void *b)
{
	const struct unreached *ua = a, *ub = b;
	uint64_t ta = ua->row ? ua->row->record->transaction_id : UINT64_MAX;
	uint64_t tb = ub->row ? ub->row->record->transaction_id : UINT64_MAX;

	if (ta != tb)
		return ta > tb ? -1 : 1;
	return strcmp(ua->layer->directory, ub->layer->directory);
}

static void plan_unreached(struct planning *p, const struct unreached *u, uint8_t *kept)
{
	const struct layer_store *s = &p->t->docker->layers;
	const struct layer *below =
		*u->layer->parent ? layer_store_find(s, u->layer->parent) : NULL;
	bool gone = false;

	plan_step(p, PHASE_DELETE, u->finding);
	if (kept[u->layer - s->layers])
		mend_remark(p->s, "It stays: a layer upon it stays.");
	else if (!u->row)
		mend_remark(p->s, "It stays: its device's file is missing.");
	else
		gone = deletion_add(&p->deletion, p->s, u->row, u->layer, NULL);
	if (gone)
		mend_command(p->s, "move_out image/devicemapper/layerdb/sha256/%s",
			     u->layer->directory);
	else if (below)
		kept[below - s->layers] = 1;
}

int plan_unreached_layers(struct planning *p)
{
	const struct layer_store *s = &p->t->docker->layers;
	const struct meta_findings *l = p->v->findings;
	struct unreached *items = alloc_array(l->nr + 1, sizeof(*items));
	uint8_t *kept = alloc_array(s->nr_layers + 1, 1);
	size_t nr = 0;
	int r = items && kept ? 0 : -ENOMEM;

	for (size_t i = 0; i < l->nr && !r; i++) {
		const struct meta_finding *f = &l->items[i];
		const struct layer *layer = f->subject.layer;

		if (f->row == meta_row(ROW_L11) && !f->unproven && layer)
			items[nr++] = (struct unreached){
				f, layer,
				layer->cache_id ? device_table_find(p->t, layer->cache_id) : NULL
			};
	}
	if (nr)
		qsort(items, nr, sizeof(*items), latest_first);
	for (size_t i = 0; i < nr; i++)
		plan_unreached(p, &items[i], kept);
	alloc_free(items);
	alloc_free(kept);
	return r;
}

/* ---- devices to be looked at */

void recipe_look(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_FILES, f);
	for (size_t i = 0; i < f->nr_devices; i++) {
		const struct device_row *row = f->devices[i];

		if (!row->pool || !row->record)
			continue;
		mend_command(p->s, "pool_ready && look %" PRIu64 " %" PRIu64, row->id,
			     row->record->size / 512);
		mend_command(p->s, "look_no_more %" PRIu64, row->id);
		p->s->items[p->s->nr - 1].messages = true;
	}
	mend_remark(p->s, "%s.", f->row->remedy);
}

/* ---- what Docker mends */

static void pull(struct planning *p, const struct image *image)
{
	const char *name = image_store_name(&p->t->docker->images, image->id);

	mend_command(p->s, "docker rmi -f -- %s", image->id);
	if (name)
		mend_command(p->s, "docker pull -- %s", name);
	mend_remark(p->s, name ? "An image that was built here is to be built anew."
			       : "The image has no name: pull or build anew what it was.");
}

static const struct image *image_with(const struct planning *p, const char *chain)
{
	size_t low = 0, high = p->nr_places;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(p->places[middle].chain, chain) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->nr_places && !strcmp(p->places[low].chain, chain) ? p->places[low].image
									  : NULL;
}

void recipe_pull_layer(struct planning *p, const struct meta_finding *f)
{
	const struct layer *l = f->subject.layer;
	const struct image *image = f->subject.id ? image_with(p, f->subject.id) : NULL;

	if (f->row == meta_row(ROW_L1) && l && lonely_pair_has(&p->pair, l->cache_id)) {
		recipe_missing_file(p, f);
		return;
	}
	plan_step(p, PHASE_DOCKER, f);
	if (image)
		pull(p, image);
	else
		mend_remark(p->s, "No image is known that has this layer: pull what it was of.");
}

void recipe_pull_image(struct planning *p, const struct meta_finding *f)
{
	const bool is_image = f->subject.kind == SUBJECT_IMAGE;
	const char *name = is_image ? image_store_name(&p->t->docker->images, f->subject.id) : NULL;

	plan_step(p, PHASE_DOCKER, f);
	if (name)
		mend_command(p->s, "docker pull -- %s", name);
	mend_remark(p->s, "%s.", f->row->remedy);
}

/* Both kinds of owner of a device. */
static void redo_owner(struct planning *p, const struct device_row *row)
{
	if (row->image)
		pull(p, row->image);
	else if (row->container && row->role == ROLE_RW)
		mend_command(p->s, "docker rm -- %s", row->container->id);
	else if (row->role == ROLE_BUILD)
		mend_command(p->s, "docker builder prune -a");
	else
		mend_remark(p->s, "Nobody whom Docker could be asked to remove has it.");
}

void recipe_redo_owner(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_DOCKER, f);
	for (size_t i = 0; i < f->nr_devices; i++)
		redo_owner(p, f->devices[i]);
}

/* No file has it, and it was made in the transaction that this file tells; NULL: there is none. */
static const struct device_row *device_of_transaction(const struct device_table *t, uint64_t id)
{
	for (size_t i = 0; i < t->nr; i++) {
		if (t->rows[i].may_be_misnamed && t->rows[i].pool->details.transaction_id + 1 == id)
			return &t->rows[i];
	}
	return NULL;
}

void recipe_phantom(struct planning *p, const struct meta_finding *f)
{
	const struct device_row *row = f->nr_devices ? f->devices[0] : NULL, *real;

	if (!row || !row->record || row->pool || row->role == ROLE_BASE || p->deletion.closed) {
		plan_step(p, PHASE_HAND, f);
		mend_remark(p->s, row && row->role == ROLE_BASE
					  ? "Without the base device Docker makes a second one.  "
					    "Look for metadata that has it: older copies, "
					    "thin_repair --candidates."
					  : "First see to what is said of the pool as a whole.");
		return;
	}
	real = device_of_transaction(p->t, row->record->transaction_id);
	if (real) {
		plan_step(p, PHASE_HAND, f);
		mend_remark(
			p->s,
			"Device %" PRIu64 ", which no file has, was made in the transaction of "
			"this file: its device_id may be wrong.  Correct that by hand, and make "
			"the plan anew.",
			real->id);
		return;
	}
	plan_step(p, PHASE_FILES, f);
	mend_remark(p->s, "Only if no other metadata has the device: older copies of it, "
			  "thin_repair --candidates.  The file tells its size and id.");
	mend_command(p->s,
		     "pool_lacks %" PRIu64 " && same_file " DEVICE_FILE "%s %" PRIu64 " %" PRIu64
		     " && move_out " DEVICE_FILE "%s",
		     row->id, row->hash, row->id, row->record->transaction_id, row->hash);
	if (!row->referenced)
		return;
	plan_step(p, PHASE_DOCKER, f);
	redo_owner(p, row);
}

/* NULL: it is of none. */
static const struct container *container_of(const struct planning *p, const struct meta_finding *f)
{
	return f->subject.id ? container_store_find(&p->t->docker->containers, f->subject.id)
			     : NULL;
}

static bool any_without_file(const struct device_table *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		if (!t->rows[i].record && t->rows[i].role != ROLE_IN_FLIGHT)
			return true;
	}
	return false;
}

void recipe_remove_container(struct planning *p, const struct meta_finding *f)
{
	const struct container *found = container_of(p, f);
	const struct mount *m = f->subject.kind == SUBJECT_MOUNT ? f->subject.mount : NULL;

	if (f->row == meta_row(ROW_C3) && m && lonely_pair_has(&p->pair, m->mount_id)) {
		recipe_missing_file(p, f);
		return;
	}
	plan_step(p, PHASE_DOCKER, f);
	if (found && f->row == meta_row(ROW_C3) && any_without_file(p->t))
		mend_remark(p->s,
			    "Its data may be in one of the devices that have no file (X1): look "
			    "into those first.  docker rm gives it up.");
	else if (found)
		mend_command(p->s, "docker rm -- %s", found->id);
	else
		mend_remark(p->s, "%s.", f->row->remedy);
}

void recipe_ghost(struct planning *p, const struct meta_finding *f)
{
	const struct container *found = container_of(p, f);

	plan_step(p, PHASE_FILES, f);
	mend_remark(p->s, "Its logs and its configuration are in the directory: they are kept.  A "
			  "device that was this container's may still be in the pool: look at what "
			  "is unproven before.");
	if (found && !layer_store_find_mount(&p->t->docker->layers, found->id))
		mend_command(p->s, "move_out containers/%s", found->id);
	else
		mend_remark(p->s, "%s.", f->row->remedy);
}

void recipe_untag(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_DOCKER, f);
	if (f->subject.name)
		mend_command(p->s, "docker rmi -- %s", f->subject.name);
}

void recipe_names(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_FILES, f);
	mend_remark(p->s,
		    "Restore it, if there is a copy.  Else, without the file Docker starts, and "
		    "its images have no names: docker tag ID NAME gives them new ones.");
	mend_command(p->s, "move_out image/devicemapper/repositories.json");
}

void recipe_restart(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_DOCKER, f);
	mend_remark(p->s, "Docker goes on with it when it is stopped the next time.");
	mend_command(p->s, "systemctl restart docker");
}

void recipe_prune_images(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_DOCKER, f);
	mend_command(p->s, "docker image prune");
}

void recipe_prune_builds(struct planning *p, const struct meta_finding *f)
{
	plan_step(p, PHASE_DOCKER, f);
	mend_command(p->s, "docker builder prune -a");
}
