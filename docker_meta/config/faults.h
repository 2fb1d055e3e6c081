/* SPDX-License-Identifier: MIT
 * faults.h: what is wrong with a configuration, to become findings.
 */
#ifndef DOCKER_META_CONFIG_FAULTS_H
#define DOCKER_META_CONFIG_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/compiler.h"
#include "docker_meta/catalogue/rows.h"

/* How bad it is. */
enum fault_weight { FAULT_INFO, FAULT_WARNING, FAULT_AS_ROW };

struct config_fault {
	enum meta_row_id row;
	enum fault_weight weight;
	bool of_flags; /* it stands in /etc/sysconfig/docker-storage, not in daemon.json */
	char *object;  /* owned: a key, an option, a volume */
	char *text;    /* owned: one line */
};

struct fault_list {
	struct config_fault *items; /* owned */
	size_t nr, capacity;
};

/* 0 or -ENOMEM. */
must_check int fault_add(struct fault_list *list, enum meta_row_id row, enum fault_weight weight,
			 const char *object, const char *format, ...) printf_like(5, 6);

void fault_list_destroy(struct fault_list *list);

#endif
