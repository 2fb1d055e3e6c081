# shellcheck shell=bash
# $here is of cases.sh.
# shellcheck disable=SC2154
# What Docker left on hosts, and what docker_meta says of it; to be sourced by tests/cases/.
hosts=$here/tests/fixtures/docker

host() { # NAME DIR: what Docker left on a host, unpacked
	rm -rf "$2"
	mkdir "$2"
	tar -xJf "$hosts/$1.tar.xz" -C "$2"
}

# ids ARGUMENT...: the findings as "X1:500 T1:11", worst first
ids() {
	docker_meta -f json "$@" 2>err | tee report.json |
		jq -r '[.findings[] | .id + ":" + (.devices | map(tostring) | join(","))] | join(" ")'
}

# expect WANTED ARGUMENT...
expect() {
	local wanted=$1 got
	shift
	got=$(ids "$@")
	nr=$((nr + 1))
	[ "$got" = "$wanted" ] || fail "docker_meta $*: '$got', not '$wanted' ($(cat err))"
}

# Of what is written as JSON valid has copies.
docker_meta() {
	case " $* " in
	*" -f json "*)
		mkdir -p "$work/json"
		command docker_meta "$@" | tee "$(mktemp "$work/json/XXXXXXXX.json")"
		return "${PIPESTATUS[0]}"
		;;
	esac
	command docker_meta "$@"
}

# All of it is what the schema says.
valid() {
	what=docs/docker-meta.schema.json
	nr=$((nr + 1))
	find "$work/json" -name '*.json' -size +0 -print0 |
		xargs -0 python3 "$here/tests/support/schema.py" "$here/$what" command >faults ||
		fail "$(wc -l <faults) faults, such as $(head -n 3 faults)"
}
