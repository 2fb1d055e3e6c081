/* SPDX-License-Identifier: MIT */
#include "docker_meta/source/problems.h"

#include <errno.h>
#include <stdarg.h>

#include "common/base/alloc.h"
#include "docker_meta/read/safe_dir.h"

static void destroy(struct problem *p)
{
	alloc_free(p->object);
	alloc_free(p->path);
	alloc_free(p->text);
}

int problem_add(struct problem_list *list, enum meta_row_id row, const char *object,
		const char *path, const char *format, ...)
{
	struct problem *grown = alloc_grow(list->items, &list->capacity, list->nr, sizeof(*grown));
	struct problem p = { .row = row,
			     .object = alloc_string(object),
			     .path = alloc_string(path) };
	va_list args;

	va_start(args, format);
	p.text = alloc_vprintf(format, args);
	va_end(args);
	if (grown)
		list->items = grown;
	if (!grown || !p.object || !p.path || !p.text) {
		destroy(&p);
		return -ENOMEM;
	}
	grown[list->nr++] = p;
	return 0;
}

void problem_is_fatal(struct problem_list *list)
{
	if (list->nr)
		list->items[list->nr - 1].fatal = true;
}

void problem_of_error(struct problem_list *list, int error)
{
	if (list->nr && (error == -EACCES || error == -EPERM || error == -ELOOP || error == -EXDEV))
		list->items[list->nr - 1].unread = true;
}

int problem_unread(struct problem_list *list, enum meta_row_id row, const char *object,
		   const char *path, int error)
{
	int r = error == -ENOMEM ? error
				 : problem_add(list, row, object, path, "it cannot be read: %s",
					       safe_dir_fault(error));

	if (!r)
		problem_of_error(list, error);
	return r;
}

void problem_is_unread(struct problem_list *list)
{
	if (list->nr)
		list->items[list->nr - 1].unread = true;
}

void problem_list_destroy(struct problem_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		destroy(&list->items[i]);
	alloc_free(list->items);
	*list = (struct problem_list){ 0 };
}
