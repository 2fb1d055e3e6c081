/* SPDX-License-Identifier: MIT
 * prometheus.c: a file for node_exporter's textfile collector.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/tool/tool.h"
#include "docker_meta/judge/verdict.h"
#include "docker_meta/say/output.h"

/* Families of the catalogue. */
static const char classes[] = "PTJXLCBMG";

struct exposition {
	FILE *out;
	const char *root;
};

/* In a label's value three characters are escaped; nothing else may break a line, nor be no UTF-8.
 */
static void print_label(FILE *out, const char *text)
{
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c == '\\' || c == '"')
			(void)fprintf(out, "\\%c", c);
		else if (c == '\n')
			(void)fprintf(out, "\\n");
		else
			(void)fputc(c < ' ' || c >= 0x7f ? '?' : c, out);
	}
}

static void head(const struct exposition *e, const char *name, const char *help)
{
	(void)fprintf(e->out, "# HELP docker_meta_%s %s\n# TYPE docker_meta_%s gauge\n", name, help,
		      name);
}

/* label is "" or ends with a comma. */
static void sample(const struct exposition *e, const char *name, const char *label, uint64_t value)
{
	(void)fprintf(e->out, "docker_meta_%s{%sroot=\"", name, label);
	print_label(e->out, e->root);
	(void)fprintf(e->out, "\"} %" PRIu64 "\n", value);
}

static void gauge(const struct exposition *e, const char *name, const char *help, uint64_t value)
{
	head(e, name, help);
	sample(e, name, "", value);
}

static void used_and_total(const struct exposition *e, const char *name, const char *help,
			   uint64_t used, uint64_t total)
{
	if (!total)
		return;
	head(e, name, help);
	sample(e, name, "state=\"used\",", used);
	sample(e, name, "state=\"total\",", total);
}

static void run(const struct exposition *e, bool up, int status)
{
	gauge(e, "up", "1: the pool and the state of Docker could be read.", up);
	gauge(e, "status", "Exit status: 0 fine, 1 warning, 2 error, 3 could not look.",
	      (uint64_t)status);
	gauge(e, "last_run_timestamp_seconds", "When docker_meta ran last.", (uint64_t)time(NULL));
	head(e, "build_info", "The version of docker_meta.");
	sample(e, "build_info", "version=\"" THINMEND_VERSION "\",", 1);
}

static void findings(const struct exposition *e, const struct meta_findings *l)
{
	uint64_t nr_of[META_FATAL + 1][sizeof(classes)] = { { 0 } };

	for (size_t i = 0; i < l->nr; i++) {
		const char *class = strchr(classes, l->items[i].row->id[0]);

		if (class)
			nr_of[l->items[i].severity][class - classes]++;
	}
	head(e, "findings", "Findings by severity and by family of the catalogue.");
	for (int s = META_INFO; s <= META_FATAL; s++) {
		for (size_t c = 0; classes[c]; c++) {
			char label[64];

			(void)snprintf(label, sizeof(label), "severity=\"%s\",class=\"%c\",",
				       meta_severity_name((enum meta_severity)s), classes[c]);
			sample(e, "findings", label, nr_of[s][c]);
		}
	}
}

static void devices(const struct exposition *e, const struct device_table *t)
{
	uint64_t nr_of[NR_ROLES] = { 0 };

	for (size_t i = 0; i < t->nr; i++)
		nr_of[t->rows[i].role]++;
	head(e, "devices", "Thin devices by what they are.");
	for (int i = 0; i < NR_ROLES; i++) {
		char label[64];

		(void)snprintf(label, sizeof(label), "role=\"%s\",",
			       role_name((enum device_role)i));
		sample(e, "devices", label, nr_of[i]);
	}
}

void output_prometheus(const struct meta_view *v, FILE *out)
{
	const struct exposition e = { out, v->root };
	const struct verdict *d = v->verdict;
	const struct measure *m = d->measures;

	run(&e, v->devices->pool != NULL, d->status);
	findings(&e, v->findings);
	devices(&e, v->devices);
	used_and_total(&e, "pool_data_bytes", "Data blocks of the pool.", d->data_used,
		       d->data_total);
	used_and_total(&e, "pool_metadata_bytes", "Metadata blocks of the pool.", d->metadata_used,
		       d->metadata_total);
	if (v->devices->pool)
		gauge(&e, "pool_transaction", "The pool's transaction id.",
		      v->devices->pool->header.transaction_id);
	if (m[MEASURE_ORPHANS].known)
		gauge(&e, "orphan_devices", "Orphaned devices of the pool.",
		      m[MEASURE_ORPHANS].value);
	if (m[MEASURE_ORPHAN_BYTES].known)
		gauge(&e, "orphan_exclusive_bytes",
		      "What comes back when all of these are deleted.",
		      m[MEASURE_ORPHAN_BYTES].value);
	if (v->devices->pool)
		gauge(&e, "pending_transaction",
		      "1: the next start of dockerd takes a transaction back.",
		      v->devices->pending);
	gauge(&e, "deleted_pending_devices", "Devices that wait for their deletion.",
	      m[MEASURE_DELETING].value);
}

void output_prometheus_unknown(const char *root, int status, FILE *out)
{
	const struct exposition e = { out, root };

	run(&e, false, status);
}
