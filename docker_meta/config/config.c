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
