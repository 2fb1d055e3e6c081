/* SPDX-License-Identifier: MIT
 * test_dm_busy.c: which pool uses a device, by the tables of device-mapper.
 */
#include <criterion/criterion.h>
#include <libdevmapper.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "common/base/alloc.h"
#include "common/tool/dm_busy.h"
#include "tests/support/capture.h"
#include "tests/support/dm_fake.h"
#include "tests/support/leaks.h"

TestSuite(dm_busy, .fini = fail_on_leaks);

static const struct dm_fake_device devices[] = {
	{ "root", "linear", "254:3 2048" },
	{ "gone", NULL, NULL },
	{ "first", "thin-pool", "254:13 254:4 128 0 0" },
	{ "volume", "thin", "254:3 1" },
	{ "docker-pool", "thin-pool", "254:3 254:5 128 32768 1 skip_block_zeroing" },
	{ "last", "thin-pool", "7:0 7:1 128 0 0" },
};

static void expect_user(unsigned int major, unsigned int minor, const char *user)
{
	char text[256] = "something", expected[256] = "";

	if (user)
		snprintf(expected, sizeof(expected), " as the metadata of pool %s", user);
	dm_pool_on(makedev(major, minor), text, sizeof(text));
	cr_expect_str_eq(text, expected);
	cr_expect_eq(dm_fake_nr_tasks, 0, "a task was left");
}

/* Metadata alone counts, not data, and 254:3 is not the end of 254:13. */
Test(dm_busy, pools_by_their_metadata)
{
	dm_fake_devices(devices, ARRAY_SIZE(devices));
	expect_user(254, 3, "docker-pool");
	expect_user(254, 13, "first");
	expect_user(7, 0, "last");
	expect_user(254, 5, NULL);
	expect_user(254, 1, NULL);
	expect_user(25, 4, NULL);
}

Test(dm_busy, no_devices)
{
	dm_fake_devices(devices, 0);
	expect_user(254, 3, NULL);
}

Test(dm_busy, nothing_that_answers)
{
	struct capture c;
	char *text;

	dm_fake_devices(devices, ARRAY_SIZE(devices));
	c = capture_begin(stderr);
	dm_fake_runs = false;
	expect_user(254, 3, NULL);
	dm_fake_makes = false;
	expect_user(254, 3, NULL);
	text = capture_end(&c);
	cr_expect_str_eq(text, "");
	free(text);
}

/* What the library says when it does not like something. */
static char *library_says(void)
{
	struct capture c = capture_begin(stderr);
	struct capture out = capture_begin(stdout);

	cr_expect_null(dm_config_from_string("no configuration {"));
	free(capture_end(&out));
	return capture_end(&c);
}

Test(dm_busy, the_library_is_quiet)
{
	char *before = library_says(), *after;

	dm_be_quiet();
	after = library_says();
	cr_expect_gt(strlen(before), 0, "else this proves nothing");
	cr_expect_str_eq(after, "");
	free(before);
	free(after);
}

/* A name that is longer than there is room for is cut. */
Test(dm_busy, little_room)
{
	char text[20];

	dm_fake_devices(devices, ARRAY_SIZE(devices));
	dm_pool_on(makedev(254, 3), text, sizeof(text));
	cr_expect_eq(strlen(text), sizeof(text) - 1);
	dm_who_uses("/dev/null", text, sizeof(text));
	cr_expect_str_eq(text, "", "no block device");
	dm_who_uses("/no/such/device", text, sizeof(text));
	cr_expect_str_eq(text, "");
}
