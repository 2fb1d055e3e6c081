#!/usr/bin/env bash
# Let each call fail of the tools in $1/bin (build, or build/asan), of all cases whose name begins with
# $2, and of these calls each $3th.  Other thin_checks judge along: thin-provisioning-tools 0.9.0 and
# 1.1.0, which tests/kernel/peers.sh puts into build/peers, and those that are named in PEERS.
set -eu
cd "$(dirname "$0")/../.."
build=$PWD/$1
work=$build/faults/$2
options=(-e "$3")
# A run takes ten times as long there: each place in the code from which memory is taken, once.
case $1 in */asan) options+=(-p) ;; esac
for peer in build/peers/*/thin_check ${PEERS-}; do
	[ ! -x "$peer" ] || options+=(-j "$peer")
done
[ "${#options[@]}" -gt 3 ] || echo "skipped: no other thin_check judges along (build/peers, PEERS)"
rm -rf "$work"
mkdir -p "$work"
[ "$2" != docker- ] || tests/faults/docker_host.sh "$work" "$build"
exec "$build/faults/check" "${options[@]}" "$build" "$work" "$2"
