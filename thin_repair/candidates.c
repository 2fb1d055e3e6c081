/* SPDX-License-Identifier: MIT
 * candidates.c: the pairs of roots that are left, as a table.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/thin/salvage_candidates.h"
#include "common/tool/sandbox.h"
#include "thin_repair/thin_repair.h"

static void print(const struct candidate *c)
{
	char reused[24] = "-";

	if (c->nr_reused != UINT64_MAX)
		(void)snprintf(reused, sizeof(reused), "%" PRIu64, c->nr_reused);
	(void)printf("%12" PRIu64 " %12" PRIu64 " %11" PRIu64 " %8" PRIu32 " %8" PRIu64
		     " %11" PRIu64 " %11s%s%s\n",
		     c->mapping_root, c->details_root, c->transaction_id, c->time, c->nr_devices,
		     c->nr_mappings, reused, c->current ? "  current" : "",
		     c->damaged ? "  damaged" : "");
}

static void print_all(const struct candidate_list *list)
{
	(void)printf("%12s %12s %11s %8s %8s %11s %11s\n", "mapping-root", "details-root",
		     "transaction", "time", "devices", "mappings", "reused");
	for (size_t i = 0; i < list->nr; i++)
		print(&list->items[i]);
}

int thin_repair_list(const struct thin_repair_options *o, struct block_engine *input)
{
	struct candidate_list list;
	struct salvage_fault fault;
	int status = STATUS_OK, e;

	sandbox_enter(&(struct sandbox){ .off = o->no_sandbox });
	e = salvage_find_candidates(input, &list, &fault);
	if (e || !list.nr) {
		status = STATUS_BAD;
		if (!o->quiet)
			tool_error(&thin_repair_tool, "%s: %s", o->input,
				   *fault.text ? fault.text
				   : e         ? strerror(-e)
					       : "no whole mapping tree with whole device details "
						 "is left");
	} else {
		print_all(&list);
		if (list.nr_left_out && !o->quiet)
			tool_error(&thin_repair_tool, "%s: %" PRIu64 " pairs more", o->input,
				   list.nr_left_out);
	}
	if (list.nr_unreadable && !o->quiet)
		tool_error(&thin_repair_tool,
			   "%s: %" PRIu64 " block%s could not be read: pairs may be missing",
			   o->input, list.nr_unreadable, list.nr_unreadable == 1 ? "" : "s");
	candidate_list_destroy(&list);
	return status;
}
