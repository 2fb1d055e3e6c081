#!/usr/bin/env bash
# Run the tests that are built in $1 (make D=coverage), and print what they run of common/ and
# docker_meta/, file by file and in all.
#   $2 = units: the unit suites and the fuzz corpus alone; fails where a file of common/ is below 85 % of its lines.
#   else: the cases too; fails where both together are below 90 %.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$1
mode=${2:-all}
MIN_ALL=90
MIN_FILE=85

command -v gcovr >/dev/null || {
	echo "coverage: gcovr is not installed (apt-get install gcovr)" >&2
	exit 1
}
find "$build" -name '*.gcda' -delete
log=$build/tests.log
if [ "$mode" = units ]; then
	: >"$log"
	for suite in "$build"/tests/test_*; do
		"$suite" --jobs 1 >>"$log" 2>&1 || echo "coverage: $suite fails; see $log" >&2
	done
	tests/cases/fuzz_corpus.sh "$build" >>"$log" 2>&1 || echo "coverage: the corpus fails; see $log" >&2
else
	tests/run.sh "$build" >"$log" 2>&1 || echo "coverage: $(tail -n 1 "$log"); see $log" >&2
fi

# Counters of a test that was killed need not add up: gcov then prints negative ones.
gcovr --gcov-ignore-parse-errors --root . --filter common/ --filter docker_meta/ --csv \
	--output "$build/coverage.csv" "$build" 2>"$build/gcovr.log" || {
	cat "$build/gcovr.log" >&2
	exit 1
}
# filename,line_total,line_covered,line_percent,...
awk -F, -v mode="$mode" -v min_all=$MIN_ALL -v min_file=$MIN_FILE '
	function row(name, all, run) {
		printf "%-48s %6d %6d %6.1f\n", name, all, run, all ? 100 * run / all : 100
	}
	NR == 1 { printf "%-48s %6s %6s %6s\n", "file", "lines", "run", "%"; next }
	{
		row($1, $2, $3)
		room = $1 ~ /^common\// ? "common/" : "docker_meta/"
		lines[room] += $2
		ran[room] += $3
		if (room == "common/" && $3 * 100 < $2 * min_file)
			low = low "\n  " $1
	}
	END {
		row("common/", lines["common/"], ran["common/"])
		row("docker_meta/", lines["docker_meta/"], ran["docker_meta/"])
		all = lines["common/"] + lines["docker_meta/"]
		run = ran["common/"] + ran["docker_meta/"]
		row("both", all, run)
		if (mode == "units" && low) {
			printf "coverage: below %d %% by the unit suites and the corpus:%s\n", min_file, low
			exit 1
		}
		if (mode != "units" && run * 100 < all * min_all) {
			printf "coverage: below %d %%\n", min_all
			exit 1
		}
	}' "$build/coverage.csv"
