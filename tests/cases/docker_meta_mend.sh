#!/usr/bin/env bash
# What mends a pool and Docker's state, and what a repair has left.
# Variables and functions come from docker_meta.sh; patterns hold dollars; names have no blanks.
# shellcheck disable=SC2013,SC2015,SC2016,SC2086,SC2094,SC2154
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"

fixture docker-loop-lvm meta
host docker-loop-lvm down
thin_dump meta -o meta.xml
# The mutations of a healthy host are those of docker_meta.sh, with what they use.
eval "$(sed -n '/^records=/,/^wrong /{/^wrong /!p}' "$here/tests/cases/docker_meta.sh")"

# ---- who is needed, told from the files alone

declare -A chain_of=()
chain() { # PARENT DIFF
	[ "$1" ] || {
		echo "$2"
		return
	}
	printf 'sha256:%s sha256:%s' "$1" "$2" | sha256sum | cut -d ' ' -f 1
}

layers_of_images() { # ROOT: chain ids
	local config parent diff
	for config in "$1"/image/devicemapper/imagedb/content/sha256/*; do
		parent=
		for diff in $(grep -ao '"diff_ids":\[[^]]*' "$config" | grep -o '[0-9a-f]\{64\}'); do
			[ "${chain_of[$parent.$diff]-}" ] || chain_of[$parent.$diff]=$(chain "$parent" "$diff")
			parent=${chain_of[$parent.$diff]}
			echo "$parent"
		done
	done
}

needed_hashes() { # ROOT
	local db=$1/image/devicemapper/layerdb chain mount
	echo base
	{
		layers_of_images "$1"
		for mount in "$db"/mounts/*; do
			chain=$(cut -d : -f 2 "$mount/parent" 2>/dev/null)
			while [ "$chain" ]; do
				echo "$chain"
				chain=$(cut -d : -f 2 "$db/sha256/$chain/parent" 2>/dev/null)
			done
		done
	} | sort -u | while read -r chain; do
		cat "$db/sha256/$chain/cache-id" 2>/dev/null && echo
	done
	for mount in "$db"/mounts/*; do
		[ ! -e "$1/containers/${mount##*/}" ] ||
			for chain in mount-id init-id; do cat "$mount/$chain" 2>/dev/null && echo; done
	done
	strings -n 25 "$1/buildkit/snapshots.db" 2>/dev/null | grep -oE '[0-9a-z]{25}'
}

# ids ROOT: a line "HASH ID" for each file that tells one
ids_of() {
	grep -aoiE '"device_id":[0-9]+' -D skip "$1"/devicemapper/metadata/* 2>/dev/null |
		grep -v 'transaction-metadata:' |
		sed -E 's|.*/([^/]*):"device_id":([0-9]+)$|\1 \2|I'
}

# forbidden ROOT TRANSACTION: ids that must never be deleted
forbidden() {
	ids_of "$1" >all
	needed_hashes "$1" | sort -u >hashes
	# Whose the devices without a file are nobody knows while one is missing: "-".
	awk 'NR == FNR { id[$1] = $2; if (seen[$2]++) print $2; next }
		$1 in id { print id[$1]; next }
		length($1) != 25 { print "-" }' all hashes
	jq -r "select(.open_transaction_id > $2) | .device_id" \
		"$1/devicemapper/metadata/transaction-metadata" 2>/dev/null
}

# ---- what a plan must be

deleted() { # PLAN: ids, in order
	grep -o "'delete [0-9]*'" "$1" | tr -dc '0-9\n'
}

# good PLAN ROOT TRANSACTION
good() {
	nr=$((nr + 1))
	grep -vE '^(#|$)' "$1" && fail "$what: a line is no comment"
	sh -n "$1" || fail "$what: the plan is no shell"
	sed 's/^# //' "$1" >uncommented
	sh -n uncommented || fail "$what: the uncommented plan is no shell"
	[ "$(sh "$1" 2>&1)" = '' ] || fail "$what: the plan does something by itself"
	grep -P '[^\t\n -~]' "$1" && fail "$what: there is more than plain text in it"
	grep "'delete" "$1" | grep -vE '^# (nobody_has [^ ]+ [^ ]+ && same_file [^ ]+ [0-9]+ [0-9]+|no_file_has [0-9]+) && same_device ' &&
		fail "$what: a deletion has no guard"
	deleted "$1" | sort >ids
	[ ! -s ids ] || {
		forbidden "$2" "$3" | sort -u >needed
		comm -12 <(sort -u ids) needed >both
		! grep -qx - needed || ! grep -q 'no_file_has.*delete' "$1" ||
			fail "$what: deletes what a missing file may be of"
		[ ! -s both ] || fail "$what: deletes $(tr '\n' ' ' <both)"
	}
}

plan() { # ROOT ARGUMENT...: to ./plan
	local root=$1
	shift
	what="plan $root $*"
	docker_meta plan -r "$root" "$@" >plan 2>err
	[ $? -le 2 ] || fail "$what: $(cat err)"
	good plan "$root" "${at:-59}"
	docker_meta plan -f json -r "$root" "$@" 2>err | jq -e '.steps' >steps ||
		fail "$what: no JSON"
}

deletes() { # IDS
	[ "$(deleted plan | paste -sd ' ')" = "$1" ] ||
		fail "$what: deletes '$(deleted plan | paste -sd ' ')', not '$1'"
}

# ---- a plan that is carried out, with a host that is not there

mkdir bin
cat >bin/dmsetup <<'END'
#!/bin/sh
echo "dmsetup $*" >>"$FAKE/log"
case $1 in
status) [ -e "$FAKE/active" ] && echo "0 1000 thin-pool $(cat "$FAKE/at") 1/2 1/2 - rw" ;;
create) case $2 in look*) ;; *) touch "$FAKE/active" ;; esac ;;
esac
END
cat >bin/pgrep <<'END'
#!/bin/sh
[ -e "$FAKE/dockerd" ]
END
cat >bin/losetup <<'END'
#!/bin/sh
case $1 in -j) ;; -f) echo /dev/loop7 ;; esac
END
printf '#!/bin/sh\necho 1000\n' >bin/blockdev
printf '#!/bin/sh\nexit 3\n' >bin/systemctl
for name in mount umount lvchange; do printf '#!/bin/sh\n' >bin/$name; done
# The pool's metadata are a file, whether it is active or not.
printf '#!/bin/sh\nfor last; do :; done\nexec %s/bin/thin_dump "$last"\n' "$build" >bin/thin_dump
chmod +x bin/*

carry_out() { # ROOT: the plan, all of it; its status is in $status
	export FAKE=$work/fake
	rm -rf "$FAKE" keep
	mkdir "$FAKE"
	echo "${at:-59}" >"$FAKE/at"
	[ ! "${running-}" ] || touch "$FAKE/dockerd"
	mkdir -p "$1/devicemapper/devicemapper"
	sed 's/^# //; s|^KEEP=.*|KEEP=keep|; s|^METADATA=.*|METADATA=meta|; s|^docker_meta .*||
		s|^docker .*||; s|^systemctl .*||' plan >script
	PATH=$work/bin:$PATH sh script >carried 2>&1
	status=$?
	rm -rf "$1/devicemapper/devicemapper"
	grep -o "delete [0-9]*" "$FAKE/log" 2>/dev/null | tr -dc '0-9\n' >deleted
}

# What the pool is after that.
shrink() { # XML
	awk -F '"' 'NR == FNR { gone[$1] = 1; next }
		/<device / { skip = $2 in gone }
		!skip { print }
		/<\/device>/ { skip = 0 }' deleted "$1" >shrunk
	# An empty list of deleted devices is no first file to awk.
	[ -s deleted ] || cp "$1" shrunk
}

# mends WANTED: the plan for ./host is carried out; then these are the findings
mends() {
	carry_out host
	[ "$status" -eq 0 ] || fail "$what: carried out: $(tail -n 3 carried)"
	shrink meta.xml
	expect "$1" -r host --xml shrunk
}

changed() { # COMMAND...: of the healthy host
	rm -rf host
	cp -a down host
	"$@"
	what="plan after $*"
	plan host --metadata meta
}

# ---- every mutation
wrong() { # WANTED COMMAND...
	shift
	changed "$@"
}
eval "$(grep '^wrong ' "$here/tests/cases/docker_meta.sh")"
[ "$nr" -gt 30 ] || fail "the mutations could not be read"

# ---- those that are mended
changed true
has plan 'Nothing is to be mended'
[ "$(cat steps)" = '[]' ] || fail "a healthy host has a plan"
changed rm -r host/containers/$container
deletes '23 22'
mends ''
[ -e "keep/moved/image/devicemapper/layerdb/mounts/$container/mount-id" ] ||
	fail "the mount was not moved out of the way"
[ -e keep/copy/devicemapper/metadata/$exited ] || fail "there is no backup"
changed transaction 60 $exited 23
mends 'T6:'
changed transaction 60 $exited 25
mends 'T6:'
changed transaction 70 $exited 23
mends 'T6:'
changed truncate -s 20 $records/transaction-metadata
mends 'T6:'
changed touch $records/.tmp42
mends ''
changed truncate -s 20 $records/$exited
has plan 'By elimination it is device 23'
mends ''
cmp -s $records/$exited down/devicemapper/metadata/$exited || fail "the file is not what it was"
changed edit $records/$exited '.device_id = 16777216'
mends ''
changed rm $records/$exited
mends ''
changed rm $records/base
mends ''
cmp -s $records/base down/devicemapper/metadata/base || fail "base is not what it was"
changed rm $records/9c7d795b61164868f76ecc61ba2858a6ad36b65ad7e17013147ca8be25fd2b19
mends ''
changed touch "$records/it's a; file \$(touch hit)"
mends ''
[ ! -e hit ] || fail "a name was taken for a command"
changed cp $records/$exited "$records/${exited/5/6}"
mends ''
changed edit $records/base '.initialized = false'
mends ''
changed edit $records/base '.deleted = true'
mends ''
changed truncate -s 9 $records/deviceset-metadata
mends 'J14:'
changed edit $records/$exited '.deleted = true'
mends ''
changed truncate -s 10 host/image/devicemapper/repositories.json
carry_out host
[ "$status" -eq 0 ] && [ ! -e host/image/devicemapper/repositories.json ] || fail "$what: it is still there"

# A container's own layer that nobody has, with all of its state.
changed eval "rm -r host/containers/$container $mounts/$container"
deletes '22 23'
mends ''

# Layers that no image has, the upper ones first.
unreached() {
	find $images -name "$1*" -delete
	jq -c '.Repositories |= map_values(with_entries(select(.value | test("'"$1"'") | not)))' \
		host/image/devicemapper/repositories.json >r
	cat r >host/image/devicemapper/repositories.json
	rm -f r
}
for id in $(cd down/image/devicemapper/imagedb/content/sha256 && ls); do
	changed unreached "$id"
	[ ! "$(deleted plan)" ] || {
		carry_out host
		[ "$status" -eq 0 ] || fail "$what: carried out: $(tail -n 3 carried)"
		shrink meta.xml
		case " $(ids -r host --xml shrunk) " in
		*L11* | *L4* | *L1:* | *X8* | *X1:*) fail "$what: left: $(ids -r host --xml shrunk)" ;;
		esac
		layered=1
	}
done
[ "${layered-}" ] || fail "no layer was left by any image"

# ---- nothing is done where something is not as it was
changed rm -r host/containers/$container
cp plan good.plan
stops() { # PATTERN
	carry_out host
	[ "$status" -ne 0 ] || fail "$1: the plan went on"
	[ ! -s deleted ] || fail "$1: a device was deleted"
	grep -qE "$1" carried || fail "$1: $(tail -n 2 carried)"
	[ -e $records/$exited ] || fail "$1: a file was moved"
}
running=1
stops 'dockerd runs'
running=
at=60
stops 'not at|at transaction 60, not 59|not at transaction'
at=59
edit $records/$exited '.device_id = 24'
stops 'is not what it was'
changed rm -r host/containers/$container
damage meta snap-time 23 99
stops 'device 23 is not the one'
fixture docker-loop-lvm meta
sed -i '/^# same_device() {/,/^# }/d' plan
stops 'same_device: not found|nothing more is done'
cp good.plan plan
sed -i '/---- the guards/,/---- the backup/d' plan
stops 'not found'
# An image that came since may have the layer, and a build the device.
changed rm -r host/containers/$container
: >"$images/$(printf '0%.0s' $(seq 64))"
stops 'imagedb is not what it was'
changed rm -r host/containers/$container
printf x >>host/buildkit/snapshots.db
stops 'snapshots.db is not what it was'
changed rm -r host/containers/$container
rm host/image/devicemapper/repositories.json
stops 'repositories.json is not what it was'
changed rm -r host/containers/$container
cp -a host copied
rm -rf host
mv copied host
carry_out host
[ "$status" -eq 0 ] && [ -s deleted ] || fail "of a copy: $(tail -n 2 carried)"
# A device that the pool has again is not given up.
thin_dump meta | awk '/<device dev_id="23"/ { skip = 1 } !skip { print } /<\/device>/ { skip = 0 }' >lacking.xml
rm -rf host
cp -a down host
plan host --xml lacking.xml
has plan "pool_lacks 23 && .* move_out devicemapper/metadata/$exited"
stops 'the pool has device 23'
# What two findings move is moved once; a finished transaction's file is no device's.
changed cp $records/base $records/base.bak
carry_out host
[ "$status" -eq 0 ] && [ -e keep/moved/devicemapper/metadata/base.bak ] || fail "$what: $(tail -n 2 carried)"
host by-hand-device-added host
xz -dc "$hosts/by-hand-device-added.xml.xz" >case.xml
edit $records/transaction-metadata '.device_id = 500'
at=$(docker_meta -f json -r host --xml case.xml | jq .pool.transaction)
plan host --xml case.xml
mv meta meta.kept
truncate -s 16M meta
thin_restore -i case.xml -o meta
carry_out host
[ "$status" -eq 0 ] && [ "$(tr '\n' ' ' <deleted)" = '500 501 ' ] || fail "$what: $(cat deleted) $(tail -n 2 carried)"
mv meta.kept meta
at=59

# ---- nothing is deleted of a pool that is not known well
fixture docker-pool-full full
plan down --metadata full
deletes ''
has plan 'Nothing is deleted: this is not the pool'
changed rm -r host/containers/$container
cp meta damaged
damage damaged leaf 24
plan host --metadata damaged
deletes ''
has plan 'thin_repair -i .*--transaction-id 59 --data-block-size 128 --nr-data-blocks 32768'
dd if=/dev/zero of=damaged bs=4096 count=1 conv=notrunc status=none
plan host --metadata damaged
deletes ''
has plan 'thin_repair -i .*--transaction-id 59 --data-block-size 128'
run 3 docker_meta plan -r host --metadata not/there
changed eval "rm -r host/containers/$container; truncate -s 5000 host/buildkit/snapshots.db"
deletes ''
changed rm -r host/containers
deletes ''
changed rm -r host/image
deletes ''

# ---- names that are no names
changed touch "$records/$(printf 'a\nrm -rf b')"
has plan 'No command is given'
lacks plan '^# .*rm -rf'
jq -e 'any(.[]; .refused and .commands == [])' steps >/dev/null || fail "$what: not refused"
changed touch "$records/$(printf 'a\033[31mb')" "$records/-n" "$records/a'b\"c\`d\`\$e"
has plan "move_out 'devicemapper/metadata/|move_out devicemapper/metadata/'"

# ---- every other host
for name in kill9-1 kill9-2 kill9-3 pool-full; do
	fixture "docker-$name" other
	host "docker-$name" case
	at=$(docker_meta -f json -r case --metadata other | jq .pool.transaction)
	plan case --metadata other
	thin_dump other >other.xml
	plan case --xml other.xml
done
has plan 'The pool is nearly full'
# 6359 blocks of 64 KiB are 70 per cent of 568 MiB.
has plan '^# grow_file "\$ROOT/devicemapper/devicemapper/data" 595591168$'
has plan '^# grow_loop_pool 1163264$'
at=59
# The table is loaded anew also where the metadata alone have grown; one that is refused stops all.
sed -n 's/^# //p' plan | sed -n '/^stop() {/,/^}/p; /^loop_of() {/,/^}/p; /^grow_loop_pool() {/,/^}/p' >grow
mkdir -p growing
cat >growing/dmsetup <<'END'
#!/bin/sh
case $1 in
table) [ ! "$TABLE" ] || echo "$TABLE" ;;
reload) echo "reload $*" && exit "$REFUSED" ;;
*) echo "$1" ;;
esac
END
cp bin/losetup growing
printf '#!/bin/sh\necho "$LENGTH"\n' >growing/blockdev
chmod +x growing/*
grow() { # STATUS SECTORS: $what is done, in one line
	(export TABLE=${table-0 1000 thin-pool 7:1 7:0 128 0} REFUSED=${refused-0} LENGTH=${length-1000} ROOT=r POOL=p &&
		PATH=$work/growing:$PATH sh -c '. ./grow; grow_loop_pool "$1"; echo went on' - "$2") >grown 2>&1
	[ $? -eq "$1" ] || fail "grow_loop_pool $2: $(cat grown)"
}
grow 0 1000
grep -q 'reload.*--table 0 1000 thin-pool 7:1' grown || fail "the table is not loaded: $(cat grown)"
length=3000 grow 0 2000
grep -q 'reload.*--table 0 2000 thin-pool 7:1' grown || fail "the table has not grown: $(cat grown)"
grow 1 900
grow 1 2000
table='' grow 1 1000
refused=1 grow 1 1000
grep -q '^resume' grown || fail "the pool stays suspended: $(cat grown)"
fixture docker-pool-full other
host docker-pool-full case
at=$(docker_meta -f json -r case --metadata other | jq .pool.transaction)
plan case --metadata other --pool docker-thinpool
has plan '^# lvextend -L [0-9]+m "\$VG/\$LV"'
lacks plan '^# grow_loop_pool [0-9]'
rm -r case/devicemapper/devicemapper
plan case --metadata other
has plan '^# lvextend -L'
has plan '^# grow_loop_pool [0-9]'
has plan 'Where the pool stands on loop files'
at=59
for name in json-removed double-id mnt-leftovers; do
	host "by-hand-$name" case
	plan case --metadata meta
done
for name in device-added transaction-open; do
	host "by-hand-$name" case
	xz -dc "$hosts/by-hand-$name.xml.xz" >case.xml
	at=$(docker_meta -f json -r case --xml case.xml | jq .pool.transaction)
	plan case --xml case.xml
	[ $name != device-added ] || deletes '500 501'
done
at=59
if command -v shellcheck >/dev/null; then
	host by-hand-device-added case
	xz -dc "$hosts/by-hand-device-added.xml.xz" >case.xml
	docker_meta plan -r case --xml case.xml | sed 's/^# //' >uncommented
	shellcheck -S warning uncommented || fail "shellcheck"
fi

# ---- survivors: who is hit, against a reckoning from dumps

# hit BEFORE.xml AFTER.xml: ids of devices that have lost a mapping
hit() {
	for xml in "$1" "$2"; do
		expand_xml "$xml" | awk '/<device/ { split($0, f, "\""); id = f[2]; print id, "-"; next }
			!/</ { print id, $1, $2 }' | sort >"$xml.maps"
	done
	comm -23 "$1.maps" "$2.maps" | cut -d ' ' -f 1 | sort -un
}

# survivors DEVICE...: leaves of these devices are destroyed, and the pool is repaired
survive() {
	local id status
	cp meta damaged
	for id in "$@"; do damage damaged leaf "$id"; done
	truncate -r damaged repaired
	what="survivors of $*"
	thin_repair -q -i damaged -o repaired --report loss.json || fail "$what: not repaired"
	thin_dump repaired >after.xml
	docker_meta survivors -r down --metadata repaired --loss loss.json -f json >survivors 2>err
	status=$?
	nr=$((nr + 1))
	hit meta.xml after.xml >wanted
	jq -r '.devices[].device' survivors | sort -un >got
	cmp -s wanted got || fail "$what: $(paste -sd ' ' got), not $(paste -sd ' ' wanted)"
	# Whose these are is asked of the files.
	while read -r id; do
		hash=$(grep -l "\"device_id\":$id," down/devicemapper/metadata/* | head -n 1)
		grep -l "^${hash##*/}$" down/image/devicemapper/layerdb/mounts/*/mount-id |
			cut -d / -f 6
	done <wanted | sort >wanted.containers
	jq -r '.containers[] | select(.state != "intact") | .id' survivors | sort >got.containers
	cmp -s wanted.containers got.containers || fail "$what: other containers"
	layers_of_images down >/dev/null
	for config in down/image/devicemapper/imagedb/content/sha256/*; do
		parent=
		for diff in $(grep -ao '"diff_ids":\[[^]]*' "$config" | grep -o '[0-9a-f]\{64\}'); do
			parent=${chain_of[$parent.$diff]}
			cat "down/image/devicemapper/layerdb/sha256/$parent/cache-id" && echo
		done | awk 'NR == FNR { id[$1] = $2; next } { print id[$1] }' down.ids - | grep -qxFf wanted && echo "${config##*/}"
	done | sort >wanted.images
	[ -s wanted ] || : >wanted.images
	jq -r '.images[] | select(.state != "intact") | .id' survivors | sort >got.images
	cmp -s wanted.images got.images || fail "$what: other images"
	[ "$(cat wanted.containers wanted.images | wc -l)" -eq 0 ] || [ "$status" -ge 1 ] ||
		fail "$what: exit status $status"
	run $status docker_meta survivors -r down --metadata repaired --loss loss.json
	[ "$(awk 'length > 80' out | wc -l)" = 0 ] || fail "$what: wider than 80 columns"
}
ids_of down >down.ids
survive 23
has out '^partly  container exited$'
has out 'within thin blocks 0 to [0-9]+: bytes 0 to [0-9]+'
# The same report tells every command the same; without it nobody says intact or lost.
for command in check list du 'show 23' 'block 23 0' predict plan tree report; do
	# shellcheck disable=SC2086 # words of a command
	docker_meta $command -r down --metadata repaired --loss loss.json >out 2>err
	empty err
done
expect 'X11:23' -r down --metadata repaired --loss loss.json
run 2 docker_meta predict -r down --metadata repaired --loss loss.json
has out '^  fails +does not start containers'
run 2 docker_meta show 23 -r down --metadata repaired --loss loss.json
has out 'error X11'
expect '' -r down --metadata repaired
docker_meta survivors -r down --metadata repaired >out
lacks out '^intact|^lost|^partly|[0-9] (intact|lost)'
has out '^  basis   present says that all blocks are there'
for command in check list predict plan; do
	run 3 docker_meta $command -r down --metadata repaired --loss meta.xml
	has err 'meta.xml: '
done
for id in 1 2 4 12 22 36; do survive $id; done
survive 2 23 38
survive 1 16 25 31

# Without a report: devices that are not there, that are of another transaction, that have no data.
run 0 docker_meta survivors -r down --metadata meta
has out '^10 images: 10 present'
lacks out 'partly  '
run 0 docker_meta survivors -q -r down --metadata meta
empty out
echo 23 >deleted
shrink meta.xml
run 2 docker_meta survivors -r down --xml shrunk
has out '^missing container exited$'
has out 'device 23 \(own layer\): the pool does not have it'
# A file that is missing: of one it is known by elimination which device it is, of two it is not.
rm -rf host
cp -a down host
rm $records/$exited
run 1 docker_meta survivors -r host --metadata meta
has out '^partial container exited$'
has out 'device 23 \(own layer\): present; that it is this'
run 1 docker_meta survivors -f json -r host --metadata meta
jq -e '[.containers[] | select(.state == "partial").hit[] | [.device, .by_elimination]] == [[23, true]]' out >/dev/null ||
	fail "by elimination: $(jq -c .containers out)"
# Not by a device whose times do not fit: it was made long before.
sed '/<device dev_id="23" /,/<\/device>/d; s#</superblock>#<device dev_id="41" mapped_blocks="1" transaction="2" creation_time="2" snap_time="2"><single_mapping origin_block="0" data_block="30000" time="2"/></device></superblock>#' meta.xml >other.xml
run 2 docker_meta survivors -r host --xml other.xml
has out '^missing container exited$'
run 2 docker_meta plan -r host --xml other.xml
lacks out '"device_id":41'
rm $records/$exited-init
run 2 docker_meta survivors -r host --metadata meta
has out '^missing container exited$'
sed 's/\(dev_id="23".*transaction=\)"[0-9]*"/\1"99"/' meta.xml >shrunk
run 2 docker_meta survivors -r down --xml shrunk
has out 'made it in another transaction'
sed 's/\(dev_id="23".*transaction=\)"[0-9]*"/\1"0"/' meta.xml >shrunk
run 3 docker_meta survivors -r down --xml shrunk
has out 'its details were rebuilt'
docker_meta -r down --xml shrunk -f json | jq -e '[.findings[].id] | index("X12") and (index("X4") | not)' >/dev/null ||
	fail "rebuilt details are not told as such"
echo 12 >deleted
shrink meta.xml
run 2 docker_meta survivors -r down --xml shrunk
has out '^missing image     app:2$|^partial image     app:2$'
has out 'layer 4/5\): the pool does not have it'
run 3 docker_meta survivors -r down --metadata meta --loss meta.xml
has err 'meta.xml: '
run 3 docker_meta survivors -r down --metadata meta --loss not/there
echo '{"error": "nothing could be made"}' >bad.json
run 3 docker_meta survivors -r down --metadata meta --loss bad.json
echo '{"error":null,"summary":{},"losses":[{"devices":[23],"begin":5,"end":5}],"devices":[]}' >bad.json
run 3 docker_meta survivors -r down --metadata meta --loss bad.json
echo '{"error":null,"summary":{"losses_left_out":1},"losses":[{"devices":[23,-1],"begin":5,"end":null}],"devices":[]}' >bad.json
run 3 docker_meta survivors -r down --metadata meta --loss bad.json
sed -i 's/,-1//' bad.json
run 1 docker_meta survivors -r down --metadata meta --loss bad.json
has out 'within thin blocks 5 and above'
has out 'does not list all losses'
echo '{"error":null,"summary":{},"losses":[],"devices":[{"device":23,"expected":9,"kept":8},{"device":99,"expected":9,"kept":8}]}' >bad.json
run 3 docker_meta survivors -r down --metadata meta --loss bad.json
has err 'bad.json: it is of another pool'

# ---- what thin_repair has to be told
cp meta damaged
dd if=/dev/zero of=damaged bs=4096 count=1 conv=notrunc status=none
run 3 docker_meta survivors -r down --metadata damaged
has out 'give    --transaction-id 59 --data-block-size 128$'
mkdir -p down/devicemapper/devicemapper
truncate -s 2G down/devicemapper/devicemapper/data
run 3 docker_meta survivors -r down --metadata damaged -f json
options=$(jq -r .repair.options out)
[ "$options" = '--transaction-id 59 --data-block-size 128 --nr-data-blocks 32768' ] ||
	fail "survivors: $options"
truncate -r damaged repaired
# shellcheck disable=SC2086 # options
run 0 thin_repair -q -i damaged -o repaired $options --report loss.json
rm down/devicemapper/devicemapper/data
expect '' -r down --metadata repaired
run 0 docker_meta survivors -r down --metadata repaired --loss loss.json
echo '0 8388608 thin-pool 7:1 7:0 512 32768 1 skip_block_zeroing' >table
run 3 docker_meta survivors -r down --metadata damaged --table table
has out 'give    --transaction-id 59 --data-block-size 512 --nr-data-blocks 16384'
rm -rf host
cp -a down host
rm $records/transaction-metadata
run 3 docker_meta survivors -r host --metadata damaged
has out 'give    --transaction-id [0-9]+ '
# A pool that is older than Docker's state says so.
sed 's/transaction="59"/transaction="30"/' meta.xml >shrunk
docker_meta survivors -r down --xml shrunk >out
has out 'give    --transaction-id 59'
rm -rf nothing
mkdir -p nothing/devicemapper/metadata
echo '{"device_id":1,"size":1073741824,"transaction_id":7}' >nothing/devicemapper/metadata/base
run 3 docker_meta survivors -r nothing
has out 'give    --transaction-id 7$'

valid
finish
