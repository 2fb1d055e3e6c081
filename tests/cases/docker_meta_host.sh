#!/usr/bin/env bash
# What the running host says, from files in its place: device-mapper, mounts, mount points.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"
# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"

# ---- a healthy host with two running containers, and what its kernel said
first=a4cc0ed4bfe06255de73043babb13bb3d078926998cc91e115376b78f09f16e2
second=b84ef1d974ac3e42029339110fa37ab58a6014e0572f274955cdaf12070cc587
exited=57a04caa8ded0af18c54eeee9b42dc64aecc0559f7ba96d86d53ea4192c53e22
fixture docker-live meta
host docker-live down

# As the kernel says it of a root whose devices have this prefix.
kernel_says() { # PREFIX
	cat >table <<-TABLE
		vg-root: 0 2097152 linear 8:1 2048
		$1$first: 0 2097152 thin 253:0 31
		$1$second: 0 2097152 thin 253:0 33
		$1pool: 0 4194304 thin-pool 7:1 7:0 128 32768 1 skip_block_zeroing 
	TABLE
	cat >status <<-STATUS
		$1$first: 0 2097152 thin 140544 2097151
		$1$second: 0 2097152 thin 137984 2097151
		$1pool: 0 4194304 thin-pool 59 496/4096 1997/32768 - rw discard_passdown queue_if_no_space - 1024 
	STATUS
	cat >mountinfo <<-MOUNTS
		31 1 0:25 / / rw,relatime - overlay root rw,lowerdir=/ro
		33 31 254:16 / /var/lib/docker rw,relatime shared:1 - ext4 /dev/vdb rw
		35 33 253:1 / /var/lib/docker/devicemapper/mnt/$first rw,relatime shared:2 master:7 - xfs /dev/mapper/$1$first rw,nouuid
		36 33 253:2 / /var/lib/docker/devicemapper/mnt/$second rw,relatime - xfs /dev/mapper/$1$second rw,nouuid
		37 31 0:5 / /a\040b\134 rw - tmpfs none rw
	MOUNTS
}
far=docker-254:16-16386-
kernel_says $far

all=(--metadata meta --metadata-snap --table table --status status --mountinfo mountinfo)
expect '' -r down "${all[@]}"
run 0 docker_meta -r down "${all[@]}" -f json
jq -e '.pool.name == "docker-254:16-16386-pool"' out >/dev/null || fail "the pool has another name"
expect '' -r down --metadata meta --metadata-snap --table table
expect '' -r down --metadata meta --metadata-snap --status status --no-mounts
sed 's/ - rw / 77 rw /' status >held
expect 'P10:' -r down --xml <(thin_dump meta) --status held --no-mounts
expect '' -r down --metadata meta --metadata-snap --mountinfo mountinfo --no-dm
expect '' -r down --metadata meta --metadata-snap --no-dm --no-mounts

# says WANTED FILE SED...: the host's files with one thing changed
says() {
	local wanted=$1 file=$2
	shift 2
	kernel_says $far
	sed -i "$@" "$file"
	expect "$wanted" -r down "${all[@]}"
}
says 'P1:' status 's|1997/32768|32768/32768|'
says 'P1:' status 's| rw discard| out_of_data_space discard|'
says 'P3:' status 's|496/4096|4096/4096|'
says 'P4:' status 's| rw discard| ro discard|'
says 'P5:' status 's|no_space - 1024|no_space needs_check 1024|'
says 'P6:' status 's|thin-pool 59 .*|thin-pool Fail|'
says 'P6:' status 's|thin-pool 59 .*|thin-pool Error|'
says 'P8:' table 's|128 32768 1|128 32000 1|'
says 'P8:' status 's|496/4096|3072/4096|'
says 'P12:' table 's|7:0 128 |7:0 256 |'
says 'P13:' table 's|0 4194304 thin-pool|0 4194176 thin-pool|'
says 'P14:' table 's|0 4194304 thin-pool|0 4194432 thin-pool|'
# shellcheck disable=SC2016 # $ is the last line
says 'P15:' table '$a other: 0 4194304 thin-pool 7:1 7:3 128 0 0'
says 'J7:31' table "s|$first: 0 2097152|$first: 0 2097160|"
says 'M7:31' table "s|thin 253:0 31|thin 253:0 32|"
says 'M5:23' table "\$a $far$exited: 0 2097152 thin 253:0 23"
says 'C12:31' mountinfo "/$first/d"

# ---- which pool is Docker's
without_pool='/pool: /d'
says '' table "$without_pool"
kernel_says $far
expect '' -r down "${all[@]}" --pool /dev/mapper/docker-254:16-16386-pool
expect 'M12:' -r down "${all[@]}" --pool docker-thinpool
sed -i '$a vg-thin: 0 100 linear 8:1 0' table
expect 'M13:' -r down "${all[@]}" --pool vg-thin
sed -i '$a vg-thin-tpool: 0 4194304 thin-pool 253:5 253:6 128 0 0' table
expect '' -r down "${all[@]}" --pool vg-thin
run 0 docker_meta -r down "${all[@]}" --pool vg-thin -f json
jq -e '.pool.name == "vg-thin-tpool"' out >/dev/null || fail "LVM's name of the pool is not known"

# The root's own number, before any other name.
near=docker-$(stat -c %Hd:%Ld-%i down/devicemapper)-
kernel_says "$near"
sed -i '$a docker-thinpool: 0 4194304 thin-pool 253:5 253:6 128 0 0' table
run 0 docker_meta -r down "${all[@]}" -f json
jq -e --arg name "${near}pool" '.pool.name == $name' out >/dev/null || fail "another root's pool was taken"
sed -i 's/.*pool: .* 7:1 .*//' table
run 0 docker_meta -r down "${all[@]}" -f json
jq -e '.pool.name == "docker-thinpool"' out >/dev/null || fail "docker-thinpool was not taken"

# A device of another root's prefix, on the host that the root is at home on.
kernel_says "$near"
sed -i "\$a $far$exited: 0 2097152 thin 253:0 23" table
expect 'M6:23' -r down "${all[@]}"

# ---- what is in the mount points
kernel_says $far
points=host/devicemapper/mnt
at() { # WANTED COMMAND...: of a copy, and nothing is known of mounts
	local wanted=$1
	shift
	rm -rf host
	cp -a down host
	"$@"
	expect "$wanted" -r host --metadata meta --metadata-snap --no-mounts --no-dm
}
home() { # WANTED COMMAND...: at home, where nothing is mounted
	local wanted=$1
	shift
	rm -rf host
	cp -a down host
	"$@"
	kernel_says "docker-$(stat -c %Hd:%Ld-%i host/devicemapper)-"
	sed -i '/devicemapper.mnt/d' mountinfo
	expect "$wanted" -r host "${all[@]}"
}
at 'M1:' mkdir $points/nothing
at 'M1:' mkdir -p $points/nothing/rootfs
run 1 docker_meta -r host --metadata meta --metadata-snap
at 'M3:31' touch $points/$first/file
run 0 docker_meta -r host --metadata meta --metadata-snap
has out '^  fix +unproven'
home 'C12:31 C12:33 M2:31 M2:33' true
home 'M3:31 C12:31 C12:33 M2:33' touch $points/$first/file
at '' ln -s /etc $points/link
at '' mkfifo $points/fifo

# ---- the mounts of every process
process() { # PID COMM NAMESPACE MOUNTINFO
	mkdir -p "proc/$1/ns"
	echo "$2" >"proc/$1/comm"
	ln -s "mnt:[$3]" "proc/$1/ns/mnt"
	cp "$4" "proc/$1/mountinfo"
}
processes() { # of a healthy host: a service has what Docker has, a container its own root
	rm -rf proc
	kernel_says $far
	process 1 init 4026531840 mountinfo
	process 17 kthreadd 4026531840 /dev/null
	process 200 dockerd 4026531840 /dev/null
	process 300 ntpd 4026532000 mountinfo
	echo "1 0 253:1 /rootfs / rw - xfs /dev/mapper/$far$first rw" >root
	process 400 top 4026532001 root
	mkdir proc/self proc/sysvipc proc/sys proc/sys/kernel
	printf '       key      semid perms      nsems\n' >proc/sysvipc/sem
	printf '32000\t1024000000\t500\t32000\n' >proc/sys/kernel/sem
}
everywhere=(--metadata meta --metadata-snap --table table --status status --proc proc)
processes
expect '' -r down "${everywhere[@]}"

# left behind in a service; busy
echo "35 33 253:3 / /var/lib/docker/devicemapper/mnt/$exited rw - xfs /dev/mapper/$far$exited rw" >leak
processes
cat leak >>proc/300/mountinfo
expect 'M4:23' -r down "${everywhere[@]}"
run 1 docker_meta -r down "${everywhere[@]}"
has out 'ntpd, process 300'
processes
cat leak >>proc/1/mountinfo
expect 'C13:23' -r down "${everywhere[@]}"
processes
sed -i "/$second/d" proc/1/mountinfo proc/300/mountinfo
expect 'C12:33' -r down "${everywhere[@]}"
run 1 docker_meta -r down "${everywhere[@]}"
processes
rm -r proc/200
sed -i "/$second/d" proc/1/mountinfo proc/300/mountinfo
expect 'C12:33' -r down "${everywhere[@]}"
run 0 docker_meta -r down "${everywhere[@]}"
processes
sed -i "\$a $far$exited: 0 2097152 thin 253:0 23" table
expect 'M5:23' -r down "${everywhere[@]}"
run 1 docker_meta -r down "${everywhere[@]}"
processes
seq -f '0x0d4d%04.0f' 1 16 | while read -r key; do echo "$((key)) 1 600 1"; done >>proc/sysvipc/sem
expect 'M11:' -r down "${everywhere[@]}"
run 1 docker_meta -r down "${everywhere[@]}"
echo '32000 1024000000 500 16' >proc/sys/kernel/sem
run 2 docker_meta -r down "${everywhere[@]}"
processes
rm -r proc/1/comm proc/300/mountinfo
mkfifo proc/1/comm proc/300/mountinfo
expect '' -r down "${everywhere[@]}"

# ---- what nobody needs, and is busy
orphan=$(printf '%064d' 5)
make_orphan() {
	rm -rf host
	cp -a down host
	mv host/devicemapper/metadata/$exited "host/devicemapper/metadata/$orphan"
	rm -r host/containers/95b0aba52a30dde9e64098a50ec3448f041927c7a80838d0c29e9fcf6b29924d \
		host/image/devicemapper/layerdb/mounts/95b0aba52a30dde9e64098a50ec3448f041927c7a80838d0c29e9fcf6b29924d
	processes
	sed -i "s/$exited/$orphan/g" leak
}
make_orphan
expect 'X8:22 X8:23' -r host "${everywhere[@]}"
run 1 docker_meta -r host "${everywhere[@]}"
lacks out '^  busy'
cat leak >>proc/300/mountinfo
expect 'X8:22 X8:23 M4:23' -r host "${everywhere[@]}"
run 1 docker_meta -r host "${everywhere[@]}"
has out '^  busy +000000000000[*] is mounted on'
# dockerd has it mounted: a pull may be filling it
make_orphan
cat leak >>proc/1/mountinfo
run 1 docker_meta -r host "${everywhere[@]}" -f json
jq -e '.findings[] | select(.devices == [23]) | .id == "X8" and .severity == "info" and .remedy == null and
	(.busy | test("by dockerd"))' out >/dev/null || fail "a device in the making is called an orphan"
make_orphan
rm -r proc/200
cat leak >>proc/1/mountinfo
run 1 docker_meta -r host "${everywhere[@]}" -f json
jq -e '.findings[] | select(.devices == [23]) | .severity == "warning" and .busy != null' out >/dev/null ||
	fail "an orphan is taken for a device in the making"

# Of the last two transactions' devices nobody knows yet, while dockerd works: it says whose they are
# after it made them.
withvol=c5aefd2f96bffc8a2e5e396a9fb2cd5e934dcde5
rm -rf host
cp -a down host
mount=$(dirname "$(grep -l $withvol host/image/devicemapper/layerdb/mounts/*/mount-id)")
rm -r "$mount" "host/containers/${mount##*/}"
sed -i 's/"open_transaction_id":59/"open_transaction_id":56/' host/devicemapper/metadata/transaction-metadata
cp meta recent
damage recent super 48 8 56
sed 's/ thin-pool 59 / thin-pool 56 /' status >earlier
sure() { # the leaks that are certain
	docker_meta -r host --metadata recent --table table --status earlier --proc proc -f json >out
	jq -c '[.findings[] | select(.id == "X8" and .confidence == "certain") | .devices[0]]' out
}
processes
[ "$(sure)" = '[37]' ] || fail "what is being made is called an orphan: $(sure)"
rm -r proc/200
[ "$(sure)" = '[37,38]' ] || fail "an orphan is not told where no dockerd runs: $(sure)"

# ---- the loop file
fixture docker-loop-lvm loop
loop_file() { # SIZE
	rm -rf host
	cp -a down host
	cp loop host/devicemapper/devicemapper/metadata
	truncate -s "$1" host/devicemapper/devicemapper/data
}
loop_file 2G
expect '' -r host --no-dm --no-mounts
loop_file 1G
expect 'P13:' -r host --no-dm --no-mounts
loop_file 3G
expect 'P14:' -r host --no-dm --no-mounts
expect '' -r host --metadata loop --no-dm --no-mounts
# That it may grow by more than there is room for is told at home alone.
loop_file 8T
expect 'P14:' -r host --no-dm --no-mounts
kernel_says "docker-$(stat -c %Hd:%Ld-%i host/devicemapper)-"
case $(ids -r host "${all[@]}") in
*P17:*) ;;
*) fail "a loop file that is larger than its file system is not told of" ;;
esac

# ---- a host that goes on
cp meta older
damage older super 48 8 60
rm -rf host
cp -a down host
make_orphan
run 1 docker_meta -r host --metadata older --metadata-snap --no-dm --no-mounts
has out '^older +the metadata: they are of transaction 59, the pool is at 60: 1 transaction older$'
run 1 docker_meta -r host --metadata older --metadata-snap --no-dm --no-mounts -f json
jq -e '.pool.older and ([.findings[].id] == ["P18"])' out >/dev/null ||
	fail "metadata of an earlier time are compared: $(jq -c '[.findings[].id]' out)"
run 1 docker_meta -r host --metadata older --metadata-snap --no-dm --no-mounts -f nagios
has out '^DOCKER_META WARNING - .*P18'
run 1 docker_meta -r host --metadata older --metadata-snap --no-dm --no-mounts report
has out 'The metadata are older than the pool: '
docker_meta -r host --metadata older --metadata-snap --no-dm --no-mounts du >out 2>err
has err '^docker_meta: older: older than the pool \(P18\): '
run 1 docker_meta -r host --metadata older --metadata-snap --no-dm --no-mounts plan
lacks out '^# [a-z]*move_out|delete [0-9]'
rm -rf host
cp -a down host
echo "{\"open_transaction_id\":70,\"device_hash\":\"$exited\",\"device_id\":23}" \
	>host/devicemapper/metadata/transaction-metadata
run 3 docker_meta -r host --metadata older --metadata-snap --no-dm --no-mounts predict
has out '^  unknown +compares the open transaction'
lacks out 'DELETES'
rm -rf host
cp -a down host
transaction=host/devicemapper/metadata/transaction-metadata
cp $transaction settled
go_on() { # until ./stop is there
	local n=60
	while [ ! -e stop ]; do
		n=$((n + 1))
		echo "{\"open_transaction_id\":$n,\"device_hash\":\"$exited\",\"device_id\":23}" >changed
		mv changed $transaction
	done
}
torn=
for _ in 1 2 3 4 5 6; do
	rm -f stop
	go_on &
	docker_meta -r host --metadata loop --no-dm --no-mounts -f json >out 2>err
	touch stop
	wait
	torn=$(jq .pool.torn out)
	[ "$torn" = false ] || break
	cp settled $transaction
done
[ "$torn" = true ] || fail "what went on is not told of"
cp settled $transaction
rm stop
go_on &
(
	sleep 0.2
	touch stop
	sleep 0.05
	cp settled new && mv new $transaction
) &
ids -r host --metadata loop --no-dm --no-mounts >/dev/null
wait
expect '' -r host --metadata loop --no-dm --no-mounts

# ---- files that are none of the kernel's
kernel_says $far
refused 3 docker_meta -r down "${all[@]}" --table not/there
has err 'not/there'
echo 'a: 0 10 thin nonsense' >bad
refused 3 docker_meta -r down --metadata meta --metadata-snap --table bad
has err "bad: line 1: it ends before the device id"
echo '0 10 thin-pool 5 1/2 3' >bad
refused 3 docker_meta -r down --metadata meta --metadata-snap --status bad
has err 'bad: line 1:'
refused 3 docker_meta -r down --metadata meta --metadata-snap --mountinfo bad
has err 'bad: this is not what the kernel writes'
refused 3 docker_meta -r down --metadata meta --metadata-snap --proc not/there
expect '' -r down --metadata meta --metadata-snap --proc down
echo 'No devices found' >bad
expect 'C12:31 C12:33' -r down --metadata meta --metadata-snap --table bad --status bad --no-mounts
expect '' -r down --metadata meta --metadata-snap --table <(cat table) --no-mounts
head -c 20000 /dev/urandom >bad
refused 3 docker_meta -r down --metadata meta --metadata-snap --table bad
refused 3 docker_meta -r down --table table --reserve-snap
has err 'no active pool is known'
refused 3 docker_meta -r down --no-mounts --reserve-snap
run 3 docker_meta -r down
has err 'give --metadata DEV'

valid
finish
