/* SPDX-License-Identifier: MIT
 * embed.h: files of the tree, as they were when this was built.
 */
#ifndef DOCKER_META_TEXT_EMBED_H
#define DOCKER_META_TEXT_EMBED_H

#include <stddef.h>
#include <stdint.h>

struct asset {
	const char *text; /* not terminated */
	size_t size;
};

/*
 * EMBEDDED(name) is the file, which is found from the top of the tree, where compilers run.  The
 * Makefile has what the object depends on: the compiler does not tell.
 */
#define EMBED(name, file)                                                                   \
	__asm__(".pushsection .rodata\n"                                                    \
		".hidden embedded_" #name "\n.hidden embedded_" #name "_size\n"             \
		".global embedded_" #name "\n.global embedded_" #name "_size\n"             \
		"embedded_" #name ":\n.incbin \"" file "\"\n"                               \
		".Lend_of_" #name ":\n.balign 8\n"                                          \
		"embedded_" #name "_size:\n.quad .Lend_of_" #name " - embedded_" #name "\n" \
		".popsection\n");                                                           \
	extern const char embedded_##name[];                                                \
	extern const uint64_t embedded_##name##_size

#define EMBEDDED(name) ((struct asset){ embedded_##name, embedded_##name##_size })

#endif
