#!/usr/bin/env bash
# --undo: what is changed in place can be put back, and nothing else is overwritten by it.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

fixture basic leaky
damage leaky leaks 20
cp leaky before

run 0 thin_check --auto-repair --undo log leaky
cp leaky after
cmp -s before after && fail "nothing was changed"
[ "$(stat -c %a log)" = 600 ] || fail "the undo file: mode $(stat -c %a log)"

# A second change notes nothing over the first.
run 1 thin_check --auto-repair --undo log leaky
has err 'no undo file is ever overwritten'

run 0 thin_restore --undo log -o leaky
has err 'blocks put back'
unchanged before leaky
run 0 thin_restore -q --undo log -o leaky
empty err
unchanged before leaky

# The pool was used since, at any block of the change.
cp after used
printf x | dd of=used bs=1 seek=60 conv=notrunc status=none
cp used kept
run 1 thin_restore --undo log -o used
has err 'used since'
lines err 1
unchanged kept used

# The kernel was interrupted in the midst of writing the superblock: half of it is new.
cp after torn
dd if=before of=torn bs=512 count=1 conv=notrunc status=none
run 0 thin_restore --undo log -o torn
unchanged before torn

# A record that was not finished: its block was not written.
head -c -100 log >short
cp before half
run 0 thin_restore --undo short -o half
unchanged before half
# The change was finished, and the file was cut off since.
head -c -8208 log >broken-off
cp after now
run 1 thin_restore --undo broken-off -o now
has err 'cut off'
unchanged after now
# Damage in the midst of it.
cp log broken
printf xxx | dd of=broken bs=1 seek=5000 conv=notrunc status=none
cp after kept
cp after now
run 1 thin_restore --undo broken -o now
has err 'damaged'
unchanged kept now
refused 1 thin_restore --undo before -o now
has err 'no undo file'
truncate -s 1M other
run 1 thin_restore --undo log -o other
has err 'metadata blocks'
run 1 thin_restore --undo not/there -o now
head -c 32 log >none
run 1 thin_restore --undo none -o now
has err 'it was cut off'
unchanged kept now

# Nothing to do, nothing noted.
fixture basic fine
run 0 thin_check --auto-repair --undo none-needed fine
[ ! -e none-needed ] || fail "an undo file of nothing"
fixture needs-check flag
cp flag before
run 0 thin_check --clear-needs-check-flag --undo flag-log flag
run 0 thin_restore --undo flag-log -o flag
unchanged before flag

# Where it cannot be written nothing is changed.
cp before flag
run 1 thin_check --clear-needs-check-flag --undo not/there flag
has err 'nothing was changed'
unchanged before flag
refused 64 thin_check --undo log fine
refused 64 thin_restore --undo log -i x -o fine
refused 64 thin_restore --undo log -o log
run 64 thin_check --auto-repair --undo fine fine
has err 'same storage'
# A directory that may be written to and not listed is good for an undo file, too.
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	fixture needs-check flagged
	cp "$build/bin/thin_check" program
	mkdir dark
	chown 65534 dark flagged
	chmod 300 dark
	chmod 755 . program
	chmod 600 flagged
	run 0 setpriv --reuid 65534 --regid 65534 --clear-groups \
		./program -q --clear-needs-check-flag --undo dark/log flagged
	run 0 thin_restore --undo dark/log -o flagged
fi
finish
