#!/usr/bin/env bash
# A pool that is not there, one that nobody can read, one that others use as well.
# $exited and $records come from docker_meta.sh; patterns hold dollars.
# shellcheck disable=SC2016,SC2086,SC2154
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"

fixture docker-loop-lvm meta
host docker-loop-lvm down
eval "$(sed -n '/^records=/,/^wrong /{/^wrong /!p}' "$here/tests/cases/docker_meta.sh")"
off=(--no-dm --no-mounts)
role() { # ID: role and state, of out
	jq -r ".devices[] | select(.id == $1) | .role + \", \" + .state" out
}

# ---- none: what Docker's files say is told all the same
rm -rf host
cp -a down host
rm $records/base
leak=$(printf '%064d' 5)
jq -c '.device_id = 99' $records/"$exited" >$records/"$leak"
run 2 docker_meta -r host "${off[@]}"
has out '^pool        not looked at$'
has out '^error     J9 |^fatal     J9 '
has err "^docker_meta: host: the pool's metadata are not below it"
run 3 docker_meta -r host "${off[@]}" list
has out '^ *23 57a04caa8ded rw +exited .* unread$'
run 3 docker_meta -r host "${off[@]}" -f json list
[ "$(role 99)" = 'unproven, unread' ] || fail "without a pool: $(role 99)"
expect 'J9: X8:99' -r host "${off[@]}"
jq -e '.findings[] | select(.id == "X8") | .severity == "info" and .confidence == "unproven" and
	.remedy == null' report.json >/dev/null || fail "a leak is proved without the pool"
run 3 docker_meta -r down "${off[@]}" predict
has out '^  unknown compares the open transaction'
run 3 docker_meta -r down "${off[@]}" show 23
has out '^  pool    it was not read$'
lacks out 'not in the pool'
run 3 docker_meta -r down "${off[@]}" -f nagios
has out '^DOCKER_META UNKNOWN - down: the pool.s metadata are not below it.*; nothing wrong in Docker'
run 3 docker_meta -r down "${off[@]}" -f prometheus
has out '^docker_meta_up\{.*\} 0$'
run 3 docker_meta -r down "${off[@]}" report -o page.html
has page.html "the pool was not looked at"
for command in tree du 'block exited 0' plan; do

	run 3 docker_meta -r down "${off[@]}" $command
	[ ! -s out ] || fail "$command says something of a pool that is not there"
done
run 3 docker_meta -r down "${off[@]}" --metadata not/there
[ ! -s out ] || fail "a file that is not there is no pool"

# ---- damaged: that is the worst of the findings, and not the only one
damaged() { # COMMAND...: of a copy of the metadata
	cp meta harmed
	"$@"
	expect 'P7: J9: X8:99' -r host --metadata harmed "${off[@]}"
	run 2 docker_meta -r host --metadata harmed "${off[@]}"
	has out '^pool        cannot be read$'
	run 2 docker_meta -r host --metadata harmed "${off[@]}" -f nagios
	has out '^DOCKER_META CRITICAL - .*first P7 '
	run 3 docker_meta -r host --metadata harmed "${off[@]}" list
	run 2 docker_meta -r host --metadata harmed "${off[@]}" plan
	[ "$(grep -c '^# REPAIRED=' out)" -ge 1 ] || fail "no repair is planned"
	lacks out "'delete [0-9]"
	run 2 docker_meta -r host --metadata harmed "${off[@]}" report -o page.html
	run 3 docker_meta -r host --metadata harmed "${off[@]}" du
}
damaged dd if=/dev/zero of=harmed bs=4096 count=1 conv=notrunc status=none
damaged dd if=/dev/urandom of=harmed bs=4096 count=1 conv=notrunc status=none
damaged eval "printf \\377 | dd of=harmed bs=1 seek=24 conv=notrunc status=none"
for size in 4096 5000; do
	damaged truncate -s $size harmed
done
# What the next start does to it; and what the superblock says while it can be read.
cp meta harmed
dd if=/dev/zero of=harmed bs=4096 count=1 conv=notrunc status=none
run 2 docker_meta -r down --metadata harmed "${off[@]}" predict
has out '^  loses   FORMATS the pool'
printf 'x' | dd of=harmed bs=1 seek=99 conv=notrunc status=none
run 2 docker_meta -r down --metadata harmed "${off[@]}" predict
has out '^  stops   the kernel does not activate the pool: '
sed 's/data_block_size="128"/data_block_size="1024"/' <(thin_dump meta) >wide.xml
truncate -s 16M wide
run 0 thin_restore -q -i wide.xml -o wide
root=$(od -An -tu8 -j 320 -N 8 wide | tr -d ' ')
dd if=/dev/zero of=wide bs=4096 seek="$root" count=1 conv=notrunc status=none
run 2 docker_meta -r down --metadata wide "${off[@]}" plan
has out '^# thin_repair.* --data-block-size 1024 '
run 3 docker_meta -r down --metadata wide "${off[@]}" survivors
has out ' --data-block-size 1024 '
printf 'vg0-thin-tpool: 0 41943040 thin-pool 253:1 253:0 2048 0 0\n%s\n' \
	'docker-thinpool: 0 33554432 thin-pool 253:5 253:4 512 0 0' >table
run 3 docker_meta survivors -r down --metadata harmed --no-mounts --table table --pool docker-thinpool
has out ' --data-block-size 512 --nr-data-blocks 65536'
# A superblock that is not whole says nothing.
printf XXXX | dd of=wide bs=1 seek=64 conv=notrunc status=none
run 3 docker_meta survivors -r down --metadata wide --no-mounts --table table --pool docker-thinpool
has out ' --data-block-size 512 --nr-data-blocks 65536'
# Damage behind it the kernel does not meet when it activates the pool.
thin_restore -q -i wide.xml -o wide
dd if=/dev/zero of=wide bs=4096 seek="$root" count=1 conv=notrunc status=none
run 3 docker_meta -r down --metadata wide "${off[@]}" predict
has out '^  unknown the kernel activates the pool; '
# A base device that the pool has not.
sed '/<device dev_id="1" /,/<\/device>/d' <(thin_dump meta) >nobase.xml
run 2 docker_meta -r down --xml nobase.xml "${off[@]}" predict
has out '^  stops   activates the base device, device 1'
# What was told of it before stays told: --state.
rm -f state
run 2 docker_meta -r host --metadata meta "${off[@]}" --state state
told=$(jq '.told | length' state)
run 2 docker_meta -r host --metadata harmed "${off[@]}" --state state
lacks out '^gone '
[ "$(jq '.told | length' state)" -ge "$told" ] || fail "what was told is forgotten"
run 1 docker_meta -r host --metadata meta "${off[@]}" -q --state state
lacks out 'X2 '

# Of XML there is no damage: it is a file that cannot be used.
head -c 300 /dev/urandom >noise
run 3 docker_meta -r host --xml noise "${off[@]}"
[ ! -s out ] || fail "noise is a pool"

# ---- a file of a device that the pool does not have is nobody's leak
rm -rf host
cp -a down host
jq -c '.device_id = 99' $records/"$exited" >$records/"$leak"
run 2 docker_meta -r host --metadata meta "${off[@]}" -f json
[ "$(role 99)" = 'phantom, phantom' ] || fail "a phantom: $(role 99)"

# Details that thin_repair made anew do not say that it is another pool.
sed -E 's/(<device [^>]*) transaction="[0-9]+"/\1 transaction="0"/' <(thin_dump meta) >anew.xml
what='details made anew'
docker_meta -f json -r down --xml anew.xml "${off[@]}" >out
jq -e '[.findings[] | [.id, .severity, .confidence]] | unique == [["X12", "info", "certain"]]' out >/dev/null ||
	fail "$what: $(jq -c '[.findings[].id] | unique' out)"

# ---- LVM's volumes in Docker's pool
host by-hand-device-added case
xz -dc "$hosts/by-hand-device-added.xml.xz" >case.xml
volumes() { # THIN_ID...: what lvs says
	local id
	printf '{"report":[{"lv":[{"vg_name":"vg-1","lv_name":"pool","lv_attr":"twi-aotz--","pool_lv":"","thin_id":""},'
	printf '{"vg_name":"vg-1","lv_name":"pool2","lv_attr":"twi-aotz--","pool_lv":"","thin_id":""}'
	for id in "$@"; do
		printf ',{"vg_name":"vg-1","lv_name":"data%d","lv_attr":"Vwi-a-tz--","pool_lv":"%s","thin_id":"%d"}' \
			"$id" "${pool-pool}" "$id"
	done
	printf ']}]}\n'
}
printf '{"storage-driver":"devicemapper","storage-opts":["dm.thinpooldev=/dev/mapper/vg--1-pool"]}' >daemon.json
lvm=(-r case --xml case.xml "${off[@]}" --daemon-json daemon.json --lvs-json lvs.json)
volumes >lvs.json
expect 'X1:500 X1:501' "${lvm[@]}"
run 1 docker_meta "${lvm[@]}" plan
has out "'delete 500'"
volumes 500 >lvs.json
expect 'X1:501 X10:500' "${lvm[@]}"
run 0 docker_meta "${lvm[@]}" list
has out '^ *500 -? *foreign +vg-1/data500 '
run 1 docker_meta "${lvm[@]}" plan
lacks out "'delete 500'"
has out "'delete 501'"
run 0 docker_meta "${lvm[@]}" du
has out ' foreign +devices of others'
run 1 docker_meta "${lvm[@]}" -f json
[ "$(role 500)" = 'foreign, unregistered' ] || fail "LVM's: $(role 500)"
# Of another pool, or of a device that this one does not have.
pool=pool2 volumes 500 501 >lvs.json
expect 'X1:500 X1:501' "${lvm[@]}"
volumes 700 >lvs.json
expect 'X1:500 X1:501' "${lvm[@]}"
# Both use one device.
volumes 23 >lvs.json
expect 'X10:23 X1:500 X1:501' "${lvm[@]}"
run 2 docker_meta "${lvm[@]}"
has out '^fatal     X10 '
has out 'lvs: vg-1/data23 has thin_id 23; metadata/'
# A leak of Docker's that LVM has as well is none.
rm -r case/image/devicemapper/layerdb/mounts/$container case/containers/$container
expect 'X10:23 X1:500 X1:501 X8:22' "${lvm[@]}"
run 2 docker_meta "${lvm[@]}" plan
lacks out "'delete 23'"
host by-hand-device-added case
# Nor does Docker's next start delete it unnoticed.
pending() { # ID
	printf '{"open_transaction_id":60,"device_hash":"%064d","device_id":%s}' 7 "$1" \
		>case/devicemapper/metadata/transaction-metadata
}
pending 500
volumes >lvs.json
expect 'X1:501 T1:500' "${lvm[@]}"
volumes 500 >lvs.json
expect 'T2:500 X1:501 X10:500' "${lvm[@]}"
run 2 docker_meta "${lvm[@]}" predict
has out 'DELETES device 500'
host by-hand-device-added case

# Which pool of lvs is Docker's: that of the user's, the host's or daemon.json's name; not any where
# the pool is of loop files.
volumes 500 >lvs.json
files=(-r case --xml case.xml "${off[@]}" --lvs-json lvs.json)
sure() { # ID: whether X1 of it is proved
	docker_meta -f json "$@" | jq -c '[.findings[] | select(.id == "X1" and .confidence == "certain").devices[]]'
}
what='which pool'
[ "$(sure "${files[@]}")" = '[]' ] || fail "a pool is guessed: $(sure "${files[@]}")"
expect 'X1:501 X10:500' "${files[@]}" --pool vg--1-pool
expect 'X1:501 X10:500' "${files[@]}" --pool vg--1-pool-tpool
[ "$(sure "${files[@]}" --pool vg--1-pool2)" = '[500,501]' ] || fail "the other pool's volumes are meant"
[ "$(sure "${files[@]}" --pool vg--1-pool3)" = '[]' ] || fail "lvs does not know the pool"
mkdir -p case/devicemapper/devicemapper
truncate -s 2G case/devicemapper/devicemapper/data
touch case/devicemapper/devicemapper/metadata
[ "$(sure "${files[@]}")" = '[500,501]' ] || fail "a pool of LVM's is taken for that of loop files"
jq -c 'del(.report[].lv[] | select(.lv_name == "pool2"))' lvs.json >single.json
expect 'X1:500 X1:501' -r case --xml case.xml "${off[@]}" --lvs-json single.json
rm -r case/devicemapper/devicemapper
expect 'X1:501 X10:500' -r case --xml case.xml "${off[@]}" --lvs-json single.json
# LVM calls a pool that has volumes so; lvs may not have been asked for them.
lvm=(-r case --xml case.xml "${off[@]}" --pool vg--1-pool-tpool)
[ "$(sure "${lvm[@]}")" = '[]' ] || fail "what may be a volume is a leak"
run 1 docker_meta "${lvm[@]}" plan
lacks out "'delete 50"
run 1 docker_meta "${lvm[@]}" --lvs-json lvs.json plan
has out "'delete 501'"
has out '^# POOL=vg--1-pool-tpool$'
has out '^# VG=vg-1$'
has out '^# LV=pool$'
has out '^# METADATA="/dev/mapper/\$\{POOL%-tpool\}_tmeta"$'
jq -c 'del(.report[].lv[].thin_id)' lvs.json >asked.json
[ "$(sure "${files[@]}" --lvs-json asked.json --pool vg--1-pool)" = '[]' ] || fail "lvs was not asked"
# One that is active is told by its name.
{
	echo 'vg--1-pool-tpool: 0 4194304 thin-pool 253:1 253:0 128 0 1 skip_block_zeroing'
	echo 'vg--1-pool: 0 4194304 linear 253:2 0'
	echo 'vg--1-data: 0 204800 thin 253:2 500'
	echo 'rescue: 0 204800 thin 253:2 501'
} >table
printf '{"storage-driver":"devicemapper","storage-opts":["dm.thinpooldev=/dev/mapper/vg--1-pool-tpool"]}' >daemon.json
lvm=(-r case --xml case.xml --no-mounts --table table --daemon-json daemon.json)
expect 'X10:500 X1:501 C12:31 C12:33' "${lvm[@]}"
run 1 docker_meta "${lvm[@]}" plan
lacks out "'delete 500"
sed -i 's/thin 253:2 500/thin 253:2 23/' table
expect 'X10:23 X1:500 X1:501 C12:31 C12:33' "${lvm[@]}"
# The layer that LVM puts above the pool is no pool.
sed -i 's/-tpool"/"/' daemon.json
expect 'X10:23 M13: X1:500 X1:501 C12:31 C12:33' "${lvm[@]}"
lvm=(-r case --xml case.xml "${off[@]}" --daemon-json daemon.json --lvs-json lvs.json)

[ "$(sure "${files[@]}" --pool /dev/mapper/vg--1-pool)" = '[501]' ] || fail "a path is no name"
lvm=(-r case --xml case.xml --no-mounts --table table --daemon-json daemon.json --pool vg--1-pool-tpool)
expect 'X10:23 M13: X1:500 X1:501 C12:31 C12:33' "${lvm[@]}"
# A part of the table is no proof that the pool is not there; and not every pool is LVM's.
grep -v pool table >part
printf '{"storage-driver":"devicemapper","storage-opts":["dm.thinpooldev=/dev/mapper/vg--1-pool-tpool"]}' >daemon.json
lvm=(-r case --xml case.xml --no-mounts --daemon-json daemon.json)
run 0 docker_meta "${lvm[@]}" --table part predict
has out '^  unknown looks for its pool'
echo '{"report":[{"lv":[]}]}' >none.json
printf '{"storage-driver":"devicemapper","storage-opts":["dm.thinpooldev=/dev/mapper/mypool"]}' >own.json
[ "$(sure -r case --xml case.xml "${off[@]}" --daemon-json own.json --lvs-json none.json)" = '[500,501]' ] ||
	fail "a pool that is not LVM's may have its volumes"
[ "$(sure -r case --xml case.xml "${off[@]}" --lvs-json none.json)" = '[500,501]' ] || fail "there is no pool of LVM's"

# LVM opens transactions, too: that Docker is behind is not that its files are old.
sed 's/\(<superblock .* transaction=\)"[0-9]*"/\1"70"/' case.xml >ahead.xml
volumes 500 | jq -c '(.report[].lv[] | select(.lv_name == "pool")).transaction_id = "70"' >lvs.json
lvm=(-r case --xml ahead.xml "${off[@]}" --pool vg--1-pool)
run 2 docker_meta "${lvm[@]}"
has out '^error     T5 '
run 1 docker_meta "${lvm[@]}" --lvs-json lvs.json
has out '^warning   T5 '
lacks out ' T11 '
run 2 docker_meta -r case --xml case.xml "${off[@]}" --pool /dev/mapper/vg--1-pool --lvs-json lvs.json plan
has out '^# POOL=vg--1-pool$'
lvm=(-r case --xml case.xml "${off[@]}" --daemon-json daemon.json --lvs-json lvs.json)

# ---- the plan's script asks lvs once more
volumes >lvs.json
run 1 docker_meta "${lvm[@]}" plan
sed -n 's/^# //p' out | sed -n '/^stop() {/,/^}/p; /^no_volume_has() {/,/^}/p' >guard
mkdir -p bin
cat >bin/lvs <<'END'
#!/bin/sh
case $* in
*lv_dm_path*) echo "  twi-aotz-- /dev/mapper/${REAL-vg--1-pool}" ;;
*)
	cat volumes
	[ -s volumes ]
	;;
esac
END
chmod +x bin/lvs
guard() { # STATUS ID
	nr=$((nr + 1))
	(PATH=$work/bin:$PATH && KIND=${kind-lvm} VG=vg-1 LV=pool POOL=vg--1-pool-tpool &&
		export KIND VG LV POOL &&
		sh -c '. ./guard; no_volume_has "$1"' - "$2") >guarded 2>&1
	[ $? -eq "$1" ] || fail "no_volume_has $2: $(cat guarded)"
}
printf '  pool     500\n  [pool]   12\n  pool2    501\n           \n' >volumes
guard 1 500
guard 1 12
guard 0 501
guard 0 50
kind=loop guard 0 500
export REAL=vg--1-other
guard 1 501
unset REAL
: >volumes
guard 1 501
valid
finish
