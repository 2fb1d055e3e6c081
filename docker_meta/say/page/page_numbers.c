/* SPDX-License-Identifier: MIT
 * page_numbers.c: as page.js has them, too, of which a test is the proof.
 */
#include <inttypes.h>
#include <string.h>

#include "docker_meta/say/page/page_internal.h"

void put_bytes(FILE *out, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	if (unit && value < 9.95) {
		unsigned int tenths = (unsigned int)(value * 10 + 0.5);

		(void)fprintf(out, "%u.%u", tenths / 10, tenths % 10);
	} else {
		(void)fprintf(out, "%u", (unsigned int)(value + 0.5));
	}
	(void)fprintf(out, "&#160;%s", units[unit]);
}

void put_exact(FILE *out, uint64_t number)
{
	char text[24];
	size_t nr = (size_t)snprintf(text, sizeof(text), "%" PRIu64, number);
	size_t head = nr % 3 ? nr % 3 : 3;

	(void)fprintf(out, "<span class=\"n\">%.*s", (int)head, text);
	for (size_t i = head; i < nr; i += 3)
		(void)fprintf(out, "<i>%.3s</i>", text + i);
	(void)fputs("</span>", out);
}

void put_percent(FILE *out, uint64_t part, uint64_t whole)
{
	double share = whole ? (double)part * 100 / (double)whole : 0;

	if (part && share < 0.1)
		(void)fputs("&lt;&#8239;0.1%", out);
	else if (part < whole && share > 99.9)
		(void)fputs("&gt;&#8239;99.9%", out);
	else
		(void)fprintf(out, part && part < whole ? "%.1f%%" : "%.0f%%", share);
}

unsigned int page_share(uint64_t part, uint64_t whole, unsigned int of)
{
	double share = whole ? (double)part * of / (double)whole : 0;
	unsigned int nr = share > of ? of : (unsigned int)share;

	return part && !nr ? 1 : nr;
}
