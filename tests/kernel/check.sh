#!/usr/bin/env bash
# What does the kernel itself say?  Each part boots a small virtual machine (vm.sh):
#
#     pools.sh        a pool on restored, repaired and mended metadata; docker_meta on an active pool
#     mutations.sh    the mutations of the catalogue: thin_check's verdict against the kernel's
#     log_writes.sh   a pool's metadata as it stood at each flush: thin_check calls it clean
#     long_lived.sh   pools of ours and of the peers, grown, filled and snapshotted: never refused
#
# PARTS names those to run; without it, pools alone: the others take long on a slow machine.
#
#     [PARTS="pools mutations log_writes long_lived"] tests/kernel/check.sh BUILD
set -eu
here=$(cd "$(dirname "$0")" && pwd)
status=0
for part in ${PARTS:-pools}; do
	"$here/$part.sh" "$1" || status=1
done
exit $status
