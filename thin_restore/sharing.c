/* SPDX-License-Identifier: MIT */
#include "thin_restore/sharing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/u64_map.h"
#include "common/thin/metadata_check.h"

enum {
	MAX_BLOCKS = 1 << 20, /* that are looked at: memory is bounded */
	MAX_WARNINGS = 10,
};

/* A visitor that looks for them. */
struct search {
	struct metadata_visitor visitor; /* first: the calls come here */
	const struct metadata_writer *w;
	struct u64_map holder_of; /* by data block: 1 + the number of the last that had it */
	uint64_t holder;          /* the number of the open def or device, from 0 */
	uint64_t device;          /* its id, or DEF_HOLDER */
	struct u64_map device_of; /* by number: the id + 1, or 0 for a def */
	struct xml_fault *fault;
	struct shared_block *shared;
};

static struct search *to_search(struct metadata_visitor *v)
{
	return (struct search *)v;
}

static int begin(struct search *s, uint64_t device)
{
	uint64_t *slot = u64_map_at(&s->device_of, ++s->holder);

	if (!slot)
		return -ENOMEM;
	s->device = device;
	*slot = device + 1;
	return 0;
}

static int on_def(struct metadata_visitor *v, uint64_t name)
{
	(void)name;
	return begin(to_search(v), DEF_HOLDER);
}

static int on_device(struct metadata_visitor *v, uint64_t id, const struct device_details *details)
{
	(void)details;
	return begin(to_search(v), id);
}

static int twice(struct search *s, uint64_t block)
{
	char *text = s->fault->text;
	const size_t room = sizeof(s->fault->text);

	if (s->device == DEF_HOLDER)
		(void)snprintf(text, room,
			       "data block %" PRIu64 " a second time in this def: a write to one "
			       "place would change the other; take one of them out",
			       block);
	else
		(void)snprintf(
			text, room,
			"data block %" PRIu64 " a second time in device %" PRIu64
			": a write to one place would change the other; take one of them out",
			block, s->device);
	return -EINVAL;
}

static int look_at(struct search *s, uint64_t block)
{
	uint64_t *slot;

	if (!metadata_writer_repeated(s->w, block) || s->holder_of.nr_used >= MAX_BLOCKS)
		return 0;
	slot = u64_map_at(&s->holder_of, block);
	if (!slot)
		return -ENOMEM;
	if (*slot == s->holder + 1)
		return twice(s, block);
	if (*slot && !s->shared->found) {
		const uint64_t *other = u64_map_find(&s->device_of, *slot - 1);

		*s->shared = (struct shared_block){ .found = true,
						    .block = block,
						    .first = other ? *other - 1 : DEF_HOLDER,
						    .second = s->device };
	}
	*slot = s->holder + 1;
	return 0;
}

static int on_map(struct metadata_visitor *v, const struct mapping_run *run)
{
	int r = 0;

	for (uint64_t i = 0; i < run->length && !r; i++)
		r = look_at(to_search(v), run->data_begin + i);
	return r;
}

static int on_superblock(struct metadata_visitor *v, const struct pool_header *header)
{
	(void)v;
	(void)header;
	return 0;
}

static int on_ref(struct metadata_visitor *v, uint64_t name)
{
	(void)v;
	(void)name;
	return 0;
}

static int on_end(struct metadata_visitor *v)
{
	(void)v;
	return 0;
}

static const struct metadata_visitor calls = { .superblock = on_superblock,
					       .superblock_end = on_end,
					       .def = on_def,
					       .def_end = on_end,
					       .device = on_device,
					       .device_end = on_end,
					       .map = on_map,
					       .ref = on_ref };

int sharing_read_again(const struct xml_options *options, struct input *in,
		       const struct metadata_writer *w, struct xml_fault *ret_fault,
		       struct shared_block *ret_shared)
{
	struct xml_fault fault = { 0 }, place = { 0 };
	struct search s = { .visitor = calls, .w = w, .fault = &fault, .shared = ret_shared };
	int r = input_rewind(in);

	*ret_shared = (struct shared_block){ .found = false };
	if (!r)
		r = xml_parse(in, options, &s.visitor, &place);
	u64_map_destroy(&s.holder_of);
	u64_map_destroy(&s.device_of);
	if (!r)
		return 0;
	*ret_fault = place;
	if (*fault.text)
		memcpy(ret_fault->text, fault.text, sizeof(fault.text));
	return r;
}

static void warn_of(const struct thin_restore_options *o, const struct finding *f)
{
	tool_error(&thin_restore_tool, "%s: thin_check will call it damaged: %s; %s", o->output,
		   f->message ? f->message : "", finding_type(f->id)->mends);
}

static void warn_of_all(const struct thin_restore_options *o, const struct report *report)
{
	const uint64_t nr = report->per_id[FINDING_MAPPING_SHARED];
	uint64_t told = 0;

	for (size_t i = 0; i < report->nr_findings && told < MAX_WARNINGS; i++) {
		if (report->findings[i].id != FINDING_MAPPING_SHARED)
			continue;
		warn_of(o, &report->findings[i]);
		told++;
	}
	if (nr > told)
		tool_error(&thin_restore_tool, "%s: the same of %" PRIu64 " more devices",
			   o->output, nr - told);
}

static const char *holder_name(uint64_t device, char name[32])
{
	if (device == DEF_HOLDER)
		return "a def";
	(void)snprintf(name, 32, "device %" PRIu64, device);
	return name;
}

void sharing_warn(const struct thin_restore_options *o, struct block_engine *e,
		  const struct shared_block *shared)
{
	const struct check_options options = { .skip_space_maps = true };
	struct check_result result;
	struct report report;
	char first[32], second[32];
	int r;

	report_init(&report);
	r = metadata_check(e, &options, &report, NULL, &result);
	if (r)
		tool_error(&thin_restore_tool, "%s: run thin_check on it; here, it failed: %s",
			   o->output, strerror(-r));
	else if (report.per_id[FINDING_MAPPING_SHARED] && shared->found)
		tool_error(&thin_restore_tool,
			   "%s: data block %" PRIu64
			   " is mapped by %s and by %s, one of which would overwrite it in place",
			   o->output, shared->block, holder_name(shared->first, first),
			   holder_name(shared->second, second));
	warn_of_all(o, &report);
	check_result_destroy(&result);
	report_destroy(&report);
}
