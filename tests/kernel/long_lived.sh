#!/usr/bin/env bash
# Pools that live long: thin_restore and thin_repair of ours, of 0.9.0 and of 1.1.0 write them, the kernel
# activates them, grows their data and metadata, fills them, takes snapshots, discards and deletes
# (long_lived_init.sh).  After each step thin_check must take the pool, and the kernel must activate it.
#
#     tests/kernel/long_lived.sh BUILD
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
build=$PWD/$1
here=$PWD/tests/kernel
command -v qemu-system-x86_64 >/dev/null || {
	echo "skipped: there is no qemu-system-x86_64 here, and it could not be installed"
	exit 0
}
"$here/build_vm.sh" build/vm
"$here/peers.sh" build/peers
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# A bitmap is of 16320 entries: data and metadata grow within one, over its end, and to it.
mkdir -p extra/steps extra/bin extra/run
cat >extra/steps/grown <<-'END'
	act
	new 900
	data 8192
	fill 900 0 100
	data 20000
	meta 1536
	fill 900 100 200
	snap 900 901
	data 40000
	fill 901 0 50
	trim 900 20 100
	meta 17000
	delete 1
	data 49000
	fill 900 0 200
	delete 900
END
cat >extra/steps/border <<-'END'
	act
	data 16321
	new 900
	fill 900 0 200
	meta 16384
	data 32640
	snap 900 901
	meta 33000
	fill 901 0 50
	delete 900
END
# The metadata is full when it grows: over the end of its bitmap, and within it.
cat >extra/steps/full <<-'END'
	meta 17000
	new 900
	fill 900 0 200
	snap 1 901
	meta 33000
	delete 1
END
cat >extra/steps/full-within <<-'END'
	meta 400
	new 900
	snap 1 901
	meta 700
	delete 1
END

# thin_dump's form: DEVICES of each so many blocks, mapped one by one with gaps where SPREAD is 3.
dump_of() { # DATA-BLOCKS DEVICES BLOCKS SPREAD
	awk -v data="$1" -v devices="$2" -v blocks="$3" -v spread="$4" 'BEGIN {
		printf "<superblock uuid=\"\" time=\"1\" transaction=\"5\" flags=\"0\" version=\"2\" "
		printf "data_block_size=\"128\" nr_data_blocks=\"%d\">\n", data
		for (d = 1; d <= devices; d++) {
			printf "<device dev_id=\"%d\" mapped_blocks=\"%d\" transaction=\"1\" ", d, blocks
			print "creation_time=\"0\" snap_time=\"1\">"
			for (i = 0; i < blocks; i++)
				printf "<single_mapping origin_block=\"%d\" data_block=\"%d\" time=\"0\"/>\n",
				       i * spread, (d - 1) * blocks + i
			print "</device>"
		}
		print "</superblock>"
	}'
}

tool() { # PEER TOOL ARGUMENT...
	if [ "$1" = ours ]; then
		"$build/bin/$2" "${@:3}"
	else
		"$root/build/peers/$1/$2" "${@:3}"
	fi >log 2>&1
}

# thin_restore into as many blocks as there are; or thin_repair of what ours restored.
make_pool() { # PEER HOW XML BLOCKS OUTPUT
	rm -f "$5"
	truncate -s $(($4 * 4096)) "$5"
	case $2 in
	restore) tool "$1" thin_restore -i "$3" -o "$5" ;;
	repair)
		truncate -s $(($4 * 4096)) source
		tool ours thin_restore -i "$3" -o source && tool "$1" thin_repair -i source -o "$5"
		;;
	esac
}

# The fewest blocks that it restores into.
fewest() { # PEER XML
	local low=8 high=512 middle
	while [ $((high - low)) -gt 1 ]; do
		middle=$(((low + high) / 2))
		if make_pool "$1" restore "$2" $middle trial; then high=$middle; else low=$middle; fi
	done
	echo $high
}

add() { # PEER HOW XML DATA METADATA CASE
	local name=$1-$2-$6 disk
	make_pool "$1" "$2" "$3" "$5" "$name" || {
		echo "$name: cannot be made: $(head -n 1 log)"
		bad=1
		return
	}
	truncate -s $((33000 * 4096)) "$name"
	# A serial has room for 20 characters.
	disk=pool${#drives[@]}
	echo "$name $4 $5 $6 $disk" >>extra/pools
	drives+=(-drive "file=$name,if=none,id=$disk,format=raw"
		-device "virtio-blk-pci,drive=$disk,serial=$disk")
}

bad=0
drives=(-drive "file=data,if=none,id=data,format=raw,discard=unmap,detect-zeroes=unmap"
	-device "virtio-blk-pci,drive=data,serial=data")
truncate -s $((50000 * 65536)) data
dump_of 4096 2 2030 1 >nearly-full.xml
dump_of 16320 2 150 1 >border.xml
dump_of 20000 3 1000 3 >full.xml
for peer in ours 0.9.0 1.1.0; do
	[ $peer = ours ] || [ -x "$root/build/peers/$peer/thin_check" ] || continue
	add $peer restore nearly-full.xml 4096 1024 grown
	add $peer repair nearly-full.xml 4096 1024 grown
	add $peer restore border.xml 16320 16320 border
	few=$(fewest $peer full.xml)
	add $peer restore full.xml 20000 "$few" full
	add $peer restore full.xml 20000 "$few" full-within
done

install -m 755 "$here/long_lived_init.sh" extra/init
install -s "$build/bin/thin_check" extra/bin/
ldd "$build/bin/thin_check" | grep -o '/[^ ]*' | while read -r library; do
	mkdir -p "extra$(dirname "$library")"
	cp -L "$library" "extra$library"
done
(cd extra && find . -print0 | cpio --quiet -0 -o -H newc | gzip -1) | cat "$root/build/vm/initrd" - >initrd
timeout 2400 qemu-system-x86_64 -accel tcg -cpu Nehalem -m 1024 -machine q35 -nodefaults -no-reboot \
	-nographic -nic none -serial stdio -kernel "$root/build/vm/vmlinuz" -initrd initrd \
	-append "console=ttyS0 quiet panic=-1 loglevel=3 mitigations=off" "${drives[@]}" </dev/null \
	>console 2>&1 || true
sed -i 's/\r$//' console

# ---- what became of them
grep -q '^RESULT end' console || {
	echo "the virtual machine did not get to the end"
	tail -n 20 console
	bad=1
}
while read -r name _ _ case _; do
	wanted=$(($(wc -l <"extra/steps/$case") + 1))
	good=$(grep -c "STEP $name .* ok *\$" console || true)
	printf '%-24s %s steps of %s\n' "$name" "$good" "$wanted"
	[ "$good" -eq "$wanted" ] || bad=1
	grep "STEP $name " console | grep -v ' ok *$' || true
	"$build/bin/thin_check" -q "$name" || bad=1
done <extra/pools
exit $bad
