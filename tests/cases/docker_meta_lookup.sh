#!/usr/bin/env bash
# docker_meta show and block: against a dump of the same metadata, and Docker's files.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"

fixture docker-live held
host docker-live live
fixture docker-loop-lvm meta
host docker-loop-lvm down
records=devicemapper/metadata
store=image/devicemapper

# ---- block, against the dump

id_of() { # HOST HASH
	jq .device_id "$1/$records/$2"
}

# parents HOST: device and parent, by Docker's files
parents() {
	local file chain parent name
	for file in "$1/$store"/layerdb/sha256/*/cache-id; do
		name=$(cat "$file") parent=base
		chain=$(cat "${file%cache-id}parent" 2>/dev/null) &&
			parent=$(cat "$1/$store/layerdb/sha256/${chain#sha256:}/cache-id")
		echo "$(id_of "$1" "$name") $(id_of "$1" "$parent")"
	done
	for file in "$1/$store"/layerdb/mounts/*/init-id; do
		name=$(cat "$file")
		chain=$(cat "${file%init-id}parent")
		parent=$(cat "$1/$store/layerdb/sha256/${chain#sha256:}/cache-id")
		echo "$(id_of "$1" "$name") $(id_of "$1" "$parent")"
		echo "$(id_of "$1" "$(cat "${file%init-id}mount-id")") $(id_of "$1" "$name")"
	done
}

# What block should say of some thin blocks of each device.
cat >truth.awk <<'EOF'
FNR == NR { parent[$1] = $2; next }
/<superblock/ { next }
/<device/ { split($0, q, "\""); device = q[2]; made[device] = q[8]; snap[device] = q[10]; devices[++n] = device; next }
{
	data[device, $1] = $2; time[device, $1] = $3; last[device] = $1
	users[$2] = users[$2] " " device ":" $1 ":" $3 ":" kind(device, $3)
	if (++nr[device] % 499 == device % 499) chosen[device] = chosen[device] " " $1
	if ($3 >= made[device] && own[device]++ % 50 == 1) chosen[device] = chosen[device] " " $1
}
function kind(d, t) { return snap[d] > t ? "copies" : "in place" }
function writer(d, t) { while (d in made && made[d] > t) d = parent[d]; return d }
END {
	for (i = 1; i <= n; i++) {
		d = devices[i]
		for (gap = 1; (d, gap) in data; gap++) { }
		print d, gap, "false"
		m = split(chosen[d], list, " ")
		for (k = 1; k <= m; k++) {
			b = list[k]; t = time[d, b]; w = writer(d, t)
			print d, b, "true", data[d, b], t, w, ((w, b) in data && data[w, b] == data[d, b] && time[w, b] == t) ? "true" : "false", kind(d, t) users[data[d, b]]
		}
	}
}
EOF

# agrees HOST ARGUMENT...: block says the same
agrees() {
	local wanted got host=$1
	shift
	while read -r wanted; do
		nr=$((nr + 1))
		got=$(docker_meta -r "$host" "$@" -f json block "id:${wanted%% *}" "$(cut -d' ' -f2 <<<"$wanted")" |
			jq -r 'if .mapped then [.device.id, .thin.block, .mapped, .data.block, .time,
				.written_by.id, .writer_maps_it, .write] +
				[.users[] | "\(.device.id):\(.thin_block):\(.time):\(.write)"]
				else [.device.id, .thin.block, .mapped] end | join(" ")')
		[ "$got" = "$wanted" ] || fail "block: '$got', not '$wanted'"
	done <truth
}

parents live >tree
thin_dump -m held >held.xml
expand_xml held.xml | awk -f truth.awk tree - >truth
[ "$(grep -c true truth)" -gt 100 ] || fail "too few blocks to compare"
grep -q 'in place' truth || fail "no block is overwritten in place"
agrees live --metadata held --metadata-snap
parents down >tree
thin_dump meta >meta.xml
expand_xml meta.xml | awk -f truth.awk tree - | awk 'NR % 5 == 0' >truth
agrees down --xml meta.xml

# ---- the other way round
run 0 docker_meta -r down --metadata meta block --data-block 1
has out '^ +31 +16383 +0  copies +rw of running1'
[ "$(docker_meta -r down --metadata meta -f json block --data-block 1 | jq '.users | length')" = \
	"$(expand_xml meta.xml | awk '$2 == 1 && NF == 3' | wc -l)" ] || fail "users of data block 1"
unmapped=$(expand_xml meta.xml | awk 'NF == 3 { seen[$2] } END { for (b = 0; b in seen; b++) { } print b }')
run 0 docker_meta -r down --metadata meta block --data-block "$unmapped"
has out '^  mapped  by no device'
has out 'space map'
run 1 docker_meta -r down --metadata meta block --data-block 32768
has out "beyond the pool's end: it has 32768 data blocks"
run 1 docker_meta -r down --metadata meta block --data-block 18446744073709551615
run 0 docker_meta -r down --metadata meta -f json block --data-block "$unmapped"

# ---- ways to say where
d=(docker_meta -r down --metadata meta)
run 0 "${d[@]}" block running1 0x44f
has out '^thin block 1103 \(0x44f\) of device 31, rw of running1'
has out '^  data    nothing'
has out '^  read    gives zeroes'
has out '^  write   allocates'
cp out by-number
run 0 "${d[@]}" block running1 --byte 72286208
cmp -s out by-number || fail "--byte"
run 0 "${d[@]}" block running1 --byte 72351743
cmp -s out by-number || fail "--byte, the last one"
run 0 "${d[@]}" block running1 --sector 141184
cmp -s out by-number || fail "--sector"
run 0 "${d[@]}" block app:2 16383
has out 'of device 15, layer of app:2$'
has out '<- wrote it'
run 1 "${d[@]}" block base 16384
has out "this one is beyond the device's end"
has out '^  write   fails'
run 1 "${d[@]}" block base 0xffffffffffffffff
lacks out '^  place'
for words in '' 'exited' 'exited x' 'exited 0x' 'exited 0xg' 'exited -- -1' 'exited 0x10000000000000000' \
	'exited 1 --byte 5' 'exited 1 --sector 5' 'exited --data-block 5' 'exited 1 2' \
	'exited --byte 1 --sector 1' '--byte 5'; do
	# shellcheck disable=SC2086 # words
	refused 64 docker_meta -r down --metadata meta block $words
done
run 64 "${d[@]}" -f html block exited 1

# ---- names
same() { # NAME...: all are the same thing
	docker_meta -r live --metadata held --metadata-snap show "$1" >first 2>&1
	for name; do
		run 0 docker_meta -r live --metadata held --metadata-snap show "$name"
		cmp -s first out || fail "show $name is not show $1: $(head -n 1 out err)"
	done
}
cid=95b0aba52a30dde9e64098a50ec3448f041927c7a80838d0c29e9fcf6b29924d
rw=57a04caa8ded0af18c54eeee9b42dc64aecc0559f7ba96d86d53ea4192c53e22
iid=7b3547f7bf7d180c6ef220d53a381b4e439809b45fdbcfb92af578fc25ae77c0
same exited /exited container:exited $cid ${cid:0:7} container:${cid:0:3}
same 23 id:23 device:23 $rw ${rw:0:6} device:${rw:0:3}
same 22 $rw-init ${rw:0:8}-init
same app:2 image:app:2 sha256:$iid $iid ${iid:0:9} sha256:${iid:0:9} docker.io/library/app:2
same base 1 device:base
same layer:5248b83ad94b sha256:5248b83ad94b layer:9c7d795b6116
run 64 docker_meta -r live --metadata held --metadata-snap show app
has err "may be any of 2"
has err '^  image app:2 \(7b3547f7bf7d\): 7b3547f7bf7d180c'
has err '^  image app:tagged '
run 64 "${d[@]}" show exitd
has err 'near it: exited'
for name in '' 'id:' 'id:7x' 'id:999' 'container:app:2' 'image:exited' nothing 16777216 99999999999999999999; do
	refused 64 docker_meta -r down --metadata meta show "$name"
done

# ---- show
run 0 "${d[@]}" show exited
has out '^  image   app:tagged \(57d8de354585\), asked for as app:1$'
has out '^  history made in transaction 35 as a snapshot of device 22:'
has out '^  found   none'
has out "--table '0 2097152 thin /dev/mapper/POOL 23'"
has out 'mount -t xfs -o ro,nouuid,norecovery /dev/mapper/rescue-23 '
has out '^    dmsetup remove rescue-23$'
run 0 "${d[@]}" show 12
has out 'layer 4 of 5 of image app:2 '
has out '^  pool    transaction 17, made at time 11, snapshotted last at 14$'
has out '^ +15 +14 +29  layer of app:2$'
run 0 "${d[@]}" show app:2
has out '^ +5 a58596f83d6a +0B +15 .* 45584a225244$'
has out 'container running1 \(3e2cfebec2e9\), stopped|container running1 \(3e2cfebec2e9\), running'
run 0 "${d[@]}" show 11
has out '^  look    nothing is mapped'
lacks out 'dmsetup create'
run 0 "${d[@]}" -f json show exited
[ "$(jq -c '[.kind, .device.id, .device.pool.origin.device, [.lineage[].id], .rescue.sectors, .image.names]' out)" = \
	'["container",23,22,[1,2,4,10,22,23],2097152,["app:tagged"]]' ] || fail "show -f json: $(jq -c . out)"
for name in 1 12 23 app:2 exited running1 layer:5248b83ad94b; do
	for form in "show $name" "block $name 0" "block $name 16383"; do
		# shellcheck disable=SC2086 # words
		"${d[@]}" $form >out 2>&1
		awk 'length > 80 && !/^    /' out | grep . && fail "$form is wider than 80 columns"
		# shellcheck disable=SC2086 # words
		"${d[@]}" -f json $form | jq -e .tool >/dev/null || fail "$form -f json"
	done
done

# ---- what is not there, or not known
host by-hand-json-removed case
run 1 docker_meta -r case --metadata meta show 23
has out '^  state   unregistered'
has out 'warning X1'
has out "no file tells the device's size"
has out "--table '0 2097152 thin "
has out '^ +22 +21 +22  init of exited$'
run 2 docker_meta -r case --metadata meta show exited
has out '^  device  missing: it should be'
has out 'error C3'
refused 2 docker_meta -r case --metadata meta block exited 0
run 2 docker_meta -r case --metadata meta show $rw
has out '^container exited'
host by-hand-double-id case
run 64 docker_meta -r case --metadata meta show 23
has err "may be any of 2"
rm -rf case
cp -a down case
truncate -s 20 case/$records/$rw
refused 3 docker_meta -r case --metadata meta show device:${rw:0:9}
has err 'is there, but cannot be used'
truncate -s 10 case/$store/repositories.json
refused 3 docker_meta -r case --metadata meta show ubuntu
printf '{"device_id":99,"size":1073741824,"transaction_id":5}' >case/$records/${rw/5/6}
run 2 docker_meta -r case --metadata meta block 99 0
has out '^  data    not known: the pool has no such device'
run 2 docker_meta -r case --metadata meta show 99
has out '^  look    the pool has no such device'

# A loop-lvm host's own metadata file, below a directory with a quote in its name.
cp -a down "it's"
cp --sparse=always meta "it's/devicemapper/devicemapper/metadata"
run 0 docker_meta -r "it's" show exited
has out "^    cp --sparse=always -- 'it'.''s'/devicemapper/devicemapper/data \.$"
run 0 docker_meta -r "it's" --pool docker-thinpool show exited
has out '/dev/mapper/docker-thinpool 23'
# shellcheck disable=SC2016 # nobody is to expand it
for name in 'a;b' '$(id)' "a'b" 'a b' '-x' '../x' '`id`'; do
	run 0 docker_meta -r "it's" "--pool=$name" show exited
	has out '/dev/mapper/POOL 23'
	grep '^    [^ ]' out | grep -F -e "$name" && fail "a pool called $name stands in a command"
done

# ---- hostile names
rm -rf case
cp -a down case
config=case/containers/$cid/config.v2.json
# shellcheck disable=SC2016 # nobody is to expand it
jq -c '.Name = "/e\u001b[31m$(reboot)`x`\n\u0007"' $config >edited && cat edited >$config
run 0 docker_meta -r case --metadata meta show $cid
lacks out "$(printf '\033')"
# shellcheck disable=SC2016 # nobody is to expand it
grep '^    [^ ]' out | grep -F '$(reboot)' && fail "a container's name stands in a command"
[ "$(grep -c reboot out)" -ge 1 ] || fail "the container's name is not told"
run 0 docker_meta -r case --metadata meta block $cid 0
lacks out "$(printf '\033')"
run 64 docker_meta -r case --metadata meta show 9
lacks err "$(printf '\033')"
jq -c '."base_filesystem" = 1 | .BaseDeviceFilesystem = "xfs -o rw; reboot"' case/$records/deviceset-metadata >edited &&
	cat edited >case/$records/deviceset-metadata
run 0 docker_meta -r case --metadata meta show 23
has out '^    mount -o ro /dev/mapper/rescue-23 '
lacks out 'reboot;|; reboot'

# Parents in a circle.
rm -rf case
cp -a down case
layers=case/$store/layerdb/sha256
bottom=d5c50a5d4951883ed77b2d1e7d15f546738b82203884e8a83c2f6d63ea5425eb
printf 'sha256:%s' 5248b83ad94bd9f1b6398e7212742f1e1fa76352fe74ee136d5b13750099a3ba >$layers/$bottom/parent
docker_meta -r case --metadata meta show 12 >out 2>err
has out 'the parents lead back to where they began'
docker_meta -r case --metadata meta block 12 16383 >out 2>err
has out 'by whom is not known'

# ---- sharing that is not safe, and damage
sed 's/\(dev_id="31".*\) snap_time="[0-9]*"/\1 snap_time="0"/' meta.xml >unsafe.xml
run 2 docker_meta -r down --xml unsafe.xml block running1 16383
has out '^  DANGER'
has out '^  write   overwrites in place'
cp --sparse=always meta harmed
damage harmed leaf 23
run 3 docker_meta -r down --metadata harmed block exited 0
has out '^  data    not known: '
has out '^  write   not known'
run 3 docker_meta -r down --metadata harmed block running1 16383
has out '^  shared .*DEVICE'
has out 'who else maps it is not all known: '
run 3 docker_meta -r down --metadata harmed -f json block running1 16383
[ "$(jq '.users_complete' out)" = false ] || fail "users of a damaged pool"
docker_meta -r down --metadata harmed show exited >out 2>err
has out 'its mappings are damaged'
valid
finish
