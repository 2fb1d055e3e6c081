#!/usr/bin/env bash
# Run all tests that are built in $1 (build or build/asan), as many at once as there are processors
# (JOBS=1: one by one); what they print stays together, and the last line says how it went.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-build}
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# A suite's output is shown when it has ended; one that failed leaves a mark.
run_suite() {
	local name log
	name=$(basename "$1")
	log=$results/$name.log
	case $1 in
	*.sh) bash "$1" "$build" ;;
	*) "$1" --jobs 1 ;;
	esac >"$log" 2>&1 || : >"$results/$name.failed"
	{
		flock 9
		printf '== %s\n' "$name"
		cat "$log"
	} 9>"$results/lock"
}
export -f run_suite
export build results

# The longest first: the last one to end does not leave the others idle.
suites=$(ls -S tests/cases/*.sh && find "$build/tests" -maxdepth 1 -type f -perm -u+x | sort)
printf '%s\n' "$suites" | xargs -P "${JOBS:-$(nproc)}" -I {} bash -c 'run_suite {}'

failed=$(find "$results" -name '*.failed' -printf '%f\n' | sort | sed 's/\.failed$//')
if [ -n "$failed" ]; then
	printf 'tests: FAILED: %s\n' "$(printf '%s' "$failed" | tr '\n' ' ')"
	exit 1
fi
printf 'tests: all passed\n'
