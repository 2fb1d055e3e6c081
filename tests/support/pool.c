/* SPDX-License-Identifier: MIT */
#include "tests/support/pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/input.h"
#include "common/thin/metadata_read.h"
#include "common/thin/metadata_write.h"
#include "common/xml/emit.h"
#include "common/xml/parse.h"
#include "tests/support/file_stream.h"

#define FAIL(...) (fprintf(stderr, __VA_ARGS__), abort())

const char *const pool_fixtures[] = {
	"basic",          "metadata-snapshot", "many-snaps",     "out-of-metadata",
	"needs-check",    "docker-loop-lvm",   "docker-live",    "docker-pool-full",
	"docker-kill9-1", "docker-kill9-2",    "docker-kill9-3",
};
const size_t nr_pool_fixtures = ARRAY_SIZE(pool_fixtures);

/* ---- sources and states */

struct pool_source *pool_source_of(struct image *i, bool metadata_snap)
{
	struct pool_source *s;

	if (pool_source_on_engine(image_engine(i), metadata_snap, &s))
		FAIL("no memory\n");
	return s;
}

struct pool_source *pool_source_of_xml(const char *path)
{
	struct pool_source_options o = { .kind = POOL_XML, .path = path };
	struct pool_source *s;
	struct pool_fault fault;

	if (pool_source_open(&o, &s, &fault))
		FAIL("%s: %s\n", path, fault.text);
	return s;
}

static struct pool_state load(struct pool_source *source, const char *name)
{
	struct pool_state s;
	struct pool_fault fault;

	if (pool_state_read(source, NULL, &s, &fault) || s.incomplete)
		FAIL("%s: %s%s\n", name, fault.text, s.fault.text);
	pool_source_close(source);
	return s;
}

static struct pool_state load_image(struct image *i, bool metadata_snap, const char *name)
{
	struct pool_state s = load(pool_source_of(i, metadata_snap), name);

	image_destroy(i);
	return s;
}

struct pool_state pool_load(const char *fixture, bool metadata_snap)
{
	struct image i = image_load(fixture);

	return load_image(&i, metadata_snap, fixture);
}

struct pool_state pool_load_xml(const char *path)
{
	return load(pool_source_of_xml(path), path);
}

struct pool_state pool_load_restored(const char *path)
{
	struct image i = pool_restore(path);

	return load_image(&i, false, path);
}

struct content pool_content(const char *fixture)
{
	struct image i = image_load(fixture);
	struct block_engine *e = image_engine(&i);
	struct content c;

	if (content_read(e, 0, &c))
		FAIL("%s: cannot be read\n", fixture);
	block_engine_destroy(e);
	image_destroy(&i);
	return c;
}

/* ---- from XML to metadata and back */

struct image pool_restore(const char *path)
{
	struct image i = { .nr_blocks = 1024, .unreadable = NO_BLOCK };
	struct block_engine *e;
	struct metadata_writer *w;
	struct input *in;
	struct xml_fault fault;
	uint64_t needed;

	i.bytes = alloc_aligned((size_t)i.nr_blocks * MD_BLOCK_SIZE);
	if (!i.bytes || mem_engine_create(i.bytes, i.nr_blocks, &e) || input_open(path, &in) ||
	    metadata_writer_create(e, i.nr_blocks, &w))
		FAIL("%s: cannot be restored\n", path);
	if (xml_parse(in, &(struct xml_options){ 0 }, metadata_writer_visitor(w), &fault) ||
	    metadata_writer_commit(w, &needed))
		FAIL("%s:%" PRIu64 ": %s\n", path, fault.line, fault.text);
	metadata_writer_destroy(w);
	input_close(in);
	block_engine_destroy(e);
	return i;
}

static void new_file(char *path)
{
	int fd = mkstemp(strcpy(path, "/tmp/test_pool.XXXXXX"));

	if (fd < 0 || close(fd))
		FAIL("no temporary file\n");
}

void pool_dump(struct image *i, bool compress, char *path)
{
	struct read_options options = { .nr_blocks = 0 };
	struct block_engine *e = image_engine(i);
	struct metadata_reader *reader;
	struct metadata_visitor *v;
	struct read_fault fault;
	struct file_stream out;

	new_file(path);
	if (file_stream_open(path, compress, &out) ||
	    !(v = emitter_create(&xml_emitter, out.stream)) ||
	    metadata_reader_open(e, &options, &reader, &fault) ||
	    metadata_reader_run(reader, v, NULL, &fault) || file_stream_close(&out))
		FAIL("%s: cannot be dumped\n", path);
	metadata_reader_destroy(reader);
	emitter_destroy(v);
	block_engine_destroy(e);
}

/* ---- random pools */

enum { MAX_DEFS = 6, MAX_DEVICES = 8, DATA_BLOCKS = 9000 };

struct maker {
	FILE *f;
	struct content defs[MAX_DEFS];
	size_t nr_defs;
	struct content *content;
	uint64_t next_thin;
};

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static void note(struct content *c, const struct content_mapping *m)
{
	struct content_mapping *grown =
		alloc_grow(c->mappings, &c->capacity, c->nr, sizeof(*grown));

	if (!grown)
		FAIL("no memory\n");
	c->mappings = grown;
	grown[c->nr++] = *m;
}

static void make_runs(struct maker *m, struct content *to, uint64_t device, unsigned int nr)
{
	while (nr--) {
		uint64_t length = below(40) ? 1 + below(4) : 1 + below(DATA_BLOCKS / 2);
		uint64_t data = below(DATA_BLOCKS - (unsigned int)length + 1);
		uint32_t time = below(4);

		m->next_thin += below(3);
		fprintf(m->f,
			"<range_mapping origin_begin=\"%" PRIu64 "\" data_begin=\"%" PRIu64
			"\" length=\"%" PRIu64 "\" time=\"%" PRIu32 "\"/>\n",
			m->next_thin, data, length, time);
		for (uint64_t i = 0; i < length; i++)
			note(to,
			     &(struct content_mapping){ device, m->next_thin + i, data + i, time });
		m->next_thin += length;
	}
}

static void make_def(struct maker *m)
{
	/* Defs lie apart, so that a device may refer to several. */
	m->next_thin = m->nr_defs * 1000000 + 500000;
	fprintf(m->f, "<def name=\"d%zu\">\n", m->nr_defs);
	make_runs(m, &m->defs[m->nr_defs++], 0, 1 + below(30));
	fputs("</def>\n", m->f);
}

static int by_place(const void *a, const void *b)
{
	const struct content_mapping *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return (x->thin > y->thin) - (x->thin < y->thin);
}

/* Which defs, and how many own runs; what the device maps has to be known before it begins. */
static void make_device(struct maker *m, uint64_t id, FILE *real)
{
	size_t before = m->content->nr, bytes;
	char *body;
	FILE *f = open_memstream(&body, &bytes);

	m->f = f;
	m->next_thin = 0;
	make_runs(m, m->content, id, below(20));
	for (size_t d = 0; d < m->nr_defs; d++) {
		if (below(2))
			continue;
		fprintf(f, "<ref name=\"d%zu\"/>\n", d);
		for (size_t i = 0; i < m->defs[d].nr; i++) {
			struct content_mapping c = m->defs[d].mappings[i];

			c.device = id;
			note(m->content, &c);
		}
		m->next_thin = d * 1000000 + 999999;
		make_runs(m, m->content, id, below(3));
	}
	fclose(f);
	m->f = real;
	fprintf(real,
		"<device dev_id=\"%" PRIu64
		"\" mapped_blocks=\"%zu\" transaction=\"0\" creation_time=\"0\" "
		"snap_time=\"3\">\n%s</device>\n",
		id, m->content->nr - before, body);
	free(body);
}

struct random_pool random_pool_make(unsigned int seed)
{
	struct random_pool p = { .path = "" };
	struct maker m = { .content = &p.content };
	unsigned int nr_devices;

	srand(seed);
	new_file(p.path);
	m.f = fopen(p.path, "w");
	if (!m.f)
		FAIL("%s: cannot be written\n", p.path);
	fprintf(m.f,
		"<superblock uuid=\"\" time=\"3\" transaction=\"5\" version=\"2\" "
		"data_block_size=\"128\" nr_data_blocks=\"%d\">\n",
		DATA_BLOCKS);
	nr_devices = below(MAX_DEVICES + 1);
	for (unsigned int i = 0; i < nr_devices; i++) {
		while (m.nr_defs < MAX_DEFS && below(2))
			make_def(&m);
		make_device(&m, (i * 5 + 3) % MAX_DEVICES * 1000, m.f);
	}
	fputs("</superblock>\n", m.f);
	fclose(m.f);
	p.content.nr_devices = nr_devices;
	if (p.content.nr)
		qsort(p.content.mappings, p.content.nr, sizeof(*p.content.mappings), by_place);
	for (size_t i = 0; i < MAX_DEFS; i++)
		content_destroy(&m.defs[i]);
	return p;
}

void random_pool_destroy(struct random_pool *p)
{
	unlink(p->path);
	content_destroy(&p->content);
}
