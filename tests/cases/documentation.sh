#!/usr/bin/env bash
# docs/findings.md is in step with the catalogue; the README names what there is.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

# Each row of the catalogue, its strings one a line.
grep '^FINDING(' "$here/common/base/findings.def" | sed 's/^FINDING([A-Z_0-9]*, //; s/")$/"/' >rows
what="docs/findings.md"
[ "$(wc -l <rows)" -gt 50 ] || fail "the catalogue could not be read"
severity='s/| FATAL |/| fatal |/; s/| NON_FATAL |/| non-fatal |/; s/| SUSPECT |/| suspect |/'
# shellcheck disable=SC2016 # the backquotes are Markdown
sed 's/^"\(.*\)", \([A-Z_]*\), "\(.*\)", "\(.*\)", "\(.*\)", "\(.*\)"$/| `\1` | \2 | \4 | \5 |/' rows |
	sed "$severity" >catalogue
# The document has one column more, the explanation, after the severity.
# shellcheck disable=SC2016 # the backquotes are Markdown
sed -n 's/^| \(`[a-z-]*`\) | \([a-z-]*\) | [^|][^|]* | \([^|]*\) | \([^|]*\) |$/| \1 | \2 | \3 | \4 |/p' \
	"$here/docs/findings.md" >documented
diff catalogue documented >difference || fail "findings.def and docs/findings.md differ: $(cat difference)"
nr=$((nr + 1))

# What the kernel does, and LVM, which refuses whatever thin_check exits with 1 for.
lvm='s/| FATAL |/| refuses |/; s/| NON_FATAL |/| refuses |/; s/| SUSPECT |/| activates |/'
# shellcheck disable=SC2016 # the backquotes are Markdown
sed 's/^"\(.*\)", \([A-Z_]*\), "\(.*\)", "\(.*\)", "\(.*\)", "\(.*\)"$/| `\1` | \2 | \6 | \3 |/' rows |
	sed "$lvm; s/ |  |\$/ | – |/" >catalogue
# shellcheck disable=SC2016 # the backquotes are Markdown
grep -E '^\| `[a-z-]+` \| (refuses|activates) \|' "$here/docs/findings.md" >documented
diff catalogue documented >difference || fail "findings.def and docs/findings.md differ: $(cat difference)"
nr=$((nr + 1))

# Every key of the JSON report is explained.
what="docs/findings.md"
sed -n 's/.*put([a-z]*, "\([a-z_]*\)",.*/\1/p' "$here/common/tool/report_json.c" | sort -u >keys
[ "$(wc -l <keys)" -gt 30 ] || fail "the keys could not be read"
while read -r key; do
	grep -q "\`$key\`" "$here/docs/findings.md" || fail "docs/findings.md does not explain $key"
done <keys
nr=$((nr + 1))

# docs/docker-findings.md is in step with docker_meta's catalogue.
what="docs/docker-findings.md"
# shellcheck disable=SC2016 # the backquotes are Markdown
sed -n 's/^ROW(\([A-Z0-9]*\), \([A-Z]*\), [A-Z_]*, [A-Z_0-9 |]*, [a-z_]*, "\(.*\)", "\(.*\)", "\(.*\)")$/| `\1` | \2 | \3 | \4 | \5 |/p' \
	"$here/docker_meta/catalogue/rows.def" |
	sed 's/| FATAL |/| fatal |/; s/| ERROR |/| error |/; s/| WARNING |/| warning |/; s/| INFO |/| info |/' >catalogue
[ "$(wc -l <catalogue)" -gt 50 ] || fail "docker_meta's catalogue could not be read"
# shellcheck disable=SC2016 # the backquotes are Markdown
grep '^| `[A-Z][0-9]*` ' "$here/docs/docker-findings.md" >documented
diff catalogue documented >difference ||
	fail "rows.def and docs/docker-findings.md differ: $(cat difference)"
sed -n 's/.*json_put(object, "\([a-z_]*\)",.*/\1/p' "$here/docker_meta/say/json.c" | sort -u >keys
while read -r key; do
	grep -q "\`$key\`" "$here/docs/docker-findings.md" || fail "docs/docker-findings.md does not explain $key"
	grep -q "\"$key\": {" "$here/docs/docker-meta.schema.json" || fail "docs/docker-meta.schema.json has no $key"
done <keys
nr=$((nr + 1))

# Every row is expected by a test.
what="rows.def"
# P9, B5: of no state that is at hand.  G16, G17, G19, M14, M15: of the running host alone.
untested=" P9 B5 G16 G17 G19 M14 M15 "
sed -n 's/^ROW(\([A-Z0-9]*\),.*/\1/p' "$here/docker_meta/catalogue/rows.def" | while read -r id; do
	case $untested in *" $id "*) continue ;; esac
	grep -qE "\b$id\b" "$here"/tests/cases/docker_meta*.sh "$here"/tests/kernel/*.sh "$here"/tests/unit/*.c || echo "$id"
done >rows
[ ! -s rows ] || fail "no test expects $(tr '\n' ' ' <rows)"
nr=$((nr + 1))

for package in libaio-dev zlib1g-dev libexpat1-dev libdevmapper-dev libjansson-dev nettle-dev libcriterion-dev graphviz python3-jsonschema; do
	grep -q "$package" "$here/README.md" || fail "README.md does not name $package"
	grep -q "$package" "$here/quickstart" || fail "quickstart does not install $package"
	nr=$((nr + 1))
done
finish
