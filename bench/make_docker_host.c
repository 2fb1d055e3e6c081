/* SPDX-License-Identifier: MIT
 * make_docker_host.c: what Docker leaves on a host of LAYERS layers and CONTAINERS containers,
 * below DIR, and XML of its pool of about MAPPINGS mappings, to standard output.
 *
 *     make_docker_host DIR LAYERS CONTAINERS MAPPINGS >pool.xml
 *
 * Images have 20 layers, every other one stands on the lower half of the one before.  Each device
 * maps what its ancestors wrote and as much of its own, scattered in short runs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "docker_meta/read/digest.h"
#include "docker_meta/source/docker/names.h"

enum { LAYERS = 20, HALF = LAYERS / 2, MAX_RUN = 4, MAX_DEPTH = LAYERS + 3, BLOCK_SECTORS = 128 };

struct device {
	uint32_t parent, depth; /* numbers from 1, the base device */
	uint32_t created, snapshotted;
};

struct host {
	const char *dir;
	struct device *devices; /* by number */
	uint32_t nr, capacity;
	uint64_t own; /* blocks that each device wrote */
	FILE *names;  /* repositories.json */
};

static void die(const char *what)
{
	fprintf(stderr, "make_docker_host: %s: %s\n", what, strerror(errno));
	exit(1);
}

__attribute__((format(printf, 3, 4))) static void write_file(const char *path, const char *mode,
							     const char *format, ...)
{
	FILE *f = fopen(path, mode);
	va_list args;

	if (!f)
		die(path);
	va_start(args, format);
	if (vfprintf(f, format, args) < 0)
		die(path);
	va_end(args);
	if (fclose(f))
		die(path);
}

/* The directories above a file that is named below DIR; the path stays until the next call. */
__attribute__((format(printf, 2, 3))) static const char *path_of(const struct host *h,
								 const char *format, ...)
{
	static char path[4096];
	size_t used = (size_t)snprintf(path, sizeof(path), "%s/", h->dir);
	va_list args;

	va_start(args, format);
	vsnprintf(path + used, sizeof(path) - used, format, args);
	va_end(args);
	for (char *at = strchr(path + used, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			die(path);
		*at = '/';
	}
	return path;
}

static struct digest name_of(const char *kind, uint64_t number)
{
	char text[64];

	return digest_of(text, (size_t)snprintf(text, sizeof(text), "%s %" PRIu64, kind, number));
}

/* A snapshot, with its file; the number of the device. */
static uint32_t add_device(struct host *h, uint32_t parent, const char *hash)
{
	const uint32_t number = ++h->nr;

	if (number >= h->capacity) {
		h->capacity = 2 * number + 1024;
		h->devices = realloc(h->devices, h->capacity * sizeof(*h->devices));
		if (!h->devices)
			die("memory");
	}
	h->devices[number] = (struct device){ parent, parent ? h->devices[parent].depth + 1 : 0,
					      number - 1, number - 1 };
	if (parent)
		h->devices[parent].snapshotted = number - 1;
	write_file(path_of(h, "devicemapper/metadata/%s", hash), "w",
		   "{\"device_id\":%u,\"size\":10737418240,\"transaction_id\":%u,"
		   "\"initialized\":%s,\"deleted\":false}",
		   number, number, parent ? "false" : "true");
	return number;
}

struct image {
	struct digest chains[LAYERS], diffs[LAYERS];
	uint32_t devices[LAYERS];
};

static void add_layer(struct host *h, struct image *image, size_t n, uint64_t number)
{
	const struct digest cache_id = name_of("cache", number);
	const struct digest *chain = &image->chains[n];

	image->diffs[n] = name_of("diff", number);
	image->chains[n] = chain_id(n ? image->chains[n - 1].hex : NULL, image->diffs[n].hex);
	image->devices[n] = add_device(h, n ? image->devices[n - 1] : 1, cache_id.hex);
	write_file(path_of(h, "image/devicemapper/layerdb/sha256/%s/cache-id", chain->hex), "w",
		   "%s", cache_id.hex);
	write_file(path_of(h, "image/devicemapper/layerdb/sha256/%s/diff", chain->hex), "w",
		   "sha256:%s", image->diffs[n].hex);
	write_file(path_of(h, "image/devicemapper/layerdb/sha256/%s/size", chain->hex), "w",
		   "1048576");
	write_file(path_of(h, "image/devicemapper/layerdb/sha256/%s/tar-split.json.gz", chain->hex),
		   "w", "x");
	if (n)
		write_file(path_of(h, "image/devicemapper/layerdb/sha256/%s/parent", chain->hex),
			   "w", "sha256:%s", image->chains[n - 1].hex);
}

static struct digest add_image(struct host *h, const struct image *image, uint64_t number)
{
	static char text[LAYERS * 80 + 400];
	size_t used =
		(size_t)snprintf(text, sizeof(text),
				 "{\"architecture\":\"amd64\",\"os\":\"linux\",\"number\":%" PRIu64
				 ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
				 number);
	struct digest id;

	for (size_t n = 0; n < LAYERS; n++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\"sha256:%s\"",
					 n ? "," : "", image->diffs[n].hex);
	used += (size_t)snprintf(text + used, sizeof(text) - used, "]}}");
	id = digest_of(text, used);
	write_file(path_of(h, "image/devicemapper/imagedb/content/sha256/%s", id.hex), "w", "%s",
		   text);
	fprintf(h->names, "%s\"image%" PRIu64 "\":{\"image%" PRIu64 ":latest\":\"sha256:%s\"}",
		number ? "," : "", number, number, id.hex);
	return id;
}

static void add_container(struct host *h, const struct image *image, const struct digest *image_id,
			  uint64_t number)
{
	const struct digest id = name_of("container", number), mount = name_of("mount", number);
	char init[HEX_NAME + 8];
	uint32_t device;

	snprintf(init, sizeof(init), "%s-init", mount.hex);
	device = add_device(h, image->devices[LAYERS - 1], init);
	add_device(h, device, mount.hex);
	write_file(path_of(h, "image/devicemapper/layerdb/mounts/%s/mount-id", id.hex), "w", "%s",
		   mount.hex);
	write_file(path_of(h, "image/devicemapper/layerdb/mounts/%s/init-id", id.hex), "w", "%s",
		   init);
	write_file(path_of(h, "image/devicemapper/layerdb/mounts/%s/parent", id.hex), "w",
		   "sha256:%s", image->chains[LAYERS - 1].hex);
	write_file(path_of(h, "containers/%s/config.v2.json", id.hex), "w",
		   "{\"State\":{\"Running\":%s,\"Dead\":false,\"RemovalInProgress\":false},"
		   "\"ID\":\"%s\",\"Image\":\"sha256:%s\",\"Name\":\"/container%" PRIu64
		   "\",\"Driver\":\"devicemapper\"}",
		   number % 2 ? "true" : "false", id.hex, image_id->hex, number);
}

static void make_host(struct host *h, uint64_t nr_layers, uint64_t nr_containers)
{
	const uint64_t nr_images = (nr_layers + LAYERS + HALF - 1) / (LAYERS + HALF) * 2;
	uint64_t layer = 0, container = 0;
	struct image image = { 0 };

	h->names = fopen(path_of(h, "image/devicemapper/repositories.json"), "w");
	if (!h->names)
		die("repositories.json");
	fprintf(h->names, "{\"Repositories\":{");
	add_device(h, 0, "base");
	for (uint64_t i = 0; i < nr_images; i++) {
		struct digest id;

		for (size_t n = i % 2 ? HALF : 0; n < LAYERS; n++)
			add_layer(h, &image, n, layer++);
		id = add_image(h, &image, i);
		for (; container * nr_images < (i + 1) * nr_containers; container++)
			add_container(h, &image, &id, container);
	}
	fprintf(h->names, "}}");
	if (fclose(h->names))
		die("repositories.json");
	write_file(
		path_of(h, "devicemapper/metadata/deviceset-metadata"), "w",
		"{\"next_device_id\":%u,\"BaseDeviceUUID\":\"\",\"BaseDeviceFilesystem\":\"xfs\"}",
		h->nr);
	write_file(path_of(h, "devicemapper/metadata/transaction-metadata"), "w",
		   "{\"open_transaction_id\":%u,\"device_hash\":\"none\",\"device_id\":%u}", h->nr,
		   h->nr + 1);
}

/* ---- the pool */

/* What one device wrote: the data blocks run the other way than the thin ones. */
static void print_own(const struct host *h, uint32_t number)
{
	const struct device *d = &h->devices[number];

	for (uint64_t at = 0, length; at < h->own; at += length) {
		length = 1 + (at * 7 + number) % MAX_RUN;
		if (length > h->own - at)
			length = h->own - at;
		printf("<range_mapping origin_begin=\"%" PRIu64 "\" data_begin=\"%" PRIu64
		       "\" length=\"%" PRIu64 "\" time=\"%u\"/>\n",
		       d->depth * h->own + at, (number - 1) * h->own + h->own - at - length, length,
		       d->created);
	}
}

static void print_pool(const struct host *h)
{
	printf("<superblock uuid=\"\" time=\"%u\" transaction=\"%u\" version=\"2\" "
	       "data_block_size=\"%d\" nr_data_blocks=\"%" PRIu64 "\">\n",
	       h->nr - 1, h->nr, BLOCK_SECTORS, 2 * h->nr * h->own);
	for (uint32_t i = 1; i <= h->nr; i++) {
		const struct device *d = &h->devices[i];
		uint32_t way[MAX_DEPTH], nr = 0;

		printf("<device dev_id=\"%u\" mapped_blocks=\"%" PRIu64
		       "\" transaction=\"%u\" creation_time=\"%u\" snap_time=\"%u\">\n",
		       i, (d->depth + 1) * h->own, i - 1, d->created, d->snapshotted);
		for (uint32_t at = i; at; at = h->devices[at].parent)
			way[nr++] = at;
		while (nr)
			print_own(h, way[--nr]);
		printf("</device>\n");
	}
	printf("</superblock>\n");
}

int main(int argc, char **argv)
{
	struct host h = { .dir = argc == 5 ? argv[1] : NULL };
	uint64_t mappings, all = 0;

	if (argc != 5) {
		fprintf(stderr,
			"usage: make_docker_host DIR LAYERS CONTAINERS MAPPINGS >pool.xml\n");
		return 1;
	}
	if (mkdir(h.dir, 0700) && errno != EEXIST)
		die(h.dir);
	mappings = strtoull(argv[4], NULL, 0);
	make_host(&h, strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0));
	for (uint32_t i = 1; i <= h.nr; i++)
		all += h.devices[i].depth + 1;
	h.own = mappings / all ? mappings / all : 1;
	print_pool(&h);
	free(h.devices);
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
