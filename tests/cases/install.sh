#!/usr/bin/env bash
# make install puts everything where it belongs, make uninstall takes all of it away.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

[ "$build" = "$here/build" ] || {
	printf 'skipped: the sanitizer build is not installed\n'
	exit 0
}
run 0 make -s -C "$here" install DESTDIR="$work/root" prefix=/usr
for tool in thin_check thin_dump; do
	[ -x "root/usr/sbin/$tool" ] || fail "$tool was not installed"
	[ -f "root/usr/share/man/man8/$tool.8" ] || fail "$tool.8 was not installed"
done
run 0 root/usr/sbin/thin_check -V
run 0 make -s -C "$here" uninstall DESTDIR="$work/root" prefix=/usr
[ -z "$(find root -type f)" ] || fail "left behind: $(find root -type f)"
finish
