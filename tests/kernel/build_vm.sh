#!/usr/bin/env bash
# A kernel and an initial ram disk in $1, from Debian's packages: dm-thin, dmsetup, busybox, and nothing else.
set -eu
vm=$1
[ "$vm/initrd" -nt "$0" ] && exit 0
mkdir -p "$vm"
vm=$(cd "$vm" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# ---- the kernel
package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image[^ ]*\)/\1/p' | head -n 1)
apt-get -q -o APT::Sandbox::User=root download "$package" >/dev/null
dpkg -x linux-image-*.deb kernel
version=$(basename kernel/lib/modules/*)
modules=kernel/lib/modules/$version

# ---- what runs in it
root=$work/root
mkdir -p "$root"/{bin,sbin,lib,lib64,proc,sys,dev,run,modules}
cp "$(command -v busybox)" "$root/bin/busybox"
for name in $(busybox --list); do
	[ -e "$root/bin/$name" ] || ln -s busybox "$root/bin/$name"
done
cp /sbin/dmsetup "$root/sbin/"
ldd /sbin/dmsetup | grep -o '/[^ ]*' | while read -r library; do
	mkdir -p "$root$(dirname "$library")"
	cp -L "$library" "$root$library"
done

# ---- modules, each after those that it needs
busybox depmod -b kernel "$version"
load() {
	local file need
	file=$(find "$modules" -name "$1.ko" | head -n 1)
	[ -n "$file" ] || return 0 # built in
	grep -q "/$1.ko\$" "$work/order" 2>/dev/null && return 0
	# shellcheck disable=SC2013 # a line of words
	for need in $(sed -n "s|^${file#"$modules"/}: *||p" "$modules/modules.dep"); do
		load "$(basename "$need" .ko)"
	done
	grep -q "/$1.ko\$" "$work/order" 2>/dev/null && return 0
	cp "$file" "$root/modules/"
	echo "/modules/$1.ko" >>"$work/order"
}
: >order
for module in crc32c_generic virtio_pci virtio_blk dm-thin-pool dm-zero dm-log-writes; do
	load $module
done
cp order "$root/modules/order"
(cd "$root" && find . -print0 | cpio --quiet -0 -o -H newc | gzip -1) >"$vm/initrd.new"
cp "kernel/boot/vmlinuz-$version" "$vm/vmlinuz"
mv "$vm/initrd.new" "$vm/initrd"
