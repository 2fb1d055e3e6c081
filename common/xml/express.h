/* SPDX-License-Identifier: MIT
 * express.h: mappings in the exact form that dumps have, faster than any XML parser reads them.
 * Included by common/xml alone.
 */
#ifndef THINMEND_XML_EXPRESS_H
#define THINMEND_XML_EXPRESS_H

#include "common/thin/metadata_visitor.h"

/*
 * One mapping element at p, where a byte 0 ends the text and EXPRESS_SLACK more bytes can be read.
 * Returns where the element ends, or NULL when what stands there is anything else, were it only
 * spelled otherwise, or a number is out of range.
 */
#define EXPRESS_SLACK 64u
const char *express_mapping(const char *p, struct mapping_run *ret_run);

#endif
