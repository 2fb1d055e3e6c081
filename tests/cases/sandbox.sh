#!/usr/bin/env bash
# A parser that was taken over gets nowhere: the tools are linked so that one of theirs tries to open files,
# to talk to the network and to other processes, and to run a program (tests/tools/breach.c).  Without the
# sandbox it can.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

[ "$build" = "$here/build" ] || {
	printf 'skipped: the sanitizer build has no sandbox\n'
	exit 0
}
grep -q '^Seccomp:' /proc/self/status || {
	printf 'skipped: this kernel has no seccomp\n'
	exit 0
}
case $(uname -m) in
x86_64 | aarch64 | riscv64) ;;
*)
	printf 'skipped: on this machine there is no filter\n'
	exit 0
	;;
esac
# 0: the kernel has no Landlock; 6 and later: signals, too.
landlock=$(python3 -c 'import ctypes; print(max(0, ctypes.CDLL(None).syscall(444, None, 0, 1)))' 2>/dev/null || echo 0)

# What was tried at PLACE of TOOL with these arguments: in ./err.  The tool itself goes on, if it still can.
breach() { # PLACE TOOL ARGUMENT...
	local place=$1 tool=$2
	shift 2
	nr=$((nr + 1))
	what="$tool $*, $place"
	rm -f other/made
	BREACH=$place BREACH_FILE=$work/other/made "$build/breach/$tool" "$@" >out 2>err </dev/null
	status=$?
	has err '^breach: run: '
}

no='(Operation not permitted|Permission denied)$'
refused_all() {
	local try
	for try in "$@"; do
		has err "^breach: $try: $no"
	done
	[ ! -e other/made ] || fail "$what: a file was written"
	[ "$status" -eq 0 ] || fail "$what: it ended with $status afterwards: $(cat err)"
}

# So that what is refused above is the sandbox's doing.
can_do_all() {
	lacks err "$no"
	for try in read write socket signal run; do
		has err "^breach: $try: done"
	done
	[ -e other/made ] || fail "$what: no file was written"
}

# All of it refused; by which of both does not matter.  With --no-sandbox all of it can be done.
walled() { # PLACE TOOL ARGUMENT...
	breach "$@"
	refused_all read write socket trace signal type run
	breach "$@" --no-sandbox
	can_do_all
}

mkdir other
fixture basic meta
cp --sparse=always meta leaky
damage leaky leaks 5
thin_dump meta >meta.xml
gzip -k meta.xml
truncate -r meta output

walled node thin_check meta
walled node thin_check --json meta
walled node thin_check -q --auto-repair leaky
walled node thin_dump meta
walled node thin_dump --repair meta
walled xml thin_restore -i meta.xml -o output
walled xml thin_restore -i meta.xml.gz -o output
walled node thin_repair -i meta -o output
walled node thin_repair -i meta --candidates
fifo() {
	BREACH=xml BREACH_FILE=$work/other/made "$build/breach/thin_restore" -i - -o output
}
what="thin_restore from a pipe"
rm -f other/made
fifo < <(cat meta.xml) >out 2>err
status=$?
refused_all read write socket trace signal type run

# The question on a terminal: what is on the output is looked at inside the walls, too.
what="thin_restore on a terminal"
rm -f other/made
printf 'YES\n' | script -qec "env BREACH=node BREACH_FILE=$work/other/made $build/breach/thin_restore -i meta.xml -o output" \
	/dev/null 2>&1 | tr -d '\r' >err
status=0
has err '^breach: run: '
refused_all read write socket trace signal type run

# Without a parser that was taken over, the tools do what they are asked to, inside their walls.
run 0 thin_restore -i meta.xml.gz -o output
truncate -r meta free
thin_restore --no-sandbox -i meta.xml -o free
cmp -s output free || fail "thin_restore: it makes something else inside its walls"
run 0 thin_dump -o dumped.xml.gz meta
zcat dumped.xml.gz | cmp -s - meta.xml || fail "thin_dump -o: not what stdout gets"
run 0 thin_dump -o dumped.xml.gz meta
run 0 thin_dump -o /dev/null meta
mkdir far
: >far/away
ln -s far/away linked.xml
run 0 thin_dump -o linked.xml meta
cmp -s far/away meta.xml || fail "thin_dump -o: not through a link"
run 0 thin_dump --repair -o repaired.xml meta
run 0 thin_repair -i meta -o output --report report.json
has report.json '"error": null'
run 0 thin_repair -i meta -o output --report /dev/stdout
has out '"error": null'

# A name was given for something that is written later: files can be opened, but Landlock has to say which.
if [ "$landlock" -gt 0 ]; then
	mkdir place
	walled node thin_dump -o place/meta.xml meta
	walled node thin_dump -o /dev/null meta
	walled node thin_repair -i meta -o output --report place/report.json
	for try in '' --no-sandbox; do
		damage leaky leaks 5
		# shellcheck disable=SC2086 # none, or one
		breach node thin_check -q --auto-repair --undo place/log leaky $try
		if [ "$try" ]; then can_do_all; else refused_all read write socket trace signal type run; fi
		rm -f place/log
	done
else
	printf 'skipped: this kernel has no Landlock\n'
fi

# ---- docker_meta, which goes on opening files
mkdir docker
tar -xJf "$here/tests/fixtures/docker/docker-kill9-2.tar.xz" -C docker
fixture docker-kill9-2 docker_tmeta
printf '{ "storage-driver": "devicemapper" }\n' >daemon.json
host=(-r docker --metadata docker_tmeta --daemon-json daemon.json)
calls=(socket trace type run)
[ "$landlock" -lt 6 ] || calls+=(signal)
files=()
[ "$landlock" -eq 0 ] || files=(read write)
mkdir outputs
for place in config state node; do
	breach $place docker_meta "${host[@]}" list
	# Before daemon.json was read it is not known what else has to be.
	if [ $place = config ] && [ "$landlock" -gt 0 ]; then
		refused_all write "${calls[@]}"
	else
		refused_all "${files[@]}" "${calls[@]}"
	fi
	breach $place docker_meta "${host[@]}" --no-sandbox list
	can_do_all
	breach $place docker_meta "${host[@]}" -o outputs/list.txt list
	refused_all "${files[@]/read/write}" "${calls[@]}"
done
# XML from a pipe is copied to a file without a name: where those are made, and nowhere else.
if [ "$landlock" -gt 0 ]; then
	what="docker_meta --xml -"
	made=$(mktemp -u "/dev/shm/made.XXXXXX")
	thin_dump docker_tmeta | BREACH=xml BREACH_FILE=$made "$build/breach/docker_meta" -r docker --xml - \
		--daemon-json daemon.json list >out 2>err
	has err '^breach: run: '
	has err "^breach: write: $no"
	[ ! -e "$made" ] || {
		fail "$what: a file was written"
		rm -f "$made"
	}
fi
docker_meta --no-sandbox "${host[@]}" >free
for command in check predict tree du plan lint; do
	docker_meta --no-sandbox "${host[@]}" $command >free 2>&1
	status=$?
	run $status docker_meta "${host[@]}" $command
	cat err >>out
	cmp -s out free || fail "docker_meta $command: it says something else inside its walls"
done
run 1 docker_meta "${host[@]}" --state outputs/state -o outputs/text check
run 0 docker_meta "${host[@]}" --state outputs/state -o outputs/text -q check
[ -s outputs/state ] || fail "docker_meta --state: nothing was written"
finish
