#!/usr/bin/env bash
# docker_meta's forms of output, and what surrounds them.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"

fixture docker-loop-lvm meta
host docker-loop-lvm down
fixture docker-kill9-2 killed
host docker-kill9-2 crashed
schema=$here/docs/docker-meta.schema.json
exited=57a04caa8ded0af18c54eeee9b42dc64aecc0559f7ba96d86d53ea4192c53e22
well=(-r down --metadata meta)
orphan=(-r crashed --metadata killed)

schema_of() { # NAME FILE...: what $defs/NAME says
	nr=$((nr + 1))
	python3 "$here/tests/support/schema.py" "$schema" "$@" >faults || fail "$what: $(head -n 3 faults)"
}

same_text() { # FILE TEXT
	[ "$(cat "$1")" = "$2" ] || fail "$what: $1 is '$(head -c 300 "$1")', not '$2'"
}

# ---- what was looked at
# Each digest is made again by the line that stands beside it.
retrace() {
	local digest command
	run 0 docker_meta -f json "$@"
	schema_of report out
	jq -r '.inputs[] | select(.sha256) | .sha256, .command | @base64' out >pairs
	while read -r digest && read -r command; do
		digest=$(base64 -d <<<"$digest")
		command=$(base64 -d <<<"$command")
		[ "$(sh -c "$command" 2>/dev/null)" = "$digest  -" ] || fail "$what: not $digest: $command"
		nr=$((nr + 1))
	done <pairs
}
retrace "${well[@]}"
[ "$(jq -r '[.inputs[].kind] | join(" ")' out)" = \
	'metadata driver layers images names containers buildkit' ] || fail "inputs: $(jq -c .inputs out)"
[ "$(jq '[.inputs[].fault | select(.)] | length' out)" = 0 ] || fail "inputs have faults"
[ "$(jq '.inputs[1].files' out)" = "$(find down/devicemapper/metadata -type f | wc -l)" ] ||
	fail "the driver's files are not counted"
[ "$(jq '.inputs[0].bytes' out)" = "$(stat -c %s meta)" ] || fail "the metadata's bytes"
cp out before.json

rm -rf "it's"
cp -a down "it's"
mkdir -p "it's/image/devicemapper/layerdb/a b/c" "it's/image/devicemapper/layerdb/a"
odd=$(printf 'x\ny')
echo 1 >"it's/image/devicemapper/layerdb/a b/c/$odd"
echo 2 >"it's/image/devicemapper/layerdb/a/-n"
echo 3 >"it's/image/devicemapper/layerdb/a-b"
echo 4 >"it's/image/devicemapper/layerdb/a/back\\slash"
printf '5' >"$(printf "it's/image/devicemapper/layerdb/\\377")"
echo 6 >"it's/image/devicemapper/layerdb/tar-split.json.gz"
echo 7 >"it's/containers/config.v2.json"
echo '{}' >daemon.json
thin_dump meta -o meta.xml
docker_meta -f json -r "it's" --xml meta.xml --daemon-json daemon.json >json.out 2>err
[ "$(jq -r '.inputs[] | select(.kind == "layers") | .files' json.out)" = \
	$(($(find down/image/devicemapper/layerdb -type f ! -name tar-split.json.gz | wc -l) + 5)) ] ||
	fail "odd names are not counted: $(jq -c '.inputs' json.out)"
jq -r '.inputs[] | .sha256, .command | @base64' json.out >pairs
while read -r digest && read -r command; do
	[ "$(sh -c "$(base64 -d <<<"$command")" 2>&1)" = "$(base64 -d <<<"$digest")  -" ] ||
		fail "odd names: not $(base64 -d <<<"$command")"
done <pairs
what="inputs that changed"
[ "$(jq -r '[.inputs[].kind] | join(" ")' json.out)" = \
	'xml driver layers images names containers buildkit daemon-json' ] || fail "$(jq -c .inputs json.out)"
[ "$(jq -rs '[.[].inputs | map({(.kind): .sha256}) | add] | .[0] as $a | .[1] as $b |
	[$a | keys[] | select($a[.] != $b[.])] | join(" ")' before.json json.out)" = 'layers metadata' ] ||
	fail "other inputs changed than these"
rm -rf host
cp -a down host
rm -r host/image/devicemapper/imagedb
ln -s /etc host/image/devicemapper/imagedb
mkfifo host/containers/fifo host/devicemapper/metadata/fifo
mkdir -p host/devicemapper/metadata/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17
ln -s /etc/passwd host/devicemapper/metadata/link
docker_meta -f json -r host --metadata meta >json.out 2>err
[ "$(jq -c '[.inputs[] | select(.fault) | [.kind, .sha256 == null]]' json.out)" = \
	'[["driver",false],["images",true]]' ] || fail "faults: $(jq -c .inputs json.out)"
[ "$(jq -r '.inputs[] | select(.kind == "driver") | .sha256' json.out)" = \
	"$(jq -r '.inputs[] | select(.kind == "driver") | .sha256' before.json)" ] ||
	fail "what is no file is in the digest"
rm -rf host
cp -a down host
ln -s /etc host/overlay2
mkdir -p host/devicemapper/devicemapper
truncate -s 1M host/devicemapper/devicemapper/data
docker_meta -f json -r host --metadata meta >json.out 2>err
[ "$(jq -c '[.inputs[] | select(.fault) | [.kind, (.path | split("/")[-1]), .sha256]]' json.out)" = \
	'[["data","data",null],["other","overlay2",null]]' ] ||
	fail "what no place has: $(jq -c .inputs json.out)"
schema_of report json.out
docker_meta -f json -r down --xml - <meta.xml >json.out 2>err
[ "$(jq -c '.inputs[0] | [.kind, .sha256, .fault != null]' json.out)" = '["xml",null,true]' ] ||
	fail "standard input: $(jq -c '.inputs[0]' json.out)"

# ---- -o
run 0 docker_meta "${well[@]}"
mv out wanted
echo "docker_meta: old" >report
chmod 600 report
umask 027
run 0 docker_meta "${well[@]}" -o report
empty out
cmp -s wanted report || fail "-o wrote something else"
[ "$(stat -c %a report)" = 600 ] || fail "-o: mode $(stat -c %a report)"
rm report
run 0 docker_meta "${well[@]}" -o report
[ "$(stat -c %a report)" = 640 ] || fail "-o: mode $(stat -c %a report)"
umask 022
run 1 docker_meta "${orphan[@]}" -f json -o "$work/report"
schema_of report report
(cd / && docker_meta -r "$work/down" --metadata "$work/meta" -o "$work/./new") || fail "-o from elsewhere"
cmp -s <(sed 1d wanted) <(sed 1d new) || fail "-o from elsewhere wrote something else"
run 0 docker_meta -q "${well[@]}" -o report
cmp -s report /dev/null || fail "-q -o: the old report is still there"

# Standard output that leads to what was read without being named.
rm -rf host
cp -a down host
mkdir -p host/devicemapper/devicemapper
cp meta host/devicemapper/devicemapper/metadata
here_alone=(-r host --no-dm --no-mounts --no-lvs --no-daemon-json)
run 0 docker_meta "${here_alone[@]}"
for read in devicemapper/devicemapper/metadata image/devicemapper/repositories.json; do
	cp "host/$read" before.read
	command docker_meta "${here_alone[@]}" 1<>"host/$read" 2>err
	[ $? = 64 ] || fail "standard output to host/$read"
	has err 'standard output: it was read as an input'
	cmp -s before.read "host/$read" || fail "host/$read was overwritten"
done
if loop=$(losetup --find --show host/devicemapper/devicemapper/metadata 2>/dev/null); then
	command docker_meta "${here_alone[@]}" >"$loop" 2>err
	[ $? = 64 ] || fail "standard output to a block device"
	has err 'standard output: it is a block device'
	losetup -d "$loop"
	cmp -s meta host/devicemapper/devicemapper/metadata || fail "metadata were overwritten through $loop"
fi
# What only looks like an earlier answer: the state, and a table of something else's.
run 0 docker_meta "${well[@]}" --state told
run 64 docker_meta "${well[@]}" -o told
printf 'DEVICE   TYPE\neth0     ethernet\n' >told
run 64 docker_meta list "${well[@]}" -o told
rm told
run 0 docker_meta list "${well[@]}" -o told
run 0 docker_meta list "${well[@]}" -o told
run 0 docker_meta block "${well[@]}" -f json 23 0 -o told --force
run 0 docker_meta block "${well[@]}" -f json 23 0 -o told
rm told

echo "docker_meta: old" >report
ln -sfn down/image link
mkdir -p plain
listed=$(find . -maxdepth 1 | sort)
run 64 docker_meta "${well[@]}" -o down/report
has err "below Docker's root"
run 64 docker_meta "${well[@]}" -o down/containers/../report
run 64 docker_meta "${well[@]}" -o link/report
run 64 docker_meta "${well[@]}" -o link/../report
run 64 docker_meta "${well[@]}" -o plain/../down/report
run 64 docker_meta -r down/../down --metadata meta -o link/devicemapper/report
run 64 docker_meta "${well[@]}" -o link
has err 'symbolic link'
run 64 docker_meta "${well[@]}" -o plain
run 64 docker_meta "${well[@]}" -o /dev/null
[ -c /dev/null ] || fail "/dev/null was replaced"
run 3 docker_meta "${well[@]}" -o plain/
run 3 docker_meta "${well[@]}" -o not/there
run 3 docker_meta "${well[@]}" -o ''
run 3 docker_meta -r not/there -f json -o report
(ulimit -f 1 && docker_meta "${well[@]}" -f json -o report 2>/dev/null)
[ $? -eq 3 ] || fail "-o on a full disk"
same_text report "docker_meta: old"
[ "$(find . -maxdepth 1 | sort)" = "$listed" ] || fail "-o left something: $(find . -newer report)"
[ -z "$(find down -newer report)" ] || fail "something below the root is new"

# ---- ndjson
run 1 docker_meta "${orphan[@]}" -f ndjson
schema_of all-lines out
lines out 3
[ "$(jq -r '[.type, .id // "", .tool, .root, (.transaction | tostring)] | join(" ")' out)" = \
	"finding X8 docker_meta crashed 65
finding T1 docker_meta crashed 65
summary  docker_meta crashed 65" ] || fail "ndjson: $(cat out)"
run 0 docker_meta "${well[@]}" -f ndjson
lines out 1
run 0 docker_meta -q "${well[@]}" -f ndjson
empty out

# ---- nagios
# A plugin's first line, and figures that are 'label'=value[unit];range;range;min;max.
plugin() { # STATUS WORD ARGUMENT...
	local status=$1 word=$2
	shift 2
	run "$status" docker_meta -f nagios "$@"
	head -n 1 out | grep -qE "^DOCKER_META $word - [^|]+ \| [^|]+$" || fail "$what: $(head -n 1 out)"
	[ "$(grep -c '|' out)" = 1 ] || fail "$what: a bar outside of the first line"
	head -n 1 out | sed 's/.*| //' | tr ' ' '\n' >figures
	range='@?((~|[0-9]+)?:)?[0-9]*'
	! grep -vE "^'[a-z_]+'=[0-9]+B?;($range)?;($range)?;0;[0-9]*$" figures || fail "$what: figures"
}
plugin 0 OK "${well[@]}"
lines out 1
	has out "'data_used'=[0-9]+B;1717986918;1932735283;0;2147483648 'metadata_used'=[0-9]+B;13421772;15099494;0;16777216 'orphan_devices'=0;;;0; "
plugin 0 OK -q "${well[@]}"
plugin 1 WARNING "${orphan[@]}"
has out '^DOCKER_META WARNING - 1 warning, first X8 orphaned device; 1 orphan with '
has out "'orphan_devices'=1;.*'pending_transaction'=1;;;0;1 'deleted_pending'=3;.*'findings_warning'=1;"
has out '^warning X8 orphaned device: device 3'
plugin 2 CRITICAL "${orphan[@]}" -c orphans=0
plugin 0 OK "${orphan[@]}" -w orphans=1 -c orphan-bytes=1G
has out 'nothing wrong; 1 orphan'
has out "'orphan_devices'=1;1;;0; 'orphan_bytes'=[0-9]+B;;1073741824;0;"
plugin 1 WARNING "${well[@]}" -w data=1,metadata=1:60 -c data=50
has out 'data [0-9.]+% \(warning 1%\)'
has out "'data_used'=[0-9]+B;21474836;1073741824;0;2147483648 'metadata_used'=[0-9]+B;167772:10066329;;0;"
rm -rf host
cp -a down host
jq -c '.Name = "/a|b\nc\u0007" | .State.Dead = true' down/containers/95b0*/config.v2.json >edited
cat edited >"$(echo host/containers/95b0*/config.v2.json)"
rm host/devicemapper/metadata/$exited
plugin 1 WARNING -r host --metadata meta
lacks out "$(printf '\007')"
has out 'a\?b\?c'
[ "$(grep -cvE '^(DOCKER_META|fatal|error|warning|info) ' out)" = 0 ] || fail "a name made a line of its own"
run 3 docker_meta -f nagios -r not/there
has out '^DOCKER_META UNKNOWN - not/there: No such file'
run 3 docker_meta -f nagios -r down
has out '^DOCKER_META UNKNOWN - down: .*give --metadata DEV .*; nothing wrong in Docker'
run 3 docker_meta -f nagios "$(printf -- '-ra|\nb')"
has out '^DOCKER_META UNKNOWN - a..b: '
run 3 docker_meta -f nagios -r down --metadata not/there -o answer
empty out
has answer '^DOCKER_META UNKNOWN - not/there'
run 3 docker_meta -f nagios -r down --xml meta.xml -w metadata=80
has out '^DOCKER_META UNKNOWN - metadata unknown; '
lacks out metadata_used

# ---- prometheus
# Each metric has HELP and TYPE before its samples, all samples stand together, none is there twice.
exposition() {
	awk '
	/^# HELP docker_meta_[a-z_]+ [^ ].*\.$/ { help = $3; next }
	/^# TYPE docker_meta_[a-z_]+ gauge$/ { if ($3 != help || seen[$3]++) bad = 1; type = $3; next }
	/^docker_meta_[a-z_]+\{([a-z]+="([^"\\]|\\["\\n])*",?)+\} [0-9]+$/ {
		name = $0; sub(/\{.*/, "", name)
		series = $0; sub(/ [0-9]+$/, "", series)
		if (name != type || twice[series]++) bad = 1
		next
	}
	{ bad = 1 }
	bad { print; exit 1 }' "$1" || fail "$what: no exposition"
	! command -v promtool >/dev/null || promtool check metrics <"$1" >told 2>&1 ||
		fail "$what: promtool: $(head -n 3 told)"
}
run 1 docker_meta "${orphan[@]}" -f prometheus -o docker.prom
exposition docker.prom
for line in 'up{root="crashed"} 1' 'status{root="crashed"} 1' 'orphan_devices{root="crashed"} 1' \
	'findings{severity="warning",class="X",root="crashed"} 1' 'pending_transaction{root="crashed"} 1' \
	'findings{severity="error",class="C",root="crashed"} 0' 'pool_transaction{root="crashed"} 65' \
	'pool_data_bytes{state="total",root="crashed"} 2147483648' \
	'deleted_pending_devices{root="crashed"} 3' 'devices{role="orphan",root="crashed"} 1'; do
	grep -qxF "docker_meta_$line" docker.prom || fail "prometheus: no $line"
done
odd=$(printf 'a"\\\n\377')
cp -a down "$odd"
run 0 docker_meta -f prometheus -r "$odd" --metadata meta
exposition out
has out '^docker_meta_up\{root="a\\"\\\\\\n\?"\} 1$'
run 0 docker_meta -f prometheus -q -r down --xml meta.xml
exposition out
lacks out metadata_bytes
run 3 docker_meta -f prometheus -r not/there -o docker.prom
exposition docker.prom
has docker.prom '^docker_meta_up\{root="not/there"\} 0$'

# ---- thresholds
run 0 docker_meta "${well[@]}" -w data=80,metadata=60,orphans=0,orphan-bytes=0,deleting=9
run 1 docker_meta "${well[@]}" -w data=1
has out '^warning   limit   data is [0-9.]+%, beyond --warning 1%$'
run 2 docker_meta "${well[@]}" -w data=1 -c data=2
run 2 docker_meta "${well[@]}" -c metadata=@0:50
run 1 docker_meta "${well[@]}" -w data=50:
run 0 docker_meta "${well[@]}" -w 'data=~:50'
run 1 docker_meta "${orphan[@]}" -w deleting=2
run 0 docker_meta -q "${orphan[@]}" -w orphans=1
empty out
run 1 docker_meta "${orphan[@]}" -c data=80
run 3 docker_meta -r down --xml meta.xml -w metadata=60
has out 'metadata: not known'
run 1 docker_meta -r down --xml meta.xml -w metadata=60,data=1
run 1 docker_meta -f json "${well[@]}" -w data=1
schema_of report out
[ "$(jq -c '.thresholds | map([.what, .warning, .critical, .level])' out)" = \
	'[["data","1%",null,"warning"]]' ] || fail "thresholds: $(jq -c .thresholds out)"
for bad in data data= data=101 data=90:80 data=80,data=90 disk=80 'data=80,' orphans=1K; do
	refused 64 docker_meta "${well[@]}" -w "$bad"
	has err '^docker_meta: --warning: '
done
refused 64 docker_meta "${well[@]}" -c nothing=1
has err 'data, metadata, orphans, orphan-bytes, deleting'
refused 64 docker_meta "${well[@]}" list -w data=80

# ---- --state
state() { # STATUS ARGUMENT...
	run "$1" docker_meta --state kept "${@:2}"
}
state 1 "${orphan[@]}"
has out '^the first time: 2 new, 0 gone, 2 in all$'
has out '^warning   X8 '
state 0 "${orphan[@]}"
lacks out X8
has out '^since the last time: 0 new, 0 gone, 2 in all$'
cp kept kept.before
state 0 -q "${orphan[@]}"
empty out
cmp -s kept kept.before || fail "the state of the same findings is another one"
rm -rf changed
cp -a crashed changed
mv crashed aside
mv changed crashed
touch crashed/devicemapper/metadata/README
state 2 -q "${orphan[@]}"
has out '^fatal     J3 '
lacks out X8
has out '1 new, 0 gone, 4 in all' # and that Docker does not start
has out '^error     start '
state 0 "${orphan[@]}" -f json
schema_of report out
[ "$(jq -c '[.findings, .changes.new, .status]' out)" = '[[],0,0]' ] || fail "--state -f json: $(jq -c .changes out)"
rm -r crashed
mv aside crashed
state 0 -q "${orphan[@]}" -f ndjson
schema_of all-lines out
[ "$(jq -c 'select(.type == "summary") | .changes.gone | map(.id)' out)" = '["J3","start"]' ] || fail "gone: $(cat out)"
state 1 "${orphan[@]}" -w data=1
has out 'limit   data is'
state 0 "${orphan[@]}" -w data=1
lacks out limit
state 2 "${orphan[@]}" -c data=1
state 0 -q "${orphan[@]}" -c data=1
empty out
# Slashes make no other root; another root is none of ours.
state 0 -r ./crashed/ --metadata killed -c data=1
cp kept kept.before
state 3 "${well[@]}"
has err 'another root'
for text in '{' '[]' '{}' 'root:x:0' '{"tool":"docker_meta","state":2,"root":"x","told":[]}'; do
	echo "$text" >foreign
	run 3 docker_meta "${orphan[@]}" --state foreign
	empty out
	same_text foreign "$text"
done
: >fresh
run 1 docker_meta "${orphan[@]}" --state fresh
[ -s fresh ] || fail "an empty state is not written"
# What could not be told is told the next time.
rm kept
run 3 docker_meta "${orphan[@]}" --state kept -o not/there
[ ! -e kept ] || fail "the state was written though nothing was told"
run 3 docker_meta -r not/there --state kept
[ ! -e kept ] || fail "the state was written though nothing was read"
run 3 docker_meta "${orphan[@]}" --state crashed/kept
has err "below Docker's root"
ln -s kept to-kept
run 64 docker_meta "${orphan[@]}" --state to-kept
for _ in 1 2 3 4 5 6; do
	docker_meta "${orphan[@]}" --state kept >/dev/null 2>>together &
done
wait
what="runs at the same time"
empty together
jq -e '.told | length == 2' kept >/dev/null || fail "runs at the same time broke the state"
[ -z "$(find . -maxdepth 1 -name '.kept*')" ] || fail "runs at the same time left something"
refused 64 docker_meta "${orphan[@]}" --state kept list
refused 64 docker_meta "${orphan[@]}" --state kept -f nagios
refused 64 docker_meta "${orphan[@]}" --state kept -f html
# A start that goes wrong is new once, too.
printf '{ "storage-driver": "overlay2" }\n' >overlay2.json
rm -f started
run 2 docker_meta "${well[@]}" --daemon-json overlay2.json --state started -q
has out '^error     start '
run 0 docker_meta "${well[@]}" --daemon-json overlay2.json --state started -q
empty out
run 2 docker_meta "${well[@]}" --daemon-json overlay2.json -f ndjson
schema_of all-lines out
jq -e 'select(.type == "summary") | .start | test("overlay2")' out >/dev/null || fail "-f ndjson: no reason"
refused 64 docker_meta "${orphan[@]}" --state kept -o kept
refused 64 docker_meta "${orphan[@]}" --state neither -o ./neither

# ---- list
column() { # NUMBER SORT: of list
	docker_meta "${orphan[@]}" list --columns "$1" --sort "$2" | sed 1d
}
run 0 docker_meta "${orphan[@]}" list
has out '^DEVICE HASH .* STATE$'
has out '^ *5 - .* in flight$'
[ "$(awk 'length > 80' out | wc -l)" = 0 ] || fail "list is wider than 80 columns"
column id id | tr -d ' ' | sort -nc || fail "not by id"
column id -id | tr -d ' ' | sort -nrc || fail "not by id downward"
column transaction transaction | tr -d ' ' | sort -nc || fail "not by transaction"
column hash hash | LC_ALL=C sort -c || fail "not by hash"
column owner owner | LC_ALL=C sort -c || fail "not by owner"
[ "$(column state -state | uniq -c | wc -l)" = "$(column state state | sort -u | wc -l)" ] || fail "not by state"
# The same value: in the table's order, both ways.
column state,id state | sed -n 's/^ok  *//p' | sort -nc || fail "--sort is not stable"
column state,id -state | sed -n 's/^ok  *//p' | sort -nc || fail "--sort downward is not stable"
for name in role size mapped exclusive; do
	[ "$(column id $name | sort)" = "$(column id id | sort)" ] || fail "--sort $name loses devices"
done
[ "$(column mapped -mapped | head -n 1 | tr -d ' ')" = "$(jq -r '[.devices[].mapped_blocks // 0] | max * 65536 / 1048576 | round | tostring + "M"' \
	<(docker_meta "${orphan[@]}" -f json))" ] || fail "the largest is not the first"
run 0 docker_meta "${orphan[@]}" list --columns state,id
has out '^STATE +DEVICE$'
lacks out ' $'
refused 64 docker_meta "${orphan[@]}" list --columns id,colour
has err 'id, hash, role, owner, size, mapped, exclusive, transaction, state'
refused 64 docker_meta "${orphan[@]}" list --columns id,id
refused 64 docker_meta "${orphan[@]}" list --columns ''
refused 64 docker_meta "${orphan[@]}" list --sort colour
has err "'colour' is none of id, hash"
refused 64 docker_meta "${orphan[@]}" list --sort --
refused 64 docker_meta "${orphan[@]}" check --sort id
refused 64 docker_meta "${orphan[@]}" list -f json --sort id

# ---- colour
on_terminal() { # what the command prints there
	TERM=xterm script -qec "$*" /dev/null | tr -d '\r'
}
escape=$(printf '\033')
on_terminal docker_meta "${orphan[@]}" >out
has out "^$escape\[33mwarning $escape\[0m  X8 "
on_terminal env NO_COLOR=1 docker_meta "${orphan[@]}" >out
lacks out "$escape"
has out '^warning   X8 '
on_terminal env TERM=dumb docker_meta "${orphan[@]}" >out
lacks out "$escape"
on_terminal docker_meta "${orphan[@]}" -o painted
lacks painted "$escape"
run 1 docker_meta "${orphan[@]}"
lacks out "$escape"

# ---- -q
run 0 docker_meta -q "${well[@]}" predict
empty out
rm -rf host
cp -a down host
printf '{"open_transaction_id":60,"device_hash":"%s","device_id":23}' $exited \
	>host/devicemapper/metadata/transaction-metadata
run 2 docker_meta -q -r host --metadata meta predict
[ -s out ] || fail "predict -q says nothing of a loss"

# ---- JSON of what nobody expects
rm -rf host
cp -a down host
printf '{"open_transaction_id":18446744073709551615,"device_hash":"%s","device_id":23}' $exited \
	>host/devicemapper/metadata/transaction-metadata
touch "$(printf 'host/devicemapper/metadata/a\377b')"
run 2 docker_meta -f json -r host --metadata meta
schema_of report out
[ "$(jq -r .driver.open_transaction out)" = 18446744073709551615 ] || fail "a large number is not exact"
[ "$(jq -r '.findings[] | select(.id == "J3") | .object' out)" = 'a\xffb' ] ||
	fail "a name that is no UTF-8 is lost"
run 2 docker_meta -f ndjson -r host --metadata meta
schema_of all-lines out
for bundle in docker-live:held docker-pool-full:full; do
	fixture "${bundle%:*}" "${bundle#*:}"
	host "${bundle%:*}" other
	docker_meta -f json -r other --metadata "${bundle#*:}" --metadata-snap >json.out 2>err ||
		docker_meta -f json -r other --metadata "${bundle#*:}" >json.out 2>err
	schema_of report json.out
done
# What the schema does not know fails.
docker_meta -f json "${orphan[@]}" | jq ".findings[0].other = 1" >changed.json
python3 "$here/tests/support/schema.py" "$schema" report changed.json >faults && fail "the schema lets anything pass"
has faults other

# ---- docs/monitoring.md
what=docs/monitoring.md
for unit in docker-meta.service docker-meta.timer; do
	awk -v head="\`/etc/systemd/system/$unit\`:" '
	$0 == head { on = 1; next }
	on && /^    / { print substr($0, 5); some = 1; next }
	on && some && NF { exit }
	on && some { print "" }' "$here/docs/monitoring.md" |
		sed "s|/usr/local/sbin/docker_meta|$build/bin/docker_meta|; /^Documentation=/d" >$unit
	grep -q '^\[' $unit || fail "$what: no $unit"
	nr=$((nr + 1))
	! command -v systemd-analyze >/dev/null || SYSTEMD_UNIT_PATH=$work: systemd-analyze verify ./$unit >told 2>&1 ||
		fail "$what: $unit: $(head -n 3 told)"
done
# Its command lines are right ones.
sed -n 's|^.*/usr/local/sbin/docker_meta \(-[^|]*\)$|\1|p; s|^    docker_meta \(-[^|]*\)$|\1|p' "$here/docs/monitoring.md" |
	sed "s|-o /[^ ]*|-o prom|; s|--state /[^ ]*|--state kept2|" >commands
[ "$(wc -l <commands)" -ge 4 ] || fail "$what: no commands"
while read -r arguments; do
	# shellcheck disable=SC2086 # a list of words
	run 0 docker_meta "${well[@]}" $arguments
done <commands
# Every metric and every figure is explained.
docker_meta -f prometheus "${well[@]}" | sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' >names
docker_meta -f nagios "${well[@]}" | grep -o "'[a-z_]*'=" | tr -d "'=" >>names
docker_meta -f json "${well[@]}" | jq -r '.inputs[].kind' >>names
while read -r name; do
	grep -q "\`$name\`" "$here/docs/monitoring.md" || fail "$what does not explain $name"
done <names

valid
finish
