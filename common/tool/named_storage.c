/* SPDX-License-Identifier: MIT */
#include "common/tool/named_storage.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/tool/same_storage.h"
#include "common/tool/tool.h"

static int no_memory(const struct tool *tool)
{
	tool_error(tool, "%s", strerror(ENOMEM));
	return tool_failure(tool);
}

int named_storage_add(struct named_storage *n, const struct tool *tool, bool is_output,
		      const char *option, const char *path)
{
	struct named_file *grown = alloc_grow(n->files, &n->capacity, n->nr, sizeof(*grown));

	if (!grown)
		return no_memory(tool);
	n->files = grown;
	grown[n->nr++] = (struct named_file){ is_output, option, path };
	return STATUS_NONE;
}

void named_storage_destroy(struct named_storage *n)
{
	alloc_free(n->files);
	*n = (struct named_storage){ 0 };
}

static bool look(const struct named_file *f, struct stat *st)
{
	return !(strcmp(f->path, "-") != 0 || f->is_output ? stat(f->path, st)
							   : fstat(STDIN_FILENO, st));
}

static int refuse(const struct tool *tool, const struct named_file *out, const struct named_file *f)
{
	if (!f->option)
		return tool_usage_error(tool,
					"--%s %s would overwrite the input: it is the same storage "
					"as %s",
					out->option, out->path, f->path);
	return tool_usage_error(tool, "--%s %s would overwrite --%s %s: both are the same storage",
				out->option, out->path, f->option, f->path);
}

static int check_output(const struct named_storage *n, size_t nr, const struct tool *tool)
{
	const struct named_file *out = &n->files[nr];
	struct stat a, b;
	int same;

	if (!out->is_output || !look(out, &a))
		return STATUS_NONE;
	for (size_t i = 0; i < n->nr; i++) {
		const struct named_file *f = &n->files[i];

		/* Two outputs are compared once; an option given twice counts as it was given last.
		 */
		if (i == nr || (f->is_output && (i > nr || f->option == out->option)))
			continue;
		same = look(f, &b) ? storage_compare(&a, &b) : 0;
		if (same)
			return same < 0 ? no_memory(tool) : refuse(tool, out, f);
	}
	return STATUS_NONE;
}

/* A shell that appends, or opens for reading and writing, leaves the input as it is until then. */
static int check_stream(const struct named_storage *n, const struct tool *tool, int fd)
{
	struct stat a, b;
	int same;

	if (fstat(fd, &a))
		return STATUS_NONE;
	for (size_t i = 0; i < n->nr; i++) {
		const struct named_file *f = &n->files[i];

		same = !f->is_output && look(f, &b) ? storage_compare(&a, &b) : 0;
		if (!same)
			continue;
		if (same < 0)
			return no_memory(tool);
		if (fd == STDERR_FILENO) /* there is nowhere to say it */
			return STATUS_USAGE;
		return tool_usage_error(tool,
					"standard output would overwrite the input: it is "
					"the same storage as %s",
					f->path);
	}
	return STATUS_NONE;
}

int named_storage_check(const struct named_storage *n, const struct tool *tool)
{
	/* What is to be said must not land in an input either. */
	int status = check_stream(n, tool, STDERR_FILENO);

	for (size_t i = 0; i < n->nr && status == STATUS_NONE; i++)
		status = check_output(n, i, tool);
	return status == STATUS_NONE ? check_stream(n, tool, STDOUT_FILENO) : status;
}
