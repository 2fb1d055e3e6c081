/* SPDX-License-Identifier: MIT
 * prove.h: what decoders.c and any_checksum.c take from Frama-C: numbers and bytes that can be any;
 * and what prove.sh proves.
 */
#ifndef THINMEND_PROVE_H
#define THINMEND_PROVE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __FRAMAC__
#include <__fc_builtin.h>
#else
/* So that compilers and linters can look at it too. */
void Frama_C_make_unknown(char *p, size_t bytes);
int Frama_C_interval(int min, int max);
unsigned int Frama_C_unsigned_int_interval(unsigned int min, unsigned int max);
unsigned long Frama_C_unsigned_long_interval(unsigned long min, unsigned long max);
#endif

void prove_checksum(void);
void prove_superblock(void);
void prove_nodes(void);
void prove_bitmap(void);
void prove_index(void);

#endif
