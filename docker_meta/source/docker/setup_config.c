/* SPDX-License-Identifier: MIT */
#include "docker_meta/source/docker/setup_config.h"

#include <errno.h>

#include "common/base/alloc.h"
#include "docker_meta/read/go_json.h"

#define NAME "setup-config.json"

static int broken(struct setup_config *s, struct problem_list *problems, const char *why)
{
	int r;

	s->broken = true;
	r = problem_add(problems, ROW_J22, NAME, "devicemapper/" NAME, "%s", why);
	problem_is_fatal(problems);
	return r;
}

/* It is not ours to read: for Docker it may be in order. */
static int unread(struct setup_config *s, struct problem_list *problems, int error)
{
	s->broken = true;
	return problem_unread(problems, ROW_J22, NAME, "devicemapper/" NAME, error);
}

static bool take(json_t *object, struct setup_config *s, const char **device,
		 struct go_fault *fault)
{
	return go_take_string(object, "Device", device, fault) &&
	       go_take_u64(object, "ThinpPercent", &s->thinp_percent, fault) &&
	       go_take_u64(object, "ThinpMetaPercent", &s->thinp_metapercent, fault) &&
	       go_take_u64(object, "AutoExtendThreshold", &s->autoextend_threshold, fault) &&
	       go_take_u64(object, "AutoExtendPercent", &s->autoextend_percent, fault);
}

static int read_from(const struct safe_dir *dir, struct setup_config *s,
		     struct problem_list *problems)
{
	const char *device = "";
	struct go_fault fault = { "" };
	json_t *object = NULL;
	char *text;
	size_t size;
	int r = safe_dir_read(dir, NAME, 1 << 20, &text, &size);

	if (r == -ENOENT || r == -ENOMEM)
		return r == -ENOENT ? 0 : r;
	if (r)
		return unread(s, problems, r);
	if (size)
		r = go_json_read(dir, NAME, &object, &fault);
	if (!r && object && take(object, s, &device, &fault)) {
		s->device = alloc_string(device);
		r = s->device ? 0 : -ENOMEM;
		s->present = !r;
	} else if (r != -ENOMEM && *fault.text) {
		r = broken(s, problems, fault.text);
	}
	json_decref(object);
	alloc_free(text);
	return r;
}

int setup_config_read(const struct safe_dir *root, struct setup_config *ret_setup,
		      struct problem_list *problems)
{
	struct safe_dir dir;
	int r;

	*ret_setup = (struct setup_config){ .present = false };
	r = safe_dir_enter(root, "devicemapper", &dir);
	if (!r)
		r = read_from(&dir, ret_setup, problems);
	else if (r != -ENOMEM)
		r = 0; /* that it cannot be entered is told of devicemapper/metadata */
	safe_dir_close(&dir);
	return r;
}

void setup_config_destroy(struct setup_config *s)
{
	alloc_free(s->device);
	*s = (struct setup_config){ .present = false };
}
