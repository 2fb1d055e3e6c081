/* SPDX-License-Identifier: MIT
 * glossary.c: words of the field, for who reads this for the first time.
 */
#include "docker_meta/say/page/page_internal.h"

static const struct {
	const char *word, *meaning;
} words[] = {
	{ "thin pool", "Two block devices, data and metadata, out of which the kernel makes many "
		       "thin devices that take room only for what was written." },
	{ "data block", "The unit in which the pool gives room out, often 64 KiB. A device has "
			"whole ones." },
	{ "metadata", "The pool’s own books: which data block is at which place of which device. "
		      "Without them the data cannot be told apart." },
	{ "thin device",
	  "A disk out of the pool, with a number. Docker’s driver makes one for each "
	  "layer and two for each container." },
	{ "snapshot",
	  "A thin device that begins as another one, and shares its blocks until one of "
	  "the two writes." },
	{ "base device", "The first one, with an empty file system. All others are its snapshots, "
			 "or theirs." },
	{ "image, layer",
	  "An image is a pile of layers, each a snapshot of the one below with some "
	  "files changed. Images share layers." },
	{ "init, rw", "A container’s devices: init has the mount points that Docker puts in, rw is "
		      "what the container writes to." },
	{ "mapped", "Data blocks that a device has, be they its own or shared." },
	{ "exclusive", "Data blocks that no other device has: they come back when it is deleted." },
	{ "transaction", "A number that the driver counts up with each device it makes or deletes. "
			 "Docker’s files and the pool must agree on it; one that was begun and not "
			 "ended is taken back at the next start." },
	{ "orphan", "A device that no image, no container and no build refers to. Docker never "
		    "frees it." },
	{ "phantom", "A device that Docker’s files name, and the pool has not." },
	{ "foreign", "A device of the pool that something else than Docker made, as LVM does." },
	{ "unproven", "Not every place could be read where somebody may refer to the device. "
		      "Nothing is to be deleted on such a ground." },
	{ "deferred deletion", "A device that is in use when it is deleted is only marked; Docker "
			       "deletes it later." },
	{ "metadata snapshot", "A copy of the books that the pool holds still, so that they can be "
			       "read while it is in use." },
};

void put_glossary(const struct page *p)
{
	(void)fputs("<section id=\"words\">\n<h2>Words</h2>\n<dl class=\"words\">\n", p->out);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		(void)fprintf(p->out, "<div><dt>%s</dt><dd>%s</dd></div>\n", words[i].word,
			      words[i].meaning);
	(void)fputs("</dl>\n</section>\n", p->out);
}
