/* SPDX-License-Identifier: MIT
 * assets.h: the style and the script of the page.
 */
#ifndef DOCKER_META_SAY_PAGE_ASSETS_H
#define DOCKER_META_SAY_PAGE_ASSETS_H

#include "docker_meta/text/embed.h"

struct asset page_style(void);
struct asset page_script(void);

#endif
