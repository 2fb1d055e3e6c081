/* SPDX-License-Identifier: MIT */
#include "tests/support/bolt_image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/alloc.h"

#define FAIL(...) (fprintf(stderr, __VA_ARGS__), abort())

enum { HEADER = 16, ELEMENT = 16 };

/* What a node is made of. */
struct part {
	bool is_bucket;
	uint64_t child;
	const char *key;
	const void *value;
	size_t value_bytes;
};

static void put(uint8_t *p, size_t bytes, uint64_t value)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

uint64_t bolt_image_get(const struct bolt_image *i, uint64_t page, size_t offset, size_t bytes)
{
	const uint8_t *p = i->bytes + page * i->page_size + offset;
	uint64_t value = 0;

	for (size_t n = bytes; n; n--)
		value = value << 8 | p[n - 1];
	return value;
}

void bolt_image_set(struct bolt_image *i, uint64_t page, size_t offset, size_t bytes,
		    uint64_t value)
{
	put(i->bytes + page * i->page_size + offset, bytes, value);
}

void bolt_image_seal(struct bolt_image *i, uint64_t meta)
{
	uint8_t *p = i->bytes + meta * i->page_size + HEADER;
	uint64_t sum = UINT64_C(14695981039346656037);

	for (int n = 0; n < 56; n++) {
		sum ^= p[n];
		sum *= UINT64_C(1099511628211);
	}
	put(p + 56, 8, sum);
}

static uint64_t take_pages(struct bolt_image *i, size_t nr)
{
	size_t more = nr * i->page_size;
	uint8_t *grown = realloc(i->bytes, i->nr_bytes + more);
	uint64_t first = i->nr_pages;

	if (!grown)
		FAIL("no memory\n");
	memset(grown + i->nr_bytes, 0, more);
	i->bytes = grown;
	i->nr_bytes += more;
	i->nr_pages += nr;
	return first;
}

static size_t node_bytes(const struct part *parts, size_t nr)
{
	size_t bytes = HEADER;

	for (size_t n = 0; n < nr; n++)
		bytes += ELEMENT + strlen(parts[n].key) + parts[n].value_bytes;
	return bytes;
}

/* At p, which is zero. */
static void write_node(uint8_t *p, bool leaf, const struct part *parts, size_t nr)
{
	uint8_t *element = p + HEADER, *data = p + HEADER + nr * ELEMENT;

	put(p + BOLT_KIND, 2, leaf ? 2 : 1);
	put(p + BOLT_COUNT, 2, nr);
	for (size_t n = 0; n < nr; n++, element += ELEMENT) {
		size_t key_bytes = strlen(parts[n].key);

		put(element + (leaf ? 4 : 0), 4, (uint64_t)(data - element));
		put(element + (leaf ? 8 : 4), 4, key_bytes);
		if (leaf) {
			put(element, 4, parts[n].is_bucket);
			put(element + 12, 4, parts[n].value_bytes);
		} else {
			put(element + 8, 8, parts[n].child);
		}
		memcpy(data, parts[n].key, key_bytes);
		data += key_bytes;
		if (parts[n].value_bytes)
			memcpy(data, parts[n].value, parts[n].value_bytes);
		data += parts[n].value_bytes;
	}
}

static uint64_t add_node(struct bolt_image *i, bool leaf, const struct part *parts, size_t nr)
{
	size_t nr_pages = (node_bytes(parts, nr) + i->page_size - 1) / i->page_size;
	uint64_t page = take_pages(i, nr_pages);

	write_node(i->bytes + page * i->page_size, leaf, parts, nr);
	bolt_image_set(i, page, BOLT_ID, 8, page);
	bolt_image_set(i, page, BOLT_OVERFLOW, 4, nr_pages - 1);
	return page;
}

/* Levels of nodes until there is one; parts become those of the level above. */
static uint64_t add_tree(struct bolt_image *i, const struct bolt_plan *plan, struct part *parts)
{
	size_t nr = plan->nr, fit = plan->per_leaf;
	bool leaf = true;

	for (;;) {
		size_t nr_nodes = 0;

		if (!fit || nr <= fit)
			return add_node(i, leaf, parts, nr);
		for (size_t n = 0; n < nr; n += fit) {
			const char *key = parts[n].key;
			size_t here = nr - n < fit ? nr - n : fit;
			uint64_t page = add_node(i, leaf, parts + n, here);

			parts[nr_nodes++] = (struct part){ .child = page, .key = key };
		}
		nr = nr_nodes;
		leaf = false;
		fit = plan->per_branch;
	}
}

static uint64_t add_bucket(struct bolt_image *i, const struct bolt_plan *plan, uint8_t **ret_inline,
			   size_t *ret_bytes);

static void add_nested(struct bolt_image *i, const struct bolt_plan *plan, struct part *ret)
{
	uint8_t *value = NULL;
	size_t bytes = HEADER;
	uint64_t root = add_bucket(i, plan, &value, &bytes);

	if (!value)
		value = calloc(1, HEADER);
	if (!value)
		FAIL("no memory\n");
	put(value, 8, root);
	put(value + 8, 8, 7); /* its sequence number, which nobody needs */
	*ret = (struct part){ .is_bucket = true, .value = value, .value_bytes = bytes };
}

/* The page of its root; or 0, and *ret_inline is its value, which is the caller's. */
static uint64_t add_bucket(struct bolt_image *i, const struct bolt_plan *plan, uint8_t **ret_inline,
			   size_t *ret_bytes)
{
	struct part *parts = calloc(plan->nr + 1, sizeof(*parts));
	void **owned = calloc(plan->nr + 1, sizeof(*owned));
	uint64_t root = 0;

	if (!parts || !owned)
		FAIL("no memory\n");
	for (size_t n = 0; n < plan->nr; n++) {
		const struct bolt_item *item = &plan->items[n];

		if (item->bucket) {
			add_nested(i, item->bucket, &parts[n]);
			memcpy(&owned[n], &parts[n].value, sizeof(owned[n]));
		} else {
			parts[n].value = item->value;
			parts[n].value_bytes = strlen(item->value);
		}
		parts[n].key = item->key;
	}
	if (plan->inlined) {
		*ret_bytes = HEADER + node_bytes(parts, plan->nr);
		*ret_inline = calloc(1, *ret_bytes);
		if (!*ret_inline)
			FAIL("no memory\n");
		write_node(*ret_inline + HEADER, true, parts, plan->nr);
	} else {
		root = add_tree(i, plan, parts);
	}
	for (size_t n = 0; n < plan->nr; n++)
		free(owned[n]);
	free(owned);
	free(parts);
	return root;
}

static void add_meta(struct bolt_image *i, uint64_t meta, uint64_t root, uint64_t txid)
{
	uint8_t *p = i->bytes + meta * i->page_size;

	put(p, 8, meta);
	put(p + BOLT_KIND, 2, 4);
	put(p + HEADER, 4, 0xED0CDAED);
	put(p + BOLT_META_VERSION, 4, 2);
	put(p + BOLT_META_PAGE_SIZE, 4, i->page_size);
	put(p + BOLT_META_ROOT, 8, root);
	put(p + HEADER + 32, 8, 2);
	put(p + HEADER + 40, 8, i->nr_pages);
	put(p + BOLT_META_TXID, 8, txid);
	bolt_image_seal(i, meta);
}

struct bolt_image bolt_image_make(size_t page_size, const struct bolt_plan *root)
{
	struct bolt_image i = { .page_size = page_size };
	uint64_t page;

	take_pages(&i, 3);
	bolt_image_set(&i, 2, BOLT_ID, 8, 2);
	bolt_image_set(&i, 2, BOLT_KIND, 2, 0x10);
	add_node(&i, true, NULL, 0);
	page = add_bucket(&i, root, NULL, NULL);
	add_meta(&i, 0, page, BOLT_IMAGE_TXID);
	add_meta(&i, 1, 3, BOLT_IMAGE_TXID - 1);
	return i;
}

struct bolt_image bolt_image_load(const char *fixture)
{
	struct bolt_image i = { .page_size = 4096 };
	char path[256];
	FILE *f;
	long size;

	snprintf(path, sizeof(path), "build/fixtures/bolt/%s.db", fixture);
	f = fopen(path, "rb");
	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
		FAIL("%s: %s (make fixtures)\n", path, strerror(errno));
	rewind(f);
	take_pages(&i, (size_t)size / i.page_size);
	if (fread(i.bytes, 1, (size_t)size, f) != (size_t)size)
		FAIL("%s cannot be read\n", path);
	fclose(f);
	i.page_size = (size_t)bolt_image_get(&i, 0, BOLT_META_PAGE_SIZE, 4);
	i.nr_pages = i.nr_bytes / i.page_size;
	return i;
}

void bolt_image_destroy(struct bolt_image *i)
{
	free(i->bytes);
	i->bytes = NULL;
}

int bolt_image_file(const struct bolt_image *i)
{
	int fd = memfd_create("bolt", MFD_CLOEXEC);

	if (fd < 0)
		FAIL("memfd_create: %s\n", strerror(errno));
	bolt_image_put(i, fd, i->nr_bytes);
	return fd;
}

void bolt_image_put(const struct bolt_image *i, int fd, size_t nr_bytes)
{
	if (ftruncate(fd, (off_t)nr_bytes) ||
	    pwrite(fd, i->bytes, nr_bytes, 0) != (ssize_t)nr_bytes)
		FAIL("the file cannot be written: %s\n", strerror(errno));
}
