/* SPDX-License-Identifier: MIT */
#include "docker_meta/config/dm_settings.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/config/go_values.h"

#define MAPPER "/dev/mapper/"

enum { MANY = 100 }; /* faults: nobody reads what each of more may have meant */

static const struct dm_option options[NR_DM_OPTIONS] = {
#define DM_OPTION(id, name, since, type, default_value, what) \
	[DM_##id] = { name, since, DM_TYPE_##type, default_value, what },
#include "docker_meta/config/dm_options.def"
#undef DM_OPTION
};

const struct dm_option *dm_option(enum dm_option_id id)
{
	return &options[id];
}

/* ---- one value */

struct taking {
	struct dm_settings *settings;
	struct fault_list *faults;
	enum dm_option_id id;
	const char *value;
};

static int refuse(struct taking *t, enum meta_row_id row, const char *why)
{
	const size_t n = strlen(t->value);
	const bool quoted = n && strchr("'\"", t->value[0]) && t->value[n - 1] == t->value[0];

	t->settings->bad = true;
	t->settings->refused[t->id] = true;
	t->settings->numbers[t->id] = 0;
	return fault_add(t->faults, row, FAULT_AS_ROW, options[t->id].name, "%s=%.100s: %s%s",
			 options[t->id].name, t->value, why,
			 quoted ? "; the quotes belong to the value: leave them out" : "");
}

static bool take_percent(const char *value, uint64_t max, uint64_t *ret)
{
	char text[16];
	size_t n = strlen(value);

	n -= n && value[n - 1] == '%';
	if (n >= sizeof(text))
		return false;
	memcpy(text, value, n);
	text[n] = '\0';
	return go_uint(text, 32, ret) && *ret <= max;
}

static bool take_bool(const char *value, uint64_t *ret)
{
	bool is_true = false, good = go_bool(value, &is_true);

	*ret = is_true;
	return good;
}

static int take_free(struct taking *t)
{
	const size_t n = strlen(t->value);

	if (!n || t->value[n - 1] != '%')
		return refuse(t, ROW_G4, "the sign % is missing: Docker wants it here");
	if (!take_percent(t->value, 99, &t->settings->numbers[t->id]))
		return refuse(t, ROW_G3, "0% to 99% is expected, without a fraction");
	return 0;
}

static const char *without_mapper(const char *text)
{
	return strncmp(text, MAPPER, strlen(MAPPER)) ? text : text + strlen(MAPPER);
}

static int take_path(struct taking *t)
{
	const size_t n = strlen(t->value);

	if (!n)
		return fault_add(t->faults, ROW_G3, FAULT_WARNING, options[t->id].name,
				 "%s is empty: as if it were not there", options[t->id].name);
	if (strchr("'\"", t->value[0]) && t->value[n - 1] == t->value[0])
		return refuse(t, ROW_G3, "there is no such device");
	if (t->id == DM_THINPOOLDEV && strchr(without_mapper(t->value), '/'))
		return refuse(t, ROW_G3,
			      "the pool's name for device-mapper is expected, as dmsetup ls tells "
			      "it: VG-POOL, a minus within a name doubled");
	return 0;
}

static int take_value(struct taking *t)
{
	uint64_t *number = &t->settings->numbers[t->id];

	switch (options[t->id].type) {
	case DM_TYPE_SIZE:
		return go_size(t->value, number)
			       ? 0
			       : refuse(t, ROW_G3,
					"a size is expected, as 20G; k, m, g, t are 1024");
	case DM_TYPE_BOOL:
		return take_bool(t->value, number)
			       ? 0
			       : refuse(t, ROW_G3,
					"true or false is expected (1, t, 0, f will do)");
	case DM_TYPE_PERCENT:
		return take_percent(t->value, 99, number)
			       ? 0
			       : refuse(t, ROW_G3, "0 to 99 is expected, without a fraction");
	case DM_TYPE_PERCENT_100:
		return take_percent(t->value, 100, number)
			       ? 0
			       : refuse(t, ROW_G3, "0 to 100 is expected, without a fraction");
	case DM_TYPE_U64:
		return go_uint(t->value, 64, number) ? 0
						     : refuse(t, ROW_G3, "a number is expected");
	case DM_TYPE_LOG_LEVEL:
		return go_uint(t->value, 31, number) && *number >= 2 && *number <= 7
			       ? 0
			       : refuse(t, ROW_G3, "2 to 7 is expected");
	case DM_TYPE_FILESYSTEM:
		return !strcmp(t->value, "ext4") || !strcmp(t->value, "xfs")
			       ? 0
			       : refuse(t, ROW_G3, "ext4 or xfs is expected");
	case DM_TYPE_FREE:
		return take_free(t);
	case DM_TYPE_PATH:
		return take_path(t);
	case DM_TYPE_TEXT:
		break;
	}
	return 0;
}

/* ---- one option */

static int option_named(const char *name)
{
	for (int i = 0; i < NR_DM_OPTIONS; i++) {
		if (!strcmp(options[i].name, name))
			return i;
	}
	return -1;
}

static const char *nearest_option(const char *name)
{
	const char *nearest = NULL;
	unsigned int best = 4;

	for (int i = 0; i < NR_DM_OPTIONS; i++) {
		const unsigned int distance = name_distance(name, options[i].name);

		if (distance < best) {
			best = distance;
			nearest = options[i].name;
		}
	}
	return nearest;
}

static int unknown(struct dm_settings *s, const char *name, struct fault_list *faults)
{
	const char *nearest = faults->nr < MANY ? nearest_option(name) : NULL;

	s->bad = true;
	if (strncmp(name, "dm.", 3) != 0)
		return fault_add(faults, ROW_G18, FAULT_AS_ROW, name,
				 "%.60s: it is no option of devicemapper, which refuses it", name);
	return fault_add(faults, ROW_G18, FAULT_AS_ROW, name,
			 "%.60s: there is no such option%s%s%s", name, nearest ? "; is " : "",
			 nearest ? nearest : "", nearest ? " meant?" : "");
}

static int take_known(struct dm_settings *s, enum dm_option_id id, const char *value,
		      struct fault_list *faults)
{
	struct taking t = { s, faults, id, value };
	const bool may_repeat = id == DM_MKFSARG || id == DM_MOUNTOPT;
	int r = 0;

	if (s->texts[id] && !may_repeat)
		r = fault_add(faults, ROW_G3, FAULT_WARNING, options[id].name,
			      "%s is given twice: the last one, %.60s, counts", options[id].name,
			      value);
	alloc_free(s->texts[id]);
	s->texts[id] = alloc_string(value);
	if (!s->texts[id])
		return -ENOMEM;
	s->refused[id] = false;
	return r ? r : take_value(&t);
}

static char *trim(char *text)
{
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	return text;
}

int dm_settings_take(struct dm_settings *s, const char *option, struct fault_list *faults)
{
	char *copy = alloc_string(option), *equals = copy ? strchr(copy, '=') : NULL, *name;
	int id, r;

	if (!copy)
		return -ENOMEM;
	if (!equals) {
		s->bad = true;
		r = fault_add(faults, ROW_G3, FAULT_AS_ROW, option,
			      "%.100s: a name, =, and a value are expected", option);
		alloc_free(copy);
		return r;
	}
	*equals = '\0';
	name = trim(copy);
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	id = option_named(name);
	r = id < 0 ? unknown(s, name, faults)
		   : take_known(s, (enum dm_option_id)id, trim(equals + 1), faults);
	alloc_free(copy);
	return r;
}

const char *dm_settings_pool(const struct dm_settings *s)
{
	const char *text = s->texts[DM_THINPOOLDEV];

	return text && *text ? without_mapper(text) : NULL;
}

/* ---- all of them together */

static bool given(const struct dm_settings *s, enum dm_option_id id)
{
	return dm_has(s, id) && *s->texts[id];
}

bool dm_settings_has_directlvm(const struct dm_settings *s)
{
	return given(s, DM_DIRECTLVM_DEVICE) || s->numbers[DM_THINP_PERCENT] ||
	       s->numbers[DM_THINP_METAPERCENT] || s->numbers[DM_THINP_AUTOEXTEND_THRESHOLD] ||
	       s->numbers[DM_THINP_AUTOEXTEND_PERCENT];
}

static int conflict(struct dm_settings *s, struct fault_list *faults, enum meta_row_id row,
		    enum dm_option_id id, const char *text)
{
	s->bad = true;
	return fault_add(faults, row, FAULT_AS_ROW, options[id].name, "%s", text);
}

static int judge_directlvm(struct dm_settings *s, struct fault_list *faults)
{
	const uint64_t data = s->numbers[DM_THINP_PERCENT], meta = s->numbers[DM_THINP_METAPERCENT],
		       threshold = s->numbers[DM_THINP_AUTOEXTEND_THRESHOLD];

	if (!dm_settings_has_directlvm(s))
		return 0;
	if (!given(s, DM_DIRECTLVM_DEVICE))
		return conflict(s, faults, ROW_G3, DM_DIRECTLVM_DEVICE,
				"dm.thinp_* are given, and dm.directlvm_device is not");
	if (!data != !meta)
		return conflict(s, faults, ROW_G3, DM_THINP_PERCENT,
				"of dm.thinp_percent and dm.thinp_metapercent one is given: both "
				"or none are expected, and 0 counts as not given");
	if (data + meta > 100)
		return conflict(s, faults, ROW_G3, DM_THINP_PERCENT,
				"dm.thinp_percent and dm.thinp_metapercent are more than 100 "
				"together");
	if (given(s, DM_THINPOOLDEV))
		return conflict(s, faults, ROW_G10, DM_DIRECTLVM_DEVICE,
				"dm.thinpooldev and dm.directlvm_device are both given");
	if (threshold == 100)
		return fault_add(faults, ROW_G6, FAULT_AS_ROW,
				 options[DM_THINP_AUTOEXTEND_THRESHOLD].name,
				 "dm.thinp_autoextend_threshold=100: LVM never extends the pool");
	if (threshold && threshold < 50)
		return fault_add(faults, ROW_G6, FAULT_INFO,
				 options[DM_THINP_AUTOEXTEND_THRESHOLD].name,
				 "dm.thinp_autoextend_threshold=%" PRIu64 ": LVM takes 50 for it",
				 threshold);
	return 0;
}

static int judge_sizes(struct dm_settings *s, struct fault_list *faults)
{
	const bool made_by_lvm = given(s, DM_THINPOOLDEV) || given(s, DM_DIRECTLVM_DEVICE);
	const uint64_t block = s->numbers[DM_BLOCKSIZE];
	int r = 0;

	if (dm_has(s, DM_BLOCKSIZE) && (block < 65536 || block > 1u << 30 || block % 65536)) {
		s->bad |= !made_by_lvm;
		s->refused[DM_BLOCKSIZE] = true;
		r = fault_add(faults, ROW_G3, made_by_lvm ? FAULT_INFO : FAULT_AS_ROW,
			      options[DM_BLOCKSIZE].name,
			      "dm.blocksize=%.40s: 64K to 1G, a multiple of 64K, is all that the "
			      "kernel takes%s",
			      s->texts[DM_BLOCKSIZE],
			      made_by_lvm ? "; of no effect here, LVM made the pool" : "");
	}
	if (!r && dm_has(s, DM_BASESIZE) && !s->numbers[DM_BASESIZE]) {
		s->refused[DM_BASESIZE] = true;
		r = conflict(s, faults, ROW_G3, DM_BASESIZE, "dm.basesize is 0");
	}
	return r;
}

static int judge_devices(struct dm_settings *s, struct fault_list *faults)
{
	const char *data = s->texts[DM_DATADEV], *metadata = s->texts[DM_METADATADEV];

	if (data && metadata && *data && !strcmp(data, metadata))
		return conflict(s, faults, ROW_G9, DM_DATADEV,
				"dm.datadev and dm.metadatadev are the same device: one destroys "
				"the other");
	if (given(s, DM_THINPOOLDEV) && (given(s, DM_DATADEV) || given(s, DM_METADATADEV)))
		return fault_add(faults, ROW_G3, FAULT_WARNING, options[DM_DATADEV].name,
				 "dm.datadev and dm.metadatadev are of no effect beside "
				 "dm.thinpooldev");
	return 0;
}

/* Since 17.09 both are on where nothing is said; before, both are off. */
static int judge_deferral(struct dm_settings *s, const struct dm_background *b,
			  struct fault_list *faults)
{
	const bool has_removal = dm_has(s, DM_USE_DEFERRED_REMOVAL),
		   has_deletion = dm_has(s, DM_USE_DEFERRED_DELETION),
		   removal = s->numbers[DM_USE_DEFERRED_REMOVAL] != 0,
		   deletion = s->numbers[DM_USE_DEFERRED_DELETION] != 0;
	const char *name = options[DM_USE_DEFERRED_DELETION].name;
	enum fault_weight weight = b->since_17_09 ? FAULT_AS_ROW : FAULT_WARNING;

	if (has_removal && !removal && has_deletion && deletion)
		return conflict(s, faults, ROW_G11, DM_USE_DEFERRED_DELETION,
				"dm.use_deferred_deletion is on and dm.use_deferred_removal is "
				"off: it cannot be without that");
	if (has_removal && !removal && !has_deletion) {
		s->bad |= b->since_17_09;
		return fault_add(faults, ROW_G11, weight, name,
				 "dm.use_deferred_removal is off: Docker 17.09 and later have "
				 "dm.use_deferred_deletion on, which cannot be without that; give "
				 "dm.use_deferred_deletion=false too");
	}
	if (has_deletion && deletion && !has_removal && !b->since_17_09)
		return fault_add(faults, ROW_G11, FAULT_WARNING, name,
				 "dm.use_deferred_deletion is on: before Docker 17.09 it wants "
				 "dm.use_deferred_removal=true beside it");
	return 0;
}

int dm_settings_judge(struct dm_settings *s, const struct dm_background *background,
		      struct fault_list *faults)
{
	int r = judge_directlvm(s, faults);

	if (!r)
		r = judge_sizes(s, faults);
	if (!r)
		r = judge_devices(s, faults);
	return r ? r : judge_deferral(s, background, faults);
}

void dm_settings_destroy(struct dm_settings *s)
{
	for (size_t i = 0; i < NR_DM_OPTIONS; i++)
		alloc_free(s->texts[i]);
	*s = (struct dm_settings){ .bad = false };
}
