# shellcheck shell=sh
# What a tool was to read it does not write, by whatever device leads to it; in the virtual machine, sourced by
# guest_pools.sh.  /run/parted has metadata in its first partition.
refused() { # OUTPUT COMMAND...
	output=$1
	shift
	"$@" >/out 2>&1 && fail "$* is not refused"
	grep -q "$output would overwrite .*same storage" /out || fail "$*: $(cat /out)"
}
both_ways() { # DEVICE DEVICE
	refused "$2" thin_repair -i "$1" -o "$2"
	refused "$1" thin_repair -i "$2" -o "$1"
	refused "$2" thin_dump "$1" -o "$2"
}

bad=
sectors=$(blockdev --getsz /run/mended)
dmsetup create whole --table "0 $sectors linear /run/mended 0"
dmsetup create twice --table "0 $sectors linear /dev/mapper/whole 0"
dmsetup create tail --table "0 8 linear /run/mended $((sectors - 8))"
before=$(sha256sum </run/mended)
both_ways /run/mended /dev/mapper/whole
both_ways /run/mended /dev/mapper/twice
both_ways /dev/mapper/whole /dev/mapper/twice
both_ways /dev/mapper/twice /dev/mapper/tail
[ "$(sha256sum </run/mended)" = "$before" ] || fail "it was written"
for name in tail twice whole; do dmsetup remove --retry $name; done

disk=$(readlink /run/parted)
[ -b "${disk}1" ] || fail "the kernel finds no partition"
before=$(sha256sum <"$disk")
both_ways "${disk}1" "$disk"
[ "$(sha256sum <"$disk")" = "$before" ] || fail "a partition was written"

# Another part of the same disk is another one.
dmsetup create front --table "0 8192 linear $disk 2048"
dmsetup create behind --table "0 8192 linear $disk 16384"
thin_repair -i /dev/mapper/front -o /dev/mapper/behind >/out 2>&1 || fail "another part is refused: $(cat /out)"
dmsetup remove --retry behind
dmsetup remove --retry front
echo "RESULT storage ${bad:-ok}"
