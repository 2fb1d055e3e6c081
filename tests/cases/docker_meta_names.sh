#!/usr/bin/env bash
# Names with control characters, marks of direction and bytes that are not UTF-8: in no form of any answer do
# they stand as they are, and JSON keeps them.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"
# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"

# ESC [, CSI of 8 bits, the same as UTF-8, right-to-left override, isolate, a lone byte, a cut character.
evil=$(printf 'a\033[2J\233m\302\233n\342\200\256r\342\201\246\377\342\202')
as_json='a\u001b[2J\u009bn\u202er\u2066'

fixture docker-loop-lvm meta
root="host$evil"
host docker-loop-lvm plain
mv plain "$root"
container=95b0aba52a30dde9e64098a50ec3448f041927c7a80838d0c29e9fcf6b29924d
sed -i "s/\"Name\":\"[^\"]*\"/\"Name\":\"\/$as_json\"/" "$root/containers/$container/config.v2.json"
sed -i "s/\"\([a-z0-9]*\):\([a-z0-9]*\)\":\"sha256/\"\1$as_json:\2\":\"sha256/" \
	"$root/image/devicemapper/repositories.json"
cp "$root/devicemapper/metadata/base" "$root/devicemapper/metadata/$evil"
mkdir -p "$root/containers/$evil" "$root/image/devicemapper/layerdb/mounts/$evil"
printf '{"storage-driver":"devicemapper%s","storage-opts":["dm.%s=1","dm.thinpooldev=%s"]}' \
	"$as_json" "$as_json" "$as_json" >daemon.json
printf '{"report":[{"lv":[{"lv_name":"%s","vg_name":"v%s","pool_lv":"%s","thin_id":"7","segtype":"thin"}]}]}' \
	"$as_json" "$as_json" "$as_json" >lvs.json
printf 'docker-%s: 0 8 thin 253:0 7\n' "$evil" >table
printf '36 35 98:0 / /mnt/%s rw - ext4 /dev/mapper/docker-%s rw\n' "$evil" "$evil" >mountinfo
printf '{"tool":"thin_repair","error":"%s"}' "$as_json" >loss.json

# What was said is looked at in the end, all at once.
mkdir said
cat >look.py <<'PY'
import json, os, re, sys
steers = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
for name in sorted(os.listdir("said")):
    text = open("said/" + name, "rb").read()
    what = open("asked/" + name.split(".")[0]).read()
    try:
        characters = text.decode("utf-8")
    except UnicodeDecodeError as e:
        print("%s: not UTF-8: %r" % (what, text[max(0, e.start - 20):e.start + 20]))
        continue
    bad = steers.search(characters)
    if bad:
        print("%s: U+%04X in %r" % (what, ord(bad.group()), characters[max(0, bad.start() - 30):bad.end() + 10]))
    if name.endswith(".out") and "-f json" in what and text:
        json.loads(characters)
PY
mkdir asked

# clean COMMAND...: neither stream has what steers.
clean() {
	nr=$((nr + 1))
	printf '%q ' "$@" >"asked/$nr"
	"$@" >"said/$nr.out" 2>"said/$nr.err" </dev/null
	local got=$?
	[ $got -le 3 ] || [ $got -eq 64 ] || fail "$(cat "asked/$nr"): exit status $got"
}

sources=(--daemon-json daemon.json --lvs-json lvs.json --table table --mountinfo mountinfo)
for command in check list tree du predict plan lint report "show 3" "show $evil" "block 3 0" "block $evil 0" survivors; do
	for form in text json ndjson nagios prometheus html dot; do
		read -ra words <<<"$command"
		clean docker_meta -r "$root" --metadata meta --no-mounts -f $form "${words[@]}"
	done
done
for ((i = 0; i < ${#sources[@]}; i += 2)); do
	for command in check predict lint list; do
		for form in text json nagios; do
			clean docker_meta -r "$root" --metadata meta "${sources[@]:i:2}" -f $form $command
		done
	done
done
clean docker_meta -r "$root" --metadata meta --no-mounts check
[ -s "said/$nr.out" ] || fail "nothing is said"
clean docker_meta -r "$root" --metadata meta --no-mounts -w "$evil" check
clean docker_meta -r "$root" --metadata "$evil" --no-mounts check
clean docker_meta -r "$root" --xml "$evil" check
clean docker_meta -r "$evil" check
clean docker_meta -r "$root" --metadata meta --no-mounts --loss loss.json survivors
clean docker_meta -r "$root" --metadata meta --no-mounts -o "$evil/x" check
clean docker_meta -r "$root" --metadata meta --no-mounts --state "$evil/x" check
clean docker_meta -r "$root" --metadata meta --pool "$evil" check
clean docker_meta "$evil"
clean docker_meta "--$evil"

# ---- the others
fixture basic "$evil"
dd if=/dev/urandom of="$evil" bs=4096 seek=5 count=1 conv=notrunc status=none
truncate -s 4M "out$evil"
clean thin_check "$evil"
clean thin_check --json "$evil"
clean thin_check "$evil$evil"
clean thin_dump "$evil$evil"
clean thin_dump -o "$evil/x" "$evil"
clean thin_repair -i "$evil" -o "out$evil"
clean thin_repair -i "$evil" -o "out$evil" --report "report$evil"
clean thin_repair -i "$evil" -o "$evil"
clean thin_restore -i "$evil" -o "out$evil"
printf '<superblock uuid="" time="%s"' "$evil" >bad.xml
clean thin_restore -i bad.xml -o "out$evil"
clean thin_check "--$evil"
echo report >asked/report
cp "report$evil" said/report.out

python3 look.py >found || fail "what was said cannot be looked at"
[ ! -s found ] || fail "$(cat found)"

# The bytes can be put back.
thin_check --json "$evil" >out 2>err
python3 - "$evil" <<'PY' || fail "a name cannot be put back"
import json, os, re, sys
name = json.load(open("out"))["input"]
back = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m.group(1), 16)]), name.encode())
sys.exit(back != os.fsencode(sys.argv[1]))
PY
finish
