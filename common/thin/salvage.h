/* SPDX-License-Identifier: MIT
 * salvage.h: sound metadata from damaged metadata, in memory, on top of a device that is only read.
 *
 * What the current superblock reaches and is whole is taken as it is.  What is lost is looked for
 * among the blocks that the last commit counted and that nothing leads to any more.  Where exactly
 * one way fits it is taken, where several do none is: a wrong mapping is worse than a lost one.
 * Memory: about 150 bytes a metadata block, and 4 KiB an internal node and a changed block.
 */
#ifndef THINMEND_THIN_SALVAGE_H
#define THINMEND_THIN_SALVAGE_H

#include "common/base/report.h"
#include "common/io/block_io.h"
#include "common/thin/superblock.h"

struct salvage_options {
	bool has_transaction_id;
	uint64_t transaction_id;  /* in place of one that is lost, likewise: */
	uint64_t nr_data_blocks;  /* unless 0 */
	uint32_t data_block_size; /* sectors, unless 0 */
	bool has_roots;           /* take these in place of those that the superblock has: */
	uint64_t mapping_root, details_root; /* metadata blocks */
	bool allow_older; /* where nothing current is left, the newest earlier commit that is whole
			   */
	bool aggressive;  /* where several ways fit, take the likeliest */
	/*
	 * Borrowed: devices whose snapshotted_time becomes that of the pool, because by what their
	 * details say they would overwrite in place what others have too.
	 */
	const uint64_t *exposing;
	size_t nr_exposing;
};

/* Why nothing could be salvaged, for one line of text. */
struct salvage_fault {
	char text[256];
};

/* On what evidence something was put back. */
enum salvage_evidence {
	EVIDENCE_NONE,
	EVIDENCE_NUMBERS,   /* keys and times fit, and so does the number of mappings, exactly */
	EVIDENCE_ONLY_WAY,  /* keys and times fit, and nobody else could have lost it */
	EVIDENCE_VERSION,   /* an earlier version of what is lost says so, and it is still in use */
	EVIDENCE_AGREEMENT, /* all trees that it could be say the same */
	EVIDENCE_LIKELIHOOD, /* a guess */
};

/* Nodes that were put back in the place, or below the place, of one that is lost. */
struct salvage_adoption {
	uint64_t block;       /* that is lost, or led astray */
	uint64_t first_child; /* metadata block; likewise: */
	uint32_t nr_children;
	uint64_t device; /* or NO_DEVICE: several */
	enum salvage_evidence evidence;
};

/* A device that had what is lost of several. */
struct salvage_share {
	size_t loss; /* index */
	uint64_t device;
};

/* What became of a device. */
struct salvaged_device {
	uint64_t id;
	uint64_t nr_expected; /* mappings that its details say it had; UINT64_MAX: not known */
	uint64_t nr_mappings; /* that it has now */
	bool rebuilt_details;
	bool matched_root;
	enum salvage_evidence evidence; /* of that */
	bool undecided; /* it has what several trees agree on, one of which is its own */
};

/* Mappings that could not be saved: of all devices that had this node. */
struct salvage_loss {
	uint64_t block;      /* of the node that is lost */
	uint64_t device;     /* or NO_DEVICE: several */
	uint64_t begin, end; /* thin blocks; end may be RANGE_OPEN */
};

#define SALVAGE_MAX_LOSSES 100000u

struct salvage_result {
	struct salvaged_device *devices; /* owned */
	size_t nr_devices;
	struct salvage_loss *losses;       /* owned */
	size_t nr_losses, losses_capacity; /* at most SALVAGE_MAX_LOSSES */
	uint64_t nr_losses_left_out;
	struct salvage_share *shares; /* owned; by loss; at most SALVAGE_MAX_LOSSES */
	size_t nr_shares, shares_capacity;
	uint64_t nr_shares_left_out;
	struct salvage_adoption *adoptions; /* owned; at most SALVAGE_MAX_LOSSES */
	size_t nr_adoptions, adoptions_capacity;
	uint64_t per_finding[NR_FINDINGS]; /* what is wrong with the nodes, by enum finding_id */
	uint64_t nr_lost_devices;          /* that can be told to have been there */
	uint64_t nr_gone;    /* devices that were deleted, though the top level still knew them */
	uint64_t nr_adopted; /* nodes that nothing led to any more */
	uint64_t nr_strays;  /* blocks that stood in the wrong place */
	uint64_t nr_unreadable; /* blocks that the device did not give */
	uint64_t nr_dropped;    /* single mappings */
	uint64_t nr_stale;      /* whole blocks that are older than the last commit */
	/* Pieces of mapping trees that belong to no device that is known, and their mappings. */
	uint64_t nr_homeless, nr_homeless_mappings;
	uint64_t nr_guessed; /* trees and nodes that the likeliest way was taken for */
	uint64_t nr_raised;  /* devices whose snapshotted_time was: see salvage_options */
	bool older;          /* these roots are not the superblock's: an earlier commit's */
	uint64_t mapping_root, details_root; /* metadata blocks, that it was started from */
	bool superblock_found_out;
	bool contradicts_itself;  /* whoever checks the result says so: some of it is not current */
	bool nr_data_blocks_lost; /* then there are as many as mappings lead to */
	bool kept_transaction_id, kept_nr_data_blocks; /* the options asked for less: not done */
	uint64_t nr_blocks; /* metadata blocks that the result uses: for read_options */
};

/*
 * Salvage what is on e, which is only read and must outlive *ret_engine: the sound metadata, to be
 * read as any.  0; -EUCLEAN with ret_fault filled when nothing can be salvaged; or -errno of our
 * own. *ret_result is to be destroyed in any case.
 */
must_check int salvage(struct block_engine *e, const struct salvage_options *options,
		       struct block_engine **ret_engine, struct salvage_result *ret_result,
		       struct salvage_fault *ret_fault);
void salvage_result_destroy(struct salvage_result *result);

#endif
