/* SPDX-License-Identifier: MIT
 * block_text.c: the answer for people.
 */
#include <inttypes.h>
#include <string.h>

#include "common/tool/text_print.h"
#include "common/tool/tool.h"
#include "docker_meta/answers/block.h"
#include "docker_meta/answers/refs.h"
#include "docker_meta/text/human.h"

enum { TEXT = 700 };

/* ", bytes 1 to 2, sectors 3 to 4"; "" where that is beyond all numbers. */
static void print_range(uint64_t block, uint64_t bytes, char *text, size_t size)
{
	const uint64_t last = bytes - 1;

	*text = 0;
	if (!bytes || block > (UINT64_MAX - last) / bytes)
		return;
	(void)snprintf(text, size,
		       "bytes %" PRIu64 " to %" PRIu64 ", sectors %" PRIu64 " to %" PRIu64,
		       block * bytes, block * bytes + last, block * (bytes / 512),
		       block * (bytes / 512) + bytes / 512 - 1);
}

static void print_device(const struct block_answer *a, FILE *out)
{
	const uint64_t bytes = device_table_bytes(a->t, 1);
	char device[300], range[160], text[TEXT];

	describe_row(a->t, a->row, device, sizeof(device));
	(void)fprintf(out, "thin block %" PRIu64 " (0x%" PRIx64 ") of ", a->thin_block,
		      a->thin_block);
	text_print(out, device, strlen(device));
	(void)fputc('\n', out);
	print_range(a->thin_block, bytes, range, sizeof(range));
	if (*range) {
		(void)snprintf(text, sizeof(text), "%s of the device", range);
		print_wrapped(out, "place", text);
	}
	if (!a->has_size)
		return;
	(void)snprintf(text, sizeof(text), "%" PRIu64 " blocks of %s, 0 to %" PRIu64 "%s",
		       a->nr_blocks, human_bytes(bytes).text, a->nr_blocks ? a->nr_blocks - 1 : 0,
		       a->beyond ? ": this one is beyond the device's end" : "");
	print_wrapped(out, "size", text);
}

static void print_mapping(const struct block_answer *a, FILE *out)
{
	char range[160], text[TEXT];

	if (!a->known) {
		(void)snprintf(text, sizeof(text), "not known: %s", a->fault.text);
		print_wrapped(out, "data", text);
		return;
	}
	if (!a->mapped) {
		print_wrapped(out, "data", "nothing: no data block is mapped there");
		return;
	}
	print_range(a->data_block, device_table_bytes(a->t, 1), range, sizeof(range));
	(void)snprintf(text, sizeof(text),
		       "data block %" PRIu64 " (0x%" PRIx64 "): %s of the data device%s",
		       a->data_block, a->data_block, range,
		       block_beyond_pool(a) ? ", beyond its end" : "");
	print_wrapped(out, "data", text);
}

/* ---- by whom */

static void print_gone(const struct block_answer *a, char *text, size_t size)
{
	if (a->gone)
		(void)snprintf(text, size,
			       "; or by device %" PRIu64 ", which is in its lineage and not in "
			       "the pool",
			       a->gone->id);
	else
		*text = 0;
}

static const char *what_writer_has(const struct block_answer *a)
{
	if (a->writer_maps)
		return "; it still maps it";
	return a->users_known ? "; it does not map it any more" : "";
}

static void print_writer(const struct block_answer *a, FILE *out)
{
	char writer[300], gone[120], text[TEXT];

	if (a->writer == a->row) {
		(void)snprintf(text, sizeof(text),
			       "at time %" PRIu32 ", by the device itself, which was made at time "
			       "%" PRIu32,
			       a->time, a->row->pool->details.creation_time);
	} else if (a->writer) {
		describe_row(a->t, a->writer, writer, sizeof(writer));
		print_gone(a, gone, sizeof(gone));
		(void)snprintf(text, sizeof(text),
			       "at time %" PRIu32 ", by %s, made at time %" PRIu32
			       ", snapshotted last at %" PRIu32 "%s%s",
			       a->time, writer, a->writer->pool->details.creation_time,
			       a->writer->pool->details.snapshotted_time, what_writer_has(a), gone);
	} else if (a->lineage.circle || !lineage_fits_times(&a->lineage)) {
		(void)snprintf(text, sizeof(text),
			       "at time %" PRIu32 "; by whom is not known: Docker's lineage and "
			       "the times of the pool do not agree",
			       a->time);
	} else {
		(void)snprintf(text, sizeof(text),
			       "at time %" PRIu32 ", before any device that Docker is known to "
			       "have made this one from",
			       a->time);
	}
	print_wrapped(out, "written", text);
}

static void print_lineage(const struct block_answer *a, FILE *out)
{
	const struct lineage *l = &a->lineage;

	(void)fprintf(out, "  lineage %8s %6s %6s\n", "DEVICE", "MADE", "SNAP");
	for (size_t i = l->nr; i-- > 0;)
		print_lineage_line(a->t, l->devices[i],
				   a->mapped && l->devices[i] == a->writer ? "wrote it" : "", out);
	if (l->missing)
		print_wrapped(out, "",
			      "the one before these has no file: the lineage is longer "
			      "than this");
	if (l->nr_by_times)
		print_wrapped(out, "",
			      "in part by the pool's times: Docker does not know what it "
			      "was made from");
	if (l->circle)
		print_wrapped(out, "", "the parents lead back to where they began");
}

/* ---- with whom, and what a write does */

static void print_user(const struct block_answer *a, const struct pool_user *u, FILE *out)
{
	const struct device_row *row = device_table_find_id(a->t, u->device);

	(void)fprintf(out, "%18" PRIu64 " %10" PRIu64 " %6" PRIu32 "  ", u->device, u->thin_block,
		      u->time);
	print_column(out, write_kind_name(block_write_of(a, u)), 11);
	if (row)
		print_role_owner(a->t, row, 28, out);
	(void)fputc('\n', out);
}

static void print_users(const struct block_answer *a, FILE *out)
{
	const struct pool_users *u = &a->users;
	const char *label = a->row ? "shared" : "mapped";
	bool first = true;
	char text[TEXT];

	for (size_t i = 0; i < u->nr_users; i++) {
		if (block_is_own(a, &u->users[i]))
			continue;
		if (first)
			(void)fprintf(out, "  %-7s %8s %10s %6s  %-11s %s\n", label, "DEVICE",
				      "THIN", "TIME", "A WRITE", "WHOSE");
		print_user(a, &u->users[i], out);
		first = false;
	}
	if (!a->users_known) {
		(void)snprintf(text, sizeof(text), "who %smaps it is not all known: %s",
			       a->row || u->nr_users ? "else " : "", a->fault.text);
		print_wrapped(out, first ? label : "", text);
	} else if (first) {
		print_wrapped(out, label, a->row ? "with nobody" : "by no device");
	}
	if (a->unsafe)
		print_wrapped(out, "DANGER",
			      "several map it, and a write by one of them would go to the data "
			      "block itself: it changes what the others read. thin_check says "
			      "more; write to none of them");
	if (a->torn)
		print_wrapped(out, "torn",
			      "the pool changed while it was read: ask again, with a "
			      "metadata snapshot");
}

static void print_free(const struct block_answer *a, char *text, size_t size)
{
	uint64_t nr;

	if (!block_free(a, &nr))
		(void)snprintf(text, size, "how many are free is not known");
	else if (nr)
		(void)snprintf(text, size, "%" PRIu64 " are free", nr);
	else
		(void)snprintf(text, size, "none is free, so it waits, and fails in the end");
}

static void print_copy(const struct block_answer *a, char *text, size_t size)
{
	const bool alone = a->users_known && a->users.nr_users == 1;
	char space[80];

	print_free(a, space, sizeof(space));
	(void)snprintf(text, size,
		       "copies: the mapping is of time %" PRIu32 ", and the device %s at %" PRIu32
		       "; the %s are copied to a new data block (%s), and this device maps that "
		       "one from then on. %s. Only a write of the whole block need not copy",
		       a->time,
		       a->row->pool->details.snapshotted_time == a->row->pool->details.creation_time
			       ? "was made as a snapshot"
			       : "was snapshotted last",
		       a->row->pool->details.snapshotted_time,
		       human_bytes(device_table_bytes(a->t, 1)).text, space,
		       alone ? "Nobody else maps the old one any more, but the times decide: it is "
			       "copied all the same, and the old one becomes free"
			     : "Whoever shares the old one keeps it");
}

static void print_write(const struct block_answer *a, FILE *out)
{
	char text[TEXT], space[80];

	print_free(a, space, sizeof(space));
	switch (a->write) {
	case WRITE_FAILS:
		(void)snprintf(text, sizeof(text), "fails: %s",
			       a->beyond ? "it is beyond the device's end" : a->fault.text);
		break;
	case WRITE_ALLOCATES:
		(void)snprintf(text, sizeof(text),
			       "allocates: it gets a new data block (%s), filled with zeroes "
			       "before, unless the pool has skip_block_zeroing, as Docker's have: "
			       "then what the write leaves out shows what was there before",
			       space);
		break;
	case WRITE_COPIES:
		print_copy(a, text, sizeof(text));
		break;
	case WRITE_IN_PLACE:
		(void)snprintf(text, sizeof(text),
			       "overwrites in place: the mapping is of time %" PRIu32
			       ", and the device was last snapshotted at %" PRIu32
			       ", not after that; nothing is copied or allocated",
			       a->time, a->row->pool->details.snapshotted_time);
		break;
	case WRITE_UNKNOWN:
		(void)snprintf(text, sizeof(text), "not known");
		break;
	}
	print_wrapped(out, "write", text);
}

static const char *what_read_does(const struct block_answer *a)
{
	if (a->write == WRITE_FAILS)
		return "fails, too";
	if (!a->known)
		return "not known";
	return a->mapped ? "gives what is in that data block" : "gives zeroes; allocates nothing";
}

static void print_data_block(const struct block_answer *a, FILE *out)
{
	char range[160], text[TEXT];

	(void)fprintf(out, "data block %" PRIu64 " (0x%" PRIx64 ")\n", a->data_block,
		      a->data_block);
	print_range(a->data_block, device_table_bytes(a->t, 1), range, sizeof(range));
	if (*range) {
		(void)snprintf(text, sizeof(text), "%s of the data device", range);
		print_wrapped(out, "place", text);
	}
	if (block_beyond_pool(a)) {
		(void)snprintf(text, sizeof(text),
			       "beyond the pool's end: it has %" PRIu64 " data blocks",
			       a->t->pool->header.nr_data_blocks);
		print_wrapped(out, "size", text);
	}
	print_users(a, out);
	if (a->users_known && !a->users.nr_users && !block_beyond_pool(a))
		print_wrapped(out, "",
			      "whether the space map counts it is not looked at here: "
			      "thin_check finds blocks that are counted and not mapped");
}

int block_text(const struct meta_view *v, FILE *out, int *status)
{
	struct block_answer a;
	int said = block_find(v, &a);

	if (said != STATUS_NONE) {
		*status = said;
	} else if (!a.row) {
		print_data_block(&a, out);
		*status = block_status(&a);
	} else {
		print_device(&a, out);
		print_mapping(&a, out);
		if (a.mapped)
			print_writer(&a, out);
		print_lineage(&a, out);
		if (a.mapped)
			print_users(&a, out);
		print_wrapped(out, "read", what_read_does(&a));
		print_write(&a, out);
		*status = block_status(&a);
	}
	block_destroy(&a);
	return 0;
}
