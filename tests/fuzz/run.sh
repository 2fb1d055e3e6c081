#!/usr/bin/env bash
# Let a fuzzer look for inputs that break a target: run.sh libfuzzer|afl SECONDS TARGET...
#
# It starts from tests/fuzz/corpus/TARGET and keeps what is new in build/fuzz/corpus/TARGET.  What breaks
# the target is in build/fuzz/found/TARGET; exit status 1 then.  An input has 5 seconds and 512 MiB.
set -u
cd "$(dirname "$0")/../.." || exit 1
engine=$1
seconds=$2
shift 2
# The timeout is of the clock on the wall: on a busy machine FUZZ_TIMEOUT=60.
run_libfuzzer() { # TARGET
	"build/libfuzzer/fuzz/$1" -max_total_time="$seconds" -timeout="${FUZZ_TIMEOUT:-5}" \
		-rss_limit_mb=512 -malloc_limit_mb=1048576 -len_control=0 -max_len=4096 \
		-close_fd_mask=1 -print_final_stats=1 -artifact_prefix="$found/" \
		"$corpus" "tests/fuzz/corpus/$1" 2>&1 |
		grep -avE '^#[0-9]+.*(REDUCE|NEW|pulse|RELOAD)|NEW_FUNC|# Uses: |Recommended dict|^INFO:' |
		tail -n 60
	return "${PIPESTATUS[0]}"
}

run_afl() { # TARGET
	AFL_NO_UI=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 \
		afl-fuzz -i "tests/fuzz/corpus/$1" -o "$corpus.afl" -V "$seconds" \
		-t "${FUZZ_TIMEOUT:-5}000" -m none -- "build/afl/fuzz/$1" 2>&1 | tail -n 20
	find "$corpus.afl" -path '*/crashes/id*' -exec cp {} "$found/" \;
}

case $engine in
libfuzzer) symbolize=1 ;;
*) symbolize=0 ;; # afl-fuzz insists
esac
export ASAN_OPTIONS=quarantine_size_mb=16:allocator_may_return_null=1:abort_on_error=1:symbolize=$symbolize
export UBSAN_OPTIONS=abort_on_error=1:symbolize=$symbolize
export TMPDIR=/dev/shm
bad=0
for target in "$@"; do
	corpus=build/fuzz/corpus/$target
	found=build/fuzz/found/$target
	mkdir -p "$corpus" "$found"
	printf '== %s\n' "$target"
	case $engine in
	afl) run_afl "$target" ;;
	*) run_libfuzzer "$target" ;;
	esac || bad=1
	if [ -n "$(ls -A "$found")" ]; then
		printf '%s: found: %s\n' "$target" "$(find "$found" -type f | tr '\n' ' ')"
		bad=1
	fi
done
exit $bad
