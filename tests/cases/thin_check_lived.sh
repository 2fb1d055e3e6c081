#!/usr/bin/env bash
# Pools that the kernel went on with after something else wrote them (tests/fixtures/lived) are never refused.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

seen=0
for pool in "$fixtures"/lived/*.raw; do
	name=$(basename "$pool" .raw)
	seen=$((seen + 1))
	run 0 thin_check -q "$pool"
	empty err
	run 0 thin_check "$pool"
	case $name in
	*090-*)
		# It is told, with what helps, and --strict is for those who want to know.
		has err '^suspect: .*space map'
		run 1 thin_check --strict "$pool"
		;;
	*)
		lacks err suspect
		run 0 thin_check --strict "$pool"
		;;
	esac
	lacks err '^(fatal|non-fatal)'
done
[ $seen -eq 9 ] || fail "there are $seen pools, not 9"

# What helps: the same pool, restored.
for name in restore090-grown restore090-metadata-wrapped restore090-metadata-blocked repair090-lvextend; do
	run 0 thin_dump "$fixtures/lived/$name.raw" -o before.xml
	truncate -s 80M again
	run 0 thin_restore -q -i before.xml -o again
	run 0 thin_check -q --strict again
	run 0 thin_dump again -o after.xml
	cmp -s before.xml after.xml || fail "$name: restored, it is another pool"
	rm again
done

finish
