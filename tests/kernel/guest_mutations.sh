# shellcheck shell=sh
# The mutations of the catalogue, in the virtual machine; sourced by init.sh.  /list has
# "name fixture metadata-sectors data-sectors block-sectors thin-blocks devices..." for each.  The fixtures are
# disks, and the disk "meta" is where a mutation is written to.  Says "TRY NAME", and then "RESULT NAME
# accepted", or "refused: " and what came first; "AFTER NAME", where the kernel left what thin_check refuses.
# shellcheck source=tests/kernel/guest_use.sh
. /guest_use.sh

meta_device() { # SECTORS [UNREADABLE BLOCK]
	if [ -z "$2" ]; then
		dmsetup create meta --table "0 $1 linear /run/meta 0"
		return
	fi
	at=$((8 * $2))
	{
		[ $at -eq 0 ] || echo "0 $at linear /run/meta 0"
		echo "$at 8 error"
		echo "$((at + 8)) $(($1 - at - 8)) linear /run/meta $((at + 8))"
	} | dmsetup create meta
}

try() { # NAME FIXTURE METADATA DATA SIZE BLOCKS DEVICE...
	bad=
	name=$1 sectors=$3 length=$4 size=$5 blocks=$6
	echo "TRY $name"
	meta_device "$sectors" "$(mutate "$name" "/run/$2" /run/meta)"
	shift 6
	judge_pool "$length" "$@"
	if [ -z "$bad" ]; then
		echo "RESULT $name accepted"
		thin_check -q /dev/mapper/meta || echo "AFTER $name"
	else
		echo "RESULT $name refused: $bad${said:+ ($said)}"
	fi
	dmsetup remove --retry meta
}

while read -r line; do
	# shellcheck disable=SC2086 # words
	try $line
done </list
