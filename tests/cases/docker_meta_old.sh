#!/usr/bin/env bash
# Docker up to 1.9, what later versions and others leave, file systems in devices, hostile files.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"
# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"
# shellcheck source=tests/support/docker_old.sh
. "$here/tests/support/docker_old.sh"

edit() { # FILE FILTER: change JSON
	jq -c "$2" "$1" >edited && cat edited >"$1"
}

# change WANTED COMMAND...: after the command on a copy of the host these are the findings
change() {
	local wanted=$1
	shift
	rm -rf host
	cp -a "$from" host
	cp "$from.xml" host.xml
	"$@"
	expect "$wanted" -r host --xml host.xml
}

# device_of NAME: its id
device_of() {
	jq .device_id "healthy/devicemapper/metadata/$(id_of "$1")$2"
}

records=host/devicemapper/metadata
graph=host/graph
bottom=$(id_of bottom) middle=$(id_of middle) top=$(id_of top) side=$(id_of side) web=$(id_of web)

# ---- a healthy host of 1.9
old_host healthy healthy.xml
from=healthy
expect '' -r healthy --xml healthy.xml
run 0 docker_meta -r healthy --xml healthy.xml list
has out "^ *1 base  *base "
has out "^ *2 ${bottom:0:12} layer 1/2  *side:2 .1 "
has out "^ *3 ${middle:0:12} layer 2/3  *app:1 "
has out "^ *4 ${top:0:12} layer 3/3  *app:1 "
has out "^ *5 ${side:0:12} layer 2/2  *side:2 "
has out "^ *6 ${web:0:12} init  *web "
has out "^ *7 ${web:0:12} rw  *web "


change 'X8:4' eval "rm -r $graph/$top; edit host/repositories-devicemapper 'del(.Repositories.app)';
	edit host/containers/$web/config.json '.Image = \"$middle\"'"
change 'X8:6 X8:7' rm -r "host/containers/$web"
change 'C8:' rm "host/containers/$web/config.json"
change 'C8:' truncate -s 20 "host/containers/$web/config.json"
change 'L16:' edit host/repositories-devicemapper 'del(.Repositories.side)'
change 'L1: X1:4' rm "$records/$top"
change 'L6:' truncate -s 0 "$graph/$side/json"
change 'L6:' eval "echo no number >$graph/$side/layersize"
change '' rm "$graph/$side/layersize"
change 'L4:3 L4:5' rm -r "$graph/$bottom"
change 'L6: L6:' edit "$graph/$bottom/json" ".parent = \"$top\""
change 'L6:' edit "$graph/$side/json" '.parent = "none"'
change 'L10:' mkdir "$graph/_tmp/$side"
change 'L14:' edit host/repositories-devicemapper ".Repositories.app[\"2\"] = \"${top/[0-9]/f}0\" | .Repositories.app[\"2\"] |= .[:64]"
change 'L15:' truncate -s 10 host/repositories-devicemapper
change 'C7:' edit "host/containers/$web/config.json" '.State.Dead = true'
change '' eval "printf '{\"id\":\"%s\",\"parent_id\":\"sha256:%s\"}' $side $middle >$graph/$side/json"
run 0 docker_meta -r host --xml host.xml list
has out "^ *5 ${side:0:12} layer 3/3  *side:2 "
change '' eval "printf %s $top >$graph/$side/parent"
run 0 docker_meta -r host --xml host.xml list
has out "^ *5 ${side:0:12} layer 4/4  *side:2 "
change '' edit host/repositories-devicemapper '.Repositories["reg/x"] = {"sha256:12": .Repositories.side["2"]}
	| del(.Repositories.side)'
run 0 docker_meta -r host --xml host.xml list
has out "layer 2/2  *reg/x@sha256:12 "

# ---- the same host after 1.10 has taken it over
config_of() { # DIFF...: the configuration of an image
	printf '{"rootfs":{"type":"layers","diff_ids":['
	printf '"sha256:%s",' "$@" | sed 's/,$//'
	printf ']}}'
}
take_over() { # NAME CHAIN DIFF PARENT-CHAIN
	local dir=upgraded/image/devicemapper/layerdb/sha256/$2
	mkdir -p "$dir"
	printf %s "$(id_of "$1")" >"$dir/cache-id"
	printf 'sha256:%s' "$3" >"$dir/diff"
	[ -z "$4" ] || printf 'sha256:%s' "$4" >"$dir/parent"
	printf 1234 >"$dir/size"
	printf x >"$dir/tar-split.json.gz"
}
chain_of() { # PARENT DIFF
	id_of "sha256:$1 sha256:$2"
}
put_image() { # V1-ID DIFF...
	local old=$1 id
	shift
	id=$(config_of "$@" | sha256sum | cut -d ' ' -f 1)
	mkdir -p upgraded/image/devicemapper/imagedb/content/sha256
	config_of "$@" >"upgraded/image/devicemapper/imagedb/content/sha256/$id"
	jq -c ".[\"$old\"] = \"sha256:$id\"" upgraded/.migration-v1-images.json >map
	cat map >upgraded/.migration-v1-images.json
	new_id=$id
}
cp -a healthy upgraded
cp healthy.xml upgraded.xml
echo '{}' >upgraded/.migration-v1-images.json
one=$(id_of diff1) two=$(id_of diff2) three=$(id_of diff3) four=$(id_of diff4)
take_over bottom "$one" "$one" ''
chain2=$(chain_of "$one" "$two")
take_over middle "$chain2" "$two" "$one"
chain3=$(chain_of "$chain2" "$three")
take_over top "$chain3" "$three" "$chain2"
chain4=$(chain_of "$one" "$four")
take_over side "$chain4" "$four" "$one"
put_image "$bottom" "$one"
put_image "$middle" "$one" "$two"
put_image "$side" "$one" "$four"
side_image=$new_id
put_image "$top" "$one" "$two" "$three"
app_image=$new_id
printf '{"Repositories":{"app":{"app:1":"sha256:%s"},"side":{"side:2":"sha256:%s"}}}' \
	"$app_image" "$side_image" >upgraded/image/devicemapper/repositories.json
jq -c ".Image = \"sha256:$app_image\"" "upgraded/containers/$web/config.json" \
	>"upgraded/containers/$web/config.v2.json"
mkdir -p "upgraded/image/devicemapper/layerdb/mounts/$web"
printf %s "$web" >"upgraded/image/devicemapper/layerdb/mounts/$web/mount-id"
printf %s-init "$web" >"upgraded/image/devicemapper/layerdb/mounts/$web/init-id"
printf 'sha256:%s' "$chain3" >"upgraded/image/devicemapper/layerdb/mounts/$web/parent"
from=upgraded
new=host/image/devicemapper
# Docker keeps the parents of images; here there are none: two images without a name.
expect 'L16: L16:' -r upgraded --xml upgraded.xml
forget() { # the image side, in the newer layout
	rm -r $new/layerdb/sha256/"$chain4" $new/imagedb/content/sha256/"$side_image"
	edit $new/repositories.json 'del(.Repositories.side)'
}
change 'X8:5 L16: L16:' forget
change 'L18:5 L16: L16:' eval "forget; edit host/.migration-v1-images.json 'del(.[\"$side\"])'"
change 'L16: L16:' eval "forget; edit host/.migration-v1-images.json 'del(.[\"$side\"])'; rm $records/$side; sed -i '/dev_id=\"5\"/,/<.device>/d' host.xml"
change 'L18: L16: L16:' rm host/.migration-v1-images.json
change 'L16: L16:' mv host/.migration-v1-images.json $new/
change 'L18: L18: L16: L16:' truncate -s 5 host/.migration-v1-images.json
change 'L18: L16: L16: C10:' rm -r "host/containers/$web/config.v2.json" "$new/layerdb/mounts/$web"

# ---- rows of the newer layout
change 'L2:5 L16: L16:' edit "$records/$side" '.deleted = true'
change 'L10: L16: L16:' mkdir -p $new/layerdb/tmp/write-set-12345
parent_of() { # IMAGE PARENT
	mkdir -p "$new/imagedb/metadata/sha256/$1"
	printf 'sha256:%s' "$2" >"$new/imagedb/metadata/sha256/$1/parent"
}
change 'L16: L16: L17:' parent_of "$app_image" "$side"
change 'L19: L16: L16:' mkdir -p host/overlay2/l
mkdir daemon
printf '{"storage-driver":"devicemapper"}' >daemon/set.json
run 0 docker_meta -r host --xml host.xml --daemon-json daemon/set.json
has out '^info *L19 '
change 'L16: L16:' mkdir -p host/overlay2 host/vfs/dir
change 'L16: L16: L20:' eval "mkdir -p host/image/overlay2; cp -a $new/imagedb host/image/overlay2"
change 'C11:7 L16: L16:' eval "echo '{\"StorageOpt\":{\"size\":\"20G\"}}' >host/containers/$web/hostconfig.json"
for size in 10G 10g 10GiB '10 gb' 10240M 10737418240 10.0G ''; do
	change 'L16: L16:' eval "echo '{\"StorageOpt\":{\"Size\":\"$size\"}}' >host/containers/$web/hostconfig.json"
done
change 'C14: L16: L16:' truncate -s 11G "host/containers/$web/$web-json.log"
change 'L16: L16: C14:' truncate -s 2G "host/containers/$web/$web-json.log"
change 'L16: L16:' truncate -s 1000M "host/containers/$web/$web-json.log"

# ---- devices that are being deleted
from=healthy
mark() { # HOURS: an orphaned device was marked so long before the last transaction
	rm -r "host/containers/$web" "$records/$web-init"
	edit "$records/$web" '.deleted = true'
	sed -i '/dev_id="6"/,/<.device>/d' host.xml
	touch -d @1600000000 $records/transaction-metadata
	touch -d "@$((1600000000 - $1 * 3600))" "$records/$web"
}
change 'J18:7' mark 30
change '' mark 20
change '' mark -50

# ---- before 0.12
one_file() {
	(cd $records && for name in *; do
		[ "${name%-metadata}" = "$name" ] || continue
		hash=$name
		[ "$name" != base ] || hash=
		jq -c "{\"$hash\": del(.deleted)}" "$name"
	done) | jq -sc '{Devices: add}' >host/devicemapper/json
}
change 'J25:' one_file
change 'T6: J14: J25:' eval "one_file; rm -r $records"
change 'J25:' eval "one_file; edit host/devicemapper/json '.Devices[\"$top\"].device_id = 99'"
run 2 docker_meta -r host --xml host.xml
has out '^fatal *J25'
change 'X1:4 J25:' eval "one_file; mv host/devicemapper/json host/devicemapper/json.migrated;
	rm -r $records/$top $graph/$top; edit host/repositories-devicemapper 'del(.Repositories.app)';
	edit host/containers/$web/config.json '.Image = \"$middle\"'"
change '' eval "one_file; mv host/devicemapper/json host/devicemapper/json.migrated"
change 'J25:' eval "echo '{' >host/devicemapper/json"

# ---- devices of others
foreign() { # NR: so many of one transaction
	for ((i = 0; i < $1; i++)); do
		nr_devices=$((90 + i)) old_xml=more pool_device $((20 + i)) 7
	done
	sed -i -e '/<.superblock>/d' host.xml
	cat more >>host.xml
	rm more
	echo '</superblock>' >>host.xml
}
change 'X1:90 X1:91' foreign 2
change 'X1:90 X1:91 X1:92 X10:90,91,92' foreign 3
[ "$(docker_meta -f json -r host --xml host.xml | jq -c '[.findings[] | select(.id == "X1") | .remedy]')" = '[null,null,null]' ] ||
	fail "there is a remedy for devices of others"

# ---- file systems in the devices
uuid=11111111-2222-3333-4444-555555555555
put() { # FILE BLOCK: the first data block of a device
	dd if="$1" of=data bs=64k seek="$2" count=1 conv=notrunc status=none
}
be() { # BYTES NUMBER
	printf "%0$((2 * $1))x" "$2" | sed 's/../\\x&/g'
}
xfs() { # FILE UUID BLOCKS: the superblock of an xfs with blocks of 4096 bytes
	truncate -s 0 "$1"
	truncate -s 64K "$1"
	{
		printf '%b' "XFSB$(be 4 4096)$(be 8 "$3")"
		head -c 16 /dev/zero
		printf '%b' "$(printf %s "$2" | tr -d - | sed 's/../\\x&/g')"
	} | dd of="$1" conv=notrunc status=none
	printf 'label' | dd of="$1" conv=notrunc status=none bs=1 seek=108
	printf '\014' | dd of="$1" conv=notrunc status=none bs=1 seek=120
}
mkfs() { # FILE TYPE SIZE [UUID]
	rm -f "$1"
	"mkfs.$2" -q -F -L label -U "${4:-$uuid}" "$1" "$3" >/dev/null 2>&1
}
PATH=$PATH:/sbin:/usr/sbin
mkfs ext4.64 ext4 64M
mkfs ext4.40 ext4 40M
mkfs ext4.65 ext4 65M
mkfs ext4.other ext4 64M 99999999-2222-3333-4444-555555555555
mkfs ext3.64 ext3 64M
mkfs ext2.64 ext2 64M
xfs xfs.64 $uuid 16384
xfs xfs.60 $uuid 15360
xfs xfs.65 $uuid 16640
old_begin small small.xml 67108864
old_image bottom
old_image top bottom
printf '{"Repositories":{"app":{"1":"%s"}}}' "$top" >small/repositories-devicemapper
old_end
printf '{"BaseDeviceUUID":"%s","BaseDeviceFilesystem":"ext4"}' $uuid \
	>small/devicemapper/metadata/deviceset-metadata
from=small

# with WANTED FILE BLOCK...: the device of each block begins as the file does
with() {
	local wanted=$1
	shift
	rm -f data
	truncate -s 10M data
	while [ $# -gt 0 ]; do
		put "$1" "$2"
		shift 2
	done
	expect "$wanted" -r small --xml small.xml --data data
}
expect '' -r small --xml small.xml
with ''
with '' ext4.64 1 ext4.64 2 ext4.64 3
with 'J8:2' ext4.64 1 ext4.40 2
with 'J8:3' ext4.64 1 ext4.64 2 ext4.65 3
run 2 docker_meta -r small --xml small.xml --data data
has out 'size 67108864; ext4 in device 3: 68157440'
with 'J16:1' ext4.other 1
with 'J17:1' ext3.64 1
with 'J17:1' ext2.64 1
with 'J17:1' xfs.64 1
run 1 docker_meta -r small --xml small.xml --data data
has out 'BaseDeviceFilesystem ext4; device 1: xfs'
with 'J8:1 J17:1' xfs.65 1
with '' ext4.64 1 xfs.60 2
with 'J8:3' ext4.64 1 xfs.60 2 xfs.65 3
# What is cut off, or is no file system, says nothing.
rm -f data
truncate -s 64K data
expect '' -r small --xml small.xml --data data
head -c 1500 ext4.other >part
truncate -s 64K data
cat part >>data
expect '' -r small --xml small.xml --data data
head -c 1M /dev/urandom >data
expect '' -r small --xml small.xml --data data
# The loop file is looked at without being asked for, but not through a symbolic link.
rm -rf host
cp -a small host
mkdir host/devicemapper/devicemapper
with 'J16:1' ext4.other 1
cp data host/devicemapper/devicemapper/data
expect 'J16:1' -r host --xml small.xml
mv host/devicemapper/devicemapper/data elsewhere
ln -s "$PWD/elsewhere" host/devicemapper/devicemapper/data
expect '' -r host --xml small.xml
ln -s elsewhere by-name
expect 'J16:1' -r small --xml small.xml --data by-name
run 3 docker_meta -r small --xml small.xml --data not/there
has err 'not/there: No such file'
run 3 docker_meta -r small --xml small.xml --data small
mkfifo fifo
run 3 docker_meta -r small --xml small.xml --data fifo
has err 'fifo: it is no regular file'

valid
finish
