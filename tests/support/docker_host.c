/* SPDX-License-Identifier: MIT */
#include "tests/support/docker_host.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"

#define FIRST "a4cc0ed4bfe06255de73043babb13bb3d078926998cc91e115376b78f09f16e2"
#define SECOND "b84ef1d974ac3e42029339110fa37ab58a6014e0572f274955cdaf12070cc587"
#define PREFIX "docker-254:16-16386-"
#define MOUNTS "/var/lib/docker/devicemapper/mnt/"

static void run(char *command)
{
	if (!command || system(command)) /* NOLINT(cert-env33-c): a test's own command */
		abort();
	alloc_free(command);
}

void docker_host_make(const char *name, struct docker_host *ret_host)
{
	struct docker_host *h = ret_host;

	(void)snprintf(h->place, sizeof(h->place), "/tmp/docker-host-XXXXXX");
	if (!mkdtemp(h->place))
		abort();
	(void)snprintf(h->root, sizeof(h->root), "%s/root", h->place);
	(void)snprintf(h->metadata, sizeof(h->metadata), "%s/metadata", h->place);
	(void)snprintf(h->table, sizeof(h->table), "%s/table", h->place);
	(void)snprintf(h->status, sizeof(h->status), "%s/status", h->place);
	(void)snprintf(h->mountinfo, sizeof(h->mountinfo), "%s/mountinfo", h->place);
	run(alloc_printf("mkdir %s && tar -xJf tests/fixtures/docker/%s.tar.xz -C %s && "
			 "cp --sparse=always build/fixtures/%s.raw %s",
			 h->root, name, h->root, name, h->metadata));
}

void docker_host_forget(const struct docker_host *h)
{
	run(alloc_printf("rm -rf %s", h->place));
}

void docker_host_do(const struct docker_host *h, const char *command)
{
	run(alloc_printf("cd %s && %s", h->root, command));
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

void docker_host_kernel_says(const struct docker_host *h)
{
	put(h->table,
	    "vg-root: 0 2097152 linear 8:1 2048\n" PREFIX FIRST
	    ": 0 2097152 thin 253:0 31\n" PREFIX SECOND ": 0 2097152 thin 253:0 33\n" PREFIX
	    "pool: 0 4194304 thin-pool 7:1 7:0 128 32768 1 skip_block_zeroing \n");
	put(h->status,
	    PREFIX FIRST ": 0 2097152 thin 140544 2097151\n" PREFIX SECOND
			 ": 0 2097152 thin 137984 2097151\n" PREFIX
			 "pool: 0 4194304 thin-pool 59 496/4096 1997/32768 - rw discard_passdown "
			 "queue_if_no_space - 1024 \n");
	put(h->mountinfo,
	    "31 1 0:25 / / rw,relatime - overlay root rw,lowerdir=/ro\n"
	    "33 31 254:16 / /var/lib/docker rw,relatime shared:1 - ext4 /dev/vdb rw\n"
	    "35 33 253:1 / " MOUNTS FIRST
	    " rw,relatime shared:2 master:7 - xfs /dev/mapper/" PREFIX FIRST " rw,nouuid\n"
	    "36 33 253:2 / " MOUNTS SECOND " rw,relatime - xfs /dev/mapper/" PREFIX SECOND
	    " rw,nouuid\n");
}

struct docker_meta_options docker_host_options(const struct docker_host *h)
{
	return (struct docker_meta_options){ .command = COMMAND_CHECK,
					     .form = OUTPUT_TEXT,
					     .root = h->root,
					     .metadata = h->metadata,
					     .no_mounts = true,
					     .no_dm = true,
					     .no_lvs = true,
					     .no_daemon_json = true,
					     .no_sandbox = true };
}
