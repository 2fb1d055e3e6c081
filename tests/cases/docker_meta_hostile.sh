#!/usr/bin/env bash
# Docker's files cut off, replaced and forbidden: the rest is reported, and nothing hangs or changes.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"
# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"

fixture docker-loop-lvm meta
host docker-loop-lvm healthy
cp -a healthy host

layer=9c7d795b61164868f76ecc61ba2858a6ad36b65ad7e17013147ca8be25fd2b19
container=95b0aba52a30dde9e64098a50ec3448f041927c7a80838d0c29e9fcf6b29924d
image=image/devicemapper/imagedb/content/sha256/7b3547f7bf7d180c6ef220d53a381b4e439809b45fdbcfb92af578fc25ae77c0
chain=$(cd healthy && dirname "$(grep -l $layer image/devicemapper/layerdb/sha256/*/cache-id)")
mount=image/devicemapper/layerdb/mounts/$container
small="devicemapper/metadata/$layer devicemapper/metadata/base devicemapper/metadata/deviceset-metadata
	devicemapper/metadata/transaction-metadata $chain/cache-id $chain/diff $chain/parent $chain/size
	$mount/mount-id $mount/init-id $mount/parent"
large="image/devicemapper/repositories.json $image containers/$container/config.v2.json
	containers/$container/hostconfig.json buildkit/snapshots.db $chain/tar-split.json.gz"
directories="devicemapper devicemapper/metadata image image/devicemapper image/devicemapper/layerdb
	image/devicemapper/layerdb/sha256 image/devicemapper/layerdb/mounts $chain $mount containers
	containers/$container buildkit image/devicemapper/imagedb image/devicemapper/imagedb/content/sha256"

# look WHAT [COMMAND...]: it ends by itself, with a report.  (The time is a safety net.)
look() {
	local what=$1 got
	shift
	nr=$((nr + 1))
	timeout 60 "$@" docker_meta -r host --metadata meta >out 2>err </dev/null
	got=$?
	[ $got -le 2 ] || {
		fail "$what: exit status $got"
		head -n 3 err
	}
	tail -n 1 out | grep -q '^[0-9]* fatal, ' || fail "$what: the report has no end"
	if grep -q Sanitizer err; then fail "$what: $(grep Sanitizer err)"; fi
}

put_back() { # PATH
	rm -rf "host/$1"
	cp -a "healthy/$1" "host/$1"
}

tree_of() { # DIR: all that anybody could change
	(cd "$1" && find . -printf '%p %y %s %m %u %T@ %l\n' | sort)
}

# ---- cut off at every length that matters
for path in $small $large; do
	[ -s "healthy/$path" ] || fail "there is no $path"
	size=$(stat -c %s "healthy/$path")
	for ((length = 0; length < size; length += size < 128 || length < 24 ? 1 : size / 8 + 1)); do
		head -c $length "healthy/$path" >"host/$path"
		look "$path: $length bytes"
	done
	put_back "$path"
done

# ---- other bytes, and other things than files
for path in $small $large; do
	for bytes in 1 100 5000; do
		head -c $bytes /dev/urandom >"host/$path"
		look "$path: $bytes random bytes"
	done
	head -c 100 /dev/zero >"host/$path"
	look "$path: zeroes"
	printf '{"device_id":%s' "$(printf '[%.0s' {1..5000})" >"host/$path"
	look "$path: nested"
	rm "host/$path"
	look "$path: missing"
	mkfifo "host/$path"
	look "$path: fifo"
	rm "host/$path"
	ln -s /dev/zero "host/$path"
	look "$path: symbolic link to a device"
	rm "host/$path"
	ln -s "$(basename "$path")" "host/$path"
	look "$path: symbolic link to itself"
	rm "host/$path"
	mkdir "host/$path"
	look "$path: directory"
	rmdir "host/$path"
	if mknod "host/$path" c 1 5 2>/dev/null; then look "$path: device"; fi
	put_back "$path"
done

# ---- directories
for path in $directories; do
	rm -r "host/$path"
	look "$path: missing"
	echo >"host/$path"
	look "$path: file"
	rm "host/$path"
	mkfifo "host/$path"
	look "$path: fifo"
	rm "host/$path"
	ln -s "$PWD/healthy/$path" "host/$path"
	look "$path: symbolic link"
	# Who is not followed is not counted: nobody is called an orphan.
	if grep -qE '^(warning|error|fatal) +(X1|X8|C1|B1)' out &&
		! grep -q '^ *mend *unproven' out; then
		fail "$path: symbolic link: $(grep -E '(X1|X8|C1|B1)' out | head -1)"
	fi
	rm "host/$path"
	put_back "$path"
done

# ---- huge
truncate -s 1T "host/devicemapper/metadata/$layer"
look "a device's file of 1 TiB"
has out 'it is too large'
put_back "devicemapper/metadata/$layer"
(cd host/devicemapper/metadata && printf '.tmp%s\0' {1..20000} | xargs -0 touch)
look "a directory of 20000 files"
[ "$(grep -c 'metadata/\.tmp[0-9]' out)" = 20000 ] || fail "files are missing in the report"
rm -f host/devicemapper/metadata/.tmp*

# ---- nothing is changed
diff -r healthy host >/dev/null || fail "the test did not put everything back"
tree_of host >before
look "unchanged"
docker_meta -r host --metadata meta list >/dev/null || fail "list"
docker_meta -r host --metadata meta -f json >/dev/null || fail "json"
tree_of host >after
diff before after >difference || fail "something was changed: $(cat difference)"

# ---- who may not read all of it
cp "$build/bin/docker_meta" program
chmod 755 . program
chmod 644 meta
as_nobody() { # ARGUMENT...
	setpriv --reuid 65534 --regid 65534 --clear-groups ./program "$@"
}
[ -x program ] || fail "there is no program to run without rights"
if [ "$(id -u)" = 0 ] && as_nobody --version >/dev/null 2>&1; then
	find host -type d -exec chmod 755 {} +
	find host -type f -exec chmod 644 {} +
	run 0 as_nobody -r host --metadata meta
	chmod 600 "host/devicemapper/metadata/$layer"
	run 2 as_nobody -r host --metadata meta
	has out 'J26 .*read'
	lacks out 'J2 '
	lacks out '^(warning|fatal)'
	chmod 644 "host/devicemapper/metadata/$layer"
	for path in $small $large; do
		chmod 0 "host/$path"
		nr=$((nr + 1))
		as_nobody -r host --metadata meta >out 2>err
		[ $? -le 2 ] || fail "$path: unreadable: $(cat err)"
		! grep -qE '^(error|fatal) +(L|C|B)' out || fail "$path: unreadable: $(cat out)"
		chmod 644 "host/$path"
	done
	for path in $directories; do
		chmod 0 "host/$path"
		nr=$((nr + 1))
		as_nobody -r host --metadata meta >out 2>err
		[ $? -le 2 ] || fail "$path: unreadable: $(cat err)"
		if grep -qE '^(warning|error|fatal) +(X1|X8|C1|B1)' out &&
			! grep -q '^ *mend *unproven' out; then
			fail "$path: unreadable: $(grep -E '(X1|X8|C1|B1)' out | head -1)"
		fi
		chmod 755 "host/$path"
	done
	chmod 700 host
	run 3 as_nobody -r host --metadata meta
	has err 'host: Permission denied'
	chmod 755 host
	chmod 600 meta
	run 3 as_nobody -r host --metadata meta
	has err 'meta: .*Permission denied'
	chmod 644 meta
fi

# ---- Docker follows a symbolic link that we do not: that its file is broken is not proved
rm -rf linked
cp -a healthy linked
mv linked/image/devicemapper/repositories.json names
ln -s "$work/names" linked/image/devicemapper/repositories.json
run 1 docker_meta -r linked --metadata meta
has out '^warning   L15 '
has out 'unproven'
run 0 docker_meta predict -r linked --metadata meta
has out '^  unknown reads repositories.json: '

# ---- that no descriptor is left says nothing of the files
for n in 4 5 6 7 8 9 10 12 16; do
	prlimit --nofile="$n" "$build/bin/docker_meta" -r healthy --metadata meta >few 2>err
	status=$?
	case $status in
	0) cmp -s few <(docker_meta -r healthy --metadata meta) || fail "$n descriptors: another answer" ;;
	3) lines err 1 ;;
	*) fail "$n descriptors: exit status $status, $(head -1 few)" ;;
	esac
done

# ---- the root as people give it
run 0 docker_meta -r healthy/ --metadata meta
run 0 docker_meta -r healthy/. --metadata meta
ln -s healthy link
run 0 docker_meta -r link --metadata meta
run 3 docker_meta -r healthy/devicemapper --metadata meta
has err "driver's own directory: give the one above"
mkdir -p remapped/100000.100000
cp -a healthy/. remapped/100000.100000
run 3 docker_meta -r remapped --metadata meta
has err 'userns-remap it is in 100000.100000'
run 0 docker_meta -r remapped/100000.100000 --metadata meta
mkdir -p other/overlay2/l empty
run 3 docker_meta -r other --metadata meta
has err 'Docker uses overlay2 here'
run 3 docker_meta -r empty --metadata meta
has err 'no state of Docker'
run 3 docker_meta -r meta --metadata meta
has err 'Not a directory'

finish
