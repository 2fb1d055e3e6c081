#!/usr/bin/env bash
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"

# ---- what real hosts left, from metadata, from a dump of it, from a snapshot
fixture docker-loop-lvm meta
host docker-loop-lvm down
expect '' -r down --metadata meta
run 0 thin_dump meta -o meta.xml
expect '' -r down --xml meta.xml
fixture docker-live held
host docker-live live
expect '' -r live --metadata held --metadata-snap
for try in '1 T1:11' '2 X8:3 T1:5' '3 X8:3 T6:'; do
	fixture "docker-kill9-${try%% *}" killed
	host "docker-kill9-${try%% *}" crashed
	expect "${try#* }" -r crashed --metadata killed
	thin_dump killed >killed.xml
	expect "${try#* }" -r crashed --xml killed.xml
done
fixture docker-pool-full full
host docker-pool-full filled
expect 'X8:7 X8:8' -r filled --metadata full
# As dmsetup and docker info count.
run 2 docker_meta -r filled --metadata full
has out '^use         data 397M of 400M \(99.4%\), metadata 1.0M of 8.0M \(12.3%\)$'
run 2 docker_meta -r filled --metadata full report
has out 'The pool is nearly full'
host by-hand-json-removed case
expect 'C3: X1:23' -r case --metadata meta
host by-hand-double-id case
expect 'J4:23,23' -r case --metadata meta
host by-hand-mnt-leftovers case
expect 'M1: J1: M1:' -r case --metadata meta
for name in 'device-added X1:500 X1:501' 'transaction-open T1:41'; do
	host "by-hand-${name%% *}" case
	xz -dc "$hosts/by-hand-${name%% *}.xml.xz" >case.xml
	expect "${name#* }" -r case --xml case.xml
done

# ---- a healthy host, and one thing that is wrong with it
records=host/devicemapper/metadata
layers=host/image/devicemapper/layerdb/sha256
mounts=host/image/devicemapper/layerdb/mounts
images=host/image/devicemapper/imagedb/content/sha256
exited=57a04caa8ded0af18c54eeee9b42dc64aecc0559f7ba96d86d53ea4192c53e22
container=95b0aba52a30dde9e64098a50ec3448f041927c7a80838d0c29e9fcf6b29924d
top=$(cd down/image/devicemapper/layerdb/sha256 && grep -l 9c7d795b6116 ./*/cache-id | cut -d/ -f2)

edit() { # FILE FILTER: change JSON
	jq -c "$2" "$1" >edited && cat edited >"$1"
}

# wrong WANTED COMMAND...: after the command on a healthy host these are the findings
wrong() {
	local wanted=$1
	shift
	rm -rf host
	cp -a down host
	"$@"
	expect "$wanted" -r host --metadata meta
}

transaction() { # ID HASH DEVICE
	printf '{"open_transaction_id":%s,"device_hash":"%s","device_id":%s}' "$@" \
		>$records/transaction-metadata
}

wrong 'T1:' transaction 60 "${exited/5/6}" 99
wrong 'T2:23' transaction 60 $exited 23
wrong 'T3:25' transaction 60 $exited 25
wrong 'T4:23' transaction 70 $exited 23
wrong 'T5:' transaction 58 $exited 23
wrong 'T6:' rm $records/transaction-metadata
wrong 'T7:' truncate -s 20 $records/transaction-metadata
wrong 'T9:23' edit $records/$exited '.transaction_id = 100'
wrong 'J1:' touch $records/.tmp42
wrong 'J2: X1:23' truncate -s 20 $records/$exited
wrong 'J2: X1:23' truncate -s 0 $records/$exited
wrong 'J3:' touch $records/README
wrong 'J4:23,23' cp $records/$exited "$records/${exited/5/6}"
wrong 'J5: X1:23' edit $records/$exited '.device_id = 16777216'
wrong 'J6:' edit $records/$exited '.size = 1073741825'
wrong 'J9: X1:1' rm $records/base
wrong 'J11:1' edit $records/base '.initialized = false'
wrong 'J12:1' edit $records/base '.deleted = true'
wrong 'J13:23' edit $records/$exited '.initialized = true'
wrong 'J14:' rm $records/deviceset-metadata
wrong 'J15:' truncate -s 9 $records/deviceset-metadata
wrong 'J20:23' edit $records/$exited '.deleted = true'
wrong 'J21:' edit $records/deviceset-metadata '.next_device_id = 16777216'
wrong 'X3:23' edit $records/$exited '.transaction_id = 3'
wrong 'L1: X1:12' rm $records/9c7d795b61164868f76ecc61ba2858a6ad36b65ad7e17013147ca8be25fd2b19
wrong 'L5:' eval "echo sha256:$exited >$layers/$top/diff"
wrong 'L6:' truncate -s 0 "$layers/$top/diff"
wrong 'L7:' rm "$layers/$top/tar-split.json.gz"
wrong 'L12:' eval "echo >>$images/7b3547f7bf7d180c6ef220d53a381b4e439809b45fdbcfb92af578fc25ae77c0"
wrong 'L15:' truncate -s 10 host/image/devicemapper/repositories.json
wrong 'C1:23,22' rm -r host/containers/$container
wrong 'C2: X8:22 X8:23' rm -r $mounts/$container
wrong 'C5: X8:23' truncate -s 0 $mounts/$container/mount-id
wrong 'C7:' edit host/containers/$container/config.v2.json '.State.Dead = true'
wrong 'C8:' truncate -s 100 host/containers/$container/config.v2.json
wrong 'B3:' truncate -s 5000 host/buildkit/snapshots.db

# ---- the pool itself, checked completely
cp meta harmed
damage harmed leaks 3
expect 'P16:' -r down --metadata harmed
run 1 docker_meta -r down --metadata harmed
has out 'pool: 3 leaked data blocks, 3 leaked metadata blocks$'
cp meta harmed
damage harmed leaf 23
expect 'P7:' -r down --metadata harmed
run 2 docker_meta -r down --metadata harmed
has out '1 block-checksum$'
cp meta harmed
damage harmed super 4 4 1
expect 'P5:' -r down --metadata harmed

fixture out-of-metadata harmed
mkdir -p bare/devicemapper/metadata
echo '{"next_device_id":1}' >bare/devicemapper/metadata/deviceset-metadata
docker_meta -f json -r bare --metadata harmed | jq -e '[.findings[].id] | index("P3")' >/dev/null ||
	fail "P3 is not found where the kernel has no metadata block left"

# ---- another host's metadata
alone() { # METADATA: it is told first and alone, and nothing is concluded or planned from it
	expect 'X4:' -r down --metadata "$1"
	run 2 docker_meta -r down --metadata "$1"
	run 3 docker_meta -r down --metadata "$1" predict
	has out '^  unknown activates its pool'
	run 3 docker_meta -r down --metadata "$1" survivors
	has out '^10 images: 0 present, 0 partial, 0 missing, 10 unknown$'
	run 2 docker_meta -r down --metadata "$1" plan
	lacks out '^# [a-z_]*(thin_repair|move_out|dmsetup)|delete [0-9]'
	run 2 docker_meta -r down --metadata "$1" report
	lacks out 'id="X1"|id="T4"'
	for command in list du tree survivors; do
		docker_meta -r down --metadata "$1" $command >out 2>err
		has err "^docker_meta: $1: metadata of another pool, see check \(X4\)$"
	done
}
alone full
for other in basic many-snaps needs-check; do
	fixture $other other
	alone other
done
# A new one, whose first device is as Docker's base device.
cat >new.xml <<'NEW'
<superblock uuid="" time="0" transaction="0" version="2" data_block_size="128" nr_data_blocks="8192">
<device dev_id="1" mapped_blocks="0" transaction="0" creation_time="0" snap_time="0"></device>
</superblock>
NEW
truncate -s 8M other
run 0 thin_restore -q -i new.xml -o other
alone other

# ---- what is no metadata
: >void
echo text >text
gzip -c meta >meta.gz
xz -c meta >meta.xz
truncate -s 1M data
mkfs.ext4 -q -F data
for other in void text meta.gz meta.xz meta.xml data; do
	for command in check predict plan survivors; do
		run 3 docker_meta -r down --metadata "$other" "$command"
		has err "^docker_meta: $other: (it is|there is|This looks|Metadata device/file too small)"
		lacks out 'thin_repair|damaged'
	done
done

# ---- what the next start does
wrong 'T5:' transaction 58 $exited 23
run 0 docker_meta -r host --metadata meta predict
has out '^  ok      says that open transaction id 58 is less than'
run 0 docker_meta -r down --metadata meta predict
has out '^  ok      goes on deleting 6 devices marked as deleted$'
wrong 'J9: X1:1' rm $records/base
run 2 docker_meta -r host --metadata meta predict
has out '^  stops   finds no base device: '
wrong 'J20:23' edit $records/$exited '.deleted = true'
run 2 docker_meta -r host --metadata meta predict
has out '^  loses   goes on deleting 7 devices marked as deleted, needed'
wrong 'T3:' transaction 60 $exited 99
run 2 docker_meta -r host --metadata meta predict
has out '^  loses   takes back transaction 60: deletes device 99, and the file of'
wrong 'C3: X1:23' rm $records/$exited
run 2 docker_meta -r host --metadata meta predict
has out '^  fails '
# An interrupted docker rm: the container is dead, its device gone.
wrong 'X1:23 C7: C3:' eval "edit host/containers/$container/config.v2.json '.State.Dead = true'; rm $records/$exited"
run 1 docker_meta -r host --metadata meta
run 0 docker_meta -r host --metadata meta predict
lacks out '^  fails '

# ---- JSON as Go takes it
wrong '' eval "printf '{\"Device_ID\":23,\"SIZE\":1073741824,\"transaction_id\":36,\"more\":[{}],\"deleted\":null}' >$records/$exited"
wrong 'J2: X1:23' edit $records/$exited '.device_id = 23.5'
wrong 'J2: X1:23' eval "sed -i 's/1073741824/1e9/' $records/$exited"

# ---- nothing is followed, nothing blocks, nothing is changed
wrong 'J3:' touch "$records/$(printf 'a\033[31mb')"
run 2 docker_meta -r host --metadata meta
lacks out "$(printf '\033')"
wrong 'J3:' mkfifo $records/fifo
wrong 'J3:' ln -s /etc/passwd $records/link
cp -a down host.before
run 0 docker_meta -r down --metadata meta
diff -r host.before down >/dev/null || fail "the state was changed"

# ---- the command line
run 0 docker_meta -r down --metadata meta check
has out '^0 fatal, 0 errors, 0 warnings'
run 0 docker_meta -q -r down --metadata meta
empty out
run 1 docker_meta -r crashed --metadata killed check
run 0 docker_meta -r down --metadata meta list
has out '^ *23 57a04caa8ded rw  *exited '
has out '^ *12 9c7d795b6116 layer 4/5  *app:2 '
run 0 docker_meta -r down --metadata meta predict
has out 'transaction 59: nothing to take back'
rm -rf host
cp -a down host
transaction 60 $exited 23
run 2 docker_meta -r host --metadata meta predict
has out 'DELETES device 23, rw of exited'
run 3 docker_meta -r not/there --metadata meta
run 3 docker_meta -r down
has err 'give --metadata'
run 3 docker_meta -r down --metadata not/there
mkdir empty
run 3 docker_meta -r empty --metadata meta
run 64 docker_meta -r down --metadata meta nothing
run 64 docker_meta -r down --format yaml
[ "$(docker_meta -r down --metadata meta list | awk 'length > 80' | wc -l)" = 0 ] ||
	fail "list is wider than 80 columns"

valid
finish
