/* SPDX-License-Identifier: MIT
 * parse.c: expat drives, and runs of mappings take an express lane.  The only file that includes
 * expat.h.
 *
 * Expat gets the document in pieces that end with a '>'.  When it has just reported a tag that
 * leaves it inside a def or a device, and has seen nothing beyond, what follows is element content:
 * as long as that is mappings in the exact form of a dump, they are taken out and expat never sees
 * them.  The document that it does see is well formed if and only if the whole is.
 */
#include "common/xml/parse.h"

#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/xml/elements.h"
#include "common/xml/express.h"

enum {
	BUFFER_BYTES = 1 << 20,
	EXPRESS_BYTES = 512, /* an element of a dump is shorter, with the blanks before it */
	MAX_TOKEN = 1 << 20, /* of a tag or a comment: expat keeps them whole */
};

struct parser {
	XML_Parser expat;
	struct elements elements;
	struct input *in;
	struct xml_fault *fault;
	int error; /* of a handler: 0 or -errno */

	char *buffer; /* owned: BUFFER_BYTES, and a byte 0 with slack behind what was read */
	char *p, *end;
	bool at_eof;
	bool wide; /* UTF-16: not for the express lane */

	uint64_t line;       /* of p */
	uint64_t line_bytes; /* before p, on its line */
	long long fed;       /* bytes that expat got before p */
	long long settled;   /* bytes behind the last thing that expat reported */
	long long tag_end;   /* the same, for tags alone */
};

/* ---- places */

static void advance(struct parser *ps, const char *from, const char *to, uint64_t *line,
		    uint64_t *line_bytes)
{
	const char *newline;

	(void)ps;
	while ((newline = memchr(from, '\n', (size_t)(to - from)))) {
		++*line;
		*line_bytes = 0;
		from = newline + 1;
	}
	*line_bytes += (uint64_t)(to - from);
}

/* Where expat is: a byte of the piece that it is given, which begins at p. */
static void locate(struct parser *ps)
{
	long long into = XML_GetCurrentByteIndex(ps->expat) - ps->fed;
	uint64_t line = ps->line, bytes = ps->line_bytes;

	if (into > 0 && into <= ps->end - ps->p)
		advance(ps, ps->p, ps->p + into, &line, &bytes);
	ps->fault->line = line;
	ps->fault->column = bytes + 1;
}

static void give_up(struct parser *ps, int error)
{
	if (ps->error)
		return;
	ps->error = error;
	locate(ps);
	(void)snprintf(ps->fault->text, sizeof(ps->fault->text), "%s", ps->elements.fault);
	(void)XML_StopParser(ps->expat, XML_FALSE);
}

static void refuse(struct parser *ps, const char *text)
{
	(void)snprintf(ps->elements.fault, sizeof(ps->elements.fault), "%s", text);
	give_up(ps, -EINVAL);
}

/* ---- what expat reports */

static void settle(struct parser *ps)
{
	ps->settled = XML_GetCurrentByteIndex(ps->expat) + XML_GetCurrentByteCount(ps->expat);
}

/*
 * Does what is being reported have a &#...;?  Expat reports only what that stands for, and so
 * digits and blanks could come in disguise.  Between '&' and '#', UTF-16 has a byte 0.
 */
static bool has_reference(const struct parser *ps)
{
	int offset = 0, size = 0;
	const char *p = XML_GetInputContext(ps->expat, &offset, &size), *end;

	if (!p)
		return false;
	end = p + size;
	p += offset;
	if (XML_GetCurrentByteCount(ps->expat) < end - p)
		end = p + XML_GetCurrentByteCount(ps->expat);
	while ((p = memchr(p, '&', (size_t)(end - p)))) {
		p++;
		if (p < end && !*p)
			p++;
		if (p < end && *p == '#')
			return true;
	}
	return false;
}

#define REFERENCE "a character reference: no dump has one; write the character itself"

static void XMLCALL on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
	struct parser *ps = context;
	int r;

	if (ps->error)
		return;
	settle(ps);
	ps->tag_end = ps->settled;
	if (has_reference(ps)) {
		refuse(ps, REFERENCE);
		return;
	}
	r = elements_start(&ps->elements, name, attributes);
	if (r)
		give_up(ps, r);
}

static void XMLCALL on_end(void *context, const XML_Char *name)
{
	struct parser *ps = context;
	int r;

	(void)name;
	if (ps->error)
		return;
	settle(ps);
	ps->tag_end = ps->settled;
	r = elements_end(&ps->elements);
	if (r)
		give_up(ps, r);
}

static void XMLCALL on_text(void *context, const XML_Char *text, int bytes)
{
	struct parser *ps = context;

	if (ps->error)
		return;
	settle(ps);
	for (int i = 0; i < bytes; i++) {
		if (!strchr(" \t\r\n", text[i])) {
			refuse(ps, "text where an element was expected");
			return;
		}
	}
	if (has_reference(ps))
		refuse(ps, REFERENCE);
}

static void XMLCALL on_cdata(void *context)
{
	refuse(context, "a CDATA section: no dump has one, and none is taken");
}

static void XMLCALL on_instruction(void *context, const XML_Char *target, const XML_Char *data)
{
	(void)target;
	(void)data;
	refuse(context, "a processing instruction: no dump has one, and none is taken");
}

static void XMLCALL on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
			       const XML_Char *public_id, int has_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_subset;
	refuse(context, "a document type: no dump has one, and none is taken");
}

/* Comments and the XML declaration. */
static void XMLCALL on_other(void *context, const XML_Char *text, int bytes)
{
	(void)text;
	(void)bytes;
	settle(context);
}

static int create_expat(struct parser *ps)
{
	ps->expat = XML_ParserCreate(NULL);
	if (!ps->expat)
		return -ENOMEM;
	XML_SetUserData(ps->expat, ps);
	XML_SetElementHandler(ps->expat, on_start, on_end);
	XML_SetCharacterDataHandler(ps->expat, on_text);
	XML_SetStartCdataSectionHandler(ps->expat, on_cdata);
	XML_SetProcessingInstructionHandler(ps->expat, on_instruction);
	XML_SetStartDoctypeDeclHandler(ps->expat, on_doctype);
	XML_SetDefaultHandler(ps->expat, on_other);
	return 0;
}

/* ---- feeding */

/* What is left moves to the front of the buffer, and as much as there is room for follows. */
static int refill(struct parser *ps)
{
	size_t left = (size_t)(ps->end - ps->p), got = 0;
	int r;

	memmove(ps->buffer, ps->p, left);
	ps->p = ps->buffer;
	r = input_read(ps->in, ps->buffer + left, BUFFER_BYTES - left, &got);
	ps->end = ps->buffer + left + got;
	memset(ps->end, 0, EXPRESS_SLACK);
	ps->at_eof = left + got < BUFFER_BYTES;
	return r;
}

static void expat_fault(struct parser *ps)
{
	enum XML_Error code = XML_GetErrorCode(ps->expat);

	if (code == XML_ERROR_NO_MEMORY)
		ps->error = -ENOMEM;
	if (ps->error)
		return;
	ps->error = -EINVAL;
	locate(ps);
	(void)snprintf(ps->fault->text, sizeof(ps->fault->text), "no well-formed XML: %s",
		       XML_ErrorString(code));
}

static int feed(struct parser *ps, size_t bytes, bool last)
{
	enum XML_Status status = XML_Parse(ps->expat, ps->p, (int)bytes, last);

	if (status != XML_STATUS_OK)
		expat_fault(ps);
	if (ps->error)
		return ps->error;
	ps->fed += (long long)bytes;
	advance(ps, ps->p, ps->p + bytes, &ps->line, &ps->line_bytes);
	ps->p += bytes;
	if (ps->fed - ps->settled > MAX_TOKEN)
		refuse(ps, "a tag or a comment of more than 1 MiB");
	return ps->error;
}

/*
 * Up to the next '>', or all there is.  Expat begins a tag or a comment anew each time it gets more
 * of it: the longer it is, the larger the pieces.
 */
static int feed_piece(struct parser *ps)
{
	const long long pending = ps->fed - ps->settled, left = ps->end - ps->p;
	const char *from = ps->p + (pending < left ? pending : left);
	const char *close = memchr(from, '>', (size_t)(ps->end - from));
	size_t bytes = (size_t)((close ? close + 1 : ps->end) - ps->p);

	return feed(ps, bytes, false);
}

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

/* Expat is inside a def or a device, has seen all up to p, and a tag was the last of it. */
static bool may_express(const struct parser *ps)
{
	return !ps->elements.options->no_express && !ps->wide && ps->tag_end == ps->fed &&
	       ps->fed && elements_take_mappings(&ps->elements);
}

static int express(struct parser *ps)
{
	struct mapping_run run;
	int r = 0;

	for (;;) {
		char *start = (char *)ps->p + (skip_blanks(ps->p) - ps->p);
		const char *rest = express_mapping(start, &run);
		uint64_t line = ps->line, bytes = ps->line_bytes;

		if (!rest)
			return 0;
		advance(ps, ps->p, start, &line, &bytes);
		r = elements_mapping(&ps->elements, &run);
		if (r)
			break;
		ps->line = line;
		ps->line_bytes = bytes + (uint64_t)(rest - start);
		ps->p = start + (rest - start);
		if (ps->end - ps->p < EXPRESS_BYTES && !ps->at_eof)
			return 0;
	}
	ps->error = r;
	advance(ps, ps->p, (char *)ps->p + (skip_blanks(ps->p) - ps->p), &ps->line,
		&ps->line_bytes);
	ps->fault->line = ps->line;
	ps->fault->column = ps->line_bytes + 1;
	(void)snprintf(ps->fault->text, sizeof(ps->fault->text), "%s", ps->elements.fault);
	return r;
}

/*
 * What expat takes for UTF-16, by the first two bytes and not by what is declared: all else that it
 * reads has ASCII within.
 */
static bool is_wide(const struct parser *ps)
{
	const char *p = ps->p;

	return ps->end - p >= 2 &&
	       (!p[0] || !p[1] || !memcmp(p, "\xfe\xff", 2) || !memcmp(p, "\xff\xfe", 2));
}

static int parse_all(struct parser *ps)
{
	int r = refill(ps);

	if (r)
		return r;
	ps->wide = is_wide(ps);
	for (;;) {

		if (ps->end - ps->p < EXPRESS_BYTES && !ps->at_eof)
			r = refill(ps);
		if (!r && may_express(ps))
			r = express(ps);
		if (r)
			return r;
		if (ps->end - ps->p < EXPRESS_BYTES && !ps->at_eof)
			continue;
		if (ps->p == ps->end)
			return feed(ps, 0, true);
		r = feed_piece(ps);
		if (r)
			return r;
	}
}

int xml_parse(struct input *in, const struct xml_options *options, struct metadata_visitor *v,
	      struct xml_fault *ret_fault)
{
	struct parser ps = { .in = in, .fault = ret_fault, .line = 1 };
	int r;

	*ret_fault = (struct xml_fault){ 0 };
	elements_init(&ps.elements, options, v);
	ps.buffer = alloc_array(BUFFER_BYTES + EXPRESS_SLACK, 1);
	ps.p = ps.end = ps.buffer;
	r = ps.buffer ? create_expat(&ps) : -ENOMEM;
	if (!r)
		r = parse_all(&ps);
	if (ps.expat)
		XML_ParserFree(ps.expat);
	elements_destroy(&ps.elements);
	alloc_free(ps.buffer);
	return r;
}
