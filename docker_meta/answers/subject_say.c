/* SPDX-License-Identifier: MIT
 * subject_say.c: names that fit nothing, or too much.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/tool/text_print.h"
#include "docker_meta/answers/subject.h"
#include "docker_meta/docker_meta.h"
#include "docker_meta/text/human.h"

/* ---- what it is */

static void describe_device(const struct device_table *t, const struct device_row *row, char *text,
			    size_t size)
{
	char owner[120];

	device_owner_name(t, row, owner, sizeof(owner));
	if (row->role == ROLE_BASE)
		(void)snprintf(text, size, "device %" PRIu64 ", the base device", row->id);
	else if (!strcmp(owner, "-"))
		(void)snprintf(text, size, "device %" PRIu64 ", %s", row->id, role_name(row->role));
	else
		(void)snprintf(text, size, "device %" PRIu64 ", %s of %s", row->id,
			       role_name(row->role), owner);
}

void subject_describe(const struct device_table *t, const struct subject *s, char *text,
		      size_t size)
{
	const char *name;

	switch ((int)s->kind) {
	case SUBJECT_DEVICE:
		describe_device(t, s->device, text, size);
		break;
	case SUBJECT_IMAGE:
		name = image_store_name(&t->docker->images, s->image->id);
		(void)snprintf(text, size, "image %s%s%.12s%s", name ? name : "", name ? " (" : "",
			       s->image->id, name ? ")" : ", which has no name");
		break;
	case SUBJECT_CONTAINER:
		(void)snprintf(text, size, "container %s (%.12s)", s->container->name,
			       s->container->id);
		break;
	case SUBJECT_LAYER:
		(void)snprintf(text, size, "layer %.12s", s->layer->chain);
		break;
	case SUBJECT_MOUNT:
	default:
		(void)snprintf(text, size, "writable layer %.12s, of no container", s->mount->name);
		break;
	}
}

/* What tells it from others. */
static const char *full_name(const struct subject *s)
{
	switch ((int)s->kind) {
	case SUBJECT_DEVICE:
		return s->device->hash ? s->device->hash : "-";
	case SUBJECT_IMAGE:
		return s->image->id;
	case SUBJECT_CONTAINER:
		return s->container->id;
	case SUBJECT_LAYER:
		return s->layer->directory;
	case SUBJECT_MOUNT:
	default:
		break;
	}
	return s->mount->name;
}

/* ---- what is near it */

enum { MAX_COMPARED = 40, FAR = 3 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters differ, are too many or missing: up to FAR. */
static size_t distance(const char *a, const char *b)
{
	const size_t na = strlen(a), nb = strlen(b);
	size_t row[MAX_COMPARED + 1];

	if (na > MAX_COMPARED || nb > MAX_COMPARED || na + 2 < nb || nb + 2 < na)
		return FAR;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t above = row[j];

			row[j] = least(least(above, row[j - 1]) + 1,
				       diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return least(row[nb], FAR);
}

static void take_if_near(const char *name, const char *candidate, const char **names, size_t *nr)
{
	const size_t n = strlen(name);
	bool near = distance(name, candidate) < (n < FAR ? n : FAR) ||
		    (n >= FAR && strstr(candidate, name));

	if (near && *nr < MAX_NEAR)
		names[(*nr)++] = candidate;
}

size_t subject_near(const struct device_table *t, const char *name, const char *ret_names[MAX_NEAR])
{
	const struct docker_state *d = t->docker;
	size_t nr = 0;

	name += *name == '/';
	for (size_t i = 0; i < d->containers.nr_containers && nr < MAX_NEAR; i++)
		take_if_near(name, d->containers.containers[i].name, ret_names, &nr);
	for (size_t i = 0; i < d->images.nr_tags && nr < MAX_NEAR; i++)
		take_if_near(name, d->images.tags[i].name, ret_names, &nr);
	return nr;
}

/* ---- saying it */

static int say_several(const struct device_table *t, const char *name, const struct subjects *s)
{
	(void)tool_usage_error(&docker_meta_tool,
			       "'%s' may be any of %zu: give more of it, or its kind, as in %s:…",
			       name, s->nr, subject_kind_name(s->items[0].kind));
	for (size_t i = 0; i < s->nr; i++) {
		const char *full = full_name(&s->items[i]);
		char text[300];

		subject_describe(t, &s->items[i], text, sizeof(text));
		(void)fputs("  ", stderr);
		text_print(stderr, text, strlen(text));
		(void)fputs(": ", stderr);
		text_print(stderr, full, strlen(full));
		(void)fputc('\n', stderr);
	}
	return STATUS_USAGE;
}

/* A device's file that has this name, and cannot be used. */
static const struct device_record *broken_record(const struct device_table *t, const char *name)
{
	const struct driver_state *d = &t->docker->driver;
	size_t n;

	name += strncmp(name, "device:", 7) ? 0 : 7;
	n = strlen(name);
	for (size_t i = 0; i < d->nr_records && n; i++) {
		if (!d->records[i].usable && !strncmp(d->records[i].hash, name, n))
			return &d->records[i];
	}
	return NULL;
}

static int say_unknown(const struct device_table *t, const char *name)
{
	const struct device_record *broken = broken_record(t, name);
	const char *names[MAX_NEAR];
	size_t nr = subject_near(t, name, names);
	char near[300] = "";
	size_t used = 0;

	if (broken) {
		tool_error(&docker_meta_tool,
			   "'%s': devicemapper/metadata/%s is there, but cannot be used", name,
			   broken->hash);
		return META_STATUS_BLIND;
	}
	for (size_t i = 0; i < nr && used < sizeof(near); i++)
		used += (size_t)snprintf(near + used, sizeof(near) - used, "%s%.80s",
					 i ? ", " : "; near it: ", names[i]);
	if (!t->complete || t->docker->images.names_lost) {
		tool_error(&docker_meta_tool,
			   "'%s' is nothing that could be read, and not all could%s", name, near);
		return META_STATUS_BLIND;
	}
	return tool_usage_error(&docker_meta_tool, "'%s' is no device, image, container or layer%s",
				name, near);
}

int subject_resolve(const struct device_table *t, const char *name, struct subject *ret_subject)
{
	struct subjects found;
	int status = STATUS_NONE, r = subjects_find(t, name, &found);

	*ret_subject = (struct subject){ .kind = SUBJECT_DEVICE };
	if (r) {
		tool_error(&docker_meta_tool, "%s", strerror(-r));
		status = META_STATUS_BLIND;
	} else if (!found.nr) {
		status = say_unknown(t, name);
	} else if (found.nr > 1) {
		status = say_several(t, name, &found);
	} else {
		*ret_subject = found.items[0];
	}
	subjects_destroy(&found);
	return status;
}

/* ---- its device */

static const char *hash_of_mount(const struct docker_state *d, const char *name)
{
	const struct mount *m = layer_store_find_mount(&d->layers, name);

	return m ? m->mount_id : NULL;
}

static const char *hash_of_top(const struct docker_state *d, const struct image *image)
{
	const struct layer *top =
		image->nr_chains
			? layer_store_find(&d->layers, image->chains[image->nr_chains - 1].hex)
			: NULL;

	return top ? top->cache_id : NULL;
}

const struct device_row *subject_device(const struct device_table *t, const struct subject *s,
					const char **ret_hash)
{
	const struct docker_state *d = t->docker;
	const char *hash = NULL;

	switch ((int)s->kind) {
	case SUBJECT_DEVICE:
		*ret_hash = s->device->hash;
		return s->device;
	case SUBJECT_IMAGE:
		hash = hash_of_top(d, s->image);
		break;
	case SUBJECT_CONTAINER:
		hash = s->container->old_layout ? s->container->id
						: hash_of_mount(d, s->container->id);
		break;
	case SUBJECT_LAYER:
		hash = s->layer->cache_id;
		break;
	case SUBJECT_MOUNT:
	default:
		hash = s->mount->mount_id;
		break;
	}
	*ret_hash = hash;
	return hash ? device_table_find(t, hash) : NULL;
}
