/* SPDX-License-Identifier: MIT
 * test_xml.c: the express lane gives what expat gives, for good input and for bad.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/thin/metadata_read.h"
#include "common/xml/emit.h"
#include "common/xml/parse.h"
#include "tests/support/file_stream.h"
#include "tests/support/image.h"
#include "tests/support/leaks.h"

TestSuite(xml, .fini = fail_on_leaks);

/* ---- a visitor that sums up all it is told, in order */

struct digest {
	struct metadata_visitor base;
	uint64_t hash, nr_calls;
};

static int note(struct metadata_visitor *v, char what, const void *data, size_t bytes)
{
	struct digest *d = (struct digest *)v;
	const uint8_t *p = data;

	d->nr_calls++;
	d->hash = (d->hash ^ (uint8_t)what) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < bytes; i++)
		d->hash = (d->hash ^ p[i]) * UINT64_C(0x100000001b3);
	return 0;
}

static int note_numbers(struct metadata_visitor *v, char what, uint64_t a, uint64_t b, uint64_t c,
			uint64_t e)
{
	const uint64_t numbers[] = { a, b, c, e };

	return note(v, what, numbers, sizeof(numbers));
}

static int on_superblock(struct metadata_visitor *v, const struct pool_header *h)
{
	return note_numbers(v, 's', h->time, h->transaction_id, h->data_block_size,
			    h->nr_data_blocks + h->needs_check);
}

static int on_superblock_end(struct metadata_visitor *v)
{
	return note(v, 'S', NULL, 0);
}

static int on_def(struct metadata_visitor *v, uint64_t name)
{
	return note_numbers(v, 'd', name, 0, 0, 0);
}

static int on_def_end(struct metadata_visitor *v)
{
	return note(v, 'D', NULL, 0);
}

static int on_device(struct metadata_visitor *v, uint64_t id, const struct device_details *d)
{
	return note_numbers(v, 't', id, d->mapped_blocks, d->transaction_id,
			    (uint64_t)d->creation_time << 32 | d->snapshotted_time);
}

static int on_device_end(struct metadata_visitor *v)
{
	return note(v, 'T', NULL, 0);
}

static int on_map(struct metadata_visitor *v, const struct mapping_run *r)
{
	return note_numbers(v, 'm', r->thin_begin, r->data_begin, r->length, r->time);
}

static int on_ref(struct metadata_visitor *v, uint64_t name)
{
	return note_numbers(v, 'r', name, 0, 0, 0);
}

static const struct metadata_visitor digest_calls = { on_superblock, on_superblock_end,
						      on_def,        on_def_end,
						      on_device,     on_device_end,
						      on_map,        on_ref };

struct outcome {
	int error;
	struct xml_fault fault;
	struct digest digest;
};

static struct outcome parse(const char *path, bool no_express)
{
	struct xml_options options = { .no_express = no_express };
	struct outcome o = { .digest = { .base = digest_calls } };
	struct input *in;

	cr_assert_eq(input_open(path, &in), 0);
	o.error = xml_parse(in, &options, &o.digest.base, &o.fault);
	input_close(in);
	return o;
}

/* Both ways; returns what came of it. */
static struct outcome parse_twice(const char *path, const char *what)
{
	struct outcome fast = parse(path, false), slow = parse(path, true);

	cr_expect_eq(fast.error, slow.error, "%s: %d, but %d by expat", what, fast.error,
		     slow.error);
	cr_expect_str_eq(fast.fault.text, slow.fault.text, "%s", what);
	cr_expect(fast.fault.line == slow.fault.line && fast.fault.column == slow.fault.column,
		  "%s: %llu:%llu, but %llu:%llu by expat", what,
		  (unsigned long long)fast.fault.line, (unsigned long long)fast.fault.column,
		  (unsigned long long)slow.fault.line, (unsigned long long)slow.fault.column);
	cr_expect(fast.digest.hash == slow.digest.hash &&
			  fast.digest.nr_calls == slow.digest.nr_calls,
		  "%s: the visitor was told something else", what);
	return fast;
}

static void dump_to(const char *fixture, const char *path)
{
	struct image i = image_load(fixture);
	struct block_engine *e = image_engine(&i);
	struct read_options options = { .skip_mappings = false };
	struct metadata_reader *reader;
	struct metadata_visitor *v;
	struct read_fault fault;
	struct file_stream out;

	cr_assert_eq(metadata_reader_open(e, &options, &reader, &fault), 0);
	cr_assert_eq(file_stream_open(path, false, &out), 0);
	v = emitter_create(&xml_emitter, out.stream);
	cr_assert_eq(metadata_reader_run(reader, v, NULL, &fault), 0);
	emitter_destroy(v);
	cr_assert_eq(file_stream_close(&out), 0);
	metadata_reader_destroy(reader);
	block_engine_destroy(e);
	image_destroy(&i);
}

static void temporary(char *path)
{
	int fd = mkstemp(strcpy(path, "/tmp/test_xml.XXXXXX"));

	cr_assert_geq(fd, 0);
	close(fd);
}

Test(xml, the_express_lane_is_only_faster)
{
	static const char *const fixtures[] = {
		"basic",          "metadata-snapshot", "many-snaps",     "out-of-metadata",
		"needs-check",    "docker-loop-lvm",   "docker-live",    "docker-pool-full",
		"docker-kill9-1", "docker-kill9-2",    "docker-kill9-3",
	};
	char path[64];

	temporary(path);
	for (size_t n = 0; n < ARRAY_SIZE(fixtures); n++) {
		struct outcome o;

		dump_to(fixtures[n], path);
		o = parse_twice(path, fixtures[n]);
		cr_expect_eq(o.error, 0);
	}
	unlink(path);
}

static void write_text(const char *path, const char *text, size_t bytes)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	cr_assert_eq(fwrite(text, 1, bytes, f), bytes);
	cr_assert_eq(fclose(f), 0);
}

#define HEAD                                                                                    \
	"<superblock uuid=\"\" time=\"1\" transaction=\"2\" data_block_size=\"128\" "           \
	"nr_data_blocks=\"1000\">\n<device dev_id=\"1\" mapped_blocks=\"2\" transaction=\"0\" " \
	"creation_time=\"0\" snap_time=\"1\">\n"
#define MAP "<single_mapping origin_block=\"3\" data_block=\"9\" time=\"0\"/>"
#define NEXT "<single_mapping origin_block=\"4\" data_block=\"7\" time=\"0\"/>"
#define END "</device></superblock>"

Test(xml, places_of_mistakes)
{
	static const struct {
		const char *text;
		uint64_t line, column; /* 0: there is none */
	} cases[] = {
		{ HEAD MAP NEXT END, 0, 0 },
		{ HEAD MAP "\n\n\t" NEXT "\n" END "\n", 0, 0 },
		{ HEAD MAP "<!-- " NEXT " -->" NEXT END, 0, 0 },
		{ HEAD "<!-- > --> " MAP " <!-- <?a > ?> --> " NEXT END, 0, 0 },
		{ HEAD MAP NEXT END "\n <!-- the end --> ", 0, 0 },
		{ HEAD MAP " <?a b?> " NEXT END, 3, 60 },
		{ HEAD MAP NEXT END "\n <?a b?> ", 4, 2 },
		{ HEAD MAP "<![CDATA[ ]]>" NEXT END, 3, 59 },
		{ HEAD MAP "\n &#32; " NEXT END, 4, 2 },
		{ HEAD MAP
		  "\n <single_mapping origin_block=\"&#52;\" data_block=\"7\" time=\"0\"/>" END,
		  4, 2 },
		{ HEAD MAP
		  "\n <single_mapping origin_block=\"4\" data_block=\"7\" time=\"&#x30;\"/>" END,
		  4, 2 },
		{ HEAD MAP "\n  " MAP "\n" END, 4, 3 },
		{ HEAD MAP MAP END, 3, 59 },
		{ HEAD MAP NEXT "<bad/>" END, 3, 117 },
		{ HEAD MAP NEXT "\n\n  <bad/>" END, 5, 3 },
		{ HEAD MAP NEXT "\n\n  bad" END, 5, 1 },
		{ HEAD MAP "\n" END, 4, 1 },
		{ HEAD MAP NEXT "\n&a;" END, 4, 1 },
		{ HEAD "<!-- " MAP NEXT END, 3, 144 },
		{ HEAD MAP "<![CDATA[" NEXT "]]>" END, 3, 59 },
		{ HEAD MAP NEXT "</devise></superblock>", 3, 119 },
		{ HEAD MAP
		  "<single_mapping origin_block=\"4\" data_block=\"7\" time=\"16777216\"/>" END,
		  3, 59 },
		{ HEAD MAP
		  "<single_mapping origin_block=\"4\" data_block=\"1000\" time=\"0\"/>" END,
		  3, 59 },
	};
	char path[64];

	temporary(path);
	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		char what[32];
		struct outcome o;

		snprintf(what, sizeof(what), "case %zu", n);
		write_text(path, cases[n].text, strlen(cases[n].text));
		o = parse_twice(path, what);
		cr_expect_eq(o.error, cases[n].line ? -EINVAL : 0, "%s: %s", what, o.fault.text);
		cr_expect(o.fault.line == cases[n].line && o.fault.column == cases[n].column,
			  "%s: at %llu:%llu: %s", what, (unsigned long long)o.fault.line,
			  (unsigned long long)o.fault.column, o.fault.text);
	}
	unlink(path);
}

/* Text in UTF-16, but for one piece as it stands. */
static size_t widen(const char *text, const char *narrow, bool big, char *wide)
{
	const char *at = narrow ? strstr(text, narrow) : NULL;
	const char *end = at ? at + strlen(narrow) : NULL;
	size_t n = 0;

	for (const char *p = text; *p; p++) {
		if (p >= at && p < end) {
			wide[n++] = *p;
			continue;
		}
		wide[n + big] = *p;
		wide[n + !big] = 0;
		n += 2;
	}
	return n;
}

Test(xml, utf_16_has_no_express_lane)
{
	static const char mark[] = "\xff\xfe";
	char path[64], wide[2048];

	temporary(path);
	for (int way = 0; way < 8; way++) {
		const bool big = way & 1, marked = way & 2, mixed = way & 4;
		struct outcome o;
		size_t n = 0;

		if (marked) {
			wide[n++] = mark[big];
			wide[n++] = mark[!big];
		}
		n += widen(HEAD MAP NEXT END, mixed ? NEXT : NULL, big, wide + n);
		write_text(path, wide, n);
		o = parse_twice(path, "UTF-16");
		cr_expect_eq(o.error, mixed ? -EINVAL : 0, "way %d: %s", way, o.fault.text);
		n = widen(HEAD MAP "<single_mapping origin_block=\"&#52;\" data_block=\"7\" "
				   "time=\"0\"/>" END,
			  NULL, big, wide);
		write_text(path, wide, n);
		o = parse_twice(path, "UTF-16 with a reference");
		cr_expect_eq(o.error, -EINVAL, "way %d", way);
	}
	unlink(path);
}

static size_t read_text(const char *path, char *text, size_t room)
{
	FILE *f = fopen(path, "r");
	size_t bytes;

	cr_assert_not_null(f);
	bytes = fread(text, 1, room, f);
	fclose(f);
	return bytes;
}

/* One byte or a few are changed, left out or doubled. */
static size_t damage_text(char *text, size_t bytes, unsigned int *seed)
{
	static const char special[] = "<>/\"'&= \n!-[]0129a";
	size_t at = (size_t)rand_r(seed) % bytes, length = 1 + (size_t)rand_r(seed) % 40;

	switch (rand_r(seed) % 4) {
	case 0:
		text[at] = special[(size_t)rand_r(seed) % (sizeof(special) - 1)];
		return bytes;
	case 1:
		text[at] = (char)rand_r(seed);
		return bytes;
	case 2:
		length = length < bytes - at ? length : bytes - at;
		memmove(text + at, text + at + length, bytes - at - length);
		return bytes - length;
	default:
		length = length < bytes - at ? length : bytes - at;
		memmove(text + at + length, text + at, bytes - at);
		return bytes + length;
	}
}

Test(xml, hostile_input)
{
	enum { ROOM = 1 << 16 };
	char *clean = alloc_array(ROOM, 1), *text = alloc_array(ROOM, 1), path[64];
	unsigned int seed = 20261124;
	size_t bytes;

	temporary(path);
	dump_to("basic", path);
	bytes = read_text(path, clean, ROOM / 2);
	for (int round = 0; round < 1500; round++) {
		size_t now = bytes;
		char what[32];

		memcpy(text, clean, bytes);
		for (int n = rand_r(&seed) % 3; n >= 0; n--)
			now = damage_text(text, now, &seed);
		write_text(path, text, now);
		snprintf(what, sizeof(what), "round %d", round);
		(void)parse_twice(path, what);
	}
	unlink(path);
	alloc_free(clean);
	alloc_free(text);
}
