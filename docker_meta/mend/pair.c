/* SPDX-License-Identifier: MIT */
#include "docker_meta/mend/pair.h"

#include <string.h>

static bool takes_name(const char **one, const char *hash)
{
	if (*one && strcmp(*one, hash) != 0)
		return false;
	*one = hash;
	return true;
}

/* The name of the one file that is missing or cannot be used; NULL: there are several, or none. */
static const char *lonely_hash(const struct deletion *deletion)
{
	const struct driver_state *d = &deletion->t->docker->driver;
	const char *one = NULL;
	bool single = true;

	for (size_t i = 0; i < d->nr_records && single; i++)
		single = d->records[i].usable || takes_name(&one, d->records[i].hash);
	for (size_t i = 0; i < deletion->nr_hashes && single; i++)
		single = driver_state_find(d, deletion->hashes[i]) ||
			 takes_name(&one, deletion->hashes[i]);
	if (single && d->nr_records && !driver_state_find(d, "base"))
		single = takes_name(&one, "base");
	return single && one && is_device_name(one) ? one : NULL;
}

void lonely_pair_find(const struct deletion *d, struct lonely_pair *ret_pair)
{
	const struct device_table *t = d->t;
	const struct device_row *one = NULL;
	size_t nr = 0;

	*ret_pair = (struct lonely_pair){ .row = NULL };
	for (size_t i = 0; i < t->nr; i++) {
		if (t->rows[i].record || t->rows[i].in_flight)
			continue;
		one = &t->rows[i];
		nr++;
	}
	if (nr != 1 || d->closed || !one->pool->complete || device_is_volume(one))
		return;
	ret_pair->row = one;
	ret_pair->hash = lonely_hash(d);
}

bool lonely_pair_has(const struct lonely_pair *pair, const char *hash)
{
	return hash && pair->hash && !strcmp(hash, pair->hash);
}
