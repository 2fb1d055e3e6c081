#!/usr/bin/env bash
# The fuzz targets with their corpus: nothing that was ever found comes back.  Without a fuzzer.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"
cd "$here" || exit 1
corpus=tests/fuzz/corpus

# Each file is small, has a line on where it comes from, and a target.
nr=$((nr + 1))
what=$corpus
(cd $corpus && find . -mindepth 2 -type f -printf '%P\n' | sort) >"$work/there"
cut -f 1 $corpus/PROVENANCE | LC_ALL=C sort >"$work/told"
LC_ALL=C sort -o "$work/there" "$work/there"
diff "$work/there" "$work/told" >"$work/out" || fail "PROVENANCE: $(head -n 5 "$work/out")"
[ -z "$(find $corpus -size +64k)" ] || fail "too large: $(find $corpus -size +64k)"

for source in tests/fuzz/*.c; do
	target=$(basename "$source" .c)
	nr=$((nr + 1))
	"$build/fuzz/$target" "$corpus/$target" >"$work/out" 2>"$work/err" ||
		fail "$target: $(tail -n 40 "$work/err")"
done
finish
