/* SPDX-License-Identifier: MIT
 * make_pool_xml.c: XML of a pool for the benchmark: DEVICES devices with MAPPINGS mappings in all,
 * data blocks scattered in runs of one to four, so that no shortcut for long runs helps anybody.
 *
 *     make_pool_xml DEVICES MAPPINGS >pool.xml
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct run {
	uint64_t data;
	unsigned int length;
};

/* xorshift64*: the same pool every time. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

static uint64_t make_runs(struct run *runs, uint64_t nr_mappings, uint64_t *state)
{
	uint64_t nr = 0, data = 0;

	while (data < nr_mappings) {
		runs[nr].data = data;
		runs[nr].length = 1 + (unsigned int)(next_random(state) >> 62);
		data += runs[nr].length;
		nr++;
	}
	for (uint64_t i = nr; i > 1; i--) {
		uint64_t j = next_random(state) % i;
		struct run swap = runs[i - 1];

		runs[i - 1] = runs[j];
		runs[j] = swap;
	}
	return nr;
}

static void print_device(uint64_t device, const struct run *runs, uint64_t nr, uint64_t *state)
{
	uint64_t thin = 0, mapped = 0;

	for (uint64_t i = 0; i < nr; i++)
		mapped += runs[i].length;
	printf("  <device dev_id=\"%" PRIu64 "\" mapped_blocks=\"%" PRIu64
	       "\" transaction=\"1\" creation_time=\"0\" snap_time=\"0\">\n",
	       device, mapped);
	for (uint64_t i = 0; i < nr; i++) {
		thin += next_random(state) >> 63;
		if (runs[i].length == 1)
			printf("    <single_mapping origin_block=\"%" PRIu64
			       "\" data_block=\"%" PRIu64 "\" time=\"0\"/>\n",
			       thin, runs[i].data);
		else
			printf("    <range_mapping origin_begin=\"%" PRIu64
			       "\" data_begin=\"%" PRIu64 "\" length=\"%u\" time=\"0\"/>\n",
			       thin, runs[i].data, runs[i].length);
		thin += runs[i].length;
	}
	printf("  </device>\n");
}

int main(int argc, char **argv)
{
	uint64_t nr_devices = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t nr_mappings = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t state = 88172645463325252u, nr, first = 0;
	struct run *runs;

	if (!nr_devices || !nr_mappings) {
		fprintf(stderr, "usage: make_pool_xml DEVICES MAPPINGS\n");
		return 64;
	}
	runs = calloc(nr_mappings, sizeof(*runs));
	if (!runs)
		return 1;
	nr = make_runs(runs, nr_mappings, &state);
	printf("<superblock uuid=\"\" time=\"0\" transaction=\"1\" version=\"2\" "
	       "data_block_size=\"128\" nr_data_blocks=\"%" PRIu64 "\">\n",
	       nr_mappings + 4);
	for (uint64_t d = 0; d < nr_devices; d++) {
		uint64_t last = nr * (d + 1) / nr_devices;

		print_device(d + 1, runs + first, last - first, &state);
		first = last;
	}
	printf("</superblock>\n");
	free(runs);
	return fflush(stdout) || ferror(stdout);
}
