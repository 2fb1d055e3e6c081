/* SPDX-License-Identifier: MIT
 * text_buffer.h: numbers and words into a stream, fast.
 */
#ifndef THINMEND_XML_TEXT_BUFFER_H
#define THINMEND_XML_TEXT_BUFFER_H

#include <string.h>

#include "common/io/stream.h"
#include "common/thin/metadata_visitor.h"

/* An emitter: visitor first, so that one leads to the other. */
struct emitter {
	struct metadata_visitor visitor;
	struct stream *out; /* borrowed */
};

static inline struct stream *emitter_stream(struct metadata_visitor *v)
{
	return ((struct emitter *)v)->out;
}

/* s is constant text: its length is known to the compiler. */
#define put_text(p, s) put_bytes((p), (s), sizeof(s) - 1)

static inline char *put_bytes(char *p, const char *s, size_t bytes)
{
	memcpy(p, s, bytes);
	return p + bytes;
}

static inline char *put_number(char *p, uint64_t v)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[sizeof(digits) - ++n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	return put_bytes(p, digits + sizeof(digits) - n, n);
}

/* Everything from the start of the room up to end is said.  0 or the stream's -errno. */
static inline int put_end(struct stream *out, const char *start, const char *end)
{
	stream_advance(out, (size_t)(end - start));
	return stream_error(out);
}

#endif
