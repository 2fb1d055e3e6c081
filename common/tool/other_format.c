/* SPDX-License-Identifier: MIT */
#include "common/tool/other_format.h"

#include <string.h>

#include "common/base/compiler.h"

bool is_all_zero(const void *data, size_t bytes)
{
	const unsigned char *p = data;

	while (bytes && !*p) {
		p++;
		bytes--;
	}
	return !bytes;
}

struct signature {
	size_t offset;
	const char *bytes;
	size_t nr;
	const char *meaning;
};

/* The first two sentences are those of thin-provisioning-tools 1.x. */
#define XML_TEXT                                                                            \
	"This looks like XML.  This tool only supports the binary metadata format.  Next: " \
	"thin_restore makes it from XML"

static const struct signature signatures[] = {
	{ 0, "\x1f\x8b", 2, "it is compressed with gzip; unpack it first" },
	{ 0,
	  "\xfd"
	  "7zXZ",
	  5, "it is compressed with xz; unpack it first" },
	{ 0, "BZh", 3, "it is compressed with bzip2; unpack it first" },
	{ 0, "\x28\xb5\x2f\xfd", 4, "it is compressed with zstd; unpack it first" },
	{ 0,
	  "\x7f"
	  "ELF",
	  4, "it is a program; name the pool's metadata device" },
	{ 0, "\xef\xbb\xbf<", 4, XML_TEXT },
	{ 512, "LABELONE", 8,
	  "it is a physical volume of LVM; name the pool's metadata volume (…_tmeta)" },
	{ 1080, "\x53\xef", 2, "there is an ext file system; name the pool's metadata device" },
	{ 0, "XFSB", 4, "there is an XFS file system; name the pool's metadata device" },
};

/* Text, and behind its end nothing but zeros. */
static bool is_text(const unsigned char *p, size_t bytes)
{
	const size_t nr = strnlen((const char *)p, bytes);

	for (size_t i = 0; i < nr; i++) {
		if ((p[i] < ' ' && p[i] != '\t' && p[i] != '\n' && p[i] != '\r') || p[i] == 0x7f)
			return false;
	}
	return nr && is_all_zero(p + nr, bytes - nr);
}

const char *other_format(const char *p, size_t bytes)
{
	const char *first = p + strspn(p, " \t\r\n");
	const bool is_all_text = is_text((const unsigned char *)p, bytes);

	for (size_t i = 0; i < ARRAY_SIZE(signatures); i++) {
		const struct signature *s = &signatures[i];

		if (s->offset + s->nr <= bytes && !memcmp(p + s->offset, s->bytes, s->nr))
			return s->meaning;
	}
	if (*first == '<' && is_all_text)
		return XML_TEXT;
	return is_all_text && strlen(p) == bytes
		       ? "it is a text file; name the pool's metadata device"
		       : NULL;
}
