#!/usr/bin/env bash
# What a tool was told to read it never writes, by whatever name; nor what is something else.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

fixture basic pool
cp pool kept
truncate -s 4M other
thin_dump pool >dump.xml

same() { # COMMAND...: refused, and nothing has changed
	run 64 "$@"
	has err 'same storage'
	lines err 1
	unchanged kept pool
}

ln pool hard
ln -s pool soft
exec 7<pool
same thin_repair -i pool -o pool
same thin_repair -i pool -o hard
same thin_repair -i soft -o ./pool
same thin_repair -i "/proc/$$/fd/7" -o pool
same thin_repair -i pool -o other --report hard
same thin_repair -i pool -o other --report other
same thin_dump -o soft pool
same thin_dump --repair -o "/proc/$$/fd/7" pool
same thin_restore -i dump.xml -o dump.xml
# shellcheck disable=SC2094 # that is the point
run 64 thin_restore -i - -o dump.xml <dump.xml
has err 'same storage'
# A shell that appends leaves the input as it is until then.
nr=$((nr + 1))
# shellcheck disable=SC2094
thin_dump pool >>pool 2>err
[ $? -eq 64 ] || fail "standard output was the input"
has err 'standard output would overwrite the input'
unchanged kept pool
# shellcheck disable=SC2094
thin_dump pool >/dev/null 2>>pool
[ $? -eq 64 ] || fail "standard error was the input"
unchanged kept pool
exec 7<&-

# ---- what exists, and is no earlier output
echo "my notes" >notes
cp notes notes.kept
run 1 thin_dump -o notes pool
has err '[-]-force'
run 1 thin_dump -q -o notes pool
empty err
run 1 thin_repair -i pool -o other --report notes
has err '[-]-force'
unchanged notes.kept notes
run 0 thin_dump -o again.xml pool
run 0 thin_dump -o again.xml pool
run 0 thin_dump -f human_readable -o again.xml pool
run 0 thin_dump -o again.xml pool
run 0 thin_dump -o again.xml.gz pool
run 0 thin_dump -o again.xml.gz pool
: >empty
run 0 thin_dump -o empty pool
run 0 thin_dump -o /dev/null pool
run 0 thin_dump --force -o notes pool
cp notes.kept notes
run 0 thin_repair -i pool -o other --report report.json
run 0 thin_repair -i pool -o other --report report.json
run 0 thin_repair -i pool -o other --report /dev/null
run 0 thin_repair --force -i pool -o other --report notes
grep -q '"tool": "thin_repair"' notes || fail "--force wrote no report"

# A report that cannot be written takes nothing from the repair.
if [ -w /dev/full ]; then
	truncate -s 0 other
	truncate -s 4M other
	run 0 thin_repair -i pool -o other --report /dev/full
	has err 'the report could not be written: No space left on device'
	run 0 thin_check -q other
fi

# ---- what is known is overwritten after a question, on a terminal
ask() { # ANSWER COMMAND...
	local answer=$1
	shift
	nr=$((nr + 1))
	what="$* ($answer)"
	printf '%s\n' "$answer" | script -qec "$*" /dev/null >out 2>&1
	status=$?
}
if command -v script >/dev/null; then
	thin_repair -q -i pool -o other
	cp other before
	ask no thin_restore -i dump.xml -o other
	[ $status -eq 1 ] || fail "$what: exit status $status"
	has out 'sound pool metadata .transaction 2, 8 devices'
	unchanged before other
	ask YES thin_restore -i dump.xml -o other
	[ $status -eq 0 ] || fail "$what: exit status $status"
	ask no thin_repair --batch-mode -i pool -o other
	[ $status -eq 0 ] || fail "$what: exit status $status"
	truncate -s 0 swap
	truncate -s 4M swap
	printf 'SWAPSPACE2' | dd of=swap bs=1 seek=4086 conv=notrunc status=none
	printf '\1\0\0\0\377\3\0\0' | dd of=swap bs=1 seek=1024 conv=notrunc status=none
	ask no thin_repair -i pool -o swap
	has out 'swap'
	[ $status -eq 1 ] || fail "$what: exit status $status"
fi
# Without one all is as it was: LVM and scripts.
run 0 thin_restore -i dump.xml -o other
run 0 thin_repair -i pool -o other

# ---- loop devices
loops=
attach() { # FILE: into $loop
	loop=$(losetup --find --show "$@" 2>/dev/null) || return 1
	loops="$loops $loop"
}
# shellcheck disable=SC2064,SC2086 # a list of names
detach() {
	for loop in $loops; do losetup -d "$loop" 2>/dev/null; done
	rm -rf "$work"
}
trap detach EXIT
if ! attach pool; then
	printf 'skipped: loop devices, which cannot be had here\n'
	finish
	exit
fi
first=$loop
same thin_repair -i pool -o "$first"
same thin_repair -i "$first" -o hard
same thin_dump -o pool "$first"
same thin_dump -o "$first" pool
attach "$first" && same thin_repair -i pool -o "$loop"
attach pool && same thin_repair -i "$first" -o "$loop"
truncate -s 12M parts
dd if=pool of=parts bs=1M seek=4 conv=notrunc status=none
attach --offset 4194304 --sizelimit 4194304 parts && window=$loop
attach --offset 8388608 --sizelimit 4194304 parts && behind=$loop
attach --offset 6291456 --sizelimit 4194304 parts && across=$loop
run 0 thin_repair -i "$window" -o "$behind"
run 64 thin_repair -i "$window" -o "$across"
run 64 thin_repair -i "$window" -o parts
has err 'same storage'

# A read-only device says so, and what to do.
if attach --read-only kept; then
	run 0 thin_check --auto-repair --clear-needs-check-flag "$loop"
	refused 1 thin_restore -i dump.xml -o "$loop"
	has err 'it is read-only'
fi
cp pool leaking
damage leaking leaks 3
if attach --read-only leaking; then
	run 1 thin_check --auto-repair "$loop"
	has err 'it is read-only, and so it stays as it was'
	has err 'block-leaked'
fi

# In use through a loop device: mounted.
truncate -s 4M disk
if command -v mkfs.ext4 >/dev/null && mkfs.ext4 -q -F disk 2>/dev/null && attach disk; then
	mkdir mnt
	if mount "$loop" mnt 2>/dev/null; then
		cp disk disk.kept
		run 1 thin_repair -i pool -o disk
		has err 'in use'
		run 1 thin_dump --force -o disk pool
		run 1 thin_repair --force -i pool -o other --report disk
		has err 'loop device'
		# docker_meta looks before it raises its walls.
		mkdir root
		for option in -o --state; do
			run 64 docker_meta -r root --no-mounts --no-dm --no-lvs --no-daemon-json --force "$option" disk check
			has err 'loop device'
		done
		# Another loop device on the same file stands for the same bytes.
		used=$loop
		cp disk disk.kept
		attach disk
		run 1 thin_repair -i pool -o "$loop"
		has err 'in use'
		run 1 thin_dump --force -o "$loop" pool
		has err 'loop device'
		unchanged disk.kept disk
		loop=$used
		umount mnt
	fi
	# A loop device on a loop device: the one below is free for O_EXCL.
	below=$loop
	if attach "$below" && mount "$loop" mnt 2>/dev/null; then
		cp disk disk.kept
		for output in disk "$below"; do
			run 1 thin_repair -i pool -o "$output"
			has err 'in use'
			run 1 thin_restore -i dump.xml -o "$output"
			run 1 thin_dump --force -o "$output" pool
			has err 'loop device'
		done
		unchanged disk.kept disk
		umount mnt
	fi
fi
# Where neither /sys nor /dev tells what a loop device stands on it may stand on anything.
if attach pool && mknod node b 7 "${loop#/dev/loop}" 2>/dev/null; then
	cp pool pool.kept
	for hide in /sys /dev; do
		run 64 unshare -m sh -c "mount -t tmpfs none $hide; PATH=$build/bin:\$PATH; thin_repair -i node -o pool"
	done
	unchanged pool.kept pool
fi
finish
