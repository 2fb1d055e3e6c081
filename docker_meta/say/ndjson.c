/* SPDX-License-Identifier: MIT
 * ndjson.c: a line of JSON for each finding, and one for the whole, for journals.
 */
#include "docker_meta/say/json_parts.h"

#include "docker_meta/say/output.h"

static int print(const struct meta_view *v, const char *type, json_t *object, bool failed,
		 FILE *out)
{
	const struct pool_state *p = v->devices->pool;

	json_put(object, "type", json_string(type), &failed);
	json_put_tool(object, v, &failed);
	json_put(object, "transaction", p ? json_number(p->header.transaction_id) : json_null(),
		 &failed);
	return json_finish_line(object, failed, out);
}

int output_ndjson(const struct meta_view *v, FILE *out)
{
	bool failed = false;
	json_t *object;
	int r = 0;

	for (size_t i = 0; i < v->findings->nr && !r; i++) {
		object = json_of_finding(&v->findings->items[i], &failed);
		r = print(v, "finding", object, failed, out);
	}
	if (r)
		return r;
	object = json_of_summary(v->findings, &failed);
	json_put_verdict(object, v->verdict, &failed);
	json_put(object, "start",
		 v->verdict->start ? json_text(v->verdict->start->text) : json_null(), &failed);
	return print(v, "summary", object, failed, out);
}
