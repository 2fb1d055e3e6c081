#!/usr/bin/env bash
# Run all tests that are built in $1 (build or build/asan); the last line says how it went.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-build}
failed=0
for unit in "$build"/tests/*; do
	[ -x "$unit" ] || continue
	printf '== %s\n' "$(basename "$unit")"
	"$unit" --jobs 1 || failed=$((failed + 1))
done
for script in tests/cases/*.sh; do
	[ -e "$script" ] || continue
	printf '== %s\n' "$(basename "$script")"
	bash "$script" "$build" || failed=$((failed + 1))
done
if [ "$failed" -ne 0 ]; then
	printf 'tests: %s suites FAILED\n' "$failed"
	exit 1
fi
printf 'tests: all passed\n'
