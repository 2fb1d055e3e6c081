/* SPDX-License-Identifier: MIT */
#include "common/base/text.h"

#include <ctype.h>
#include <string.h>

#include "common/base/alloc.h"

size_t utf8_decode(const char *text, uint32_t *ret_character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)text;
	size_t nr = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c = nr == 1 ? p[0] : p[0] & (0x7fu >> nr);

	if (p[0] >= 0xf8 || (p[0] >= 0x80 && p[0] < 0xc0))
		return 0;
	for (size_t i = 1; i < nr; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	*ret_character = c;
	return c < least[nr] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : nr;
}

bool character_is_unseen(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x0000, 0x001f }, { 0x007f, 0x009f },   { 0x00ad, 0x00ad }, { 0x034f, 0x034f },
		{ 0x061c, 0x061c }, { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
		{ 0x200b, 0x200f }, { 0x2028, 0x202e },   { 0x2060, 0x206f }, { 0x3164, 0x3164 },
		{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb },
		{ 0xfdd0, 0xfdef }, { 0xe0000, 0xe0fff },
	};

	if ((c & 0xfffe) == 0xfffe)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	}
	return false;
}

/* A backslash that a reader would take for the beginning of an escape. */
static bool looks_like_escape(const char *p, size_t nr)
{
	return nr >= TEXT_ESCAPE && p[0] == '\\' && p[1] == 'x' && isxdigit((unsigned char)p[2]) &&
	       isxdigit((unsigned char)p[3]);
}

/* Bytes of the character at p, of which there are nr; *ret_bad: it is to be escaped. */
static size_t step(const char *p, size_t nr, bool control, bool *ret_bad)
{
	uint32_t c = 0;
	const size_t n = utf8_decode(p, &c);

	*ret_bad = !n || n > nr || looks_like_escape(p, nr) || (control && character_is_unseen(c));
	return n && n <= nr ? n : 1;
}

static size_t safe_prefix(const char *text, size_t nr, bool control, size_t *ret_bad)
{
	size_t done = 0;

	*ret_bad = 0;
	while (done < nr) {
		bool bad;
		const size_t n = step(text + done, nr - done, control, &bad);

		if (bad) {
			*ret_bad = n;
			break;
		}
		done += n;
	}
	return done;
}

size_t text_safe_prefix(const char *text, size_t nr, size_t *ret_bad)
{
	return safe_prefix(text, nr, true, ret_bad);
}

static char *put_escape(char *to, char byte)
{
	static const char digits[] = "0123456789abcdef";

	*to++ = '\\';
	*to++ = 'x';
	*to++ = digits[(unsigned char)byte >> 4];
	*to++ = digits[(unsigned char)byte & 15];
	return to;
}

char *text_escape_bytes(const char *text)
{
	size_t nr = strlen(text), bad;
	char *copy = alloc_array(nr + 1, TEXT_ESCAPE), *to = copy;

	while (copy && nr) {
		const size_t safe = safe_prefix(text, nr, false, &bad);

		memcpy(to, text, safe);
		to += safe;
		text += safe;
		for (size_t i = 0; i < bad; i++)
			to = put_escape(to, *text++);
		nr -= safe + bad;
	}
	return copy;
}
