/* SPDX-License-Identifier: MIT
 * go_json.h: JSON as Docker, which is written in Go, understands it.
 *
 * encoding/json matches keys without case, ignores those it does not know, takes the last of
 * several, leaves a field alone where the value is null, and gives up on a value of another type:
 * an integer is written without fraction and exponent.  Unsigned 64-bit numbers are exact.  Bytes
 * that are no UTF-8 become U+FFFD.  Stricter than Go: at most 2048 levels, no NUL in a key or in a
 * string that is taken.
 */
#ifndef DOCKER_META_READ_GO_JSON_H
#define DOCKER_META_READ_GO_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "docker_meta/read/safe_dir.h"

enum { GO_JSON_MAX = 64 << 20 }; /* bytes of a file */

/* Why a file cannot be used, for one line of text. */
struct go_fault {
	char text[200];
};

/*
 * An object in a file of dir.  0; -EBADMSG with fault filled when it is none; or -errno as
 * safe_dir_read(), with fault filled likewise.  json_decref() it.
 */
must_check int go_json_read(const struct safe_dir *dir, const char *name, json_t **ret_object,
			    struct go_fault *fault);

/* The same from text of size bytes, behind which there is a NUL. */
must_check int go_json_parse(const char *text, size_t size, json_t **ret_object,
			     struct go_fault *fault);

/* The same of text that Docker does not take when it is no UTF-8: daemon.json. */
must_check int go_json_parse_utf8(const char *text, size_t size, json_t **ret_object,
				  struct go_fault *fault);

/* The value of a key, or NULL where there is none or it is null. */
json_t *go_get(json_t *object, const char *key);

/*
 * Take a value where there is one.  False, with fault filled, when it is of another type; what is
 * taken stays as it was then, and where there is none.  Strings are borrowed from the object.
 */
must_check bool go_take_u64(json_t *object, const char *key, uint64_t *value,
			    struct go_fault *fault);
must_check bool go_take_int(json_t *object, const char *key, int64_t *value,
			    struct go_fault *fault);
must_check bool go_take_bool(json_t *object, const char *key, bool *value, struct go_fault *fault);
must_check bool go_take_string(json_t *object, const char *key, const char **value,
			       struct go_fault *fault);

#endif
