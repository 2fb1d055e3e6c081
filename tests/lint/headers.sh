#!/usr/bin/env bash
# Every header compiles alone, and has a guard of its own.
set -eu
cd "$(dirname "$0")/../.."
bad=0
for header in $(git ls-files '*.h'); do
	printf '#include "%s"\n' "$header" |
		gcc -std=gnu11 -D_GNU_SOURCE -I. -Wall -Wextra -Werror -fsyntax-only -x c - || bad=1
done
guards=$(git ls-files '*.h' | xargs sed -n 's/^#ifndef \(THINMEND_.*_H\)$/\1/p' | sort | uniq -d)
if [ -n "$guards" ]; then
	printf 'guards used twice: %s\n' "$guards" >&2
	bad=1
fi
exit $bad
