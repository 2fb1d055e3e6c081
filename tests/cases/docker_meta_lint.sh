#!/usr/bin/env bash
# How Docker, LVM and the host are configured: lint, check --lint, predict.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"

fixture docker-loop-lvm meta
host docker-loop-lvm down
fixture docker-pool-full full
host docker-pool-full filled
mkdir -p bare proc/sys/kernel
echo 4.19.0-27-amd64 >proc/sys/kernel/osrelease

# linted WANTED ARGUMENT...: the findings of lint as "G2:object", worst first, without G14 and G5
linted() {
	local wanted=$1 got
	shift
	got=$(docker_meta lint -f json "$@" 2>err |
		jq -r '[.findings[] | select(.id != "G14" and .id != "G5") |
			.id + ":" + (.object // "") + (if .severity == "fatal" then "" else "(" + .severity + ")" end)] |
			join(" ")')
	nr=$((nr + 1))
	[ "$got" = "$wanted" ] || fail "lint $*: '$got', not '$wanted' ($(cat err))"
}

# file WANTED TEXT: a daemon.json of this text
file() {
	printf '%b' "$2" >daemon.json
	linted "$1" -r bare --daemon-json daemon.json
}

where=(-r bare)
# opts WANTED OPTION...: storage-opts, beside what the healthy host has
opts() {
	local wanted=$1
	shift
	jq -n '{"storage-driver": "devicemapper", "storage-opts": $ARGS.positional}' --args -- "$@" >daemon.json
	linted "$wanted" "${where[@]}" --daemon-json daemon.json
}

# at LINE COLUMN TEXT WORDS: a fault of syntax is told where it is, and what it is
at() {
	printf '%b' "$3" >daemon.json
	run 2 docker_meta lint -r bare --daemon-json daemon.json
	tr -s ' \n' ' ' <out >flat
	has flat "line $1 column $2: $4"
	has out '^fatal +G1 '
	run 2 docker_meta predict -r down --metadata meta --daemon-json daemon.json
	has out '^  stops +reads daemon.json: line '
}

# ---- a healthy host
good='{"storage-driver": "devicemapper", "storage-opts": ["dm.basesize=1G"]}'
file '' "$good"
file '' '{"storage-driver": "devicemapper"}'
file 'G13:(warning)' '{}'
run 1 docker_meta lint -r down --metadata meta --daemon-json daemon.json
printf '%s' "$good" >daemon.json
run 1 docker_meta lint -r down --metadata meta --daemon-json daemon.json
has out '^warning +G5 '
has out '^info +G14 '
has out '^  23, 24 +ready: '
has out '^  25 +not ready: '
has out '^  daemon.json read: daemon.json: storage-driver devicemapper, 1 storage-opts'
[ "$(awk 'length > 80' out | wc -l)" = 0 ] || fail "lint is wider than 80 columns"
run 0 docker_meta check -r down --metadata meta --daemon-json daemon.json
has out '^0 fatal, 0 errors, 0 warnings'
run 1 docker_meta check --lint -r down --metadata meta --daemon-json daemon.json
has out '^warning +G5 '
run 0 docker_meta predict -r down --metadata meta --daemon-json daemon.json
has out '^  ok +reads daemon.json'
has out 'engine 23 and 24 start as well'
run 0 docker_meta lint -r down --metadata meta
has out 'of this host.s own'
has out '^  23, 24 +not known: '
run 0 docker_meta lint -r down --metadata meta --no-daemon-json
run 0 docker_meta -q lint -r down --metadata meta
empty out

# ---- before there is anything: the file alone
run 1 docker_meta lint --daemon-json daemon.json
run 3 docker_meta check --daemon-json daemon.json
run 1 docker_meta lint -r bare --daemon-json daemon.json
docker_meta lint -f json --daemon-json <(printf '{"data-root": "%s/down"}' "$PWD") >piped
[ "$(jq -r .root piped)" = "$PWD/down" ] || fail "data-root of a pipe is not taken"
nr=$((nr + 1))
refused 3 docker_meta lint -r down --daemon-json not/there
refused 3 docker_meta lint -r down --daemon-json .
run 64 docker_meta lint --daemon-json daemon.json --no-daemon-json

# ---- the data-root of the file is the root
printf '{"data-root": "%s/down", "storage-driver": "devicemapper"}' "$PWD" >rooted.json
run 0 docker_meta check --metadata meta --daemon-json rooted.json
has out "^docker_meta: $PWD/down$"
printf '{"graph": "%s/down"}' "$PWD" >rooted.json
run 0 docker_meta check --metadata meta --daemon-json rooted.json

# ---- syntax (G1)
at 1 1 '// c\n{}' 'a comment'
at 2 3 '{\n  # c\n}' 'a comment'
at 1 12 '{"debug":1,/* x */}' 'a comment'
at 2 1 '{"debug": true,\n}' 'a comma before this bracket'
at 1 16 '{"hosts": ["a",]}' 'a comma before this bracket'
at 1 16 '{"debug": true "init": true}' 'a comma is missing'
at 1 10 '{"debug" = true}' ".=. behind a key"
at 1 2 '{debug: true}' 'a key without quotes'
at 1 2 "{'debug': true}" 'a single quote'
at 1 11 '{"debug": True}' 'true, false and null are written small'
at 1 12 '{"bridge": none}' 'a value without quotes'
at 1 12 '{"bridge": "none}' 'a text that does not end'
at 2 12 '{\n "bridge": "no\nne"}' 'a text that does not end in its line'
at 1 9 '{"mtu": 01}' 'no number'
at 1 13 '{"mtu": 1500k}' 'a unit behind a number'
at 1 15 '{"debug": true' 'the end, where a closing bracket'
at 1 11 '{"debug": ' 'the end, where a value'
at 1 15 '{"debug": true]' ".\\]. where .}."
at 1 2 '{\xe2\x80\x9cdebug\xe2\x80\x9d: true}' 'a typographic quote'
at 1 14 '{"bridge": "a\\q"}' 'a backslash'
file 'G1:daemon.json' ''
file 'G1:daemon.json' '\n\n'
file 'G1:daemon.json' '[]'
file 'G1:daemon.json' '\xef\xbb\xbf{"storage-driver": "devicemapper"}'
file 'G1:daemon.json(warning)' '{"storage-driver": "devicemapper"} }'
file 'G1:daemon.json' '{"bridge": "\xff", "storage-driver": "devicemapper"}'
head -c 100000 /dev/zero | tr '\0' '[' >daemon.json
linted 'G1:daemon.json' -r down --metadata meta --daemon-json daemon.json

# ---- every truncation of a file is told, and nothing dies of it
printf '%s' "$good" >whole.json
for size in $(seq 1 $(($(wc -c <whole.json) - 1))); do
	head -c "$size" whole.json >daemon.json
	docker_meta lint -r bare --daemon-json daemon.json >out 2>err
	[ $? -eq 2 ] || fail "daemon.json cut to $size bytes is not told"
done
nr=$((nr + 1))

# ---- keys (G2)
driver='"storage-driver": "devicemapper"'
file 'G2:data_root' "{$driver, \"data_root\": \"/x\"}"
file 'G2:Debug' "{$driver, \"Debug\": true}"
run 2 docker_meta lint -r down --metadata meta --daemon-json daemon.json
has out 'is "debug" meant'
file 'G2:debug' "{$driver, \"debug\": \"true\"}"
file 'G2:mtu' "{$driver, \"mtu\": 1.5}"
file 'G2:hosts' "{$driver, \"hosts\": \"unix://\"}"
file 'G2:storage-opts' "{$driver, \"storage-opts\": [1]}"
file 'G2:log-opts' "{$driver, \"log-opts\": []}"
file 'G2:graph G2:graph(warning)' "{$driver, \"graph\": \"/a\", \"data-root\": \"/b\"}"
file 'G2:debug(warning)' "{$driver, \"debug\": true, \"debug\": false}"
file 'G2:storage-opt(warning)' "{$driver, \"storage-opt\": [\"dm.fs=xfs\"]}"
file 'G2:http-proxy(warning) G2:proxies(warning)' "{$driver, \"proxies\": {\"http-proxy\": \"x\"}}"
file 'G2:cluster-store(warning)' "{$driver, \"cluster-store\": \"x\"}"
file 'G2:bip6(warning)' "{$driver, \"bip6\": \"x\"}"
file 'G2:inner G2:outer(warning)' "{$driver, \"outer\": {\"inner\": 1, \"debug\": true}}"
file '' "{$driver, \"log-opts\": {\"max-size\": \"10m\"}, \"debug\": null, \"default-ulimits\": {\"nofile\": {\"Name\": \"nofile\"}}}"
run 2 docker_meta lint -r down --metadata meta --daemon-json <(printf '{"a\033b": 1}')
lacks out "$(printf '\033')"

# ---- options (G3, G4, G9, G10, G11, G18)
opts '' dm.basesize=20G dm.loopdatasize=200GB dm.loopmetadatasize=4gib dm.fs=xfs
opts '' dm.basesize=1.5G dm.mkfsarg=-i dm.mkfsarg=-K dm.mountopt=discard dm.blkdiscard=F dm.blocksize=64K \
	dm.use_deferred_removal=true dm.use_deferred_deletion=1 dm.min_free_space=0% dm.xfs_nospace_max_retries=0 \
	dm.override_udev_sync_check=False dm.libdm_log_level=7 'DM.FS = xfs'
for bad in basesize= basesize=10X basesize=-1 basesize=G basesize=1e9 basesize=99999999P basesize=0 \
	loopdatasize=1,5G fs=btrfs blkdiscard=yes use_deferred_removal=on min_free_space=100% min_free_space=5.5% \
	min_free_space=% xfs_nospace_max_retries=-1 libdm_log_level=8 libdm_log_level=1 blocksize=32K blocksize=100K \
	blocksize=4G directlvm_device_force=2 thinpooldev=/dev/docker/thinpool; do
	opts "G3:dm.${bad%%=*}" "dm.$bad"
done
opts 'G3:nonsense' nonsense
opts 'G4:dm.min_free_space' dm.min_free_space=10
opts 'G3:dm.fs(warning)' dm.fs=xfs dm.fs=xfs
opts "G3:dm.directlvm_device" "dm.directlvm_device='/dev/xvdf'"
opts "G3:dm.thinpooldev" "dm.thinpooldev='docker-thinpool'"
opts '' dm.thinpooldev=/dev/mapper/docker-thinpool
opts 'G18:dm.base_size' dm.base_size=10G
run 2 docker_meta lint -r bare --daemon-json daemon.json
tr -s ' \n' ' ' <out >flat
has flat 'is dm.basesize meant'
opts 'G18:overlay2.override_kernel_check' overlay2.override_kernel_check=true
opts 'G9:dm.datadev' dm.datadev=/dev/sdb dm.metadatadev=/dev/sdb
opts '' dm.datadev=/dev/sdb dm.metadatadev=/dev/sdc
opts 'G10:dm.directlvm_device' dm.thinpooldev=docker-thinpool dm.directlvm_device=/dev/sdb
opts 'G11:dm.use_deferred_deletion' dm.use_deferred_removal=false dm.use_deferred_deletion=true
opts 'G11:dm.use_deferred_deletion(warning)' dm.use_deferred_removal=false
opts 'G11:dm.use_deferred_deletion(warning)' dm.use_deferred_deletion=true
opts 'G3:dm.directlvm_device' dm.thinp_percent=95 dm.thinp_metapercent=1
where=(-r down --metadata meta)
opts 'G11:dm.use_deferred_deletion' dm.use_deferred_removal=false
opts '' dm.use_deferred_deletion=true
opts 'G12:dm.basesize' dm.basesize=512M
run 2 docker_meta predict -r down --metadata meta --daemon-json daemon.json
has out '^  stops +finds dm.basesize=512M'
opts 'G3:dm.blocksize' dm.blocksize=128K
run 2 docker_meta predict -r down --metadata meta --daemon-json daemon.json
has out '^  stops +loads the pool with data blocks'
opts '' dm.basesize=2G
run 0 docker_meta predict -r down --metadata meta --daemon-json daemon.json
has out '^  ok +grows the base device'
opts '' dm.thinpooldev=docker-thinpool dm.blocksize=128K
file 'G18:dm.fs=xfs' '{"storage-driver": "overlay2", "storage-opts": ["dm.fs=xfs", "overlay2.size=1G"]}'
run 2 docker_meta predict -r down --metadata meta --daemon-json daemon.json
has out '^  loses +starts with the storage driver overlay2'

# ---- direct-lvm that Docker set up (G3, G6, J22 to J24)
lvm=(dm.directlvm_device=/dev/sdb)
rm -rf fresh
cp -a down fresh
setup=fresh/devicemapper/setup-config.json
where=(-r fresh --metadata meta)
echo '{"Device":"/dev/sdb","ThinpPercent":95,"ThinpMetaPercent":1,"AutoExtendPercent":0,"AutoExtendThreshold":80}' >$setup
lvm+=(dm.thinp_percent=95 dm.thinp_metapercent=1% dm.thinp_autoextend_threshold=80)
opts '' "${lvm[@]}"
opts 'J22:setup-config.json' "${lvm[@]}" dm.thinp_autoextend_percent=20
opts 'J22:setup-config.json' "${lvm[@]/sdb/sdc}"
opts 'J23:setup-config.json' dm.fs=xfs
opts '' dm.thinpooldev=docker-thinpool
file '' "{$driver}"
linted 'J23:setup-config.json(info)' -r fresh --metadata meta --daemon-json daemon.json
for command in check predict; do
	jq -n '{"storage-opts": ["dm.fs=xfs"]}' >daemon.json
	run 2 docker_meta $command -r fresh --metadata meta --daemon-json daemon.json
	has out 'J23|stops +sets up direct-lvm'
done
run 0 docker_meta check -r fresh --metadata meta
: >$setup
opts 'J24:setup-config.json' "${lvm[@]}"
rm $setup
opts 'J24:setup-config.json' "${lvm[@]}"
echo '{"Device":' >$setup
opts 'J22:setup-config.json' "${lvm[@]}"
rm $setup
ln -s /etc/passwd $setup
opts 'J22:setup-config.json(warning)' "${lvm[@]}"
rm $setup
where=(-r bare)
opts '' "${lvm[@]}"
opts 'G3:dm.thinp_percent' dm.directlvm_device=/dev/sdb dm.thinp_percent=95
opts 'G3:dm.thinp_percent' dm.directlvm_device=/dev/sdb dm.thinp_percent=95 dm.thinp_metapercent=6
opts 'G3:dm.thinp_percent' dm.directlvm_device=/dev/sdb dm.thinp_percent=100
opts 'G6:dm.thinp_autoextend_threshold(warning)' dm.directlvm_device=/dev/sdb dm.thinp_autoextend_threshold=100
opts 'G6:dm.thinp_autoextend_threshold(info)' dm.directlvm_device=/dev/sdb dm.thinp_autoextend_threshold=30

# ---- dm.min_free_space and the pool (P2)
jq -n '{"storage-opts": ["dm.min_free_space=0%"]}' >daemon.json
expect 'X8:7 X8:8' -r filled --metadata full --daemon-json daemon.json
jq -n '{"storage-opts": ["dm.min_free_space=1%"]}' >daemon.json
expect 'P2: X8:7 X8:8' -r filled --metadata full --daemon-json daemon.json
jq -n '{"storage-opts": ["dm.fs=xfs"]}' >daemon.json
expect 'P2: X8:7 X8:8' -r filled --metadata full --daemon-json daemon.json
run 2 docker_meta check -r filled --metadata full --daemon-json daemon.json
tr -s ' \n' ' ' <out >flat
has flat '41 of 6400 data blocks are free; dm.min_free_space: 10%[^.]*, 640 blocks'
linted 'P2:(info)' -r filled --metadata full
expect 'X8:7 X8:8' -r filled --metadata full

# ---- engines (G1 and G2 by what an engine of 23 has left)
cp -a down later
touch later/engine-id
printf '%s x' "$good" >daemon.json
linted 'G1:daemon.json' -r later --metadata meta --daemon-json daemon.json
: >daemon.json
linted 'G13:(warning) G1:daemon.json(info)' -r later --metadata meta --daemon-json daemon.json
run 2 docker_meta predict -r later --metadata meta --daemon-json daemon.json
has out '^  ok +takes devicemapper because'
has out '^  stops   Docker 23 and 24 stop here, after all of that'

# ---- the kernel (G15)
printf '%s' "$good" >daemon.json
linted '' -r down --metadata meta --daemon-json daemon.json --proc proc
for release in 3.10.0-1160.el7.x86_64 4.3.6; do
	echo $release >proc/sys/kernel/osrelease
	linted 'G15:(warning)' -r down --metadata meta --daemon-json daemon.json --proc proc
done

# ---- what the configuration makes go wrong is told by lint as by check
printf '{"storage-driver": "overlay2"}' >daemon.json
run 2 docker_meta lint -r down --metadata meta --daemon-json daemon.json
has out '^  loses +starts with the storage driver overlay2'
run 2 docker_meta check --lint -r down --metadata meta --daemon-json daemon.json
run 2 docker_meta lint -f json -r down --metadata meta --daemon-json daemon.json
jq -e '.start | startswith("starts with the storage driver overlay2")' out >/dev/null || fail "no start in JSON"
printf '%s' "$good" >daemon.json
run 1 docker_meta lint -f json -r down --metadata meta --daemon-json daemon.json
jq -e '.start == null' out >/dev/null || fail "a start that goes well"

# ---- flags of the unit's file, on the host that the root is at home on (G19)
if unshare --mount true 2>err; then
	cat >living.sh <<-END
		mount -t tmpfs none /etc && mount -t tmpfs none /var/lib && mkdir -p /etc/sysconfig /etc/docker || exit 99
		cp -a down /var/lib/docker
		printf '%s' '$good' >/etc/docker/daemon.json
		printf 'DOCKER_STORAGE_OPTIONS="%s"\n' "\$1" >/etc/sysconfig/docker-storage
		docker_meta lint -f json
	END
	flags() { # WANTED FLAGS
		unshare --mount bash living.sh "$2" >json.out 2>err
		nr=$((nr + 1))
		[ "$(jq -r '[.findings[] | select(.id == "G19") | .severity] | join(" ")' json.out)" = "$1" ] ||
			fail "flags $2: $(head -c 300 err) $(jq -c '[.findings[].id]' json.out)"
	}
	flags '' ''
	flags '' '--log-level debug'
	flags warning '--storage-driver devicemapper'
	flags warning '-s devicemapper'
	flags warning '--storage-opt dm.fs=xfs'
else
	echo 'skipped: flags of the unit: no mount namespace can be had here'
fi

# ---- LVM (P11, T11, G6, G7, G8)
cat >healthy.json <<'END'
{"report": [{"lv": [
 {"lv_name":"root", "vg_name":"system", "lv_attr":"-wi-ao----", "lv_size":"20.00g"},
 {"lv_name":"[lvol0_pmspare]", "vg_name":"docker", "lv_attr":"ewi-------", "lv_size":"1073741824B"},
 {"lv_name":"thinpool", "vg_name":"docker", "lv_attr":"twi-aot---", "lv_size":"<95.00g", "data_percent":"61.20",
  "metadata_percent":"11.02", "lv_metadata_size":"1.00g", "seg_monitor":"monitored", "lv_when_full":"queue",
  "lv_health_status":"", "lv_check_needed":"", "transaction_id":"0", "thin_count":"0", "chunk_size":"512.00k",
  "discards":"passdown", "zero":"", "lv_profile":"docker-thinpool", "vg_free":"40.00g"},
 {"lv_name":"[thinpool_tdata]", "vg_name":"docker", "lv_attr":"Twi-ao----", "lv_size":"<95.00g"},
 {"lv_name":"[thinpool_tmeta]", "vg_name":"docker", "lv_attr":"ewi-ao----", "lv_size":"1.00g"}]}]}
END
jq -n '{"storage-driver": "devicemapper", "storage-opts": ["dm.thinpooldev=docker-thinpool"]}' >daemon.json

# volumes WANTED FILTER: with this change to what lvs says
volumes() {
	jq "(.report[0].lv[] | select(.lv_name == \"thinpool\")) |= (. | $2)" healthy.json >lvs.json
	linted "$1" -r down --metadata meta --daemon-json daemon.json --lvs-json lvs.json
}

volumes '' .
run 0 docker_meta lint -r down --metadata meta --daemon-json daemon.json --lvs-json lvs.json
tr -s ' \n' ' ' <out >flat
has flat 'docker/thinpool, 95G, data 61.2%, metadata 11.0%, chunks of 512K, monitored, when full queue'
volumes 'G7:thinpool(error)' '.seg_monitor = "not monitored"'
volumes 'G6:thinpool(info)' '.lv_profile = ""'
volumes '' 'del(.lv_profile, .seg_monitor, .vg_free, .lv_size, .lv_when_full)'
volumes 'G8:thinpool(warning)' '.vg_free = "1.00g"'
volumes 'G8:thinpool(warning)' '.vg_free = "0"'
volumes 'G8:thinpool(warning)' '.lv_metadata_size = "2.00g"'
volumes 'T11:thinpool(error)' '.transaction_id = "58"'
volumes '' '.transaction_id = "59"'
jq 'del(.report[0].lv[1])' healthy.json >lvs.json
linted 'G8:thinpool(warning)' -r down --metadata meta --daemon-json daemon.json --lvs-json lvs.json
expect 'P2: P11: X8:7 X8:8' -r filled --metadata full --daemon-json daemon.json --lvs-json healthy.json
jq '(.report[0].lv[] | select(.lv_name == "thinpool")).lv_when_full = "error"' healthy.json >lvs.json
expect 'P2: X8:7 X8:8' -r filled --metadata full --daemon-json daemon.json --lvs-json lvs.json
linted '' -r bare --daemon-json daemon.json --lvs-json <(cat healthy.json)
for text in '' '{' '[]' '{}' '{"report": 1}'; do
	printf '%s' "$text" >lvs.json
	refused 3 docker_meta check -r down --metadata meta --lvs-json lvs.json
done
run 0 docker_meta check -r down --metadata meta --lvs-json healthy.json

valid
finish
