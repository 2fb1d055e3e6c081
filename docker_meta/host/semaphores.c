/* SPDX-License-Identifier: MIT
 * semaphores.c: udev cookies (lvm2 libdm/libdm-common.c: keys 0x0D4Dxxxx).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/number.h"
#include "docker_meta/host/host_internal.h"
#include "docker_meta/host/kernel_file.h"

enum { MAX_LIST = 16 << 20, COOKIE_MAGIC = 0x0d4d };

/* "key semid perms nsems …", a line for each behind the first; keys are signed. */
static void count_line(const char *line, struct host_semaphores *s)
{
	char *end = NULL;
	const long key = strtol(line, &end, 10);

	if (end == line || *end != ' ')
		return;
	s->nr++;
	s->nr_cookies += ((unsigned long)key & 0xffffffff) >> 16 == COOKIE_MAGIC;
}

/* "SEMMSL SEMMNS SEMOPM SEMMNI" */
static uint64_t max_of(const char *line)
{
	const char *last = strpbrk(line, "\t ") ? line + strlen(line) : line;
	uint64_t max;

	while (last > line && last[-1] != '\t' && last[-1] != ' ')
		last--;
	return parse_u64(last, &max) ? max : 0;
}

int host_semaphores_read(const char *proc, struct host *h)
{
	char *path = alloc_printf("%s/sysvipc/sem", proc), *text = NULL, line[128];
	size_t bytes = 0;
	int r = path ? kernel_file_read_at(AT_FDCWD, path, MAX_LIST, &text, &bytes) : -ENOMEM;

	alloc_free(path);
	if (r)
		return r == -ENOMEM ? r : 0;
	h->semaphores.known = true;
	for (const char *p = text; *p;) {
		count_line(p, &h->semaphores);
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	alloc_free(text);
	path = alloc_printf("%s/sys/kernel/sem", proc);
	if (!path)
		return -ENOMEM;
	if (kernel_file_line_at(AT_FDCWD, path, line, sizeof(line)))
		h->semaphores.max = max_of(line);
	alloc_free(path);
	return 0;
}
