/* SPDX-License-Identifier: MIT */
#include "docker_meta/config/daemon_json.h"

#include <errno.h>
#include <string.h>

#include "common/base/alloc.h"
#include "docker_meta/config/go_values.h"
#include "docker_meta/config/json_syntax.h"
#include "docker_meta/read/go_json.h"

enum key_type {
	KEY_TEXT,
	KEY_BOOL,
	KEY_INT,
	KEY_LIST,
	KEY_LIST_OF_OBJECTS,
	KEY_OBJECT,
	KEY_ANY,
	KEY_FLAG,
};

struct key {
	const char *name;
	enum key_type type;
	unsigned int since, until; /* 2300 is 23.0; 0: no bound */
};

static const struct key keys[] = {
#define KEY(name, type, since, until) { name, KEY_##type, since, until },
#include "docker_meta/config/daemon_keys.def"
#undef KEY
};

enum { MANY = 100 }; /* faults: nobody reads what each of more may have meant */

enum { OLDEST = 2010, LAST = 2400 }; /* that are judged: the last with devicemapper */

struct reading {
	const struct daemon_background *background;
	struct daemon_json *daemon;
	struct fault_list *faults;
};

/* ---- syntax */

static int tell_rest(struct reading *r, const struct json_syntax *s)
{
	r->daemon->usable &= !r->background->since_23;
	return fault_add(r->faults, ROW_G1, r->background->since_23 ? FAULT_AS_ROW : FAULT_WARNING,
			 "daemon.json",
			 "line %zu column %zu: something stands behind the closing bracket: Docker "
			 "up to 20.10 takes no notice of it, 23 and later do not start",
			 s->rest.line, s->rest.column);
}

static int tell_empty(struct reading *r)
{
	r->daemon->usable = r->background->since_23;
	return fault_add(r->faults, ROW_G1, r->background->since_23 ? FAULT_INFO : FAULT_AS_ROW,
			 "daemon.json",
			 "it is empty: Docker up to 20.10 does not start; write {}, or remove it");
}

static int tell_twice(struct reading *r, const struct json_syntax *s)
{
	int e = 0;

	for (size_t i = 0; i < s->nr_twice && !e; i++)
		e = fault_add(r->faults, ROW_G2, FAULT_WARNING, s->twice[i].key,
			      "\"%.60s\" is given twice, in line %zu and in line %zu: Docker takes "
			      "the last",
			      s->twice[i].key, s->twice[i].first.line, s->twice[i].last.line);
	return e;
}

static int judge_syntax(struct reading *r, const struct json_syntax *s)
{
	int e = 0;

	if (s->is_empty)
		return tell_empty(r);
	if (s->has_bom) {
		r->daemon->usable = r->background->since_23;
		e = fault_add(r->faults, ROW_G1,
			      r->background->since_23 ? FAULT_INFO : FAULT_AS_ROW, "daemon.json",
			      "line 1 column 1: a byte order mark, which an editor left: Docker up "
			      "to 20.10 does not start");
	}
	if (!e && s->broken) {
		r->daemon->usable = false;
		e = fault_add(r->faults, ROW_G1, FAULT_AS_ROW, "daemon.json",
			      "line %zu column %zu: %s", s->at.line, s->at.column, s->text);
	}
	if (!e && s->has_rest)
		e = tell_rest(r, s);
	return e ? e : tell_twice(r, s);
}

/* ---- keys */

static const struct key *key_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	}
	return NULL;
}

static const struct key *key_like(const char *name)
{
	const struct key *nearest = NULL;
	unsigned int best = strlen(name) < 6 ? 2 : 3;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const unsigned int distance = name_distance(name, keys[i].name);

		if (distance >= best || keys[i].type == KEY_FLAG || keys[i].since > LAST)
			continue;
		best = distance;
		nearest = &keys[i];
	}
	return nearest;
}

static int tell_unknown(struct reading *r, const char *name)
{
	const struct key *like = r->faults->nr < MANY ? key_like(name) : NULL;

	r->daemon->usable = false;
	return fault_add(r->faults, ROW_G2, FAULT_AS_ROW, name,
			 "\"%.60s\" is no key of daemon.json%s%s%s", name, like ? "; is \"" : "",
			 like ? like->name : "", like ? "\" meant?" : "");
}

static int tell_version(struct reading *r, const struct key *k)
{
	const unsigned int since = k->since, until = k->until;

	if (since > LAST)
		return fault_add(r->faults, ROW_G2, FAULT_WARNING, k->name,
				 "\"%s\" is a key of Docker %u.%u and later, which have no "
				 "devicemapper: an earlier one does not start",
				 k->name, since / 100, since % 100);
	if (since > OLDEST && !r->background->since_23)
		return fault_add(r->faults, ROW_G2, FAULT_WARNING, k->name,
				 "\"%s\" is a key of Docker %u.%u and later: an earlier one does "
				 "not start",
				 k->name, since / 100, since % 100);
	if (until && until < LAST)
		return fault_add(r->faults, ROW_G2,
				 r->background->since_23 ? FAULT_AS_ROW : FAULT_WARNING, k->name,
				 "\"%s\" is a key of Docker up to %u.%02u: a later one does not "
				 "start",
				 k->name, until / 100, until % 100);
	return 0;
}

static bool is_list_of(const json_t *value, bool objects)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value))
		return false;
	json_array_foreach(value, i, item)
	{
		if (objects ? !json_is_object(item) : !json_is_string(item) && !json_is_null(item))
			return false;
	}
	return true;
}

static bool has_type(const json_t *value, enum key_type type)
{
	switch (type) {
	case KEY_TEXT:
		return json_is_string(value);
	case KEY_BOOL:
		return json_is_boolean(value);
	case KEY_INT:
		return json_is_integer(value);
	case KEY_LIST:
		return is_list_of(value, false);
	case KEY_LIST_OF_OBJECTS:
		return is_list_of(value, true);
	case KEY_OBJECT:
		return json_is_object(value);
	case KEY_ANY:
	case KEY_FLAG:
		break;
	}
	return true;
}

static const char *type_name(enum key_type type)
{
	static const char *const names[] = {
		[KEY_TEXT] = "a text, in double quotes",
		[KEY_BOOL] = "true or false, without quotes",
		[KEY_INT] = "a number without fraction, without quotes",
		[KEY_LIST] = "a list of texts: [\"...\", \"...\"]",
		[KEY_LIST_OF_OBJECTS] = "a list of objects: [{...}, {...}]",
		[KEY_OBJECT] = "an object: {...}",
		[KEY_ANY] = "anything",
		[KEY_FLAG] = "anything",
	};

	return names[type];
}

/* What Docker asks of a key's name: that there is such a flag, in this very case. */
static int judge_name(struct reading *r, const char *name)
{
	const struct key *k = key_named(name);

	if (!k)
		return tell_unknown(r, name);
	if (k->type == KEY_FLAG)
		return fault_add(r->faults, ROW_G2, FAULT_WARNING, name,
				 "\"%s\" is a flag of dockerd and no key: Docker takes no notice "
				 "of it here; \"%ss\" may be meant",
				 name, name);
	return tell_version(r, k);
}

/*
 * An object that Docker has no flag for is opened, and what is in it must be known
 * (configValuesSet() in config.go); then it takes no notice of the values.
 */
static bool is_opened(const struct key *k, const json_t *value)
{
	return json_is_object(value) &&
	       (!k || k->type != KEY_OBJECT || !strcmp(k->name, "proxies"));
}

static int judge_members(struct reading *r, const char *name, json_t *value)
{
	const char *member;
	json_t *ignored;
	int e = 0;

	if (!key_named(name)) {
		e = json_object_size(value)
			    ? fault_add(
				      r->faults, ROW_G2, FAULT_WARNING, name,
				      "\"%.60s\" is no key of daemon.json: Docker takes no notice "
				      "of it, though it asks for the names within",
				      name)
			    : 0;
	}
	json_object_foreach(value, member, ignored)
	{
		if (!e)
			e = judge_name(r, member);
	}
	return e;
}

static int judge_key(struct reading *r, const char *name, json_t *value)
{
	const struct key *k = key_named(name);
	int e = 0;

	if (is_opened(k, value))
		e = judge_members(r, name, value);
	else
		e = judge_name(r, name);
	if (!e && k && strcmp(k->name, "proxies") == 0)
		e = tell_version(r, k);
	if (!e && k && !json_is_null(value) && !has_type(value, k->type)) {
		r->daemon->usable = false;
		e = fault_add(r->faults, ROW_G2, FAULT_AS_ROW, name, "\"%s\": %s is expected", name,
			      type_name(k->type));
	}
	return e;
}

/* ---- values */

static int keep_text(json_t *object, const char *key, char **to)
{
	const char *text = NULL;
	struct go_fault ignored;

	if (!go_take_string(object, key, &text, &ignored) || !text || !*text)
		return 0;
	*to = alloc_string(text);
	return *to ? 0 : -ENOMEM;
}

static int take_root(struct reading *r, json_t *object)
{
	char *graph = NULL;
	int e = keep_text(object, "data-root", &r->daemon->data_root);

	if (!e)
		e = keep_text(object, "graph", &graph);
	if (e || !graph)
		return e;
	if (!r->daemon->data_root) {
		r->daemon->data_root = graph;
		return 0;
	}
	alloc_free(graph);
	r->daemon->usable = false;
	return fault_add(
		r->faults, ROW_G2, FAULT_AS_ROW, "graph",
		"\"graph\" and \"data-root\" are both given: the former is the old name of "
		"the latter");
}

static bool is_devicemapper(const struct daemon_json *d)
{
	return !d->driver || !strcmp(d->driver, "devicemapper");
}

/* Another driver refuses what is not its own. */
static int judge_of_other(struct reading *r, const char *option)
{
	if (strncmp(option, "dm.", 3) != 0)
		return 0;
	return fault_add(r->faults, ROW_G18, FAULT_AS_ROW, option,
			 "%.60s: storage-driver is %.40s, which refuses options of devicemapper",
			 option, r->daemon->driver);
}

static int take_options(struct reading *r, json_t *object)
{
	const json_t *list = go_get(object, "storage-opts");
	const struct dm_background b = { .since_17_09 = r->background->since_17_09 };
	size_t i;
	json_t *item;
	int e = 0;

	r->daemon->has_options = json_is_array(list) && json_array_size(list);
	if (!r->daemon->has_options)
		return 0;
	r->daemon->nr_options = json_array_size(list);
	json_array_foreach(list, i, item)
	{
		const char *option = json_string_value(item);

		if (e)
			break;
		if (!option)
			continue;
		e = is_devicemapper(r->daemon) ? dm_settings_take(&r->daemon->dm, option, r->faults)
					       : judge_of_other(r, option);
	}
	return e ? e : dm_settings_judge(&r->daemon->dm, &b, r->faults);
}

static int take_values(struct reading *r, json_t *object)
{
	const char *name;
	json_t *value;
	int e = 0;

	json_object_foreach(object, name, value)
	{
		if (!e)
			e = judge_key(r, name, value);
	}
	if (!e)
		e = keep_text(object, "storage-driver", &r->daemon->driver);
	if (!e)
		e = keep_text(object, "userns-remap", &r->daemon->userns);
	if (!e)
		e = take_root(r, object);
	return e ? e : take_options(r, object);
}

int daemon_json_parse(char *text, size_t size, const struct daemon_background *background,
		      struct daemon_json *ret_daemon, struct fault_list *faults)
{
	struct reading r = { background, ret_daemon, faults };
	struct json_syntax syntax;
	struct go_fault fault;
	json_t *object = NULL;
	int e;

	*ret_daemon = (struct daemon_json){ .usable = true };
	e = json_syntax_look(text, size, &syntax);
	if (!e)
		e = judge_syntax(&r, &syntax);
	if (!e && !syntax.broken && !syntax.is_empty) {
		text[syntax.end] = '\0';
		e = go_json_parse_utf8(text + syntax.begin, syntax.end - syntax.begin, &object,
				       &fault);
		if (e == -EBADMSG) {
			ret_daemon->usable = false;
			e = fault_add(faults, ROW_G1, FAULT_AS_ROW, "daemon.json", "%s",
				      fault.text);
		} else if (!e) {
			e = take_values(&r, object);
		}
	}
	json_decref(object);
	json_syntax_destroy(&syntax);
	return e;
}

void daemon_json_destroy(struct daemon_json *d)
{
	alloc_free(d->data_root);
	alloc_free(d->driver);
	alloc_free(d->userns);
	dm_settings_destroy(&d->dm);
	*d = (struct daemon_json){ .usable = false };
}
