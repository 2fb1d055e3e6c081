/* SPDX-License-Identifier: MIT */
#include "common/pool/pool_source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/input.h"
#include "common/pool/window_engine.h"
#include "common/thin/metadata_check.h"
#include "common/thin/metadata_read.h"
#include "common/tool/dm_busy.h"
#include "common/xml/parse.h"

struct pool_source {
	enum pool_source_kind kind;
	bool metadata_snap;
	struct block_engine *engine; /* owned; raw */
	struct input *input;         /* owned; XML */
	bool was_read;               /* XML: it has to be rewound */
	struct xml_options xml;
};

/* ---- opening */

static int explain_raw(const char *path, int error, struct pool_fault *fault)
{
	char user[200];

	switch (-error) {
	case ENOENT:
		(void)snprintf(fault->text, sizeof(fault->text), "there is nothing of this name");
		break;
	case EISDIR:
	case ENOTBLK:
		(void)snprintf(fault->text, sizeof(fault->text),
			       "neither a file nor a block device");
		break;
	case EBUSY:
		dm_who_uses(path, user, sizeof(user));
		(void)snprintf(fault->text, sizeof(fault->text), "in use%s", user);
		break;
	default:
		(void)snprintf(fault->text, sizeof(fault->text), "cannot be opened: %s",
			       strerror(-error));
	}
	return error;
}

static int open_raw(struct pool_source *s, const struct pool_source_options *o,
		    struct pool_fault *fault)
{
	enum open_mode mode = o->live || o->metadata_snap ? OPEN_READ_LIVE : OPEN_READ;
	int r = block_open(o->path, mode, &s->engine);

	if (r)
		return explain_raw(o->path, r, fault);
	if (s->engine->nr_blocks)
		return 0;
	(void)snprintf(fault->text, sizeof(fault->text),
		       "too small for metadata: less than a block of 4096 bytes");
	return -EUCLEAN;
}

static int open_xml(struct pool_source *s, const struct pool_source_options *o,
		    struct pool_fault *fault)
{
	int r = input_open(o->path, &s->input);

	s->xml.nr_data_blocks = o->nr_data_blocks;
	if (r)
		(void)snprintf(fault->text, sizeof(fault->text), "cannot be opened: %s",
			       strerror(-r));
	return r;
}

int pool_source_open(const struct pool_source_options *options, struct pool_source **ret_source,
		     struct pool_fault *ret_fault)
{
	struct pool_source *s = alloc_object(struct pool_source);
	int r;

	*ret_fault = (struct pool_fault){ "" };
	if (!s) {
		(void)snprintf(ret_fault->text, sizeof(ret_fault->text), "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	s->kind = options->kind;
	s->metadata_snap = options->metadata_snap;
	r = s->kind == POOL_RAW ? open_raw(s, options, ret_fault) : open_xml(s, options, ret_fault);
	if (r)
		pool_source_close(s);
	else
		*ret_source = s;
	return r;
}

int pool_source_on_engine(struct block_engine *e, bool metadata_snap,
			  struct pool_source **ret_source)
{
	struct pool_source *s = alloc_object(struct pool_source);

	if (!s)
		return -ENOMEM;
	s->kind = POOL_RAW;
	s->metadata_snap = metadata_snap;
	s->engine = e;
	*ret_source = s;
	return 0;
}

void pool_source_close(struct pool_source *s)
{
	if (!s)
		return;
	if (s->engine)
		block_engine_destroy(s->engine);
	if (s->input)
		input_close(s->input);
	alloc_free(s);
}

enum pool_source_kind pool_source_kind(const struct pool_source *s)
{
	return s->kind;
}

bool pool_source_of_snapshot(const struct pool_source *s)
{
	return s->kind == POOL_RAW && s->metadata_snap;
}

/* ---- raw metadata */

/* Where the pool stands: what no commit leaves as it is. */
struct standing {
	struct superblock sb, held; /* as decoded; held is all zero where it is not asked for */
	bool known;
};

static int look(struct pool_source *s, void *raw, struct standing *ret)
{
	int r = block_read(s->engine, SUPERBLOCK_LOCATION, raw);

	*ret = (struct standing){ .known = false };
	if (r)
		return r;
	ret->sb = superblock_decode(raw);
	if (s->metadata_snap && ret->sb.held_root) {
		r = block_read(s->engine, ret->sb.held_root, raw);
		if (!r)
			ret->held = superblock_decode(raw);
	}
	ret->known = !r;
	return r;
}

static bool same_roots(const struct superblock *a, const struct superblock *b)
{
	return a->mapping_root == b->mapping_root && a->details_root == b->details_root &&
	       a->transaction_id == b->transaction_id && a->time == b->time &&
	       a->blocknr == b->blocknr && a->checksum_ok == b->checksum_ok;
}

static bool same_map(const struct space_map_root *a, const struct space_map_root *b)
{
	return a->nr_blocks == b->nr_blocks && a->nr_allocated == b->nr_allocated &&
	       a->bitmap_root == b->bitmap_root && a->ref_count_root == b->ref_count_root;
}

/* A metadata snapshot stays as it is while the pool goes on. */
static bool committed_between(const struct pool_source *s, const struct standing *before,
			      const struct standing *after)
{
	if (!before->known || !after->known)
		return before->known != after->known;
	if (s->metadata_snap)
		return before->sb.held_root != after->sb.held_root ||
		       !same_roots(&before->held, &after->held);
	return !same_roots(&before->sb, &after->sb) || before->sb.flags != after->sb.flags ||
	       before->sb.held_root != after->sb.held_root ||
	       !same_map(&before->sb.data_space_map, &after->sb.data_space_map) ||
	       !same_map(&before->sb.metadata_space_map, &after->sb.metadata_space_map);
}

static void note_superblock(const struct superblock *sb, struct pool_reading *reading)
{
	if (sb->checksum_ok) {
		reading->data_block_size = sb->data_block_size;
		reading->nr_data_blocks = sb->data_space_map.nr_blocks;
	}
	const struct space_map_root *metadata = &sb->metadata_space_map;

	reading->transaction_before = sb->transaction_id;
	reading->held_root = sb->held_root;
	reading->metadata_blocks = metadata->nr_blocks;
	if (metadata->nr_allocated < metadata->nr_blocks)
		reading->metadata_blocks_free = metadata->nr_blocks - metadata->nr_allocated;
	reading->data_blocks_allocated = sb->data_space_map.nr_allocated;
}

static int read_raw(struct pool_source *s, const struct read_options *options,
		    struct metadata_visitor *v, struct progress *progress, struct read_fault *fault)
{
	struct metadata_reader *reader = NULL;
	struct block_engine *windows;
	int r = window_engine_create(s->engine, &windows);

	if (r)
		return r;
	r = metadata_reader_open(windows, options, &reader, fault);
	if (!r)
		r = metadata_reader_run(reader, v, progress, fault);
	metadata_reader_destroy(reader);
	block_engine_destroy(windows);
	return r;
}

static int run_raw(struct pool_source *s, const struct pool_selection *selection,
		   struct metadata_visitor *v, struct progress *progress,
		   struct pool_reading *reading, struct pool_fault *fault)
{
	struct read_options options = { .metadata_snap = s->metadata_snap };
	struct standing before, after;
	struct read_fault why = { "" };
	void *raw = alloc_aligned(MD_BLOCK_SIZE);
	int r;

	if (!raw)
		return -ENOMEM;
	if (selection) {
		options.skip_mappings = selection->skip_mappings;
		options.dev_ids = selection->dev_ids;
		options.nr_dev_ids = selection->nr_dev_ids;
	}
	reading->raw = true;
	/* What cannot be read is told by the reader, who comes across it as well. */
	if (!look(s, raw, &before)) {
		note_superblock(&before.sb, reading);
		/* A metadata snapshot does not say how large the data device is. */
		if (s->metadata_snap)
			options.nr_data_blocks = before.sb.data_space_map.nr_blocks;
	}
	r = read_raw(s, &options, v, progress, &why);
	if (!look(s, raw, &after))
		reading->transaction_after = after.sb.transaction_id;
	reading->torn = committed_between(s, &before, &after);
	alloc_free(raw);
	(void)snprintf(fault->text, sizeof(fault->text), "%s", why.text);
	return r;
}

/* ---- XML */

static void explain_xml(const struct pool_source *s, const struct xml_fault *why, int error,
			struct pool_fault *fault)
{
	if (error == -EBADMSG)
		(void)snprintf(fault->text, sizeof(fault->text),
			       "its gzip data ends before byte %" PRIu64
			       ", and something else follows",
			       input_position(s->input));
	else if (*why->text && why->line)
		(void)snprintf(fault->text, sizeof(fault->text),
			       "line %" PRIu64 ", column %" PRIu64 ": %s", why->line, why->column,
			       why->text);
	else if (*why->text)
		(void)snprintf(fault->text, sizeof(fault->text), "%s", why->text);
	else if (error == -EIO)
		(void)snprintf(fault->text, sizeof(fault->text),
			       "it cannot be read, or its gzip data is damaged");
}

static int run_xml(struct pool_source *s, struct metadata_visitor *v, struct pool_fault *fault)
{
	struct xml_fault why = { 0 };
	int r = s->was_read ? input_rewind(s->input) : 0;

	s->was_read = true;
	if (!r)
		r = xml_parse(s->input, &s->xml, v, &why);
	if (r)
		explain_xml(s, &why, r, fault);
	return r;
}

int pool_source_run(struct pool_source *s, const struct pool_selection *selection,
		    struct metadata_visitor *v, struct progress *progress,
		    struct pool_reading *ret_reading, struct pool_fault *ret_fault)
{
	*ret_reading = (struct pool_reading){ .raw = false };
	*ret_fault = (struct pool_fault){ "" };
	if (s->kind == POOL_XML)
		return run_xml(s, v, ret_fault);
	return run_raw(s, selection, v, progress, ret_reading, ret_fault);
}

/* ---- checking */

static int check_raw(struct pool_source *s, struct progress *progress, struct pool_check *ret_check)
{
	struct check_options options = { .metadata_snap = s->metadata_snap, .collect_leaks = true };
	struct check_result result;
	struct report report;
	int r;

	report_init(&report);
	r = metadata_check(s->engine, &options, &report, progress, &result);
	ret_check->worst = report_worst(&report);
	memcpy(ret_check->nr_by_id, report.per_id, sizeof(report.per_id));
	ret_check->space_maps_checked = result.space_maps_checked;
	for (size_t i = 0; i < result.nr_leaks; i++) {
		const struct leak *leak = &result.leaks[i];
		uint64_t *nr = leak->metadata ? &ret_check->nr_leaked_metadata_blocks
					      : &ret_check->nr_leaked_data_blocks;

		*nr += leak->end - leak->begin;
	}
	check_result_destroy(&result);
	report_destroy(&report);
	return r;
}

int pool_check(struct pool_source *s, struct progress *progress, struct pool_check *ret_check)
{
	struct standing before, after;
	void *raw;
	int r;

	*ret_check = (struct pool_check){ .worst = SEVERITY_NONE };
	if (s->kind != POOL_RAW)
		return -ENOTSUP;
	raw = alloc_aligned(MD_BLOCK_SIZE);
	if (!raw)
		return -ENOMEM;
	/* What cannot be read, the check itself tells. */
	(void)look(s, raw, &before);
	r = check_raw(s, progress, ret_check);
	(void)look(s, raw, &after);
	ret_check->torn = committed_between(s, &before, &after);
	alloc_free(raw);
	return r;
}

bool pool_source_is_blank(const char *path)
{
	unsigned char bytes[4096];
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const ssize_t n = fd < 0 ? -1 : pread(fd, bytes, sizeof(bytes), 0);
	bool blank = n == (ssize_t)sizeof(bytes);

	for (size_t i = 0; i < sizeof(bytes) && blank; i++)
		blank = !bytes[i];
	if (fd >= 0)
		close(fd);
	return blank;
}
