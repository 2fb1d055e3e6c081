/* SPDX-License-Identifier: MIT
 * assets.h: page.css and page.js, as they were when this was built.
 */
#ifndef DOCKER_META_SAY_PAGE_ASSETS_H
#define DOCKER_META_SAY_PAGE_ASSETS_H

#include <stddef.h>

struct asset {
	const char *text; /* not terminated */
	size_t size;
};

struct asset page_style(void);
struct asset page_script(void);

#endif
