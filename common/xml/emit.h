/* SPDX-License-Identifier: MIT
 * emit.h: visitors that write text.
 */
#ifndef THINMEND_XML_EMIT_H
#define THINMEND_XML_EMIT_H

#include "common/io/stream.h"
#include "common/thin/metadata_visitor.h"

/*
 * XML as thin-provisioning-tools 1.x writes it: no declaration, the superblock element as the first
 * line, which is all that LVM reads.
 */
extern const struct metadata_visitor xml_emitter;

/* For people: the human_readable format of thin-provisioning-tools 1.x. */
extern const struct metadata_visitor human_emitter;

/* A visitor that writes one of these to the stream, which stays the caller's.  NULL: no memory. */
struct metadata_visitor *emitter_create(const struct metadata_visitor *format, struct stream *out);
void emitter_destroy(struct metadata_visitor *v);

#endif
