/* SPDX-License-Identifier: MIT
 * dmsetup.c: what the kernel says of devices and mounts: dmsetup status, dmsetup table, mountinfo.
 *
 * What is refused has a reason; what is taken is within its bounds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/pool/dmsetup.h"
#include "docker_meta/host/mounts.h"
#include "tests/fuzz/support/fuzz.h"

static void read_status(const char *text, size_t bytes)
{
	const char *p = text, *end = text + bytes;

	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p)),
			   *next = newline ? newline + 1 : end;
		struct dmsetup_fault fault = { "" };
		struct pool_status s;
		int r = pool_status_parse(p, (size_t)(next - p), &s, &fault);

		fuzz_require(!r || r == -ENOENT || r == -EINVAL, "%d", r);
		fuzz_require(r != -EINVAL || (*fault.text && !strchr(fault.text, '\n')),
			     "no reason: %s", fault.text);
		fuzz_require(r || strlen(s.name) <= DMSETUP_MAX_NAME, "a long name");
		fuzz_require(r || s.health == POOL_IS_WELL || (!s.total_data && !s.held_root),
			     "figures of a pool that is not well");
		p = next;
	}
}

static void read_table(const char *text, size_t bytes)
{
	struct pool_table t;
	uint64_t lines = 1;

	for (size_t i = 0; i < bytes; i++)
		lines += text[i] == '\n';
	fuzz_require(!pool_table_parse(text, bytes, &t), "no memory");
	fuzz_require(t.nr_targets + t.nr_faults + t.nr_others <= lines, "more than there is");
	fuzz_require(t.nr_faults_kept <= t.nr_faults, "more faults than were counted");
	for (size_t i = 0; i < t.nr_targets; i++) {
		const struct dm_target *d = &t.targets[i];

		fuzz_require(d->line >= 1 && d->line <= lines, "line %d", (int)d->line);
		fuzz_require(d->kind == DM_THIN ? d->thin.pool != NULL
						: d->thin_pool.metadata && d->thin_pool.data,
			     "a device without a name");
	}
	pool_table_destroy(&t);
}

static void read_mounts(char *text)
{
	struct mount_table t = { .nr_mounts = 0 };
	const struct mount_namespace n = { .pid = 1 };

	fuzz_require(!mount_table_add_namespace(&t, &n), "no memory");
	fuzz_require(!mount_table_parse(text, 0, &t), "no memory");
	mount_table_sort(&t);
	for (size_t i = 0; i < t.nr_mounts; i++) {
		const struct host_mount *m = mount_table_find(&t, t.mounts[i].hash);

		fuzz_require(m && !strcmp(m->hash, t.mounts[i].hash), "a mount is not found");
	}
	mount_table_destroy(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes in = { data, data + size };
	const uint64_t what = fuzz_below(&in, 3);
	const size_t bytes = fuzz_left(&in);
	/* Two parsers take any bytes, without a NUL behind; the third a text. */
	char *text = malloc(bytes + (what == 2) + !bytes);

	fuzz_require(text, "no memory");
	memcpy(text, in.p, bytes);
	if (what == 2)
		text[bytes] = '\0';
	if (!what)
		read_status(text, bytes);
	else if (what == 1)
		read_table(text, bytes);
	else
		read_mounts(text);
	free(text);
	return 0;
}
