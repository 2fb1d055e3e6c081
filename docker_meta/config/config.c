/* SPDX-License-Identifier: MIT */
#include "docker_meta/config/config.h"

#include "common/base/alloc.h"

int config_read(const struct docker_meta_options *o, struct config *ret_config)
{
	(void)o;
	*ret_config = (struct config){ 0 };
	return 0;
}

void config_destroy(struct config *c)
{
	alloc_free(c->data_root);
	*c = (struct config){ 0 };
}

const char *config_thinpooldev(const struct config *c)
{
	if (c->dm.thinpooldev)
		return c->dm.thinpooldev;
	return c->dm.directlvm_device ? "docker-thinpool" : NULL;
}
