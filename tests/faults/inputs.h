/* SPDX-License-Identifier: MIT
 * inputs.h: the small pools that the tools are run on.
 */
#ifndef THINMEND_TESTS_INPUTS_H
#define THINMEND_TESTS_INPUTS_H

/*
 * Writes to the directory DIR, with 64 metadata blocks each:
 *
 *     pool.xml      4 devices; one is a snapshot of another, and their trees have two levels
 *     pool.raw      … as metadata
 *     leaky.raw     with leaked blocks in both space maps
 *     flag.raw      with needs_check set
 *     torn.raw      with a lost leaf and a lost node of the details: thin_repair has work to do
 *     headless.raw  without a superblock
 *     other.raw     another pool, for what stood on an output before
 *     blank.raw     64 blocks of zeroes
 */
void make_inputs(const char *dir);

#endif
