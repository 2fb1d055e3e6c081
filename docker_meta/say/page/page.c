/* SPDX-License-Identifier: MIT
 * page.c: the document around the sections, and what all of them need.
 */
#include "docker_meta/say/page/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/tool/tool.h"
#include "docker_meta/read/digest.h"
#include "docker_meta/say/page/assets.h"
#include "docker_meta/say/page/page_internal.h"

/* ---- which findings are whose */

static size_t index_of(const struct page *p, const struct device_row *row)
{
	return (size_t)(row - p->v->devices->rows);
}

static void number_findings(struct page *p)
{
	const struct meta_findings *l = p->v->findings;
	uint32_t counts[NR_ROWS] = { 0 };

	for (size_t i = 0; i < l->nr; i++)
		p->number[i] = ++counts[meta_row_number(l->items[i].row)];
}

/* Of each device its findings, the worst first: counted, then put in their places. */
static int sort_findings(struct page *p)
{
	const struct meta_findings *l = p->v->findings;
	const size_t nr = p->v->devices->nr;
	size_t nr_pairs = 0;

	p->first = alloc_array(nr + 2, sizeof(*p->first));
	if (!p->first)
		return -ENOMEM;
	for (size_t i = 0; i < l->nr; i++) {
		for (size_t k = 0; k < l->items[i].nr_devices; k++)
			p->first[index_of(p, l->items[i].devices[k]) + 2]++;
		nr_pairs += l->items[i].nr_devices;
	}
	for (size_t i = 2; i < nr + 2; i++)
		p->first[i] += p->first[i - 1];
	p->of_device = alloc_array(nr_pairs + 1, sizeof(*p->of_device));
	if (!p->of_device)
		return -ENOMEM;
	for (size_t i = 0; i < l->nr; i++) {
		for (size_t k = 0; k < l->items[i].nr_devices; k++)
			p->of_device[p->first[index_of(p, l->items[i].devices[k]) + 1]++] =
				(uint32_t)i;
	}
	return 0;
}

static int prepare(struct page *p)
{
	int r;

	p->number = alloc_array(p->v->findings->nr + 1, sizeof(*p->number));
	r = p->number ? sort_findings(p) : -ENOMEM;
	if (!r)
		number_findings(p);
	for (size_t i = 0; p->pool && i < p->pool->nr_devices; i++) {
		if (p->pool->devices[i].nr_mapped > p->most)
			p->most = p->pool->devices[i].nr_mapped;
	}
	return r ? r : page_count_parts(p);
}

static void unprepare(struct page *p)
{
	pool_map_destroy(&p->map);
	alloc_free(p->number);
	alloc_free(p->first);
	alloc_free(p->of_device);
}

/* ---- the head: nothing is loaded, and no script runs but this one */

static unsigned int nibble(char c)
{
	return (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void put_hash_source(FILE *out, struct asset asset)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789+/";
	const struct digest d = digest_of(asset.text, asset.size);

	(void)fputs("'sha256-", out);
	/* 256 bits: 42 letters of 6, and one of 4 with two zeros behind. */
	for (size_t i = 0; i < DIGEST_HEX; i += 3) {
		unsigned int bits = nibble(d.hex[i]) << 8;

		bits |= i + 1 < DIGEST_HEX ? nibble(d.hex[i + 1]) << 4 : 0;
		bits |= i + 2 < DIGEST_HEX ? nibble(d.hex[i + 2]) : 0;
		(void)fputc(letters[bits >> 6], out);
		if (i + 2 < DIGEST_HEX)
			(void)fputc(letters[bits & 63], out);
	}
	(void)fputs("='", out);
}

static void put_policy(FILE *out)
{
	(void)fputs("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		    "base-uri 'none'; form-action 'none'; style-src ",
		    out);
	put_hash_source(out, page_style());
	(void)fputs("; script-src ", out);
	put_hash_source(out, page_script());
	(void)fputs("\"/>\n", out);
}

static void put_asset(FILE *out, const char *tag, struct asset asset)
{
	(void)fprintf(out, "<%s>", tag);
	(void)fwrite(asset.text, 1, asset.size, out);
	(void)fprintf(out, "</%s>\n", tag);
}

static void put_head(const struct page *p)
{
	(void)fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta "
		    "name=\"generator\" "
		    "content=\"docker_meta\"/>\n",
		    p->out);
	put_policy(p->out);
	(void)fputs("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
		    "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
		    "<meta name=\"referrer\" content=\"no-referrer\"/>\n"
		    "<meta name=\"generator\" content=\"docker_meta " THINMEND_VERSION "\"/>\n"
		    "<title>docker_meta: ",
		    p->out);
	put_text(p->out, p->v->root);
	(void)fputs("</title>\n", p->out);
	put_asset(p->out, "style", page_style());
	(void)fputs("</head>\n", p->out);
}

/* ---- the foot */

/* SOURCE_DATE_EPOCH makes the same page of the same things. */
static time_t time_to_tell(void)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	char *end = NULL;
	unsigned long long seconds;

	if (!epoch || *epoch < '0' || *epoch > '9')
		return time(NULL);
	errno = 0;
	seconds = strtoull(epoch, &end, 10);
	return errno || *end || seconds > INT32_MAX ? time(NULL) : (time_t)seconds;
}

static void put_time(FILE *out)
{
	time_t now = time_to_tell();
	struct tm tm = { 0 };
	char text[32] = "", machine[32] = "";

	if (!gmtime_r(&now, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) ||
	    !strftime(machine, sizeof(machine), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return;
	(void)fprintf(out, "<time datetime=\"%s\">%s</time>", machine, text);
}

static void put_masthead(const struct page *p)
{
	static const struct {
		const char *id, *name;
	} sections[] = {
		{ "findings", "Findings" }, { "forecast", "Next start" }, { "pool", "Pool" },
		{ "tree", "Lineage" },      { "devices", "Devices" },     { "inputs", "Read" },
		{ "words", "Words" },
	};

	(void)fputs("<nav aria-label=\"Sections\"><b>docker_meta</b>\n<ul>", p->out);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		(void)fprintf(p->out, "<li><a href=\"#%s\">%s</a></li>", sections[i].id,
			      sections[i].name);
	(void)fputs("</ul>\n", p->out);
	put_time(p->out);
	(void)fputs("</nav>\n", p->out);
}

static void put_foot(const struct page *p)
{
	(void)fputs("<footer>docker_meta " THINMEND_VERSION ", ", p->out);
	put_time(p->out);
	(void)fputs(". Nothing was changed. This page loads nothing from anywhere.</footer>\n",
		    p->out);
}

static int put_sections(const struct page *p)
{
	int r;

	put_verdict(p);
	put_findings(p);
	put_forecast(p);
	put_pool(p);
	r = *p->error ? *p->error : put_tree(p);
	if (r)
		return r;
	put_devices(p);
	r = put_inputs(p);
	if (r)
		return r;
	put_glossary(p);
	return *p->error;
}

int page_write(const struct meta_view *v, FILE *out)
{
	int error = 0, r;
	struct page p = { .v = v, .out = out, .pool = v->devices->pool, .error = &error };

	r = prepare(&p);
	if (!r) {
		put_head(&p);
		(void)fputs("<body>\n", out);
		put_masthead(&p);
		(void)fputs("<main>\n", out);
		r = put_sections(&p);
	}
	if (!r) {
		put_foot(&p);
		(void)fputs("</main>\n", out);
		put_asset(out, "script", page_script());
		(void)fputs("</body>\n</html>\n", out);
		r = fflush(out) || ferror(out) ? -EIO : 0;
	}
	unprepare(&p);
	return r;
}
