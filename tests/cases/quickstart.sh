#!/usr/bin/env bash
# The demonstration shows what it says: sound results, two kinds of damage, a crashed Docker host.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

[ "$build" = "$here/build" ] || {
	printf 'skipped: the demonstration uses the ordinary build\n'
	exit 0
}
command -v dpkg-query >/dev/null || {
	printf 'skipped: this is no Debian machine\n'
	exit 0
}
run 0 "$here/quickstart" demo
[ "$(grep -c '^\[exit status 0\]$' out)" = 6 ] || fail "the sound pool is not shown as sound"
[ "$(grep -c '^\[exit status 1\]$' out)" = 4 ] || fail "the damage is not shown"
has out '^thin_check: pool_tmeta: no damage: 194 devices'
has out '^fatal: mapping tree, block 2893: bad checksum'
has out '\[mapping-shared\]$'
has out '^thin_repair: beheaded: .*194 devices, 283722 mappings; nothing was lost$'
has out '^thin_check: repaired: no damage: 194 devices, 283722 mappings$'
has out '^warning   X8      orphaned device: device 3$'
has out '^  ok      takes back transaction 66: deletes device 5, not referenced yet$'
page=$(sed -n 's/^A page to look at, with a map of the pool: //p' out)
grep -q '<svg' "$page" || fail "there is no map in '$page'"
run 64 "$here/quickstart" nonsense
finish
