/* SPDX-License-Identifier: MIT
 * bolt_walk.c: every entry of a database, depth first, without recursion.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/bitset.h"
#include "docker_meta/source/docker/bolt_internal.h"

enum {
	ELEMENT_BYTES = 16,
	BUCKET_HEADER = 16,
	PAGE_BRANCH = 1,
	PAGE_LEAF = 2,
	ELEMENT_IS_BUCKET = 1,
	FIRST_PAGE = 2, /* behind the meta pages */
};

/* A page with those that belong to it, or one that stands in a value; and how far it was walked. */
struct level {
	uint64_t page;
	const uint8_t *at;
	size_t bytes;
	bool leaf;
	unsigned int depth; /* in buckets */
	uint32_t nr, next;  /* elements */
	size_t end; /* where the data of the one before ends: there those of the next begin */
	struct bolt_bytes low, high; /* all keys are in [low, high); empty: open */
};

struct element {
	uint32_t flags; /* of a leaf */
	uint64_t child; /* of a branch */
	uint64_t begin; /* of the key, behind which the value stands */
	uint64_t key_bytes, value_bytes;
};

struct walk {
	const struct bolt *b;
	bolt_entry_fn fn;
	void *context;
	struct bolt_fault *fault;
	struct bitset visited; /* pages */
	uint64_t budget;       /* what a file of this size can hold, in elements */
	struct level levels[BOLT_MAX_LEVELS];
	uint32_t nr_levels;
	struct bolt_bytes last[BOLT_MAX_LEVELS]; /* the last key, of each depth */
};

static int compare(struct bolt_bytes a, struct bolt_bytes b)
{
	int order = memcmp(a.at, b.at, a.nr < b.nr ? a.nr : b.nr);

	return order ? order : (a.nr > b.nr) - (a.nr < b.nr);
}

static struct element decode_element(const struct level *l, uint32_t i)
{
	size_t offset = BOLT_PAGE_HEADER + (size_t)i * ELEMENT_BYTES;
	const uint8_t *p = l->at + offset;

	if (l->leaf)
		return (struct element){ .flags = bolt_u32(p),
					 .begin = (uint64_t)offset + bolt_u32(p + 4),
					 .key_bytes = bolt_u32(p + 8),
					 .value_bytes = bolt_u32(p + 12) };
	return (struct element){ .begin = (uint64_t)offset + bolt_u32(p),
				 .key_bytes = bolt_u32(p + 4),
				 .child = bolt_u64(p + 8) };
}

static uint64_t element_end(const struct element *e)
{
	return e->begin + e->key_bytes + e->value_bytes;
}

static struct bolt_bytes key_of(const struct level *l, const struct element *e)
{
	return (struct bolt_bytes){ l->at + e->begin, (size_t)e->key_bytes };
}

/* ---- entering a page */

/* How many bytes its elements take.  What the header claims may be others' pages if it is damaged.
 */
static size_t used_bytes(const struct level *l)
{
	uint64_t used = l->end;

	for (uint32_t i = 0; i < l->nr; i++) {
		struct element e = decode_element(l, i);

		if (element_end(&e) > used && element_end(&e) <= l->bytes)
			used = element_end(&e);
	}
	return (size_t)used;
}

/* Overlapping values could lead to the same inlined pages without end. */
static bool spend(struct walk *w, uint64_t page, uint64_t cost)
{
	if (cost > w->budget) {
		bolt_fault_add(w->fault, page, "more is in it than the file has room for");
		return false;
	}
	w->budget -= cost;
	return true;
}

static bool claim(struct walk *w, const struct level *l)
{
	uint64_t nr = (used_bytes(l) + w->b->meta.page_size - 1) / w->b->meta.page_size;

	if (bitset_test(&w->visited, l->page)) {
		bolt_fault_add(w->fault, l->page, "more than one pointer leads to it");
		return false;
	}
	bitset_set(&w->visited, l->page);
	if (!spend(w, l->page, nr))
		return false;
	for (uint64_t page = l->page + 1; page < l->page + nr; page++) {
		if (bitset_test(&w->visited, page)) {
			bolt_fault_add(w->fault, l->page, "it overlaps with page %" PRIu64, page);
			return false;
		}
	}
	for (uint64_t page = l->page + 1; page < l->page + nr; page++)
		bitset_set(&w->visited, page);
	return true;
}

/* Header and room; *l has its place, its depth, and its limits. */
static bool decode_page(struct walk *w, struct level *l)
{
	uint32_t kind = bolt_u32(l->at + 8) & 0xffff;

	if (kind != PAGE_LEAF && kind != PAGE_BRANCH) {
		bolt_fault_add(w->fault, l->page, "neither leaf nor branch: kind %" PRIu32, kind);
		return false;
	}
	l->leaf = kind == PAGE_LEAF;
	l->nr = bolt_u32(l->at + 8) >> 16;
	l->end = BOLT_PAGE_HEADER + (size_t)l->nr * ELEMENT_BYTES;
	if (l->end > l->bytes) {
		bolt_fault_add(w->fault, l->page, "%" PRIu32 " elements in %zu bytes", l->nr,
			       l->bytes);
		return false;
	}
	return spend(w, l->page, 1 + (uint64_t)l->nr);
}

static void push(struct walk *w, const struct level *l)
{
	if (w->nr_levels < BOLT_MAX_LEVELS)
		w->levels[w->nr_levels++] = *l;
	else
		bolt_fault_add(w->fault, l->page, "more than %u levels", BOLT_MAX_LEVELS);
}

/* l has depth and limits.  is_root: of a bucket, whose only leaf may be empty. */
static void enter_page(struct walk *w, struct level *l, uint64_t page, bool is_root)
{
	const struct bolt *b = w->b;
	uint64_t page_size = b->meta.page_size, nr_pages = b->nr_bytes / page_size;
	uint64_t overflow, id;

	l->page = page;
	if (page < FIRST_PAGE || page >= b->meta.nr_pages) {
		bolt_fault_add(w->fault, page, "there is no such page: %" PRIu64 " are in use",
			       b->meta.nr_pages);
		return;
	}
	if (page >= nr_pages) {
		bolt_fault_add(w->fault, page, "the file ends after %" PRIu64 " pages", nr_pages);
		return;
	}
	l->at = b->bytes + page * page_size;
	id = bolt_u64(l->at);
	overflow = bolt_u32(l->at + 12);
	if (id != page) {
		bolt_fault_add(w->fault, page, "it says that it is page %" PRIu64, id);
		return;
	}
	if (overflow >= nr_pages - page) {
		bolt_fault_add(w->fault, page, "it needs %" PRIu64 " pages, and the file ends",
			       overflow + 1);
		overflow = nr_pages - page - 1;
	}
	l->bytes = (size_t)((overflow + 1) * page_size);
	if (!decode_page(w, l) || !claim(w, l))
		return;
	if (!l->nr && !(is_root && l->leaf))
		bolt_fault_add(w->fault, page, "it is empty");
	push(w, l);
}

/* A bucket's value is the page of its root, a sequence number, and where that page is 0, itself. */
static void enter_bucket(struct walk *w, const struct level *around, struct bolt_bytes value)
{
	struct level l = { .page = around->page, .depth = around->depth + 1 };
	uint64_t root;

	if (value.nr < BUCKET_HEADER) {
		bolt_fault_add(w->fault, l.page, "a bucket of %zu bytes", value.nr);
		return;
	}
	/* Each bucket is a level at least, so that its depth is below BOLT_MAX_LEVELS here. */
	if (l.depth < BOLT_MAX_LEVELS)
		w->last[l.depth] = (struct bolt_bytes){ .nr = 0 };
	root = bolt_u64(value.at);
	if (root) {
		enter_page(w, &l, root, true);
		return;
	}
	l.at = value.at + BUCKET_HEADER;
	l.bytes = value.nr - BUCKET_HEADER;
	if (l.bytes < BOLT_PAGE_HEADER)
		bolt_fault_add(w->fault, l.page, "a bucket of %zu bytes", value.nr);
	else if (!decode_page(w, &l))
		return;
	else if (!l.leaf)
		bolt_fault_add(w->fault, l.page, "a branch inside of a value");
	else
		push(w, &l);
}

/* ---- elements */

/* False when its bytes are not there. */
static bool take_element(struct walk *w, struct level *l, struct element *ret)
{
	uint32_t i = l->next++;
	struct element e = decode_element(l, i);

	if (element_end(&e) > l->bytes) {
		bolt_fault_add(w->fault, l->page, "element %" PRIu32 " reaches out of it", i);
		return false;
	}
	/* bbolt leaves no gap: a length that is wrong shows here. */
	if (e.begin != l->end)
		bolt_fault_add(w->fault, l->page,
			       "element %" PRIu32 " does not stand behind the one before it", i);
	if (!e.key_bytes)
		bolt_fault_add(w->fault, l->page, "element %" PRIu32 " has no key", i);
	l->end = (size_t)element_end(&e);
	*ret = e;
	return true;
}

static void check_limits(struct walk *w, const struct level *l, struct bolt_bytes key)
{
	if ((l->low.nr && compare(key, l->low) < 0) || (l->high.nr && compare(key, l->high) >= 0))
		bolt_fault_add(w->fault, l->page,
			       "the key of element %" PRIu32 " does not belong there", l->next - 1);
}

static int step_leaf(struct walk *w, struct level *l)
{
	struct bolt_entry entry = { .depth = l->depth, .page = l->page };
	struct bolt_bytes value, *last = &w->last[l->depth];
	struct element e;
	int r;

	if (!take_element(w, l, &e))
		return 0;
	entry.key = key_of(l, &e);
	entry.is_bucket = e.flags & ELEMENT_IS_BUCKET;
	value = (struct bolt_bytes){ entry.key.at + entry.key.nr, (size_t)e.value_bytes };
	if (!entry.is_bucket)
		entry.value = value;
	check_limits(w, l, entry.key);
	if (last->nr && compare(entry.key, *last) <= 0)
		bolt_fault_add(w->fault, l->page, "element %" PRIu32 ": the keys are not in order",
			       l->next - 1);
	*last = entry.key;
	if (e.flags & ~(uint32_t)ELEMENT_IS_BUCKET)
		bolt_fault_add(w->fault, l->page, "element %" PRIu32 ": unknown flags",
			       l->next - 1);
	r = w->fn(w->context, &entry);
	if (!r && entry.is_bucket)
		enter_bucket(w, l, value);
	return r;
}

static void step_branch(struct walk *w, struct level *l)
{
	struct level below = { .depth = l->depth, .high = l->high };
	struct element e, next;

	if (!take_element(w, l, &e))
		return;
	below.low = key_of(l, &e);
	check_limits(w, l, below.low);
	if (l->next < l->nr) {
		next = decode_element(l, l->next);
		if (element_end(&next) <= l->bytes)
			below.high = key_of(l, &next);
		if (below.high.nr && compare(below.low, below.high) >= 0)
			bolt_fault_add(w->fault, l->page,
				       "element %" PRIu32 ": the keys are not in order", l->next);
	}
	enter_page(w, &below, e.child, false);
}

int bolt_walk(const struct bolt *b, bolt_entry_fn fn, void *context, struct bolt_fault *fault)
{
	struct walk w = { .b = b, .fn = fn, .context = context, .fault = fault };
	struct level root = { .depth = 0 };
	int r = bitset_init(&w.visited, b->nr_bytes / b->meta.page_size);

	if (r)
		return r;
	w.budget = b->nr_bytes / ELEMENT_BYTES;
	enter_page(&w, &root, b->meta.root, true);
	while (!r && w.nr_levels) {
		struct level *l = &w.levels[w.nr_levels - 1];

		if (l->next == l->nr)
			w.nr_levels--;
		else if (l->leaf)
			r = step_leaf(&w, l);
		else
			step_branch(&w, l);
	}
	bitset_destroy(&w.visited);
	return r;
}
