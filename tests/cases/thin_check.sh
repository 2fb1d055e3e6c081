#!/usr/bin/env bash
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

fixture basic basic
fixture needs-check flagged
fixture metadata-snapshot held
fixture many-snaps snaps

# ---- fine
run 0 thin_check basic
has out '^TRANSACTION_ID=2$'
has out '^METADATA_FREE_BLOCKS=1008$'
lines out 2
has err 'no damage: 8 devices, 639 mappings'
run 0 thin_check -q basic
empty out
empty err
run 0 thin_check --quiet basic
empty err
run 0 thin_check held
run 0 thin_check --super-block-only basic
has out '^TRANSACTION_ID=2$'
has err 'the superblock is fine'
run 0 thin_check --skip-mappings snaps
has err '194 devices'
run 0 thin_check -m held
has err 'metadata snapshot: 4 devices'
run 0 thin_check --metadata-snap held
run 0 thin_check --ignore-non-fatal-errors basic
run 0 thin_check --strict basic
run 0 thin_check --override-mapping-root 157 --override-details-root=158 basic
run 0 thin_check --skip-map basic # an unambiguous prefix, as getopt_long takes it
run 0 thin_check basic -q         # options may follow
run 0 thin_check -v -v --io-engine sync basic # what 1.x knows but does not tell
run 0 thin_check -m --super-block-only held
has err 'both superblocks are fine'
cp held hurt
printf x | dd of=hurt bs=1 seek=$((4096 * $(od -An -tu8 -j56 -N8 held) + 100)) conv=notrunc status=none
for how in '' --super-block-only; do
	run 1 thin_check -m $how hurt
	has err 'metadata snapshot.*; the pool works'
done
refused 1 thin_check -m --super-block-only basic
run 0 thin_check -- basic

# ---- needs_check
run 0 thin_check flagged
has err 'needs_check is set'
cp flagged flagged.before
run 0 thin_check --skip-mappings flagged
unchanged flagged.before flagged
run 0 thin_check -q --clear-needs-check-flag flagged
empty out
empty err
[ "$(damage flagged get 4 4)" = 0 ] || fail "the flag was not cleared"
run 0 thin_check flagged
lacks err needs_check
for how in --super-block-only --skip-mappings --ignore-non-fatal-errors; do
	cp flagged.before flagged
	run 0 thin_check --clear-needs-check-flag $how flagged
	[ "$(damage flagged get 4 4)" = 0 ] || fail "the flag was not cleared with $how"
	has err 'no damage: 3 devices, 640 mappings' # everything was looked at
done
cp flagged.before flagged
run 0 thin_check --auto-repair flagged
[ "$(damage flagged get 4 4)" = 0 ] || fail "--auto-repair did not clear the flag"

# ---- healthy metadata is not touched
cp basic basic.before
run 0 thin_check -q --clear-needs-check-flag basic
run 0 thin_check -q --auto-repair basic
unchanged basic.before basic

# ---- leaks
cp basic leaky
damage leaky leaks 3
cp leaky leaky.before
run 1 thin_check leaky
has err 'non-fatal: data space map.*used by nobody, but counted as 1; data blocks.*\[block-leaked\]'
has err 'non-fatal: metadata space map.*\[block-leaked\]'
run 0 thin_check --ignore-non-fatal-errors leaky
run 0 thin_check -q --clear-needs-check-flag --ignore-non-fatal-errors leaky
unchanged leaky.before leaky
run 0 thin_check --auto-repair leaky
has err 'freed 6 leaked blocks'
has out '^METADATA_FREE_BLOCKS=1008$'
run 0 thin_check leaky
thin_dump basic >a.xml
run 0 thin_dump leaky
cmp -s a.xml out || fail "freeing leaks changed the mappings"
cp leaky.before leaky
run 0 thin_check -q --clear-needs-check-flag leaky
run 0 thin_check leaky

# ---- fatal damage: told, and nothing is written
cp snaps hurt
damage hurt leaf 0
damage hurt super 4 4 1
cp hurt hurt.before
run 1 thin_check hurt
has err '^fatal: mapping tree, block [0-9]+: bad checksum; device 0: thin blocks 0 to [0-9]+ \(about [0-9]+ mappings\) \[block-checksum\]$'
lacks err block-leaked
run 1 thin_check --ignore-non-fatal-errors hurt
run 1 thin_check -q --clear-needs-check-flag hurt
empty out
empty err
run 1 thin_check --auto-repair hurt
unchanged hurt.before hurt

run 1 thin_check --clear-needs-check-flag --super-block-only hurt
run 1 thin_check --clear-needs-check-flag --skip-mappings hurt
unchanged hurt.before hurt

# ---- suspect: told, but no failure unless asked for
cp basic odd
damage odd super 4000 1 1
run 0 thin_check odd
has err '^suspect: superblock, block 0: .*\[superblock-trailing\]$'
run 1 thin_check --strict odd

# ---- a superblock whose checksum is right but whose magic is not
cp basic odd
damage odd super 32 8 27022011
run 1 thin_check odd
has err '^fatal: superblock, block 0: .*\[superblock-magic\]$'
refused 1 thin_dump odd
has err 'bad magic number'

# ---- a write that would destroy somebody else's data
cp snaps unsafe
damage unsafe snap-time 0 0
run 1 thin_check unsafe
has err 'device 0 would overwrite in place [0-9]+ data blocks that are mapped elsewhere too.*\[mapping-shared\]'

# ---- JSON
if command -v jq >/dev/null; then
	run 0 thin_check --json basic
	empty err
	[ "$(jq -r '.tool + " " + .summary.worst + " " + (.findings | length | tostring)' out)" = \
		"thin_check none 0" ] || fail "JSON of a healthy pool"
	run 1 thin_check --json hurt
	[ "$(jq -c '[.findings[0] | .id, .severity, .tree, .devices, .ranges[0].begin]' out)" = \
		'["block-checksum","fatal","mapping tree",[0],0]' ] || fail "JSON of a damaged pool"
	[ "$(jq '.superblock.needs_check, .summary.exit_status' out | tr '\n' ' ')" = "true 1 " ] ||
		fail "JSON summary"
	run 1 thin_check --json unsafe
	[ "$(jq -c '[.findings[0].devices[0:2], .summary.counts]' out)" = \
		'[[0,1],{"mapping-shared":1}]' ] || fail "JSON of unsafe sharing: whose data it is"
	head -c 4096 /dev/urandom >lost
	tail -c +4097 basic >>lost
	run 1 thin_check --json lost
	[ "$(jq -c '[.superblock, .findings[0].id]' out)" = '[null,"superblock-checksum"]' ] ||
		fail "JSON without a superblock"
	run 1 thin_check --json leaky.before
	[ "$(jq -c '.findings[0] | [.expected, .found, .ranges[0].unit]' out)" = \
		'[0,1,"data blocks"]' ] || fail "JSON of a leak"
else
	printf 'skipped: jq is not installed, JSON was not looked into\n'
fi

# ---- help and version
run 0 thin_check --help
has out '^Usage: thin_check \[options\] \{device\|file\}$'
run 0 thin_check -h
run 0 thin_check -V
has out '^[0-9]+\.[0-9]+\.[0-9]+$'
lines out 1
run 0 thin_check --version
manual=$here/thin_check/thin_check.8
thin_check --help | grep -o -- '--[a-z-]*' | sort -u | while read -r option; do
	grep -q -- "Fl -${option#--}\\b" "$manual" || echo "$option"
done >undocumented
empty undocumented

# ---- wrong usage: 64, one line
refused 64 thin_check
refused 64 thin_check basic held
refused 64 thin_check --hedgehogs-only basic
has err "unexpected argument '--hedgehogs-only' found"
refused 64 thin_check -z basic
refused 64 thin_check --s basic
has err "option '--s' is ambiguous"
refused 64 thin_check --io-engine
refused 64 thin_check --override-mapping-root basic
refused 64 thin_check --override-mapping-root 0 basic
refused 64 thin_check --override-mapping-root -1 basic
refused 64 thin_check --override-mapping-root 1x basic
refused 64 thin_check --override-details-root 99999999999999999999 basic
refused 64 thin_check --override-details-root
refused 64 thin_check --quiet=1 basic
refused 64 thin_check -q --json basic
refused 64 thin_check --strict --ignore-non-fatal-errors basic
for with in -m '--override-mapping-root 5' '--override-details-root 5'; do
	# shellcheck disable=SC2086 # an option and its value
	refused 64 thin_check --clear-needs-check-flag $with basic
	# shellcheck disable=SC2086 # an option and its value
	refused 64 thin_check --auto-repair $with basic
done
for with in --ignore-non-fatal-errors --skip-mappings --super-block-only; do
	refused 64 thin_check --auto-repair $with basic
done
unchanged basic.before basic

# ---- bad input: 1, one line that names it
: >nothing
printf 'short' >short
(printf '<\200\0'; head -c 100000 /dev/urandom) >junk # it begins as XML does
head -c 100000 /dev/zero >zeros
thin_dump basic >basic.xml
head -c 300 basic.xml >short.xml
gzip -k basic.xml
mkfifo fifo
mkdir directory
for input in not-there directory nothing short junk zeros basic.xml basic.xml.gz short.xml fifo \
	/dev/null; do
	refused 1 thin_check $input
	has err "^thin_check: $input: "
	run 1 thin_check -q $input
	empty err
done
run 1 thin_check not-there
has err "Couldn't find input file"
run 1 thin_check directory
has err 'Not a block device or regular file'
run 1 thin_check basic.xml
has err 'This looks like XML'
run 1 thin_check short.xml
has err 'This looks like XML'
run 1 thin_check short
has err 'it is a text file'
head -c 1000 /dev/zero >tiny
run 1 thin_check tiny
has err 'Metadata device/file too small.  Is this binary metadata\?'
head -c 100000 /dev/zero | tr '\0' 'a' >long.txt
refused 1 thin_check long.txt
has err 'it is a text file'
xz -k basic.xml
refused 1 thin_check basic.xml.xz
has err 'compressed with xz'
refused 1 thin_check /bin/sh
has err 'it is a program'
run 1 thin_check basic.xml.gz
has err 'gzip'
run 1 thin_check junk
has err 'data device'
refused 1 thin_check -m basic
has err 'no current metadata snap'

# ---- not ours to read, or in use
if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$work"
	cp basic forbidden
	chmod 0 forbidden
	refused_by_name() {
		lines err 1
		has err "$1"
	}
	run 1 setpriv --reuid=65534 --regid=65534 --clear-groups "$build/bin/thin_check" "$work/forbidden"
	refused_by_name 'Permission denied'
	truncate -s 4M disk
	if mkfs.ext4 -q disk 2>/dev/null && mkdir mounted && mount -o loop disk mounted 2>/dev/null; then
		loop=$(findmnt -n -o SOURCE mounted)
		run 1 thin_check "$loop"
		refused_by_name 'in use: mounted'
		run 1 thin_dump --force -o "$loop" basic
		refused_by_name 'cannot write to'
		umount mounted
	else
		printf 'skipped: no loop device can be mounted here\n'
	fi
else
	printf 'skipped: not root, nothing can be forbidden or mounted\n'
fi

# ---- output that cannot be written
thin_check basic >&- 2>err && fail "a closed standard output went unnoticed"
has err 'cannot write to standard output'
thin_check basic >/dev/full 2>err && fail "a full disk went unnoticed"
thin_check --json basic 2>err | true
empty err

finish
