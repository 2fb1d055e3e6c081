#!/usr/bin/env bash
# What uses the pool: du, tree, their pictures, and the bytes of findings.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"

# true_of FILE FILTER: jq says so of what a command printed
true_of() {
	nr=$((nr + 1))
	jq -e "$2" "$1" >/dev/null || fail "$what: not so: $2"
}

narrow() { # FILE: lines of 80 columns, without blanks at the end and anything that steers
	[ "$(awk 'length > 80' "$1" | wc -l)" = 0 ] || fail "$what: wider than 80 columns"
	lacks "$1" ' $'
	lacks "$1" "$(printf '\033')"
}

# sums ARGUMENT...: du and tree in every form; what they say adds up
sums() {
	run 0 docker_meta -f json du "$@"
	cp out du.json
	true_of du.json '.blocks.mapped == ([.sets[].exclusive_blocks] | add) + .blocks.between'
	true_of du.json '.blocks.mapped == ([.sets[].added_blocks] | add) + .blocks.apart'
	true_of du.json '.blocks.leaked == null or .blocks.used == .blocks.mapped + .blocks.leaked'
	true_of du.json '.blocks.total == .blocks.used + .blocks.free'
	true_of du.json '[.sets[].devices[]] | length == (unique | length)'
	true_of du.json 'all(.sets[]; .returned_blocks == null or .returned_blocks <= .exclusive_blocks)'
	run 0 docker_meta -f json tree "$@"
	cp out tree.json
	true_of tree.json '[.devices[].device] - [.devices[].parent] | length > 0'
	true_of tree.json '[.devices[].parent | select(.)] - [.devices[].device] | length == 0'
	jq '.blocks.mapped' du.json >mapped
	jq '([.devices[].added_blocks // 0] | add) + .apart_blocks' tree.json >added
	cmp -s mapped added || fail "$what: $(cat added) blocks added, $(cat mapped) mapped"
	jq -c '[.sets[].devices[]] | unique' du.json >in_du
	jq -c '[.devices[].device] | unique' tree.json >in_tree
	cmp -s in_du in_tree || fail "$what: du and tree have other devices"
	run 0 docker_meta du "$@"
	narrow out
	run 0 docker_meta tree "$@"
	narrow out
	[ "$(grep -oE ' device [0-9]+,' out | sort -u | wc -l)" = "$(jq length in_tree)" ] ||
		fail "$what: not each device is there"
	run 0 docker_meta -f dot tree "$@"
	cp out tree.dot
	[ "$(jq length in_tree)" -gt 1000 ] && return
	run 0 dot -Tsvg tree.dot
	has out '</svg>'
	empty err
}

# ---- real hosts, from metadata and from XML
for name in loop-lvm kill9-1 kill9-2 kill9-3 pool-full; do
	fixture "docker-$name" meta
	host "docker-$name" case
	sums -r case --metadata meta
	thin_dump meta >meta.xml
	sums -r case --xml meta.xml
	# Both are one pool; of XML the space map is missing.
	true_of du.json '.blocks.leaked == null'
done
fixture docker-live meta
host docker-live case
sums -r case --metadata meta --metadata-snap
for name in device-added transaction-open; do
	host "by-hand-$name" case
	xz -dc "$hosts/by-hand-$name.xml.xz" >meta.xml
	sums -r case --xml meta.xml
done

# ---- what they say of a full pool
fixture docker-pool-full full
host docker-pool-full filled
run 0 docker_meta -r filled --metadata full du
has out '^ *328M  *328M  *328M  *388M  *2 container filler$'
has out '^ *65M  *2\.6M  *-  *65M  *1 base  *base device$'
has out '^ *0B  *67M .* between  *several of these$'
has out '^ *397M  *397M .* mapped '
has out '^ *328M  *docker container prune  *1 '
run 0 docker_meta -r filled --metadata full tree
has out '^ *65M  *397M  *2\.6M  *65M device 1, base$'
has out '^ *image base:1$'
has out '^ *325M  *325M  *325M  *388M  *device 6, rw filler$'
# An orphan whose origin was snapshotted again, and one whose origin was not.
has out '^.*67M {5}device 7, orphan 9fd42747e73f$'
run 0 docker_meta -r filled --metadata full -f json tree
true_of out '.devices[] | select(.device == 7) | .parent == 2 and .parent_by == "guess"'
true_of out '.devices[] | select(.device == 8) | .parent == 2 and .parent_by == "times"'
true_of out '.images[0] | .name == "base:1" and .layers == [2]'

# ---- what they say of a healthy host
fixture docker-loop-lvm meta
host docker-loop-lvm down
run 0 docker_meta -r down --metadata meta tree
has out '^ *layers 1-3 of 5: see app:tagged$'
has out '^ *layer 1 of 2: see base:2$'
has out 'device 31, rw running1 \(running\)$'
run 0 docker_meta -r down --metadata meta -f json du
# An image on which a container stands gives nothing back.
true_of out '.sets[] | select(.name == "app:2") | .exclusive_blocks > 0 and .returned_blocks == 0'
true_of out '.sets[] | select(.name == "derived:1") | .returned_blocks == .exclusive_blocks'
true_of out '.sets[] | select(.name == "exited") | .devices == [22, 23]'
true_of out '.returned.image_prune_all == ([.sets[] | select(.name == "derived:1") | .returned_blocks] | add)'
true_of out '[.sets[] | select(.kind == "base" or .kind == "shared") | .returned_blocks] == [null, null]'
run 0 docker_meta -r down --metadata meta -f json
cp out all.json
true_of all.json '.sets | length > 10 and all(has("name") and has("exclusive_blocks"))'
run 0 docker_meta -f dot list -r down --metadata meta
has out '^digraph '

# ---- one thing wrong
layers=host/image/devicemapper/layerdb/sha256
mounts=host/image/devicemapper/layerdb/mounts
container=95b0aba52a30dde9e64098a50ec3448f041927c7a80838d0c29e9fcf6b29924d

broken() {
	rm -rf host
	cp -a down host
}

# Two devices of one container, which nobody has any more: one set, told by both.
broken
rm -r "${mounts:?}/$container" host/containers/$container
expect 'X8:22 X8:23' -r host --metadata meta
run 1 docker_meta -r host --metadata meta -f json
true_of out '[.sets[] | select(.kind == "orphans") | .devices] == [[22, 23]]'
# shellcheck disable=SC2016 # variables of jq
true_of out '(.sets[] | select(.kind == "orphans") | .exclusive_blocks) as $n |
	([.findings[].bytes] | add) == $n * 65536'
# shellcheck disable=SC2016 # variables of jq
true_of out '(.devices[] | select(.id == 22) | .exclusive_blocks) as $a |
	(.devices[] | select(.id == 23) | .exclusive_blocks) as $b |
	(.sets[] | select(.kind == "orphans") | .exclusive_blocks) > $a + $b'
run 1 docker_meta -r host --metadata meta
has out '^  bytes   [0-9.]+M in all$'
sums -r host --metadata meta
true_of du.json '.returned.orphans == ([.sets[] | select(.kind == "orphans") | .exclusive_blocks] | add)'

# Two containers: two sets, though both stand on one image.
broken
rm -r "${mounts:?}"/* host/containers/*
run 1 docker_meta -r host --metadata meta -f json
true_of out '[.sets[] | select(.kind == "orphans") | .devices] ==
	[[22, 23], [24, 25], [26, 27], [30, 31], [32, 33], [37, 38]]'
sums -r host --metadata meta

# A writable layer whose container is gone, and a dead container, by sets.
broken
rm -r host/containers/$container
run 1 docker_meta -r host --metadata meta -f json
true_of out '(.sets[] | select(.kind == "left") | .exclusive_blocks * 65536) ==
	(.findings[] | select(.id == "C1") | .bytes)'

# An image that nobody has: its layers are unused, and one set.
broken
rm host/image/devicemapper/imagedb/content/sha256/94fc1abb70d32ec7ed761942ed5978526f0522b036ce5e761d1a1b07528064ed
jq -c 'del(.Repositories.derived)' host/image/devicemapper/repositories.json >edited
cat edited >host/image/devicemapper/repositories.json
expect 'L11:36' -r host --metadata meta
run 0 docker_meta -r host --metadata meta -f json du
true_of out '.sets[] | select(.kind == "unused") | .devices == [36] and .returned_blocks > 0'
true_of out '.returned.unused_layers > 0'

# Without a name it goes with docker image prune.
broken
cat edited >host/image/devicemapper/repositories.json
run 0 docker_meta -r host --metadata meta -f json du
true_of out '.returned.image_prune > 0 and .returned.image_prune == .returned.image_prune_all'
expect 'L16:' -r host --metadata meta
run 0 docker_meta -r host --metadata meta -f json
true_of out '.findings[0].bytes > 0'

# Two layers' devices, exchanged: the pool remembers what was made of what.
device() { # ID: its name
	jq -r --arg id "$1" 'select(.device_id == ($id | tonumber)) | input_filename' \
		down/devicemapper/metadata/[0-9a-f]*[0-9a-f] | sed 's,.*/,,'
}
layer_of() { # ID: the directory of the layer that has the device
	grep -l "$(device "$1")" down/image/devicemapper/layerdb/sha256/*/cache-id | cut -d/ -f6
}
broken
device 16 >$layers/"$(layer_of 2)"/cache-id
device 2 >$layers/"$(layer_of 16)"/cache-id
run 2 docker_meta -r host --metadata meta
ids -r host --metadata meta >found
grep -q 'X5:37,2' found || fail "exchanged layers: $(cat found)"
sums -r host --metadata meta

# ---- an older device that may be the base device
broken
thin_dump meta >meta.xml
awk '{ print } /<superblock/ {
	print "<device dev_id=\"0\" mapped_blocks=\"1\" transaction=\"0\" creation_time=\"0\" snap_time=\"0\">"
	print "<single_mapping origin_block=\"0\" data_block=\"30000\" time=\"0\"/></device>"
}' meta.xml | sed 's/\(<device dev_id="1" [^>]*transaction=\)"0"/\1"1"/' >older.xml
jq -c '.transaction_id = 2' host/devicemapper/metadata/base >edited
cat edited >host/devicemapper/metadata/base
ids -r host --xml older.xml >found
grep -q 'J10:0' found || fail "an older device: $(cat found)"
docker_meta -f json -r host --xml older.xml >out
jq -e '[.findings[] | select(.id == "X1" and .devices == [0]).confidence] | index("certain") | not' out >/dev/null ||
	fail "one of two base devices is certainly nobody's"
run 2 docker_meta plan -r host --xml older.xml
lacks out "'delete 0'"

# ---- hostile names and circles
broken
for f in host/containers/*/config.v2.json; do
	jq -c '.Name = "/a\"\\ \u001b[31m<&>\n" + ("x" * 500)' "$f" >edited
	cat edited >"$f"
done
sums -r host --metadata meta
broken
printf 'sha256:%s' "$(layer_of 15)" >$layers/"$(layer_of 2)"/parent
for command in du tree; do
	run 0 docker_meta -r host --metadata meta $command
	narrow out
done
run 0 docker_meta -f dot -r host --metadata meta tree
cp out tree.dot
run 0 dot -Tsvg tree.dot

# ---- a chain of thousands
mkdir -p deep/devicemapper/metadata deep/image/devicemapper/layerdb/sha256
awk 'BEGIN {
	n = 3000
	printf "<superblock uuid=\"\" time=\"%d\" transaction=\"%d\" version=\"2\" data_block_size=\"128\" nr_data_blocks=\"9000\">\n", n, n + 1
	for (i = 1; i <= n; i++) {
		printf "<device dev_id=\"%d\" mapped_blocks=\"1\" transaction=\"%d\" creation_time=\"%d\" snap_time=\"%d\">\n", i, i - 1, i - 1, i
		printf "<single_mapping origin_block=\"0\" data_block=\"%d\" time=\"%d\"/></device>\n", i, i - 1
		h = i == 1 ? "base" : sprintf("%064x", i)
		f = "deep/devicemapper/metadata/" h
		printf "{\"device_id\":%d,\"size\":1073741824,\"transaction_id\":%d,\"initialized\":%s}", i, i, i == 1 ? "true" : "false" >f
		close(f)
	}
	print "</superblock>"
}' >deep.xml
printf '{"next_device_id":1}' >deep/devicemapper/metadata/deviceset-metadata
sums -r deep --xml deep.xml
run 0 docker_meta -r deep --xml deep.xml tree
has out '\+2[0-9]{3} device 3000, orphan 0+$'

run 64 docker_meta -f prometheus tree
run 64 docker_meta du extra
valid
finish
