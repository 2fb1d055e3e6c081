# shellcheck shell=sh
# The sandbox on Debian's kernel, whose Landlock is an early one, and who uses a device; in the virtual
# machine, sourced by guest_pools.sh.  /breach/thin_dump is thin_dump with a parser that was taken over
# (tests/tools/breach.c).
attempts() { # OPTION...
	mkdir -p /free /other
	rm -f /free/out /other/made
	BREACH=node BREACH_FILE=/other/made /breach/thin_dump -o /free/out "$@" /run/restored >/out 2>&1
}

bad=
mount -t securityfs securityfs /sys/kernel/security
grep -q landlock /sys/kernel/security/lsm || fail "this kernel has no Landlock: $(cat /sys/kernel/security/lsm)"
echo >/etc/passwd
attempts
for what in read write socket trace signal type run; do
	grep -qE "^breach: $what: (Operation not permitted|Permission denied)\$" /out ||
		fail "$what is not refused: $(grep "^breach: $what" /out)"
done
[ ! -e /other/made ] || fail "a file was written"
tail -n 1 /free/out | grep -q '</superblock>' || fail "the dump is not complete: $(tail -n 1 /out)"
attempts --no-sandbox
for what in read write run; do
	grep -q "^breach: $what: done" /out || fail "without sandbox: $(grep "^breach: $what" /out)"
done

if dmsetup create walls --table "0 4194304 thin-pool /run/docker /run/docker-data 128 0 1 read_only"; then
	thin_check /run/docker >/out 2>&1
	[ $? = 1 ] || fail "an active pool's metadata is not refused"
	grep -q 'in use as the metadata of pool walls;' /out || fail "who uses it is not told: $(cat /out)"
	thin_check -q /run/docker-data >/out 2>&1 && fail "an active pool's data is not refused"
	dmsetup remove --retry walls || fail "cannot be deactivated"
else
	fail "the kernel does not activate it: $(dmesg | grep device-mapper | tail -n 1)"
fi
echo "RESULT walls ${bad:-ok}"
