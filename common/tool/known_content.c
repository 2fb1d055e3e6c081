/* SPDX-License-Identifier: MIT
 * known_content.c: by libblkid.
 */
#include "common/tool/known_content.h"

#include <blkid/blkid.h>
#include <stdio.h>
#include <string.h>

static const char *value(blkid_probe probe, const char *name)
{
	const char *text = NULL;

	return blkid_probe_lookup_value(probe, name, &text, NULL) ? NULL : text;
}

static void describe(blkid_probe probe, char text[KNOWN_CONTENT_MAX])
{
	const char *type = value(probe, "TYPE"), *usage = value(probe, "USAGE");
	const char *label = value(probe, "LABEL"), *table = value(probe, "PTTYPE");
	const bool is_file_system = usage && !strcmp(usage, "filesystem");

	if (!type)
		(void)snprintf(text, KNOWN_CONTENT_MAX, "a partition table (%s)",
			       table ? table : "unknown");
	else
		(void)snprintf(text, KNOWN_CONTENT_MAX, "%s %s%s%s%s",
			       is_file_system ? "a file system," : "a signature,", type,
			       label ? " (label " : "", label ? label : "", label ? ")" : "");
}

bool known_content(const char *path, char text[KNOWN_CONTENT_MAX])
{
	blkid_probe probe = blkid_new_probe_from_filename(path);
	int found = -1;

	*text = '\0';
	if (!probe)
		return false;
	(void)blkid_probe_enable_superblocks(probe, 1);
	(void)blkid_probe_set_superblocks_flags(
		probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE | BLKID_SUBLKS_LABEL);
	(void)blkid_probe_enable_partitions(probe, 1);
	found = blkid_do_fullprobe(probe);
	if (!found)
		describe(probe, text);
	blkid_free_probe(probe);
	return !found && *text;
}
