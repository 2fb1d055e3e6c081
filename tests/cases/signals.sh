#!/usr/bin/env bash
# A signal ends a tool: nothing is left of files that were not finished, and what is changed in place is done
# or not begun.  strace makes the moment long enough.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"
# LeakSanitizer does not work below ptrace.
if [ "${build##*/}" != build ] || ! strace -o /dev/null true 2>/dev/null; then
	printf 'skipped: strace cannot be used here, or not with a sanitizer\n'
	exit 0
fi

# killed SIGNAL CALL COMMAND...: SIGNAL comes while the first CALL is under way.  Its status is in $status.
killed() {
	local signal=$1 call=$2 tries=0
	shift 2
	nr=$((nr + 1))
	what="$* ($signal in $call)"
	: >trace
	strace -f -o trace -e "trace=$call" -e "inject=$call:delay_exit=700000:when=1" \
		env --default-signal=INT "$@" >out 2>err &
	while ! grep -q "$call(" trace && [ $tries -lt 200 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	kill "-$signal" "$(sed -n '1s/ .*//p' trace)"
	wait $! 2>/dev/null
	status=$?
}

fixture basic leaky
damage leaky leaks 20
cp leaky before
cp leaky after
thin_check -q --auto-repair after
for signal in INT TERM HUP; do
	cp before leaky
	killed $signal fsync thin_check --auto-repair leaky
	[ $status -gt 128 ] || fail "$what: exit status $status"
	cmp -s leaky before || cmp -s leaky after || fail "$what: neither before nor after"
	thin_check -q leaky
	[ $? -le 1 ] || fail "$what: thin_check $?"
done

# A report is whole or not there.
truncate -s 4M output
mkdir place
killed TERM fsync thin_repair -i before -o output --report place/report.json
[ "$(find place -mindepth 1 | wc -l)" = 0 ] || fail "$what: left $(ls -A place)"
fixture many-snaps snaps
thin_dump before >place/dump.xml
cp place/dump.xml earlier.xml
killed TERM write thin_dump -o place/dump.xml snaps
[ $status -gt 128 ] || fail "$what: exit status $status"
cmp -s place/dump.xml earlier.xml || fail "$what: the earlier dump was lost"
[ "$(find place -mindepth 1 | wc -l)" = 1 ] || fail "$what: left $(ls -A place)"
rm place/dump.xml
mkdir root
tar -xJf "$here/tests/fixtures/docker/docker-loop-lvm.tar.xz" -C root
fixture docker-loop-lvm meta
killed TERM fsync docker_meta -r root --metadata meta --no-mounts --no-dm --no-lvs -o place/report check
[ $status -gt 128 ] || fail "$what: exit status $status"
[ "$(find place -mindepth 1 | wc -l)" = 0 ] || fail "$what: left $(ls -A place)"
finish
