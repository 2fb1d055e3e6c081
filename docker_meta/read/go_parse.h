/* SPDX-License-Identifier: MIT
 * go_parse.h: from text to jansson's values, by the rules of Go's decoder (go_json.h).
 *
 * jansson's own parser takes one failed allocation for a fault of the text, and goes beyond the end
 * of a string at another (2.14, strbuffer_append() in lex_save()).
 */
#ifndef DOCKER_META_READ_GO_PARSE_H
#define DOCKER_META_READ_GO_PARSE_H

#include "docker_meta/read/go_json.h"

/* What stands in front of a number that jansson has no type for, in a string of its characters. */
#define GO_NUMBER_MARK "#u64:"

/*
 * Any value from size bytes of text, behind which there is a NUL.  0; -EBADMSG with fault filled;
 * or -ENOMEM, with fault filled too.  json_decref() it.
 */
must_check int go_parse(const char *text, size_t size, bool utf8_only, json_t **ret_value,
			struct go_fault *fault);

#endif
