/* SPDX-License-Identifier: MIT
 * damage.c: change one named thing in a metadata file and make its checksums right again; for the
 * tests of the command lines and for the demonstration.
 *
 *     damage FILE snap-time DEVICE TIME     the device's snapshotted_time
 *     damage FILE super OFFSET BYTES VALUE  a field of the superblock
 *     damage FILE leaks N                   leak N data blocks and N metadata blocks
 *     damage FILE leaf DEVICE               break the checksum of the device's first leaf
 *     damage FILE swap DEVICE N             swap children N and N + 1 of the device's root
 *     damage FILE swap-keys DEVICE N        swap keys N and N + 1 of the device's first leaf
 *     damage FILE mapped DEVICE BLOCKS      mapped_blocks of the device's details
 *     damage FILE stale BLOCK OLD           what stands in OLD, as an old version of BLOCK
 *     damage FILE get OFFSET BYTES          print a field of the superblock
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/image.h"
#include "tests/support/versions.h"

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 0);
}

/* Only what leads to the leaves is changed: the leaves themselves stay whole. */
static void swap_children(struct image *i, uint64_t root, unsigned int n)
{
	uint64_t a = node_value(i, root, n), b = node_value(i, root, n + 1);

	image_set_node(i, root, node_value_offset(i, root, n), 8, b);
	image_set_node(i, root, node_value_offset(i, root, n + 1), 8, a);
}

static int apply(struct image *i, int argc, char **argv)
{
	const char *what = argv[2];
	uint64_t block;
	size_t at;

	if (!strcmp(what, "snap-time") && argc == 5) {
		at = device_details_offset(i, number(argv[3]), &block);
		image_set_node(i, block, at + 20, 4, number(argv[4]));
	} else if (!strcmp(what, "super") && argc == 6) {
		image_set_super(i, number(argv[3]), number(argv[4]), number(argv[5]));
	} else if (!strcmp(what, "leaks") && argc == 4) {
		for (uint64_t n = number(argv[3]); n; n--) {
			image_leak_data(i);
			image_leak_metadata(i);
		}
	} else if (!strcmp(what, "leaf") && argc == 4) {
		block = first_leaf(i, device_root(i, number(argv[3])));
		image_set(i, block, 1000, 1, image_get(i, block, 1000, 1) ^ 1);
	} else if (!strcmp(what, "swap") && argc == 5) {
		swap_children(i, device_root(i, number(argv[3])), (unsigned int)number(argv[4]));
	} else if (!strcmp(what, "swap-keys") && argc == 5) {
		unsigned int n = (unsigned int)number(argv[4]);
		uint64_t key;

		block = first_leaf(i, device_root(i, number(argv[3])));
		key = node_key(i, block, n);
		node_set_key(i, block, n, node_key(i, block, n + 1));
		node_set_key(i, block, n + 1, key);
	} else if (!strcmp(what, "mapped") && argc == 5) {
		at = device_details_offset(i, number(argv[3]), &block);
		image_set_node(i, block, at, 8, number(argv[4]));
	} else if (!strcmp(what, "stale") && argc == 5) {
		version_put(i, i, number(argv[3]), number(argv[4]));
	} else if (!strcmp(what, "get") && argc == 5) {
		printf("%llu\n",
		       (unsigned long long)image_get(i, 0, number(argv[3]), number(argv[4])));
	} else {
		return 64;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct image i;
	int status;

	if (argc < 3) {
		fprintf(stderr, "usage: damage FILE WHAT ...\n");
		return 64;
	}
	i = image_load_file(argv[1]);
	status = apply(&i, argc, argv);
	if (!status && strcmp(argv[2], "get") != 0)
		image_save_file(&i, argv[1]);
	image_destroy(&i);
	return status;
}
