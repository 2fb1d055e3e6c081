# shellcheck shell=sh
# docker_meta on an active pool, in the virtual machine; sourced by init.sh.  /docker is what a real Docker
# left, the disks docker and docker-data are its pool.
exited=57a04caa8ded0af18c54eeee9b42dc64aecc0559f7ba96d86d53ea4192c53e22

# What is found above info, worst first: 'M8 M5 '.
ids() {
	docker_meta -r /docker "$@" >/out 2>/err
	got=$?
	sed -n 's/^\(fatal\|error\|warning\)  *\([A-Z][0-9]*\) .*/\2/p' /out | tr '\n' ' '
}

expect() { # STATUS IDS ARGUMENT...
	wanted="$2$1"
	shift 2
	found=$(
		ids "$@"
		echo "$got"
	)
	[ "$found" = "$wanted" ] || fail "docker_meta $*: $found, not $wanted: $(head -c 300 /err)"
}

held() {
	dmsetup status docker-thinpool | cut -d ' ' -f 7
}

not_held() {
	[ "$(held)" = - ] || fail "$1: a metadata snapshot is left"
}

# Without an option: the pool is found by its name, and read while it is active.
look() {
	expect 0 ''
	grep -q 'transaction 59, 27 devices' /out || fail "the pool reads differently: $(head -n 3 /out)"
	expect 0 '' --pool /dev/mapper/docker-thinpool
	expect 2 'M12 ' --pool none --metadata /run/docker
	expect 0 '' --no-dm --no-mounts --metadata /run/docker
}

reserve() {
	expect 0 '' --reserve-snap
	grep -q '(metadata snapshot)' /out || fail "what was read is no metadata snapshot"
	not_held "after --reserve-snap"
	dmsetup message docker-thinpool 0 reserve_metadata_snap
	before=$(held)
	docker_meta -r /docker --reserve-snap >/out 2>/err
	[ $? = 3 ] || fail "--reserve-snap is not refused while one is held"
	grep -q 'holds a metadata snapshot already' /err || fail "$(cat /err)"
	[ "$(held)" = "$before" ] || fail "somebody else's metadata snapshot is gone"
	expect 1 'P10 '
	expect 0 '' --metadata-snap
	dmsetup message docker-thinpool 0 release_metadata_snap
}

# Killed while it reads, again and again.
kill_it() {
	n=60
	while [ ! -e /stop ]; do
		n=$((n + 1))
		echo "{\"open_transaction_id\":$n,\"device_hash\":\"\",\"device_id\":1}" >/changed
		mv /changed /docker/devicemapper/metadata/transaction-metadata
	done &
	changer=$!
	seen=0
	for signal in KILL TERM INT KILL KILL TERM; do
		docker_meta -r /docker --reserve-snap >/dev/null 2>&1 &
		tries=0
		while [ "$(held)" = - ] && [ $tries -lt 100 ]; do tries=$((tries + 1)); done
		[ "$(held)" = - ] || seen=$((seen + 1))
		kill -$signal $!
		wait $! 2>/dev/null
		sleep 1
		not_held "killed by $signal"
	done
	touch /stop
	wait $changer
	[ $seen -gt 0 ] || fail "no metadata snapshot was ever held"
	cp /settled /docker/devicemapper/metadata/transaction-metadata
}

devices() {
	number=$(stat -c '%d %i' /docker/devicemapper)
	device=${number% *}
	name=docker-$((device >> 8)):$((device & 255))-${number#* }-$exited
	dmsetup create "$name" --table "0 2097152 thin /dev/mapper/docker-thinpool 23"
	expect 1 'M5 '
	dmsetup suspend "$name"
	expect 2 'M8 M5 '
	dmsetup resume "$name"
	# shellcheck disable=SC2217 # it holds the device open
	sleep 1000 <"/dev/mapper/$name" &
	sleeper=$!
	expect 1 'M10 '
	dmsetup remove --deferred "$name"
	expect 1 'M10 '
	grep -q '^info *M9 ' /out || fail "deferred removal is not told of"
	kill $sleeper
	wait $sleeper 2>/dev/null
	sleep 1
	dmsetup create "$name" --table "0 2097160 thin /dev/mapper/docker-thinpool 22"
	expect 2 'M7 M5 '
	dmsetup remove --retry "$name"
}

bad=
cp /docker/devicemapper/metadata/transaction-metadata /settled
if dmsetup create docker-thinpool --table "0 4194304 thin-pool /run/docker /run/docker-data 128 0 0"; then
	look
	reserve
	devices
	kill_it
	dmsetup remove --retry docker-thinpool || fail "cannot be deactivated"
	dmsetup create docker-thinpool --table "0 4194304 thin-pool /run/docker /run/docker-data 128 0 1 read_only"
	expect 1 'P4 ' --pool docker-thinpool
	docker_meta -r /docker --reserve-snap >/out 2>/err
	grep -q 'not writable' /err || fail "a pool that is read-only: $(cat /err)"
	dmsetup remove --retry docker-thinpool
else
	fail "the kernel does not activate it: $(dmesg | grep device-mapper | tail -n 1)"
fi
echo "RESULT docker ${bad:-ok}"
