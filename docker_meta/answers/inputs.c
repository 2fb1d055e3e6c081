/* SPDX-License-Identifier: MIT */
#include "docker_meta/answers/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "docker_meta/read/digest.h"
#include "docker_meta/read/read_record.h"
#include "docker_meta/read/safe_dir.h"
#include "docker_meta/source/docker/layout.h"
#include "docker_meta/text/shell.h"

#define DAEMON_JSON "/etc/docker/daemon.json"
#define MAX_METADATA (UINT64_C(16) << 30) /* the kernel uses no more of a metadata device */
#define MAX_FILE (UINT64_C(1) << 30)      /* of Docker's */

enum { MAX_DEPTH = 16 };

/* Below the root. */
static const struct place {
	const char *kind, *path;
	const char *tests; /* of find(1); NULL: it is a file */
	size_t depth;      /* the only one that files are at; 0: any */
	const char *names[4];
	const char *but; /* a name that is not read */
} places[] = {
	{ "driver", "devicemapper/metadata", "", 0, { NULL }, NULL },
	{ "driver-setup", "devicemapper/setup-config.json", NULL, 0, { NULL }, NULL },
	{ "driver-old", "devicemapper/json", NULL, 0, { NULL }, NULL },
	{ "driver-old", "devicemapper/json.migrated", NULL, 0, { NULL }, NULL },
	{ "layers",
	  "image/devicemapper/layerdb",
	  " ! -name tar-split.json.gz",
	  0,
	  { NULL },
	  "tar-split.json.gz" },
	{ "images", "image/devicemapper/imagedb", "", 0, { NULL }, NULL },
	{ "names", "image/devicemapper/repositories.json", NULL, 0, { NULL }, NULL },
	{ "containers",
	  "containers",
	  " -mindepth 2 -maxdepth 2 \\( -name config.v2.json -o -name config.json"
	  " -o -name hostconfig.json \\)",
	  2,
	  { "config.v2.json", "config.json", "hostconfig.json" },
	  NULL },
	{ "buildkit", "buildkit/snapshots.db", NULL, 0, { NULL }, NULL },
	{ "graph",
	  "graph",
	  " -mindepth 2 -maxdepth 2 \\( -name json -o -name layersize -o -name parent \\)",
	  2,
	  { "json", "layersize", "parent" },
	  NULL },
	{ "graph-names", "repositories-devicemapper", NULL, 0, { NULL }, NULL },
	{ "graph-map", ".migration-v1-images.json", NULL, 0, { NULL }, NULL },
	{ "graph-map", "image/devicemapper/.migration-v1-images.json", NULL, 0, { NULL }, NULL },
};

/* ---- one */

static int tell(struct meta_input *in, const char *what, const char *why)
{
	if (in->fault)
		return 0;
	in->fault = what ? alloc_printf("%s: %s", what, why) : alloc_string(why);
	return in->fault ? 0 : -ENOMEM;
}

/* Begin the next one.  tests is NULL for a file. */
static int begin(struct meta_inputs *list, const char *kind, const char *path, const char *tests,
		 struct meta_input **ret_in)
{
	struct meta_input *grown =
		alloc_grow(list->items, &list->capacity, list->nr, sizeof(*grown));
	char *quote = shell_word(path);
	struct meta_input in = { .kind = kind, .path = alloc_string(path) };

	if (grown)
		list->items = grown;
	if (quote && tests)
		in.command =
			alloc_printf("cd -- %s && find .%s -type f -print0 | LC_ALL=C sort -z | "
				     "xargs -0r sha256sum -z | sha256sum",
				     quote, tests);
	else if (quote)
		in.command = alloc_printf("sha256sum <%s", quote);
	alloc_free(quote);
	if (!grown || !in.path || !in.command) {
		alloc_free(in.path);
		alloc_free(in.command);
		return -ENOMEM;
	}
	grown[list->nr] = in;
	*ret_in = &grown[list->nr++];
	return 0;
}

static const char *why_not(int r)
{
	return r == -EFBIG                  ? "it is too large to be one of these"
	       : r == -EINVAL               ? "it is no file"
	       : r == -ELOOP || r == -EXDEV ? safe_dir_fault(r)
					    : strerror(-r);
}

static void take_digest(struct meta_input *in, const struct digest *d, uint64_t bytes)
{
	in->nr_files = 1;
	in->bytes = bytes;
	memcpy(in->sha256, d->hex, sizeof(in->sha256));
}

static int digest_fd(struct meta_input *in, int fd, uint64_t max)
{
	struct digest d;
	uint64_t bytes;
	int r = digest_of_file(fd, max, &d, &bytes);

	if (r)
		return r == -ENOMEM ? r : tell(in, NULL, why_not(r));
	take_digest(in, &d, bytes);
	return 0;
}

/* ---- files that the user named */

/* What the kernel wrote to a device itself does not stand in the page cache. */
static int open_named(const char *path, int *ret_fd)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), direct;
	struct stat st;

	*ret_fd = fd;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		return -errno;
	if (S_ISREG(st.st_mode))
		return 0;
	if (!S_ISBLK(st.st_mode))
		return -EINVAL;
	direct = open(path, O_RDONLY | O_DIRECT | O_NOCTTY | O_CLOEXEC);
	if (direct < 0)
		return 0;
	close(fd);
	*ret_fd = direct;
	return 0;
}

static int add_named(struct meta_inputs *list, const char *kind, const char *path)
{
	struct meta_input *in;
	int fd = -1, r = begin(list, kind, path, NULL, &in), e;

	if (r)
		return r;
	if (!strcmp(path, "-"))
		return tell(in, NULL, "standard input cannot be read again");
	e = open_named(path, &fd);
	r = e ? tell(in, NULL, why_not(e)) : digest_fd(in, fd, MAX_METADATA);
	if (fd >= 0)
		close(fd);
	return r;
}

/* ---- files below the root */

/* A file of several parts, "a/b/c".  0 or -errno. */
static int open_below(const struct safe_dir *root, const char *path, int *ret_fd)
{
	const char *slash = strrchr(path, '/');
	char *parent = alloc_printf("%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	struct safe_dir dir = { .fd = -1 };
	int r = parent ? safe_dir_enter(root, parent, &dir) : -ENOMEM;

	if (!r)
		r = safe_dir_open_file(&dir, slash ? slash + 1 : path, ret_fd);
	safe_dir_close(&dir);
	alloc_free(parent);
	return r;
}

static int add_file(struct meta_inputs *list, const struct safe_dir *root, const char *kind,
		    const char *path, const char *below, uint64_t max)
{
	const struct read_name *name = list->record ? read_record_find(list->record, below) : NULL;
	const bool is_known = name && name->has_digest;
	struct meta_input *in;
	int fd = -1, e = is_known ? 0 : open_below(root, below, &fd), r;

	if (e == -ENOENT || e == -ENOMEM)
		return e == -ENOMEM ? e : 0;
	r = begin(list, kind, path, NULL, &in);
	if (!r && is_known)
		take_digest(in, &name->digest, name->bytes);
	else if (!r)
		r = e ? tell(in, NULL, why_not(e)) : digest_fd(in, fd, max);
	if (fd >= 0)
		close(fd);
	return r;
}

/* ---- directories below the root */

struct names {
	char **items; /* owned: "./a/b" */
	size_t nr, capacity;
};

static int names_add(struct names *n, const char *parent, const char *name)
{
	char **grown = alloc_grow(n->items, &n->capacity, n->nr, sizeof(*grown));
	char *path = alloc_printf("%s/%s", parent, name);

	if (grown)
		n->items = grown;
	if (!grown || !path) {
		alloc_free(path);
		return -ENOMEM;
	}
	grown[n->nr++] = path;
	return 0;
}

static void names_destroy(struct names *n)
{
	for (size_t i = 0; i < n->nr; i++)
		alloc_free(n->items[i]);
	alloc_free(n->items);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* How many parts a name has: "./a" has one. */
static size_t depth_of(const char *path)
{
	size_t nr = 0;

	for (; *path; path++)
		nr += *path == '/';
	return nr;
}

static bool is_wanted(const struct place *p, const char *name, size_t depth)
{
	if (p->depth && depth != p->depth)
		return false;
	if (p->but && !strcmp(name, p->but))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(p->names) && p->names[i]; i++) {
		if (!strcmp(name, p->names[i]))
			return true;
	}
	return !p->names[0];
}

struct walk {
	const struct place *place;
	const struct read_record *record; /* NULL: all is read anew */
	struct meta_input *in;
	struct names dirs, files;
};

static int walk_one(struct walk *w, const struct safe_dir *top, const char *path)
{
	const size_t depth = depth_of(path) + 1;
	struct dir_list list = { 0 };
	struct safe_dir dir = { .fd = -1 };
	int r = safe_dir_enter(top, path, &dir);

	if (!r)
		r = safe_dir_list(&dir, &list);
	safe_dir_close(&dir);
	if (r && r != -ENOMEM)
		r = tell(w->in, path, why_not(r));
	for (size_t i = 0; i < list.nr && !r; i++) {
		const struct dir_entry *e = &list.items[i];

		if (e->is_dir && depth >= MAX_DEPTH)
			r = tell(w->in, path, "there are too many directories in one another");
		else if (e->is_dir && (!w->place->depth || depth < w->place->depth))
			r = names_add(&w->dirs, path, e->name);
		else if (e->is_file && is_wanted(w->place, e->name, depth))
			r = names_add(&w->files, path, e->name);
	}
	dir_list_destroy(&list);
	return r;
}

/* What a reader read, or, of what nobody did, what stands there: 0 or -errno. */
static int digest_one(const struct walk *w, const struct safe_dir *dir, const char *path,
		      struct digest *d, uint64_t *bytes)
{
	char *below = alloc_printf("%s/%s", w->place->path, path + 2);
	const struct read_name *name =
		below && w->record ? read_record_find(w->record, below) : NULL;
	int fd = -1, r = below ? 0 : -ENOMEM;

	alloc_free(below);
	if (name && name->has_digest) {
		*d = name->digest;
		*bytes = name->bytes;
		return 0;
	}
	if (!r)
		r = safe_dir_open_file(dir, strrchr(path, '/') + 1, &fd);
	if (!r)
		r = digest_of_file(fd, MAX_FILE, d, bytes);
	if (fd >= 0)
		close(fd);
	return r;
}

/* A line of sha256sum -z. */
static int list_one(struct walk *w, const struct safe_dir *dir, const char *path,
		    struct digest_stream *s)
{
	struct digest d;
	uint64_t bytes = 0;
	int r = digest_one(w, dir, path, &d, &bytes);

	if (r)
		return r == -ENOMEM ? r : tell(w->in, path, why_not(r));
	digest_add(s, d.hex, strlen(d.hex));
	digest_add(s, "  ", 2);
	digest_add(s, path, strlen(path) + 1);
	w->in->nr_files++;
	w->in->bytes += bytes;
	return 0;
}

/* Files of one directory stand together, nearly always: it stays open. */
static int list_files(struct walk *w, const struct safe_dir *top, struct digest_stream *s)
{
	struct safe_dir dir = { .fd = -1 };
	char *parent = NULL;
	int r = 0;

	for (size_t i = 0; i < w->files.nr && !r; i++) {
		const char *path = w->files.items[i];
		const size_t nr = (size_t)(strrchr(path, '/') - path);

		if (!parent || strncmp(path, parent, nr) != 0 || parent[nr]) {
			alloc_free(parent);
			safe_dir_close(&dir);
			parent = alloc_printf("%.*s", (int)nr, path);
			r = parent ? safe_dir_enter(top, parent, &dir) : -ENOMEM;
		}
		if (!r)
			r = list_one(w, &dir, path, s);
		else if (r != -ENOMEM)
			r = tell(w->in, path, why_not(r));
	}
	alloc_free(parent);
	safe_dir_close(&dir);
	return r;
}

static int digest_dir(struct walk *w, const struct safe_dir *top)
{
	struct digest_stream *s = digest_begin();
	struct digest d;
	int r = s ? names_add(&w->dirs, ".", "") : -ENOMEM;

	if (!r)
		w->dirs.items[0][1] = '\0';
	for (size_t i = 0; i < w->dirs.nr && !r; i++)
		r = walk_one(w, top, w->dirs.items[i]);
	if (w->files.nr)
		qsort(w->files.items, w->files.nr, sizeof(*w->files.items), by_bytes);
	if (!r)
		r = list_files(w, top, s);
	if (s) {
		d = digest_end(s);
		memcpy(w->in->sha256, d.hex, sizeof(w->in->sha256));
	}
	return r;
}

static int add_dir(struct meta_inputs *list, const struct safe_dir *root, const char *path,
		   const struct place *p)
{
	struct walk w = { .place = p, .record = list->record };
	struct safe_dir top;
	int e = safe_dir_enter(root, p->path, &top), r;

	if (e == -ENOENT || e == -ENOMEM)
		return e == -ENOMEM ? e : 0;
	r = begin(list, p->kind, path, p->tests, &w.in);
	if (!r)
		r = e ? tell(w.in, NULL, why_not(e)) : digest_dir(&w, &top);
	safe_dir_close(&top);
	names_destroy(&w.dirs);
	names_destroy(&w.files);
	return r;
}

/* ---- all */

/* Where a path leads below the root, or NULL. */
static const char *below_root(const struct meta_view *v, const char *path)
{
	const size_t nr = strlen(v->root);

	if (strncmp(path, v->root, nr) != 0 || path[nr] != '/')
		return NULL;
	return path + nr + strspn(path + nr, "/");
}

static int add_pool(const struct meta_view *v, const struct safe_dir *root,
		    struct meta_inputs *list)
{
	const char *below = v->metadata ? below_root(v, v->metadata) : NULL;

	if (!v->metadata)
		return 0;
	if (v->options->xml)
		return add_named(list, "xml", v->metadata);
	if (v->options->metadata || !below)
		return add_named(list, "metadata", v->metadata);
	return add_file(list, root, "metadata", v->metadata, below, MAX_METADATA);
}

static int add_place(const struct meta_view *v, const struct safe_dir *root, const struct place *p,
		     struct meta_inputs *list)
{
	char *path = alloc_printf("%s/%s", v->root, p->path);
	int r = -ENOMEM;

	if (path)
		r = p->tests ? add_dir(list, root, path, p)
			     : add_file(list, root, p->kind, path, p->path, MAX_FILE);
	alloc_free(path);
	return r;
}

static int add_docker(const struct meta_view *v, const struct safe_dir *root,
		      struct meta_inputs *list)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places) && !r; i++)
		r = add_place(v, root, &places[i], list);
	return r;
}

/* ---- what the readers read, and no place has */

static bool is_or_is_below(const char *path, const char *place)
{
	const size_t nr = strlen(place);

	return !strncmp(path, place, nr) && (!path[nr] || path[nr] == '/');
}

static bool has_a_place(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (is_or_is_below(path, places[i].path) || is_or_is_below(places[i].path, path))
			return true;
	}
	return false;
}

static int add_read(const struct meta_view *v, const struct safe_dir *root,
		    const struct read_name *name, struct meta_inputs *list)
{
	const bool is_data = !strcmp(name->path, LOOP_DATA);
	char *path = alloc_printf("%s/%s", v->root, name->path);
	struct meta_input *in = NULL;
	int r = -ENOMEM;

	if (path && !name->error && !is_data)
		r = add_file(list, root, "other", path, name->path, MAX_FILE);
	else if (path)
		r = begin(list, is_data ? "data" : "other", path, NULL, &in);
	if (!r && in)
		r = tell(in, NULL,
			 name->error ? why_not(name->error)
				     : "only the beginnings of devices were read");
	alloc_free(path);
	return r;
}

static int add_rest(const struct meta_view *v, const struct safe_dir *root,
		    struct meta_inputs *list)
{
	const struct read_record *record = list->record;
	int r = 0;

	for (size_t i = 0; i < record->nr && !r; i++) {
		if (!has_a_place(record->items[i].path))
			r = add_read(v, root, &record->items[i], list);
	}
	return r;
}

static bool is_listed(const struct meta_inputs *list, const char *path)
{
	for (size_t i = 0; i < list->nr; i++) {
		if (!strcmp(list->items[i].path, path))
			return true;
	}
	return false;
}

/* What else the configuration was read from: flags, LVM's files, the kernel's version. */
static int add_config(const struct meta_view *v, struct meta_inputs *list)
{
	int r = 0;

	for (size_t i = 0; i < NR_CONFIG_SOURCES && !r; i++) {
		const struct config_source *s = config_source(v->config, i);

		if (s->path && (s->look == CONFIG_READ || s->look == CONFIG_UNREADABLE) &&
		    !is_listed(list, s->path))
			r = add_named(list, "config", s->path);
	}
	return r;
}

static int add_host(const struct meta_view *v, struct meta_inputs *list)
{
	const struct docker_meta_options *o = v->options;
	const struct {
		const char *kind, *path;
	} files[] = {
		{ "daemon-json", o->daemon_json          ? o->daemon_json
				 : v->config->has_daemon ? DAEMON_JSON
							 : NULL },
		{ "status", o->status },
		{ "table", o->table },
		{ "mountinfo", o->mountinfo },
		{ "lvs-json", o->lvs_json },
		{ "loss", o->loss },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files) && !r; i++) {
		if (files[i].path)
			r = add_named(list, files[i].kind, files[i].path);
	}
	return r ? r : add_config(v, list);
}

int meta_inputs_make(const struct meta_view *v, struct meta_inputs *ret_inputs)
{
	const struct safe_rules rules = { .follows = v->options->reading.follows };
	struct safe_dir root;
	int r = safe_dir_open(v->root, &rules, &root);

	read_record_sort(v->options->reading.record);
	*ret_inputs = (struct meta_inputs){ .record = v->options->reading.record };
	if (r)
		return r == -ENOMEM ? r : 0;
	r = add_pool(v, &root, ret_inputs);
	if (!r)
		r = add_docker(v, &root, ret_inputs);
	if (!r)
		r = add_rest(v, &root, ret_inputs);
	safe_dir_close(&root);
	return r ? r : add_host(v, ret_inputs);
}

static char *add_digest(char *digests, const struct meta_inputs *one, int error)
{
	const struct meta_input *in = one->nr ? &one->items[0] : NULL;
	const char *digest = error || (in && (in->fault || !*in->sha256)) ? "unread"
			     : in                                         ? in->sha256
									  : "absent";
	char *grown = digests && error != -ENOMEM ? alloc_printf("%s%s ", digests, digest) : NULL;

	alloc_free(digests);
	return grown;
}

char *meta_reference_digests(const struct meta_view *v)
{
	const char *rest = META_REFERENCES;
	char *digests = alloc_string("");
	struct safe_dir root = { .fd = -1 };
	const struct safe_rules rules = { .follows = v->options->reading.follows };
	int r = safe_dir_open(v->root, &rules, &root);

	while (*rest && digests) {
		const size_t n = strcspn(rest, " ");
		struct meta_inputs one = { 0 };
		int e = r;

		for (size_t i = 0; i < ARRAY_SIZE(places) && !e; i++) {
			if (!strncmp(places[i].path, rest, n) && !places[i].path[n])
				e = add_place(v, &root, &places[i], &one);
		}
		digests = add_digest(digests, &one, e);
		meta_inputs_destroy(&one);
		rest += n + (rest[n] == ' ');
	}
	safe_dir_close(&root);
	return digests;
}

void meta_inputs_destroy(struct meta_inputs *inputs)
{
	for (size_t i = 0; i < inputs->nr; i++) {
		alloc_free(inputs->items[i].path);
		alloc_free(inputs->items[i].command);
		alloc_free(inputs->items[i].fault);
	}
	alloc_free(inputs->items);
	*inputs = (struct meta_inputs){ 0 };
}
