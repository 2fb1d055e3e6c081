#!/usr/bin/env bash
# Prove that what decodes metadata blocks (tests/prove/decoders.c) does nothing undefined, whatever the
# block: Frama-C's Eva, no alarm.  Prints the alarms of each proof and their number; fails on any.
set -u
cd "$(dirname "$0")/../.." || exit 1

command -v frama-c >/dev/null || {
	echo "prove: skipped: frama-c is not installed (Debian: frama-c-base)"
	exit 0
}

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# The processor's own instructions for checksums cannot be analysed: the portable code is.
flags=(-machdep gcc_x86_64 -c11
	-cpp-extra-args='-U__x86_64__ -U__aarch64__ -I. -Itests/prove/include'
	-inline-calls 'le32_to_cpu,le64_to_cpu' -eva -eva-slevel 40)
# What was found of a node's header has to be known where its keys and values are read.
decoder_flags=(-eva-precision 2 -eva-auto-loop-unroll 4096 -eva-split-return full
	-eva-domains 'equality,symbolic-locations')
sources=(tests/prove/decoders.c common/thin/superblock.c common/pdata/btree_node.c
	common/pdata/space_map.c)
alarms=0
failed=0

# prove FUNCTION ARGUMENT...
prove() {
	local log=$out/$1 found function=$1
	shift
	if ! frama-c "${flags[@]}" -main "$function" "${sources[@]}" "$@" >"$log" 2>&1 ||
		! grep -q '^ *100% of the logical properties reached have been proven' "$log" ||
		grep -q 'generating default assigns' "$log"; then
		grep -iE 'user error|aborted' "$log"
		failed=1
	fi
	grep -A 1 '^\[eva:alarm\]' "$log"
	found=$(grep -c '^\[eva:alarm\]' "$log")
	alarms=$((alarms + found))
	printf 'prove: %-17s %d alarms; %s\n' "$function" "$found" \
		"$(sed -n 's/^ *In these functions, \(.* reached\).*/\1/p' "$log")"
}

prove prove_checksum common/io/checksum.c -eva-precision 0 -eva-auto-loop-unroll 600
for part in superblock nodes bitmap index; do
	prove "prove_$part" tests/prove/any_checksum.c "${decoder_flags[@]}"
done
[ "$failed" -eq 0 ] || echo "prove: not everything is proven"
printf 'prove: %d alarms for all blocks of 4096 bytes\n' "$alarms"
[ "$alarms" -eq 0 ] && [ "$failed" -eq 0 ]
