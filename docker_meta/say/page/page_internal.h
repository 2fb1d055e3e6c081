/* SPDX-License-Identifier: MIT
 * page_internal.h: what the parts of the page share.  Included by docker_meta/page/ alone.
 *
 * The page is well-formed XML, too, but for what stands in its script: a test reads it as such.
 */
#ifndef DOCKER_META_SAY_PAGE_PAGE_INTERNAL_H
#define DOCKER_META_SAY_PAGE_PAGE_INTERNAL_H

#include "common/pool/pool_sets.h"
#include "docker_meta/say/page/page.h"
#include "docker_meta/text/escape.h"

/* Of whom a data block is: colours, and the order in which they are stacked. */
enum part {
	PART_IMAGES,
	PART_SHARED,
	PART_CONTAINERS,
	PART_BUILDS,
	PART_GOING,
	PART_UNPROVEN,
	PART_NOBODY,
	PART_LEAKED, /* counted as used; nobody maps it, so nobody knows where it is */
	PART_FREE,
	NR_PARTS
};

enum {
	FIRST_ROWS = 200,     /* devices that are there without script */
	FINDINGS_OF_ROW = 50, /* of the catalogue */
	DEVICES_OF_FINDING = 12,
	FINDINGS_OF_DEVICE = 6,
	TREE_LINES = 1500,
	STEPS = 24,
	MAP_COLUMNS = 128,
	MAP_ROWS = 24,
	OWNER_SIZE = 160,
};

struct page {
	const struct meta_view *v;
	FILE *out;
	const struct pool_state *pool; /* NULL: not looked at */
	uint32_t *number;              /* of each finding among those of its row, from 1 */
	size_t *first;                 /* of each device, and one more: where in */
	uint32_t *of_device;           /* its findings stand */
	struct pool_map map;           /* nr_cells is 0: there is none */
	uint64_t blocks[NR_PARTS];     /* of the whole data device */
	uint64_t most;                 /* blocks that a device maps */
	int *error;                    /* 0, or -ENOMEM: the page is not to be used */
};

/* ---- numbers */

/* "67 MiB". */
void put_bytes(FILE *out, uint64_t bytes);

/* With gaps that are not copied. */
void put_exact(FILE *out, uint64_t number);

/* "6.2%"; neither 0 nor 100 unless it is. */
void put_percent(FILE *out, uint64_t part, uint64_t whole);

/* part of whole, of so many; 0 only where part is 0. */
unsigned int page_share(uint64_t part, uint64_t whole, unsigned int of);

/* ---- parts and pieces */

/* Data blocks that come back when all goes that nobody needs; 0 where that is not proven. */
uint64_t page_left_over(const struct page *p);

const char *part_name(enum part part);
must_check int page_count_parts(struct page *p);

/* Whose a device is; false: nobody's, and the text is "". */
bool page_owner(const struct page *p, const struct device_row *row, char text[OWNER_SIZE]);

/*
 * Nobody is known to need it, and somebody may all the same: a finding of it says so, or what was
 * read is not enough to call anything an orphan.
 */
bool page_is_unproven(const struct page *p, const struct device_row *row);

/* The same of a set: what is not proven is no orphan. */
enum set_kind page_set_kind(const struct page *p, const struct device_set *set);

/* "layer 3/5", "rw", … and the plain name of the role. */
const char *page_role(const struct page *p, const struct device_row *row, char text[32]);

/* 12 digits of a hash, and what stands behind all of them; any other name as it is. */
void put_hash(FILE *out, const char *hash);

/* What a device maps, and in it what only it has, as a bar. */
void put_bar(const struct page *p, const struct pool_device *d);

/* A word for a shell, where a name does not read other than it is. */
void put_command(const struct page *p, const char *command, const char *word);

/* ---- sections, in their order */

void put_verdict(const struct page *p);
void put_findings(const struct page *p);
void put_forecast(const struct page *p);
void put_pool(const struct page *p);
must_check int put_tree(const struct page *p);
void put_devices(const struct page *p);
must_check int put_inputs(const struct page *p);
void put_glossary(const struct page *p);

#endif
