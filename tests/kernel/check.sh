#!/usr/bin/env bash
# Does the kernel itself take what the tools write?  Boots a small virtual machine (qemu, Debian's kernel,
# no network) that activates a pool on restored, repaired and mended metadata, reads every thin device and
# compares it with what stood there, then writes, snapshots and deletes.  Then parsers that were taken over try
# the sandbox (walls.sh), and docker_meta looks at an active pool (docker.sh).
#
#     tests/kernel/check.sh BUILD
set -eu
cd "$(dirname "$0")/../.."
build=$PWD/$1
here=$PWD/tests/kernel
command -v qemu-system-x86_64 >/dev/null || {
	echo "skipped: there is no qemu-system-x86_64 here, and it could not be installed"
	exit 0
}
"$here/build_vm.sh" build/vm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PATH="$build/bin:$build/tools:$PATH"
cp --sparse=always build/fixtures/basic.raw "$work/original"
xz -dc "$here/basic.data.xz" | dd of="$work/data" bs=64k conv=sparse status=none
cd "$work"

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

mkdir extra
cp "$here/basic.devices" extra/devices
printf '%s\n' "${images[@]}" >extra/images

# ---- docker_meta, and a host for it
cp --sparse=always "$OLDPWD/build/fixtures/docker-loop-lvm.raw" docker
truncate -s 2G docker-data
mkdir -p extra/docker extra/bin
tar -xJf "$OLDPWD/tests/fixtures/docker/docker-loop-lvm.tar.xz" -C extra/docker
cp "$here/docker.sh" "$here/walls.sh" extra/
install -m 755 "$here/init.sh" extra/init
mkdir extra/breach extra/etc
install -s "$build/bin/docker_meta" "$build/bin/thin_check" extra/bin/
install -s "$build/breach/thin_dump" extra/breach/
{ ldd "$build/bin/docker_meta" && ldd "$build/breach/thin_dump"; } | grep -o '/[^ ]*' | while read -r library; do
	mkdir -p "extra$(dirname "$library")"
	cp -L "$library" "extra$library"
done

(cd extra && find . -print0 | cpio --quiet -0 -o -H newc | gzip -1) | cat "$OLDPWD/build/vm/initrd" - >initrd
drives=(-drive "file=data,if=none,id=data,format=raw,snapshot=on"
	-device "virtio-blk-pci,drive=data,serial=data")
for image in "${images[@]}" docker docker-data; do
	drives+=(-drive "file=$image,if=none,id=$image,format=raw"
		-device "virtio-blk-pci,drive=$image,serial=$image")
done
timeout 1200 qemu-system-x86_64 -accel tcg -cpu Nehalem -m 1024 -machine q35 -nodefaults -no-reboot \
	-nographic -nic none -serial stdio -kernel "$OLDPWD/build/vm/vmlinuz" -initrd initrd \
	-append "console=ttyS0 quiet panic=-1 loglevel=3 mitigations=off lsm=landlock" "${drives[@]}" </dev/null \
	>console 2>&1 || true

bad=0
grep '^KERNEL' console || true
for image in "${images[@]}"; do
	result=$(tr -d '\r' <console | sed -n "s/^.*RESULT $image //p")
	printf '%-16s %s\n' "$image" "${result:-no answer}"
	[ "$result" = ok ] || bad=1
	thin_check -q --strict "$image" || {
		echo "$image: not sound after the kernel used it"
		bad=1
	}
done
for part in walls docker; do
	result=$(tr -d '\r' <console | sed -n "s/^.*RESULT $part //p")
	printf '%-16s %s\n' $part "${result:-no answer}"
	[ "$result" = ok ] || bad=1
done
[ $bad -eq 0 ] || tail -n 20 console
exit $bad
