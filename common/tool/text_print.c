/* SPDX-License-Identifier: MIT */
#include "common/tool/text_print.h"

#include "common/base/text.h"

void text_print(FILE *out, const char *text, size_t nr)
{
	while (nr) {
		size_t bad;
		const size_t safe = text_safe_prefix(text, nr, &bad);

		(void)fwrite(text, 1, safe, out);
		for (size_t i = 0; i < bad; i++)
			(void)fprintf(out, "\\x%02x", (unsigned char)text[safe + i]);
		text += safe + bad;
		nr -= safe + bad;
	}
}
