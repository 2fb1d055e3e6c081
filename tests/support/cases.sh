# shellcheck shell=bash
# cases.sh: what the tests of the command lines share.  $1 of the caller is the build directory.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
build=$PWD/${1:-build}
fixtures=$PWD/build/fixtures
# shellcheck disable=SC2034 # used by those who source this
here=$PWD
PATH="$build/bin:$build/tools:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
nr=0
failed=0

fail() {
	printf 'FAILED: %s\n' "$*"
	failed=$((failed + 1))
}

# run STATUS COMMAND...: the exit status must be this; output goes to ./out and ./err.
run() {
	local wanted=$1
	shift
	nr=$((nr + 1))
	what="$*"
	"$@" >out 2>err
	local got=$?
	[ "$got" -eq "$wanted" ] || {
		fail "$what: exit status $got, not $wanted"
		head -n 5 err
	}
}

# The output of the last run: out or err has a line that matches; it is empty; it has so many lines.
has() {
	grep -qE -- "$2" "$1" || fail "$what: $1 has no line like: $2 (but: $(head -c 300 "$1"))"
}
lacks() {
	! grep -qE -- "$2" "$1" || fail "$what: $1 has a line like: $2"
}
empty() {
	[ ! -s "$1" ] || fail "$what: $1 is not empty: $(head -c 300 "$1")"
}
lines() {
	[ "$(wc -l <"$1")" -eq "$2" ] || fail "$what: $1 has $(wc -l <"$1") lines, not $2"
}

# One clear line on stderr that names the tool, nothing on stdout.
refused() {
	run "$@"
	empty out
	lines err 1
	has err "^$2: "
}

fixture() {
	cp --sparse=always "$fixtures/$1.raw" "$2"
}

# What a dump means: a line for each device and each mapping, whatever is shared or joined.
expand_xml() {
	awk -F '"' '
	function emit(line) { if (name != "") def[name] = def[name] line "\n"; else print line }
	/<superblock|<device/ { print; next }
	/<def/ { name = $2; next }
	/<\/def/ { name = ""; next }
	/<ref/ { printf "%s", def[$2]; next }
	/<single_mapping/ { emit($2 " " $4 " " $6) }
	/<range_mapping/ { for (i = 0; i < $6; i++) emit($2 + i " " $4 + i " " $8) }' "$1"
}

unchanged() {
	cmp -s "$1" "$2" || fail "$what: $2 was changed"
}

finish() {
	[ "$failed" -eq 0 ] || {
		printf '%s of %s checks failed\n' "$failed" "$nr"
		exit 1
	}
	printf '%s commands, all as expected\n' "$nr"
}
