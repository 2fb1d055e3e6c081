/* SPDX-License-Identifier: MIT
 * steps.h: the steps of a plan, and the words of shell that they are written in.
 *
 * Names come from files that anybody may have written.  A command is made from a pattern of this
 * program's and such names, each of which is quoted; where one cannot be quoted so that people
 * recognise it, its step is refused: it gets no command at all.
 */
#ifndef DOCKER_META_ANSWERS_STEPS_H
#define DOCKER_META_ANSWERS_STEPS_H

#include "docker_meta/judge/findings.h"

/* In the order in which they are to be taken. */
enum mend_phase {
	PHASE_POOL,        /* the pool's metadata, before all else */
	PHASE_TRANSACTION, /* what the next start of dockerd would take back */
	PHASE_FILES,       /* the driver's files, and directories of Docker's */
	PHASE_SPACE,       /* a larger pool */
	PHASE_DELETE,      /* devices that nobody needs */
	PHASE_DOCKER,      /* what Docker itself mends, once it runs */
	PHASE_HAND,        /* no command can be given */
	NR_PHASES
};

/* "pool", "transaction", … */
const char *mend_phase_name(enum mend_phase phase);

struct mend_line {
	bool command; /* else a remark for people: it may hold anything */
	char *text;   /* owned */
};

struct mend_step {
	enum mend_phase phase;
	const struct meta_finding *finding; /* NULL: not of one */
	bool refused;                       /* a name in it cannot be quoted: no command */
	bool deletes;                       /* devices of the pool */
	bool messages;                      /* needs the pool to be active */
	struct mend_line *lines;            /* owned */
	size_t nr, capacity;
};

/* Putting in goes on after a failure, which is sticky. */
struct mend_steps {
	struct mend_step *items; /* owned */
	size_t nr, capacity;
	int error; /* 0 or -ENOMEM */
};

/* What follows belongs to a new step. */
void mend_step_begin(struct mend_steps *s, enum mend_phase phase,
		     const struct meta_finding *finding);
void mend_remark(struct mend_steps *s, const char *format, ...) printf_like(2, 3);

/*
 * The format is shell and knows %s and %lu (PRIu64) alone: %s is one word, quoted where it has to
 * be.  Nothing is added to a step that was refused.
 */
void mend_command(struct mend_steps *s, const char *format, ...) printf_like(2, 3);
/* Goes on with the last command. */
void mend_command_more(struct mend_steps *s, const char *format, ...) printf_like(2, 3);
bool mend_step_has_commands(const struct mend_step *step);
void mend_steps_destroy(struct mend_steps *s);

#endif
