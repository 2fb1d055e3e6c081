/* SPDX-License-Identifier: MIT
 * device_rows.c: every device: the first as rows of a table, all of them for the script.
 *
 * The script builds the same rows that stand here; a test compares them.
 */
#include <inttypes.h>
#include <string.h>

#include "docker_meta/say/page/page_internal.h"

static size_t index_of(const struct page *p, const struct device_row *row)
{
	return (size_t)(row - p->v->devices->rows);
}

/* Two files may name one device, and an anchor is there once. */
static bool is_first_of_id(const struct page *p, const struct device_row *row)
{
	return row == p->v->devices->rows || row[-1].id != row->id;
}

/* A finding that is on the page has a name of its own there, others have that of their row. */
static void put_finding_name(const struct page *p, uint32_t finding)
{
	const struct meta_finding *f = &p->v->findings->items[finding];
	uint32_t number = p->number[finding];

	(void)fputs(f->row->id, p->out);
	if (number <= FINDINGS_OF_ROW)
		(void)fprintf(p->out, "-%" PRIu32, number);
}

/* ---- HTML */

static void put_number_cell(FILE *out, bool known, uint64_t number)
{
	if (known)
		(void)fprintf(out, "<td class=\"num\">%" PRIu64 "</td>", number);
	else
		(void)fputs("<td class=\"num\">–</td>", out);
}

static void put_bytes_cell(FILE *out, bool known, uint64_t bytes)
{
	(void)fputs("<td class=\"num\">", out);
	if (known)
		put_bytes(out, bytes);
	else
		(void)fputs("–", out);
	(void)fputs("</td>", out);
}

static void put_finding_links(const struct page *p, size_t index)
{
	size_t begin = p->first[index], end = p->first[index + 1], shown = begin;

	for (; shown < end && shown - begin < FINDINGS_OF_DEVICE; shown++) {
		const struct meta_finding *f = &p->v->findings->items[p->of_device[shown]];

		(void)fprintf(p->out, "%s<a href=\"#", shown > begin ? " " : "");
		put_finding_name(p, p->of_device[shown]);
		(void)fprintf(p->out, "\">%s</a>", f->row->id);
	}
	if (shown < end)
		(void)fprintf(p->out, " +%zu", end - shown);
}

static void put_row(const struct page *p, const struct device_row *row)
{
	const struct pool_device *d = row->pool;
	char owner[OWNER_SIZE], role[32];
	const char *plain_role = page_role(p, row, role);

	(void)page_owner(p, row, owner);
	(void)fputs("<tr", p->out);
	if (is_first_of_id(p, row))
		(void)fprintf(p->out, " id=\"d%" PRIu64 "\"", row->id);
	(void)fprintf(p->out, "><td class=\"num\">%" PRIu64 "</td>", row->id);
	(void)fputs("<td class=\"mono\" title=\"", p->out);
	put_text(p->out, row->hash ? row->hash : "");
	(void)fputs("\">", p->out);
	put_hash(p->out, row->hash);
	(void)fprintf(p->out, "</td><td class=\"role-%s\">%s</td><td class=\"name\"><bdi>",
		      plain_role, role);
	put_text(p->out, owner);
	(void)fputs("</bdi></td>", p->out);
	put_bytes_cell(p->out, row->record != NULL, row->record ? row->record->size : 0);
	put_bytes_cell(p->out, d != NULL, d ? device_table_bytes(p->v->devices, d->nr_mapped) : 0);
	put_bytes_cell(p->out, d != NULL,
		       d ? device_table_bytes(p->v->devices, d->nr_exclusive) : 0);
	(void)fputs("<td>", p->out);
	put_bar(p, d);
	(void)fputs("</td>", p->out);
	put_number_cell(p->out, d != NULL, d ? d->details.transaction_id : 0);
	(void)fprintf(p->out, "<td>%s</td><td>", device_state_name(p->v->devices, row));
	put_finding_links(p, index_of(p, row));
	(void)fputs("</td></tr>\n", p->out);
}

/* ---- JSON: [id, hash, role, role's name, owner, size, mapped, exclusive, transaction, state,
 * [findings]] */

static void put_json_number(FILE *out, bool known, uint64_t number)
{
	if (known)
		(void)fprintf(out, ",%" PRIu64, number);
	else
		(void)fputs(",null", out);
}

static void put_json_row(const struct page *p, const struct device_row *row)
{
	const struct pool_device *d = row->pool;
	const size_t begin = p->first[index_of(p, row)], end = p->first[index_of(p, row) + 1];
	char owner[OWNER_SIZE], role[32];
	const char *plain_role = page_role(p, row, role);

	(void)page_owner(p, row, owner);
	(void)fprintf(p->out, "[%" PRIu64 ",", row->id);
	put_json_text(p->out, row->hash);
	(void)fprintf(p->out, ",\"%s\",\"%s\",", role, plain_role);
	put_json_text(p->out, owner);
	put_json_number(p->out, row->record != NULL, row->record ? row->record->size : 0);
	put_json_number(p->out, d != NULL, d ? d->nr_mapped : 0);
	put_json_number(p->out, d != NULL, d ? d->nr_exclusive : 0);
	put_json_number(p->out, d != NULL, d ? d->details.transaction_id : 0);
	(void)fprintf(p->out, ",\"%s\",[", device_state_name(p->v->devices, row));
	for (size_t i = begin; i < end && i - begin < FINDINGS_OF_DEVICE; i++) {
		(void)fputs(i > begin ? ",\"" : "\"", p->out);
		put_finding_name(p, p->of_device[i]);
		(void)fputc('"', p->out);
	}
	if (end - begin > FINDINGS_OF_DEVICE)
		(void)fprintf(p->out, ",\"+%zu\"", end - begin - FINDINGS_OF_DEVICE);
	(void)fputs("]]", p->out);
}

static void put_json(const struct page *p)
{
	const struct device_table *t = p->v->devices;

	(void)fprintf(p->out,
		      "<script type=\"application/json\" id=\"rows\">{\"block\":%" PRIu64
		      ",\"most\":%" PRIu64 ",\"page\":%d,\"rows\":[\n",
		      device_table_bytes(p->v->devices, 1), p->most, FIRST_ROWS);
	for (size_t i = 0; i < t->nr; i++) {
		put_json_row(p, &t->rows[i]);
		(void)fputs(i + 1 < t->nr ? ",\n" : "\n", p->out);
	}
	(void)fputs("]}</script>\n", p->out);
}

/* ---- the table */

static void put_head(FILE *out)
{
	static const struct {
		const char *label, *class, *help;
	} columns[] = {
		{ "device", "num", "its number in the pool" },
		{ "hash", "", "its name in Docker’s files" },
		{ "role", "", "" },
		{ "owner", "", "" },
		{ "size", "num", "what its file system may have" },
		{ "mapped", "num", "data blocks that it has, its own and shared ones" },
		{ "exclusive", "num", "data blocks that no other device has" },
		{ "", "", "dark: exclusive; light: mapped" },
		{ "made in", "num", "the pool’s transaction" },
		{ "state", "", "" },
		{ "findings", "", "" },
	};

	(void)fputs("<thead><tr>", out);
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		(void)fputs("<th scope=\"col\"", out);
		if (*columns[i].class)
			(void)fprintf(out, " class=\"%s\"", columns[i].class);
		if (*columns[i].help)
			(void)fprintf(out, " title=\"%s\"", columns[i].help);
		(void)fprintf(out, ">%s</th>", columns[i].label);
	}
	(void)fputs("</tr></thead>\n", out);
}

void put_devices(const struct page *p)
{
	const struct device_table *t = p->v->devices;

	(void)fprintf(p->out,
		      "<section id=\"devices\">\n<h2>Devices <small>%zu</small></h2>\n"
		      "<div class=\"tools\" id=\"tools\" hidden=\"hidden\"></div>\n"
		      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
		      "aria-label=\"Table of devices\">\n<table class=\"devices\" id=\"table\">\n",
		      t->nr);
	put_head(p->out);
	(void)fputs("<tbody>\n", p->out);
	for (size_t i = 0; i < t->nr && i < FIRST_ROWS; i++)
		put_row(p, &t->rows[i]);
	(void)fputs("</tbody></table></div>\n", p->out);
	if (t->nr > FIRST_ROWS) {
		(void)fprintf(p->out,
			      "<div class=\"left\" id=\"left\"><p>These are the first %d of %zu; "
			      "with script all of them can be seen here.</p>",
			      FIRST_ROWS, t->nr);
		put_command(p, "list", NULL);
		(void)fputs("</div>\n", p->out);
	}
	put_json(p);
	(void)fputs("</section>\n", p->out);
}
