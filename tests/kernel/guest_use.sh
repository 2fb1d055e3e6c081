# shellcheck shell=sh disable=SC2154 # the jobs set $size and $blocks
# Use a pool as life does, in the virtual machine; sourced by the jobs that judge metadata.  The table is of
# $size sectors a block, each thin device $blocks blocks large, the metadata device /dev/mapper/meta, and what
# is written goes nowhere.  What goes wrong first is in $bad.  Numbers of new devices begin at $new_ids: a flush may
# have them still.
new_ids=900000

state() {
	case $(dmsetup status pool) in
	*needs_check*) fail "needs_check is set $1" ;;
	*' rw '*) ;;
	*) fail "the pool is not writable $1" ;;
	esac
}

message() { # WHAT MESSAGE
	dmsetup message pool 0 "$2" 2>/dev/null || fail "$1"
}

thin() { # NAME ID
	dmsetup create "$1" --table "0 $((size * blocks)) thin /dev/mapper/pool $2" 2>/dev/null
}

write_blocks() { # NAME NUMBER
	dd if=/dev/zero of="/dev/mapper/$1" bs=$((size * 512)) count="$2" oflag=direct 2>/dev/null
}

# All of the first device, the beginning of the others: each look-up costs time here.
read_devices() { # ID...
	for id; do
		if ! thin old "$id"; then
			fail "device $id cannot be activated"
		elif [ "$id" = "$1" ]; then
			failed=$(read_blocks /dev/mapper/old $((size * 512)))
			[ "$failed" = 0 ] || fail "device $id: $failed blocks cannot be read"
		else
			dd if=/dev/mapper/old of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null ||
				fail "device $id: block 0 cannot be read"
		fi
		[ ! -e /dev/mapper/old ] || dmsetup remove --retry old
	done
}

use_old() { # ID
	thin old "$1" || {
		fail "device $1 cannot be activated again"
		return
	}
	write_blocks old 4 || fail "device $1 cannot be written to"
	dmsetup suspend old
	[ -n "$bad" ] || message "no snapshot of device $1" "create_snap $((new_ids + 2)) $1"
	dmsetup resume old
	[ -n "$bad" ] || write_blocks old 4 || fail "sharing of device $1 cannot be broken"
	dmsetup remove --retry old
	[ -n "$bad" ] || message "a snapshot of device $1 cannot be deleted" "delete $((new_ids + 2))"
	[ -n "$bad" ] || message "device $1 cannot be deleted" "delete $1"
}

use_new() {
	message "no device can be made" "create_thin $new_ids"
	thin new $new_ids || {
		fail "a new device cannot be activated"
		return
	}
	write_blocks new 16 || fail "a new device cannot be written to"
	dmsetup suspend new
	message "no snapshot can be made" "create_snap $((new_ids + 1)) $new_ids"
	dmsetup resume new
	write_blocks new 2 || fail "sharing cannot be broken"
	dmsetup remove --retry new
	message "a new device cannot be deleted" "delete $new_ids"
	message "a new snapshot cannot be deleted" "delete $((new_ids + 1))"
}

metadata_snapshot() {
	if [ "$(dmsetup status pool | cut -d ' ' -f 7)" != - ]; then
		message "the metadata snapshot cannot be released" "release_metadata_snap"
	fi
	message "no metadata snapshot can be made" "reserve_metadata_snap"
	message "a new metadata snapshot cannot be released" "release_metadata_snap"
}

# Step by step, until something goes wrong: then the verdict is known, and a kernel that goes on with damaged
# metadata may stop altogether.
use_pool() { # DEVICE...
	state "at first"
	[ -n "$bad" ] || read_devices "$@"
	[ -n "$bad" ] || use_old "$1"
	[ -n "$bad" ] || use_new
	[ -n "$bad" ] || metadata_snapshot
	dmsetup suspend pool || fail "the pool cannot be suspended"
	dmsetup resume pool || fail "the pool cannot be resumed"
	[ -n "$bad" ] || state "in the end"
	dmsetup remove --retry pool || fail "the pool cannot be deactivated"
}

# Make the data device and the pool; use it; take both away.  $said: what the kernel says first.
judge_pool() { # SECTORS DEVICE...
	dmesg -c >/dev/null
	dmsetup create data --table "0 $1 zero"
	if dmsetup create pool --table "0 $1 thin-pool /dev/mapper/meta /dev/mapper/data $size 0 3 \
		skip_block_zeroing error_if_no_space no_discard_passdown" 2>/dev/null; then
		shift
		use_pool "$@"
	else
		fail "it cannot be activated"
		dmsetup remove pool 2>/dev/null
	fi
	dmsetup remove --retry data
	said=$(dmesg | sed -n 's/^.*device-mapper: //p' | head -n 1)
	[ -z "$said" ] || fail "the kernel complains"
}
