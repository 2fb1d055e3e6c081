/* SPDX-License-Identifier: MIT
 * forecast.c: moby daemon/graphdriver/devmapper/deviceset.go, initDevmapper(), and what the daemon
 * does after it.
 */
#include "docker_meta/judge/forecast.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "common/base/alloc.h"
#include "docker_meta/facts/loadable.h"

const char *step_kind_name(enum step_kind kind)
{
	static const char *const names[] = { [STEP_OK] = "ok",
					     [STEP_LOSES] = "loses",
					     [STEP_STOPS] = "stops",
					     [STEP_FAILS] = "fails",
					     [STEP_UNKNOWN] = "unknown" };

	return names[kind];
}

struct making {
	const struct device_table *t;
	const struct pool_data *data;
	const struct config *config;
	const struct meta_findings *findings;
	const struct meta_facts *facts;
	struct loadable loadable;
	struct forecast *forecast;
	bool of_config; /* the step that is made */
	bool ended;     /* what follows is not known, or is another driver's */
};

static int add(struct making *m, enum step_kind kind, const char *format, ...) printf_like(3, 4);

static int add(struct making *m, enum step_kind kind, const char *format, ...)
{
	struct forecast *f = m->forecast;
	struct step *grown = alloc_grow(f->steps, &f->capacity, f->nr, sizeof(*grown));
	va_list args;
	char *text;

	va_start(args, format);
	text = alloc_vprintf(format, args);
	va_end(args);
	if (grown)
		f->steps = grown;
	if (!grown || !text) {
		alloc_free(text);
		return -ENOMEM;
	}
	grown[f->nr++] = (struct step){ kind, m->of_config, text };
	if ((kind == STEP_LOSES || kind == STEP_STOPS) && kind > f->worst)
		f->worst = kind;
	f->fails |= kind == STEP_FAILS;
	return 0;
}

static const struct meta_finding *find(const struct making *m, enum meta_row_id id)
{
	for (size_t i = 0; i < m->findings->nr; i++) {
		if (m->findings->items[i].row == meta_row(id))
			return &m->findings->items[i];
	}
	return NULL;
}

static size_t count(const struct making *m, const enum meta_row_id *ids, size_t nr_ids)
{
	size_t nr = 0;

	for (size_t i = 0; i < m->findings->nr; i++) {
		for (size_t n = 0; n < nr_ids; n++)
			nr += m->findings->items[i].row == meta_row(ids[n]);
	}
	return nr;
}

/* Those that are errors, at least: what is being removed may miss its device. */
static size_t count_bad(const struct making *m, const enum meta_row_id *ids, size_t nr_ids)
{
	size_t nr = 0;

	for (size_t i = 0; i < m->findings->nr; i++) {
		const struct meta_finding *f = &m->findings->items[i];
		const bool needed = !f->nr_devices || f->devices[0]->referenced;

		for (size_t n = 0; n < nr_ids; n++)
			nr += f->row == meta_row(ids[n]) && f->severity >= META_ERROR && needed;
	}
	return nr;
}

/* ---- the configuration */

/* What keeps Docker from starting, by itself. */
static int stop_at_faults(struct making *m, bool of_the_driver)
{
	const struct fault_list *l = &m->config->faults;
	int r = 0;

	for (size_t i = 0; i < l->nr && !r; i++) {
		const struct config_fault *f = &l->items[i];
		const bool of_daemon = f->row == ROW_G1 || f->row == ROW_G2;

		if (f->weight != FAULT_AS_ROW || of_daemon == of_the_driver || f->row == ROW_G6)
			continue;
		r = add(m, STEP_STOPS, "reads %s: %s", m->config->daemon.path, f->text);
	}
	return r;
}

static int read_configuration(struct making *m)
{
	const struct config *c = m->config;
	size_t before;
	int r;

	if (c->remapped) {
		m->ended = true;
		return add(m, STEP_UNKNOWN,
			   "goes into %.60s below this root, for userns-remap: look at that one "
			   "(-r); what is here it does not show",
			   c->remapped);
	}
	if (c->may_be_above) {
		r = add(m, STEP_UNKNOWN,
			"goes below its data-root, into UID.GID, for userns-remap: what follows "
			"holds where this is a copy of that");
		if (r)
			return r;
	}
	before = m->forecast->nr;
	if (c->daemon.look == CONFIG_NOT_LOOKED || c->daemon.look == CONFIG_OTHERS)
		return add(m, STEP_UNKNOWN, "reads daemon.json: not looked at");
	if (c->daemon.look == CONFIG_ABSENT)
		return add(m, STEP_OK, "reads no daemon.json: %s is not there", c->daemon.path);
	r = stop_at_faults(m, false);
	if (r || m->forecast->nr > before)
		return r;
	if (!c->has_daemon)
		return add(m, STEP_UNKNOWN, "reads %s: it could not be read here", c->daemon.path);
	return add(m, STEP_OK, "reads %s", c->daemon.path);
}

/* Docker asks which one, where several drivers have left something. */
static int choose_among(struct making *m, const struct meta_finding *others)
{
	const struct config *c = m->config;

	if (!c->has_daemon)
		return add(m, STEP_UNKNOWN,
			   "chooses the storage driver: another one was used here as well (%s); "
			   "unless storage-driver is set, it stops",
			   others->subject.name);
	if (c->has_driver_flag)
		return add(m, STEP_OK, "takes the storage driver of dockerd's command line");
	return add(m, STEP_STOPS,
		   "chooses the storage driver: several were used here, devicemapper and %s, and "
		   "storage-driver is not set",
		   others->subject.name);
}

static int choose_driver(struct making *m)
{
	const struct meta_finding *others = find(m, ROW_L19);
	const struct config *c = m->config;

	if (c->has_daemon && !config_is_devicemapper(c)) {
		m->ended = true;
		return add(m, STEP_LOSES,
			   "starts with the storage driver %.40s: images and containers of "
			   "devicemapper are not shown, and its pool is left alone",
			   c->driver);
	}
	if (others && !(c->has_daemon && c->driver))
		return choose_among(m, others);
	if (!c->has_daemon)
		return 0;
	if (!c->driver && !c->has_driver_flag)
		return add(m, STEP_OK, "takes devicemapper because its files are there");
	return add(m, STEP_OK, "takes the storage driver devicemapper");
}

/* When the driver has done its work (moby daemon/graphdriver/driver.go, New). */
static int refuse_unnamed(struct making *m)
{
	const struct config *c = m->config;

	if (!c->has_daemon || c->driver || c->has_driver_flag || !config_is_devicemapper(c))
		return 0;
	return add(m, c->since_23 ? STEP_STOPS : STEP_OK,
		   "Docker 23 and 24 stop here, after all of that: storage-driver has to be set");
}

static int take_options(struct making *m)
{
	static const enum meta_row_id changed[] = { ROW_J22, ROW_J23, ROW_J24 };
	int r;

	if (!config_is_devicemapper(m->config))
		return 0;
	r = stop_at_faults(m, true);
	if (!r && m->t->pool && !m->t->another_pool &&
	    config_wants_other_blocks(m->config, m->t->pool->header.data_block_size))
		r = add(m, STEP_STOPS,
			"loads the pool with data blocks of another size than it has");
	for (size_t i = 0; i < ARRAY_SIZE(changed) && !r; i++) {
		const struct meta_finding *f = find(m, changed[i]);

		if (f && f->severity == META_FATAL)
			r = add(m, STEP_STOPS, "sets up direct-lvm: %s", f->evidence.line);
		else if (f && f->unproven)
			r = add(m, STEP_UNKNOWN, "sets up direct-lvm: %s", f->evidence.line);
	}
	return r;
}

/* ---- the driver */

/* Something of it was not ours to read: for Docker it may be in order. */
static bool any_unread(const struct making *m, enum meta_row_id row, enum meta_row_id other)
{
	const struct problem_list *l = &m->t->docker->problems;

	for (size_t i = 0; i < l->nr; i++) {
		const struct problem *p = &l->items[i];

		if (p->unread && (p->row == row || p->row == other))
			return true;
	}
	return false;
}

static int load_files(struct making *m)
{
	const struct driver_state *d = &m->t->docker->driver;
	size_t nr_bad = 0;
	int r = 0;

	if (d->unread)
		return add(
			m, STEP_UNKNOWN,
			"loads the devices' files: devicemapper/metadata could not be read here");
	if (!d->present)
		return add(m, STEP_OK, "makes devicemapper/metadata, which is not there");
	for (size_t i = 0; i < m->findings->nr && !r; i++) {
		const struct meta_finding *f = &m->findings->items[i];

		if (f->severity != META_FATAL ||
		    (f->row != meta_row(ROW_J2) && f->row != meta_row(ROW_J3) &&
		     f->row != meta_row(ROW_J5)))
			continue;
		nr_bad++;
		r = add(m, STEP_STOPS, "loads the devices' files: %s", f->evidence.line);
	}
	if (r || nr_bad)
		return r;
	if (any_unread(m, ROW_J3, ROW_J26))
		return add(m, STEP_UNKNOWN,
			   "loads the devices' files: not all of them could be read here");
	return add(m, STEP_OK, "loads the files of %zu device%s", d->nr_records,
		   d->nr_records == 1 ? "" : "s");
}

/* What is said of the open transaction. */
static const struct meta_finding *open_finding(const struct making *m)
{
	static const enum meta_row_id ids[] = { ROW_T1, ROW_T2, ROW_T3, ROW_T4, ROW_T8 };
	const struct meta_finding *f = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(ids) && !f; i++)
		f = find(m, ids[i]);
	return f;
}

static const struct device_row *victim(const struct making *m)
{
	const struct meta_finding *f = open_finding(m);

	return f && f->nr_devices ? f->devices[0] : NULL;
}

/* Nobody is known to need the device. */
static int take_back_unneeded(struct making *m)
{
	const struct driver_state *d = &m->t->docker->driver;
	const struct meta_finding *f = open_finding(m);
	const struct device_row *row =
		d->transaction_device_id < 0
			? NULL
			: device_table_find_id(m->t, (uint64_t)d->transaction_device_id);

	if (find(m, ROW_T3))
		return add(m, STEP_LOSES,
			   "takes back transaction %" PRIu64 ": deletes device %" PRId64
			   ", and the file of another, %s",
			   d->open_transaction_id, d->transaction_device_id,
			   *d->transaction_hash ? d->transaction_hash : "base");
	if (f && f->unproven)
		return add(m, STEP_LOSES,
			   "takes back transaction %" PRIu64 ": DELETES device %" PRId64
			   ", and not all could be read that may need it",
			   d->open_transaction_id, d->transaction_device_id);
	if (!row || !row->pool)
		return add(m, STEP_OK,
			   "takes back transaction %" PRIu64 ": device %" PRId64
			   " is not in the pool, only its file goes",
			   d->open_transaction_id, d->transaction_device_id);
	return add(m, STEP_OK, "takes back transaction %" PRIu64 ": deletes device %" PRId64 ", %s",
		   d->open_transaction_id, d->transaction_device_id,
		   row->role == ROLE_DELETING || device_is_going(row) ? "which was to be deleted"
		   : device_predates_open(m->t, row) ? "an older one that no file has (X1)"
						     : "not referenced yet");
}

/* Damage behind the superblock the kernel meets later. */
static int activate_damaged(struct making *m)
{
	if (m->facts->blank)
		return add(m, STEP_LOSES,
			   "FORMATS the pool's metadata: %s; all that the pool has is lost",
			   m->facts->damage);
	return add(
		m, m->facts->superblock_lost ? STEP_STOPS : STEP_UNKNOWN,
		m->facts->superblock_lost
			? "the kernel does not activate the pool: %s"
			: "the kernel activates the pool; what Docker finds in it is not known: %s",
		m->facts->damage);
}

static int activate_pool(struct making *m)
{
	static const enum meta_row_id refused[] = { ROW_M13, ROW_P6, ROW_P13 };
	const struct meta_finding *f = NULL, *absent = find(m, ROW_M12);

	if (m->facts->damage)
		return activate_damaged(m);
	if (m->t->another_pool) {
		m->ended = true;
		m->forecast->blind = true;
		return add(
			m, STEP_UNKNOWN,
			"activates its pool: not checked, the metadata that was read are another "
			"pool's (X4)");
	}
	/* A loop file that is too small Docker makes larger. */
	for (size_t i = 0; i < ARRAY_SIZE(refused) && !f; i++) {
		if (refused[i] != ROW_P13 || !config_is_loop(m->config))
			f = find(m, refused[i]);
	}
	if (f && !f->unproven)
		return add(m, STEP_STOPS, "finds no pool to work with: %s", f->evidence.line);
	/* A file may hold a part of the table; and a pool of loop files Docker makes active itself.
	 */
	if (!absent || !config_thinpooldev(m->config))
		return 0;
	return add(m, m->facts->host->dm_live ? STEP_STOPS : STEP_UNKNOWN, "looks for its pool: %s",
		   absent->evidence.line);
}

static int take_back(struct making *m)
{
	const struct driver_state *d = &m->t->docker->driver;
	const struct meta_finding *unread = find(m, ROW_T7);
	const struct device_row *row;
	char owner[120];

	if (!m->t->pool)
		return add(m, STEP_UNKNOWN,
			   "compares the open transaction with the pool's, which was not read");
	if (m->findings->stale) {
		m->forecast->blind = true;
		return add(m, STEP_UNKNOWN,
			   "compares the open transaction with the pool's: not checked, the "
			   "metadata that were read are older than the pool (P18)");
	}
	if (m->findings->torn && m->t->pending)
		return add(
			m, STEP_UNKNOWN,
			"compares the open transaction with the pool's: they were not read at one "
			"moment");
	if (unread && unread->unproven)
		return add(m, STEP_UNKNOWN,
			   "compares the open transaction with the pool's: transaction-metadata "
			   "could not be read here");
	if (d->has_transaction && !d->transaction_usable)
		return add(m, STEP_OK, "takes transaction-metadata for 0, and goes on");
	if (!d->has_transaction)
		return add(m, STEP_OK, "no transaction is pending");
	if (find(m, ROW_T5))
		return add(m, STEP_OK,
			   "says that open transaction id %" PRIu64
			   " is less than the pool's %" PRIu64 ", and goes on",
			   d->open_transaction_id, m->t->pool->header.transaction_id);
	if (!m->t->pending)
		return add(m, STEP_OK, "transaction %" PRIu64 ": nothing to take back",
			   d->open_transaction_id);
	row = victim(m);
	if (!row || !row->referenced || find(m, ROW_T1))
		return take_back_unneeded(m);
	device_owner_name(m->t, row, owner, sizeof(owner));
	return add(m, STEP_LOSES,
		   "takes back transaction %" PRIu64 ": DELETES device %" PRId64 ", %s of %s",
		   d->open_transaction_id, d->transaction_device_id, role_name(row->role), owner);
}

static int tell_growth(struct making *m)
{
	const struct device_record *base = driver_state_find(&m->t->docker->driver, "base");
	const struct config *c = m->config;

	if (!c->has_daemon || !base || !base->usable || !dm_has(&c->dm, DM_BASESIZE) ||
	    c->dm.numbers[DM_BASESIZE] <= base->size)
		return 0;
	return add(m, STEP_OK, "grows the base device from %" PRIu64 " to %" PRIu64 " bytes",
		   base->size, c->dm.numbers[DM_BASESIZE]);
}

/* What the driver verifies before anything else. */
static int compare_uuid(struct making *m)
{
	const struct driver_state *d = &m->t->docker->driver;
	const struct device_row *base = device_table_find(m->t, "base");
	const struct meta_finding *other = find(m, ROW_J16);
	const struct file_system *fs = base ? pool_data_find(m->data, base) : NULL;

	if (other)
		return add(m, STEP_STOPS, "compares the base device's UUID: %s",
			   other->evidence.line);
	if (fs && !strcasecmp(fs->uuid, d->base_uuid))
		return add(m, STEP_OK, "finds the UUID that the base device has to have, %s",
			   d->base_uuid);
	return add(m, STEP_UNKNOWN,
		   "compares the base device's UUID with %s: not looked at, for the pool's data is "
		   "not there (--data)",
		   d->base_uuid);
}

static int prepare_base(struct making *m)
{
	const struct driver_state *d = &m->t->docker->driver;
	const struct device_row *base = device_table_find(m->t, "base");
	const struct meta_finding *unreadable = find(m, ROW_J15);
	int r;

	if (unreadable)
		return add(m, unreadable->unproven ? STEP_UNKNOWN : STEP_STOPS,
			   "reads deviceset-metadata: %s", unreadable->evidence.line);
	if (config_shrinks_base(m->config, driver_state_find(d, "base")))
		return add(m, STEP_STOPS,
			   "finds dm.basesize=%.40s less than the base device's %" PRIu64 " bytes",
			   m->config->dm.texts[DM_BASESIZE], driver_state_find(d, "base")->size);
	if (find(m, ROW_J9))
		return add(m, STEP_STOPS,
			   "finds no base device: refuses the pool, or makes a second one in a "
			   "loop file");
	if (find(m, ROW_J11) || find(m, ROW_J12))
		return add(m, STEP_LOSES,
			   "wipes the base device and deletes it, and makes another; or it stops "
			   "there: "
			   "Device is Busy");
	if (base && m->t->pool && !m->findings->stale && !base->pool && !base->in_flight &&
	    base->record && base->record->initialized)
		return add(m, STEP_STOPS,
			   "activates the base device, device %" PRIu64 ", which the pool has not",
			   base->id);
	if (d->unread)
		return add(m, STEP_UNKNOWN,
			   "prepares the base device: its file could not be read here");
	if (!driver_state_find(d, "base"))
		return add(m, STEP_OK, "makes the base device");
	r = tell_growth(m);
	if (r)
		return r;
	if (!d->base_uuid || !*d->base_uuid)
		return add(m, STEP_OK, "takes the base device's UUID as it finds it");
	return compare_uuid(m);
}

/* ---- the daemon */

static int tell_loaded(struct making *m, size_t nr, size_t nr_lost, const char *what)
{
	if (nr_lost)
		return add(m, STEP_LOSES, "does not show %zu %s%s any more", nr_lost, what,
			   nr_lost == 1 ? "" : "s");
	return add(m, STEP_OK, "loads %zu %s%s", nr, what, nr == 1 ? "" : "s");
}

static int load_images(struct making *m)
{
	static const enum meta_row_id gone[] = { ROW_L12, ROW_L13 };
	const struct meta_finding *unreadable = find(m, ROW_L15);
	const struct docker_state *k = m->t->docker;

	if (unreadable)
		return add(m, unreadable->unproven ? STEP_UNKNOWN : STEP_STOPS,
			   "reads repositories.json: %s", unreadable->evidence.line);
	if (any_unread(m, ROW_L6, ROW_L12))
		return add(m, STEP_UNKNOWN,
			   "loads the images: not all of their files could be read here");
	if (!k->images.present && k->layers.nr_layers)
		return add(m, STEP_LOSES, "does not show any image: imagedb is not there");
	if (!docker_state_has_layers(k) && k->driver.nr_records > 1)
		return add(m, STEP_LOSES, "does not show any image: layerdb is not there");
	if (m->loadable.nr_images_lost && !k->has_buildkit && !k->graph.current)
		return add(m, STEP_LOSES,
			   "does not show %zu image%s any more; engines of before 18.03 may not "
			   "start: layer does not exist",
			   m->loadable.nr_images_lost, m->loadable.nr_images_lost == 1 ? "" : "s");
	return tell_loaded(
		m, k->images.nr_images,
		k->graph.current ? count(m, gone, ARRAY_SIZE(gone)) : m->loadable.nr_images_lost,
		"image");
}

static int load_containers(struct making *m)
{
	static const enum meta_row_id ghosts[] = { ROW_C2, ROW_C5, ROW_C6, ROW_C8 };
	static const enum meta_row_id phantoms[] = { ROW_C3, ROW_L1, ROW_X2, ROW_X6, ROW_X11 };
	const struct docker_state *k = m->t->docker;
	size_t nr;
	int r;

	if (any_unread(m, ROW_L6, ROW_L6) || any_unread(m, ROW_C5, ROW_C8))
		return add(m, STEP_UNKNOWN,
			   "loads the containers: not all of their files could be read here");
	if (!k->containers.present && find(m, ROW_C8))
		r = add(m, STEP_LOSES, "does not show any container: containers/ is not there");
	else
		r = tell_loaded(
			m,
			k->graph.current ? k->containers.nr_containers : m->loadable.nr_containers,
			k->graph.current ? count(m, ghosts, ARRAY_SIZE(ghosts))
					 : m->loadable.nr_containers_lost,
			"container");
	nr = count_bad(m, phantoms, ARRAY_SIZE(phantoms));
	if (!r && nr)
		r = add(m, STEP_FAILS,
			"does not start containers and images whose device is not there, or has "
			"lost data: %zu device%s",
			nr, nr == 1 ? "" : "s");
	return r;
}

/* Only while deferred deletion is on, as it is by default since 17.09. */
static int go_on_deleting(struct making *m)
{
	const struct meta_finding *needed;
	size_t nr = 0;

	for (size_t i = 0; i < m->t->nr; i++)
		nr += m->t->rows[i].role == ROLE_DELETING;
	if (nr && dm_has(&m->config->dm, DM_USE_DEFERRED_DELETION) &&
	    !m->config->dm.numbers[DM_USE_DEFERRED_DELETION])
		return add(m, STEP_OK,
			   "leaves %zu device%s marked as deleted: dm.use_deferred_deletion is "
			   "off",
			   nr, nr == 1 ? "" : "s");
	needed = find(m, ROW_J20) ? find(m, ROW_J20) : find(m, ROW_L2);
	if (needed)
		return add(
			m, STEP_LOSES,
			"goes on deleting %zu device%s marked as deleted, needed ones among them: "
			"%s",
			nr, nr == 1 ? "" : "s", needed->evidence.line);
	return nr ? add(m, STEP_OK, "goes on deleting %zu device%s marked as deleted", nr,
			nr == 1 ? "" : "s")
		  : 0;
}

static int add_later_engines(struct making *m)
{
	const struct config *c = m->config;

	if (!config_is_devicemapper(c))
		return 0;
	return add(m, STEP_OK, "%s; 25 and later have no devicemapper",
		   c->has_daemon && c->driver
			   ? "engine 23 and 24 start as well: storage-driver is in daemon.json"
			   : "engine 23 and 24 want storage-driver in daemon.json");
}

int forecast_make(const struct meta_facts *facts, const struct meta_findings *findings,
		  struct forecast *ret_forecast)
{
	static const struct {
		int (*make)(struct making *);
		bool of_config;
	} steps[] = {
		{ read_configuration, true }, { choose_driver, true },   { take_options, true },
		{ load_files, false },        { activate_pool, false },  { take_back, false },
		{ prepare_base, false },      { refuse_unnamed, true },  { load_images, false },
		{ load_containers, false },   { go_on_deleting, false },
	};
	struct making m = { .t = facts->devices,
			    .data = facts->data,
			    .config = facts->config,
			    .findings = findings,
			    .facts = facts,
			    .forecast = ret_forecast };
	int r;

	*ret_forecast = (struct forecast){ 0 };
	r = loadable_count(facts->devices->docker, &m.loadable);
	for (size_t i = 0; i < ARRAY_SIZE(steps) && !r && !m.ended; i++) {
		m.of_config = steps[i].of_config;
		r = steps[i].make(&m);
		m.ended |= ret_forecast->worst == STEP_STOPS;
	}
	if (!r && !m.ended)
		r = add_later_engines(&m);
	return r;
}

const struct step *forecast_bad_step(const struct forecast *f)
{
	const enum step_kind wanted = f->worst == STEP_OK ? STEP_FAILS : f->worst;

	for (size_t i = 0; i < f->nr; i++) {
		if (f->steps[i].kind == wanted)
			return &f->steps[i];
	}
	return NULL;
}

const struct step *forecast_bad_config(const struct forecast *f)
{
	for (size_t i = 0; i < f->nr; i++) {
		const struct step *s = &f->steps[i];

		if (s->of_config && (s->kind == STEP_STOPS || s->kind == STEP_LOSES))
			return s;
	}
	return NULL;
}

void forecast_destroy(struct forecast *f)
{
	for (size_t i = 0; i < f->nr; i++)
		alloc_free(f->steps[i].text);
	alloc_free(f->steps);
	*f = (struct forecast){ 0 };
}
