/* SPDX-License-Identifier: MIT
 * test_dmsetup.c: what dmsetup prints, as real kernels wrote it, and what nobody wrote.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/pool/dmsetup.h"
#include "tests/support/leaks.h"

TestSuite(dmsetup, .fini = fail_on_leaks);

/* ---- status */

static struct pool_status status_of(const char *line, int expected)
{
	struct pool_status s;
	struct dmsetup_fault fault;

	cr_expect_eq(pool_status_parse(line, strlen(line), &s, &fault), expected, "%s: %s", line,
		     fault.text);
	cr_expect_eq(!*fault.text, expected != -EINVAL, "%s: %s", line, fault.text);
	return s;
}

Test(dmsetup, status_of_real_pools)
{
	struct pool_status s = status_of("docker-254:16-16386-pool: 0 4194304 thin-pool 65 "
					 "496/4096 2060/32768 - rw discard_passdown "
					 "queue_if_no_space - 1024 \n",
					 0);

	cr_expect_str_eq(s.name, "docker-254:16-16386-pool");
	cr_expect(s.begin == 0 && s.length == 4194304 && s.health == POOL_IS_WELL);
	cr_expect_eq(s.transaction_id, 65);
	cr_expect(s.used_metadata == 496 && s.total_metadata == 4096);
	cr_expect(s.used_data == 2060 && s.total_data == 32768);
	cr_expect_eq(s.held_root, 0);
	cr_expect(s.mode == POOL_MODE_RW && s.discard == POOL_DISCARD_PASSDOWN);
	cr_expect_not(s.error_if_no_space || s.needs_check);
	cr_expect(s.has_needs_check && s.has_low_water && s.metadata_low_water == 1024);

	s = status_of("0 262144 thin-pool 3 117/1024 341/2048 - ro discard_passdown "
		      "queue_if_no_space needs_check 256 \n",
		      0);
	cr_expect_str_eq(s.name, "");
	cr_expect(s.mode == POOL_MODE_RO && s.needs_check);

	s = status_of("pool: 0 262144 thin-pool 6 120/1024 414/2048 52 out_of_data_space "
		      "no_discard_passdown error_if_no_space - 256",
		      0);
	cr_expect_eq(s.held_root, 52);
	cr_expect(s.mode == POOL_MODE_OUT_OF_DATA_SPACE && s.error_if_no_space);
	cr_expect_eq(s.discard, POOL_DISCARD_NO_PASSDOWN);

	/* Linux 3.10 */
	s = status_of("p: 0 8 thin-pool 0 1/2 1/2 - rw ignore_discard queue_if_no_space ", 0);
	cr_expect(!s.has_needs_check && !s.has_low_water && s.discard == POOL_DISCARD_IGNORE);
	s = status_of("p: 0 8 thin-pool 0 1/2 1/2 - rw ignore_discard queue_if_no_space - ", 0);
	cr_expect(s.has_needs_check && !s.has_low_water);
	s = status_of("p: 0 8 thin-pool Fail\n", 0);
	cr_expect(s.health == POOL_IS_FAILED && s.length == 8);
	cr_expect_str_eq(s.name, "p");
	s = status_of("0 8 thin-pool Error", 0);
	cr_expect_eq(s.health, POOL_IS_IN_ERROR);
}

Test(dmsetup, status_of_others_is_left_alone)
{
	(void)status_of("No devices found\n", -ENOENT);
	(void)status_of("", -ENOENT);
	(void)status_of("\n", -ENOENT);
	(void)status_of("gone: \n", -ENOENT);
	(void)status_of("t0: 0 524288 thin 162560 524287\n", -ENOENT);
	(void)status_of("metalin: 0 8192 linear \n", -ENOENT);
}

static const char full[] = "pool: 0 262144 thin-pool 6 120/1024 414/2048 52 rw discard_passdown "
			   "queue_if_no_space - 256";

Test(dmsetup, status_that_is_wrong_is_refused)
{
	static const char *const bad[] = {
		"pool: 0 thin-pool 6",
		"pool: 0 8",
		"pool: x 8 thin-pool Fail",
		"pool: 0 -8 thin-pool Fail",
		"pool: 18446744073709551615 8 thin-pool Fail",
		"pool: 0 8 thin-pool",
		"pool: 0 8 thin-pool Fail 1",
		"pool: 0 8 thin-pool fail",
		"pool: 0 8 thin-pool 0 3/2 1/2 - rw discard_passdown queue_if_no_space - 1",
		"pool: 0 8 thin-pool 0 1 1/2 - rw discard_passdown queue_if_no_space - 1",
		"pool: 0 8 thin-pool 0 1/ 1/2 - rw discard_passdown queue_if_no_space - 1",
		"pool: 0 8 thin-pool 0 /1 1/2 - rw discard_passdown queue_if_no_space - 1",
		"pool: 0 8 thin-pool 0 1/2 1/2 -1 rw discard_passdown queue_if_no_space - 1",
		"pool: 0 8 thin-pool 0 1/2 1/2 - rx discard_passdown queue_if_no_space - 1",
		"pool: 0 8 thin-pool 0 1/2 1/2 - rw discard queue_if_no_space - 1",
		"pool: 0 8 thin-pool 0 1/2 1/2 - rw discard_passdown queue - 1",
		"pool: 0 8 thin-pool 0 1/2 1/2 - rw discard_passdown queue_if_no_space x 1",
		"pool: 0 8 thin-pool 0 1/2 1/2 - rw discard_passdown queue_if_no_space - x",
		"pool: 0 8 thin-pool 0 1/2 1/2 - rw discard_passdown queue_if_no_space - 1 2",
		"a pool: 0 8 thin-pool Fail",
		": 0 8 thin-pool Fail",
		"pool:\t0 8 thin-pool Fail",
		"pool: 0 8 thin-pool Fail\r\n",
		"0 8 thin-pool Fail\n0 8 thin-pool Fail\n",
	};
	char name[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		(void)status_of(bad[i], -EINVAL);
	memset(name, 'n', sizeof(name));
	strcpy(name + 127, ": 0 8 thin-pool Fail");
	(void)status_of(name, 0);
	memset(name, 'n', sizeof(name));
	strcpy(name + 128, ": 0 8 thin-pool Fail");
	(void)status_of(name, -EINVAL);
}

/* ---- tables */

static struct pool_table table_of(const char *text)
{
	struct pool_table t;

	cr_assert_eq(pool_table_parse(text, strlen(text), &t), 0);
	return t;
}

Test(dmsetup, table_of_a_docker_host)
{
	struct pool_table t = table_of(
		"docker-254:16-16386-a4cc0ed4bfe06255de73043babb13bb3d078926998cc91e115376b78f09f16"
		"e2: 0 2097152 thin 253:0 31\n"
		"metalin: 0 8192 linear 254:0 0\n"
		"docker-254:16-16386-pool: 0 4194304 thin-pool 7:1 7:0 128 32768 1 "
		"skip_block_zeroing \n"
		"ext: 0 8 thin 253:0 16777215 254:3\n"
		"p2: 0 8 thin-pool /dev/a /dev/b 2097152 0 4 ignore_discard read_only "
		"error_if_no_space brand_new\n"
		"p3: 8 8 thin-pool 1:1 1:2 128 0 0 ");

	cr_assert_eq(t.nr_targets, 5);
	cr_expect_eq(t.nr_faults, 0);
	cr_expect_eq(t.nr_others, 1);
	cr_expect_str_eq(t.targets[0].name + 20,
			 "a4cc0ed4bfe06255de73043babb13bb3d078926998cc91e115376b78f09f16e2");
	cr_expect_eq(t.targets[0].kind, DM_THIN);
	cr_expect_str_eq(t.targets[0].thin.pool, "253:0");
	cr_expect_eq(t.targets[0].thin.device_id, 31);
	cr_expect_null(t.targets[0].thin.external_origin);
	cr_expect_eq(t.targets[0].length, 2097152);
	cr_expect_eq(t.targets[1].line, 3);
	cr_expect_eq(t.targets[1].kind, DM_THIN_POOL);
	cr_expect_str_eq(t.targets[1].thin_pool.metadata, "7:1");
	cr_expect_str_eq(t.targets[1].thin_pool.data, "7:0");
	cr_expect_eq(t.targets[1].thin_pool.data_block_size, 128);
	cr_expect_eq(t.targets[1].thin_pool.low_water, 32768);
	cr_expect(t.targets[1].thin_pool.skip_block_zeroing);
	cr_expect_eq(t.targets[1].thin_pool.discard, POOL_DISCARD_PASSDOWN);
	cr_expect_str_eq(t.targets[2].thin.external_origin, "254:3");
	cr_expect_eq(t.targets[3].thin_pool.discard, POOL_DISCARD_IGNORE);
	cr_expect(t.targets[3].thin_pool.read_only && t.targets[3].thin_pool.error_if_no_space);
	cr_expect_not(t.targets[3].thin_pool.skip_block_zeroing);
	cr_expect_eq(t.targets[3].thin_pool.nr_unknown_features, 1);
	cr_expect_eq(t.targets[4].begin, 8);
	pool_table_destroy(&t);
}

Test(dmsetup, tables_without_any)
{
	static const char *const texts[] = {
		"", "\n\n", "No devices found\n", "No devices found", "gone: \n", "gone:"
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct pool_table t = table_of(texts[i]);

		cr_expect(!t.nr_targets && !t.nr_faults && !t.nr_others, "%s", texts[i]);
		pool_table_destroy(&t);
	}
}

Test(dmsetup, lines_at_fault_are_named_and_the_others_kept)
{
	static const char *const bad[] = {
		"thin 253:0 1",
		"t: 0 8 thin",
		"t: 0 8 thin 253:0",
		"t: 0 8 thin 253:0 16777216",
		"t: 0 8 thin 253:0 x",
		"t: 0 8 thin 253:0 1 254:0 2",
		"p: 0 8 thin-pool 7:1",
		"p: 0 8 thin-pool 7:1 7:0 127 0 0",
		"p: 0 8 thin-pool 7:1 7:0 4294967424 0 0",
		"p: 0 8 thin-pool 7:1 7:0 128",
		"p: 0 8 thin-pool 7:1 7:0 128 0 1",
		"p: 0 8 thin-pool 7:1 7:0 128 0 1 read_only x",
		"p: 0 8 thin-pool 7:1 7:0 128 0 99999",
		"p: 0 8 thin-pool 7:1 7:0 128 0 -1",
		"\x01",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct pool_table t;
		char text[256];

		snprintf(text, sizeof(text), "a: 0 8 thin 253:0 1\n%s\nb: 0 8 thin 253:0 2\n",
			 bad[i]);
		t = table_of(text);
		cr_expect_eq(t.nr_targets, 2, "%s", bad[i]);
		cr_assert_eq(t.nr_faults, 1, "%s", bad[i]);
		cr_expect_eq(t.faults[0].line, 2);
		cr_expect(*t.faults[0].fault.text);
		cr_expect_null(strchr(t.faults[0].fault.text, '\n'));
		pool_table_destroy(&t);
	}
}

Test(dmsetup, thousands_of_faults_are_counted)
{
	enum { NR = 3000 };
	char *text = malloc(NR * 2 + 40000);
	struct pool_table t;

	for (int i = 0; i < NR; i++)
		memcpy(text + i * 2, "x\n", 2);
	/* One line that is too long for any target, and zeros. */
	memset(text + NR * 2, '7', 20000);
	memset(text + NR * 2 + 20000, 0, 20000);
	text[NR * 2 + 20000] = '\n';
	cr_assert_eq(pool_table_parse(text, NR * 2 + 40000, &t), 0);
	cr_expect_eq(t.nr_faults, NR + 2);
	cr_expect_eq(t.nr_faults_kept, POOL_TABLE_MAX_FAULTS);
	pool_table_destroy(&t);
	free(text);
}

/* Whatever comes, the parsers end and stay within what they were given. */
static void try_all(const char *line, size_t bytes)
{
	char *copy = malloc(bytes + 1);
	struct pool_status s;
	struct dmsetup_fault fault;
	struct pool_table t;
	int r;

	memcpy(copy, line, bytes);
	copy = realloc(copy, bytes ? bytes : 1);
	r = pool_status_parse(copy, bytes, &s, &fault);
	cr_expect(r == 0 || r == -ENOENT || r == -EINVAL);
	cr_expect_eq(pool_table_parse(copy, bytes, &t), 0);
	pool_table_destroy(&t);
	free(copy);
}

Test(dmsetup, no_text_is_too_odd)
{
	static const char pieces[][24] = {
		"thin-pool", " ",    "\n",  ": ", ":",
		"thin",      "0",    "7:1", "-",  "128",
		"1/2",       "Fail", "rw",  "a",  "99999999999999999999"
	};
	static const char table[] = "p: 0 8 thin-pool 7:1 7:0 128 0 2 read_only x\n";
	char text[600];

	for (size_t n = 0; n <= strlen(full); n++)
		try_all(full, n);
	for (size_t n = 0; n <= strlen(table); n++)
		try_all(table, n);
	srand(1);
	for (int round = 0; round < 20000; round++) {
		*text = '\0';
		for (int i = rand() % 20; i > 0; i--) {
			strcat(text, pieces[(size_t)rand() % (sizeof(pieces) / sizeof(*pieces))]);
			strcat(text, rand() % 3 ? " " : "");
		}
		try_all(text, strlen(text));
	}
	for (int round = 0; round < 20000; round++) {
		strcpy(text, round & 1 ? full : table);
		for (int i = 0; i < 3; i++)
			text[(size_t)rand() % strlen(text)] = (char)(1 + rand() % 255);
		try_all(text, strlen(text));
	}
}
