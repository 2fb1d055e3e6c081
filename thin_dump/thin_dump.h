/* SPDX-License-Identifier: MIT
 * thin_dump.h: what the command line asked for, and doing it.
 */
#ifndef THINMEND_THIN_DUMP_THIN_DUMP_H
#define THINMEND_THIN_DUMP_THIN_DUMP_H

#include "common/thin/metadata_read.h"
#include "common/tool/tool.h"

enum dump_format { FORMAT_XML, FORMAT_HUMAN };

struct thin_dump_options {
	struct read_options read; /* its dev_ids are these: */
	uint64_t *dev_ids;        /* owned: thin_dump_options_destroy() */
	size_t dev_ids_capacity;
	enum dump_format format;
	bool compress;
	bool repair;
	bool has_transaction_id;
	bool quiet;
	bool force; /* overwrite an output that is no earlier dump */
	bool no_sandbox;
	const char *input;
	const char *output; /* NULL: standard output */
};

extern const struct tool thin_dump_tool;

/* STATUS_NONE, or the status to end with.  *ret_options is to be destroyed in any case. */
must_check int thin_dump_parse(int argc, char **argv, struct thin_dump_options *ret_options);
void thin_dump_options_destroy(struct thin_dump_options *options);

/* Returns the exit status. */
must_check int thin_dump_run(const struct thin_dump_options *options);

#endif
