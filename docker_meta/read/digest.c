/* SPDX-License-Identifier: MIT */
#include "docker_meta/read/digest.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/io/fd_io.h"

enum { CHUNK = 1 << 20 };

struct digest_stream {
	struct sha256_ctx context;
};

static struct digest end(struct sha256_ctx *context)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[SHA256_DIGEST_SIZE];
	struct digest d = { "" };

	sha256_digest(context, sizeof(bytes), bytes);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		d.hex[2 * i] = digits[bytes[i] >> 4];
		d.hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	return d;
}

struct digest digest_of(const void *data, size_t size)
{
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, size, data);
	return end(&context);
}

struct digest_stream *digest_begin(void)
{
	struct digest_stream *s = alloc_object(struct digest_stream);

	if (s)
		sha256_init(&s->context);
	return s;
}

void digest_add(struct digest_stream *s, const void *data, size_t size)
{
	sha256_update(&s->context, size, data);
}

struct digest digest_end(struct digest_stream *s)
{
	struct digest d = end(&s->context);

	alloc_free(s);
	return d;
}

int digest_of_file(int fd, uint64_t max, struct digest *ret_digest, uint64_t *ret_bytes)
{
	struct sha256_ctx context;
	uint8_t *chunk = alloc_aligned(CHUNK);
	size_t n = 1;
	int r = chunk ? 0 : -ENOMEM;

	*ret_bytes = 0;
	sha256_init(&context);
	while (!r && n) {
		r = fd_read_up_to(fd, chunk, CHUNK, &n);
		*ret_bytes += n;
		if (!r && *ret_bytes > max)
			r = -EFBIG;
		sha256_update(&context, n, chunk);
	}
	*ret_digest = end(&context);
	alloc_free(chunk);
	return r;
}

struct digest chain_id(const char *parent, const char *diff)
{
	char text[2 * (DIGEST_HEX + 8) + 2];
	struct digest d = { "" };

	if (!parent) {
		(void)snprintf(d.hex, sizeof(d.hex), "%s", diff);
		return d;
	}
	(void)snprintf(text, sizeof(text), "sha256:%s sha256:%s", parent, diff);
	return digest_of(text, strlen(text));
}
