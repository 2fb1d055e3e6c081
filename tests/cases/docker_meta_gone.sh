#!/usr/bin/env bash
# What is gone, or was not for us to read, and what that makes doubtful: neither is told as the other.
# Variables and functions come from docker_meta.sh; names have no blanks; what eval gets is expanded there.
# shellcheck disable=SC2154,SC2086,SC2016
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"
# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"
fixture docker-loop-lvm meta
thin_dump meta >meta.xml
host docker-loop-lvm down
# The healthy host, and what changes it, are those of docker_meta.sh.
eval "$(sed -n '/^records=/,/^wrong /{/^wrong /!p}' "$here/tests/cases/docker_meta.sh")"
layerdb=host/image/devicemapper/layerdb
none=$(printf 'f%.0s' $(seq 64))

# changed COMMAND...: on a healthy host
changed() {
	rm -rf host elsewhere
	cp -a down host
	"$@"
}
linked() { # DIRECTORY, below host: it is elsewhere, a link is in its place
	mv "host/$1" elsewhere
	ln -s "$work/elsewhere" "host/$1"
}
# serious WANTED: the findings above info, and no deletion
serious() {
	local got
	what=$changed
	nr=$((nr + 1))
	got=$(docker_meta -f json -r host --metadata "${pool:-meta}" 2>err |
		jq -r '[.findings[] | select(.severity != "info") | .id + (if .confidence == "unproven" then "?" else "" end)] | unique | join(" ")')
	[ "$got" = "$1" ] || fail "$changed: '$got', not '$1' ($(cat err))"
	docker_meta -r host --metadata "${pool:-meta}" plan >made 2>err
	! grep -q "'delete [0-9]" made || fail "$changed: something is deleted: $(grep -c "'delete [0-9]" made)"
}
is() { # WANTED COMMAND...
	local wanted=$1
	shift
	changed=$*
	changed "$@"
	serious "$wanted"
}
predicts() { # LINE [STATUS]
	run "${2:-2}" docker_meta -r host --metadata "${pool:-meta}" predict
	has out "$1"
}

# ---- a place of Docker's that is gone, and what refers to it is not
is 'L6' eval 'rm -r host/image host/containers/*; mkdir host/graph'
is 'L6' eval 'rm -r host/image host/containers; mkdir host/graph'
is 'L6' rm -r host/image
predicts '^  loses   does not show any image: layerdb is not there'
is 'L6' rm -r $layerdb
is 'J9' eval "rm $records/*"
predicts '^  stops   finds no base device'
is 'J9' rm -r $records
is 'L12' rm -r host/image/devicemapper/imagedb
predicts '^  loses   does not show any image: imagedb is not there'
is 'C1? C8' rm -r host/containers
predicts '^  loses   does not show any container: containers/ is not there'
is 'X8?' rm -r $layerdb/mounts host/containers
is 'C2' rm -r $layerdb/mounts
predicts '^  loses   does not show 6 containers any more'
run 2 docker_meta -q -r host --metadata meta
has out '^error     C2 '

# ---- one that only others may read, or a link
unread() { # WHAT STATUS: of images and containers
	run 3 docker_meta survivors -r host --metadata meta
	has out ", 0 missing, $1 unknown$"
	lacks out '^lost *(image|container)'
}
is 'L6?' linked image/devicemapper/layerdb/mounts
predicts '^  unknown loads the containers: ' 0
unread 6
lacks made '^# move_out containers'
is 'L6?' linked image/devicemapper/layerdb/sha256
predicts '^  unknown loads the images: ' 0
unread 10
lacks made '^# docker pull'
is 'J26?' linked devicemapper/metadata
predicts "^  unknown loads the devices' files: " 0
unread 10
spare() { # an orphaned device
	printf '{"device_id":99,"size":1073741824,"transaction_id":20,"initialized":false}' >$records/$none
}
is 'L12? X2' eval 'spare; linked image/devicemapper/imagedb'
is 'L12?' linked image/devicemapper/imagedb
is 'L15?' linked image/devicemapper/repositories.json
is 'C8?' linked containers

# ---- what a broken file may refer to
# An image that nobody else needs, its top layer, and the next below.
derived=$(jq -r '.Repositories.derived["derived:1"]' down/image/devicemapper/repositories.json | cut -d: -f2)
under=$(cut -d: -f2 <"${layers/#host/down}/$top/parent")
is 'L11? L12 L13 L4 X8?' eval ": >$images/$derived; rm -r $layers/$top"
own=$(docker_meta -f json -r down --metadata meta list |
	jq -r '.devices[] | select(.role == "layer" and (.owners | tostring | test("derived:1"))) | .hash' |
	while read -r hash; do grep -l "$hash" "${layers/#host/down}"/*/cache-id; done | cut -d/ -f6 |
	while read -r chain; do grep -qF "$chain" "${layers/#host/down}"/*/parent || echo "$chain"; done | head -n 1)
is 'L12 X8?' eval ": >$images/$derived; rm -r $layers/$own"
is 'C6 L13 L4 L6 X8?' eval ": >$layers/$top/parent; rm -r $layers/$under"
unnamed() { # COMMAND: and nobody needs the image any more
	rm -r "${images:?}/$derived" "$images"/c31c98*
	edit host/image/devicemapper/repositories.json 'del(.Repositories.derived)'
	edit host/image/devicemapper/repositories.json 'del(.Repositories.app["app:2"])'
	rm -r "$images"/7b3547*
	"$@"
}
# A container that has lost its writable layer may stand on what seems to be nobody's.
is 'C2 L11?' unnamed rm -r "$mounts/$container"
# Without BuildKit's list its devices have somebody, and so may layers.
builds() {
	printf '{"device_id":99,"size":1073741824,"transaction_id":20,"initialized":false}' \
		>$records/abcdefghij0123456789klmno
	rm -r host/buildkit
}
is 'B1? B3 L11? X2' unnamed builds
# A file of a build's that is broken is needed, where nobody tells that it is not.
is 'B3 J2' eval "rm -r host/buildkit; : >$records/abcdefghij0123456789klmno"
lacks made 'Nobody needs a device of this name'

# ---- files of an earlier time, which have no transaction to tell so
older() { # and the transaction's file as the command makes it
	local file hash
	for file in "$records"/*; do
		jq -e '.transaction_id > 20' "$file" >/dev/null 2>&1 || continue
		hash=$(basename "$file")
		rm "$file"
		grep -rlF "${hash%-init}" $layerdb | xargs -r dirname | sort -u | xargs -r rm -r
	done
	rm -rf host/containers/* ${images:?}/* host/image/devicemapper/repositories.json
	"$@"
}
is 'L11? T5 X1?' older transaction 20 "" 1
is 'L11? X1?' older rm $records/transaction-metadata
is 'L11? T7 X1?' older truncate -s 0 $records/transaction-metadata

# ---- a wrong id: the device that it was of is not nobody's
is 'X1? X2' edit $records/$exited '.device_id = 99'
has made 'Device 23, which no file has, was made in the transaction of this file'
lacks made '^# docker rm|move_out devicemapper/metadata/[0-9a-f]'
another=$(for m in "${mounts/#host/down}"/*; do [ "${m##*/}" = $container ] || cat "$m/mount-id" && echo; done | sed '/^$/d' | head -n 1)
is 'J4 X1? X5' cp $records/$exited "$records/$another"
is 'X1? X2' edit $records/base '.device_id = 99'
# One that is newer than the pool itself.
thin_dump meta | sed 's/\(<superblock .*transaction=\)"59"/\1"30"/' >early.xml
changed transaction 30 "" 1
rm $records/$exited
docker_meta -f json -r host --xml early.xml list | jq -e '[.devices[] | select(.role == "orphan")] == []' >/dev/null ||
	fail "what is newer than the pool is an orphan"

# ---- what is left of a removal
left() { # a layer's directory, of which the files have gone first
	mkdir "$layers/$none-12345-removing"
}
changed left
expect 'L9:' -r host --metadata meta
changed mkdir host/containers/$none
expect 'C8:' -r host --metadata meta
run 1 docker_meta -r host --metadata meta
run 0 docker_meta -r host --metadata meta predict
has out '^  ok      loads 6 containers'
# A layer that is being removed, and one that stays, have one device.
twice() {
	cp -a $layers/$top "$layers/$top-12345-removing"
	transaction 60 "$(cat $layers/$top/cache-id)" 12
}
changed twice
expect 'T2:12 L8:12' -r host --metadata meta

# ---- containers of another driver prove nothing of those that are gone
shadow() {
	find host/containers -mindepth 1 -maxdepth 1 ! -name $container -exec rm -r {} +
	edit host/containers/$container/config.v2.json '.Driver = "overlay2"'
}
changed shadow
serious 'C1?'

# ---- the open transaction names an older device that no file has
is 'C3 T1? X1?' eval "rm $records/$exited; transaction 60 $none 23"
predicts '^  loses   takes back transaction 60: DELETES device 23'
run 2 docker_meta -r host --metadata meta
has out 'move transaction-metadata out of the way'
has made '^# move_out devicemapper/metadata/transaction-metadata'
lacks made '^# docker rm'
is 'C3 T4? X1?' eval "rm $records/$exited; transaction 62 $none 23"
predicts '^  loses   takes back transaction 62: DELETES device 23'
# What the pool has not nothing deletes; and what is being removed was to go.
thin_dump meta | awk '/<device dev_id="23"/ { skip = 1 } !skip { print } /<\/device>/ { skip = 0 }' >gone.xml
changed transaction 60 $exited 23
expect 'X2:23 T1:23' -r host --xml gone.xml
run 2 docker_meta -r host --xml gone.xml predict
has out '^  ok      takes back transaction 60: device 23 is not in the pool'
dying() {
	edit host/containers/$container/config.v2.json '.State.Dead = true'
	transaction 60 $exited 23
}
is 'C7' dying
predicts '^  ok      takes back transaction 60: deletes device 23, which was to be deleted' 0
is 'C7' eval "edit host/containers/$container/config.v2.json '.State.Dead = true'; rm -r $mounts/$container;
	edit $records/$exited '.deleted = true'; edit $records/$exited-init '.deleted = true'"
predicts '^  ok      loads 5 containers' 0

# ---- Docker's very first start, interrupted
cat >first.xml <<'END'
<superblock uuid="" time="0" transaction="0" version="2" data_block_size="128" nr_data_blocks="1000">
  <device dev_id="1" mapped_blocks="1" transaction="0" creation_time="0" snap_time="0">
    <single_mapping origin_block="0" data_block="0" time="0"/>
  </device>
</superblock>
END
first() { # COMMAND: what a first start has left
	rm -rf host
	mkdir -p $records host/image/devicemapper/layerdb host/image/devicemapper/imagedb/content/sha256 host/containers
	transaction 1 "" 1
	"$@"
	expect "$wanted" -r host --xml first.xml
	run 0 docker_meta -r host --xml first.xml predict
	has out '^  ok      takes back transaction 1: deletes device 1'
}
wanted='T1:1' first true
wanted='T1:1 J14:' first eval "printf '{\"device_id\":1,\"size\":10737418240,\"transaction_id\":1,\"initialized\":false}' >$records/base"
# A root that was emptied, and a pool that was not.
changed eval "rm -rf host/*; mkdir -p $records"
run 2 docker_meta -r host --metadata meta predict
has out '^  stops   finds no base device'

# ---- what Docker does not show when a layer is broken
changed eval ": >$layers/$under/size"
run 2 docker_meta -f json -r host --metadata meta predict
jq -e '[.forecast[] | select(.kind == "loses").text | select(test("does not show [0-9]+ (image|container)"))] | length == 2' out >/dev/null ||
	fail "what stands on a broken layer is shown: $(jq -c .forecast out)"
changed eval "rm -r $layers/$under"
predicts '^  loses   does not show [2-9] images any more'

# ---- what stands among the devices' files
among() { # STEP STATUS COMMAND...
	local step=$1 status=$2
	shift 2
	changed "$@"
	run "$status" docker_meta -f json -r host --metadata meta predict
	jq -e --arg step "$step" '[.forecast[] | .kind + " " + .text | select(test($step))] | length == 1' out >/dev/null ||
		fail "$*: no step $step: $(jq -c .forecast out)"
}
among '^stops loads the devices. files: .*a directory with HEAD in it' 2 eval "mkdir $records/.git; : >$records/.git/HEAD"
among '^stops loads the devices. files: .*a directory with HEAD in it' 2 eval "mkdir -p $records/old/er; : >$records/old/er/HEAD"
among '^ok loads the files of 27 devices' 0 eval "mkdir $records/old; cp $records/base $records/old/; : >$records/old/.x"
among '^stops loads the devices. files: .*neither a file nor a directory' 2 mkfifo $records/pipe
among '^unknown loads the devices. files' 0 ln -s nowhere $records/$none

# ---- which driver, which root
good='{"storage-driver":"devicemapper"}'
configured() { # JSON LINE STATUS
	printf '%s' "$1" >daemon.json
	run "$3" docker_meta -r host --metadata meta --daemon-json daemon.json predict
	has out "$2"
}
changed transaction 60 $exited 23
touch host/engine-id
configured '{}' '^  loses   takes back transaction 60: DELETES device 23' 2
has out '^  stops   Docker 23 and 24 stop here, after all of that'
configured '{"storage-driver":"overlay2"}' '^  loses   starts with the storage driver overlay2' 2
lacks out DELETES
mkdir -p host/overlay2/x
configured '{}' '^  stops   chooses the storage driver: several were used here, devicemapper and' 2
configured "$good" '^  loses   takes back transaction 60' 2
changed edit $records/$exited '.deleted = true'
configured '{"storage-driver":"devicemapper","storage-opts":["dm.use_deferred_deletion=false"]}' \
	'^  ok      leaves 7 devices marked as deleted' 0
cp -a down data
cp -a down data/100000.100000
printf '{"data-root":"%s/data","userns-remap":"default"}' "$work" >daemon.json
run 0 docker_meta --metadata meta --daemon-json daemon.json predict
has out '^docker_meta: .*/data/100000.100000$'
run 0 docker_meta -r data --metadata meta --daemon-json daemon.json predict
has out '^  unknown goes into 100000.100000 below this root, for userns-remap'
# A copy of the one below; and the data-root itself, of before userns-remap was switched on.
run 0 docker_meta -r down --metadata meta --daemon-json daemon.json predict
has out '^  unknown goes below its data-root, into UID.GID'
has out '^  ok      loads 10 images'
mv data/100000.100000 aside
run 0 docker_meta --metadata meta --daemon-json daemon.json predict
has out '^  unknown goes into UID.GID below this root'
lacks out 'loads'
mv aside data/100000.100000
mkdir -p data/200000.200000/devicemapper
run 3 docker_meta --metadata meta --daemon-json daemon.json list
has err 'there are several roots in it, name one'

# ---- what is left of a driver that is not used any more, and what is not Docker's
rest() {
	rm -r host/image/devicemapper
	mkdir -p host/overlay2/x
}
is 'L19' rest
is 'L19' eval "rest; rm -r $records/*"
changed mkdir host/devicemapper-layers
run 3 docker_meta -r host --metadata meta
has err "containers/storage's"

# ---- what is in order for Docker
fine() { # COMMAND...
	changed "$@"
	expect '' -r host --metadata meta
}
odd() { # a label that Go takes, in a configuration that is called by its digest
	local id
	jq -c '.config.Labels = {"a": "LONE", "KEY": "x", "b": "PAIR"}' "$images/$derived" |
		sed 's/LONE/\\udcfc \\ud83d/; s/KEY/k\\u0000/; s/PAIR/\\\\ud83d \\ud83d\\ude00/' | tr -d '\n' >odd.json
	id=$(sha256sum odd.json | cut -d' ' -f1)
	mv odd.json "$images/$id"
	rm "$images/$derived"
	sed -i "s/$derived/$id/g" host/image/devicemapper/repositories.json host/containers/*/config.v2.json
}
fine mkdir host/containers/lost+found
fine odd
valid
# ---- links to directories: below the root they are followed, out of it where that is allowed
for part in devicemapper image image/devicemapper containers devicemapper/metadata image/devicemapper/imagedb/content; do
	host=linked-${part//\//-}
	cp -a down "$host"
	mkdir -p away "$host/aside"
	mv "$host/$part" "$host/aside/moved"
	ln -s "$(realpath "$host")/aside/moved" "$host/$part"
	expect '' -r "$host" --metadata meta
	rm "$host/$part"
	mv "$host/aside/moved" "away/$host"
	ln -s "$(realpath away)/$host" "$host/$part"
	expect '' -r "$host" --metadata meta --follow
	run 1 docker_meta -r "$host" --metadata meta
	has out 'follow reads it|it is a symbolic link'
	has out '^0 fatal, 0 errors, 1 warning, 0 infos$'
	# What is read through a link is no place for an answer.
	run 64 docker_meta -r "$host" --metadata meta --follow --force -o "away/$host/new" check
	has err "below Docker's root"
	run 64 docker_meta -r "$host" --metadata meta --force -o "away/$host/new" check
	rm -rf "$host" away
done
ln -s down whole
expect '' -r whole --metadata meta

# ---- what is there and cannot be read is neither gone nor different
printf '{ "storage-driver": "devicemapper" }\n' >daemon.json
if [ "$(id -u)" -eq 0 ]; then
	for part in devicemapper/metadata/transaction-metadata devicemapper/setup-config.json image/devicemapper/repositories.json \
		image/devicemapper/imagedb/metadata devicemapper/metadata/deviceset-metadata; do
		cp -a down unread
		mkdir -p unread/other "unread/${part%/*}"
		[ -e "unread/$part" ] && mv "unread/$part" unread/other/moved
		ln -s /nowhere/at/all "unread/$part"
		run 1 docker_meta -r unread --metadata meta
		has out "^  found +[^ ]*${part##*/}"
		has out '^0 fatal, 0 errors, [1-9][0-9]* warning'
		docker_meta -r unread --metadata meta --daemon-json daemon.json predict >out 2>err
		case $part in
		*transaction*) has out '^  unknown compares the open transaction' ;;
		*setup*) has out '^  unknown sets up direct-lvm' ;;
		*deviceset*) has out '^  unknown reads deviceset-metadata' ;;
		esac
		rm -rf unread
	done
fi
finish
