/* SPDX-License-Identifier: MIT
 * direct_queue.h: the done list of engines that carry a request out at once.
 */
#ifndef THINMEND_IO_DIRECT_QUEUE_H
#define THINMEND_IO_DIRECT_QUEUE_H

#include <errno.h>

#include "common/io/block_io.h"

struct direct_queue {
	struct io_request *done[IO_MAX_DEPTH];
	unsigned int head, nr;
};

static inline int direct_queue_push(struct direct_queue *q, struct io_request *rq)
{
	if (q->nr == IO_MAX_DEPTH)
		return -EBUSY;
	q->done[(q->head + q->nr++) % IO_MAX_DEPTH] = rq;
	return 0;
}

static inline int direct_queue_pop(struct direct_queue *q, struct io_request **ret_rq)
{
	if (!q->nr)
		return -EINVAL;
	*ret_rq = q->done[q->head];
	q->head = (q->head + 1) % IO_MAX_DEPTH;
	q->nr--;
	return 0;
}

#endif
