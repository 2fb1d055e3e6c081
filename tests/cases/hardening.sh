#!/usr/bin/env bash
# What compiler and linker can do against a fault in a parser is in every tool, and thin_check, which goes
# into the initramfs, brings no library along.
# shellcheck source=tests/support/cases.sh
. "$(dirname "$0")/../support/cases.sh"

[ "$build" = "$here/build" ] || {
	printf 'skipped: the sanitizer build is not installed\n'
	exit 0
}
read -r -a compiler <"$build/flags"
has_file() { # is there such a file of the compiler's?
	[ -e "$("${compiler[0]}" -print-file-name="$1")" ]
}

tools=(thin_check thin_dump thin_restore thin_repair docker_meta)
for tool in "${tools[@]}"; do
	what=$tool
	nr=$((nr + 1))
	readelf -hldW "$build/bin/$tool" >elf
	has elf 'Type: .*DYN'
	has elf 'INTERP'
	has elf 'GNU_RELRO'
	has elf 'FLAGS.*NOW'
	has elf 'GNU_STACK .* RW '
	lacks elf 'LOAD .* RWE |TEXTREL|RPATH|RUNPATH'
	nm -D --undefined-only "$build/bin/$tool" >symbols
	has symbols '__stack_chk_fail'
	has symbols '__(mem|str|sn?|vsn?|f|vf)[a-z]*_chk'
done

# The best that the compiler has; it knows itself what it makes of _FORTIFY_SOURCE.
printf '#include <features.h>\nlevel __USE_FORTIFY_LEVEL\n' >level.c
read -r -a wanted < <("${compiler[0]}" -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -E -P level.c 2>/dev/null | tail -n 1)
what="the compiler's flags"
has "$build/flags" "-D_FORTIFY_SOURCE=${wanted[1]}( |$)"

if [ "$(uname -m)" = x86_64 ]; then
	# CET: all of our own code is marked.  A program is where all that it consists of is, the C library's
	# first code included.
	for archive in libthinmend libdocker_meta; do
		what=$archive
		readelf -nW "$build/$archive.a" >notes
		lines=$(grep -c '^File: ' notes)
		[ "$(grep -c 'x86 feature: IBT, SHSTK' notes)" -eq "$lines" ] || fail "$archive: not all of it is marked for CET"
	done
	start=$("${compiler[0]}" -print-file-name=Scrt1.o)
	if readelf -nW "$start" | grep -q 'IBT, SHSTK'; then
		for tool in "${tools[@]}"; do
			readelf -nW "$build/bin/$tool" >notes
			what=$tool
			has notes 'x86 feature: IBT, SHSTK'
		done
	fi
	# Stack clash: a frame that is larger than a page is taken page by page, each of them touched.
	# shellcheck disable=SC2016 # the dollars are the assembler's
	for tool in "${tools[@]}"; do
		what=$tool
		objdump -d --no-show-raw-insn "$build/bin/$tool" >code
		grep -A 1 'sub *\$0x1000,%rsp' code >probes
		has probes '(or|mov)[bq] *\$0x0,(0x[0-9a-f]+)?\(%rsp\)'
		lacks code 'sub *\$0x(100[1-9a-f]|10[1-9a-f].|1[1-9a-f]..|[2-9a-f]...|[0-9a-f]{5,7}),%rsp'
	done
fi

# The libraries that come along.
needed() {
	readelf -d "$build/bin/$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >needed
	what="$1 needs"
}
for tool in thin_check thin_dump thin_restore thin_repair; do
	needed "$tool"
	lacks needed 'devmapper|selinux|udev|pcre'
done
if has_file libaio.a && has_file libjansson.a; then
	needed thin_check
	lines needed 1
	has needed '^libc\.'
fi
finish
