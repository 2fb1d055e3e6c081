/* SPDX-License-Identifier: MIT */
#include "docker_meta/host/dm_names.h"

#include <stddef.h>
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
