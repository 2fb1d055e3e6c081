#!/usr/bin/env bash
# thin-provisioning-tools 0.9.0 (Debian 12) and 1.1.0 (Debian 13), unpacked below $1, not installed:
# $1/0.9.0/thin_check and so on.  What cannot be had is left out, with a line.
#
#     tests/kernel/peers.sh DIR
set -u
mkdir -p "$1"
peers=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# apt with a suite of its own, beside what the machine is set up with.
apt_of() { # SUITE COMMAND...
	local state=$work/$1 uri
	# shellcheck disable=SC2016 # it is for apt
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' | grep -m 1 '/debian/*$')
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	touch "$state/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $1 main" >"$state/list"
	apt-get -q -o Dir::State="$state" -o Dir::State::Lists="$state/lists" \
		-o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
		-o Dir::Etc::SourceList="$state/list" -o Dir::Etc::SourceParts=- \
		-o APT::Sandbox::User=root -o Acquire::Languages=none "${@:2}"
}

fetch() { # VERSION SUITE PACKAGE...
	local version=$1 suite=$2 into=$work/$1
	[ ! -x "$peers/$version/thin_check" ] || return 0
	shift 2
	mkdir -p "$into"
	cd "$into" || return 1
	apt_of "$suite" update >"$work/log" 2>&1 && apt_of "$suite" download "$@" >>"$work/log" 2>&1 || return 1
	for package in *.deb; do
		dpkg -x "$package" root || return 1
	done
	wrap "$version"
}

# A tool is run with the libraries that came with it.
wrap() { # VERSION
	local to=$peers/$1 tool
	rm -rf "$to"
	mkdir -p "$to"
	mv root "$to/root"
	for tool in thin_check thin_dump thin_repair thin_restore; do
		printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' \
			"$to/root/usr/lib/x86_64-linux-gnu:$to/root/lib/x86_64-linux-gnu" \
			"$to/root/usr/sbin/$tool" >"$to/$tool"
		chmod +x "$to/$tool"
	done
	[ "$("$to/thin_check" -V)" = "$1" ] || {
		rm -rf "$to"
		return 1
	}
}

fetch 0.9.0 bookworm thin-provisioning-tools libaio1 ||
	echo "skipped: thin-provisioning-tools 0.9.0 cannot be had here"
fetch 1.1.0 trixie thin-provisioning-tools ||
	echo "skipped: thin-provisioning-tools 1.1.0 cannot be had here"
