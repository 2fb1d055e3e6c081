# shellcheck shell=sh
# A pool whose metadata is written through dm-log-writes, in the virtual machine; sourced by init.sh.  The
# disks: "meta", the metadata; "log", what is written down; or, with /states, metadata to use again.
# shellcheck source=tests/kernel/guest_use.sh
. /guest_use.sh
size=128 blocks=1024 length=$((4096 * 128))

sectors() { # DISK
	blockdev --getsz "$1"
}

# Devices made, written to, snapshotted, written to again, and some deleted; a flush now and then.
work() {
	for n in 1 2 3 4 5 6 7 8; do
		id=$((20000 + 10 * n))
		message "no device can be made" "create_thin $id"
		thin new $id
		write_blocks new $((5 * n))
		sync
		dmsetup suspend new
		message "no snapshot can be made" "create_snap $((id + 1)) $id"
		dmsetup resume new
		write_blocks new $((3 * n))
		dmsetup remove --retry new
		[ $((n % 2)) = 0 ] || message "cannot be deleted" "delete $id"
		[ $n != 4 ] || message "no metadata snapshot" "reserve_metadata_snap"
	done
	use_old 0
	message "the metadata snapshot cannot be released" "release_metadata_snap"
}

write_log() {
	bad=
	dmsetup create meta --table "0 $(sectors /run/meta) log-writes /run/meta /run/log"
	dmsetup create data --table "0 $length zero"
	dmsetup create pool --table "0 $length thin-pool /dev/mapper/meta /dev/mapper/data $size 0 2 \
		skip_block_zeroing no_discard_passdown" || fail "the pool cannot be activated"
	state "at first"
	work
	state "in the end"
	dmsetup remove --retry pool
	dmsetup remove --retry meta
	echo "RESULT log ${bad:-ok}"
}

use_state() { # DISK
	bad=
	dmsetup create meta --table "0 $(sectors "/run/$1") linear /run/$1 0"
	judge_pool $length 1 16777215
	dmsetup remove --retry meta
	echo "RESULT $1 ${bad:-ok}${said:+ ($said)}"
}

if [ -e /states ]; then
	new_ids=910000
	while read -r name; do use_state "$name"; done </states
else
	write_log
fi
