/* SPDX-License-Identifier: MIT */
#include "common/pool/dmsetup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/number.h"
#include "common/thin/superblock.h"

enum {
	MAX_LINE = 16384, /* other targets may have long ones */
	MAX_WORDS = 64,   /* no target of ours has more than 20 */
};

struct words {
	char line[MAX_LINE]; /* with zeros between the words */
	const char *name;
	const char *word[MAX_WORDS]; /* behind the name */
	unsigned int nr, at;
	bool too_many;
	struct dmsetup_fault *fault;
};

static void set_text(struct dmsetup_fault *fault, const char *format, ...) printf_like(2, 3);

static void set_text(struct dmsetup_fault *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
}

/* An expression, so that every analyser sees the value. */
#define wrong(...) (set_text(__VA_ARGS__), -EINVAL)

/* ---- words */

/* A name may have colons, but dmsetup writes no blank in one: ": " ends it. */
static int take_name(struct words *w, char **p)
{
	char *colon = strstr(*p, ": ");
	size_t bytes = strlen(*p);

	/* A device without a table is a name alone. */
	if (!colon && bytes && (*p)[bytes - 1] == ':')
		colon = *p + bytes - 1;
	w->name = "";
	if (!colon)
		return 0;
	*colon = '\0';
	if (colon == *p || strlen(*p) > DMSETUP_MAX_NAME || strpbrk(*p, " \t"))
		return wrong(w->fault, "'%.40s' is no name", *p);
	w->name = *p;
	*p = colon + 1;
	return 0;
}

static void split(struct words *w, char *p)
{
	w->nr = w->at = 0;
	w->too_many = false;
	for (;;) {
		p += strspn(p, " ");
		if (!*p)
			return;
		if (w->nr == MAX_WORDS) {
			w->too_many = true;
			return;
		}
		w->word[w->nr++] = p;
		p += strcspn(p, " ");
		if (*p)
			*p++ = '\0';
	}
}

static int split_line(struct words *w, const char *line, size_t bytes)
{
	char *p = w->line;
	int r;

	*w->fault = (struct dmsetup_fault){ "" };
	if (bytes && line[bytes - 1] == '\n')
		bytes--;
	if (bytes >= MAX_LINE)
		return wrong(w->fault, "the line has %zu bytes", bytes);
	for (size_t i = 0; i < bytes; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			return wrong(w->fault, "byte %zu is no text", i + 1);
		p[i] = line[i];
	}
	p[bytes] = '\0';
	r = take_name(w, &p);
	if (!r)
		split(w, p);
	return r;
}

static const char *next_word(struct words *w)
{
	return w->at < w->nr ? w->word[w->at++] : NULL;
}

static int take_word(struct words *w, const char *what, const char **ret)
{
	*ret = next_word(w);
	return *ret ? 0 : wrong(w->fault, "it ends before the %s", what);
}

static int take_number(struct words *w, const char *what, uint64_t max, uint64_t *ret)
{
	const char *word;
	int r = take_word(w, what, &word);

	if (r)
		return r;
	if (!parse_u64(word, ret) || *ret > max)
		return wrong(w->fault, "'%.40s' is no %s", word, what);
	return 0;
}

/* USED/TOTAL */
static int take_pair(struct words *w, const char *what, uint64_t *ret_used, uint64_t *ret_total)
{
	const char *word, *slash;
	char used[24] = "";
	int r = take_word(w, what, &word);

	if (r)
		return r;
	slash = strchr(word, '/');
	if (!slash || (size_t)(slash - word) >= sizeof(used))
		return wrong(w->fault, "'%.40s' is no %s", word, what);
	memcpy(used, word, (size_t)(slash - word));
	if (!parse_u64(used, ret_used) || !parse_u64(slash + 1, ret_total) ||
	    *ret_used > *ret_total)
		return wrong(w->fault, "'%.40s' is no %s", word, what);
	return 0;
}

/* One of nr words; its number. */
static int take_choice(struct words *w, const char *what, const char *const *choices,
		       unsigned int nr, unsigned int *ret)
{
	const char *word;
	int r = take_word(w, what, &word);

	if (r)
		return r;
	for (*ret = 0; *ret < nr; ++*ret) {
		if (!strcmp(word, choices[*ret]))
			return 0;
	}
	return wrong(w->fault, "'%.40s' is no %s", word, what);
}

static int take_end(const struct words *w)
{
	if (w->too_many)
		return wrong(w->fault, "more than %d words", MAX_WORDS);
	return w->at == w->nr ? 0 : wrong(w->fault, "'%.40s' is too much", w->word[w->at]);
}

/* `BEGIN LENGTH TARGET`, as every line has it.  -ENOENT for one without. */
static int take_start(struct words *w, uint64_t *ret_begin, uint64_t *ret_length,
		      const char **ret_target)
{
	int r;

	*ret_begin = *ret_length = 0;
	if (!w->nr)
		return -ENOENT;
	r = take_number(w, "first sector", UINT64_MAX, ret_begin);
	if (!r)
		r = take_number(w, "number of sectors", UINT64_MAX - *ret_begin, ret_length);
	if (!r)
		r = take_word(w, "target", ret_target);
	return r;
}

/* What dmsetup prints where there is nothing to print. */
static bool says_no_devices(const char *line, size_t bytes)
{
	static const char text[] = "No devices found";

	return bytes >= sizeof(text) - 1 && !memcmp(line, text, sizeof(text) - 1) &&
	       (bytes == sizeof(text) - 1 || (bytes == sizeof(text) && line[bytes - 1] == '\n'));
}

/* ---- status */

static int take_held_root(struct words *w, struct pool_status *s)
{
	if (w->at < w->nr && !strcmp(w->word[w->at], "-")) {
		w->at++;
		return 0;
	}
	return take_number(w, "metadata snapshot", METADATA_MAX_BLOCKS, &s->held_root);
}

static int take_flags(struct words *w, struct pool_status *s)
{
	static const char *const modes[] = { "rw", "ro", "out_of_data_space" };
	static const char *const discards[] = { "discard_passdown", "no_discard_passdown",
						"ignore_discard" };
	static const char *const waits[] = { "queue_if_no_space", "error_if_no_space" };
	static const char *const checks[] = { "-", "needs_check" };
	unsigned int mode = 0, discard = 0, wait = 0, check = 0;
	int r = take_choice(w, "mode", modes, ARRAY_SIZE(modes), &mode);

	if (!r)
		r = take_choice(w, "way to discard", discards, ARRAY_SIZE(discards), &discard);
	if (!r)
		r = take_choice(w, "policy for a full pool", waits, ARRAY_SIZE(waits), &wait);
	if (r)
		return r;
	s->mode = (enum pool_mode)mode;
	s->discard = (enum pool_discard)discard;
	s->error_if_no_space = wait == 1;
	s->has_needs_check = w->at < w->nr;
	if (!s->has_needs_check)
		return 0;
	r = take_choice(w, "needs_check flag", checks, ARRAY_SIZE(checks), &check);
	s->needs_check = check == 1;
	s->has_low_water = w->at < w->nr;
	if (!r && s->has_low_water)
		r = take_number(w, "low water mark", UINT64_MAX, &s->metadata_low_water);
	return r;
}

static int take_figures(struct words *w, struct pool_status *s)
{
	int r = take_number(w, "transaction id", UINT64_MAX, &s->transaction_id);

	if (!r)
		r = take_pair(w, "use of metadata blocks", &s->used_metadata, &s->total_metadata);
	if (!r)
		r = take_pair(w, "use of data blocks", &s->used_data, &s->total_data);
	if (!r)
		r = take_held_root(w, s);
	return r ? r : take_flags(w, s);
}

static int parse_status(struct words *w, struct pool_status *s)
{
	const char *target = "", *word;
	int r = take_start(w, &s->begin, &s->length, &target);

	if (r)
		return r;
	if (strcmp(target, "thin-pool") != 0)
		return -ENOENT;
	word = w->at < w->nr ? w->word[w->at] : "";
	if (!strcmp(word, "Fail"))
		s->health = POOL_IS_FAILED;
	else if (!strcmp(word, "Error"))
		s->health = POOL_IS_IN_ERROR;
	if (s->health == POOL_IS_WELL)
		r = take_figures(w, s);
	else
		w->at++;
	(void)snprintf(s->name, sizeof(s->name), "%s", w->name);
	return r ? r : take_end(w);
}

int pool_status_parse(const char *line, size_t bytes, struct pool_status *ret_status,
		      struct dmsetup_fault *ret_fault)
{
	struct words w = { .fault = ret_fault };
	int r;

	*ret_status = (struct pool_status){ .health = POOL_IS_WELL };
	*ret_fault = (struct dmsetup_fault){ "" };
	if (says_no_devices(line, bytes))
		return -ENOENT;
	r = split_line(&w, line, bytes);
	if (!r)
		r = parse_status(&w, ret_status);
	if (r)
		*ret_status = (struct pool_status){ .health = POOL_IS_WELL };
	return r;
}

/* ---- tables */

static int take_device(struct words *w, const char *what, char **ret)
{
	const char *word;
	int r = take_word(w, what, &word);

	if (r)
		return r;
	*ret = alloc_string(word);
	return *ret ? 0 : -ENOMEM;
}

static void note_feature(struct dm_thin_pool *p, const char *feature)
{
	if (!strcmp(feature, "skip_block_zeroing"))
		p->skip_block_zeroing = true;
	else if (!strcmp(feature, "ignore_discard"))
		p->discard = POOL_DISCARD_IGNORE;
	else if (!strcmp(feature, "no_discard_passdown"))
		p->discard = POOL_DISCARD_NO_PASSDOWN;
	else if (!strcmp(feature, "read_only"))
		p->read_only = true;
	else if (!strcmp(feature, "error_if_no_space"))
		p->error_if_no_space = true;
	else
		p->nr_unknown_features++;
}

static int take_features(struct words *w, struct dm_thin_pool *p)
{
	uint64_t nr = 0;
	const char *feature = "";
	int r = 0;

	if (w->at < w->nr)
		r = take_number(w, "number of features", MAX_WORDS, &nr);
	while (!r && nr--) {
		r = take_word(w, "last feature", &feature);
		if (!r)
			note_feature(p, feature);
	}
	return r;
}

static int take_thin_pool(struct words *w, struct dm_thin_pool *p)
{
	uint64_t size = 0;
	int r = take_device(w, "metadata device", &p->metadata);

	if (!r)
		r = take_device(w, "data device", &p->data);
	if (!r)
		r = take_number(w, "data block size", DATA_BLOCK_SIZE_MAX, &size);
	if (!r && !data_block_size_valid(size))
		r = wrong(w->fault, "%llu sectors are no data block size",
			  (unsigned long long)size);
	p->data_block_size = (uint32_t)size;
	if (!r)
		r = take_number(w, "low water mark", UINT64_MAX, &p->low_water);
	return r ? r : take_features(w, p);
}

static int take_thin(struct words *w, struct dm_thin *t)
{
	int r = take_device(w, "pool", &t->pool);

	if (!r)
		r = take_number(w, "device id", MAX_DEV_ID, &t->device_id);
	if (!r && w->at < w->nr)
		r = take_device(w, "external origin", &t->external_origin);
	return r;
}

static void destroy_target(struct dm_target *t)
{
	if (t->kind == DM_THIN_POOL) {
		alloc_free(t->thin_pool.metadata);
		alloc_free(t->thin_pool.data);
	} else {
		alloc_free(t->thin.pool);
		alloc_free(t->thin.external_origin);
	}
}

/* 0, -ENOENT: another target or none; -EINVAL or -ENOMEM.  *t may be destroyed in any case. */
static int parse_target(struct words *w, struct pool_table *table, struct dm_target *t)
{
	const char *target = "";
	int r = take_start(w, &t->begin, &t->length, &target);

	if (r)
		return r;
	if (!strcmp(target, "thin-pool")) {
		t->kind = DM_THIN_POOL;
		r = take_thin_pool(w, &t->thin_pool);
	} else if (!strcmp(target, "thin")) {
		t->kind = DM_THIN;
		r = take_thin(w, &t->thin);
	} else {
		table->nr_others++;
		return -ENOENT;
	}
	(void)snprintf(t->name, sizeof(t->name), "%s", w->name);
	return r ? r : take_end(w);
}

static int add_target(struct pool_table *table, const struct dm_target *t)
{
	struct dm_target *grown =
		alloc_grow(table->targets, &table->capacity, table->nr_targets, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	table->targets = grown;
	grown[table->nr_targets++] = *t;
	return 0;
}

static int add_fault(struct pool_table *table, uint64_t line, const struct dmsetup_fault *fault)
{
	struct pool_table_fault *grown;

	table->nr_faults++;
	if (table->nr_faults_kept == POOL_TABLE_MAX_FAULTS)
		return 0;
	grown = alloc_grow(table->faults, &table->faults_capacity, table->nr_faults_kept,
			   sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	table->faults = grown;
	grown[table->nr_faults_kept++] = (struct pool_table_fault){ line, *fault };
	return 0;
}

static int parse_line(struct pool_table *table, const char *line, size_t bytes, uint64_t number)
{
	struct dm_target t = { .line = number, .kind = DM_THIN_POOL };
	struct dmsetup_fault fault;
	struct words w = { .fault = &fault };
	int r;

	if (says_no_devices(line, bytes))
		return 0;
	r = split_line(&w, line, bytes);
	if (!r)
		r = parse_target(&w, table, &t);
	if (!r)
		r = add_target(table, &t);
	if (!r)
		return 0;
	destroy_target(&t);
	if (r == -EINVAL)
		return add_fault(table, number, &fault);
	return r == -ENOENT ? 0 : r;
}

int pool_table_parse(const char *text, size_t bytes, struct pool_table *ret_table)
{
	const char *end = text + bytes;
	uint64_t number = 0;
	int r = 0;

	*ret_table = (struct pool_table){ 0 };
	while (text < end && !r) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *next = newline ? newline + 1 : end;

		r = parse_line(ret_table, text, (size_t)(next - text), ++number);
		text = next;
	}
	return r;
}

void pool_table_destroy(struct pool_table *t)
{
	for (size_t i = 0; i < t->nr_targets; i++)
		destroy_target(&t->targets[i]);
	alloc_free(t->targets);
	alloc_free(t->faults);
	*t = (struct pool_table){ 0 };
}
