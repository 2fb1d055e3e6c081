/* SPDX-License-Identifier: MIT */
#include "common/xml/emit.h"
#include "common/xml/text_buffer.h"

static int superblock(struct metadata_visitor *v, const struct pool_header *h)
{
	struct stream *out = emitter_stream(v);
	char *start = stream_room(out), *p = start;

	p = put_number(put_text(p, "begin superblock: \"\", "), h->time);
	p = put_number(put_text(p, ", "), h->transaction_id);
	p = put_number(put_text(p, ", "), h->needs_check ? 1 : 0);
	p = put_number(put_text(p, ", "), h->version);
	p = put_number(put_text(p, ", "), h->data_block_size);
	p = put_number(put_text(p, ", "), h->nr_data_blocks);
	return put_end(out, start, put_text(p, "\n"));
}

static int superblock_end(struct metadata_visitor *v)
{
	struct stream *out = emitter_stream(v);
	char *p = stream_room(out);

	return put_end(out, p, put_text(p, "end superblock\n"));
}

static int def(struct metadata_visitor *v, uint64_t name)
{
	struct stream *out = emitter_stream(v);
	char *start = stream_room(out), *p;

	p = put_number(put_text(start, "def: "), name);
	return put_end(out, start, put_text(p, "\n"));
}

static int blank_line(struct metadata_visitor *v)
{
	struct stream *out = emitter_stream(v);
	char *p = stream_room(out);

	return put_end(out, p, put_text(p, "\n"));
}

static int device(struct metadata_visitor *v, uint64_t id, const struct device_details *details)
{
	struct stream *out = emitter_stream(v);
	char *start = stream_room(out), *p = start;

	p = put_number(put_text(p, "device: "), id);
	p = put_number(put_text(p, "\nmapped_blocks: "), details->mapped_blocks);
	p = put_number(put_text(p, "\ntransaction: "), details->transaction_id);
	p = put_number(put_text(p, "\ncreation time: "), details->creation_time);
	p = put_number(put_text(p, "\nsnap time: "), details->snapshotted_time);
	return put_end(out, start, put_text(p, "\n"));
}

static int map(struct metadata_visitor *v, const struct mapping_run *run)
{
	struct stream *out = emitter_stream(v);
	char *start = stream_room(out), *p = start;

	p = put_number(put_text(p, "    ("), run->thin_begin);
	p = put_number(put_text(p, ".."), run->thin_begin + run->length - 1);
	p = put_number(put_text(p, ") -> ("), run->data_begin);
	p = put_number(put_text(p, ".."), run->data_begin + run->length - 1);
	p = put_number(put_text(p, "), "), run->time);
	return put_end(out, start, put_text(p, "\n"));
}

static int ref(struct metadata_visitor *v, uint64_t name)
{
	struct stream *out = emitter_stream(v);
	char *start = stream_room(out), *p;

	p = put_number(put_text(start, "    ref: "), name);
	return put_end(out, start, put_text(p, "\n"));
}

const struct metadata_visitor human_emitter = {
	.superblock = superblock,
	.superblock_end = superblock_end,
	.def = def,
	.def_end = blank_line,
	.device = device,
	.device_end = blank_line,
	.map = map,
	.ref = ref,
};
