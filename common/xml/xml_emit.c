/* SPDX-License-Identifier: MIT */
#include "common/xml/emit.h"
#include "common/xml/text_buffer.h"

/* name="value" with a blank before it. */
#define put_attribute(p, name, value) put_text(put_number(put_text(p, " " name "=\""), value), "\"")

static int superblock(struct metadata_visitor *v, const struct pool_header *h)
{
	struct stream *out = emitter_stream(v);
	char *start = stream_room(out), *p = start;

	p = put_text(p, "<superblock uuid=\"\"");
	p = put_attribute(p, "time", h->time);
	p = put_attribute(p, "transaction", h->transaction_id);
	if (h->needs_check)
		p = put_attribute(p, "flags", 1);
	p = put_attribute(p, "version", h->version);
	p = put_attribute(p, "data_block_size", h->data_block_size);
	p = put_attribute(p, "nr_data_blocks", h->nr_data_blocks);
	return put_end(out, start, put_text(p, ">\n"));
}

static int superblock_end(struct metadata_visitor *v)
{
	struct stream *out = emitter_stream(v);
	char *p = stream_room(out);

	/* No newline: so do thin-provisioning-tools 1.x. */
	return put_end(out, p, put_text(p, "</superblock>"));
}

static int def(struct metadata_visitor *v, uint64_t name)
{
	struct stream *out = emitter_stream(v);
	char *start = stream_room(out), *p;

	p = put_attribute(put_text(start, "  <def"), "name", name);
	return put_end(out, start, put_text(p, ">\n"));
}

static int def_end(struct metadata_visitor *v)
{
	struct stream *out = emitter_stream(v);
	char *p = stream_room(out);

	return put_end(out, p, put_text(p, "  </def>\n"));
}

static int device(struct metadata_visitor *v, uint64_t id, const struct device_details *details)
{
	struct stream *out = emitter_stream(v);
	char *start = stream_room(out), *p = start;

	p = put_text(p, "  <device");
	p = put_attribute(p, "dev_id", id);
	p = put_attribute(p, "mapped_blocks", details->mapped_blocks);
	p = put_attribute(p, "transaction", details->transaction_id);
	p = put_attribute(p, "creation_time", details->creation_time);
	p = put_attribute(p, "snap_time", details->snapshotted_time);
	return put_end(out, start, put_text(p, ">\n"));
}

static int device_end(struct metadata_visitor *v)
{
	struct stream *out = emitter_stream(v);
	char *p = stream_room(out);

	return put_end(out, p, put_text(p, "  </device>\n"));
}

static int map(struct metadata_visitor *v, const struct mapping_run *run)
{
	struct stream *out = emitter_stream(v);
	char *start = stream_room(out), *p = start;

	if (run->length == 1) {
		p = put_text(p, "    <single_mapping");
		p = put_attribute(p, "origin_block", run->thin_begin);
		p = put_attribute(p, "data_block", run->data_begin);
	} else {
		p = put_text(p, "    <range_mapping");
		p = put_attribute(p, "origin_begin", run->thin_begin);
		p = put_attribute(p, "data_begin", run->data_begin);
		p = put_attribute(p, "length", run->length);
	}
	p = put_attribute(p, "time", run->time);
	return put_end(out, start, put_text(p, "/>\n"));
}

static int ref(struct metadata_visitor *v, uint64_t name)
{
	struct stream *out = emitter_stream(v);
	char *start = stream_room(out), *p;

	p = put_attribute(put_text(start, "    <ref"), "name", name);
	return put_end(out, start, put_text(p, "/>\n"));
}

const struct metadata_visitor xml_emitter = {
	.superblock = superblock,
	.superblock_end = superblock_end,
	.def = def,
	.def_end = def_end,
	.device = device,
	.device_end = device_end,
	.map = map,
	.ref = ref,
};
