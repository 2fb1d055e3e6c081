/* SPDX-License-Identifier: MIT
 * custody.c: what was read, with its digests: who has the same can prove it.
 */
#include <inttypes.h>

#include "docker_meta/answers/inputs.h"
#include "docker_meta/say/page/page_internal.h"

static void put_input(const struct page *p, const struct meta_input *in)
{
	FILE *out = p->out;

	(void)fprintf(out,
		      "<tr><th scope=\"row\">%s</th><td class=\"path\"><span class=\"mono\"><bdi>",
		      in->kind);
	put_text(out, in->path);
	(void)fputs("</bdi></span>", out);
	if (*in->sha256)
		(void)fprintf(out, "<br/><span class=\"mono sum\">%s</span>", in->sha256);
	if (in->fault) {
		(void)fputs("<br/><span class=\"fault\">", out);
		put_text(out, in->fault);
		(void)fputs("</span>", out);
	}
	(void)fputs("</td><td class=\"num\">", out);
	if (in->nr_files != 1)
		(void)fprintf(out, "%" PRIu64 " files, ", in->nr_files);
	put_bytes(out, in->bytes);
	(void)fputs("</td><td>", out);
	if (in->command) {
		(void)fputs("<div class=\"command brief\"><code>", out);
		put_text(out, in->command);
		(void)fputs("</code></div>", out);
	}
	(void)fputs("</td></tr>\n", out);
}

int put_inputs(const struct page *p)
{
	struct meta_inputs inputs;
	int r = meta_inputs_make(p->v, &inputs);

	if (!r) {
		(void)fputs("<section id=\"inputs\">\n<h2>What was read</h2>\n<p class=\"quiet\">"
			    "With the SHA-256 of each, and the command that makes it again.</p>\n"
			    "<table class=\"inputs\"><tbody>\n",
			    p->out);
		for (size_t i = 0; i < inputs.nr; i++)
			put_input(p, &inputs.items[i]);
		(void)fputs("</tbody></table>\n</section>\n", p->out);
	}
	meta_inputs_destroy(&inputs);
	return r;
}
