/* SPDX-License-Identifier: MIT */
#include "docker_meta/say/page/assets.h"

EMBED(css, "docker_meta/say/page/page.css");
EMBED(js, "docker_meta/say/page/page.js");

struct asset page_style(void)
{
	return EMBEDDED(css);
}

struct asset page_script(void)
{
	return EMBEDDED(js);
}
