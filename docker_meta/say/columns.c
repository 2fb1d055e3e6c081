/* SPDX-License-Identifier: MIT */
#include "docker_meta/say/columns.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/docker_meta.h"
#include "docker_meta/say/output.h"
#include "docker_meta/text/human.h"

#define NAMES "id, hash, role, owner, size, mapped, exclusive, transaction, state"

static const struct {
	const char *name, *heading;
	bool number;
} columns[NR_COLUMNS] = {
	[COLUMN_ID] = { "id", "DEVICE", true },
	[COLUMN_HASH] = { "hash", "HASH", false },
	[COLUMN_ROLE] = { "role", "ROLE", false },
	[COLUMN_OWNER] = { "owner", "OWNER", false },
	[COLUMN_SIZE] = { "size", "SIZE", true },
	[COLUMN_MAPPED] = { "mapped", "MAPPD", true },
	[COLUMN_EXCLUSIVE] = { "exclusive", "EXCL", true },
	[COLUMN_TRANSACTION] = { "transaction", "TRANS", true },
	[COLUMN_STATE] = { "state", "STATE", false },
};

const char *list_heading(enum column column)
{
	return columns[column].heading;
}

bool column_is_number(enum column column)
{
	return columns[column].number;
}

/* ---- what is asked for */

static bool take_column(const char *text, size_t nr, enum column *column)
{
	for (int i = 0; i < NR_COLUMNS; i++) {
		if (strlen(columns[i].name) == nr && !strncmp(text, columns[i].name, nr)) {
			*column = (enum column)i;
			return true;
		}
	}
	return false;
}

static int take_columns(const char *text, struct list_layout *layout)
{
	bool seen[NR_COLUMNS] = { false };

	layout->nr = 0;
	for (const char *end; text; text = *end ? end + 1 : NULL) {
		enum column column;

		end = strchrnul(text, ',');
		if (!take_column(text, (size_t)(end - text), &column))
			return tool_usage_error(&docker_meta_tool,
						"--columns: '%.*s' is none of " NAMES,
						(int)(end - text > 60 ? 60 : end - text), text);
		if (seen[column])
			return tool_usage_error(&docker_meta_tool, "--columns: %s is there twice",
						columns[column].name);
		seen[column] = true;
		layout->columns[layout->nr++] = column;
	}
	return STATUS_NONE;
}

int list_layout_parse(const struct docker_meta_options *o, struct list_layout *ret_layout)
{
	const char *sort = o->sort ? o->sort : "id";

	*ret_layout = (struct list_layout){ .nr = NR_COLUMNS };
	for (int i = 0; i < NR_COLUMNS; i++)
		ret_layout->columns[i] = (enum column)i;
	if ((o->sort || o->columns) &&
	    (!meta_command_has(o->command, COMMAND_HAS_COLUMNS) || o->form != OUTPUT_TEXT))
		return tool_usage_error(&docker_meta_tool,
					"--sort and --columns go with the text of list");
	ret_layout->downward = *sort == '-';
	sort += *sort == '-';
	if (!take_column(sort, strlen(sort), &ret_layout->sort))
		return tool_usage_error(&docker_meta_tool, "--sort: '%.60s' is none of " NAMES,
					sort);
	return o->columns ? take_columns(o->columns, ret_layout) : STATUS_NONE;
}

/* ---- order */

struct entry {
	const struct device_row *row;
	uint64_t number; /* what is known, and 1; 0: nothing is */
	char *text;      /* owned; NULL: it is a number */
};

static uint64_t known(uint64_t value)
{
	return value < UINT64_MAX ? value + 1 : UINT64_MAX;
}

static uint64_t number_of(const struct device_row *row, enum column column)
{
	switch (column) {
	case COLUMN_ID:
		return row->id;
	case COLUMN_SIZE:
		return row->record ? known(row->record->size) : 0;
	case COLUMN_MAPPED:
		return row->pool ? known(row->pool->nr_mapped) : 0;
	case COLUMN_EXCLUSIVE:
		return row->pool ? known(row->pool->nr_exclusive) : 0;
	case COLUMN_TRANSACTION:
		return row->pool ? known(row->pool->details.transaction_id) : 0;
	case COLUMN_ROLE:
		return (uint64_t)row->role << 32 | row->position;
	case COLUMN_HASH:
	case COLUMN_OWNER:
	case COLUMN_STATE:
	case NR_COLUMNS:
		break;
	}
	return 0;
}

/* Rows that are equal stay as the table has them, whichever way. */
static int compare(const void *a, const void *b, void *downward)
{
	const struct entry *ea = a, *eb = b;
	const bool *down = downward;
	int order = ea->text && eb->text ? strcmp(ea->text, eb->text)
					 : (ea->number > eb->number) - (ea->number < eb->number);

	if (order)
		return (order > 0) == *down ? -1 : 1;
	return (ea->row > eb->row) - (ea->row < eb->row);
}

static int make_entries(const struct meta_view *v, enum column sort, struct entry *entries)
{
	const bool text = sort == COLUMN_HASH || sort == COLUMN_OWNER || sort == COLUMN_STATE;

	for (size_t i = 0; i < v->devices->nr; i++) {
		const struct device_row *row = &v->devices->rows[i];

		entries[i] = (struct entry){ .row = row, .number = number_of(row, sort) };
		if (!text)
			continue;
		entries[i].text = sort == COLUMN_HASH ? alloc_string(row->hash ? row->hash : "")
						      : alloc_string(list_cell(v, row, sort).text);
		if (!entries[i].text)
			return -ENOMEM;
	}
	return 0;
}

int list_sort(const struct meta_view *v, const struct list_layout *layout,
	      const struct device_row ***ret_rows)
{
	const size_t nr = v->devices->nr;
	struct entry *entries = alloc_array(nr + 1, sizeof(*entries));
	const struct device_row **rows = alloc_array(nr + 1, sizeof(const void *));
	bool downward = layout->downward;
	int r = entries && rows ? make_entries(v, layout->sort, entries) : -ENOMEM;

	if (!r)
		qsort_r(entries, nr, sizeof(*entries), compare, &downward);
	for (size_t i = 0; i < nr && entries; i++) {
		if (!r)
			rows[i] = entries[i].row;
		alloc_free(entries[i].text);
	}
	alloc_free(entries);
	if (r) {
		alloc_free(rows);
		rows = NULL;
	}
	*ret_rows = rows;
	return r;
}

/* ---- cells */

static void say_blocks(const struct meta_view *v, uint64_t nr, struct cell *c)
{
	(void)snprintf(c->text, sizeof(c->text), "%s",
		       human_bytes(device_table_bytes(v->devices, nr)).text);
}

static void say_role(const struct device_row *row, struct cell *c)
{
	if (row->role == ROLE_LAYER && row->image)
		(void)snprintf(c->text, sizeof(c->text), "layer %" PRIu32 "/%" PRIu32,
			       row->position, row->nr_layers);
	else
		(void)snprintf(c->text, sizeof(c->text), "%s", role_name(row->role));
}

struct cell list_cell(const struct meta_view *v, const struct device_row *row, enum column column)
{
	struct cell c = { "-" };

	if (column == COLUMN_ID)
		(void)snprintf(c.text, sizeof(c.text), "%" PRIu64, row->id);
	else if (column == COLUMN_HASH && row->hash)
		(void)snprintf(c.text, sizeof(c.text), "%.12s", row->hash);
	else if (column == COLUMN_ROLE)
		say_role(row, &c);
	else if (column == COLUMN_OWNER)
		device_owner_name(v->devices, row, c.text, sizeof(c.text));
	else if (column == COLUMN_SIZE)
		(void)snprintf(c.text, sizeof(c.text), "%s",
			       row->record ? human_bytes(row->record->size).text : "?");
	else if (column == COLUMN_MAPPED && row->pool)
		say_blocks(v, row->pool->nr_mapped, &c);
	else if (column == COLUMN_EXCLUSIVE && row->pool)
		say_blocks(v, row->pool->nr_exclusive, &c);
	else if (column == COLUMN_TRANSACTION && row->pool)
		(void)snprintf(c.text, sizeof(c.text), "%" PRIu64,
			       row->pool->details.transaction_id);
	else if (column == COLUMN_STATE)
		(void)snprintf(c.text, sizeof(c.text), "%s", device_state_name(v->devices, row));
	return c;
}
