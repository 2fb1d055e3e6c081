/* SPDX-License-Identifier: MIT
 * test_go_json.c: JSON as Docker, which is written in Go, understands it.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "docker_meta/read/go_json.h"
#include "tests/support/leaks.h"

TestSuite(go_json, .fini = fail_on_leaks);

/* The object of a text of size bytes, or NULL. */
static json_t *parse_bytes(const char *text, size_t size)
{
	char *copy = malloc(size + 1);
	struct go_fault fault = { "" };
	json_t *object;
	int r;

	memcpy(copy, text, size);
	copy[size] = '\0';
	r = go_json_parse(copy, size, &object, &fault);
	free(copy);
	cr_expect(r == 0 || r == -EBADMSG, "%s: %d", text, r);
	cr_expect_eq(!r, object != NULL, "%s", text);
	cr_expect_eq(r != 0, *fault.text != '\0', "%s: %s", text, fault.text);
	return object;
}

static json_t *parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

enum { REJECTED = -1, UNTOUCHED = 77 };

#define NO_OBJECT UINT64_MAX - 1
#define NO_NUMBER UINT64_MAX - 2

/* "n" as an unsigned number. */
static uint64_t u64_in(const char *text)
{
	json_t *object = parse(text);
	struct go_fault fault = { "" };
	uint64_t value = UNTOUCHED;

	if (!object)
		return NO_OBJECT;
	if (!go_take_u64(object, "n", &value, &fault)) {
		cr_expect_eq(value, UNTOUCHED, "%s", text);
		cr_expect_neq(*fault.text, '\0', "%s", text);
		value = NO_NUMBER;
	}
	json_decref(object);
	return value;
}

static int64_t int_in(const char *text, bool *taken)
{
	json_t *object = parse(text);
	struct go_fault fault = { "" };
	int64_t value = UNTOUCHED;

	*taken = object && go_take_int(object, "n", &value, &fault);
	cr_expect(*taken || value == UNTOUCHED);
	json_decref(object);
	return value;
}

Test(go_json, unsigned_numbers)
{
	static const struct {
		const char *text;
		uint64_t expected;
	} cases[] = {
		{ "{\"n\":0}", 0 },
		{ "{\"n\":9007199254740993}", UINT64_C(9007199254740993) },
		{ "{\"n\":9223372036854775807}", INT64_MAX },
		{ "{\"n\":9223372036854775808}", UINT64_C(1) << 63 },
		{ "{ \"a\" : [9223372036854775808], \"n\" : 18446744073709551615 }", UINT64_MAX },
		{ "{\"n\":18446744073709551616}", NO_NUMBER },
		{ "{\"n\":99999999999999999999999999999}", NO_NUMBER },
		{ "{\"n\":-1}", NO_NUMBER },
		{ "{\"n\":-9223372036854775809}", NO_NUMBER },
		{ "{\"n\":1e3}", NO_NUMBER },
		{ "{\"n\":1E3}", NO_NUMBER },
		{ "{\"n\":1.0}", NO_NUMBER },
		{ "{\"n\":10000000000000000000.0}", NO_NUMBER },
		{ "{\"n\":10000000000000000000e0}", NO_NUMBER },
		{ "{\"n\":\"1\"}", NO_NUMBER },
		{ "{\"n\":true}", NO_NUMBER },
		{ "{\"n\":[1]}", NO_NUMBER },
		{ "{\"n\":01}", NO_OBJECT },
		{ "{\"n\":00000000000000000000001}", NO_OBJECT },
		{ "{\"n\":+1}", NO_OBJECT },
		{ "{\"n\":0x10}", NO_OBJECT },
		/* What is not asked for may be what it likes. */
		{ "{\"n\":5,\"x\":99999999999999999999999999999}", 5 },
		{ "{\"n\":5,\"x\":-99999999999999999999999999999}", 5 },
		{ "{\"n\":5,\"x\":0.12345678901234567890123456789}", 5 },
		{ "{\"n\":5,\"x\":1.5e-12,\"y\":12345678901234567890.5}", 5 },
		{ "{\"n\":5,\"x\":\"12345678901234567890123\"}", 5 },
		{ "{\"n\":5,\"x\":\"\\\"12345678901234567890123\"}", 5 },
		{ "{\"n\":5,\"12345678901234567890123\":{}}", 5 },
		{ "{\"n\":5,\"x\":1e999,\"y\":-0.0,\"z\":-0}", 5 },
		{ "{\"x\":{\"n\":1,\"y\":[{\"n\":\"a\"},[],\"b\"]},\"n\":5}", 5 },
		{ "{\"n\":1e999}", NO_NUMBER },
		{ "{\"n\":1.}", NO_OBJECT },
		{ "{\"n\":.5}", NO_OBJECT },
		{ "{\"n\":1e}", NO_OBJECT },
		{ "{\"n\":-}", NO_OBJECT },
		{ "{\"n\":1}2}", NO_OBJECT },
		{ "{\"n\":[1,]}", NO_OBJECT },
		{ "{\"n\" 1}", NO_OBJECT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_expect_eq(u64_in(cases[i].text), cases[i].expected, "%s", cases[i].text);
}

Test(go_json, signed_numbers)
{
	bool taken;

	cr_expect(int_in("{\"n\":-5}", &taken) == -5 && taken);
	cr_expect(int_in("{\"n\":9223372036854775807}", &taken) == INT64_MAX && taken);
	cr_expect(int_in("{\"n\":-9223372036854775808}", &taken) == INT64_MIN && taken);
	(void)int_in("{\"n\":9223372036854775808}", &taken);
	cr_expect(!taken);
	(void)int_in("{\"n\":-9223372036854775809}", &taken);
	cr_expect(!taken);
	(void)int_in("{\"n\":1e3}", &taken);
	cr_expect(!taken);
}

Test(go_json, keys)
{
	cr_expect_eq(u64_in("{\"N\":5}"), 5);
	cr_expect_eq(u64_in("{\"nn\":5}"), UNTOUCHED);
	cr_expect_eq(u64_in("{}"), UNTOUCHED);
	cr_expect_eq(u64_in("{\"n\":1,\"n\":2}"), 2);
	cr_expect_eq(u64_in("{\"n\":1,\"N\":2}"), 2);
	cr_expect_eq(u64_in("{\"N\":2,\"n\":1}"), 1);
	cr_expect_eq(u64_in("{\"n\":null}"), UNTOUCHED);
	cr_expect_eq(u64_in("{\"N\":2,\"n\":null}"), 2);
}

Test(go_json, what_is_no_object)
{
	static const char *const texts[] = {
		"",
		" ",
		"null",
		"[]",
		"1",
		"\"a\"",
		"{",
		"}",
		"{}{}",
		"{} x",
		"{\"n\":1,}",
		"{'n':1}",
		"{n:1}",
		"{\"n\"}",
		"\xef\xbb\xbf{}",
		"{\"n\":1\n",
		"{\"n\":tru}",
		"{\"n\":\"\n\"}",
		"\xff{}",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12g4\"}",
		"{\"a\":\"\\",
		"{\"a\":\"\\u12",
		"{\"a\":\"b",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		cr_expect_null(parse(texts[i]), "%s", texts[i]);
	cr_expect_null(parse_bytes("{}\0", 3));
	cr_expect_null(parse_bytes("{\"n\":9223372036854775808}\0x", 27));
	cr_expect_null(parse_bytes("{\"n\0\":1}", 8));
}

static bool string_is(const char *text, const char *expected)
{
	json_t *object = parse(text);
	struct go_fault fault = { "" };
	const char *value = "untouched";
	bool is = object && go_take_string(object, "s", &value, &fault) && !strcmp(value, expected);

	json_decref(object);
	return is;
}

Test(go_json, strings)
{
	static const char *const refused[] = { "{\"s\":1}", "{\"s\":[]}", "{\"s\":false}",
					       "{\"s\":\"a\\u0000b\"}",
					       "{\"s\":9223372036854775808}" };
	struct go_fault fault = { "" };
	const char *value = "untouched";

	cr_expect(string_is("{\"S\":\"a\\u0041\\n\\\"\"}", "aA\n\""));
	cr_expect(string_is("{\"s\":\"\xc3\xa4\xf0\x9f\x90\x8b\"}", "\xc3\xa4\xf0\x9f\x90\x8b"));
	cr_expect(string_is("{\"s\":null}", "untouched"));
	cr_expect(string_is("{\"s\":\"\\b\\f\\n\\r\\t\\/\\\\\"}", "\b\f\n\r\t/\\"));
	cr_expect(string_is("{\"s\":\"\\u00e4\\u20AC\\ud83d\\udc0b\"}",
			    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x8b"));
	cr_expect(string_is("{\"s\":\"\\ud83dx\\udc0b\\ud83d\\u0041\"}",
			    "\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd"
			    "A"));
	cr_expect(string_is("{\"a\\u0000\":{\"b\":\"long, and longer than its key\"},\"s\":\"c\"}",
			    "c"));
	/* As Go's decoder has it: U+FFFD for each byte that belongs to no character. */
	cr_expect(string_is("{\"s\":\"a\xff\"}", "a\xef\xbf\xbd"));
	cr_expect(string_is("{\"s\":\"\xc3\"}", "\xef\xbf\xbd"));
	cr_expect(string_is("{\"s\":\"\xc0\xaf\"}", "\xef\xbf\xbd\xef\xbf\xbd"));
	cr_expect(string_is("{\"s\":\"\xed\xa0\x80x\"}", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx"));
	cr_expect(string_is("{\"s\":\"\xf0\x9f\x90\"}", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		json_t *object = parse(refused[i]);

		cr_expect(!go_take_string(object, "s", &value, &fault), "%s", refused[i]);
		cr_expect_str_eq(value, "untouched");
		json_decref(object);
	}
}

Test(go_json, booleans)
{
	json_t *object = parse("{\"a\":true,\"b\":false,\"c\":1,\"d\":\"true\",\"e\":null}");
	struct go_fault fault;
	bool value = false;

	cr_expect(go_take_bool(object, "A", &value, &fault) && value);
	cr_expect(go_take_bool(object, "e", &value, &fault) && value);
	cr_expect(go_take_bool(object, "x", &value, &fault) && value);
	cr_expect(!go_take_bool(object, "c", &value, &fault) && value);
	cr_expect(!go_take_bool(object, "d", &value, &fault) && value);
	cr_expect(go_take_bool(object, "b", &value, &fault) && !value);
	json_decref(object);
}

Test(go_json, utf8_only)
{
	static const char bad[] = "{\"s\":\"\xff\"}", good[] = "{\"s\":\"\xc3\xa4\"}";
	struct go_fault fault = { "" };
	json_t *object;

	cr_expect_eq(go_json_parse_utf8(bad, strlen(bad), &object, &fault), -EBADMSG);
	cr_expect_str_eq(fault.text, "line 1 column 7: unexpected byte 0xff");
	cr_expect_null(object);
	cr_expect_eq(go_json_parse_utf8(good, strlen(good), &object, &fault), 0);
	json_decref(object);
}

static char *nested(size_t depth)
{
	char *text = malloc(2 * depth + 16);
	size_t n = (size_t)sprintf(text, "{\"n\":");

	memset(text + n, '[', depth);
	memset(text + n + depth, ']', depth);
	(void)sprintf(text + n + 2 * depth, "}");
	return text;
}

Test(go_json, depth)
{
	char *deep = nested(2000), *too_deep = nested(1000000);
	json_t *object = parse(deep);

	cr_expect_not_null(object);
	json_decref(object);
	cr_expect_null(parse(too_deep));
	free(deep);
	free(too_deep);
}

Test(go_json, files)
{
	char path[] = "/tmp/go-json-XXXXXX";
	struct safe_dir dir;
	struct go_fault fault;
	json_t *object;
	int fd;

	cr_assert_not_null(mkdtemp(path));
	cr_assert_eq(safe_dir_open(path, NULL, &dir), 0);
	cr_expect_eq(go_json_read(&dir, "a", &object, &fault), -ENOENT);
	cr_expect_null(object);
	fd = openat(dir.fd, "a", O_WRONLY | O_CREAT, 0600);
	cr_expect_eq(go_json_read(&dir, "a", &object, &fault), -EBADMSG);
	cr_expect_str_eq(fault.text, "it is empty");
	cr_assert_eq(write(fd, "{\"n\":\n x}", 9), 9);
	cr_expect_eq(go_json_read(&dir, "a", &object, &fault), -EBADMSG);
	cr_expect_not_null(strstr(fault.text, "line 2 column 2"), "%s", fault.text);
	cr_assert_eq(pwrite(fd, "{\"n\":  5}", 9, 0), 9);
	cr_expect_eq(go_json_read(&dir, "a", &object, &fault), 0);
	json_decref(object);
	cr_assert_eq(ftruncate(fd, GO_JSON_MAX + 1), 0);
	cr_expect_eq(go_json_read(&dir, "a", &object, &fault), -EFBIG);
	cr_expect_str_eq(fault.text, "it is too large");
	close(fd);
	(void)unlinkat(dir.fd, "a", 0);
	safe_dir_close(&dir);
	(void)rmdir(path);
}
