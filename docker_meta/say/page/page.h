/* SPDX-License-Identifier: MIT
 * page.h: all that was found as one HTML file, to be looked at and to be attached to a ticket.
 *
 * It stands alone: style and script are in it, and its policy forbids the net.  Without script all
 * of it can be read but for the devices beyond the first page.  Its size is bounded but for some
 * 150 bytes a device: of what there is more than fits, it says how much, and which command has it.
 */
#ifndef DOCKER_META_SAY_PAGE_PAGE_H
#define DOCKER_META_SAY_PAGE_PAGE_H

#include <stdio.h>

#include "docker_meta/view.h"

/* 0, -ENOMEM or -EIO.  The time that it tells is now, or SOURCE_DATE_EPOCH. */
must_check int page_write(const struct meta_view *v, FILE *out);

#endif
