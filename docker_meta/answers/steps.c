/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/steps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/text/shell.h"

const char *mend_phase_name(enum mend_phase phase)
{
	static const char *const names[NR_PHASES] = {
		[PHASE_POOL] = "pool",     [PHASE_TRANSACTION] = "transaction",
		[PHASE_FILES] = "files",   [PHASE_SPACE] = "space",
		[PHASE_DELETE] = "delete", [PHASE_DOCKER] = "docker",
		[PHASE_HAND] = "by hand",
	};

	return names[phase];
}

/* ---- a command */

struct text {
	char *bytes; /* owned */
	size_t nr, capacity;
};

static int append(struct text *t, const char *from, size_t n)
{
	char *bytes = t->bytes;

	if (t->capacity < t->nr + n + 1)
		bytes = alloc_grow(t->bytes, &t->capacity, t->nr + n, 1);
	if (!bytes)
		return -ENOMEM;
	t->bytes = bytes;
	memcpy(bytes + t->nr, from, n);
	t->nr += n;
	bytes[t->nr] = '\0';
	return 0;
}

static int append_word(struct text *t, const char *word)
{
	char *quoted;
	int r = shell_quote(word, &quoted);

	if (!r)
		r = append(t, quoted, strlen(quoted));
	alloc_free(quoted);
	return r;
}

static int append_number(struct text *t, uint64_t number)
{
	char digits[24] = "";

	(void)snprintf(digits, sizeof(digits), "%" PRIu64, number);
	return append(t, digits, strlen(digits));
}

static int vcommand(struct text *t, const char *format, va_list args) printf_like(2, 0);

static int vcommand(struct text *t, const char *format, va_list args)
{
	int r = 0;

	while (*format && !r) {
		size_t n = strcspn(format, "%");

		r = append(t, format, n);
		format += n;
		if (r || !*format)
			break;
		if (format[1] == 's') {
			r = append_word(t, va_arg(args, const char *));
			format += 2;
		} else if (!strncmp(format, "%" PRIu64, strlen("%" PRIu64))) {
			r = append_number(t, va_arg(args, uint64_t));
			format += strlen("%" PRIu64);
		} else {
			r = append(t, format + 1, 1);
			format += 1 + (format[1] != '\0');
		}
	}
	return r;
}

/* ---- steps */

void mend_step_begin(struct mend_steps *s, enum mend_phase phase,
		     const struct meta_finding *finding)
{
	struct mend_step *grown = alloc_grow(s->items, &s->capacity, s->nr, sizeof(*grown));

	if (!grown) {
		s->error = -ENOMEM;
		return;
	}
	s->items = grown;
	grown[s->nr++] = (struct mend_step){ .phase = phase, .finding = finding };
}

/* Takes text over; NULL: there was no memory for it. */
static void add_line(struct mend_steps *s, bool command, char *text)
{
	struct mend_step *last = s->error ? NULL : &s->items[s->nr - 1];
	struct mend_line *grown =
		last && text ? alloc_grow(last->lines, &last->capacity, last->nr, sizeof(*grown))
			     : NULL;

	if (!grown) {
		s->error = -ENOMEM;
		alloc_free(text);
		return;
	}
	last->lines = grown;
	grown[last->nr++] = (struct mend_line){ command, text };
}

void mend_remark(struct mend_steps *s, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = alloc_vprintf(format, args);
	va_end(args);
	add_line(s, false, text);
}

/* What is half a step may be worse than none. */
static void refuse(struct mend_steps *s)
{
	struct mend_step *last = &s->items[s->nr - 1];
	size_t nr = 0;

	last->refused = true;
	last->deletes = last->messages = false;
	for (size_t i = 0; i < last->nr; i++) {
		if (last->lines[i].command)
			alloc_free(last->lines[i].text);
		else
			last->lines[nr++] = last->lines[i];
	}
	last->nr = nr;
	mend_remark(s, "No command is given: a name in it is no plain text, or too long.");
}

/* Of a new line, or of the last one. */
static void add_command(struct mend_steps *s, bool more, const char *format, va_list args)
	printf_like(3, 0);

static void add_command(struct mend_steps *s, bool more, const char *format, va_list args)
{
	struct mend_step *step = s->error ? NULL : &s->items[s->nr - 1];
	struct text t = { 0 };
	int r = 0;

	if (!step || step->refused)
		return;
	if (more && step->nr)
		r = append(&t, step->lines[step->nr - 1].text,
			   strlen(step->lines[step->nr - 1].text));
	if (!r)
		r = vcommand(&t, format, args);
	if (!r && more && step->nr)
		alloc_free(step->lines[--step->nr].text);
	if (!r) {
		add_line(s, true, t.bytes);
		return;
	}
	alloc_free(t.bytes);
	if (r == -ENOMEM)
		s->error = r;
	else
		refuse(s);
}

void mend_command(struct mend_steps *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_command(s, false, format, args);
	va_end(args);
}

void mend_command_more(struct mend_steps *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_command(s, true, format, args);
	va_end(args);
}

bool mend_step_has_commands(const struct mend_step *step)
{
	for (size_t i = 0; i < step->nr; i++) {
		if (step->lines[i].command)
			return true;
	}
	return false;
}

void mend_steps_destroy(struct mend_steps *s)
{
	for (size_t i = 0; i < s->nr; i++) {
		for (size_t n = 0; n < s->items[i].nr; n++)
			alloc_free(s->items[i].lines[n].text);
		alloc_free(s->items[i].lines);
	}
	alloc_free(s->items);
	*s = (struct mend_steps){ 0 };
}
