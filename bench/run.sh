#!/usr/bin/env bash
# CPU time and memory on a pool of ten million mappings, side by side with thin-provisioning-tools.
#
#     bench/run.sh BIN [PEER_BIN]      directories of tools; the peers' default is /usr/sbin
#
# The pool is made once, by the peers' thin_restore, and kept in build/bench.
set -eu
cd "$(dirname "$0")/.."
ours=${1:-build/bin}
peers=${2:-/usr/sbin}
pool=build/bench/pool.raw
mkdir -p build/bench
[ -x "$peers/thin_restore" ] || {
	echo "bench: no thin_restore in $peers; install thin-provisioning-tools" >&2
	exit 1
}
if [ ! -e $pool ]; then
	gcc -O2 -o build/bench/make_pool_xml bench/make_pool_xml.c
	build/bench/make_pool_xml 10 10000000 >build/bench/pool.xml
	truncate -s 256M $pool.tmp
	"$peers/thin_restore" -i build/bench/pool.xml -o $pool.tmp >/dev/null
	mv $pool.tmp $pool
fi
measure() {
	# shellcheck disable=SC2016 # the format is /usr/bin/time's
	/usr/bin/time -f "%U + %S s CPU, %e s, %M KiB  $1" "${@:2}" >/dev/null
}
for round in 1 2 3 4 5; do
	echo "round $round"
	measure "thin_check, theirs" "$peers/thin_check" -q $pool
	measure "thin_check, ours" "$ours/thin_check" -q $pool
	measure "thin_dump, theirs" "$peers/thin_dump" $pool
	measure "thin_dump, ours" "$ours/thin_dump" $pool
done
