#!/usr/bin/env bash
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

new() {
	rm -f good
	truncate -s 16M good
}

zero() { # FILE BLOCK
	dd if=/dev/zero of="$1" bs=4096 seek="$2" count=1 conv=notrunc status=none
}

content() {
	thin_dump "$1" >content.xml && expand_xml content.xml
}

# Repairs ./hurt, and everybody is content with the result; the input stays as it was.
repairs() {
	cp hurt hurt.before
	new
	run 0 thin_repair "$@" -i hurt -o good
	unchanged hurt.before hurt
	run 0 thin_check --strict good
	if [ -x /usr/sbin/thin_check ] && [ "$(/usr/sbin/thin_check -V)" = 0.9.0 ]; then
		run 0 /usr/sbin/thin_check -q good
	fi
}

# ---- undamaged: nothing is lost, and the content is the same
for image in "$fixtures"/*.raw; do
	cp --sparse=always "$image" hurt
	repairs
	new
	run 0 thin_repair --strict -i hurt -o good
	has err 'nothing was lost$'
	lines err 1
	content "$image" | sed 's/ flags="1"//' >before.txt
	content good >after.txt
	cmp -s before.txt after.txt || fail "$what: another content"
done

fixture many-snaps snaps
content snaps >snaps.txt
root=$(damage snaps get 320 8)
details=$(damage snaps get 328 8)

# ---- roots, and space maps: nothing is lost
for block in "$root" "$details" "$(damage snaps get 80 8)" "$(damage snaps get 88 8)" \
	"$(damage snaps get 208 8)" "$(damage snaps get 216 8)"; do
	cp --sparse=always snaps hurt
	zero hurt "$block"
	repairs -q
	content good >after.txt
	cut -d ' ' -f 1-4 snaps.txt | grep -v '<' | sort | cksum >wanted
	cut -d ' ' -f 1-4 after.txt | grep -v '<' | sort | cksum | cmp -s - wanted ||
		fail "block $block: mappings were lost"
done

# ---- both trees of devices at once: nobody can know, but earlier commits can be chosen
fixture basic hurt
zero hurt 157
zero hurt 158
new
refused 1 thin_repair -i hurt -o good
has err 'nothing tells which devices there were; thin_repair --candidates lists'
run 0 thin_repair --candidates -i hurt
has out '^mapping-root details-root transaction  *time  devices  *mappings  *reused$'
has out '^ *149 *153 *1 *3 *7 *494 *-$'
lacks out 'current'
repairs --allow-older
new
run 0 thin_repair --allow-older --report lost.json -i hurt -o good
has err 'this is an EARLIER commit .mapping root 149, details root 153.'
has err '7 devices, 494 mappings'
if command -v jq >/dev/null; then
	[ "$(jq -c '[.summary.older_commit, .summary.mapping_root]' lost.json)" = '[true,149]' ] ||
		fail "an earlier commit in the report"
fi
repairs --mapping-root 141 --details-root 144
new
run 0 thin_repair --mapping-root 141 --details-root 144 -i hurt -o good
has err '8 devices, 592 mappings'
run 0 thin_repair --candidates -i snaps
has out '^ *1240 *1236 *8 *200 *194 *283722 *0  current$'
fixture basic whole
new
run 0 thin_repair --allow-older --aggressive -i whole -o good # there is no reason for either
has err 'nothing was lost$'
lines err 1
head -c 100000 /dev/zero >hurt
refused 1 thin_repair --candidates -i hurt
refused 64 thin_repair --mapping-root 141 -i whole -o good
has err 'go together'
refused 64 thin_repair --mapping-root 0 --details-root 0 -i whole -o good
refused 64 thin_repair --mapping-root 149 --details-root 153 --allow-older -i whole -o good
refused 64 thin_repair --candidates -i whole -o good
refused 64 thin_repair --candidates -i whole --strict
refused 1 thin_repair --mapping-root 116 --details-root 158 -i whole -o good # a device's leaf
has err 'block 116 is no root of a mapping tree'
refused 1 thin_repair --mapping-root 157 --details-root 157 -i whole -o good
has err 'block 157 is no root of device details'

# ---- an old version of a leaf where the last write was lost
fixture basic hurt
damage hurt stale 83 62
repairs
new
run 0 thin_repair -i hurt -o good --data-block-size 128 --transaction-id 2
has err 'older than the last commit, a write of theirs was lost; they were left out$'

# ---- a leaf: its own mappings, which are told
cp --sparse=always snaps hurt
zero hurt 2893
repairs
new
run 0 thin_repair -i hurt -o good --data-block-size 128 --transaction-id 2
has err '^thin_repair: hurt: lost: block 2893: what there was of thin blocks 3775 and above'
has err 'device 68: 1248 of 1379 mappings kept, 131 lost$'
has err '194 devices, 282936 mappings saved; 786 mappings of 6 devices are lost$'
run 1 thin_repair --strict -i hurt -o good
run 0 thin_check good
run 0 thin_repair -q -i hurt -o good
empty err
run 0 thin_repair --report lost.json -i hurt -o good
if command -v jq >/dev/null; then
	[ "$(jq -c '[.summary.mappings_lost, .summary.devices_hit, .losses[0], .findings]' lost.json)" = \
		'[786,6,{"block":2893,"devices":[68,69,70,71,72,82],"begin":3775,"end":null},{"block-checksum":1}]' ] || fail "the report as JSON"
fi
new
cp good small
refused 1 thin_repair --report no/such/place -i hurt -o good
unchanged small good # before hours of work
run 0 thin_dump --repair hurt
has out '</superblock>$'
has err 'are lost$'
run 0 thin_dump -r -q hurt
empty err
run 0 thin_dump --repair snaps
empty err
cmp -s out <(thin_dump snaps) || fail "--repair of what is whole is another dump"

# ---- more mappings than there should be: something is not current
fixture basic hurt
damage hurt stale 116 53
zero hurt 147
new
run 1 thin_repair --strict -i hurt -o good
has err 'device 11: 228 mappings, but its details say 145: one of these is not current$'
lacks err 'nothing was lost'

# ---- a device that claims to be newer than all others: the pool's time stays
fixture basic hurt
damage hurt snap-time 0 4294967295
new
run 0 thin_repair --strict -i hurt -o good
run 0 thin_check --strict good
run 0 thin_dump --repair hurt
has out 'superblock .* time="4"'
lacks out 'snap_time="4294967295"'

# ---- what contradicts itself is written and reported, but nobody is told that it is good
fixture metadata-snapshot hurt
damage hurt stale 84 77
damage hurt stale 94 27
new
run 1 thin_repair --report lost.json -i hurt -o good
has err 'what was made contradicts itself'
has lost.json '"contradicts_itself": *true'
lacks err 'nothing was lost'
run 1 thin_dump --repair hurt
has out '</superblock>$'
has err 'what was made contradicts itself'

# ---- a superblock and something of the last commit: found all the same, or nothing is taken for it
for block in 157 159; do # mapping root, index
	fixture basic hurt
	zero hurt 0
	zero hurt $block
	new
	run 0 thin_repair --data-block-size 128 -i hurt -o good
	has err 'the superblock was lost'
	lacks err 'EARLIER'
done
fixture basic hurt
zero hurt 0
zero hurt 156 # its bitmap
new
run 1 thin_repair --data-block-size 128 -i hurt -o good
has err 'something of what may be the last commit.*index block 159'
run 0 thin_repair --data-block-size 128 --allow-older -i hurt -o good
has err 'EARLIER commit'
run 0 thin_repair --data-block-size 128 --candidates -i hurt

# ---- a device that was snapshotted later than it says is protected from now on
fixture basic hurt
damage hurt snap-time 0 0
new
run 0 thin_repair --report lost.json -i hurt -o good
has err 'by their details 1 devices would overwrite'
has err 'no mapping was lost'
has lost.json '"snapshotted_times_raised": *1'
run 0 thin_check good
run 0 thin_repair --strict -i hurt -o good
run 0 thin_dump --repair hurt
has out 'dev_id="0".*snap_time="4"'
has err 'by their details 1 devices would overwrite'

# ---- where nothing can be made the report says why
head -c 65536 /dev/zero >hurt
new
run 1 thin_repair --report lost.json -i hurt -o good
has lost.json '"error": *"hurt: the superblock is lost'
lacks lost.json '"summary"'
run 1 thin_repair --report lost.json -i hurt -o .
has lost.json '"error"'

# ---- the options about the pool only raise what is there
cp --sparse=always snaps hurt
new
run 0 thin_repair --strict --nr-data-blocks 10 --transaction-id 1 -i hurt -o good
has err 'transaction-id is below what is there'
has err 'nr-data-blocks is below what is there'
run 0 thin_dump good
has out 'transaction="8" version="2" data_block_size="128" nr_data_blocks="16384"'

# ---- single mappings
fixture basic hurt
damage hurt swap-keys 1 2
repairs
fixture basic hurt
damage hurt mapped 1 99
repairs
fixture basic hurt
damage hurt super 4000 1 1
repairs

# ---- blocks in each other's places
cp --sparse=always snaps hurt
a=$root
b=$details
dd if=snaps of=hurt bs=4096 skip="$a" seek="$b" count=1 conv=notrunc status=none
dd if=snaps of=hurt bs=4096 skip="$b" seek="$a" count=1 conv=notrunc status=none
repairs --strict

# ---- the superblock
cp --sparse=always snaps hurt
zero hurt 0
new
refused 1 thin_repair -i hurt -o good
has err 'give --data-block-size'
repairs --data-block-size 128 --nr-data-blocks 16384 --transaction-id 8
content good >after.txt
cmp -s after.txt snaps.txt || fail "a lost superblock: another content"
cp --sparse=always snaps hurt
printf 'x' | dd of=hurt bs=1 seek=3000 conv=notrunc status=none # its checksum only
repairs --strict

# ---- an output that is too small is left alone
truncate -s 1M good
cp good small
refused 1 thin_repair -i snaps -o good
has err 'Output file too small'
unchanged small good

# ---- help, wrong usage, bad files
run 0 thin_repair --help
has out '^Usage: thin_repair \[options\] -i '
run 0 thin_repair -V
has out '^[0-9]+\.[0-9]+\.[0-9]+$'
new
run 0 thin_repair '' -i snaps -o good # as lvconvert does
run 0 thin_repair -i snaps -o good ''
for tool in thin_repair thin_dump; do
	manual=$here/$tool/$tool.8
	$tool --help | grep -o -- ' --[a-z-]*' | tr -d ' ' | sort -u | while read -r option; do
		grep -q -- "Fl -${option#--}\\b" "$manual" || echo "$option"
	done >undocumented
	empty undocumented
done
new
cp good before
refused 64 thin_repair
refused 64 thin_repair -i snaps
refused 64 thin_repair -o good
refused 64 thin_repair -i snaps -o good more
refused 64 thin_repair -i snaps -o good --hedgehogs-only
refused 64 thin_repair -i snaps -o snaps
refused 64 thin_repair -i snaps -o good --report snaps
refused 64 thin_repair -i snaps -o good --report good
refused 64 thin_repair -i snaps -o good --data-block-size 100
refused 64 thin_repair -i snaps -o good --nr-data-blocks 0
refused 64 thin_repair --candidates
refused 64 thin_dump --repair -m snaps
thin_dump snaps >snaps.xml
(printf '<\200'; head -c 100000 /dev/urandom) >junk
mkdir directory
for input in not-there directory snaps.xml junk /dev/null; do
	refused 1 thin_repair -i $input -o good
	has err "^thin_repair: $input: "
done
has err 'Not a block device'
unchanged before good
refused 1 thin_repair -i snaps -o not-there
has err "Couldn't find output file"
(
	ulimit -f 100
	thin_repair -i snaps -o good
) 2>err && fail "a file that may not grow went unnoticed"
for bytes in 20000 20480; do
	run 1 prlimit --fsize=$bytes thin_repair -i snaps -o good
	has err 'File too large'
done

# ---- what was written over the first block is no reason to refuse the rest
for over in LABELONE XFSB; do
	cp snaps hurt
	dd if=/dev/zero of=hurt bs=4k count=1 conv=notrunc status=none
	at=512
	[ $over = LABELONE ] || at=0
	printf '%s' $over | dd of=hurt bs=1 seek=$at conv=notrunc status=none
	cp snaps good
	run 0 thin_repair -i hurt -o good --data-block-size 128 --transaction-id 2
	has err 'nothing was lost'
	run 1 thin_check hurt
	has err 'thin_repair'
	run 1 thin_check --json hurt
	jq -e '.superblock == null' out >/dev/null || fail "no JSON of what was overwritten"
done
finish
