/* SPDX-License-Identifier: MIT */
#include "docker_meta/walls.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/alloc.h"
#include "common/tool/sandbox.h"
#include "docker_meta/source/docker/layout.h"

/* libdevmapper asks the kernel by it, and sends the two messages of --reserve-snap. */
#define DM_CONTROL "/dev/mapper/control"

/* XML that cannot be read twice is copied to a file without a name (common/io/input.h). */
static bool is_copied(const char *xml)
{
	struct stat st;

	return xml && (!strcmp(xml, "-") || (!stat(xml, &st) && !S_ISREG(st.st_mode)));
}

static void allow_place(const struct out_file *f, const char *path, size_t n, struct sandbox *s)
{
	s->make[n] = out_file_is_open(f) ? NULL : path;
	s->name[n] = out_file_is_open(f) ? path : NULL;
}

static void allow_files(const struct docker_meta_options *o, const struct out_places *places,
			struct sandbox *s)
{
	allow_place(&places->output, o->output, 0, s);
	allow_place(&places->state, o->state, 1, s);
	s->messages = o->reserve_snap;
	if (!is_copied(o->xml))
		return;
	s->scratch[0] = getenv("TMPDIR");
	s->scratch[1] = "/var/tmp";
	s->scratch[2] = "/tmp";
}

void walls_raise(const struct docker_meta_options *o, const struct out_places *places)
{
	struct sandbox all = {
		.off = o->no_sandbox, .walks = true, .read = { "/" }, .write = { DM_CONTROL }
	};

	allow_files(o, places, &all);
	sandbox_enter(&all);
}

enum { NR_NAMED = 20 }; /* what is let through but for links */
_Static_assert(NR_NAMED + NR_LAYOUT_DIRECTORIES <= SANDBOX_PATHS, "each link has a place");

void walls_close(const struct docker_meta_options *o, const struct out_places *places,
		 const char *root)
{
	char path[PATH_MAX], *links[NR_LAYOUT_DIRECTORIES] = { NULL };
	struct sandbox known = {
		.off = o->no_sandbox,
		.walks = true,
		/* The pool's devices are found in sysfs, loop devices and mounts in both. */
		.read = { root, "/dev", "/proc", "/sys", "/etc/docker", "/etc/sysconfig",
			  "/etc/lvm", "/etc/localtime", "/usr/share/zoneinfo", o->metadata, o->xml,
			  o->data, o->status, o->table, o->mountinfo, o->proc, o->daemon_json,
			  o->lvs_json, o->loss },
		.write = { DM_CONTROL },
	};

	allow_files(o, places, &known);
	for (size_t i = 0; i < NR_LAYOUT_DIRECTORIES && o->reading.follows; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", root, layout_directories[i]);
		known.read[NR_NAMED + i] = links[i] = realpath(path, NULL);
	}
	sandbox_enter(&known);
	for (size_t i = 0; i < NR_LAYOUT_DIRECTORIES; i++)
		alloc_free(links[i]);
}
