/* SPDX-License-Identifier: MIT */
#include "tests/faults/inputs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/io/input.h"
#include "common/pdata/space_map.h"
#include "common/thin/metadata_write.h"
#include "common/xml/parse.h"
#include "tests/support/image.h"

enum { BLOCKS = 64, SCATTERED = 300, SUPERBLOCK_NEEDS_CHECK_FLAG = 1 };

#define FAIL(...) (fprintf(stderr, __VA_ARGS__), abort())

static const char *dir;

static const char *path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* Mappings that do not join, so that their tree has several leaves. */
static void write_scattered(FILE *f, unsigned int from)
{
	for (unsigned int i = from; i < SCATTERED; i++)
		fprintf(f, "<single_mapping origin_block=\"%u\" data_block=\"%u\" time=\"0\"/>\n",
			2 * i, i);
}

static void write_xml(const char *name, unsigned int transaction)
{
	FILE *f = fopen(path_of(name), "w");

	if (!f)
		FAIL("%s\n", path_of(name));
	fprintf(f,
		"<superblock uuid=\"\" time=\"1\" transaction=\"%u\" version=\"2\" "
		"data_block_size=\"128\" nr_data_blocks=\"1000\">\n"
		"<device dev_id=\"1\" mapped_blocks=\"%d\" transaction=\"0\" "
		"creation_time=\"0\" snap_time=\"1\">\n",
		transaction, SCATTERED);
	write_scattered(f, 0);
	fprintf(f,
		"</device>\n<device dev_id=\"2\" mapped_blocks=\"%d\" transaction=\"1\" "
		"creation_time=\"1\" snap_time=\"1\">\n"
		"<single_mapping origin_block=\"0\" data_block=\"900\" time=\"1\"/>\n",
		SCATTERED);
	write_scattered(f, 1);
	fprintf(f, "</device>\n"
		   "<device dev_id=\"3\" mapped_blocks=\"50\" transaction=\"2\" "
		   "creation_time=\"1\" snap_time=\"1\">\n"
		   "<range_mapping origin_begin=\"7\" data_begin=\"700\" length=\"50\" "
		   "time=\"1\"/>\n</device>\n"
		   "<device dev_id=\"9\" mapped_blocks=\"0\" transaction=\"3\" "
		   "creation_time=\"1\" snap_time=\"1\">\n</device>\n</superblock>\n");
	if (fclose(f))
		FAIL("%s\n", path_of(name));
}

static struct image restore(const char *name)
{
	struct image i = { .nr_blocks = BLOCKS, .unreadable = NO_BLOCK };
	struct block_engine *e;
	struct metadata_writer *w;
	struct input *in;
	struct xml_fault fault;
	uint64_t needed;

	i.bytes = alloc_aligned((size_t)BLOCKS * MD_BLOCK_SIZE);
	if (!i.bytes || mem_engine_create(i.bytes, BLOCKS, &e) || input_open(path_of(name), &in) ||
	    metadata_writer_create(e, BLOCKS, &w))
		FAIL("%s: cannot be restored\n", name);
	memset(i.bytes, 0, (size_t)BLOCKS * MD_BLOCK_SIZE);
	if (xml_parse(in, &(struct xml_options){ 0 }, metadata_writer_visitor(w), &fault) ||
	    metadata_writer_commit(w, &needed))
		FAIL("%s: %s\n", name, fault.text);
	metadata_writer_destroy(w);
	input_close(in);
	block_engine_destroy(e);
	return i;
}

static void save(const struct image *i, const char *name)
{
	image_save_file(i, path_of(name));
}

static void break_block(struct image *i, uint64_t block)
{
	image_set(i, block, 1000, 1, image_get(i, block, 1000, 1) ^ 1);
}

static void make_damaged(void)
{
	struct image i = restore("pool.xml");

	break_block(&i, first_leaf(&i, device_root(&i, 1)));
	break_block(&i, image_get(&i, 0, SUPER_DETAILS_ROOT, 8));
	save(&i, "torn.raw");
	image_destroy(&i);
	i = restore("pool.xml");
	memset(i.bytes, 0, MD_BLOCK_SIZE);
	save(&i, "headless.raw");
	image_destroy(&i);
}

void make_inputs(const char *to)
{
	struct image i;

	dir = to;
	write_xml("pool.xml", 7);
	write_xml("other.xml", 5);
	i = restore("other.xml");
	save(&i, "other.raw");
	image_destroy(&i);
	i = restore("pool.xml");
	save(&i, "pool.raw");
	image_set_super(&i, SUPER_FLAGS, 4, SUPERBLOCK_NEEDS_CHECK_FLAG);
	save(&i, "flag.raw");
	image_leak_data(&i);
	image_leak_metadata(&i);
	save(&i, "leaky.raw");
	memset(i.bytes, 0, (size_t)BLOCKS * MD_BLOCK_SIZE);
	save(&i, "blank.raw");
	image_destroy(&i);
	make_damaged();
}
