/* SPDX-License-Identifier: MIT */
#include "docker_meta/config/lvm.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/number.h"
#include "docker_meta/host/dm_names.h"

/* ---- figures in texts */

bool lvm_size_parse(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "kmgtpe";
	const char *at;
	double value, base = 1024;
	char *end;
	int power = 0;

	text += *text == '<' || *text == '>';
	if (!isdigit((unsigned char)*text))
		return false;
	value = strtod(text, &end);
	if (*end && *end != 'B' && *end != 'b') {
		at = strchr(units, tolower((unsigned char)*end));
		if (!at)
			return false;
		base = isupper((unsigned char)*end) ? 1000 : 1024;
		power = (int)(at - units) + 1;
		end++;
	}
	end += tolower((unsigned char)*end) == 'i';
	end += tolower((unsigned char)*end) == 'b';
	if (*end)
		return false;
	while (power--)
		value *= base;
	if (!(value < 9223372036854775807.0))
		return false;
	*ret_bytes = (uint64_t)value;
	return true;
}

static bool parse_percent(const char *text, double *ret)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*ret = strtod(text, &end);
	return (!*end || !strcmp(end, "%")) && *ret >= 0 && *ret <= 100;
}

/* ---- one volume */

/* json_std has numbers, json has texts. */
static int text_of(json_t *object, const char *key, char **ret)
{
	json_t *value = go_get(object, key);

	*ret = NULL;
	if (!value)
		return 0;
	if (json_is_string(value))
		*ret = alloc_string(json_string_value(value));
	else if (json_is_integer(value))
		*ret = alloc_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		*ret = alloc_printf("%.2f", json_real_value(value));
	else if (json_is_boolean(value))
		*ret = alloc_string(json_is_true(value) ? "1" : "0");
	else
		return 0;
	return *ret ? 0 : -ENOMEM;
}

static int take_texts(json_t *object, struct lvm_volume *v)
{
	const struct {
		const char *key;
		char **to;
	} fields[] = {
		{ "vg_name", &v->vg },
		{ "lv_name", &v->name },
		{ "pool_lv", &v->pool },
		{ "lv_attr", &v->attr },
		{ "seg_monitor", &v->monitor },
		{ "lv_when_full", &v->when_full },
		{ "lv_health_status", &v->health },
		{ "lv_check_needed", &v->check_needed },
		{ "lv_profile", &v->profile },
		{ "discards", &v->discards },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields) && !r; i++)
		r = text_of(object, fields[i].key, fields[i].to);
	return r;
}

/* "524288B", "524288"; not "512.00k" */
static bool is_in_bytes(const char *text)
{
	const size_t n = strspn(text, "0123456789");

	return n && (!text[n] || ((text[n] == 'B' || text[n] == 'b') && !text[n + 1]));
}

static int take_sizes(json_t *object, struct lvm_volume *v)
{
	const struct {
		const char *key;
		bool *has;
		uint64_t *to;
	} fields[] = {
		{ "lv_size", &v->has_size, &v->size },
		{ "lv_metadata_size", &v->has_metadata_size, &v->metadata_size },
		{ "chunk_size", &v->has_chunk_size, &v->chunk_size },
		{ "vg_free", &v->has_vg_free, &v->vg_free },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields) && !r; i++) {
		char *text;

		r = text_of(object, fields[i].key, &text);
		if (text && fields[i].to == &v->size)
			v->size_is_exact = is_in_bytes(text);
		*fields[i].has = text && lvm_size_parse(text, fields[i].to);
		alloc_free(text);
	}
	return r;
}

static int take_figures(json_t *object, struct lvm_volume *v)
{
	char *data, *metadata = NULL, *transaction = NULL, *thin = NULL;
	int r = text_of(object, "data_percent", &data);

	if (!r)
		r = text_of(object, "metadata_percent", &metadata);
	if (!r)
		r = text_of(object, "transaction_id", &transaction);
	if (!r)
		r = text_of(object, "thin_id", &thin);
	v->has_data_percent = data && parse_percent(data, &v->data_percent);
	v->has_metadata_percent = metadata && parse_percent(metadata, &v->metadata_percent);
	v->has_transaction = transaction && parse_u64(transaction, &v->transaction_id);
	v->has_thin_id = thin && parse_u64(thin, &v->thin_id);
	v->tells_thin = go_get(object, "thin_id") && go_get(object, "pool_lv");
	alloc_free(data);
	alloc_free(metadata);
	alloc_free(transaction);
	alloc_free(thin);
	return r;
}

/* Hidden volumes stand in brackets. */
static void strip_brackets(char *name)
{
	const size_t n = strlen(name);

	if (n >= 2 && name[0] == '[' && name[n - 1] == ']') {
		memmove(name, name + 1, n - 2);
		name[n - 2] = '\0';
	}
}

static void volume_destroy(struct lvm_volume *v)
{
	char *const texts[] = { v->vg,        v->name,   v->pool,         v->attr,    v->monitor,
				v->when_full, v->health, v->check_needed, v->profile, v->discards };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		alloc_free(texts[i]);
}

static int add_volume(struct lvm_report *report, json_t *object)
{
	struct lvm_volume v = { .vg = NULL }, *grown;
	int r = take_texts(object, &v);

	if (!r)
		r = take_sizes(object, &v);
	if (!r)
		r = take_figures(object, &v);
	if (!r && !v.name) {
		volume_destroy(&v);
		return 0;
	}
	grown = r ? NULL
		  : alloc_grow(report->volumes, &report->capacity, report->nr, sizeof(*grown));
	if (!grown) {
		volume_destroy(&v);
		return -ENOMEM;
	}
	report->volumes = grown;
	strip_brackets(v.name);
	if (v.pool)
		strip_brackets(v.pool);
	grown[report->nr++] = v;
	return 0;
}

/* ---- the report: { "report": [ { "lv": [ {...}, ... ] } ] } */

static void set_fault(struct go_fault *fault, const char *text)
{
	strncpy(fault->text, text, sizeof(fault->text) - 1);
	fault->text[sizeof(fault->text) - 1] = '\0';
}

static int take_report(json_t *object, struct lvm_report *report, struct go_fault *fault)
{
	json_t *reports = go_get(object, "report");
	int r = 0;

	if (!json_is_array(reports)) {
		set_fault(fault, "there is no \"report\" in it: lvs --reportformat json makes one");
		return -EBADMSG;
	}
	for (size_t i = 0; i < json_array_size(reports) && !r; i++) {
		json_t *one = json_array_get(reports, i);
		json_t *volumes = json_is_object(one) ? go_get(one, "lv") : NULL;

		for (size_t n = 0; n < json_array_size(volumes) && !r; n++) {
			json_t *volume = json_array_get(volumes, n);

			if (json_is_object(volume))
				r = add_volume(report, volume);
		}
	}
	return r;
}

int lvm_report_parse(char *text, size_t size, struct lvm_report *ret_report, struct go_fault *fault)
{
	json_t *object;
	int r;

	*ret_report = (struct lvm_report){ .nr = 0 };
	r = go_json_parse(text, size, &object, fault);
	if (!r)
		r = take_report(object, ret_report, fault);
	json_decref(object);
	return r;
}

void lvm_report_destroy(struct lvm_report *r)
{
	for (size_t i = 0; i < r->nr; i++)
		volume_destroy(&r->volumes[i]);
	alloc_free(r->volumes);
	*r = (struct lvm_report){ .nr = 0 };
}

/* ---- finding */

/* One of device-mapper's names starts with one of LVM's, each of whose minus is doubled. */
static const char *skip_name(const char *dm, const char *name)
{
	for (; dm && *name; name++) {
		const bool twice = *name == '-';

		if (*dm != *name || (twice && dm[1] != '-'))
			return NULL;
		dm += twice ? 2 : 1;
	}
	return dm;
}

static bool has_dm_name(const struct lvm_volume *v, const char *dm)
{
	dm = v->vg ? skip_name(dm, v->vg) : NULL;
	if (!dm || *dm != '-' || dm[1] == '-')
		return false;
	dm = skip_name(dm + 1, v->name);
	return dm && (!*dm || !strcmp(dm, LVM_POOL_LAYER));
}

static bool is_pool(const struct lvm_volume *v)
{
	return v->attr && v->attr[0] == 't';
}

const struct lvm_volume *lvm_report_pool(const struct lvm_report *r, const char *dm_name)
{
	const struct lvm_volume *found = NULL;

	for (size_t i = 0; i < r->nr; i++) {
		const struct lvm_volume *v = &r->volumes[i];

		if (dm_name && has_dm_name(v, dm_name))
			return v;
		if (dm_name || !is_pool(v))
			continue;
		if (found)
			return NULL;
		found = v;
	}
	return found;
}

const struct lvm_volume *lvm_report_find(const struct lvm_report *r, const char *vg,
					 const char *name)
{
	for (size_t i = 0; i < r->nr; i++) {
		const struct lvm_volume *v = &r->volumes[i];

		if (v->vg && !strcmp(v->vg, vg) && !strcmp(v->name, name))
			return v;
	}
	return NULL;
}

bool lvm_report_has_pools(const struct lvm_report *r)
{
	for (size_t i = 0; i < r->nr; i++) {
		if (is_pool(&r->volumes[i]))
			return true;
	}
	return false;
}

bool lvm_report_has_hidden(const struct lvm_report *r)
{
	for (size_t i = 0; i < r->nr; i++) {
		const size_t n = strlen(r->volumes[i].name);

		if (n > 6 && (!strcmp(r->volumes[i].name + n - 6, "_tmeta") ||
			      !strcmp(r->volumes[i].name + n - 6, "_tdata")))
			return true;
	}
	return false;
}

/* ---- when LVM extends by itself */

static void take_setting(const char *line, const char *name, bool *has, uint64_t *value)
{
	const char *at = strstr(line, name);
	char digits[8];
	size_t n;

	if (!at || (at > line && !isspace((unsigned char)at[-1]) && !strchr("{/", at[-1])))
		return;
	at += strlen(name);
	at += strspn(at, " \t");
	if (*at++ != '=')
		return;
	at += strspn(at, " \t\"");
	n = strspn(at, "0123456789");
	if (!n || n >= sizeof(digits))
		return;
	memcpy(digits, at, n);
	digits[n] = '\0';
	*has = parse_u64(digits, value);
}

void autoextend_parse(const char *text, struct autoextend *ret_autoextend)
{
	struct autoextend *a = ret_autoextend;
	char *copy = alloc_string(text), *state = NULL;

	*a = (struct autoextend){ .has_percent = false };
	for (char *line = copy ? strtok_r(copy, "\n", &state) : NULL; line;
	     line = strtok_r(NULL, "\n", &state)) {
		line[strcspn(line, "#")] = '\0';
		take_setting(line, "thin_pool_autoextend_threshold", &a->has_threshold,
			     &a->threshold);
		take_setting(line, "thin_pool_autoextend_percent", &a->has_percent, &a->percent);
	}
	alloc_free(copy);
}
