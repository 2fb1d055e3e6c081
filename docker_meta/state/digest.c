/* SPDX-License-Identifier: MIT */
#include "docker_meta/state/digest.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

struct digest digest_of(const void *data, size_t size)
{
	uint8_t bytes[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;
	struct digest d = { "" };

	sha256_init(&context);
	sha256_update(&context, size, data);
	sha256_digest(&context, sizeof(bytes), bytes);
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(d.hex + 2 * i, 3, "%02x", bytes[i]);
	return d;
}

struct digest chain_id(const char *parent, const char *diff)
{
	char text[2 * (HEX_NAME + 8) + 2];
	struct digest d = { "" };

	if (!parent) {
		(void)snprintf(d.hex, sizeof(d.hex), "%s", diff);
		return d;
	}
	(void)snprintf(text, sizeof(text), "sha256:%s sha256:%s", parent, diff);
	return digest_of(text, strlen(text));
}
