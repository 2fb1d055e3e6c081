#!/usr/bin/env bash
# Rows of the catalogue that come together, or want more than a word changed.
# Variables and functions come from docker_meta.sh; names have no blanks; what eval gets is expanded there.
# shellcheck disable=SC2154,SC2086,SC2016
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"
# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"
fixture docker-loop-lvm meta
host docker-loop-lvm down
host docker-live live
# The healthy host, and what changes it, are those of docker_meta.sh.
eval "$(sed -n '/^records=/,/^wrong /{/^wrong /!p}' "$here/tests/cases/docker_meta.sh")"

# ---- a file more, a value more
unknown=$(printf 'f%.0s' $(seq 64))
more() { # HASH ID TRANSACTION [MORE]: a file that nobody refers to
	printf '{"device_id":%s,"size":1073741824,"transaction_id":%s,"initialized":false%s}' \
		"$2" "$3" "${4:-}" >"$records/$1"
}
hold() { # what a build's mount is
	mkdir $mounts/$unknown
	printf '%s' "$unknown" >$mounts/$unknown/mount-id
	more $unknown 99 20
}
lower=4983ef0c0d45eb114a0540b80e1dadfe79091b5f47de83707de1e969ff707f58
chain_of() { (cd host/image/devicemapper/layerdb/sha256 && grep -l "$1" ./*/cache-id | cut -d/ -f2); }
remove_layer() { # as docker rmi does it, interrupted
	local chain
	chain=$(chain_of 6e713c951f31)
	mv "$layers/$chain" "$layers/$chain-abcdef-removing"
}
wrong 'X2:99 X8:99' more $unknown 99 20
wrong 'J19:99' more $unknown 99 20 ',"deleted":true'
wrong 'X2:99 J27: X8:99' more "${unknown^^}" 99 20
wrong 'X2:99 J3: X8:99' more "$unknown.bak" 99 20
wrong 'X2:0 X8:0 X9:0' more $unknown 0 20
wrong 'X7:23' edit $records/$exited '.size = 65536'
wrong 'X3:23 T10:23,24' edit $records/$exited '.transaction_id = 37'
wrong 'L13: L8:36' remove_layer
wrong 'L13: X1:36 L9:' eval "remove_layer; rm $records/6e713c951f31*"
wrong 'L13: X8:36' eval "rm -r $layers/\$(chain_of 6e713c951f31)"
wrong 'X1:22 C4:' rm $records/$exited-init
wrong 'C6:' eval "printf sha256:$unknown >$mounts/$container/parent"
wrong 'C9:' edit host/containers/$container/config.v2.json '.Driver = "overlay2"'
wrong 'X2:99 B4:99' hold
wrong 'L3:12 X8:2 X5:4 X5:26' eval "printf %s \$(cat $layers/$top/cache-id) >$layers/\$(chain_of $lower)/cache-id"
cp meta harmed
damage harmed super 48 8 0
expect 'T8: T9:1,2,4,6,10,11,12,15,16,17,18,21,22,23,24,25,26,27,28,29,30,31,32,33,36,37,38 P7:' -r down --metadata harmed
fixture docker-live alive
expect 'P10:' -r live --metadata alive

# ---- a needed device without data; BuildKit's list of another host
thin_dump meta | awk '/<device dev_id="23"/ { sub(/mapped_blocks="[0-9]*"/, "mapped_blocks=\"0\""); print; inside = 1 }
	/<\/device>/ { inside = 0 } !inside && !/<device dev_id="23"/' >empty.xml
expect 'X6:23' -r down --xml empty.xml
rm -rf host
cp -a down host
xz -dc "$here/tests/fixtures/bolt/snapshots.db.xz" >host/buildkit/snapshots.db
run 2 docker_meta -r host --metadata meta
has out '^error     B2 '
has out '^0 fatal, [0-9]+ errors, 0 warnings'

# ---- what is not there is no evidence: nobody is called an orphan, and nothing is to be deleted
free() { # COMMAND...: after it, on a healthy host
	rm -rf host
	cp -a down host
	"$@"
	run_any docker_meta -f json -r host --metadata meta list
	jq -e '[.devices[] | select(.role == "orphan")] == []' out >/dev/null || fail "$*: an orphan"
	run_any docker_meta -r host --metadata meta plan
	lacks out "'delete [0-9]"
}
run_any() { # whatever its exit status is
	nr=$((nr + 1))
	what="$*"
	"$@" >out 2>err
	true
}
free mv host/image/devicemapper/layerdb/sha256 host/elsewhere
free eval "rm -r $layers/\$(chain_of $lower)"
free eval "mv host/devicemapper/metadata host/elsewhere; ln -s ../elsewhere host/devicemapper/metadata"
lacks out '^# docker rm'
free eval "mv host/image host/elsewhere; ln -s elsewhere host/image"
lacks out '^# move_out containers'
free mv $records/$exited $records/$exited.bak
free rm $records/$exited $records/$exited-init
lacks out '^# docker rm'
free rm $mounts/$container/init-id
free rm -r host/containers
free eval 'rm -r host/containers/*'
free eval "printf %s \$(cat $layers/$top/cache-id) >$layers/\$(chain_of $lower)/cache-id"
# A container's directory, or its writable layer's, that was moved aside; a name with one wrong digit.
free mv $mounts/$container $mounts/$container.bak
docker_meta -f json -r host --metadata meta >out
jq -e '[.findings[] | select(.id == "C1") | .confidence] == ["unproven"]' out >/dev/null ||
	fail "C1 of a container that is still there: $(jq -c '[.findings[] | [.id, .confidence]]' out)"
free mv host/containers/$container host/containers/$container.bak
free sed -i 's/^57a04c/57a04d/' $mounts/$container/mount-id
free eval "sed -i 's/^./f/' $layers/$top/cache-id"
# Files of an earlier time than the pool's newest devices.
free eval "rm -r host/containers/$container $mounts/$container $records/$exited $records/$exited-init;
	transaction 20 $lower 2"
# An image that has a name and no file: its layers are not nobody's.
free rm host/image/devicemapper/imagedb/content/sha256/94fc1abb*
# A container that says another id than its directory: Docker does not load it.
rm -rf host
cp -a down host
sed -i 's/"ID":"95b0/"ID":"95b1/' host/containers/$container/config.v2.json
run 2 docker_meta -r host --metadata meta
has out '^error     C8 '
has out 'ID: 95b1'
# An image with a layer that is not there, as JSON.
rm -rf host
cp -a down host
mv "$layers/$top" "$layers/$top.old"
run 0 docker_meta -f json -r host --metadata meta tree
# An open transaction of a device that a layer needs, whose files cannot be read.
rm -rf host
cp -a down host
transaction 60 $lower 2
: >"$layers/$(chain_of $lower)/cache-id"
run 2 docker_meta -r host --metadata meta predict
has out 'DELETES device 2'
valid
finish
