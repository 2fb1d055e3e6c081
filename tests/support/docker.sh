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
	# What a finding is about is a column of its row; L18 and X10 are of several kinds.
	what=rows.def
	nr=$((nr + 1))
	sed -n 's/^ROW(\([A-Z0-9]*\), [A-Z]*, \([A-Z_]*\),.*/\1 \2/p' "$here/docker_meta/catalogue/rows.def" |
		tr _A-Z ' a-z' | sed 's/mnt dir/mount point/; s/^\([a-z0-9]*\)/\U\1/' | sort >rows
	find "$work/json" -name '*.json' -size +0 -exec jq -r \
		'.findings? // [] | .[] | select(.subject and .id != "L18" and .id != "X10") | .id + " " + .subject.kind' {} + |
		sort -u | comm -13 rows - >faults
	[ ! -s faults ] || fail "rows of another subject: $(tr '\n' ',' <faults)"
}
