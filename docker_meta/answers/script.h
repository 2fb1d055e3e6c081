/* SPDX-License-Identifier: MIT
 * script.h: the fixed parts of a plan, which are files of shell in script/.
 */
#ifndef DOCKER_META_ANSWERS_SCRIPT_H
#define DOCKER_META_ANSWERS_SCRIPT_H

#include <stdbool.h>

#include "docker_meta/text/embed.h"

enum script_part {
	SCRIPT_GUARDS, /* functions that commands go through */
	SCRIPT_BACKUP, /* copies of all that may be changed */
	SCRIPT_DUMP,   /* the pool as it is now: what devices are compared with */
	SCRIPT_AGAIN   /* look once more */
};

/* Lines of shell, each with its end. */
struct asset script_part(enum script_part part);

/* Takes the next line, without its end, out of rest; false: there is none. */
bool script_next_line(struct asset *rest, struct asset *ret_line);

#endif
