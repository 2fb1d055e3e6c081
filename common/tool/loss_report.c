/* SPDX-License-Identifier: MIT */
#include "common/tool/loss_report.h"

#include <inttypes.h>

#include "common/base/report.h"

enum { MAX_SHOWN = 10 };

static uint64_t nr_lost(const struct salvaged_device *d)
{
	if (d->nr_expected == UINT64_MAX || d->nr_expected <= d->nr_mappings)
		return 0;
	return d->nr_expected - d->nr_mappings;
}

/* Some of them, or the details, are not current. */
static bool has_more(const struct salvaged_device *d)
{
	return d->nr_expected != UINT64_MAX && d->nr_mappings > d->nr_expected;
}

struct loss_totals loss_totals(const struct salvage_result *result)
{
	struct loss_totals t = { .anything_lost = result->nr_losses || result->nr_dropped ||
						  result->nr_homeless || result->older ||
						  result->contradicts_itself };

	for (size_t i = 0; i < result->nr_devices; i++) {
		const struct salvaged_device *d = &result->devices[i];

		t.nr_mappings += d->nr_mappings;
		t.nr_lost += nr_lost(d);
		t.nr_devices_hit += nr_lost(d) != 0;
		t.nr_devices_over += has_more(d);
	}
	t.anything_lost |= t.nr_lost || t.nr_devices_over;
	return t;
}

static void print_range(const struct salvage_loss *loss, char *text, size_t size)
{
	if (loss->end == RANGE_OPEN && !loss->begin)
		(void)snprintf(text, size, "all thin blocks");
	else if (loss->end == RANGE_OPEN)
		(void)snprintf(text, size, "thin blocks %" PRIu64 " and above", loss->begin);
	else
		(void)snprintf(text, size, "thin blocks %" PRIu64 " to %" PRIu64, loss->begin,
			       loss->end - 1);
}

static void print_loss(const struct tool *tool, const char *input, const struct salvage_loss *loss)
{
	char range[80], where[40] = "", whose[40] = "of several devices";

	print_range(loss, range, sizeof(range));
	if (loss->block != NO_BLOCK)
		(void)snprintf(where, sizeof(where), "block %" PRIu64 ": ", loss->block);
	if (loss->device != NO_DEVICE)
		(void)snprintf(whose, sizeof(whose), "of device %" PRIu64, loss->device);
	tool_error(tool, "%s: lost: %swhat there was of %s %s", input, where, range, whose);
}

static void print_hit_devices(const struct tool *tool, const char *input,
			      const struct salvage_result *result)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < result->nr_devices; i++) {
		const struct salvaged_device *d = &result->devices[i];

		if (nr_lost(d) && nr++ < MAX_SHOWN)
			tool_error(tool,
				   "%s: device %" PRIu64 ": %" PRIu64 " of %" PRIu64
				   " mappings kept, %" PRIu64 " lost",
				   input, d->id, d->nr_mappings, d->nr_expected, nr_lost(d));
		else if (has_more(d) && nr++ < MAX_SHOWN)
			tool_error(tool,
				   "%s: device %" PRIu64 ": %" PRIu64
				   " mappings, but its details say %" PRIu64
				   ": one of these is not current",
				   input, d->id, d->nr_mappings, d->nr_expected);
	}
	if (nr > MAX_SHOWN)
		tool_error(tool, "%s: … and %" PRIu64 " devices more; --report lists them", input,
			   nr - MAX_SHOWN);
}

static void print_found_again(const struct tool *tool, const char *input,
			      const struct salvage_result *result)
{
	uint64_t nr_trees = 0, nr_details = 0, nr_undecided = 0;

	for (size_t i = 0; i < result->nr_devices; i++) {
		nr_trees += result->devices[i].matched_root;
		nr_details += result->devices[i].rebuilt_details;
		nr_undecided += result->devices[i].undecided;
	}
	if (nr_undecided)
		tool_error(tool,
			   "%s: nobody can tell which tree is whose of %" PRIu64
			   " devices: they have what these trees agree on (--aggressive guesses)",
			   input, nr_undecided);
	if (nr_trees)
		tool_error(tool,
			   "%s: which mapping tree is whose was lost; those of %" PRIu64
			   " devices were told by their mappings, times and sharing",
			   input, nr_trees);
	if (nr_details)
		tool_error(tool,
			   "%s: the details of %" PRIu64
			   " devices were lost; they are as if created and snapshotted now",
			   input, nr_details);
}

static void print_circumstances(const struct tool *tool, const char *input,
				const struct salvage_result *result)
{
	if (result->kept_transaction_id)
		tool_error(tool, "%s: --transaction-id is below what is there, which stays", input);
	if (result->kept_nr_data_blocks)
		tool_error(tool, "%s: --nr-data-blocks is below what is there, which stays", input);
	if (result->older)
		tool_error(tool,
			   "%s: this is an EARLIER commit (mapping root %" PRIu64
			   ", details root %" PRIu64
			   "): data blocks that were reused since hold other data now",
			   input, result->mapping_root, result->details_root);
	if (result->nr_guessed)
		tool_error(tool,
			   "%s: %" PRIu64 " nodes were put where they most likely belong: a guess",
			   input, result->nr_guessed);
	if (result->nr_stale)
		tool_error(
			tool,
			"%s: %" PRIu64
			" blocks are whole but older than the last commit, a write of theirs was "
			"lost; they were left out",
			input, result->nr_stale);
	if (result->nr_raised)
		tool_error(tool,
			   "%s: by their details %" PRIu64
			   " devices would overwrite what others have too; their snapshotted_time "
			   "is now the pool's, which protects it",
			   input, result->nr_raised);
	if (result->superblock_found_out && !result->older)
		tool_error(tool,
			   "%s: the superblock was lost; the newest commit was found by its space "
			   "map.  Compare what is there before it is used",
			   input);
	if (result->nr_data_blocks_lost)
		tool_error(tool,
			   "%s: the number of data blocks was lost: it is now what mappings need; "
			   "--nr-data-blocks gives another",
			   input);
	if (result->nr_gone)
		tool_error(
			tool,
			"%s: %" PRIu64
			" devices that the details do not know and whose trees are not in use any "
			"more were left out",
			input, result->nr_gone);
	if (result->nr_strays)
		tool_error(tool, "%s: %" PRIu64 " blocks stood in the wrong place", input,
			   result->nr_strays);
	if (result->nr_unreadable)
		tool_error(tool, "%s: %" PRIu64 " block%s could not be read", input,
			   result->nr_unreadable, result->nr_unreadable == 1 ? "" : "s");
	if (result->nr_adopted)
		tool_error(tool,
			   "%s: %" PRIu64
			   " nodes that nothing led to any more were put back into their trees",
			   input, result->nr_adopted);
	if (result->nr_homeless)
		tool_error(tool,
			   "%s: %" PRIu64 " pieces of mapping trees with %" PRIu64
			   " mappings belong to nobody that is known, and were left out",
			   input, result->nr_homeless, result->nr_homeless_mappings);
	if (result->nr_dropped)
		tool_error(tool, "%s: %" PRIu64 " single mappings could not be and were left out",
			   input, result->nr_dropped);
}

void loss_report_text(const struct tool *tool, const char *input,
		      const struct salvage_result *result)
{
	struct loss_totals t = loss_totals(result);

	print_circumstances(tool, input, result);
	for (size_t i = 0; i < result->nr_losses && i < MAX_SHOWN; i++)
		print_loss(tool, input, &result->losses[i]);
	if (result->nr_losses > MAX_SHOWN)
		tool_error(tool, "%s: … and %zu places more; --report lists them", input,
			   result->nr_losses - MAX_SHOWN);
	print_hit_devices(tool, input, result);
	print_found_again(tool, input, result);
	if (t.nr_lost)
		tool_error(tool,
			   "%s: %zu devices, %" PRIu64 " mappings saved; %" PRIu64
			   " mappings of %" PRIu64 " devices are lost",
			   input, result->nr_devices, t.nr_mappings, t.nr_lost, t.nr_devices_hit);
	else if (t.anything_lost)
		tool_error(tool,
			   "%s: %zu devices, %" PRIu64
			   " mappings saved; how many are lost cannot be told",
			   input, result->nr_devices, t.nr_mappings);
	else if (result->nr_raised)
		tool_error(tool, "%s: %zu devices, %" PRIu64 " mappings; no mapping was lost",
			   input, result->nr_devices, t.nr_mappings);
	else
		tool_error(tool, "%s: %zu devices, %" PRIu64 " mappings; nothing was lost", input,
			   result->nr_devices, t.nr_mappings);
}
