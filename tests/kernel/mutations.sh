#!/usr/bin/env bash
# The kernel's verdict on the mutations of the catalogue, against thin_check's: what thin_check calls clean the
# kernel takes, and leaves clean; what the kernel takes and thin_check does not, and what thin_check passes with
# suspect findings and the kernel does not take, is listed in docs/kernel.md, with the reason.  All mutations that
# thin_check passes, and the first one of each other finding; with
# MUTATIONS=all, all of them; with MUTATIONS='A|B', these.
#
#     tests/kernel/mutations.sh BUILD
set -eu
# shellcheck source=tests/kernel/vm.sh
. "$(dirname "$0")/vm.sh"
cp "$here/guest_use.sh" extra/
cp "$here/guest_mutations.sh" extra/job.sh
give "$build/bin/thin_check" "$build/tools/mutate" "$build/tools/read_blocks"
fixtures=(many-snaps basic metadata-snapshot)
for name in "${fixtures[@]}"; do
	ln -s "$(fixture "$name")" "$name"
done
truncate -s 16M meta
# Of each fixture: thin blocks of a device, and some devices; the first one is written to.
declare -A devices=([many-snaps]="2048 0 3 200" [basic]="1024 1 0 3 16777215" [metadata-snapshot]="256 0 2 7")

# The kernel follows a child that is its own parent for ever, and only a reset ends that.
hangs=child_itself

# What thin_check says: "name clean", "name suspect" or "name damaged".  A block that cannot be read is damage (unit
# tests).
verdict() { # NAME FIXTURE
	local verdict=damaged
	if [ -z "$(mutate "$1" "$2" mutated)" ]; then
		! thin_check -q mutated || verdict=suspect
		! thin_check -q --strict mutated || verdict=clean
	fi
	echo "$1 $verdict"
}

wanted() { # NAME FINDING
	case ${MUTATIONS:-} in
	all) ;;
	'') ! grep -q "^$1 damaged" verdicts || ! grep -q " $2\$" findings ;;
	*) echo "$1" | grep -qxE "$MUTATIONS" ;;
	esac
}

: >findings
mutate list >catalogue
while read -r name fixture finding; do
	verdict "$name" "$fixture" >>verdicts
	[ "$name" != $hangs ] || continue
	wanted "$name" "$finding" || continue
	echo "$name $finding" >>findings
	printf '%s %s %s %s 128 %s\n' "$name" "$fixture" "$(($(stat -L -c %s "$fixture") / 512))" \
		"$((128 * $(damage "$fixture" get 64 8)))" "${devices[$fixture]}"
done <catalogue >list

# A kernel that stops ends a boot: go on behind that mutation.
cp list left
: >all
while [ -s left ]; do
	cp left extra/list
	boot 3600 "${fixtures[@]}" meta
	tried=$(sed -n 's/^.*TRY //p' said | tail -n 1)
	[ -n "$tried" ] || {
		tail -n 20 said
		exit 1
	}
	grep -q "RESULT end" said || echo "RESULT $tried refused: the kernel stops" >>said
	cat said >>all
	sed "1,/^$tried /d" left >rest
	mv rest left
done
mv all said

bad=0 accepted=0 refused=0
complain() {
	printf '%-26s %s\n' "$@"
	bad=1
}
# The mutations in a table of docs/kernel.md.
table() { # HEADING
	# shellcheck disable=SC2016 # quotes of Markdown
	sed -n "/^## $1/,/^## /"'s/^| `\([a-z0-9_]*\)` |.*/\1/p' "$top/docs/kernel.md"
}
table "Where thin_check is stricter" >stricter
table "Where thin_check only warns" >warns
while read -r name _; do
	kernel=$(result "$name")
	case "$(grep "^$name " verdicts) $kernel" in
	"$name clean accepted")
		! grep -q "AFTER $name\$" said || complain "$name" "the kernel leaves what thin_check refuses"
		! grep -qx "$name" stricter || complain "$name" "both take it: remove it from docs/kernel.md"
		;;
	"$name suspect accepted")
		! grep -q "AFTER $name\$" said || complain "$name" "the kernel leaves what thin_check refuses"
		! grep -qx "$name" stricter warns || complain "$name" "both take it: remove it from docs/kernel.md"
		;;
	"$name suspect refused"*)
		grep -qx "$name" warns || complain "$name" "thin_check only warns of it, the kernel: $kernel"
		;;
	"$name clean "*) complain "$name" "thin_check calls it clean, the kernel: $kernel" ;;
	"$name damaged accepted")
		grep -qx "$name" stricter || complain "$name" "the kernel takes it, thin_check does not"
		;;
	"$name damaged refused"*)
		! grep -qx "$name" stricter || complain "$name" "is in docs/kernel.md, the kernel: $kernel"
		;;
	*) complain "$name" "no answer" ;;
	esac
	case $kernel in
	accepted) accepted=$((accepted + 1)) ;;
	*) refused=$((refused + 1)) ;;
	esac
	[ -z "${VERBOSE:-}" ] || printf '%-26s %s\n' "$name" "$kernel"
done <list
printf '%-16s %s\n' mutations "the kernel takes $accepted and refuses $refused of $((accepted + refused))"
exit $bad
