/* SPDX-License-Identifier: MIT */
#include "docker_meta/facts/devices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/config/lvm.h"

const char *role_name(enum device_role role)
{
	static const char *const names[] = {
		[ROLE_BASE] = "base",           [ROLE_LAYER] = "layer",
		[ROLE_INIT] = "init",           [ROLE_RW] = "rw",
		[ROLE_BUILD] = "build",         [ROLE_DELETING] = "deleting",
		[ROLE_IN_FLIGHT] = "in flight", [ROLE_ORPHAN] = "orphan",
		[ROLE_PHANTOM] = "phantom",     [ROLE_FOREIGN] = "foreign",
		[ROLE_UNPROVEN] = "unproven",
	};

	return names[role];
}

/* ---- the rows */

static int add_row(struct device_table *t, const struct device_row *row)
{
	struct device_row *grown = alloc_grow(t->rows, &t->capacity, t->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	t->rows = grown;
	grown[t->nr++] = *row;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct device_row *ra = a, *rb = b;

	if (ra->id != rb->id)
		return ra->id < rb->id ? -1 : 1;
	if (!ra->hash || !rb->hash)
		return (ra->hash != NULL) - (rb->hash != NULL);
	return strcmp(ra->hash, rb->hash);
}

static int add_records(struct device_table *t)
{
	const struct driver_state *s = &t->docker->driver;
	int r = 0;

	for (size_t i = 0; i < s->nr_records && !r; i++) {
		const struct device_record *d = &s->records[i];
		struct device_row row = { .hash = d->hash };

		if (!d->usable)
			continue;
		row.record = d;
		row.id = (uint64_t)d->device_id;
		row.pool = t->pool ? pool_state_find(t->pool, row.id) : NULL;
		r = add_row(t, &row);
	}
	if (t->nr)
		qsort(t->rows, t->nr, sizeof(*t->rows), by_id);
	return r;
}

static size_t first_with_id(const struct device_table *t, size_t nr, uint64_t id)
{
	size_t low = 0, high = nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->rows[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_id(const struct device_table *t, size_t nr, uint64_t id)
{
	size_t at = first_with_id(t, nr, id);

	return at < nr && t->rows[at].id == id;
}

/* Those that only the pool knows. */
static int add_unregistered(struct device_table *t)
{
	const size_t nr_registered = t->nr;
	int r = 0;

	for (size_t i = 0; t->pool && i < t->pool->nr_devices && !r; i++) {
		const struct pool_device *d = &t->pool->devices[i];
		struct device_row row = { .id = d->id, .pool = d };

		if (!has_id(t, nr_registered, d->id))
			r = add_row(t, &row);
	}
	if (t->nr)
		qsort(t->rows, t->nr, sizeof(*t->rows), by_id);
	return r;
}

static int rows_by_hash(const void *a, const void *b)
{
	return strcmp((*(const struct device_row *const *)a)->hash,
		      (*(const struct device_row *const *)b)->hash);
}

static int index_hashes(struct device_table *t)
{
	t->by_hash = alloc_array(t->nr + 1, sizeof(const void *));
	if (!t->by_hash)
		return -ENOMEM;
	for (size_t i = 0; i < t->nr; i++) {
		if (t->rows[i].hash)
			t->by_hash[t->nr_by_hash++] = &t->rows[i];
	}
	qsort(t->by_hash, t->nr_by_hash, sizeof(const void *), rows_by_hash);
	return 0;
}

/* ---- who refers to a hash */

struct reference {
	const char *hash;
	const struct layer *layer;
	const struct mount *mount;
	bool init, lower;
};

struct references {
	struct reference *items; /* owned, by hash */
	size_t nr, capacity;
};

static int refer(struct references *refs, const struct reference *ref)
{
	struct reference *grown;

	if (!ref->hash)
		return 0;
	grown = alloc_grow(refs->items, &refs->capacity, refs->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	refs->items = grown;
	grown[refs->nr++] = *ref;
	return 0;
}

static bool is_going(const struct reference *ref)
{
	return ref->layer && ref->layer->removing;
}

static int by_hash(const void *a, const void *b)
{
	return strcmp(((const struct reference *)a)->hash, ((const struct reference *)b)->hash);
}

/* Of two that name a device, the one that stays is told. */
static int by_hash_and_stay(const void *a, const void *b)
{
	int order = by_hash(a, b);

	return order ? order : is_going(a) - is_going(b);
}

static int collect_references(const struct layer_store *s, struct references *refs)
{
	int r = 0;

	for (size_t i = 0; i < s->nr_layers && !r; i++) {
		const struct layer *l = &s->layers[i];
		struct reference own = { .hash = l->cache_id, .layer = l };
		struct reference lower = { .hash = l->parent, .lower = true };

		r = refer(refs, &own);
		/* Up to 1.9 the name of a lost layer is that of its device. */
		if (!r && l->graph && *l->parent && !layer_store_find(s, l->parent))
			r = refer(refs, &lower);
	}
	for (size_t i = 0; i < s->nr_mounts && !r; i++) {
		struct reference own = { .hash = s->mounts[i].mount_id, .mount = &s->mounts[i] };
		struct reference init = { .hash = s->mounts[i].init_id,
					  .mount = &s->mounts[i],
					  .init = true };

		r = refer(refs, &own);
		if (!r)
			r = refer(refs, &init);
	}
	if (refs->nr)
		qsort(refs->items, refs->nr, sizeof(*refs->items), by_hash_and_stay);
	return r;
}

static int has_hash(const void *hash, const void *reference)
{
	return strcmp(hash, ((const struct reference *)reference)->hash);
}

static const struct reference *find_reference(const struct references *refs, const char *hash)
{
	const struct reference *ref = refs->nr && hash ? bsearch(hash, refs->items, refs->nr,
								 sizeof(*refs->items), has_hash)
						       : NULL;

	while (ref && ref > refs->items && !by_hash(ref - 1, ref))
		ref--;
	return ref;
}

/* Up to 1.9 devices are called as images and containers; no layer store tells more. */
static const struct container *old_container(const struct device_table *t, const char *hash)
{
	char id[HEX_NAME + 1];
	const struct container *c;

	if (!hash || !is_device_name(hash) || strlen(hash) < HEX_NAME)
		return NULL;
	(void)snprintf(id, sizeof(id), "%.*s", HEX_NAME, hash);
	c = container_store_find(&t->docker->containers, id);
	return c && (c->old_layout || t->docker->graph.current) ? c : NULL;
}

/* ---- which image a layer is of */

/* Of one chain: those with a name first, then the smallest, which it is nearest to. */
static int by_chain(const void *a, const void *b)
{
	const struct layer_place *pa = a, *pb = b;
	int order = strcmp(pa->chain, pb->chain);

	if (order)
		return order;
	if (pa->named != pb->named)
		return pa->named ? -1 : 1;
	if (pa->image->nr_chains != pb->image->nr_chains)
		return pa->image->nr_chains < pb->image->nr_chains ? -1 : 1;
	return strcmp(pa->image->id, pb->image->id);
}

static int collect_places(struct device_table *t)
{
	const struct image_store *s = &t->docker->images;
	size_t nr = 0;

	for (size_t i = 0; i < s->nr_images; i++)
		nr += s->images[i].nr_chains;
	t->places = alloc_array(nr + 1, sizeof(*t->places));
	if (!t->places)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr_images; i++) {
		const struct image *image = &s->images[i];
		bool named = image_store_name(s, image->id) != NULL;

		for (size_t n = 0; n < image->nr_chains; n++)
			t->places[t->nr_places++] =
				(struct layer_place){ image->chains[n].hex, image, (uint32_t)n + 1,
						      named };
	}
	qsort(t->places, t->nr_places, sizeof(*t->places), by_chain);
	return 0;
}

/* Where a layer is: the row's places. */
static void find_places(const struct device_table *t, struct device_row *row)
{
	const char *chain = row->layer->chain;
	size_t low = 0, high = t->nr_places;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(t->places[middle].chain, chain) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	row->places = &t->places[low];
	while (low + row->nr_places < t->nr_places &&
	       !strcmp(row->places[row->nr_places].chain, chain))
		row->nr_places++;
	if (!row->nr_places)
		return;
	row->image = row->places->image;
	row->position = row->places->position;
	row->nr_layers = (uint32_t)row->image->nr_chains;
}

/* ---- whose each is */

static void find_owner(const struct device_table *t, const struct references *refs,
		       struct device_row *row)
{
	const struct reference *ref = find_reference(refs, row->hash);

	if (ref) {
		row->layer = ref->layer;
		row->mount = ref->mount;
		row->role = ref->layer || ref->lower ? ROLE_LAYER : ref->init ? ROLE_INIT : ROLE_RW;
	}
	if (row->mount)
		row->container = container_store_find(&t->docker->containers, row->mount->name);
	else if (!ref)
		row->container = old_container(t, row->hash);
	if (!ref && row->container)
		row->role = has_suffix(row->hash, "-init") ? ROLE_INIT : ROLE_RW;
	row->referenced = ref || row->container;
}

bool device_is_shared(const struct device_table *t, const struct device_row *row)
{
	for (size_t i = first_with_id(t, t->nr, row->id); i < t->nr && t->rows[i].id == row->id;
	     i++) {
		if (t->rows[i].referenced)
			return true;
	}
	return false;
}

/* The init device of a writable layer, whatever its files say. */
static bool is_init_of_any(const struct device_table *t, const char *hash)
{
	const struct device_row *own;
	char name[HEX_NAME + 1];

	if (!has_suffix(hash, "-init") || strlen(hash) != HEX_NAME + strlen("-init"))
		return false;
	(void)snprintf(name, sizeof(name), "%.*s", HEX_NAME, hash);
	own = device_table_find(t, name);
	return own && own->referenced;
}

/*
 * The last transaction that any file of the driver's tells of.  transaction-metadata alone is of
 * all that Docker did; the others are of what it made.
 */
static uint64_t newest_transaction(const struct driver_state *d)
{
	uint64_t newest = d->transaction_usable ? d->open_transaction_id : 0;

	for (size_t i = 0; i < d->nr_records && !d->transaction_usable; i++) {
		if (d->records[i].usable && d->records[i].transaction_id > newest)
			newest = d->records[i].transaction_id;
	}
	return newest;
}

/* Docker's files are of an earlier time than this device. */
static bool is_newer_than_files(const struct device_table *t, const struct device_row *row)
{
	const uint64_t made = row->pool ? row->pool->details.transaction_id : 0;

	return row->pool && (made > t->newest || made > t->pool->header.transaction_id ||
			     (made == t->newest && t->pool->header.transaction_id > made));
}

static bool is_free(const struct device_table *t, const struct device_row *row)
{
	const struct device_doubts *d = &t->doubts;

	if (!t->pool || !t->complete || t->another_pool || t->files_old || d->layers_missing ||
	    d->builds_unknown || device_is_shared(t, row))
		return false;
	if (row->record)
		return !d->ghosts && !d->mounts_gone && !d->files_missing &&
		       is_device_name(row->hash) && !is_init_of_any(t, row->hash);
	return !d->files_missing && !d->files_unreadable && !t->ids_doubled &&
	       !row->may_be_misnamed;
}

static void find_role(const struct device_table *t, struct device_row *row)
{
	const struct driver_state *d = &t->docker->driver;

	if (row->hash && !strcmp(row->hash, "base")) {
		row->role = ROLE_BASE;
		row->referenced = true;
	} else if (!row->referenced && row->hash && t->docker->has_buildkit &&
		   snapshots_refer_to(&t->docker->snapshots, row->hash)) {
		row->role = ROLE_BUILD;
		row->referenced = true;
	} else if (row->mount && !row->container && !row->mount->init_id) {
		row->role = ROLE_BUILD;
	}
	row->in_flight = t->pending && d->transaction_device_id >= 0 &&
			 (uint64_t)d->transaction_device_id == row->id;
	if (row->record && row->record->deleted)
		row->role = ROLE_DELETING;
	else if (!row->referenced && row->in_flight && !device_predates_open(t, row))
		row->role = ROLE_IN_FLIGHT;
	else if (!row->referenced)
		row->role = ROLE_UNPROVEN;
}

/* When it is known of all who needs them. */
static void find_orphans(struct device_table *t)
{
	/* Without transaction-metadata a file that is lost looks like one that is not made yet. */
	const bool told = t->docker->driver.transaction_usable ||
			  !(t->doubts.files_missing || t->doubts.files_unreadable);

	for (size_t i = 0; i < t->nr && told; i++)
		t->files_old |= !t->rows[i].record && is_newer_than_files(t, &t->rows[i]);
	for (size_t i = 0; i < t->nr; i++) {
		if (t->rows[i].role == ROLE_UNPROVEN && is_free(t, &t->rows[i]))
			t->rows[i].role = t->rows[i].pool ? ROLE_ORPHAN : ROLE_PHANTOM;
	}
}

static int find_owners(struct device_table *t)
{
	struct references refs = { 0 };
	int r = collect_references(&t->docker->layers, &refs);

	if (!r)
		r = collect_places(t);
	for (size_t i = 0; i < t->nr && !r; i++) {
		struct device_row *row = &t->rows[i];

		find_owner(t, &refs, row);
		if (row->layer)
			find_places(t, row);
		find_role(t, row);
	}
	alloc_free(refs.items);
	return r;
}

bool device_has_new_details(const struct device_table *t, const struct device_row *row)
{
	const struct repaired_device *told = t->loss ? loss_find(t->loss, row->id) : NULL;
	const struct device_details *d = row->pool ? &row->pool->details : NULL;
	const struct pool_header *now = t->pool ? &t->pool->header : NULL;

	if (!d || !now || !row->record || !row->of_other_transaction)
		return false;
	if (told && told->details_rebuilt)
		return true;
	if (!d->transaction_id)
		return row->record->transaction_id > 1;
	return d->transaction_id == now->transaction_id && d->creation_time == now->time &&
	       d->snapshotted_time == now->time;
}

/* ---- transactions */

static int by_number(const void *a, const void *b)
{
	const uint64_t na = *(const uint64_t *)a, nb = *(const uint64_t *)b;

	return (na > nb) - (na < nb);
}

/* The first of sorted numbers that is not below the wanted one, or nr. */
static size_t first_from(const uint64_t *numbers, size_t nr, uint64_t wanted)
{
	size_t low = 0, high = nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (numbers[middle] < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * The file has the transaction that was opened, the pool the one that it was at: one less.  Up to
 * 1.3 what was deleted in between counted as well, and the pool went on with the next device alone.
 */
static bool is_of_other(const struct device_row *row, const uint64_t *made, size_t nr_made)
{
	uint64_t pool, file;
	size_t next;

	if (!row->record || !row->pool)
		return false;
	pool = row->pool->details.transaction_id;
	file = row->record->transaction_id;
	if (pool + 1 == file || pool >= file || !row->record->before_1_9)
		return pool + 1 != file;
	next = first_from(made, nr_made, pool + 1);
	return next < nr_made && made[next] < file;
}

/* A file of another device than it is called after: its id is wrong, or the pool is older. */
static bool has_wrong_id(const struct device_table *t, const struct device_row *row)
{
	return row->record && !row->record->deleted &&
	       (!row->pool || (row->of_other_transaction && !device_has_new_details(t, row)));
}

static int compare_transactions(struct device_table *t)
{
	uint64_t *made = alloc_array(t->nr + 1, sizeof(*made));
	uint64_t *odd = alloc_array(t->nr + 1, sizeof(*odd));
	size_t nr_made = 0, nr_odd = 0;
	int r = made && odd ? 0 : -ENOMEM;

	for (size_t i = 0; i < t->nr && !r; i++) {
		if (t->rows[i].pool)
			made[nr_made++] = t->rows[i].pool->details.transaction_id;
	}
	if (nr_made)
		qsort(made, nr_made, sizeof(*made), by_number);
	for (size_t i = 0; i < t->nr && !r; i++) {
		struct device_row *row = &t->rows[i];

		row->of_other_transaction = is_of_other(row, made, nr_made);
		if (has_wrong_id(t, row))
			odd[nr_odd++] = row->record->transaction_id;
		t->ids_doubled |=
			i && row[-1].id == row->id && row[-1].referenced && row->referenced;
	}
	if (nr_odd)
		qsort(odd, nr_odd, sizeof(*odd), by_number);
	for (size_t i = 0; i < t->nr && !r; i++) {
		struct device_row *row = &t->rows[i];
		size_t at =
			row->record || !row->pool
				? nr_odd
				: first_from(odd, nr_odd, row->pool->details.transaction_id + 1);

		row->may_be_misnamed =
			at < nr_odd && odd[at] == row->pool->details.transaction_id + 1;
	}
	alloc_free(made);
	alloc_free(odd);
	return r;
}

/* Docker's last transaction is the pool's, or the one that it would be next. */
static bool transactions_follow(const struct device_table *t)
{
	const struct driver_state *d = &t->docker->driver;
	const uint64_t pool = t->pool->header.transaction_id;

	return d->has_transaction && d->transaction_usable &&
	       (d->open_transaction_id == pool || d->open_transaction_id == pool + 1);
}

static void compare_pools(struct device_table *t)
{
	uint64_t nr_base = 0;
	bool follows;

	for (size_t i = 0; i < t->nr && t->pool; i++) {
		const struct device_row *row = &t->rows[i];

		if (!device_is_settled(row))
			continue;
		/* Of a pool that counts transactions: other programs' are at 0, and all their
		 * devices. */
		if (t->pool->header.transaction_id && device_has_new_details(t, row))
			continue;
		t->nr_settled++;
		t->nr_odd += !row->pool || row->of_other_transaction;
		nr_base += row->pool && !row->of_other_transaction && !strcmp(row->hash, "base");
	}
	follows = t->pool && transactions_follow(t);
	/* Of two devices the files alone tell too little. */
	t->another_pool = 2 * t->nr_odd > t->nr_settled && (t->nr_settled > 2 || !follows);
	/* The first device of any pool is made in its first transaction, as Docker's base is. */
	t->another_is_certain = t->another_pool && !follows && t->nr_odd + nr_base == t->nr_settled;
}

/* The next start of Docker takes back what is open, be it one transaction ahead or many. */
static bool is_pending(const struct device_table *t)
{
	const struct driver_state *d = &t->docker->driver;

	return t->pool && d->has_transaction && d->transaction_usable &&
	       d->open_transaction_id > t->pool->header.transaction_id;
}

int device_table_join(const struct docker_state *docker, const struct pool_state *pool,
		      const struct loss *loss, bool older, struct device_table *ret_table)
{
	struct device_table *t = ret_table;
	int r;

	*t = (struct device_table){ .docker = docker, .pool = pool, .loss = loss };
	t->complete = docker_state_complete(docker);
	t->pending = !older && is_pending(t);
	t->newest = newest_transaction(&docker->driver);
	r = device_doubts_find(docker, &t->doubts);
	if (!r)
		r = add_records(t);
	if (!r)
		r = add_unregistered(t);
	if (!r)
		r = index_hashes(t);
	if (!r)
		r = find_owners(t);
	if (!r)
		r = compare_transactions(t);
	if (!older)
		compare_pools(t);
	if (!r)
		find_orphans(t);
	return r;
}

void device_table_destroy(struct device_table *t)
{
	alloc_free(t->rows);
	alloc_free(t->places);
	alloc_free(t->by_hash);
	*t = (struct device_table){ 0 };
}

static int row_has_hash(const void *hash, const void *row)
{
	return strcmp(hash, (*(const struct device_row *const *)row)->hash);
}

const struct device_row *device_table_find(const struct device_table *t, const char *hash)
{
	const struct device_row **found = t->nr_by_hash
						  ? bsearch(hash, t->by_hash, t->nr_by_hash,
							    sizeof(const void *), row_has_hash)
						  : NULL;

	return found ? *found : NULL;
}

const struct device_row *device_table_find_id(const struct device_table *t, uint64_t id)
{
	size_t at = first_with_id(t, t->nr, id);

	return at < t->nr && t->rows[at].id == id ? &t->rows[at] : NULL;
}

uint64_t device_table_bytes(const struct device_table *t, uint64_t nr_data_blocks)
{
	uint64_t bytes;

	if (!t->pool)
		return 0;
	if (__builtin_mul_overflow(nr_data_blocks, (uint64_t)t->pool->header.data_block_size * 512,
				   &bytes))
		return UINT64_MAX;
	return bytes;
}

const char *device_state_name(const struct device_table *t, const struct device_row *row)
{
	if (row->in_flight)
		return "in flight";
	if (!row->pool && t->pool)
		return "phantom";
	if (row->pool && !row->pool->complete)
		return "damaged";
	if (!row->record)
		return "unregistered";
	if (row->record->deleted)
		return "deleting";
	return t->pool ? "ok" : "unread";
}

/* " +2": others with a name that have the layer, too; steps of builds are not told. */
static void add_others(const struct device_row *row, char *text, size_t size)
{
	const size_t n = strlen(text);
	size_t nr = 0;

	for (size_t i = 1; i < row->nr_places; i++)
		nr += row->places[i].named;
	if (nr)
		(void)snprintf(text + n, size - n, " +%zu", nr);
}

void device_owner_name(const struct device_table *t, const struct device_row *row, char *text,
		       size_t size)
{
	const char *name = row->image ? image_store_name(&t->docker->images, row->image->id) : NULL;

	if (name)
		(void)snprintf(text, size, "%s", name);
	else if (row->image)
		(void)snprintf(text, size, "image %.12s", row->image->id);
	else if (row->container)
		(void)snprintf(text, size, "%s%s", row->container->name,
			       row->container->running ? " (running)" : "");
	else if (row->layer)
		(void)snprintf(text, size, "layer %.12s", row->layer->chain);
	else if (row->mount)
		(void)snprintf(text, size, "mount %.12s", row->mount->name);
	else if (row->volume)
		(void)snprintf(text, size, "%.50s/%.50s", row->volume->vg, row->volume->name);
	else if (row->active_volume)
		(void)snprintf(text, size, "%.100s", row->active_volume);
	else
		(void)snprintf(text, size, "-");
	if (row->image)
		add_others(row, text, size);
}
