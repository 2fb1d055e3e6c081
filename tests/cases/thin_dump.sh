#!/usr/bin/env bash
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

# ---- byte for byte what thin-provisioning-tools 1.1.0 writes: sha256, fixture, options
while read -r sum name options; do
	# shellcheck disable=SC2086 # a list of options
	run 0 thin_dump $options "$fixtures/$name.raw"
	empty err
	[ "$(sha256sum <out)" = "$sum  -" ] || fail "$what: differs from thin-provisioning-tools"
done <"$here/tests/cases/thin_dump.sha256"

fixture basic basic
fixture many-snaps snaps
fixture metadata-snapshot held
fixture needs-check flagged

# ---- the first line is all that LVM reads, and then it closes the pipe
run 0 thin_dump basic
[ "$(head -n 1 out)" = '<superblock uuid="" time="4" transaction="2" version="2" data_block_size="128" nr_data_blocks="4096">' ] ||
	fail "the first line: $(head -n 1 out)"
run 0 thin_dump flagged
has out '^<superblock uuid="" time="1" transaction="3" flags="1" version="2"'
thin_dump snaps 2>err | head -n 1 >out
empty err
set -o pipefail
thin_dump snaps 2>err | true && fail "a broken pipe went unnoticed"
set +o pipefail
empty err

# ---- options
thin_dump basic >plain
run 0 thin_dump -o file.xml basic
empty out
cmp -s plain file.xml || fail "-o wrote something else"
run 0 thin_dump --output=file.xml -f xml basic
run 0 thin_dump -o file.xml.gz basic
zcat file.xml.gz | cmp -s plain - || fail "-o FILE.gz"
run 0 thin_dump --compress basic
zcat <out | cmp -s plain - || fail "--compress"
run 0 thin_dump -q basic
run 0 thin_dump --format human_readable basic
has out '^device: 16777215$'
run 0 thin_dump --dev-id 1 --dev-id 3 basic
[ "$(grep -c '<device' out)" = 2 ] || fail "--dev-id"
run 0 thin_dump --skip-mappings --dev-id 1 basic
lines out 3
refused 1 thin_dump --dev-id 77 basic
has err 'there is no device 77'
run 0 thin_dump --transaction-id 9 --nr-data-blocks 5000 --data-block-size 256 basic
has out 'transaction="9" version="2" data_block_size="256" nr_data_blocks="5000"'
run 0 thin_dump --transaction-id 1 --nr-data-blocks 10 basic
has out 'transaction="2" version="2" data_block_size="128" nr_data_blocks="4096"'
for snap in -m -m52 -m=52 --metadata-snap --metadata-snap=52; do
	run 0 thin_dump $snap held
	has out 'transaction="5".*nr_data_blocks="0"'
done
refused 1 thin_dump -m51 held
has err 'metadata snapshot does not match that in superblock'
refused 1 thin_dump -m basic
has err 'no current metadata snap'
run 0 thin_dump --form human_readable --skip basic # unambiguous prefixes
run 0 thin_dump --io-engine async -q basic
run 0 thin_dump --help
has out '^Usage: thin_dump '
run 0 thin_dump -V
has out '^[0-9]+\.[0-9]+\.[0-9]+$'
manual=$here/thin_dump/thin_dump.8
thin_dump --help | grep -o -- '--[a-z-]*' | sort -u | while read -r option; do
	grep -q -- "Fl -${option#--}\\b" "$manual" || echo "$option"
done >undocumented
empty undocumented

# ---- damage: where, and nothing that looks complete
cp snaps hurt
damage hurt leaf 0
run 1 thin_dump hurt
lines err 1
has err '^thin_dump: hurt: mapping tree.* block [0-9]+: bad checksum'
lacks out '</superblock>'
cp snaps late
printf 'x' | dd of=late bs=1 seek=$((2893 * 4096 + 100)) conv=notrunc status=none
run 1 thin_dump -o partial late
has err 'block 2893: bad checksum'
has err 'partial is incomplete'
lines err 2
lacks partial '</superblock>'
has partial '<single_mapping'
# What is whole is not given away for a part.
cp plain partial
run 1 thin_dump -o partial late
has err 'block 2893: bad checksum'
has err 'partial is left as it was'
lines err 2
cmp -s plain partial || fail "a dump was lost to a part of one"
run 0 thin_dump -o partial basic
cmp -s plain partial || fail "an earlier dump was not replaced"
chmod 600 partial
ln -s partial soft
run 0 thin_dump -o soft snaps
[ -L soft ] || fail "a symbolic link was replaced, not followed"
[ "$(stat -c %a partial)" = 600 ] || fail "what only its owner could read can be read by others"
thin_dump snaps | cmp -s - partial || fail "-o through a symbolic link"
rm partial soft
# A file that another user put into a directory of all: he waits for what comes, and can change it.
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	cp "$build/bin/thin_dump" program
	mkdir all
	chmod 755 . program
	chmod 644 basic
	chmod 1777 all
	: >all/bait
	chown 1:1 all/bait
	chmod 666 all/bait
	run 1 setpriv --reuid 65534 --regid 65534 --clear-groups ./program basic -o all/bait
	has err "it is another user's"
	run 1 setpriv --reuid 65534 --regid 65534 --clear-groups ./program basic --force -o all/bait
	empty all/bait
	run 0 setpriv --reuid 65534 --regid 65534 --clear-groups ./program basic -o all/own
	run 0 setpriv --reuid 65534 --regid 65534 --clear-groups ./program basic -o all/own
	rm -r all program
fi
# A message must not land in the output, which could get the number of a closed stream.
thin_dump -o partial late >&- 2>&-
lacks partial '^thin_dump: '
run 1 thin_dump -q hurt
empty err
run 0 thin_dump --skip-mappings hurt
cp basic hurt
damage hurt super 320 8 99999999
refused 1 thin_dump hurt
cp basic hurt
damage hurt super 320 8 157
damage hurt super 328 8 157
refused 1 thin_dump hurt

# Leaves that are whole but stand in the wrong place, private and shared ones.
for device in 0 1 100 200; do
	for child in 0 1 2 3; do
		cp snaps hurt
		damage hurt swap $device $child
		run 1 thin_dump hurt
		has err "its keys are not those its parent leaves for it"
		lacks out '</superblock>'
	done
done
cp basic hurt
damage hurt mapped 1 8
run 1 thin_dump hurt
has err 'device 1.*7 mappings, but the device details say 8'
lacks out '</superblock>'
cp basic hurt
damage hurt super 64 8 0 # no data blocks, but mappings
run 1 thin_dump hurt
has err 'mapped beyond the data device'
lacks out '</superblock>'
cp basic hurt
damage hurt super 64 8 1152921504606846976
refused 1 thin_dump hurt
has err 'more than there can be'
cp basic hurt
damage hurt super 44 4 16777216
refused 1 thin_dump hurt
has err 'time 16777216'
cp basic hurt
damage hurt super 40 4 9
run 0 thin_dump hurt # nor does the kernel read it
has out ' version="9" '
cp basic hurt
damage hurt super 360 4 2
refused 1 thin_dump hurt
has err 'incompatible features'
cp basic hurt
damage hurt super 336 4 7
refused 1 thin_dump hurt
has err 'no data block size; give --data-block-size'
run 0 thin_dump --data-block-size 128 hurt
cmp -s plain out || fail "--data-block-size does not take the place of a bad one"

# ---- wrong usage
refused 64 thin_dump
refused 64 thin_dump basic held
refused 64 thin_dump --hedgehogs-only basic
refused 64 thin_dump -f custom basic
refused 64 thin_dump --dev-id x basic
refused 64 thin_dump --dev-id
refused 64 thin_dump --data-block-size 100 basic
refused 64 thin_dump --data-block-size 192 basic
refused 64 thin_dump --nr-data-blocks 9999999999999 basic
refused 64 thin_dump --transaction-id -3 basic
refused 64 thin_dump -mx held
refused 64 thin_dump -o
cp basic basic.before
refused 64 thin_dump -o basic basic
ln basic other-name
refused 64 thin_dump -o other-name basic
unchanged basic.before basic

# ---- bad input: nothing is written
printf '<superblock/>' >file.xml
(printf '<\200'; head -c 100000 /dev/urandom) >junk
mkdir directory
for input in not-there directory file.xml junk /dev/null; do
	refused 1 thin_dump -o new $input
	has err "^thin_dump: $input: "
	[ ! -e new ] || fail "$what: it made its output"
done
refused 1 thin_dump -o no/such/directory/file basic
has err 'cannot write to no/such/directory/file'
thin_dump basic >&- 2>err && fail "a closed standard output went unnoticed"
lines err 1
(
	ulimit -f 1
	thin_dump -o limited snaps
) 2>err && fail "a file that may not grow went unnoticed"
has err 'cannot write to limited: File too large'
lines err 1
[ ! -e limited ] || fail "what could not be written whole is there"
thin_dump basic >/dev/full 2>err && fail "a full disk went unnoticed"
lines err 1

finish
