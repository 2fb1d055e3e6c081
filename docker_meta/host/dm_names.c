/* SPDX-License-Identifier: MIT */
#include "docker_meta/host/dm_names.h"

#include <string.h>

static const char *behind_number(const char *p, char end)
{
	size_t n = strspn(p, "0123456789");

	return n && p[n] == end ? p + n + 1 : NULL;
}

const char *dm_name_hash(const char *name)
{
	static const char start[] = "docker-";
	const char *p = name;

	if (strncmp(p, start, sizeof(start) - 1) != 0)
		return NULL;
	p = behind_number(p + sizeof(start) - 1, ':');
	p = p ? behind_number(p, '-') : NULL;
	p = p ? behind_number(p, '-') : NULL;
	return p && *p && !strchr(p, '/') ? p : NULL;
}

const char *dm_name_strip(const char *path)
{
	static const char directory[] = "/dev/mapper/";

	return strncmp(path, directory, sizeof(directory) - 1) != 0 ? path
								    : path + sizeof(directory) - 1;
}

/* The length of text that the ending is behind; 0: it has another one, or is nothing else. */
static size_t length_before(const char *text, const char *ending)
{
	const size_t n = strlen(text), end = strlen(ending);

	return n > end && !strcmp(text + n - end, ending) ? n - end : 0;
}

bool dm_name_is_layered(const char *name)
{
	return length_before(name, LVM_POOL_LAYER) != 0;
}

size_t dm_name_group(const char *name)
{
	size_t n = 0;

	while (name[n] && (name[n] != '-' || name[n + 1] == '-'))
		n += name[n] == '-' ? 2 : 1;
	return name[n] ? n : 0;
}

size_t dm_name_of_metadata(const char *path)
{
	const char *name = dm_name_strip(path);

	return name != path ? length_before(name, "_tmeta") : 0;
}
