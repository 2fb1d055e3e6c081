#!/bin/sh
# The first process of the virtual machine that lets pools grow old.  /pools has "name data metadata case
# serial" for each metadata disk, in blocks; /steps/CASE has the steps, one activation of the pool each:
#
#     act                activate it
#     data N, meta N     activate it with a data device, a metadata device of so many blocks
#     new D              create a device
#     fill D FIRST N     write N blocks
#     trim D FIRST N     discard N blocks
#     snap D S           take a snapshot
#     delete D           delete a device
#
# After each, the pool is deactivated and thin_check looks at it.  Says "STEP NAME WHAT ok", or why not.
PATH=/bin:/sbin
export PATH DM_DISABLE_UDEV=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "$module" 2>/dev/null; done </modules/order
sleep 1
for disk in /sys/block/vd*; do
	ln -s "/dev/${disk##*/}" "/run/$(cat "$disk/serial")"
done

fail() {
	[ -n "$bad" ] || bad=$*
}

# A pool from 0.9.0 may run out of space while blocks are free: that is what its counts do.
blocked() {
	case $name in
	0.9.0-*) echo "NOTE $name $*, for the kernel finds no space" ;;
	*) fail "$*" ;;
	esac
}

thin() {
	dmsetup create thin --table "0 $((100000 * 128)) thin /dev/mapper/pool $1"
}

write() { # DEVICE FIRST COUNT
	thin "$1" && dd if=/dev/zero of=/dev/mapper/thin bs=64k seek="$2" count="$3" conv=fsync 2>/dev/null
}

discard() { # DEVICE FIRST COUNT
	thin "$1" && blkdiscard -o $(($2 * 65536)) -l $(($3 * 65536)) /dev/mapper/thin
}

act() {
	case $1 in
	new) dmsetup message pool 0 "create_thin $2" ;;
	snap) dmsetup message pool 0 "create_snap $3 $2" ;;
	delete) dmsetup message pool 0 "delete $2" ;;
	fill) write "$2" "$3" "$4" ;;
	trim) discard "$2" "$3" "$4" ;;
	esac
}

look() {
	status=$(dmsetup status pool)
	case $status in
	*Fail* | *Error* | *needs_check* | *' ro '*) blocked "$*: the pool is not writable" ;;
	esac
}

check() {
	thin_check -q /dev/mapper/meta >/out 2>&1 || fail "thin_check refuses it: $(thin_check /dev/mapper/meta 2>&1 | head -c 300)"
	thin_check -q --strict /dev/mapper/meta >/out 2>&1 && return
	case $name in
	0.9.0-*) ;;
	*) fail "thin_check finds something: $(thin_check /dev/mapper/meta 2>&1 | head -c 300)" ;;
	esac
}

resize_meta() {
	dmsetup reload meta --table "0 $(($1 * 8)) linear /run/$disk 0" && dmsetup resume meta
}

step() {
	bad=
	case $1 in
	data) data=$2 ;;
	meta) resize_meta "$2" ;;
	esac
	if dmsetup create pool --table "0 $((data * 128)) thin-pool /dev/mapper/meta /run/data 128 0 2 skip_block_zeroing error_if_no_space"; then
		act "$@" || blocked "$*: it fails"
		[ ! -e /dev/mapper/thin ] || dmsetup remove --retry thin
		look "$@"
		dmsetup remove --retry pool || fail "the pool cannot be deactivated"
	else
		fail "the kernel does not activate it: $(dmesg | grep device-mapper | tail -n 1)"
	fi
	check
	echo "STEP $name $* ${bad:-ok}" | tr '\n' ' '
	echo
}

while read -r name data meta case disk; do
	dmsetup create meta --table "0 $((meta * 8)) linear /run/$disk 0"
	bad=
	check
	echo "STEP $name written ${bad:-ok}"
	while read -r line; do
		# shellcheck disable=SC2086 # a line of words
		step $line
	done <"/steps/$case"
	dmsetup remove --retry meta
done </pools
echo "RESULT end"
poweroff -f
