/* SPDX-License-Identifier: MIT */
#include "common/xml/emit.h"

#include "common/base/alloc.h"
#include "common/xml/text_buffer.h"

struct metadata_visitor *emitter_create(const struct metadata_visitor *format, struct stream *out)
{
	struct emitter *e = alloc_object(struct emitter);

	if (!e)
		return NULL;
	e->visitor = *format;
	e->out = out;
	return &e->visitor;
}

void emitter_destroy(struct metadata_visitor *v)
{
	alloc_free(v);
}
