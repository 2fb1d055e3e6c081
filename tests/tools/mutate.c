/* SPDX-License-Identifier: MIT
 * mutate.c: write the mutations of the catalogue to files, for a kernel to try (tests/kernel).
 *
 *     mutate list            a line for each: NAME FIXTURE FINDING
 *     mutate NAME RAW OUT    RAW, the unpacked fixture, with the mutation, to a file or a disk.
 *                            Prints the block that cannot be read, where that is the mutation.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/mutations.h"

static void list(void)
{
	const struct mutation *m;

	for (size_t n = 0; (m = mutation_at(n)); n++) {
		if (mutation_find(m->name) == m)
			printf("%s %s %s\n", m->name, m->fixture, finding_type(m->expected)->id);
	}
}

static int mutate(const char *name, const char *raw, const char *out)
{
	const struct mutation *m = mutation_find(name);
	struct image i;

	if (!m) {
		fprintf(stderr, "mutate: there is no mutation %s\n", name);
		return 1;
	}
	i = image_load_file(raw);
	m->apply(&i);
	image_save_file(&i, out);
	if (i.unreadable != NO_BLOCK)
		printf("%llu\n", (unsigned long long)i.unreadable);
	image_destroy(&i);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "list"))
		list();
	else if (argc == 4)
		return mutate(argv[1], argv[2], argv[3]);
	else
		return fprintf(stderr, "usage: mutate list | mutate NAME RAW OUT\n"), 64;
	return 0;
}
