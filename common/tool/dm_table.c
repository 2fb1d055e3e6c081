/* SPDX-License-Identifier: MIT
 * dm_table.c: by device-mapper's own ioctl.
 *
 * libdevmapper would say the same with as many lines here, but it comes with libselinux, libudev,
 * libpcre2 and libm (2.3 MB on Debian, which has no static libdevmapper), and thin_check goes into
 * the initramfs.  dlopen() would load all of that into a process of root for the sake of one name.
 * The ioctl has been the same since 2003 (Linux: include/uapi/linux/dm-ioctl.h).
 */
#include "common/tool/dm_table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/number.h"

enum { FIRST_TABLE = 1 << 16 /* bytes: some thousand linear pieces */, MAX_TABLE = 1 << 26 };

/* -ENOMEM: it takes more than size bytes. */
static int ask(int control, dev_t rdev, struct dm_ioctl *head, uint32_t size)
{
	*head = (struct dm_ioctl){ .version = { DM_VERSION_MAJOR, 0, 0 },
				   .data_size = size,
				   .data_start = sizeof(*head),
				   .flags = DM_STATUS_TABLE_FLAG,
				   .dev = rdev };
	if (ioctl(control, DM_TABLE_STATUS, head))
		return errno == ENOMEM ? -ENOMEM : -ENODEV;
	return head->flags & DM_BUFFER_FULL_FLAG ? -ENOMEM : 0;
}

/* Asked with more and more room. */
static int read_table(int control, dev_t rdev, struct dm_ioctl **ret_head)
{
	int r = -ENOMEM;

	*ret_head = NULL;
	for (uint32_t size = FIRST_TABLE; r == -ENOMEM && size <= MAX_TABLE; size *= 2) {
		alloc_free(*ret_head);
		/* One byte more, so that whatever the kernel has put there ends. */
		*ret_head = alloc_array(size + 1, 1);
		if (!*ret_head)
			return -ENOMEM;
		r = ask(control, rdev, *ret_head, size);
	}
	return r;
}

/* Each target says how far behind the first one the next begins. */
static int walk(const struct dm_ioctl *head,
		void (*visit)(void *context, const struct dm_target *target), void *context)
{
	const char *data = (const char *)head;
	const size_t first = head->data_start;
	size_t at = first;

	for (uint32_t i = 0; i < head->target_count; i++) {
		struct dm_target_spec spec;
		struct dm_target target;

		if (at < first || at + sizeof(spec) >= head->data_size)
			return -ENODEV;
		memcpy(&spec, data + at, sizeof(spec));
		spec.target_type[sizeof(spec.target_type) - 1] = '\0';
		target = (struct dm_target){ .begin = spec.sector_start,
					     .length = spec.length,
					     .type = spec.target_type,
					     .parameters = data + at + sizeof(spec) };
		visit(context, &target);
		at = first + spec.next;
	}
	return 0;
}

int dm_table_read(dev_t rdev, char name[DM_NAME_BYTES],
		  void (*visit)(void *context, const struct dm_target *target), void *context)
{
	const int control = open("/dev/" DM_DIR "/" DM_CONTROL_NODE, O_RDWR | O_CLOEXEC);
	struct dm_ioctl *head;
	int r;

	if (control < 0)
		return -ENODEV;
	r = read_table(control, rdev, &head);
	(void)close(control);
	if (!r) {
		(void)snprintf(name, DM_NAME_BYTES, "%.*s", (int)sizeof(head->name), head->name);
		r = walk(head, visit, context);
	}
	alloc_free(head);
	return r;
}

/* ---- linear pieces */

struct linear_walk {
	void (*visit)(void *context, const struct dm_linear *piece); /* NULL: only look */
	void *context;
	bool others; /* there are targets of another type */
};

/* "MAJOR:MINOR SECTOR" (Linux: Documentation/admin-guide/device-mapper/linear.rst). */
static void look_at_target(void *context, const struct dm_target *target)
{
	struct linear_walk *w = context;
	struct dm_linear piece = { .begin = target->begin, .length = target->length };
	const char *end = NULL;

	if (!strcmp(target->type, "linear"))
		end = parse_device_prefix(target->parameters, &piece.on);
	if (!end || *end != ' ' || !parse_u64_prefix(end + 1, &piece.on_begin))
		w->others = true;
	else if (w->visit)
		w->visit(w->context, &piece);
}

int dm_table_is_linear(dev_t rdev)
{
	struct linear_walk w = { NULL, NULL, false };
	char name[DM_NAME_BYTES];
	const int r = dm_table_read(rdev, name, look_at_target, &w);

	return r == -ENOMEM ? r : !r && !w.others;
}

int dm_table_linear(dev_t rdev, void (*visit)(void *context, const struct dm_linear *piece),
		    void *context)
{
	struct linear_walk w = { visit, context, false };
	char name[DM_NAME_BYTES];

	return dm_table_read(rdev, name, look_at_target, &w);
}
