/* SPDX-License-Identifier: MIT */
#include "docker_meta/text/shell.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "common/base/alloc.h"

static bool is_plain(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:@%+,-";

	return *text && *text != '-' && !text[strspn(text, plain)];
}

char *shell_word(const char *text)
{
	static const char quote[] = "'\\''";
	char *word, *to;

	if (is_plain(text))
		return alloc_string(text);
	word = to = alloc_array(4 * strlen(text) + 3, 1);
	if (!word)
		return NULL;
	*to++ = '\'';
	for (; *text; text++) {
		if (*text == '\'') {
			memcpy(to, quote, sizeof(quote) - 1);
			to += sizeof(quote) - 1;
		} else {
			*to++ = *text;
		}
	}
	*to = '\'';
	return word;
}

int shell_quote(const char *text, char **ret_word)
{
	const size_t n = strnlen(text, SHELL_WORD_MAX + 1);

	*ret_word = NULL;
	if (n > SHELL_WORD_MAX)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return -EILSEQ;
	}
	*ret_word = shell_word(text);
	return *ret_word ? 0 : -ENOMEM;
}
