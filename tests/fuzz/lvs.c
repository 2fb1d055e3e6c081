/* SPDX-License-Identifier: MIT
 * lvs.c: what lvs says as JSON, sizes as LVM writes them, and the settings in lvm.conf.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "docker_meta/config/lvm.h"
#include "tests/fuzz/support/fuzz.h"

static void look_up(const struct lvm_report *r)
{
	fuzz_require(!lvm_report_pool(r, NULL) || lvm_report_has_pools(r), "a pool of none");
	(void)lvm_report_has_hidden(r);
	(void)lvm_report_pool(r, "docker-thinpool");
	for (size_t i = 0; i < r->nr; i++) {
		const struct lvm_volume *v = &r->volumes[i];

		if (v->vg && v->name)
			fuzz_require(lvm_report_find(r, v->vg, v->name), "%s/%s is not found",
				     v->vg, v->name);
		fuzz_require(
			!v->has_data_percent || (v->data_percent >= 0 && v->data_percent <= 1e300),
			"a percentage of %f", v->data_percent);
	}
}

static void read_report(char *text, size_t bytes)
{
	struct go_fault fault = { "" };
	struct lvm_report r;
	int e = lvm_report_parse(text, bytes, &r, &fault);

	fuzz_require(!e || e == -EBADMSG, "%d", e);
	fuzz_require(!e || *fault.text, "no reason");
	if (!e)
		look_up(&r);
	lvm_report_destroy(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes in = { data, data + size };
	const uint64_t what = fuzz_below(&in, 3);
	const size_t bytes = fuzz_left(&in);
	char *text = calloc(bytes + 1, 1);
	struct autoextend a;
	uint64_t n;

	fuzz_require(text, "no memory");
	memcpy(text, in.p, bytes);
	if (!what)
		read_report(text, bytes);
	else if (what == 1)
		autoextend_parse(text, &a);
	else
		(void)!lvm_size_parse(text, &n);
	free(text);
	return 0;
}
