#!/usr/bin/env bash
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

new() {
	rm -f meta
	truncate -s "${1:-4M}" meta
}

# The output has no superblock: nobody takes it for metadata.
wiped() {
	cmp -s -n 4096 meta /dev/zero || fail "$what: the output still has a superblock"
}

# ---- dump, restore, dump: the same content, and every checker is content
for image in "$fixtures"/*.raw; do
	name=$(basename "$image" .raw)
	thin_dump "$image" >before.xml
	new 16M
	run 0 thin_restore -i before.xml -o meta
	empty out
	empty err
	run 0 thin_check --strict meta
	run 0 thin_dump meta
	expand_xml before.xml >before.txt
	expand_xml out >after.txt
	cmp -s before.txt after.txt || fail "$name: restored metadata has another content"
	[ "$(grep -c '<def' before.xml)" = "$(grep -c '<def' out)" ] ||
		fail "$name: something else is shared"
	cp meta again
	thin_dump again >again.xml
	new 16M
	run 0 thin_restore -i again.xml -o meta
	cmp -s meta again || fail "$name: restored twice is not the same"
	if [ -x /usr/sbin/thin_check ] && [ "$(/usr/sbin/thin_check -V)" = 0.9.0 ]; then
		run 0 /usr/sbin/thin_check -q meta
	fi
done

# ---- ways to give the input
fixture basic basic
thin_dump basic >basic.xml
new
thin_restore -i basic.xml -o meta
cp meta wanted
gzip -k basic.xml
new
run 0 thin_restore -i basic.xml.gz -o meta
cmp -s meta wanted || fail "gzip'd input"
new
run 0 thin_restore -i - -o meta <basic.xml
cmp -s meta wanted || fail "standard input"
new
run 0 thin_restore --input=- --output=meta < <(cat basic.xml.gz)
cmp -s meta wanted || fail "a gzip'd pipe"
split -n 3 basic.xml part.
for part in part.*; do
	gzip -c "$part"
done >members.gz
(cat members.gz; head -c 700000 /dev/zero) >padded.gz
(cat padded.gz; gzip -c part.aa) >behind.gz
(cat members.gz; echo '<more/>') >garbage.gz
for name in members padded; do
	new
	run 0 thin_restore -i $name.gz -o meta
	cmp -s meta wanted || fail "$name: members of gzip, one after the other"
	new
	run 0 thin_restore -i - -o meta <$name.gz
	cmp -s meta wanted || fail "$name: through a descriptor"
done
cp members.gz before.garbage
cp padded.gz before.behind
for name in behind garbage; do
	cp wanted meta
	refused 1 thin_restore -i $name.gz -o meta
	has err "$name.gz: its gzip data ends before byte $(stat -c %s "before.$name"), and something else follows"
	wiped
done
new
cp basic.xml gone.xml
exec 5<gone.xml
rm gone.xml
run 0 thin_restore -i /proc/$$/fd/5 -o meta # as LVM does
exec 5<&-
cmp -s meta wanted || fail "a file that has no name any more"
new
run 0 thin_restore -q -i basic.xml -o meta
empty err

# ---- overrides
new
run 0 thin_restore --transaction-id 77 --data-block-size 256 --nr-data-blocks 500000 -i basic.xml -o meta
run 0 thin_dump meta
has out 'transaction="77" version="2" data_block_size="256" nr_data_blocks="500000"'
run 0 thin_check --strict meta # the space map has all 31 bitmaps
new
refused 1 thin_restore --nr-data-blocks 10 -i basic.xml -o meta
has err 'nr_data_blocks is 10'

# ---- dialects: of 0.9.0, of LVM, with a declaration, comments, long empty elements, another order
sb='<superblock uuid="" time="1" transaction="2" flags="0" version="2" data_block_size="128" nr_data_blocks="1000">'
dev='<device dev_id="1" mapped_blocks="1" transaction="0" creation_time="0" snap_time="1">'
map='<single_mapping origin_block="3" data_block="9" time="0"/>'
end='</device></superblock>'
accepts() {
	printf '%s' "$1" >in.xml
	new
	run 0 thin_restore -i in.xml -o meta
	run 0 thin_check --strict meta
}
accepts "$sb$dev$map</device></superblock>"
accepts "<superblock uuid=\"\" time=\"1\" transaction=\"5\" data_block_size=\"128\" nr_data_blocks=\"1000\">
 <device dev_id=\"1\" mapped_blocks=\"7\" transaction=\"0\" creation_time=\"0\" snap_time=\"1\">
  <range_mapping origin_begin=\"0\" data_begin=\"0\" length=\"7\" time=\"0\"/>
 </device>
</superblock>"
accepts "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!-- a > comment <device> -->
$sb<!-- > -->
$dev
<single_mapping  time='0' data_block='9'
  origin_block='3'></single_mapping><!-- > -->
</device>
</superblock>
<!-- the end -->"
run 0 thin_dump meta
has out '<single_mapping origin_block="3" data_block="9" time="0"/>'
accepts "$sb<device dev_id=\"7\" mapped_blocks=\"0\" transaction=\"0\" creation_time=\"0\" snap_time=\"0\"/>$dev$map</device></superblock>"
run 0 thin_dump meta
[ "$(grep -o 'dev_id="[0-9]*"' out | tr '\n' ' ')" = 'dev_id="1" dev_id="7" ' ] || fail "devices are sorted"
accepts "${sb/uuid=\"\"/uuid=\"$(printf '%038d' 0)\"}$dev$map$end"
# A def that nobody refers to: what is left when a device was taken out of a dump by hand.
accepts "$sb<def name=\"a\"><single_mapping origin_block=\"0\" data_block=\"7\" time=\"0\"/></def>$dev$map$end"
run 0 thin_dump meta
lacks out 'def|data_block="7"'
accepts "$sb<def name=\"any &lt;name&gt;\">$map</def>$dev<ref name=\"any &lt;name&gt;\"/></device></superblock>"

# ---- strict: where, what, and what was expected; and nobody takes the output for metadata
rejects() { # MESSAGE XML
	printf '%s' "$2" >in.xml
	cp wanted meta
	refused 1 thin_restore -i in.xml -o meta
	has err "^thin_restore: in.xml:[0-9]+:[0-9]+: .*$1"
	wiped
}
rejects 'no element found' ''
rejects 'no element found' "$sb$dev$map"
rejects 'mismatched tag' "$sb$dev$map</superblock>"
rejects 'junk after document element' "$sb</superblock>$sb</superblock>"
rejects 'junk after document element' "$sb$dev$map$end x"
rejects 'not well-formed' "$sb$dev<single_mapping origin_block=3 data_block=\"9\" time=\"0\"/>$end"
rejects 'duplicate attribute' "$sb$dev<single_mapping origin_block=\"3\" origin_block=\"3\" data_block=\"9\" time=\"0\"/>$end"
rejects 'unknown element <thing>' "$sb<thing/></superblock>"
rejects 'unknown element <thing>' '<thing/>'
rejects "unknown attribute 'colour' in <single_mapping>" "$sb$dev<single_mapping origin_block=\"3\" data_block=\"9\" time=\"0\" colour=\"red\"/>$end"
rejects "missing attribute 'time' in <single_mapping>" "$sb$dev<single_mapping origin_block=\"3\" data_block=\"9\"/>$end"
rejects "missing attribute 'name' in <ref>" "$sb$dev<ref/>$end"
rejects 'a second <superblock>' "$sb$sb</superblock></superblock>"
rejects 'outside of <superblock>' "$dev$map</device>"
rejects 'it belongs into <def> or <device>' "$sb$map</superblock>"
rejects 'it belongs into <device>' "$sb<def name=\"a\">$map<ref name=\"a\"/></def></superblock>"
rejects 'it belongs into <superblock>' "$sb<def name=\"a\"><def name=\"b\">$map</def></def></superblock>"
rejects 'text where an element was expected' "$sb$dev$map oops$end"
rejects 'document type' "<!DOCTYPE superblock [<!ENTITY a \"b\">]>$sb</superblock>"
rejects 'undefined entity' "$sb$dev$map&a;$end"
rejects 'a character reference' "$sb$dev<single_mapping origin_block=\"&#51;\" data_block=\"9\" time=\"0\"/>$end"
rejects 'a character reference' "$sb$dev<single_mapping origin_block=\"3\" data_block=\"9\" time=\"&#x30;\"/>$end"
rejects 'a character reference' "$sb$dev$map&#32;$end"
rejects 'a character reference' "$sb<def name=\"a&#10;b\">$map</def></superblock>"
rejects 'a CDATA section' "$sb$dev<![CDATA[ ]]>$map$end"
rejects 'a CDATA section' "$sb$dev<![CDATA[$map]]>$end"
rejects 'a processing instruction' "$sb$dev<?a b?>$map$end"
rejects 'a processing instruction' "<?a b?>$sb$dev$map$end"
rejects 'a processing instruction' "$sb$dev$map$end<?a b?>"
rejects 'uuid of 39 bytes in <superblock>: expected at most 38' "${sb/uuid=\"\"/uuid=\"$(printf '%039d' 0)\"}$dev$map$end"
rejects 'thin block 3 after thin block 3' "$sb$dev$map$map$end"
rejects 'thin block 2 after thin block 3' "$sb$dev$map<single_mapping origin_block=\"2\" data_block=\"8\" time=\"0\"/>$end"
rejects 'thin block 5 after thin block 9' "$sb$dev<range_mapping origin_begin=\"0\" data_begin=\"0\" length=\"10\" time=\"0\"/><single_mapping origin_block=\"5\" data_block=\"20\" time=\"0\"/>$end"
rejects 'data block 1000, but nr_data_blocks is 1000' "$sb$dev<single_mapping origin_block=\"3\" data_block=\"1000\" time=\"0\"/>$end"
rejects 'data block 1001, but nr_data_blocks is 1000' "$sb$dev<range_mapping origin_begin=\"3\" data_begin=\"998\" length=\"4\" time=\"0\"/>$end"
rejects 'length="0"' "$sb$dev<range_mapping origin_begin=\"3\" data_begin=\"9\" length=\"0\" time=\"0\"/>$end"
rejects 'beyond any device' "$sb$dev<range_mapping origin_begin=\"18446744073709551610\" data_begin=\"9\" length=\"40\" time=\"0\"/>$end"
rejects 'expected a decimal number' "$sb$dev<single_mapping origin_block=\"-3\" data_block=\"9\" time=\"0\"/>$end"
rejects 'expected a decimal number' "$sb$dev<single_mapping origin_block=\"0x3\" data_block=\"9\" time=\"0\"/>$end"
rejects 'expected a decimal number' "$sb$dev<single_mapping origin_block=\"\" data_block=\"9\" time=\"0\"/>$end"
rejects 'expected a decimal number' "$sb$dev<single_mapping origin_block=\"3\" data_block=\"9\" time=\"16777216\"/>$end"
rejects 'expected a decimal number' "$sb$dev<single_mapping origin_block=\"3\" data_block=\"1099511627776\" time=\"0\"/>$end"
rejects 'expected a decimal number' "$sb$dev<single_mapping origin_block=\"99999999999999999999\" data_block=\"9\" time=\"0\"/>$end"
rejects 'expected a decimal number' "$sb${dev/dev_id=\"1\"/dev_id=\"16777216\"}$map$end"
rejects 'a second device 1' "$sb$dev$map</device>$dev$map$end"
rejects 'device 1 has 1 mappings, but its mapped_blocks is 2' "$sb${dev/mapped_blocks=\"1\"/mapped_blocks=\"2\"}$map$end"
rejects "a second def named 'a'" "$sb<def name=\"a\">$map</def><def name=\"a\">$map</def></superblock>"
rejects "def 'a' is empty" "$sb<def name=\"a\"/></superblock>"
rejects "no def named 'a'" "$sb$dev<ref name=\"a\"/>$end"
rejects "def 'a' begins with thin block 3" "$sb<def name=\"a\">$map</def>$dev<single_mapping origin_block=\"5\" data_block=\"8\" time=\"0\"/><ref name=\"a\"/>$end"
rejects 'data_block_size="100"' "${sb/\"128\"/\"100\"}</superblock>"
rejects 'expected a decimal number' "${sb/\"1000\"/\"9999999999999\"}</superblock>"
# What a dump says of old metadata, and what the kernel does not read, stops nobody.
accepts "${sb/version=\"2\"/version=\"0\"}</superblock>"
accepts "${sb/version=\"2\"/version=\"17\"}</superblock>"
rejects 'expected a decimal number' "${sb/version=\"2\"/version=\"x\"}</superblock>"
printf '%s\n' "$sb" "  $dev" "    $map" "    <single_mapping origin_block=\"4\" data_block=\"x\" time=\"0\"/>" "$end" >in.xml
refused 1 thin_restore -i in.xml -o meta
has err 'in.xml:4:5: data_block="x" in <single_mapping>: expected a decimal number from 0 to'
run 1 thin_restore -q -i in.xml -o meta
empty err
(printf '%s<!--' "$sb"; head -c 3000000 /dev/zero | tr '\0' x; printf -- '--></superblock>') >in.xml
refused 1 thin_restore -i in.xml -o meta
has err 'more than 1 MiB'

# A long tag full of '>' is refused, and soon.
(printf '%s<device dev_id="' "$sb"; head -c 900000 /dev/zero | tr '\0' '>'; printf '"/></superblock>') >in.xml
run 1 timeout 20 thin_restore -i in.xml -o meta

# ---- an output that is too small is left alone
fixture many-snaps snaps
thin_dump snaps >snaps.xml
truncate -s 1M meta
cp meta small
refused 1 thin_restore -i snaps.xml -o meta
has err 'Output file too small: it has 1048576 bytes, and [0-9]+ are needed \([0-9]+ metadata blocks\); nothing was written'
unchanged small meta
needed=$(grep -o 'and [0-9]* are needed' err | tr -dc 0-9)
new "$needed"
run 0 thin_restore -i snaps.xml -o meta
run 0 thin_check --strict meta
has out 'METADATA_FREE_BLOCKS=0'
new $((needed - 4096))
run 1 thin_restore -i snaps.xml -o meta
: >meta
run 1 thin_restore -i basic.xml -o meta
printf '%s' "$sb$dev<range_mapping origin_begin=\"0\" data_begin=\"0\" length=\"900\" time=\"0\"/>$end" | sed 's/mapped_blocks="1"/mapped_blocks="900"/; s/nr_data_blocks="1000"/nr_data_blocks="1099511627776"/' >in.xml
new
run 1 thin_restore -i in.xml -o meta
has err 'too much for any metadata device'

# A few lines that stand for a thousand million mappings: told at once, and by their number alone.
bomb() { # DEVICES LENGTH
	echo '<superblock uuid="" time="1" transaction="2" data_block_size="128" nr_data_blocks="100000000">'
	for device in $(seq "$1"); do
		echo "<device dev_id=\"$device\" mapped_blocks=\"$2\" transaction=\"0\" creation_time=\"0\" snap_time=\"1\">"
		echo "<range_mapping origin_begin=\"0\" data_begin=\"0\" length=\"$2\" time=\"0\"/></device>"
	done
	echo '</superblock>'
}
(
	bomb 10 100000000 | sed '$d'
	echo "<def name=\"a\"><range_mapping origin_begin=\"0\" data_begin=\"0\" length=\"9\" time=\"0\"/></def>"
	echo '</superblock>'
) >in.xml
new
(
	ulimit -t 20
	refused 1 thin_restore -i in.xml -o meta
	exit "$failed"
) || failed=$((failed + 1))
has err 'it has 4194304 bytes, and at least 163[0-9]{8} are needed'
bomb 1 20000000 >in.xml
new
run 1 thin_restore -i in.xml -o meta
has err 'and at least [0-9]+ are needed'
bound=$(grep -o 'least [0-9]* are needed' err | tr -dc 0-9)
new 300M # not far too small: precise
run 1 thin_restore -i in.xml -o meta
has err 'and [0-9]+ are needed'
needed=$(grep -o 'and [0-9]* are needed' err | tr -dc 0-9)
if [ "$bound" -gt "$needed" ] || [ "$bound" -lt $((needed - needed / 50)) ]; then
	fail "at least $bound bytes, but $needed"
fi

# ---- a write that fails is noticed, and why
limited() {
	(
		ulimit -f "$1"
		refused 1 thin_restore -i snaps.xml -o meta
		exit "$failed"
	) || failed=$((failed + 1))
	has err 'cannot write to meta: File too large'
}
for limit in 2 3 300 301; do
	new 16M
	limited "$limit"
done
cat >full.sh <<-'EOF'
	mkdir full && mount -t tmpfs -o size=1m none full || exit 77
	truncate -s 16M full/meta
	thin_restore -i snaps.xml -o full/meta
EOF
if unshare --user --map-root-user --mount true 2>err; then
	run 1 unshare --user --map-root-user --mount sh full.sh
	has err 'cannot write to full/meta: No space left on device'
	lines err 1
fi

# ---- a superblock that is older than a mapping: its next snapshot would not protect that
echo '<superblock uuid="" time="1" transaction="3" data_block_size="128" nr_data_blocks="9">
<device dev_id="1" mapped_blocks="1" transaction="0" creation_time="0" snap_time="4">
<single_mapping origin_block="0" data_block="5" time="7"/></device></superblock>' >late.xml
cp wanted meta
run 0 thin_restore -i late.xml -o meta
has err "superblock's time is 7 now"
run 0 thin_check --strict meta

# A time that no pool can have stays with its device, and the pool's stays as it is.
sed 's/snap_time="4"/snap_time="4294967295"/; s/time="7"/time="1"/' late.xml >far.xml
run 0 thin_restore -i far.xml -o meta
empty err
thin_dump meta >again.xml
has again.xml 'snap_time="4294967295"'
has again.xml '^<superblock uuid="" time="1" '
run 0 thin_restore -i again.xml -o meta

# ---- a data block at two places: harmless while whoever writes to it copies it first
single() { # THIN DATA TIME
	printf '<single_mapping origin_block="%s" data_block="%s" time="%s"/>' "$@"
}
device() { # ID SNAP_TIME MAPPING...
	local id=$1 time=$2
	shift 2
	printf '<device dev_id="%s" mapped_blocks="%s" transaction="0" creation_time="0" snap_time="%s">\n' "$id" $# "$time"
	printf '%s\n' "$@" '</device>'
}
# A device that would overwrite a block of its own in place.
rejects 'data block 9 a second time in device 1' "$sb$(device 1 1 "$(single 3 9 1)" "$(single 5 9 0)")</superblock>"
rejects 'data block 9 a second time in device 2' "$sb$(device 1 0 "$(single 3 8 1)")$(device 2 0 "$(single 3 9 0)" "<range_mapping origin_begin=\"5\" data_begin=\"7\" length=\"1\" time=\"0\"/>" "$(single 7 9 1)")</superblock>"
has err 'in.xml:6:1: '
rejects 'data block 9 a second time in this def' "$sb<def name=\"a\">$(single 3 9 0)$(single 5 9 0)</def>$(device 1 0 "$(single 3 9 0)")</superblock>"
accepts "$sb$(device 1 1 "$(single 3 9 0)" "$(single 5 9 0)")</superblock>"
run 0 thin_restore -i in.xml -o meta
empty err
accepts "$sb$(device 1 1 "$(single 3 9 0)")$(device 2 1 "$(single 3 9 0)")</superblock>"
harmful() { # XML: written, and told
	printf '%s' "$1" >in.xml
	new
	run 0 thin_restore -i in.xml -o meta
	empty out
	has err "^thin_restore: meta: thin_check will call it damaged: device $2 would overwrite in place $3"
	mv err told
	run 0 thin_restore -q -i in.xml -o meta
	empty err
	run 1 thin_check meta
	has err 'mapping-shared'
}
harmful "$sb$(device 1 1 "$(single 3 9 0)")$(device 2 0 "$(single 3 9 0)")</superblock>" 2 1
has told 'data block 9 is mapped by device 1 and by device 2, one of which'
lines told 2
# Blocks of a def: one device that takes them for its own is one too many only if there is another.
shared="<def name=\"a\">$(single 3 9 1)$(single 4 8 0)</def>"
own="<device dev_id=\"1\" mapped_blocks=\"2\" transaction=\"0\" creation_time=\"0\" snap_time=\"1\"><ref name=\"a\"/></device>"
accepts "$sb$shared$own</superblock>"
run 0 thin_restore -i in.xml -o meta
empty err
harmful "$sb$shared$own${own/dev_id=\"1\"/dev_id=\"2\"}</superblock>" 1 1
harmful "$sb$shared$own$(device 2 2 "$(single 3 9 1)")</superblock>" 1 1
harmful "$sb$shared$(device 2 1 "$(single 3 9 1)")${own/snap_time=\"1\"/snap_time=\"2\"}</superblock>" 2 1
(
	printf '%s\n' "$sb"
	for id in $(seq 12); do
		device "$id" 0 "$(single 3 9 0)"
	done
	echo '</superblock>'
) >many.xml
harmful "$(cat many.xml)" 10 1
has told 'the same of 2 more devices'
lines told 12
# What does not fit is not searched for them.
bomb 10 100000000 | sed 's/snap_time="1"/snap_time="0"/' >in.xml
new
run 1 timeout 20 thin_restore -i in.xml -o meta
has err 'at least'

# ---- what no metadata device holds is told at once; a name is no place for a second line
sed 's/nr_data_blocks="9"/nr_data_blocks="1099511627776"/
	s/mapped_blocks="1"/mapped_blocks="1099511627776"/
	s|<single.*"/><|<range_mapping origin_begin="0" data_begin="0" length="1099511627776" time="0"/><|' \
	late.xml >endless.xml
refused 1 thin_restore -i endless.xml -o meta
has err 'too much for any metadata device'
sed 's|<device.*|<def name="a\x7fb"></def>|' late.xml >name.xml
refused 1 thin_restore -i name.xml -o meta
has err "def 'a.x7fb' is empty"

# ---- help, wrong usage, bad files
run 0 thin_restore --help
has out '^Usage: thin_restore \[options\] -i '
run 0 thin_restore -V
has out '^[0-9]+\.[0-9]+\.[0-9]+$'
manual=$here/thin_restore/thin_restore.8
thin_restore --help | grep -o -- ' --[a-z-]*' | tr -d ' ' | sort -u | while read -r option; do
	grep -q -- "Fl -${option#--}\\b" "$manual" || echo "$option"
done >undocumented
empty undocumented
cp wanted meta
refused 64 thin_restore
refused 64 thin_restore -i basic.xml
refused 64 thin_restore -o meta
refused 64 thin_restore -i basic.xml -o meta more
refused 64 thin_restore -i basic.xml -o meta --hedgehogs-only
refused 64 thin_restore -i basic.xml -o meta --data-block-size 100
has err 'a multiple of 128 from 128 to 2097152 sectors'
refused 64 thin_restore -i basic.xml -o meta --data-block-size 192
refused 64 thin_restore -i basic.xml -o meta --nr-data-blocks 0
refused 64 thin_restore -i basic.xml -o meta --transaction-id x
refused 64 thin_restore -i meta -o meta
mkdir directory
refused 1 thin_restore -i not-there -o meta
has err "Couldn't find input file"
refused 1 thin_restore -i directory -o meta
unchanged wanted meta
refused 1 thin_restore -i basic.xml -o not-there
has err "Couldn't find output file"
refused 1 thin_restore -i basic.xml -o directory
refused 1 thin_restore -i basic.xml -o /dev/null
head -c 200 basic.xml.gz >cut.xml.gz
refused 1 thin_restore -i cut.xml.gz -o meta
has err 'gzip'
wiped
refused 1 thin_restore -i basic -o meta
has err 'binary metadata'

finish
