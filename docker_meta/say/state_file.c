/* SPDX-License-Identifier: MIT */
#include "docker_meta/say/state_file.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/read/digest.h"
#include "docker_meta/read/go_json.h"
#include "docker_meta/say/output.h"
#include "docker_meta/text/json_build.h"

enum { FORMAT = 1 };

/* ---- lists */

static int add(struct told_list *list, const char *key, const char *id, const char *what,
	       enum meta_severity severity)
{
	struct told *grown = alloc_grow(list->items, &list->capacity, list->nr, sizeof(*grown));
	struct told one = { .id = alloc_string(id),
			    .what = alloc_string(what),
			    .severity = severity };

	if (grown)
		list->items = grown;
	if (!grown || !one.id || !one.what) {
		alloc_free(one.id);
		alloc_free(one.what);
		return -ENOMEM;
	}
	(void)snprintf(one.key, sizeof(one.key), "%s", key);
	grown[list->nr++] = one;
	return 0;
}

static void destroy(struct told_list *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		alloc_free(list->items[i].id);
		alloc_free(list->items[i].what);
	}
	alloc_free(list->items);
	*list = (struct told_list){ 0 };
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct told *)a)->key, ((const struct told *)b)->key);
}

static void sort(struct told_list *list)
{
	if (list->nr)
		qsort(list->items, list->nr, sizeof(*list->items), by_key);
}

static const struct told *find(const struct told_list *list, const char *key)
{
	struct told wanted = { .id = NULL };

	(void)snprintf(wanted.key, sizeof(wanted.key), "%s", key);
	return list->nr ? bsearch(&wanted, list->items, list->nr, sizeof(wanted), by_key) : NULL;
}

/* It was told, and was not better then. */
static bool was_told(const struct told_list *before, const struct told *one)
{
	const struct told *old = find(before, one->key);

	return old && old->severity >= one->severity;
}

/* ---- what stands now */

static int key_of(const struct meta_finding *f, struct digest *ret_key)
{
	const char *kind = subject_kind_name(f->subject.kind);
	const char *id = f->subject.id ? f->subject.id : "";
	struct digest_stream *s = digest_begin();

	if (!s)
		return -ENOMEM;
	digest_add(s, f->row->id, strlen(f->row->id) + 1);
	digest_add(s, kind, strlen(kind) + 1);
	digest_add(s, id, strlen(id) + 1);
	for (size_t i = 0; i < f->nr_devices; i++) {
		const struct device_row *row = f->devices[i];
		char number[24];

		(void)snprintf(number, sizeof(number), "%" PRIu64, row->id);
		digest_add(s, number, strlen(number) + 1);
		digest_add(s, row->hash ? row->hash : "", row->hash ? strlen(row->hash) + 1 : 1);
	}
	*ret_key = digest_end(s);
	return 0;
}

static int add_findings(const struct meta_view *v, struct told_list *now)
{
	int r = 0;

	for (size_t i = 0; i < v->findings->nr && !r; i++) {
		const struct meta_finding *f = &v->findings->items[i];
		struct digest key;
		char what[400];

		finding_headline(v, f, what, sizeof(what));
		r = key_of(f, &key);
		if (!r)
			r = add(now, key.hex, f->row->id, what, f->severity);
	}
	return r;
}

static enum meta_severity severity_of(enum level level)
{
	return level == LEVEL_CRITICAL ? META_ERROR : level == LEVEL_OK ? META_INFO : META_WARNING;
}

static int add_thresholds(const struct verdict *verdict, struct told_list *now)
{
	int r = 0;

	for (int i = 0; i < NR_MEASURES && !r; i++) {
		const enum measure_id id = (enum measure_id)i;
		char key[65], what[120];

		if (verdict->measures[i].level == LEVEL_OK)
			continue;
		(void)snprintf(key, sizeof(key), "threshold %s", measure_name(id));
		(void)snprintf(what, sizeof(what), "%s is %s", measure_name(id),
			       measure_words(verdict, id).text);
		r = add(now, key, "threshold", what, severity_of(verdict->measures[i].level));
	}
	return r;
}

/* What a start that goes wrong is told by. */
static struct told start_of(const struct meta_view *v)
{
	const struct step *step = forecast_bad_step(v->forecast);
	struct told one = { .severity = META_ERROR };

	if (step)
		(void)snprintf(one.key, sizeof(one.key), "start %s", step_kind_name(step->kind));
	return one;
}

static int add_start(const struct meta_view *v, struct told_list *now)
{
	const struct step *step = forecast_bad_step(v->forecast);

	return step ? add(now, start_of(v).key, "start", step->text, META_ERROR) : 0;
}

/* ---- the file */

/* The root as it is called everywhere, so that a slash more is no other one. */
static json_t *real_root(const char *root)
{
	char path[PATH_MAX];

	return json_text(realpath(root, path) ? path : root);
}

static bool take_one(json_t *object, struct told_list *before, int *ret_failed)
{
	const char *key = NULL, *id = "", *what = "", *severity = "";
	struct go_fault ignored;

	if (!go_take_string(object, "key", &key, &ignored) || !key || strlen(key) > 64 ||
	    !go_take_string(object, "id", &id, &ignored) ||
	    !go_take_string(object, "what", &what, &ignored) ||
	    !go_take_string(object, "severity", &severity, &ignored))
		return false;
	for (int s = META_INFO; s <= META_FATAL; s++) {
		if (strcmp(severity, meta_severity_name((enum meta_severity)s)) != 0)
			continue;
		*ret_failed = add(before, key, id, what, (enum meta_severity)s);
		return true;
	}
	return false;
}

static int bad(struct out_fault *fault, const char *text)
{
	return out_fault_fill(fault, -EBADMSG, text);
}

static int take_state(json_t *state, const char *root, struct told_list *before,
		      struct out_fault *fault)
{
	json_t *told = go_get(state, "told"), *own = real_root(root), *one;
	const char *tool = "", *other = "";
	struct go_fault ignored;
	uint64_t format = 0;
	bool foreign;
	size_t i;
	int r = 0;

	if (!go_take_string(state, "tool", &tool, &ignored) || strcmp(tool, "docker_meta") != 0 ||
	    !go_take_u64(state, "state", &format, &ignored) || format != FORMAT ||
	    !go_take_string(state, "root", &other, &ignored) || !json_is_array(told)) {
		json_decref(own);
		return bad(fault, "it is not what --state writes; it is left as it is");
	}
	foreign = !json_is_string(own) || strcmp(other, json_string_value(own)) != 0;
	json_decref(own);
	if (foreign)
		return bad(fault, "it is of another root; it is left as it is");
	json_array_foreach(told, i, one)
	{
		if (!json_is_object(one) || !take_one(one, before, &r))
			return bad(fault, "it is not what --state writes; it is left as it is");
		if (r)
			return r;
	}
	sort(before);
	return 0;
}

static int read_text(int fd, json_t **ret_state)
{
	struct go_fault ignored;
	char *text = NULL;
	size_t size = 0;
	int r = fd < 0 ? -ENOENT : safe_file_read(fd, GO_JSON_MAX, &text, &size);

	if (!r)
		r = size ? go_json_parse(text, size, ret_state, &ignored) : -ENOENT;
	alloc_free(text);
	return r;
}

/* An empty file is none yet: mktemp(1) made it. */
static int read_state(int fd, const char *root, struct changes *c, struct told_list *before,
		      struct out_fault *fault)
{
	json_t *state = NULL;
	int r = read_text(fd, &state);

	c->first = r == -ENOENT;
	if (c->first)
		r = 0;
	else if (r == -EBADMSG)
		r = bad(fault, "it is not what --state writes; it is left as it is");
	else if (r)
		r = out_fault_fill(fault, r, strerror(-r));
	else
		r = take_state(state, root, before, fault);
	json_decref(state);
	return r;
}

/* ---- changes */

/* Beforehand c->now has the findings in their order, and behind them the thresholds. */
static int pick_news(const struct meta_view *v, const struct told_list *before, struct changes *c)
{
	const struct meta_findings *all = v->findings;
	struct meta_findings *news = &c->news;

	news->items = alloc_array(all->nr + 1, sizeof(*news->items));
	if (!news->items)
		return -ENOMEM;
	for (size_t i = 0; i < all->nr; i++) {
		if (was_told(before, &c->now.items[i]))
			continue;
		news->items[news->nr++] = all->items[i];
		news->nr_of[all->items[i].severity]++;
	}
	return 0;
}

static void mark_thresholds(const struct told_list *before, struct verdict *verdict)
{
	for (int i = 0; i < NR_MEASURES; i++) {
		struct measure *m = &verdict->measures[i];
		struct told one = { .severity = severity_of(m->level) };

		(void)snprintf(one.key, sizeof(one.key), "threshold %s",
			       measure_name((enum measure_id)i));
		m->told_before = m->level != LEVEL_OK && was_told(before, &one);
	}
}

/* Without the pool nothing is known to be gone: what was told stays. */
static int pick_gone(const struct meta_view *v, const struct told_list *before, struct changes *c)
{
	struct told_list kept = { 0 };
	int r = 0;

	for (size_t i = 0; i < before->nr && !r; i++) {
		const struct told *old = &before->items[i];

		if (!find(&c->now, old->key))
			r = add(v->devices->pool ? &c->gone : &kept, old->key, old->id, old->what,
				old->severity);
	}
	for (size_t i = 0; i < kept.nr && !r; i++) {
		const struct told *old = &kept.items[i];

		r = add(&c->now, old->key, old->id, old->what, old->severity);
	}
	destroy(&kept);
	return r;
}

int changes_find(const struct meta_view *v, struct verdict *verdict, struct changes *ret_changes,
		 struct out_fault *fault)
{
	struct changes *c = ret_changes;
	struct told_list before = { 0 };
	int r;

	*c = (struct changes){ .first = true };
	*fault = (struct out_fault){ "out of memory" };
	r = read_state(v->places->old_state, v->root, c, &before, fault);
	if (!r)
		r = add_findings(v, &c->now);
	if (!r)
		r = add_thresholds(verdict, &c->now);
	if (!r)
		r = add_start(v, &c->now);
	if (!r)
		r = pick_news(v, &before, c);
	if (!r) {
		const struct told start = start_of(v);

		mark_thresholds(&before, verdict);
		verdict->start_told_before = was_told(&before, &start);
		sort(&c->now);
		r = pick_gone(v, &before, c);
	}
	destroy(&before);
	return r;
}

int changes_save(const struct changes *c, const char *path, const struct out_inputs *inputs,
		 struct out_fault *fault)
{
	json_t *object = json_object(), *told = json_array();
	struct out_file *file = &inputs->places->state;
	bool failed = false;
	int r;

	for (size_t i = 0; i < c->now.nr; i++) {
		const struct told *t = &c->now.items[i];
		json_t *one = json_object();

		json_put(one, "key", json_text(t->key), &failed);
		json_put(one, "id", json_text(t->id), &failed);
		json_put(one, "severity", json_string(meta_severity_name(t->severity)), &failed);
		json_put(one, "what", json_text(t->what), &failed);
		json_append(told, one, &failed);
	}
	json_put(object, "tool", json_string("docker_meta"), &failed);
	json_put(object, "state", json_integer(FORMAT), &failed);
	json_put(object, "root", real_root(inputs->root), &failed);
	json_put(object, "told", told, &failed);
	r = out_place_begin(file, path, inputs, fault);
	if (r) {
		json_decref(object);
		return r;
	}
	r = json_finish(object, failed, file->stream);
	if (r == -EIO)
		r = out_file_error(file);
	if (r)
		out_file_abandon(file);
	else
		r = out_file_commit(file);
	return r ? out_fault_fill(fault, r, out_file_why(r)) : 0;
}

void changes_destroy(struct changes *c)
{
	alloc_free(c->news.items);
	destroy(&c->now);
	destroy(&c->gone);
	*c = (struct changes){ 0 };
}
