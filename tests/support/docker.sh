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
	mkdir -p json
	docker_meta -f json "$@" 2>err | tee "json/$nr.json" |
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

# All that expect made docker_meta write is what the schema says.
valid() {
	what=docs/docker-meta.schema.json
	nr=$((nr + 1))
	find json -name '*.json' -size +0 -print0 |
		xargs -0 python3 "$here/tests/support/schema.py" "$here/$what" report >faults ||
		fail "$(wc -l <faults) faults, such as $(head -n 3 faults)"
}
