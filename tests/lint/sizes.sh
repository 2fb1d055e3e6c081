#!/usr/bin/env bash
# Functions of at most 100 lines and a complexity of at most 25, files of at most 800 lines.
set -eu
cd "$(dirname "$0")/../.."
bad=0
files=$(git ls-files 'common/*.c' 'thin_*/*.c' 'docker_meta/*.c' 'tests/*.c' 'bench/*.c')
# pmccabe: modified complexity, complexity, statements, first line, lines, file(line): function
# shellcheck disable=SC2086 # a list of files
if ! pmccabe $files | awk '$1 > 25 || $5 > 100 { print "too large: " $0; bad = 1 } END { exit bad }'; then
	bad=1
fi
# shellcheck disable=SC2086 # a list of files
if ! wc -l $files | awk '$2 != "total" && $1 > 800 { print "too long: " $0; bad = 1 } END { exit bad }'; then
	bad=1
fi
exit $bad
