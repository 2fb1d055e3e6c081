/* SPDX-License-Identifier: MIT */
#include "docker_meta/config/faults.h"

#include <errno.h>
#include <stdarg.h>

#include "common/base/alloc.h"

static void destroy(struct config_fault *f)
{
	alloc_free(f->object);
	alloc_free(f->text);
}

int fault_add(struct fault_list *list, enum meta_row_id row, enum fault_weight weight,
	      const char *object, const char *format, ...)
{
	struct config_fault *grown =
		alloc_grow(list->items, &list->capacity, list->nr, sizeof(*grown));
	struct config_fault f = { .row = row, .weight = weight, .object = alloc_string(object) };
	va_list args;

	va_start(args, format);
	f.text = alloc_vprintf(format, args);
	va_end(args);
	if (grown)
		list->items = grown;
	if (!grown || !f.object || !f.text) {
		destroy(&f);
		return -ENOMEM;
	}
	grown[list->nr++] = f;
	return 0;
}

void fault_list_destroy(struct fault_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		destroy(&list->items[i]);
	alloc_free(list->items);
	*list = (struct fault_list){ 0 };
}
