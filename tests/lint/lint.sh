#!/usr/bin/env bash
# Every analyser, zero findings.  Installs what is missing.  Prints what fails, and a line for each step.
#
#     tests/lint/lint.sh [STEP...]     all steps, or those named
set -u
cd "$(dirname "$0")/../.." || exit 1
./quickstart deps || exit 1

jobs=$(nproc)
flags=(-std=gnu11 -D_GNU_SOURCE -I.)
mapfile -t project < <(git ls-files 'common/*.c' 'thin_*/*.c' 'docker_meta/*.c')
mapfile -t tests < <(git ls-files 'tests/*.c' 'bench/*.c')
mapfile -t all_c < <(git ls-files '*.c' '*.h')
mapfile -t scripts < <(git ls-files '*.sh' quickstart .ci/run)
mapfile -t manuals < <(git ls-files '*.8')

# Both compilers know these, and gcc some more.
warnings=(-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wswitch-enum -Wundef
	-Wvla -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wformat=2
	-Wnull-dereference -Wwrite-strings -Wdate-time -fno-common -Werror)
gcc_only=(-Warith-conversion -Wcast-align=strict -Wformat-signedness -Wlogical-op -Wduplicated-cond
	-Wduplicated-branches)

# Run a command once for each file, its name appended, several at a time.
each() {
	local -n list=$1
	shift
	printf '%s\0' "${list[@]}" | xargs -0 -P "$jobs" -n 1 "$@"
}

# each() gets the name of a list.
# shellcheck disable=SC2034
lists=("${project[@]}" "${tests[@]}")

step_gcc() {
	each project gcc "${flags[@]}" -O2 "${warnings[@]}" "${gcc_only[@]}" -c -o /dev/null &&
		each tests gcc "${flags[@]}" -O2 "${warnings[@]}" "${gcc_only[@]}" -c -o /dev/null
}
step_clang() {
	each project clang "${flags[@]}" -O2 "${warnings[@]}" -c -o /dev/null &&
		each tests clang "${flags[@]}" -O2 "${warnings[@]}" -c -o /dev/null
}
# The analysers below look at what users run.  Tests end by aborting, which they take for paths that go on.
step_analyzer() {
	each project gcc "${flags[@]}" -O2 -fanalyzer -Werror -c -o /dev/null
}
step_tidy() {
	# clang-tidy counts on stderr the warnings in system headers that it does not show.
	# shellcheck disable=SC2016 # $0 and $@ are for the inner shell
	each project sh -c 'clang-tidy --quiet "$0" -- -std=gnu11 -D_GNU_SOURCE -I. 2>/dev/null'
}
step_cppcheck() {
	# It does not need the system's headers, and says of each that it has not got it.
	cppcheck -q -j "$jobs" --error-exitcode=1 --std=c11 -D__x86_64__ -D_GNU_SOURCE -I. \
		--enable=warning,portability,performance --inline-suppr \
		--suppress=missingIncludeSystem "${project[@]}"
}
step_sparse() {
	# It does not know all attributes of the libraries' headers.
	each project sparse "${flags[@]}" -Wbitwise -D__CHECK_ENDIAN__ -Wno-unknown-attribute \
		-Wsparse-error
}
step_format() {
	clang-format --dry-run -Werror "${all_c[@]}"
}
step_spelling() {
	# "fo" and "nd" are in hex and names, "inout" and "dedup" are words of the field.
	git ls-files | grep -vE '\.xz$|^LICENSE$|^tests/fuzz/corpus/' | xargs codespell -L fo,inout,nd,dedup
}
step_shell() {
	shellcheck "${scripts[@]}"
}
step_manuals() {
	mandoc -T lint -W warning "${manuals[@]}"
}
step_layers() {
	tests/lint/layers.sh
}
step_sizes() {
	tests/lint/sizes.sh
}
# Nothing that changes outlives a call: no section for variables holds anything.
step_globals() {
	make -s all && ! nm -f sysv build/libthinmend.a build/libdocker_meta.a 2>/dev/null |
		awk -F '|' '$7 ~ /^ *\.(data|bss)$/ && $4 ~ /OBJECT/'  | grep .
}
step_headers() {
	tests/lint/headers.sh
}

steps=("$@")
[ $# -gt 0 ] || steps=(gcc clang analyzer tidy cppcheck sparse format spelling shell manuals layers
	sizes globals headers)
failed=()
for step in "${steps[@]}"; do
	if output=$("step_$step" 2>&1); then
		printf 'lint: %-9s clean\n' "$step"
	else
		printf '%s\nlint: %-9s FAILED\n' "$output" "$step"
		failed+=("$step")
	fi
done
if [ ${#failed[@]} -gt 0 ]; then
	printf 'lint: failed: %s\n' "${failed[*]}"
	exit 1
fi
printf 'lint: no findings\n'
