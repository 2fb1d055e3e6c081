/* SPDX-License-Identifier: MIT */
#include "docker_meta/say/lint.h"

#include <inttypes.h>
#include <string.h>

#include "common/tool/text_print.h"
#include "docker_meta/docker_meta.h"
#include "docker_meta/say/json_parts.h"
#include "docker_meta/say/output.h"
#include "docker_meta/text/human.h"

enum { TEXT = 600 };

/* ---- findings that are lint's */

static bool is_of_lint(const struct meta_finding *f)
{
	return row_has(f->row, TRAIT_LINT);
}

static void count(const struct meta_view *v, uint64_t nr_of[META_FATAL + 1])
{
	for (size_t i = 0; i < v->findings->nr; i++) {
		if (is_of_lint(&v->findings->items[i]))
			nr_of[v->findings->items[i].severity]++;
	}
}

/* As check does, of a start that goes wrong. */
static int status_of(const struct meta_view *v, const uint64_t nr_of[META_FATAL + 1])
{
	if (nr_of[META_FATAL] || nr_of[META_ERROR] || forecast_bad_config(v->forecast))
		return META_STATUS_ERROR;
	return nr_of[META_WARNING] ? META_STATUS_WARNING : META_STATUS_OK;
}

/* ---- what was looked at */

struct looked {
	const char *kind;
	const struct config_source *source;
	char text[TEXT]; /* what was seen */
	char how[TEXT];  /* how to have it looked at; "": there is no need to */
};

static const char *look_name(enum config_look look)
{
	static const char *const names[] = { [CONFIG_NOT_LOOKED] = "not looked at",
					     [CONFIG_OTHERS] = "not looked at",
					     [CONFIG_ABSENT] = "not there",
					     [CONFIG_UNREADABLE] = "not usable",
					     [CONFIG_READ] = "read" };

	return names[look];
}

static void tell_daemon(const struct meta_view *v, struct looked *l)
{
	const struct config *c = v->config;

	l->kind = "daemon.json";
	l->source = &c->daemon;
	if (c->daemon.look == CONFIG_READ ||
	    (c->daemon.look == CONFIG_UNREADABLE && !c->daemon.why))
		(void)snprintf(l->text, TEXT, "storage-driver %.60s, %zu storage-opts%s%.100s",
			       c->driver ? c->driver : "not named", c->nr_options,
			       c->userns ? ", the data are in a directory below the data-root for "
					   "userns-remap "
					 : "",
			       c->userns ? c->userns : "");
	else if (c->daemon.look == CONFIG_OTHERS)
		(void)snprintf(l->text, TEXT,
			       "it is of this host's own Docker, and %.200s is not its "
			       "root",
			       v->root);
	else if (c->daemon.look == CONFIG_ABSENT)
		(void)snprintf(l->text, TEXT, "defaults, unless flags of dockerd's say otherwise");
	if (c->daemon.look == CONFIG_NOT_LOOKED || c->daemon.look == CONFIG_OTHERS ||
	    (c->daemon.look == CONFIG_UNREADABLE && c->daemon.why))
		(void)snprintf(l->how, TEXT,
			       "--daemon-json FILE: the file of the host that the root "
			       "is of");
}

static void tell_volume(const struct lvm_volume *p, char *text)
{
	int n = snprintf(text, TEXT, "%.60s/%.60s", p->vg ? p->vg : "", p->name);

	if (p->has_size)
		n += snprintf(text + n, (size_t)(TEXT - n), ", %s", human_bytes(p->size).text);
	if (p->has_data_percent)
		n += snprintf(text + n, (size_t)(TEXT - n), ", data %.1f%%", p->data_percent);
	if (p->has_metadata_percent)
		n += snprintf(text + n, (size_t)(TEXT - n), ", metadata %.1f%%",
			      p->metadata_percent);
	if (p->has_chunk_size)
		n += snprintf(text + n, (size_t)(TEXT - n), ", chunks of %s",
			      human_bytes(p->chunk_size).text);
	if (p->monitor && *p->monitor)
		n += snprintf(text + n, (size_t)(TEXT - n), ", %.40s", p->monitor);
	if (p->when_full && *p->when_full)
		n += snprintf(text + n, (size_t)(TEXT - n), ", when full %.20s", p->when_full);
	if (p->health && *p->health)
		n += snprintf(text + n, (size_t)(TEXT - n), ", health %.40s", p->health);
	if (p->check_needed && strstr(p->check_needed, "needed") && n < TEXT)
		(void)snprintf(text + n, (size_t)(TEXT - n), ", %.40s", p->check_needed);
}

static void tell_lvs(const struct meta_view *v, struct looked *l)
{
	const struct config *c = v->config;
	const struct lvm_volume *pool = config_pool_volume(c);

	l->kind = "lvs";
	l->source = &c->lvs;
	if (pool)
		tell_volume(pool, l->text);
	else if (c->lvs.look == CONFIG_READ)
		(void)snprintf(l->text, TEXT, "Docker's pool is not to be told among %zu volumes%s",
			       c->lvm.nr, config_thinpooldev(c) ? "" : ": --daemon-json names it");
	if (c->lvs.look != CONFIG_READ && !config_is_loop(c))
		(void)snprintf(l->how, TEXT, "%s >FILE, then --lvs-json FILE", LVS_COMMAND);
}

static void tell_autoextend(const struct config_source *source, const struct autoextend *a,
			    const char *kind, struct looked *l)
{
	l->kind = kind;
	l->source = source;
	if (source->look != CONFIG_READ)
		return;
	if (a->has_threshold)
		(void)snprintf(l->text, TEXT,
			       "autoextend threshold %" PRIu64 "%s, percent %" PRIu64, a->threshold,
			       a->threshold < 50 ? ", for which LVM takes 50" : "",
			       a->has_percent ? a->percent : 20);
	else
		(void)snprintf(l->text, TEXT, "no autoextend threshold: the default, 100, is off");
}

static void tell_sysconfig(const struct meta_view *v, struct looked *l)
{
	const struct config *c = v->config;

	l->kind = "flags";
	l->source = &c->sysconfig;
	if (c->sysconfig.look == CONFIG_READ)
		(void)snprintf(l->text, TEXT, "--storage-driver %s, --storage-opt %s",
			       c->has_driver_flag ? "given" : "not given",
			       c->has_option_flag ? "given" : "not given");
	else
		(void)snprintf(l->how, TEXT,
			       "what dockerd gets as flags: "
			       "systemctl cat docker");
}

static void tell_kernel(const struct meta_view *v, struct looked *l)
{
	const struct config *c = v->config;

	l->kind = "kernel";
	l->source = &c->kernel;
	if (c->kernel_major)
		(void)snprintf(l->text, TEXT, "%" PRIu64 ".%" PRIu64, c->kernel_major,
			       c->kernel_minor);
	else
		(void)snprintf(l->how, TEXT, "the host's own /proc: --proc DIR");
}

enum { LOOKED = 6 };

static void tell_all(const struct meta_view *v, struct looked all[LOOKED])
{
	const struct config *c = v->config;

	memset(all, 0, LOOKED * sizeof(*all));
	tell_daemon(v, &all[0]);
	tell_sysconfig(v, &all[1]);
	tell_lvs(v, &all[2]);
	tell_autoextend(&c->profile, &c->by_profile, "profile", &all[3]);
	tell_autoextend(&c->lvm_conf, &c->by_lvm_conf, "lvm", &all[4]);
	tell_kernel(v, &all[5]);
}

/* ---- readiness */

struct readiness {
	const char *engine, *state; /* "ready", … */
	char text[TEXT];
};

static void judge_23(const struct config *c, struct readiness *r)
{
	r->engine = "23, 24";
	r->state = c->driver ? "ready" : c->has_daemon ? "not ready" : "not known";
	if (c->driver)
		(void)snprintf(r->text, TEXT, "storage-driver is in daemon.json");
	else if (c->has_daemon)
		(void)snprintf(r->text, TEXT,
			       "put \"storage-driver\": \"devicemapper\" into "
			       "daemon.json first");
	else
		(void)snprintf(r->text, TEXT,
			       "not known: daemon.json was not looked at, and must name "
			       "the storage driver");
}

static void judge_25(const struct config *c, struct readiness *r)
{
	r->engine = "25";
	r->state = config_is_devicemapper(c) ? "not ready" : "ready";
	(void)snprintf(r->text, TEXT, "%s",
		       !config_is_devicemapper(c)
			       ? "the storage driver is another one"
			       : "it has no devicemapper: save or push images, export what "
				 "containers hold, before; they are not seen afterwards");
}

static void judge(const struct meta_view *v, struct readiness all[2])
{
	memset(all, 0, 2 * sizeof(*all));
	judge_23(v->config, &all[0]);
	judge_25(v->config, &all[1]);
}

/* ---- text */

static void print_looked(const struct meta_view *v, FILE *out)
{
	struct looked all[LOOKED];
	char text[3 * TEXT];

	tell_all(v, all);
	(void)fprintf(out, "\nlooked at\n");
	for (int i = 0; i < LOOKED; i++) {
		const struct config_source *s = all[i].source;

		if (s->look == CONFIG_NOT_LOOKED && !*all[i].how)
			continue;
		(void)snprintf(text, sizeof(text), "%s%s%s%s%s%s%s%s%s", look_name(s->look),
			       s->path ? ": " : "", s->path ? s->path : "",
			       *all[i].text ? ": " : "", all[i].text, s->why ? ": " : "",
			       s->why ? s->why : "", *all[i].how ? "; " : "", all[i].how);
		print_wrapped(out, all[i].kind, text);
	}
}

static void print_options(const struct meta_view *v, FILE *out)
{
	const struct dm_settings *s = &v->config->dm;
	bool any = false;

	for (int i = 0; i < NR_DM_OPTIONS; i++) {
		const struct dm_option *o = dm_option((enum dm_option_id)i);
		char text[TEXT];

		if (!s->texts[i])
			continue;
		if (!any)
			(void)fprintf(out, "\noptions\n");
		any = true;
		(void)snprintf(text, sizeof(text), "%s=%.100s: %s; Docker %s to 24, default %s",
			       o->name, s->texts[i], o->what, o->since, o->default_value);
		print_wrapped(out, s->refused[i] ? "refused" : "", text);
	}
}

static void print_readiness(const struct meta_view *v, FILE *out)
{
	struct readiness all[2];

	judge(v, all);
	(void)fprintf(out, "\nupgrade of the engine\n");
	for (int i = 0; i < 2; i++) {
		char text[2 * TEXT];

		(void)snprintf(text, sizeof(text), "%s: %s", all[i].state, all[i].text);
		print_wrapped(out, all[i].engine, text);
	}
}

int lint_text(const struct meta_view *v, FILE *out, int *status)
{
	uint64_t nr_of[META_FATAL + 1] = { 0 };
	int r = 0;

	count(v, nr_of);
	*status = status_of(v, nr_of);
	if (v->options->quiet && *status == META_STATUS_OK)
		return 0;
	(void)fprintf(out, "docker_meta: ");
	text_print(out, v->root, strlen(v->root));
	(void)fputc('\n', out);
	print_looked(v, out);
	print_options(v, out);
	output_start(forecast_bad_config(v->forecast), out);
	for (size_t i = 0; i < v->findings->nr && !r;) {
		const struct finding_group g = meta_findings_group(v->findings, i);

		if (is_of_lint(g.first))
			r = output_findings(v, &g, out);
		i += g.nr;
	}
	if (r)
		return r;
	print_readiness(v, out);
	output_counts(nr_of, out);
	return 0;
}

/* ---- JSON */

static json_t *looked_json(const struct meta_view *v, bool *failed)
{
	json_t *array = json_array();
	struct looked all[LOOKED];

	tell_all(v, all);
	for (int i = 0; i < LOOKED; i++) {
		json_t *object = json_object();

		json_put(object, "kind", json_string(all[i].kind), failed);
		json_put(object, "path", json_text(all[i].source->path), failed);
		json_put(object, "look", json_string(look_name(all[i].source->look)), failed);
		json_put(object, "text", json_text(*all[i].text ? all[i].text : all[i].source->why),
			 failed);
		json_put(object, "how", json_text(*all[i].how ? all[i].how : NULL), failed);
		json_append(array, object, failed);
	}
	return array;
}

static json_t *options_json(const struct meta_view *v, bool *failed)
{
	const struct dm_settings *s = &v->config->dm;
	json_t *object = json_object();

	for (int i = 0; i < NR_DM_OPTIONS; i++) {
		if (s->texts[i])
			json_put(object, dm_option((enum dm_option_id)i)->name,
				 json_text(s->texts[i]), failed);
	}
	return object;
}

static json_t *findings_json(const struct meta_view *v, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < v->findings->nr; i++) {
		if (is_of_lint(&v->findings->items[i]))
			json_append(array, json_of_finding(&v->findings->items[i], failed), failed);
	}
	return array;
}

static json_t *readiness_json(const struct meta_view *v, bool *failed)
{
	json_t *array = json_array();
	struct readiness all[2];

	judge(v, all);
	for (int i = 0; i < 2; i++) {
		json_t *object = json_object();

		json_put(object, "engine", json_string(all[i].engine), failed);
		json_put(object, "state", json_string(all[i].state), failed);
		json_put(object, "text", json_string(all[i].text), failed);
		json_append(array, object, failed);
	}
	return array;
}

int lint_json(const struct meta_view *v, FILE *out, int *status)
{
	const struct step *start = forecast_bad_config(v->forecast);
	uint64_t nr_of[META_FATAL + 1] = { 0 };
	json_t *object, *summary;
	bool failed = false;

	count(v, nr_of);
	*status = status_of(v, nr_of);
	if (v->options->quiet && *status == META_STATUS_OK)
		return 0;
	object = json_object();
	summary = json_object();
	for (int s = META_INFO; s <= META_FATAL; s++)
		json_put(summary, meta_severity_name((enum meta_severity)s), json_number(nr_of[s]),
			 &failed);
	json_put_head(object, v, &failed);
	json_put(object, "live", json_boolean(v->config->live), &failed);
	json_put(object, "looked_at", looked_json(v, &failed), &failed);
	json_put(object, "options", options_json(v, &failed), &failed);
	json_put(object, "findings", findings_json(v, &failed), &failed);
	json_put(object, "start", start ? json_text(start->text) : json_null(), &failed);
	json_put(object, "readiness", readiness_json(v, &failed), &failed);
	json_put(object, "summary", summary, &failed);
	return json_finish(object, failed, out);
}
