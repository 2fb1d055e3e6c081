# shellcheck shell=bash
# The virtual machine (qemu, Debian's kernel, no network), for the parts of check.sh; sourced.  Sets $build
# and $here, and goes to a work directory of its own, in which extra/ is what the machine gets on top of its
# initial ram disk: extra/job.sh is what it does.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$(cd "$top/$1" && pwd)
command -v qemu-system-x86_64 >/dev/null || {
	echo "skipped: there is no qemu-system-x86_64 here, and it could not be installed"
	exit 0
}
(cd "$top" && tests/kernel/build_vm.sh build/vm)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PATH="$build/bin:$build/tools:$PATH"
cd "$work" || exit
mkdir -p extra/bin
install -m 755 "$here/init.sh" extra/init

fixture() { # NAME
	echo "$top/build/fixtures/$1.raw"
}

# Give the machine programs, and the libraries that they need.
give() { # FILE...
	give_to bin "$@"
}
give_to() { # DIRECTORY FILE...
	mkdir -p "extra/$1"
	for file in "${@:2}"; do
		install -s "$file" "extra/$1/"
		ldd "$file" | grep -o '/[^ ]*' | while read -r library; do
			mkdir -p "extra$(dirname "$library")"
			cp -L "$library" "extra$library"
		done
	done
}

# Boot it with these files as disks; each one's serial is its name.  What it says goes to ./said.  A flush in
# the machine is none of the host's: the files are thrown away, and fsync is what takes the time.
boot() { # SECONDS DISK...
	local drives=()
	(cd extra && find . -print0 | cpio --quiet -0 -o -H newc | gzip -1) | cat "$top/build/vm/initrd" - >initrd
	for disk in "${@:2}"; do
		drives+=(-drive "file=$disk,if=none,id=$disk,format=raw,cache=unsafe"
			-device "virtio-blk-pci,drive=$disk,serial=$disk")
	done
	timeout "$1" qemu-system-x86_64 -accel tcg -cpu Nehalem -m 1024 -machine q35 -nodefaults -no-reboot \
		-nographic -nic none -serial stdio -kernel "$top/build/vm/vmlinuz" -initrd initrd \
		-append "console=ttyS0 quiet panic=-1 oops=panic softlockup_panic=1 loglevel=3 mitigations=off lsm=landlock" \
		"${drives[@]}" </dev/null >console 2>&1 || true
	tr -d '\r' <console >said
}

# What the machine said of NAME: "RESULT NAME what".
result() { # NAME
	sed -n "s/^.*RESULT $1 //p" said
}
