/* SPDX-License-Identifier: MIT
 * page_pieces.c: what several sections say.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/say/page/page_internal.h"
#include "docker_meta/text/shell.h"

/* A name that was cut must not end within a character. */
static void drop_cut_character(char *text, size_t size)
{
	size_t nr = strlen(text), tail = 0;

	if (nr + 1 < size)
		return;
	while (tail < 4 && tail < nr && ((unsigned char)text[nr - 1 - tail] & 0xc0) == 0x80)
		tail++;
	if (tail < nr && (unsigned char)text[nr - 1 - tail] >= 0xc0)
		text[nr - 1 - tail] = '\0';
}

bool page_owner(const struct page *p, const struct device_row *row, char text[OWNER_SIZE])
{
	device_owner_name(p->v->devices, row, text, OWNER_SIZE);
	drop_cut_character(text, OWNER_SIZE);
	if (!strcmp(text, "-"))
		*text = '\0';
	return *text != '\0';
}

bool page_is_unproven(const struct page *p, const struct device_row *row)
{
	const struct device_table *t = p->v->devices;
	const size_t index = (size_t)(row - t->rows);

	if (!t->complete || t->another_pool)
		return true;
	/* Another file names it, too. */
	if ((index && row[-1].id == row->id) || (index + 1 < t->nr && row[1].id == row->id))
		return true;
	for (size_t i = p->first[index]; i < p->first[index + 1]; i++) {
		if (p->v->findings->items[p->of_device[i]].unproven)
			return true;
	}
	return false;
}

enum set_kind page_set_kind(const struct page *p, const struct device_set *set)
{
	if (set->kind != SET_LEFT && set->kind != SET_UNUSED && set->kind != SET_ORPHANS)
		return set->kind;
	for (size_t i = 0; i < set->nr_rows; i++) {
		if (page_is_unproven(p, set->rows[i]))
			return SET_UNPROVEN;
	}
	return set->kind;
}

const char *page_role(const struct page *p, const struct device_row *row, char text[32])
{
	enum device_role role = row->role;

	if (role == ROLE_ORPHAN && page_is_unproven(p, row))
		role = ROLE_UNPROVEN;
	if (role == ROLE_LAYER && row->image)
		(void)snprintf(text, 32, "layer %" PRIu32 "/%" PRIu32, row->position,
			       row->nr_layers);
	else
		(void)snprintf(text, 32, "%s", role_name(role));
	return role_name(role);
}

void put_hash(FILE *out, const char *hash)
{
	char digits[HEX_NAME + 1];

	if (!hash)
		return;
	(void)snprintf(digits, sizeof(digits), "%s", hash);
	if (!is_hex_name(digits)) {
		put_text(out, hash);
		return;
	}
	(void)fprintf(out, "%.12s", digits);
	put_text(out, hash + HEX_NAME);
}

void put_bar(const struct page *p, const struct pool_device *d)
{
	(void)fputs("<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" "
		    "aria-hidden=\"true\">",
		    p->out);
	if (d)
		(void)fprintf(p->out,
			      "<rect class=\"m\" width=\"%u\" height=\"8\"/>"
			      "<rect class=\"x\" width=\"%u\" height=\"8\"/>",
			      page_share(d->nr_mapped, p->most, 100),
			      page_share(d->nr_exclusive, p->most, 100));
	(void)fputs("</svg>", p->out);
}

/* ---- commands */

static void put_shell_word(const struct page *p, const char *text)
{
	char *word = shell_word(text);

	if (word)
		put_text(p->out, word);
	else
		*p->error = -ENOMEM;
	alloc_free(word);
}

void put_command(const struct page *p, const char *command, const char *word)
{
	const struct docker_meta_options *o = p->v->options;

	(void)fputs("<div class=\"command\"><code>docker_meta -r ", p->out);
	put_shell_word(p, p->v->root);
	if (o->xml || o->metadata) {
		(void)fputs(o->xml ? " --xml " : " --metadata ", p->out);
		put_shell_word(p, o->xml ? o->xml : o->metadata);
	}
	if (o->metadata_snap)
		(void)fputs(" --metadata-snap", p->out);
	(void)fprintf(p->out, " %s", command);
	if (word) {
		(void)fputc(' ', p->out);
		put_shell_word(p, word);
	}
	(void)fputs("</code></div>\n", p->out);
}
