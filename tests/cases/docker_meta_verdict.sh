#!/usr/bin/env bash
# One verdict: the exit status, Nagios' word, the page's light and the forecast agree, for every state.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"
# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"

words=(OK WARNING CRITICAL UNKNOWN)
lights=(green amber red amber)

# agree ARGUMENT...: all forms of check, report and predict
agree() {
	local wanted light start form
	what="docker_meta $*"
	nr=$((nr + 1))
	docker_meta "$@" check >text 2>err
	wanted=$?
	for form in json ndjson nagios prometheus html; do
		docker_meta "$@" -f $form check >"$form" 2>err
		[ $? -eq $wanted ] || fail "$what: -f $form ends otherwise than text, with $wanted"
	done
	grep -q "^DOCKER_META ${words[wanted]} - " nagios || fail "$what: $wanted, and $(head -c 60 nagios)"
	if [ $wanted -eq 3 ] && [ ! -s text ]; then # nothing could be looked at: monitoring alone hears of it
		empty html
		return
	fi
	light=$(grep -o '<header class="verdict [a-z]*' html | sed 's/.* //')
	[ "$light" = "${lights[wanted]}" ] || fail "$what: $wanted, and the page is $light"
	grep -q "^docker_meta_status{[^}]*} $wanted\$" prometheus || fail "$what: $(grep '^docker_meta_status' prometheus)"
	docker_meta "$@" predict >start 2>err
	start=$?
	[ $start -ne 2 ] || [ $wanted -eq 2 ] || fail "$what: $wanted, and predict 2"
	[ $wanted -ne 0 ] || [ $start -eq 0 ] || [ $start -eq 64 ] || fail "$what: 0, and predict $start"
	if [ $start -eq 2 ]; then
		docker_meta "$@" plan >steps 2>err
		[ ! -s steps ] || grep -q 'next start of dockerd goes wrong' steps || fail "$what: predict 2, and plan says nothing of it"
	fi
	# What decided is told, first line first.
	case $wanted in
	0)
		# Orphans within a threshold are warnings all the same.
		grep -qE '^0 fatal, 0 errors, (0 warnings|[1-9]+ warnings?), ' text || fail "$what: 0, and $(tail -n 1 text)"
		[[ $* == *orphans* ]] || grep -q ' 0 warnings, ' text || fail "$what: 0, and $(tail -n 1 text)"
		;;
	2) grep -qE '^(fatal|error) ' text || fail "$what: 2, and nothing that is fatal or an error" ;;
	esac
	[ $wanted -eq 0 ] || lacks nagios '^DOCKER_META [A-Z]* - nothing wrong'
	[ $wanted -eq 0 ] || lacks html '<h1>All is well'
	# What keeps Docker from starting is the reason, whatever else is broken.
	[ $start -ne 2 ] || has nagios 'the next start of dockerd '
	seen="$seen $wanted"
}

printf '{ "storage-driver": "devicemapper" }\n' >devicemapper.json
printf '{ "storage-driver": "overlay2" }\n' >overlay2.json
printf '{ "storage-driver": \n' >broken.json
seen=
for fixture in "$hosts"/*.tar.xz; do
	name=$(basename "$fixture" .tar.xz)
	host "$name" host
	state=(-r host --no-mounts --no-dm --no-lvs)
	if [ -e "$fixtures/$name.raw" ]; then
		state+=(--metadata "$fixtures/$name.raw")
	elif [ -e "$hosts/$name.xml.xz" ]; then
		xz -dc "$hosts/$name.xml.xz" >pool.xml
		state+=(--xml pool.xml)
	fi
	agree "${state[@]}" --no-daemon-json
	agree "${state[@]}" --daemon-json overlay2.json
	# What thresholds and other files make of it is the same for those that were changed by hand.
	case $name in by-hand-*) continue ;; esac
	agree "${state[@]}" --daemon-json devicemapper.json
	agree "${state[@]}" --daemon-json broken.json
	agree "${state[@]}" --no-daemon-json -w data=0 -c metadata=99
	agree "${state[@]}" --no-daemon-json -c data=0,orphans=0
	agree "${state[@]}" --no-daemon-json -w orphans=99
	! grep -q 'X8\|X1' text || lacks html 'nothing is left over'
	agree -r host --no-mounts --no-dm --no-lvs --no-daemon-json
	rm -r host/image/devicemapper/layerdb
	agree "${state[@]}" --no-daemon-json
	rm -r host/devicemapper/metadata
	agree "${state[@]}" --no-daemon-json
done
for status in 0 1 2 3; do
	case $seen in *" $status"*) ;; *) fail "no state ends with $status" ;; esac
done
finish
