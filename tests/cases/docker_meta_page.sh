#!/usr/bin/env bash
# The report as one HTML file: what is in it, that nothing in it can do harm, and that it works in a browser.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

# shellcheck source=tests/support/docker.sh
. "$here/tests/support/docker.sh"

export SOURCE_DATE_EPOCH=1700000000
command -v python3 >/dev/null || {
	printf 'skipped: python3 is not here\n'
	exit 0
}

fixture docker-loop-lvm meta
host docker-loop-lvm down

# page STATUS NAME ARGUMENT...: a report in NAME.html, which must be valid
page() {
	local status=$1 name=$2
	shift 2
	run "$status" docker_meta "$@"
	cp out "$name.html"
	empty err
	what="valid.py: $*"
	nr=$((nr + 1))
	python3 "$here/tests/browser/valid.py" "$name.html" >valid 2>&1 || fail "$what: $(head -n 5 valid)"
}

# ---- a healthy host
page 0 healthy -r down --metadata meta report
has out '<header class="verdict green">'
has out 'All is well'
has out '<time datetime="2023-11-14T22:13:20Z">2023-11-14 22:13:20 UTC</time>'
has out '^<tr id="d23"><td class="num">23</td><td class="mono" title="57a04caa8ded.*>rw</td>.*>exited<'
has out '<b>running</b>|>running1 \(running\)<'
has out "$(sha256sum meta | cut -d' ' -f1)"
cp out again
for command in check list du; do
	page 0 "$command" -r down --metadata meta -f html "$command"
	cmp -s "$command.html" again || fail "$what: it is not the report"
done
run 64 docker_meta -r down --metadata meta -f html predict

# ---- a crashed one, from a dump
fixture docker-kill9-3 killed
host docker-kill9-3 crashed
thin_dump killed >killed.xml
page 1 crashed -r crashed --xml killed.xml report
has out '<header class="verdict amber">'
has out 'A dump does not tell it'
has out '<details class="finding" id="X8-1" open="open">'

# ---- names that somebody chose in order to harm
edit() { # FILE FILTER: change JSON
	jq -c "$2" "$1" >edited && cat edited >"$1"
}
exited=57a04caa8ded0af18c54eeee9b42dc64aecc0559f7ba96d86d53ea4192c53e22
container=95b0aba52a30dde9e64098a50ec3448f041927c7a80838d0c29e9fcf6b29924d
cp -a down "$(printf 'ho\033st&<x>\047s')"
hostile=$(echo ho*st*)
records=$hostile/devicemapper/metadata
# shellcheck disable=SC1003 # a backslash
edit "$hostile/containers/$container/config.v2.json" \
	'.Name = "/\u003c/script>\u003cscript>document.title=1\u003c/script>\u003c!--\"\u0027 onload=x&amp;\\\u202egnp.\u200b\u2028\u0001\ufeff\uffff"'
sed -i 's/"app:2"/"a\xff\xc0\x80<b>\xed\xa0\x80:2"/' "$hostile/image/devicemapper/repositories.json"
touch "$records/<img src=x onerror=alert(1)>" "$records/$(printf 'a\xe2\x80\xaeb\xff\xfec\033[31m]]>')" "$records/.tmp42"
cp "$records/$exited" "$records/${exited/5/6}"
truncate -s 20 "$records/b84ef1d974ac"*
page 2 hostile -r "$hostile" --metadata meta report
has out '&lt;img src=x onerror=alert\(1\)&gt;'
has out 'a\\xe2\\x80\\xaeb\\xff\\xfec\\x1b\[31m\]\]&gt;'
has out '\\u003c/script\\u003e\\u003cscript\\u003e'
has out "docker_meta -r &#39;ho.*&#39;\\\\&#39;&#39;s&#39;"
lacks out "$(printf '\033')"
# Of which file a device is nobody knows: two of them cannot be read.
lacks out 'class="role-orphan"|left over</a>'
has out '^<tr id="d33">.*class="role-unproven">unproven<'

# ---- a large one: 25000 devices that nobody knows, and as many files that are not Docker's
large() { # DEVICES
	printf '<superblock uuid="" time="1" transaction="59" flags="0" version="2" data_block_size="128" nr_data_blocks="16777216">\n'
	thin_dump meta | sed '/superblock/d'
	seq "$1" | awk '{ printf "<device dev_id=\"%d\" mapped_blocks=\"3\" transaction=\"0\" creation_time=\"0\" snap_time=\"0\">\n" \
		"<range_mapping origin_begin=\"0\" data_begin=\"%d\" length=\"3\" time=\"0\"/>\n</device>\n", $1 + 100, $1 * 600 }'
	printf '</superblock>\n'
}
large 25000 >large.xml
cp -a down many
(cd many/devicemapper/metadata && seq -f 'not-dockers-%.0f' 25000 | xargs touch)
page 2 large -r many --xml large.xml report
[ "$(stat -c %s large.html)" -lt 8000000 ] || fail "$what: $(stat -c %s large.html) bytes"
has out 'more of J3 are left out here'
has out 'These are the first 200 of 25'

# ---- in a browser
if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
	printf 'the browser is not here: apt-get install chromium chromium-driver; its tests are skipped\n'
	finish
	exit
fi
for name in crashed hostile large; do
	what="report.py: $name"
	nr=$((nr + 1))
	python3 "$here/tests/browser/report.py" "$name.html" >browser 2>&1 ||
		fail "$what: $(tail -n 20 browser)"
done
finish
