/* SPDX-License-Identifier: MIT
 * test_config.c: values as Docker and LVM take them, the syntax of daemon.json, and hostile texts.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docker_meta/config/etc.h"
#include "docker_meta/config/go_values.h"
#include "docker_meta/config/json_syntax.h"
#include "tests/support/leaks.h"

TestSuite(config, .fini = fail_on_leaks);

/* ---- values */

Test(config, sizes)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "512", 512 },
		{ "64k", 65536 },
		{ "64K", 65536 },
		{ "64kb", 65536 },
		{ "64KiB", 65536 },
		{ "10G", 10737418240 },
		{ "10 g", 10737418240 },
		{ "10 ", 10 },
		{ "1.5G", 1610612736 },
		{ "2t", 2199023255552 },
		{ "1p", 1125899906842624 },
		{ "100b", 100 },
	};
	static const char *const bad[] = { "",    "G",    "-1",      "+1",
					   "1e3", "1,5G", "10 GB B", "10  G",
					   "1.",  ".5G",  "10X",     "10iX",
					   "10i", " 10",  "8192p",   "99999999999999999999" };
	uint64_t bytes;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		cr_expect(go_size(good[i].text, &bytes), "%s", good[i].text);
		cr_expect_eq(bytes, good[i].bytes, "%s: %" PRIu64, good[i].text, bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_expect_not(go_size(bad[i], &bytes), "'%s'", bad[i]);
}

Test(config, booleans)
{
	static const char *const good[] = { "1", "t", "T", "true",  "True",  "TRUE",
					    "0", "f", "F", "false", "False", "FALSE" };
	static const char *const bad[] = { "", "yes", "on", "tRUE", "2", "true ", "no" };
	bool value;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		cr_expect(go_bool(good[i], &value), "%s", good[i]);
		cr_expect_eq(value, i < 6, "%s", good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_expect_not(go_bool(bad[i], &value), "%s", bad[i]);
}

Test(config, numbers)
{
	uint64_t value;

	cr_expect(go_uint("4294967295", 32, &value) && value == UINT32_MAX);
	cr_expect_not(go_uint("4294967296", 32, &value));
	cr_expect(go_uint("18446744073709551615", 64, &value) && value == UINT64_MAX);
	cr_expect_not(go_uint("18446744073709551616", 64, &value));
	cr_expect(go_uint("007", 32, &value) && value == 7);
	cr_expect_not(go_uint("", 32, &value) || go_uint("-1", 32, &value) ||
		      go_uint("1_0", 32, &value) || go_uint("0x1", 32, &value));
}

Test(config, names)
{
	cr_expect_eq(name_distance("data-root", "data-root"), 0);
	cr_expect_eq(name_distance("Data_Root", "data-root"), 0);
	cr_expect_eq(name_distance("dataroot", "data-root"), 1);
	cr_expect_eq(name_distance("", "mtu"), 3);
	cr_expect_eq(name_distance("kitten", "sitting"), 3);
}

/* ---- options */

static const char *row_of(const char *const *options, size_t nr, bool since_17_09)
{
	const struct dm_background b = { since_17_09 };
	struct dm_settings s = { .bad = false };
	struct fault_list faults = { .nr = 0 };
	const char *row;

	for (size_t i = 0; i < nr; i++)
		cr_assert_eq(dm_settings_take(&s, options[i], &faults), 0);
	cr_assert_eq(dm_settings_judge(&s, &b, &faults), 0);
	row = faults.nr ? meta_row(faults.items[0].row)->id : "";
	cr_expect_leq(faults.nr, 1, "%s: %zu", options[0], faults.nr);
	dm_settings_destroy(&s);
	fault_list_destroy(&faults);
	return row;
}

#define expect_row(row, ...)                                                                 \
	cr_expect_str_eq(                                                                    \
		row_of((const char *const[]){ __VA_ARGS__ },                                 \
		       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), true), \
		row, "%s", #__VA_ARGS__)

Test(config, every_option_has_a_good_and_a_bad_value)
{
	static const struct {
		const char *good, *bad;
	} values[] = {
		[DM_TYPE_SIZE] = { "1G", "1X" },         [DM_TYPE_BOOL] = { "true", "yes" },
		[DM_TYPE_TEXT] = { "anything", NULL },   [DM_TYPE_PATH] = { "name", "'name'" },
		[DM_TYPE_FILESYSTEM] = { "xfs", "XFS" }, [DM_TYPE_FREE] = { "99%", "100%" },
		[DM_TYPE_PERCENT] = { "0", "100" },      [DM_TYPE_PERCENT_100] = { "0%", "101" },
		[DM_TYPE_U64] = { "0", "-1" },           [DM_TYPE_LOG_LEVEL] = { "2", "8" },
	};

	for (int i = 0; i < NR_DM_OPTIONS; i++) {
		const struct dm_option *o = dm_option((enum dm_option_id)i);
		char text[100];

		(void)snprintf(text, sizeof(text), "%s=%s", o->name, values[o->type].good);
		expect_row("", text);
		if (!values[o->type].bad)
			continue;
		(void)snprintf(text, sizeof(text), "%s=%s", o->name, values[o->type].bad);
		expect_row("G3", text);
	}
}

Test(config, options_together)
{
	expect_row("G4", "dm.min_free_space=10");
	expect_row("", "dm.min_free_space=10%");
	expect_row("G18", "dm.nothing=1");
	expect_row("G18", "overlay2.size=1");
	expect_row("G3", "dm.fs");
	expect_row("", " DM.fs = xfs ");
	expect_row("", "dm.mountopt=a", "dm.mountopt=b");
	expect_row("G3", "dm.fs=xfs", "dm.fs=ext4");
	expect_row("G9", "dm.datadev=/dev/a", "dm.metadatadev=/dev/a");
	expect_row("G10", "dm.directlvm_device=/dev/a", "dm.thinpooldev=p");
	expect_row("G11", "dm.use_deferred_removal=0", "dm.use_deferred_deletion=1");
	expect_row("", "dm.use_deferred_removal=0", "dm.use_deferred_deletion=0");
	expect_row("G3", "dm.thinp_percent=50");
	expect_row("", "dm.directlvm_device=/dev/a", "dm.thinp_percent=99",
		   "dm.thinp_metapercent=1");
	expect_row("G3", "dm.directlvm_device=/dev/a", "dm.thinp_percent=99",
		   "dm.thinp_metapercent=2");
	expect_row("G3", "dm.blocksize=65537");
	expect_row("", "dm.blocksize=1G");
	expect_row("G3", "dm.blocksize=2G");
}

/* ---- syntax */

static void expect_fault(const char *text, size_t line, size_t column)
{
	struct json_syntax s;

	cr_assert_eq(json_syntax_look(text, strlen(text), &s), 0);
	cr_expect(s.broken, "%s", text);
	cr_expect(s.at.line == line && s.at.column == column, "%s: line %zu column %zu: %s", text,
		  s.at.line, s.at.column, s.text);
	json_syntax_destroy(&s);
}

static void expect_good(const char *text)
{
	struct json_syntax s;

	cr_assert_eq(json_syntax_look(text, strlen(text), &s), 0);
	cr_expect_not(s.broken || s.has_rest, "%s: %s", text, s.text);
	json_syntax_destroy(&s);
}

Test(config, syntax)
{
	expect_good("{}");
	expect_good(" [ ] ");
	expect_good("{\"a\": [1, -0.5e+3, \"\\u00e4\\n\", true, false, null, {}], \"b\": \"\"}");
	expect_good("0");
	expect_fault("{", 1, 2);
	expect_fault("{]", 1, 2);
	expect_fault("[}", 1, 2);
	expect_fault("{\"a\":1,}", 1, 8);
	expect_fault("[1,]", 1, 4);
	expect_fault("[1\n2]", 2, 1);
	expect_fault("[01]", 1, 2);
	expect_fault("[1.]", 1, 2);
	expect_fault("[-]", 1, 2);
	expect_fault("[\"a\tb\"]", 1, 4);
	expect_fault("[\"a\n\"]", 1, 2);
	expect_fault("{\"a\" 1}", 1, 6);
	expect_fault("{\n\t\"a\": //\n}", 2, 7);
}

Test(config, keys_twice)
{
	static const char text[] =
		"{\"a\": {\"b\": 1, \"a\": 2},\n \"b\": 3, \"a\": 4,\n \"a\": 5}";
	struct json_syntax s;

	cr_assert_eq(json_syntax_look(text, strlen(text), &s), 0);
	cr_assert_eq(s.nr_twice, 1);
	cr_expect_str_eq(s.twice[0].key, "a");
	cr_expect(s.twice[0].first.line == 1 && s.twice[0].last.line == 3);
	json_syntax_destroy(&s);
}

/* Whatever stands in it: each byte of a good file changed to each other, and cut. */
Test(config, hostile_files)
{
	static const char good[] =
		"{\"storage-driver\": \"devicemapper\", \"storage-opts\": [\"dm.fs=xfs\", "
		"\"dm.min_free_space=10%\"], \"log-opts\": {\"a\": \"b\"}, \"mtu\": 1500}";
	const struct daemon_background b = { false, false };

	for (size_t at = 0; at < sizeof(good); at++) {
		for (int byte = 0; byte < 256; byte += at % 4 ? 7 : 1) {
			struct daemon_json d;
			struct fault_list faults = { .nr = 0 };
			char text[sizeof(good)];

			memcpy(text, good, sizeof(good));
			text[at] = (char)byte;
			text[sizeof(text) - 1] = '\0';
			cr_assert_eq(daemon_json_parse(text, byte ? sizeof(good) - 1 : at, &b, &d,
						       &faults),
				     0);
			daemon_json_destroy(&d);
			fault_list_destroy(&faults);
		}
	}
}

/* ---- LVM and /etc */

Test(config, sizes_of_lvm)
{
	uint64_t bytes;

	cr_expect(lvm_size_parse("512B", &bytes) && bytes == 512);
	cr_expect(lvm_size_parse("<95.00g", &bytes) && bytes == 95ull << 30);
	cr_expect(lvm_size_parse("1.5m", &bytes) && bytes == 3u << 19);
	cr_expect(lvm_size_parse("2.00G", &bytes) && bytes == 2000000000);
	cr_expect(lvm_size_parse("64.00 KiB", &bytes) == false);
	cr_expect(lvm_size_parse("64.00k", &bytes) && bytes == 65536);
	cr_expect(lvm_size_parse("0", &bytes) && bytes == 0);
	cr_expect_not(lvm_size_parse("", &bytes) || lvm_size_parse("-1", &bytes) ||
		      lvm_size_parse("inf", &bytes) || lvm_size_parse("1z", &bytes) ||
		      lvm_size_parse("99999999999e", &bytes));
}

Test(config, names_of_pools)
{
	static const char json[] =
		"{\"report\": [{\"lv\": [{\"lv_name\": \"p\", \"vg_name\": \"a-b\", \"lv_attr\": "
		"\"twi\"}, {\"lv_name\": \"b-p\", \"vg_name\": \"a\", \"lv_attr\": \"twi\"}]}]}";
	char text[sizeof(json)];
	struct lvm_report report;
	struct go_fault fault;

	memcpy(text, json, sizeof(json));
	cr_assert_eq(lvm_report_parse(text, sizeof(json) - 1, &report, &fault), 0);
	cr_assert_eq(report.nr, 2);
	cr_expect_eq(lvm_report_pool(&report, "a--b-p"), &report.volumes[0]);
	cr_expect_eq(lvm_report_pool(&report, "a--b-p-tpool"), &report.volumes[0]);
	cr_expect_eq(lvm_report_pool(&report, "a-b--p"), &report.volumes[1]);
	cr_expect_null(lvm_report_pool(&report, "a-b-p"));
	cr_expect_null(lvm_report_pool(&report, "a"));
	cr_expect_null(lvm_report_pool(&report, ""));
	cr_expect_null(lvm_report_pool(&report, NULL));
	lvm_report_destroy(&report);
}

Test(config, autoextend)
{
	struct autoextend a;

	autoextend_parse(
		"activation {\n# thin_pool_autoextend_threshold = 100\n"
		"\tthin_pool_autoextend_threshold = 80\n thin_pool_autoextend_percent=20 # %\n}",
		&a);
	cr_expect(a.has_threshold && a.threshold == 80 && a.has_percent && a.percent == 20);
	autoextend_parse("activation{\nthin_pool_autoextend_threshold=70\n}", &a);
	cr_expect(a.has_threshold && a.threshold == 70 && !a.has_percent);
	autoextend_parse("activation/thin_pool_autoextend_percent=5", &a);
	cr_expect(a.has_percent && a.percent == 5 && !a.has_threshold);
	autoextend_parse("xthin_pool_autoextend_percent=5\nthin_pool_autoextend_percent_x=5\n"
			 "thin_pool_autoextend_percent=\nthin_pool_autoextend_percent=99999999999",
			 &a);
	cr_expect_not(a.has_percent || a.has_threshold);
}

Test(config, flags_of_sysconfig)
{
	struct config c = { .has_options = false };

	cr_assert_eq(storage_flags_take("# DOCKER_STORAGE_OPTIONS=--storage-opt dm.fs=ext4\n"
					"DOCKER_STORAGE_OPTIONS=\"--storage-driver devicemapper "
					"--storage-opt dm.fs=xfs --storage-opt=dm.thinpooldev="
					"/dev/mapper/docker-docker--pool\"\n",
					&c, &c.dm, &c.faults),
		     0);
	cr_expect(c.has_driver_flag && c.has_option_flag);
	cr_expect_str_eq(c.dm.texts[DM_FS], "xfs");
	cr_expect_str_eq(config_thinpooldev(&c), "docker-docker--pool");
	cr_expect_eq(c.faults.nr, 0);
	config_destroy(&c);
	cr_assert_eq(storage_flags_take("DOCKER_STORAGE_OPTIONS=\nDOCKER_STORAGE_OPTIONS2=-s x\n"
					"DOCKER_STORAGE_OPTIONS=--storage-opt",
					&c, &c.dm, &c.faults),
		     0);
	cr_expect_not(c.has_driver_flag || c.has_option_flag);
	config_destroy(&c);
}

Test(config, kernels)
{
	uint64_t major, minor;

	cr_expect(kernel_release_parse("3.10.0-1160.el7.x86_64\n", &major, &minor) && major == 3 &&
		  minor == 10);
	cr_expect(kernel_release_parse("6.1", &major, &minor) && major == 6 && minor == 1);
	cr_expect_not(kernel_release_parse("", &major, &minor) ||
		      kernel_release_parse("x.1", &major, &minor) ||
		      kernel_release_parse("4", &major, &minor) ||
		      kernel_release_parse("99999999999999999999.1", &major, &minor));
}
