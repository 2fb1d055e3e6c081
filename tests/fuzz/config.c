/* SPDX-License-Identifier: MIT
 * config.c: daemon.json, the line of /etc/sysconfig/docker-storage, the values in both, and JSON as
 * people write it.
 *
 * Who tells where the syntax is at fault agrees with who takes the values.
 */
#include "docker_meta/config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "docker_meta/config/etc.h"
#include "docker_meta/config/go_values.h"
#include "docker_meta/config/json_syntax.h"
#include "docker_meta/read/go_json.h"
#include "tests/fuzz/support/fuzz.h"

static void require_told(const struct fault_list *faults)
{
	for (size_t i = 0; i < faults->nr; i++)
		fuzz_require(
			faults->items[i].row && faults->items[i].text && *faults->items[i].text,
			"a fault without a word");
}

static void read_daemon(char *text, size_t bytes, uint64_t bits)
{
	const struct daemon_background b = { .since_17_09 = bits & 1, .since_23 = bits & 2 };
	struct fault_list faults = { .nr = 0 };
	struct daemon_json d;

	fuzz_require(!daemon_json_parse(text, bytes, &b, &d, &faults), "no memory");
	require_told(&faults);
	fuzz_require(d.usable || faults.nr, "nothing is wrong with what cannot be used");
	daemon_json_destroy(&d);
	fault_list_destroy(&faults);
}

static void read_flags(const char *text, uint64_t bits)
{
	const struct dm_background b = { .since_17_09 = bits & 1 };
	struct fault_list faults = { .nr = 0 };
	struct config c = { .live = true };

	fuzz_require(!storage_flags_take(text, &c, &c.dm, &faults), "no memory");
	fuzz_require(!dm_settings_judge(&c.dm, &b, &faults), "no memory");
	require_told(&faults);
	dm_settings_destroy(&c.dm);
	fault_list_destroy(&faults);
}

/* Where one is stricter than the other, it may be. */
static void read_json(const char *text, size_t bytes)
{
	struct go_fault fault = { "" };
	struct json_syntax s;
	json_t *object = NULL;
	size_t lines = 1;
	int r;

	fuzz_require(!json_syntax_look(text, bytes, &s), "no memory");
	for (size_t i = 0; i < bytes; i++)
		lines += text[i] == '\n';
	if (s.broken)
		fuzz_require(*s.text && !strchr(s.text, '\n') && s.at.line >= 1 &&
				     s.at.line <= lines && s.at.column >= 1 &&
				     s.at.column <= bytes + 1,
			     "%d:%d: %s", (int)s.at.line, (int)s.at.column, s.text);
	else if (!s.is_empty)
		fuzz_require(s.begin < s.end && s.end <= bytes, "%d to %d", (int)s.begin,
			     (int)s.end);
	r = go_json_parse_utf8(text, bytes, &object, &fault);
	fuzz_require(!r || r == -EBADMSG, "%d", r);
	fuzz_require(!r || *fault.text, "no reason");
	if (!r && !s.has_bom)
		fuzz_require(!s.broken && !s.has_rest, "what was taken is at fault: %d:%d: %s",
			     (int)s.at.line, (int)s.at.column, s.text);
	if (!r)
		json_decref(object);
	json_syntax_destroy(&s);
}

static void read_values(const char *text)
{
	uint64_t n, major, minor;
	bool b;

	(void)!go_size(text, &n);
	(void)!go_bool(text, &b);
	(void)!go_uint(text, 64, &n);
	fuzz_require(!go_uint(text, 16, &n) || n < 65536, "16 bits");
	(void)!kernel_release_parse(text, &major, &minor);
	(void)name_distance(text, "dm.basesize");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes in = { data, data + size };
	const uint64_t what = fuzz_take(&in, 1);
	const size_t bytes = fuzz_left(&in);
	char *text = calloc(bytes + 1, 1);

	fuzz_require(text, "no memory");
	memcpy(text, in.p, bytes);
	switch (what & 3) {
	case 0:
		read_daemon(text, bytes, what >> 2);
		break;
	case 1:
		read_flags(text, what >> 2);
		break;
	case 2:
		read_json(text, bytes);
		break;
	default:
		read_values(text);
	}
	free(text);
	return 0;
}
