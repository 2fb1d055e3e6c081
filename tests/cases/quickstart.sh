#!/usr/bin/env bash
# The demonstration shows what it says: two sound results, two kinds of damage, each found.
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
[ "$(grep -c '^\[exit status 0\]$' out)" = 4 ] || fail "the sound pool is not shown as sound"
[ "$(grep -c '^\[exit status 1\]$' out)" = 2 ] || fail "the damage is not shown"
has out '^thin_check: pool_tmeta: no damage: 194 devices'
has out '^fatal: mapping tree, block 2893: bad checksum'
has out '\[mapping-shared\]$'
has out '^thin_repair: beheaded: .*194 devices, 283722 mappings; nothing was lost$'
has out '^thin_check: repaired: no damage: 194 devices, 283722 mappings$'
run 64 "$here/quickstart" nonsense
finish
