/* SPDX-License-Identifier: MIT
 * test_mend.c: which devices may be deleted, whatever is asked; and words of shell.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/answers/deletion.h"
#include "docker_meta/answers/script.h"
#include "docker_meta/config/lvm.h"
#include "docker_meta/text/shell.h"
#include "tests/support/leaks.h"

TestSuite(mend, .fini = fail_on_leaks);

#define FOUR(c) c c c c
#define HEX(c) FOUR(FOUR(FOUR(c)))

/* A base device, a layer, a layer that nobody has, a container, one that is gone, and an orphan. */
enum { BASE, LAYER, LEFT, OWN, GONE, ORPHAN, NR };

/* The stores' texts are theirs to free: they are not constant. */
static char base[] = "base", layer[] = HEX("a"), left[] = HEX("b"), own[] = HEX("c"),
	    gone[] = HEX("d"), orphan[] = HEX("e"), driver[] = "devicemapper";
static char *const hashes[NR] = { base, layer, left, own, gone, orphan };

struct world {
	struct device_record records[NR];
	struct layer layers[2];
	struct mount mounts[2];
	struct container container;
	struct image image;
	struct digest chain;
	struct docker_state docker;
	struct pool_device devices[NR + 1];
	struct pool_state pool;
	struct device_table table;
	struct deletion deletion;
};

static void make(struct world *w)
{
	/* Sorted by hash. */
	static const int order[NR] = { LAYER, BASE, LEFT, OWN, GONE, ORPHAN };

	*w = (struct world){ 0 };
	for (int i = 0; i < NR; i++) {
		w->records[i] = (struct device_record){ .hash = hashes[order[i]],
							.usable = true,
							.device_id = order[i] + 1,
							.size = 1 << 30,
							.transaction_id = (uint64_t)order[i] + 1,
							.initialized = order[i] == BASE };
		w->devices[i] = (struct pool_device){ .id = (uint64_t)i + 1,
						      .complete = true,
						      .nr_mapped = 1,
						      .details.mapped_blocks = 1,
						      .details.transaction_id = (uint64_t)i };
	}
	w->devices[NR] = (struct pool_device){ .id = 99, .complete = true, .nr_mapped = 1 };
	for (int i = 0; i < 2; i++) {
		w->layers[i] = (struct layer){ .directory = hashes[LAYER + i],
					       .cache_id = hashes[LAYER + i],
					       .whole = true };
		memcpy(w->layers[i].chain, hashes[LAYER + i], HEX_NAME + 1);
		w->mounts[i] = (struct mount){ .name = hashes[OWN + i],
					       .mount_id = hashes[OWN + i],
					       .whole = true };
	}
	w->container = (struct container){
		.id = hashes[OWN], .name = hashes[OWN], .driver = driver, .whole = true
	};
	memcpy(w->chain.hex, hashes[LAYER], HEX_NAME + 1);
	w->image = (struct image){ .whole = true, .chains = &w->chain, .nr_chains = 1 };
	w->docker.driver =
		(struct driver_state){ .present = true, .records = w->records, .nr_records = NR };
	w->docker.layers = (struct layer_store){ .present = true,
						 .complete = true,
						 .layers = w->layers,
						 .nr_layers = 2,
						 .mounts = w->mounts,
						 .nr_mounts = 2 };
	w->docker.images = (struct image_store){
		.present = true, .complete = true, .images = &w->image, .nr_images = 1
	};
	w->docker.containers = (struct container_store){
		.present = true, .complete = true, .containers = &w->container, .nr_containers = 1
	};
	w->docker.graph.complete = true;
	w->pool = (struct pool_state){ .devices = w->devices, .nr_devices = NR + 1 };
	w->pool.header.transaction_id = NR;
}

static void judge(struct world *w)
{
	cr_assert_eq(device_table_join(&w->docker, &w->pool, NULL, false, &w->table), 0);
	cr_assert_eq(deletion_init(&w->table, &w->deletion), 0);
}

static void let_go(struct world *w)
{
	deletion_destroy(&w->deletion);
	device_table_destroy(&w->table);
}

/* Which may go, by letters, whatever goes with them: each layer and each mount is tried. */
static const char *deletable(struct world *w, char *text)
{
	char *to = text;

	for (size_t i = 0; i < w->table.nr; i++) {
		const struct device_row *row = &w->table.rows[i];
		bool may = !deletion_forbidden(&w->deletion, row, NULL, NULL);

		for (int n = 0; n < 2; n++) {
			may |= !deletion_forbidden(&w->deletion, row, &w->layers[n], NULL);
			may |= !deletion_forbidden(&w->deletion, row, NULL, &w->mounts[n]);
		}
		if (may)
			*to++ = "?blLcgo"[row->id > NR ? 0 : row->id];
	}
	*to = '\0';
	return text;
}

#define EXPECT(text)                                        \
	do {                                                \
		char got[16];                               \
		judge(&w);                                  \
		cr_assert_str_eq(deletable(&w, got), text); \
		let_go(&w);                                 \
	} while (0)

Test(mend, what_may_be_deleted)
{
	struct world w;

	make(&w);
	EXPECT("Lgo?");
	/* One that others need is needed, however it is asked for; and of two layers with one
	 * device one has lost its own, which any other may be. */
	w.layers[1].cache_id = hashes[LAYER];
	EXPECT("g");
}

Test(mend, what_closes_all)
{
	struct world w;

	make(&w);
	w.pool.incomplete = true;
	EXPECT("");
	make(&w);
	w.pool.reading.torn = true;
	EXPECT("");
	make(&w);
	w.docker.layers.complete = false;
	EXPECT("");
	make(&w);
	w.docker.containers.complete = false;
	EXPECT("");
	make(&w);
	w.docker.containers.present = false;
	EXPECT("");
	make(&w);
	w.docker.has_buildkit = true;
	EXPECT("");
	make(&w);
	for (int i = 0; i < NR; i++)
		w.devices[i].details.transaction_id += 40;
	EXPECT("");
}

Test(mend, what_closes_some)
{
	struct tag tag = { .name = base };
	struct world w;

	make(&w); /* an image may have any layer */
	w.docker.images.complete = false;
	EXPECT("go?");
	make(&w); /* an image that has a name is not there */
	memcpy(tag.id, hashes[GONE], HEX_NAME);
	w.docker.images.tags = &tag;
	w.docker.images.nr_tags = 1;
	EXPECT("go?");
	make(&w); /* a container has lost its writable layer: any may be that, or be below it */
	w.container.id = hashes[ORPHAN];
	EXPECT("?");
	w.container.dead = true; /* docker rm removed it */
	EXPECT("Lcgo?");
	make(&w); /* a file is missing: it may be of the device that has none */
	w.records[5].usable = false;
	EXPECT("Lg");
	make(&w); /* made in another transaction */
	w.devices[ORPHAN].details.transaction_id = 40;
	EXPECT("Lg?");
	make(&w); /* two files for one device; that of the other's transaction may be its own */
	w.records[5].device_id = w.records[4].device_id;
	EXPECT("L?");
	make(&w); /* the open transaction is about it */
	w.docker.driver.has_transaction = w.docker.driver.transaction_usable = true;
	w.docker.driver.open_transaction_id = NR + 1;
	w.docker.driver.transaction_hash = hashes[GONE];
	w.docker.driver.transaction_device_id = 99;
	EXPECT("Lo");
	make(&w); /* Docker deletes it */
	w.records[5].deleted = true;
	EXPECT("Lg?");
	make(&w); /* the layer that is left has another upon it, which a mount has */
	memcpy(w.mounts[0].parent, hashes[LEFT], HEX_NAME + 1);
	EXPECT("go?");
}

Test(mend, words_of_shell)
{
	static const char *const words[][2] = {
		{ "", "''" },
		{ "plain/a-b_1.2:3", "plain/a-b_1.2:3" },
		{ "-n", "'-n'" },
		{ "a b", "'a b'" },
		{ "it's", "'it'\\''s'" },
		{ "$(x)`y`\"z\\", "'$(x)`y`\"z\\'" },
		{ "~", "'~'" },
	};
	char *word, huge[SHELL_WORD_MAX + 2];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		cr_assert_eq(shell_quote(words[i][0], &word), 0);
		cr_assert_str_eq(word, words[i][1]);
		alloc_free(word);
	}
	cr_assert_eq(shell_quote("a\nb", &word), -EILSEQ);
	cr_assert_eq(shell_quote("\033[1m", &word), -EILSEQ);
	cr_assert_eq(shell_quote("\302\233", &word), -EILSEQ);
	memset(huge, 'a', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	cr_assert_eq(shell_quote(huge, &word), -ENAMETOOLONG);
	word = shell_word("a\nb");
	cr_assert_str_eq(word, "'a\nb'");
	alloc_free(word);
}

static bool any_line_has(enum script_part part, const char *text)
{
	struct asset rest = script_part(part), line;

	while (script_next_line(&rest, &line)) {
		if (memmem(line.text, line.size, text, strlen(text)))
			return true;
	}
	return false;
}

/* The heads of the files are for who reads them, and lvs is asked for what is read of it. */
Test(mend, the_parts_of_the_script_are_those_of_its_files)
{
	struct asset rest = script_part(SCRIPT_GUARDS), line;

	cr_assert(script_next_line(&rest, &line));
	cr_assert_eq(line.size, strlen("stop() {"));
	cr_assert_eq(memcmp(line.text, "stop() {", line.size), 0);
	for (enum script_part part = SCRIPT_GUARDS; part <= SCRIPT_AGAIN; part++)
		cr_assert_not(any_line_has(part, "shellcheck"));
	cr_assert(any_line_has(SCRIPT_AGAIN, LVS_COMMAND));
	cr_assert(any_line_has(SCRIPT_BACKUP, "dd if=\"$METADATA\""));
	cr_assert(any_line_has(SCRIPT_DUMP, "dump_pool"));
}
