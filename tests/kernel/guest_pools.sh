# shellcheck shell=sh
# Pools on metadata that the tools wrote, in the virtual machine; sourced by init.sh.  /devices has
# "id sectors sha256" for each thin device, /images the serials of the metadata disks; the data disk's is
# "data".  For each metadata disk: activate the pool, read every thin device, then create, write, snapshot and
# delete.  Says "RESULT NAME ok", or why not.  /storage.sh goes on with what stands on what, /walls.sh with the
# sandbox, /docker.sh with docker_meta.
number() { # DISK OFFSET BYTES
	od -An -v -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' \n'
}

state() {
	dmsetup status pool | grep -q ' rw ' || fail "the pool is not writable: $(dmsetup status pool)"
}

read_devices() {
	while read -r id sectors sum; do
		dmsetup create thin --table "0 $sectors thin /dev/mapper/pool $id" || {
			fail "device $id cannot be activated"
			continue
		}
		got=$(sha256sum </dev/mapper/thin | cut -d ' ' -f 1)
		[ "$got" = "$sum" ] || fail "device $id reads differently"
		dmsetup remove --retry thin
	done </devices
}

write_devices() {
	block=$((size * 512))
	dmsetup message pool 0 "create_thin 900000" || fail "no device can be created"
	dmsetup create new --table "0 $((size * 64)) thin /dev/mapper/pool 900000"
	dd if=/dev/zero of=/dev/mapper/new bs=$block count=16 2>/dev/null || fail "cannot be written to"
	dmsetup suspend new
	dmsetup message pool 0 "create_snap 900001 900000" || fail "no snapshot can be taken"
	dmsetup resume new
	dd if=/dev/zero of=/dev/mapper/new bs=$block count=2 2>/dev/null || fail "sharing cannot be broken"
	sync
	dmsetup remove --retry new
	dmsetup message pool 0 "delete 900000" || fail "cannot be deleted"
	dmsetup message pool 0 "delete 900001" || fail "the snapshot cannot be deleted"
}

try() {
	bad=
	meta=/run/$1
	size=$(number "$meta" 336 4)
	length=$((size * $(number "$meta" 64 8)))
	if dmsetup create pool --table "0 $length thin-pool $meta /run/data $size 0 0"; then
		state
		read_devices
		write_devices
		state
		dmsetup remove --retry pool || fail "cannot be deactivated"
	else
		fail "the kernel does not activate it: $(dmesg | grep device-mapper | tail -n 1)"
	fi
	echo "RESULT $1 ${bad:-ok}"
}

while read -r name; do try "$name"; done </images
# shellcheck disable=SC1091 # they are checked by themselves
. /storage.sh
# shellcheck disable=SC1091
. /walls.sh
# shellcheck disable=SC1091
. /docker.sh
dmesg | grep -E 'device-mapper: (thin|space map|btree|block manager|transaction)' | sed 's/^/KERNEL /'
