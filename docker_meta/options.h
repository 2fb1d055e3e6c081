/* SPDX-License-Identifier: MIT
 * options.h: what the command line asks for.
 */
#ifndef DOCKER_META_OPTIONS_H
#define DOCKER_META_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/compiler.h"

enum meta_command {
	COMMAND_CHECK,
	COMMAND_LIST,
	COMMAND_TREE,
	COMMAND_DU,
	COMMAND_SHOW,
	COMMAND_BLOCK,
	COMMAND_PREDICT,
	COMMAND_PLAN,
	COMMAND_SURVIVORS,
	COMMAND_LINT,
	COMMAND_REPORT,
	NR_COMMANDS
};

enum output_form {
	OUTPUT_TEXT,
	OUTPUT_JSON,
	OUTPUT_NDJSON,
	OUTPUT_NAGIOS,
	OUTPUT_PROMETHEUS,
	OUTPUT_HTML,
	OUTPUT_DOT,
	NR_FORMS
};

enum { MAX_WORDS = 2 };

struct read_record;

/* How what is below a directory is read. */
struct safe_rules {
	bool follows; /* links to directories wherever they lead: for the user to allow */
	struct read_record *record; /* borrowed: takes what is read, and what cannot; or NULL */
};

/* Texts are borrowed from the command line; NULL: not given. */
struct docker_meta_options {
	enum meta_command command;
	const char *words[MAX_WORDS]; /* behind the command: what it is about */
	enum output_form form;

	const char *root;     /* NULL: the data-root of daemon.json, else /var/lib/docker */
	const char *metadata; /* NULL: the loop file below the root, else the active pool's */
	const char *xml;
	const char *data; /* the pool's data device, or a copy: to look into file systems */
	const char *pool; /* name of the active pool */
	const char *status, *table, *mountinfo, *proc, *daemon_json, *lvs_json;
	bool metadata_snap, reserve_snap, no_mounts, no_dm, no_lvs, no_daemon_json;

	bool lint; /* check: the host's configuration too */
	bool has_byte, has_sector, has_data_block;
	uint64_t byte, sector, data_block;
	const char *loss; /* report of thin_repair */

	const char *output, *state;
	struct safe_rules reading;      /* of what is below the root; its record is there when a
					   command runs */
	bool force;                     /* overwrite an --output FILE that is no earlier output */
	const char *warning, *critical; /* thresholds */
	const char *sort, *columns;
	bool quiet;
	bool no_sandbox;
};

/* STATUS_NONE, or the status to end with. */
must_check int docker_meta_parse(int argc, char **argv, struct docker_meta_options *ret_options);

/* "check", "list", … */
const char *meta_command_name(enum meta_command command);

/* What is of a command, besides its words and its answers (commands.c). */
enum command_trait {
	COMMAND_WANTS_POOL = 1 << 0,   /* no answer without the pool's metadata */
	COMMAND_WANTS_PLACE = 1 << 1,  /* none where nobody knows of a pool */
	COMMAND_TAKES_LOSS = 1 << 2,   /* tells what is left whatever became of the pool */
	COMMAND_READS_AGAIN = 1 << 3,  /* when it answers; a metadata snapshot is held till then */
	COMMAND_TELLS_DOUBT = 1 << 4,  /* tells itself of metadata of another pool or time */
	COMMAND_LISTS_INPUTS = 1 << 5, /* in each form */
	COMMAND_LINTS = 1 << 6,        /* also where there is nothing but a configuration */
	COMMAND_MEASURES = 1 << 7,     /* --state, --warning, --critical */
	COMMAND_HAS_COLUMNS = 1 << 8,  /* --sort, --columns */
	COMMAND_FINDS_BLOCK = 1 << 9,  /* --byte, --sector, --data-block */
};
bool meta_command_has(enum meta_command command, enum command_trait trait);

#endif
