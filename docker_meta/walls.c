/* SPDX-License-Identifier: MIT */
#include "docker_meta/walls.h"

#include "common/tool/sandbox.h"

/* libdevmapper asks the kernel by it, and sends the two messages of --reserve-snap. */
#define DM_CONTROL "/dev/mapper/control"

void walls_raise(const struct docker_meta_options *o)
{
	const struct sandbox all = { .off = o->no_sandbox,
				     .walks = true,
				     .read = { "/" },
				     .write = { DM_CONTROL },
				     .make = { o->output, o->state } };

	sandbox_enter(&all);
}

void walls_close(const struct docker_meta_options *o, const char *root)
{
	const struct sandbox known = {
		.off = o->no_sandbox,
		.walks = true,
		/* The pool's devices are found in sysfs, loop devices and mounts in both. */
		.read = { root, "/dev", "/proc", "/sys", "/etc/docker", "/etc/sysconfig",
			  "/etc/lvm", "/etc/localtime", "/usr/share/zoneinfo", o->metadata, o->xml,
			  o->data, o->status, o->table, o->mountinfo, o->proc, o->daemon_json,
			  o->lvs_json, o->loss },
		.write = { DM_CONTROL },
		.make = { o->output, o->state },
	};

	sandbox_enter(&known);
}
