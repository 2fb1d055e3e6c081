/* SPDX-License-Identifier: MIT
 * check.c: thin_check on any device, with any choice of what is to be checked.
 *
 * It ends, says the same twice, changes nothing, and its report is JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tool/report_json.h"
#include "common/tool/report_text.h"
#include "tests/fuzz/support/images.h"

static struct check_options options_of(struct fuzz_bytes *in)
{
	uint64_t bits = fuzz_take(in, 1);
	struct check_options o = { .superblock_only = (bits & 7) == 7,
				   .skip_mappings = (bits & 7) == 6,
				   .skip_space_maps = (bits & 7) == 5,
				   .metadata_snap = (bits & 7) == 4,
				   .override_mapping_root = bits & 8,
				   .override_details_root = bits & 16,
				   .collect_leaks = bits & 32 };

	if (o.override_mapping_root)
		o.mapping_root = fuzz_number(in);
	if (o.override_details_root)
		o.details_root = fuzz_number(in);
	return o;
}

struct said {
	char *text;
	size_t bytes;
};

static struct said check(struct image *i, const struct check_options *options)
{
	struct check_result result;
	struct report report;
	struct said s = { NULL, 0 };
	int r = image_check(i, options, &report, &result);
	const struct json_report j = { .tool = "thin_check",
				       .version = "0",
				       .input = "device",
				       .report = &report,
				       .result = &result,
				       .exit_status = r };
	FILE *out = open_memstream(&s.text, &s.bytes);

	fuzz_require(out && !report_print_json(&j, out), "no JSON");
	fclose(out);
	fuzz_require_json(s.text, s.bytes);
	report_print_text(&report, stderr);
	check_result_destroy(&result);
	report_destroy(&report);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes in = { data, data + size };
	struct check_options options = options_of(&in);
	struct said first, second;
	struct fuzz_image f;

	fuzz_silence();
	if (!fuzz_image_make(&in, &f))
		return 0;
	first = check(&f.image, &options);
	second = check(&f.image, &options);
	fuzz_require(first.bytes == second.bytes && !memcmp(first.text, second.text, first.bytes),
		     "two checks differ:\n%s%s", first.text, second.text);
	fuzz_image_require_unchanged(&f);
	free(first.text);
	free(second.text);
	return 0;
}
