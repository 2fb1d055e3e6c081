/* SPDX-License-Identifier: MIT
 * cards.c: findings, a card for each row of the catalogue.
 */
#include <inttypes.h>
#include <string.h>

#include "docker_meta/say/page/page_internal.h"

static const char *plural(uint64_t nr)
{
	return nr == 1 ? "" : "s";
}

/* ---- one */

static void put_device_names(const struct page *p, const struct meta_finding *f)
{
	char owner[OWNER_SIZE], role[32];

	for (size_t i = 0; i < f->nr_devices && i < DEVICES_OF_FINDING; i++) {
		(void)fprintf(p->out, "%s<a href=\"#d%" PRIu64 "\">device %" PRIu64 "</a>",
			      i ? ", " : "", f->devices[i]->id, f->devices[i]->id);
		if (f->nr_devices > 1)
			continue;
		(void)page_role(p, f->devices[i], role);
		(void)fprintf(p->out, ", %s", role);
		if (!page_owner(p, f->devices[i], owner))
			continue;
		(void)fputs(" of <bdi>", p->out);
		put_text(p->out, owner);
		(void)fputs("</bdi>", p->out);
	}
	if (f->nr_devices > DEVICES_OF_FINDING)
		(void)fprintf(p->out, " and %zu more", f->nr_devices - DEVICES_OF_FINDING);
}

static void put_subject(const struct page *p, const struct meta_finding *f)
{
	(void)fputs("<span class=\"subject\">", p->out);
	put_device_names(p, f);
	if (f->subject.name) {
		(void)fputs(f->nr_devices ? ": <bdi>" : "<bdi>", p->out);
		put_text(p->out, f->subject.name);
		(void)fputs("</bdi>", p->out);
	} else if (!f->nr_devices) {
		(void)fputs(row_has(f->row, TRAIT_OF_POOL) ? "the pool" : "the whole", p->out);
	}
	(void)fputs("</span>", p->out);
}

static void put_finding(const struct page *p, const struct meta_finding *f, uint32_t number,
			bool open)
{
	char word[24];

	(void)fprintf(p->out,
		      "<details class=\"finding\" id=\"%s-%" PRIu32 "\"%s><summary>"
		      "<a class=\"anchor mono\" href=\"#%s-%" PRIu32 "\">%s-%" PRIu32 "</a> ",
		      f->row->id, number, open ? " open=\"open\"" : "", f->row->id, number,
		      f->row->id, number);
	put_subject(p, f);
	(void)fputs("<span class=\"end\">", p->out);
	if (f->unproven)
		(void)fputs("<span class=\"tag\">unproven</span> ", p->out);
	if (f->bytes)
		put_bytes(p->out, f->bytes);
	(void)fputs("</span></summary>\n<p class=\"evidence mono\"><bdi>", p->out);
	put_text(p->out, f->evidence.line);
	(void)fputs("</bdi></p>\n", p->out);
	if (f->nr_devices) {
		(void)snprintf(word, sizeof(word), "%" PRIu64, f->devices[0]->id);
		put_command(p, "show", word);
	}
	(void)fputs("</details>\n", p->out);
}

/* ---- those of a row, which stand together */

struct card {
	const struct meta_finding *first;
	uint32_t number; /* of the first */
	size_t nr, nr_unproven;
	uint64_t bytes;
};

static size_t gather_card(const struct page *p, size_t from, struct card *ret_card)
{
	const struct meta_findings *l = p->v->findings;
	const struct meta_finding *first = &l->items[from];
	size_t i = from;

	*ret_card = (struct card){ .first = first, .number = p->number[from] };
	/* Proven ones, then those that are not. */
	while (i < l->nr && l->items[i].row == first->row &&
	       l->items[i].severity == first->severity) {
		const struct finding_group g = meta_findings_group(l, i);

		i += g.nr;
		ret_card->nr += g.nr;
		ret_card->nr_unproven += g.first->unproven ? g.nr : 0;
		ret_card->bytes = g.bytes > UINT64_MAX - ret_card->bytes
					  ? UINT64_MAX
					  : ret_card->bytes + g.bytes;
	}
	return i;
}

static void put_card_head(const struct page *p, const struct card *c)
{
	const char *remedy = meta_finding_remedy(c->first);
	const struct meta_row *row = c->first->row;

	(void)fprintf(p->out, "<article class=\"card %s\"", meta_severity_name(c->first->severity));
	/* A row has one name, though its findings may be of two severities. */
	if (c->number == 1)
		(void)fprintf(p->out, " id=\"%s\"", row->id);
	(void)fprintf(p->out,
		      ">\n<header><span class=\"sev\">%s</span><span class=\"row mono\">%s</span>"
		      "<h3>",
		      meta_severity_name(c->first->severity), row->id);
	put_text(p->out, row->title);
	(void)fputs("</h3><span class=\"end\">", p->out);
	if (c->nr > 1)
		(void)fprintf(p->out, "<span>%zu times</span>", c->nr);
	if (c->bytes && c->nr > 1) {
		(void)fputs("<b>", p->out);
		put_bytes(p->out, c->bytes);
		(void)fputs("</b>", p->out);
	}
	(void)fputs("</span></header>\n<dl class=\"says\"><div><dt>effect</dt><dd>", p->out);
	put_text(p->out, row->predicted);
	(void)fputs("</dd></div><div><dt>fix</dt><dd>", p->out);
	if (c->nr_unproven == c->nr)
		put_text(p->out, remedy ? remedy
					: "nothing yet: something may need it all the same, and "
					  "not every place was read that would tell");
	else
		put_text(p->out, row->remedy);
	(void)fputs("</dd></div></dl>\n", p->out);
}

static void put_card(const struct page *p, const struct card *c)
{
	const bool few = c->nr == 1 || (c->nr <= 3 && c->first->severity >= META_ERROR);
	size_t left = 0;

	put_card_head(p, c);
	for (size_t i = 0; i < c->nr; i++) {
		uint32_t number = c->number + (uint32_t)i;

		if (number > FINDINGS_OF_ROW) {
			left = c->nr - i;
			break;
		}
		put_finding(p, &c->first[i], number, few);
	}
	if (left) {
		(void)fprintf(p->out,
			      "<div class=\"left\"><p>%zu more of %s are left out here.</p>", left,
			      c->first->row->id);
		put_command(p, "check", NULL);
		(void)fputs("</div>\n", p->out);
	}
	(void)fputs("</article>\n", p->out);
}

void put_findings(const struct page *p)
{
	const struct meta_findings *l = p->v->findings;
	struct card card;

	(void)fprintf(p->out, "<section id=\"findings\">\n<h2>Findings <small>%zu</small></h2>\n",
		      l->nr);
	if (!l->nr)
		(void)fprintf(p->out, "<p class=\"quiet\">None%s.</p>\n",
			      p->pool ? ": what the pool has and what Docker wrote agree"
				      : " in what Docker wrote; the pool was not looked at");
	for (size_t i = 0; i < l->nr;) {
		i = gather_card(p, i, &card);
		put_card(p, &card);
	}
	if (l->nr && l->items[0].severity > META_INFO) {
		(void)fputs(
			"<div class=\"left\"><p>How to mend all of it, as a script in which every "
			"line is a comment:</p>",
			p->out);
		put_command(p, "plan", NULL);
		(void)fputs("</div>\n", p->out);
	}
	(void)fputs("</section>\n", p->out);
}

/* ---- the next start */

void put_forecast(const struct page *p)
{
	const struct forecast *f = p->v->forecast;

	(void)fputs("<section id=\"forecast\">\n<h2>The next start of Docker</h2>\n"
		    "<ol class=\"steps\">\n",
		    p->out);
	for (size_t i = 0; i < f->nr && i < STEPS; i++) {
		const char *kind = step_kind_name(f->steps[i].kind);

		(void)fprintf(p->out, "<li class=\"%s\"><span class=\"kind\">%s</span><span><bdi>",
			      kind, kind);
		put_text(p->out, f->steps[i].text);
		(void)fputs("</bdi></span></li>\n", p->out);
	}
	(void)fputs("</ol>\n", p->out);
	if (f->nr > STEPS) {
		(void)fprintf(p->out, "<div class=\"left\"><p>%zu more step%s left out here.</p>",
			      f->nr - STEPS, plural(f->nr - STEPS));
		put_command(p, "predict", NULL);
		(void)fputs("</div>\n", p->out);
	}
	(void)fputs("</section>\n", p->out);
}
