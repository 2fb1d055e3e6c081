#!/usr/bin/env bash
# A pool's metadata as it stood on the disk at each flush, as a power cut would leave it: dm-log-writes below
# the metadata device writes down what the kernel writes, replay_log replays it.  thin_check calls each state
# clean, and a sample of the states is used by the kernel again.
#
# One thing the kernel leaves itself: a data block is counted when it is allocated, and mapped when it was
# written.  A commit in between leaves a data block that is counted once and used by nobody; the next commit
# has its mapping.
#
#     tests/kernel/log_writes.sh BUILD
set -eu
# shellcheck source=tests/kernel/vm.sh
. "$(dirname "$0")/vm.sh"
cp "$here/guest_use.sh" extra/
cp "$here/guest_log_writes.sh" extra/job.sh
give "$build/tools/read_blocks"
cp --sparse=always "$(fixture basic)" meta
cp --sparse=always meta state
truncate -s 64M log
boot 1800 meta log
[ "$(result log)" = ok ] || {
	tail -n 20 said
	exit 1
}

# What thin_check says, but for such blocks.
findings() { # FILE
	thin_check "$1" 2>&1 | grep -E '^(fatal|non-fatal|suspect): ' |
		grep -v '^non-fatal: data space map .* counted as 1; .*\[block-leaked\]$'
}

bad=0 entry=0 flushes=0 unmapped=0
states=()
while entry=$(replay_log log state "$entry"); do
	flushes=$((flushes + 1))
	thin_check -q --strict state || {
		unmapped=$((unmapped + 1))
		! findings state || {
			echo "of flush $flushes, before entry $entry"
			bad=1
		}
	}
	[ $((flushes % 20)) -ne 0 ] || [ ${#states[@]} -ge 6 ] || {
		cp --sparse=always state "flush-$flushes"
		states+=("flush-$flushes")
	}
done
cmp state meta || bad=1 # the whole log was replayed

printf '%s\n' "${states[@]}" >extra/states
boot 1800 "${states[@]}"
for name in "${states[@]}"; do
	[ "$(result "$name")" = ok ] || {
		printf '%-16s %s\n' "$name" "$(result "$name")"
		bad=1
	}
done
printf '%-16s %s\n' "log-writes" "$flushes flushes, $unmapped with blocks not mapped yet; the kernel used ${#states[@]} again"
[ $bad -eq 0 ] || tail -n 20 said
exit $bad
