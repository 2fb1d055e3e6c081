/* SPDX-License-Identifier: MIT
 * assets.c: the Makefile has what this depends on.
 */
#include "docker_meta/say/page/assets.h"

#include <stdint.h>

/* Found from the top of the tree, where compilers run. */
#define EMBED(name, file)                                                                        \
	__asm__(".pushsection .rodata\n"                                                         \
		".hidden " name "\n.hidden " name "_size\n"                                      \
		".global " name "\n.global " name "_size\n" name                                 \
		":\n.incbin \"docker_meta/say/page/" file "\"\n"                                 \
		".Lend_of_" name ":\n.balign 8\n" name "_size:\n.quad .Lend_of_" name " - " name \
		"\n.popsection\n")

EMBED("page_css", "page.css");
EMBED("page_js", "page.js");

extern const char page_css[], page_js[];
extern const uint64_t page_css_size, page_js_size;

struct asset page_style(void)
{
	return (struct asset){ page_css, page_css_size };
}

struct asset page_script(void)
{
	return (struct asset){ page_js, page_js_size };
}
