#!/usr/bin/env bash
# Does the kernel take what the tools write?  It activates a pool on restored, repaired and mended metadata,
# reads every thin device and compares it with what stood there, then writes, snapshots and deletes.  Then the
# tools are told to write what they read (storage.sh), parsers that were taken over try the sandbox (walls.sh), and
# docker_meta looks at an active pool (docker.sh).
#
#     tests/kernel/pools.sh BUILD
set -eu
# shellcheck source=tests/kernel/vm.sh
. "$(dirname "$0")/vm.sh"
cp --sparse=always "$(fixture basic)" original
xz -dc "$here/basic.data.xz" | dd of=data bs=64k conv=sparse status=none

destroy() { # FILE BLOCK
	dd if=/dev/urandom of="$1" bs=4096 seek="$2" count=1 conv=notrunc status=none
}
repaired() { # NAME BLOCK...
	cp --sparse=always original "$1.hurt"
	for block in "${@:2}"; do
		destroy "$1.hurt" "$block"
	done
	truncate -r original "$1"
	thin_repair -q --data-block-size 128 --nr-data-blocks 4096 --transaction-id 2 -i "$1.hurt" -o "$1"
}
thin_dump original >original.xml
truncate -r original restored
thin_restore -i original.xml -o restored
cp --sparse=always original mended
damage mended leaks 20
thin_check -q --auto-repair mended
repaired no-mapping-root "$(damage original get 320 8)"
repaired no-details "$(damage original get 328 8)"
repaired no-space-maps "$(damage original get 208 8)" "$(damage original get 80 8)"
repaired no-superblock 0
images=(restored mended no-mapping-root no-details no-space-maps no-superblock)
cp "$here/guest_pools.sh" extra/job.sh
cp "$here/basic.devices" extra/devices
printf '%s\n' "${images[@]}" >extra/images

# ---- a disk with a partition of 4 MiB from 1 MiB on
truncate -s 16M parted
printf '\0\0\0\0\203\0\0\0\0\010\0\0\0\040\0\0' | dd of=parted bs=1 seek=446 conv=notrunc status=none
printf '\125\252' | dd of=parted bs=1 seek=510 conv=notrunc status=none
dd if=original of=parted bs=1M seek=1 conv=notrunc status=none

# ---- docker_meta, and a host for it
cp --sparse=always "$(fixture docker-loop-lvm)" docker
truncate -s 2G docker-data
mkdir -p extra/docker
tar -xJf "$top/tests/fixtures/docker/docker-loop-lvm.tar.xz" -C extra/docker
mkdir extra/etc
cp "$here/storage.sh" "$here/walls.sh" "$here/docker.sh" extra/
give "$build/bin/"{docker_meta,thin_check,thin_dump,thin_repair}
give_to breach "$build/breach/thin_dump"
boot 1200 data "${images[@]}" parted docker docker-data

bad=0
grep '^KERNEL' said || true
for image in "${images[@]}"; do
	result=$(result "$image")
	printf '%-16s %s\n' "$image" "${result:-no answer}"
	[ "$result" = ok ] || bad=1
	thin_check -q --strict "$image" || {
		echo "$image: not sound after the kernel used it"
		bad=1
	}
done
for part in storage walls docker; do
	result=$(result $part)
	printf '%-16s %s\n' $part "${result:-no answer}"
	[ "$result" = ok ] || bad=1
done
[ $bad -eq 0 ] || tail -n 20 said
exit $bad
