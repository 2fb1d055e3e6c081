/* SPDX-License-Identifier: MIT */
#include "docker_meta/source/docker/names.h"

#include <string.h>

static bool is_hex(const char *text, size_t n)
{
	return strspn(text, "0123456789abcdef") >= n;
}

bool is_hex_name(const char *text)
{
	return strlen(text) == HEX_NAME && is_hex(text, HEX_NAME);
}

bool is_buildkit_name(const char *text)
{
	return strlen(text) == BUILDKIT_NAME &&
	       strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz") == BUILDKIT_NAME;
}

bool is_device_name(const char *text)
{
	return !strcmp(text, "base") || is_hex_name(text) || is_buildkit_name(text) ||
	       (is_hex(text, HEX_NAME) && !strcmp(text + HEX_NAME, "-init"));
}

const char *digest_hex(const char *text)
{
	return !strncmp(text, "sha256:", 7) && is_hex_name(text + 7) ? text + 7 : NULL;
}

int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool has_suffix(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n >= m && !strcmp(text + n - m, suffix);
}
