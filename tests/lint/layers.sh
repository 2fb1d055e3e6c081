#!/usr/bin/env bash
# Prove that includes point only downward through the layers, and that each library is included in one
# place.  The lower a layer, the smaller its number.
set -eu
cd "$(dirname "$0")/../.."

level() {
	case $1 in
	common/base/*) echo 0 ;;
	common/io/*) echo 1 ;;
	common/pdata/*) echo 2 ;;
	common/thin/*) echo 3 ;;
	common/xml/*) echo 4 ;;
	common/tool/*) echo 5 ;;
	common/pool/*) echo 6 ;;
	thin_check/* | thin_dump/* | thin_restore/* | thin_repair/*) echo 7 ;;
	docker_meta/options.h | docker_meta/docker_meta.h) echo 10 ;; # what was asked, and the statuses
	docker_meta/catalogue/*) echo 11 ;;
	docker_meta/text/*) echo 12 ;;
	docker_meta/read/*) echo 13 ;;
	docker_meta/host/*) echo 14 ;;
	docker_meta/source/*) echo 15 ;;
	docker_meta/config/*) echo 16 ;;
	docker_meta/facts/*) echo 17 ;;
	docker_meta/data/*) echo 18 ;;
	docker_meta/judge/* | docker_meta/view.h) echo 19 ;;
	docker_meta/answers/*) echo 20 ;;
	docker_meta/say/*) echo 21 ;;
	docker_meta/*) echo 22 ;;
	*) echo 30 ;;
	esac
}
tool() {
	case $1 in
	thin_*/* | docker_meta/*) echo "${1%%/*}" ;;
	esac
}

bad=0
complain() {
	printf '%s\n' "$*" >&2
	bad=1
}

files=$(git ls-files 'common/*.[ch]' 'common/*.def' 'thin_*/*.[ch]' 'docker_meta/*.[ch]')
for file in $files; do
	own=$(level "$file")
	# shellcheck disable=SC2013 # names of our own files have no blanks
	for included in $(sed -n 's/^#include "\(.*\)"$/\1/p' "$file"); do
		[ -e "$included" ] || complain "$file includes $included, which is not there"
		[ "$(level "$included")" -le "$own" ] ||
			complain "$file includes $included, which lies above it"
		case $(tool "$included") in
		"" | "$(tool "$file")") ;;
		*) complain "$file includes $included of another tool" ;;
		esac
	done
done

# A library, and the only files that may include it.
only() {
	header=$1
	allowed=$2
	# shellcheck disable=SC2086 # a list of files
	for file in $(grep -l "#include <$header" $files || true); do
		case " $allowed " in
		*" $file "*) ;;
		*) complain "$file includes <$header>, which belongs to $allowed" ;;
		esac
	done
}
only libaio.h common/io/aio_engine.c
only zlib.h "common/io/stream.c common/io/input.c"
only expat.h common/xml/parse.c
only libdevmapper.h docker_meta/host/dm.c
only linux/dm-ioctl.h "common/tool/dm_table.c common/tool/sandbox.c"
only linux/landlock.h common/tool/sandbox.c
only linux/seccomp.h common/tool/sandbox.c
only jansson.h "common/tool/report_json.c common/tool/loss_json.c docker_meta/text/json_build.h docker_meta/read/go_json.h"
only nettle/sha2.h docker_meta/read/digest.c
only blkid/blkid.h common/tool/known_content.c

# Only one file takes memory, and nothing below the tools prints or exits.
below_tool=$(git ls-files 'common/*.[ch]' | grep -v '^common/tool/')
# shellcheck disable=SC2086 # lists of files
{
	if grep -nE '\b(malloc|calloc|realloc|free|strdup|v?asprintf)\(' $files | grep -v '^common/base/alloc\.c:'; then
		complain "memory is taken in common/base/alloc.c alone"
	fi
	if grep -nE '\b(exit|_exit|abort|perror|v?f?printf|v?dprintf|f?puts|f?putc|putchar|fwrite)\(' \
		$below_tool; then
		complain "only common/tool and the tools print or exit"
	fi
	if grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|strtok|alloca)\(' $files; then
		complain "that function is not to be used"
	fi
}
exit $bad
