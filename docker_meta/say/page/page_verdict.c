/* SPDX-License-Identifier: MIT
 * page_verdict.c: the head of the page: a light, one sentence that says it all, and some figures.
 */
#include <inttypes.h>
#include <string.h>

#include "docker_meta/docker_meta.h"
#include "docker_meta/facts/fullness.h"
#include "docker_meta/judge/verdict.h"
#include "docker_meta/say/page/page_internal.h"

enum light { GREEN, AMBER, RED };

static enum light light_of(const struct meta_view *v)
{
	static const enum light lights[] = { [META_STATUS_OK] = GREEN,
					     [META_STATUS_WARNING] = AMBER,
					     [META_STATUS_ERROR] = RED,
					     [META_STATUS_BLIND] = AMBER };

	return lights[v->verdict->status];
}

/* Which lamp is lit is told by its place and by what stands in it, not by its colour alone. */
static void put_light(FILE *out, enum light light)
{
	static const char *const signs[] = {
		[RED] = "M14 12l8 8m0-8l-8 8",
		[AMBER] = "M18 40v9m0 3.6v.4",
		[GREEN] = "M12.8 76.500l3.8 3.900 6.600-8",
	};
	static const char *const names[] = { [RED] = "red", [AMBER] = "amber", [GREEN] = "green" };

	(void)fprintf(out,
		      "<svg class=\"light\" viewBox=\"0 0 36 92\" role=\"img\" aria-label=\"%s\">"
		      "<rect class=\"case\" x=\"1\" y=\"1\" width=\"34\" height=\"90\" rx=\"11\"/>",
		      names[light]);
	for (int i = RED; i >= GREEN; i--)
		(void)fprintf(out, "<circle class=\"%s%s\" cx=\"18\" cy=\"%d\" r=\"12\"/>",
			      names[i], i == (int)light ? " lit" : "", 16 + 30 * (RED - i));
	(void)fprintf(out, "<path class=\"sign\" d=\"%s\"/></svg>\n", signs[light]);
}

/* ---- the sentence */

static void put_count(FILE *out, uint64_t nr, const char *what)
{
	(void)fprintf(out, "%" PRIu64 " %s%s", nr, what, nr == 1 ? "" : "s");
}

static void put_worst(const struct page *p, const struct meta_finding *worst)
{
	const struct meta_findings *l = p->v->findings;
	uint64_t nr_more = 0;

	for (size_t i = 0; i < l->nr; i++)
		nr_more += l->items[i].severity > META_INFO &&
			   !verdict_tolerates(p->v->verdict, &l->items[i]);
	(void)fputs("<a href=\"#", p->out);
	(void)fprintf(p->out, "%s\">%s</a>, ", worst->row->id, worst->row->id);
	put_text(p->out, worst->row->title);
	if (nr_more > 1) {
		(void)fputs(", and ", p->out);
		put_count(p->out, nr_more - 1, "more finding");
	}
}

static void put_red(const struct page *p)
{
	static const char *const what[] = {
		[STEP_OK] = "Something is broken:",
		[STEP_LOSES] = "Do not start Docker: its next start deletes or hides something:",
		[STEP_STOPS] = "Docker will not start:",
		[STEP_UNKNOWN] = "Something is broken:",
	};
	const struct meta_finding *worst = verdict_worst(p->v);

	if (p->v->devices->another_pool) {
		(void)fputs("The pool and the files are not of the same host, or not of the same "
			    "time: <a href=\"#X4\">X4</a>",
			    p->out);
		return;
	}
	if (p->v->verdict->start) {
		(void)fprintf(p->out, "%s ", what[p->v->forecast->worst]);
		put_text(p->out, p->v->verdict->start->text);
		if (worst)
			(void)fputs(". And ", p->out);
	} else {
		(void)fputs("Something is broken: ", p->out);
	}
	if (worst)
		put_worst(p, worst);
	else if (!p->v->verdict->start)
		(void)fputs("a threshold is passed", p->out);
}

static void put_amber(const struct page *p)
{
	const struct meta_finding *worst = verdict_worst(p->v);

	if (worst) {
		(void)fputs("Something wants care: ", p->out);
		put_worst(p, worst);
	} else if (!p->v->devices->pool) {
		(void)fputs("What Docker wrote is in order; the pool was not looked at", p->out);
	} else {
		(void)fputs("Something wants care: a threshold is passed, or cannot be kept",
			    p->out);
	}
}

static void put_green(const struct page *p)
{
	for (size_t i = 0; i < p->v->findings->nr; i++) {
		if (verdict_tolerates(p->v->verdict, &p->v->findings->items[i])) {
			(void)fputs("What is left over is within the thresholds, and nothing else "
				    "was found",
				    p->out);
			return;
		}
	}
	(void)fputs(p->v->devices->complete
			    ? "All is well: pool and Docker agree, and nothing is left over"
			    : "Nothing wrong was found, but not everything could be read",
		    p->out);
}

static bool pool_is_nearly_full(const struct page *p)
{
	const struct measure *m = p->v->verdict->measures;

	return (m[MEASURE_DATA].known && m[MEASURE_DATA].value > FULL_WARNING) ||
	       (m[MEASURE_METADATA].known && m[MEASURE_METADATA].value > FULL_WARNING);
}

static void put_sentence(const struct page *p, enum light light)
{
	static void (*const sentences[])(const struct page *) = {
		[RED] = put_red, [AMBER] = put_amber, [GREEN] = put_green
	};

	sentences[light](p);
	(void)fputc('.', p->out);
	if (pool_is_nearly_full(p))
		(void)fputs(" The pool is nearly full.", p->out);
}

/* ---- what lowers it */

static void put_reserves(const struct page *p)
{
	const struct pool_state *s = p->pool;

	if (s && s->reading.torn)
		(void)fputs("<p class=\"reserve\">The pool changed while it was read: what "
			    "follows mixes two states. Take it again, from a metadata snapshot."
			    "</p>\n",
			    p->out);
	if (p->v->stale)
		(void)fprintf(
			p->out,
			"<p class=\"reserve\">The metadata are older than the pool: %s. Nothing "
			"is compared with them.</p>\n",
			p->v->stale);
	if (s && s->incomplete)
		(void)fputs("<p class=\"reserve\">The pool’s metadata are damaged: of some devices "
			    "it is not known what they map.</p>\n",
			    p->out);
	if (!p->v->devices->complete)
		(void)fputs("<p class=\"reserve\">Not every place could be read where Docker may "
			    "refer to a device: nothing is called an orphan, and what rests on "
			    "that is marked unproven.</p>\n",
			    p->out);
}

/* ---- figures */

static void put_figure(FILE *out, uint64_t nr, const char *label, const char *href)
{
	const char *plural = nr == 1 || strcmp(label, "running") == 0 ? "" : "s";

	(void)fprintf(out, "<li><a href=\"#%s\"><b>%" PRIu64 "</b> %s%s</a></li>\n", href, nr,
		      label, plural);
}

static void put_figures(const struct page *p)
{
	const struct docker_state *d = p->v->devices->docker;
	const struct meta_findings *l = p->v->findings;
	uint64_t running = 0;

	for (size_t i = 0; i < d->containers.nr_containers; i++)
		running += d->containers.containers[i].running;
	(void)fputs("<ul class=\"figures\">\n", p->out);
	for (int s = META_FATAL; s >= META_INFO; s--) {
		const char *name = meta_severity_name((enum meta_severity)s);

		(void)fprintf(p->out,
			      "<li class=\"%s\"><a href=\"#findings\"><b>%" PRIu64
			      "</b> %s</a></li>\n",
			      l->nr_of[s] ? name : "none", l->nr_of[s], name);
	}
	put_figure(p->out, p->v->devices->nr, "thin device", "devices");
	put_figure(p->out, d->images.nr_images, "image", "tree");
	put_figure(p->out, d->containers.nr_containers, "container", "tree");
	put_figure(p->out, running, "running", "tree");
	if (page_left_over(p)) {
		(void)fputs("<li><a href=\"#tree\"><b>", p->out);
		put_bytes(p->out, device_table_bytes(p->v->devices, page_left_over(p)));
		(void)fputs("</b> left over</a></li>\n", p->out);
	}
	(void)fputs("</ul>\n", p->out);
}

static void put_where(const struct page *p)
{
	const struct driver_state *d = &p->v->devices->docker->driver;

	(void)fputs("<p class=\"where\"><span class=\"mono\">", p->out);
	put_text(p->out, p->v->root);
	(void)fputs("</span>", p->out);
	if (p->pool)
		(void)fprintf(p->out, "<span>pool transaction <b>%" PRIu64 "</b></span>",
			      p->pool->header.transaction_id);
	if (d->has_transaction && d->transaction_usable)
		(void)fprintf(p->out, "<span>Docker’s <b>%" PRIu64 "</b>, %s</span>",
			      d->open_transaction_id, p->v->devices->pending ? "open" : "finished");
	if (p->pool && p->pool->from_snapshot)
		(void)fputs("<span>from the metadata snapshot</span>", p->out);
	(void)fputs("</p>\n", p->out);
}

void put_verdict(const struct page *p)
{
	static const char *const classes[] = {
		[RED] = "red", [AMBER] = "amber", [GREEN] = "green"
	};
	enum light light = light_of(p->v);

	(void)fprintf(p->out, "<header class=\"verdict %s\">\n", classes[light]);
	put_light(p->out, light);
	(void)fputs("<div><h1>", p->out);
	put_sentence(p, light);
	(void)fputs("</h1>\n", p->out);
	put_where(p);
	put_reserves(p);
	put_figures(p);
	(void)fputs("</div>\n</header>\n", p->out);
}
