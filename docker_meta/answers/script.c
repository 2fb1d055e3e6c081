/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/script.h"

#include <string.h>

EMBED(guards, "docker_meta/answers/script/guards.sh");
EMBED(backup, "docker_meta/answers/script/backup.sh");
EMBED(dump, "docker_meta/answers/script/dump.sh");
EMBED(again, "docker_meta/answers/script/again.sh");

/* Its head is for who reads the file. */
static struct asset without_head(struct asset file)
{
	const char *body = memmem(file.text, file.size, "\n\n", 2);

	return (struct asset){ body + 2, file.size - (size_t)(body + 2 - file.text) };
}

struct asset script_part(enum script_part part)
{
	switch (part) {
	case SCRIPT_GUARDS:
		return without_head(EMBEDDED(guards));
	case SCRIPT_BACKUP:
		return without_head(EMBEDDED(backup));
	case SCRIPT_DUMP:
		return without_head(EMBEDDED(dump));
	case SCRIPT_AGAIN:
		break;
	}
	return without_head(EMBEDDED(again));
}

bool script_next_line(struct asset *rest, struct asset *ret_line)
{
	const char *end = rest->size ? memchr(rest->text, '\n', rest->size) : NULL;

	if (!end)
		return false;
	*ret_line = (struct asset){ rest->text, (size_t)(end - rest->text) };
	rest->size -= ret_line->size + 1;
	rest->text = end + 1;
	return true;
}
