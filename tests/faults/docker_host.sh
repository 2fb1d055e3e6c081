#!/usr/bin/env bash
# A host of Docker's for the faults: what Docker left, what its kernel and LVM say, and its pool, in the
# directory $1, by the tools in $2 (build/bin).  Some things are wrong with it, so that there is
# something to say: an orphan, a leftover, a mount in a foreign namespace, a damaged leaf.
set -eu
repository=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$2" && pwd)
cd "$1"
first=a4cc0ed4bfe06255de73043babb13bb3d078926998cc91e115376b78f09f16e2
second=b84ef1d974ac3e42029339110fa37ab58a6014e0572f274955cdaf12070cc587
exited=57a04caa8ded0af18c54eeee9b42dc64aecc0559f7ba96d86d53ea4192c53e22
stopped=95b0aba52a30dde9e64098a50ec3448f041927c7a80838d0c29e9fcf6b29924d
prefix=docker-254:16-16386-

rm -rf host proc
mkdir host
tar -xJf "$repository/tests/fixtures/docker/docker-live.tar.xz" -C host
rm -r "host/containers/$stopped" "host/image/devicemapper/layerdb/mounts/$stopped"
mkdir -p host/devicemapper/mnt/nothing
touch host/devicemapper/metadata/.tmp42 "host/devicemapper/mnt/$exited"
printf '{"device_id":99,"size":1073741824,"transaction_id":98,"initialized":false}' \
	>"host/devicemapper/metadata/$(printf '%064d' 7)"

# The metadata snapshot, on a small device; and with a lost leaf, repaired.
"$build/bin/thin_dump" -m "$repository/build/fixtures/docker-live.raw" | sed '1s/nr_data_blocks="0"/nr_data_blocks="32768"/' >docker.xml
truncate -s 2M docker.raw repaired.raw
"$build/bin/thin_restore" -q -i docker.xml -o docker.raw
cp docker.raw hurt.raw
"$build/tools/damage" hurt.raw leaf 31
"$build/bin/thin_repair" -q -i hurt.raw -o repaired.raw --report loss.json || :

cat >table <<TABLE
vg-root: 0 2097152 linear 8:1 2048
$prefix$first: 0 2097152 thin 253:0 31
$prefix$second: 0 2097152 thin 253:0 32
${prefix}pool: 0 4194304 thin-pool 7:1 7:0 128 32768 1 skip_block_zeroing 
TABLE
cat >status <<STATUS
$prefix$first: 0 2097152 thin 140544 2097151
$prefix$second: 0 2097152 thin 137984 2097151
${prefix}pool: 0 4194304 thin-pool 59 300/512 31997/32768 - rw discard_passdown queue_if_no_space - 1024 
STATUS
cat >mountinfo <<MOUNTS
31 1 0:25 / / rw,relatime - overlay root rw,lowerdir=/ro
33 31 254:16 / /var/lib/docker rw,relatime shared:1 - ext4 /dev/vdb rw
35 33 253:1 / /var/lib/docker/devicemapper/mnt/$first rw,relatime shared:2 master:7 - xfs /dev/mapper/$prefix$first rw,nouuid
37 31 0:5 / /a\\040b\\134 rw - tmpfs none rw
MOUNTS

process() { # PID COMM NAMESPACE MOUNTINFO
	mkdir -p "proc/$1/ns"
	echo "$2" >"proc/$1/comm"
	ln -s "mnt:[$3]" "proc/$1/ns/mnt"
	cp "$4" "proc/$1/mountinfo"
}
process 1 init 4026531840 mountinfo
process 200 dockerd 4026531840 /dev/null
process 300 ntpd 4026532000 mountinfo
echo "35 33 253:3 / /var/lib/docker/devicemapper/mnt/$exited rw - xfs /dev/mapper/$prefix$exited rw" \
	>>proc/300/mountinfo
mkdir proc/self proc/sysvipc proc/sys proc/sys/kernel
printf '       key      semid perms      nsems\n' >proc/sysvipc/sem
printf '32000\t1024000000\t500\t32000\n' >proc/sys/kernel/sem

cat >daemon.json <<'JSON'
{
	"storage-driver": "devicemapper",
	"data-root": "/var/lib/docker",
	"storage-opts": ["dm.basesize=10G", "dm.basesize=1G", "dm.thinpooldev=/dev/mapper/vg--1-pool",
		"dm.min_free_space=5%", "dm.fs=ext3", "dm.nothing=1"],
	"max-concurrent-downloads": "3",
	"unknown": [1, {"a": null}]
}
JSON
cat >lvs.json <<'JSON'
{"report":[{"lv":[
{"vg_name":"vg-1","lv_name":"pool","lv_attr":"twi-aotz--","pool_lv":"","thin_id":""},
{"vg_name":"vg-1","lv_name":"data3","lv_attr":"Vwi-a-tz--","pool_lv":"pool","thin_id":"3"}]}]}
JSON
