# SPDX-License-Identifier: MIT
# Whatever a plan changes goes through these.  They end the script at the first doubt; and where they
# were not uncommented themselves, the shell does not find them, and nothing happens either.
# To shellcheck: stop() does not return, and the head of the script assigns what is in capitals.
# shellcheck shell=sh disable=SC2015,SC2153

stop() {
	printf 'stopped: %s\n' "$*" >&2
	exit 1
}
docker_is_stopped() {
	if pgrep -x dockerd >/dev/null; then stop 'dockerd runs'; fi
	if [ -s /var/run/docker.pid ] && kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null
	then
		stop 'Docker runs: /var/run/docker.pid'
	fi
	for unit in docker.service docker.socket; do
		if systemctl is-active --quiet "$unit" 2>/dev/null
		then stop "$unit is active"; fi
	done
}
digest_of() { # DIRECTORY|FILE, below ROOT
	if [ -d "$ROOT/$1" ]; then
		(cd -- "$ROOT/$1" && find . -type f -print0 | LC_ALL=C sort -z |
			xargs -0r sha256sum -z | sha256sum)
	elif [ -f "$ROOT/$1" ]; then sha256sum <"$ROOT/$1"
	else echo absent; fi | cut -d ' ' -f 1
}
nothing_came() { # since the plan was made: no image, name, or build that may have a device
	[ -z "$looked" ] || return 0
	seen="$SEEN"
	for place in $PLACES; do
		[ "${seen%% *}" = unread ] || [ "$(digest_of "$place")" = "${seen%% *}" ] ||
			stop "$place is not what it was: make the plan anew"
		seen="${seen#* }"
	done
	looked=yes
}
ready() {
	for word in "$ROOT" "$POOL" "$METADATA" "$KEEP" "$KIND"; do
		[ -n "$word" ] || stop 'fill in the head: ROOT, POOL, METADATA, KEEP, KIND'
	done
	case "$KEEP/" in "$ROOT"/*) stop 'KEEP is below ROOT' ;; esac
	[ -d "$ROOT/devicemapper/metadata" ] || stop "$ROOT is not Docker's data-root"
	[ -d "$KEEP/copy" ] || stop 'nothing was copied: take the backup first'
	docker_is_stopped
	nothing_came
}
pool_is_down() {
	if dmsetup status "$POOL" >/dev/null 2>&1; then stop "$POOL is active"; fi
}
pool_ready() { # it is active, and at the same transaction
	ready
	at=$(dmsetup status "$POOL" | awk '$3 == "thin-pool" { print $4 }')
	[ "$at" = "$TRANSACTION" ] ||
		stop "$POOL is at transaction ${at:-unknown}, not $TRANSACTION: make the plan anew"
}
no_volume_has() { # ID: in LVM's pool it is no volume of LVM's
	[ "$KIND" = lvm ] || return 0
	case $(lvs --noheadings -o lv_attr,lv_dm_path "$VG/$LV") in
	*" t"*" /dev/mapper/${POOL%-tpool}") ;;
	*) stop "$VG/$LV is not the pool $POOL" ;;
	esac
	volumes=$(lvs -a --noheadings -o pool_lv,thin_id "$VG") ||
		stop "lvs does not tell the volumes of $VG"
	if printf '%s' "$volumes" | tr -d '[]' | awk -v lv="$LV" -v id="$1" \
		'$1 == lv && $2 == id { found = 1 } END { exit !found }'
	then stop "device $1 is a volume of LVM's: lvs -o lv_name,thin_id $VG"; fi
}
same_device() { # ID MAPPED TRANSACTION CREATED SNAPPED: it is the device of this plan
	pool_ready
	no_volume_has "$1"
	[ -s "$KEEP/pool.xml" ] || stop 'there is no dump of the pool: dump_pool'
	grep -qF "<device dev_id=\"$1\" mapped_blocks=\"$2\" transaction=\"$3\" creation_time=\"$4\" snap_time=\"$5\">" "$KEEP/pool.xml" ||
		stop "device $1 is not the one that it was: make the plan anew"
}
pool_lacks() { # ID: the pool has no such device
	pool_ready
	[ -s "$KEEP/pool.xml" ] || stop 'there is no dump of the pool: dump_pool'
	if grep -qF "<device dev_id=\"$1\"" "$KEEP/pool.xml"
	then stop "the pool has device $1: make the plan anew"; fi
}
same_file() { # FILE ID TRANSACTION: it is of the same device
	ready
	grep -qiE "\"device_id\": *$2 *[,}]" "$ROOT/$1" &&
		grep -qiE "\"transaction_id\": *$3 *[,}]" "$ROOT/$1" ||
		stop "$1 is not what it was: make the plan anew"
}
nobody_has() { # HASH DIRECTORY: nobody refers to it but what goes with it
	ready
	for place in "$ROOT/image/devicemapper/layerdb/sha256" "$ROOT/image/devicemapper/layerdb/mounts"; do
		[ -d "$place" ] || continue
		found=$(grep -rlF -- "$1" "$place" | grep -E '/(cache-id|mount-id|init-id)$' | grep -vF "/${2:-/}/" | head -n 1)
		[ -z "$found" ] || stop "$found names $1: make the plan anew"
	done
	for place in "containers/${1%-init}" "graph/$1" "containers/${2:-none}"; do
		[ ! -e "$ROOT/$place" ] || stop "$place is there: make the plan anew"
	done
}
no_file_has() { # ID: Docker knows no device of it
	ready
	if grep -rqiE --exclude=transaction-metadata "\"device_id\": *$1 *[,}]" "$ROOT/devicemapper/metadata"; then
		stop "a file in devicemapper/metadata has device $1: make the plan anew"
	fi
}
move_out() { # FILE|DIRECTORY, below ROOT: to KEEP/moved
	ready
	if [ -e "$KEEP/moved/$1" ] && [ ! -e "$ROOT/$1" ]; then return 0; fi # by another step
	mkdir -p "$KEEP/moved/$(dirname -- "$1")" && [ ! -e "$KEEP/moved/$1" ] &&
		mv -- "$ROOT/$1" "$KEEP/moved/$1" || stop "$1 was not moved"
	case $1 in devicemapper/metadata/*)
		rmdir -- "$ROOT/devicemapper/mnt/${1##*/}" 2>/dev/null
	esac
	return 0
}
write_file() { # FILE TEXT
	ready
	[ ! -e "$ROOT/$1" ] && printf '%s' "$2" >"$ROOT/$1" && chmod 600 "$ROOT/$1" ||
		stop "$1 was not written"
}
edit_file() { # FILE OLD NEW
	ready
	grep -qF -- "$2" "$ROOT/$1" || stop "$1 has no $2"
	sed "s/$2/$3/" "$ROOT/$1" >"$KEEP/edited" && cat "$KEEP/edited" >"$ROOT/$1" ||
		stop "$1 was not written"
}
grow_file() { # FILE BYTES: never smaller
	if [ "$(stat -c %s -- "$1")" -lt "$2" ]; then truncate -s "$2" -- "$1"; fi
}
loop_of() { # FILE: its loop device, one alone
	device=$(losetup -j "$1" | head -n 1 | cut -d : -f 1)
	if [ -n "$device" ]; then echo "$device"; else losetup -f --show -- "$1"; fi
}
activate() { # the pool, which Docker takes away when it is stopped, in loop mode
	ready
	if dmsetup status "$POOL" >/dev/null 2>&1; then return; fi
	if [ "$KIND" = lvm ]; then
		lvchange -ay "$VG/$LV" || stop "$VG/$LV does not become active"
		return
	fi
	metadata=$(loop_of "$ROOT/devicemapper/devicemapper/metadata") || stop losetup
	data=$(loop_of "$ROOT/devicemapper/devicemapper/data") || stop losetup
	dmsetup create "$POOL" --table "0 $(blockdev --getsz "$data") thin-pool $metadata $data $BLOCK 32768 1 skip_block_zeroing" || stop "$POOL does not become active"
}
deactivate() {
	[ "$KIND" = loop ] || return 0
	dmsetup remove "$POOL" || stop "$POOL is in use"
	for file in data metadata; do
		losetup -d "$(loop_of "$ROOT/devicemapper/devicemapper/$file")"
	done
}
grow_loop_pool() { # SECTORS: an active pool, never smaller; what its files have grown
	table=$(dmsetup table "$POOL") || stop "$POOL is not active"
	for file in data metadata; do
		losetup -c "$(loop_of "$ROOT/devicemapper/devicemapper/$file")" || stop losetup
	done
	data=$(loop_of "$ROOT/devicemapper/devicemapper/data")
	[ "$(blockdev --getsz "$data")" -ge "$1" ] || stop "$data is too small"
	old=$(echo "$table" | awk '$3 == "thin-pool" { print $2 }')
	[ -n "$old" ] && [ "$old" -le "$1" ] || stop "$POOL has ${old:-an unknown number of} sectors"
	dmsetup suspend "$POOL" || stop "$POOL cannot be suspended"
	dmsetup reload "$POOL" --table "$(echo "$table" | sed "s/^0 [0-9]* /0 $1 /")"
	result=$?
	dmsetup resume "$POOL" || stop "$POOL is not as it should be"
	[ "$result" -eq 0 ] || stop "$POOL has the table that it had"
}
look() { # ID SECTORS: read-only; of ext4 the second mount, of a file system in use neither
	mkdir -p "$KEEP/look-$1" &&
		dmsetup create --readonly "look-$1" --table "0 $2 thin /dev/mapper/$POOL $1" &&
		{ mount -o ro,nouuid,norecovery "/dev/mapper/look-$1" "$KEEP/look-$1" ||
			mount -o ro,noload "/dev/mapper/look-$1" "$KEEP/look-$1"; } &&
		ls -la "$KEEP/look-$1" "$KEEP/look-$1/rootfs"
}
look_no_more() { # ID
	umount "$KEEP/look-$1"
	dmsetup remove "look-$1"
}
dump_pool() { # to KEEP/pool.xml
	ready
	if dmsetup status "$POOL" >/dev/null 2>&1; then
		dmsetup message "$POOL" 0 reserve_metadata_snap || stop 'a metadata snapshot is held'
		thin_dump --metadata-snap "$METADATA" >"$KEEP/pool.xml"
		result=$?
		dmsetup message "$POOL" 0 release_metadata_snap
	else
		thin_dump "$METADATA" >"$KEEP/pool.xml"
		result=$?
	fi
	[ "$result" -eq 0 ] || stop 'thin_dump failed'
	grep -q "<superblock .*transaction=\"$TRANSACTION\"" "$KEEP/pool.xml" ||
		stop "the pool is not at transaction $TRANSACTION any more: make the plan anew"
}
