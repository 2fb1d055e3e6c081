/* SPDX-License-Identifier: MIT
 * parse.h: XML, as any thin_dump writes it, to a visitor.
 *
 * Strict: every element, attribute and number is checked, and so is what they add up to (order,
 * overlaps, mapped_blocks, names).  Nothing is repaired and nothing is ignored.
 */
#ifndef THINMEND_XML_PARSE_H
#define THINMEND_XML_PARSE_H

#include <stdbool.h>

#include "common/io/input.h"
#include "common/thin/metadata_visitor.h"

struct xml_options {
	bool has_transaction_id;
	uint64_t transaction_id;  /* instead of the superblock's, likewise: */
	uint64_t nr_data_blocks;  /* unless 0 */
	uint32_t data_block_size; /* sectors, unless 0 */
	bool no_express;          /* expat sees every byte: slow, for tests */
};

/* Where and why parsing ended, for one line of text. */
struct xml_fault {
	uint64_t line, column; /* from 1; 0: nowhere in particular */
	char text[256];
};

/*
 * 0; -EINVAL with ret_fault filled when the XML is not what it should be; else an -errno of reading
 * or of the visitor, with the place where it was met and an empty text.
 */
must_check int xml_parse(struct input *in, const struct xml_options *options,
			 struct metadata_visitor *v, struct xml_fault *ret_fault);

#endif
