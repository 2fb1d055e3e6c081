/* SPDX-License-Identifier: MIT
 * script.h: the fixed parts of a plan: what its commands go through, and how it ends.
 */
#ifndef DOCKER_META_ANSWERS_SCRIPT_H
#define DOCKER_META_ANSWERS_SCRIPT_H

/* Lines of shell, NULL behind the last. */
extern const char *const script_guards[]; /* functions */
extern const char *const script_backup[]; /* copies of all that may be changed */
extern const char *const script_dump[];  /* the pool as it is now: what devices are compared with */
extern const char *const script_again[]; /* look once more */

#endif
