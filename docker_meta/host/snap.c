/* SPDX-License-Identifier: MIT */
#include "docker_meta/host/snap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/fd_io.h"
#include "docker_meta/host/dm.h"

static void tell(struct host_fault *fault, const char *pool, const char *what)
{
	(void)snprintf(fault->text, sizeof(fault->text), "pool %s: %s", pool, what);
}

/* ---- may it be */

bool snap_kernel_is_good(const char *release)
{
	char *end = NULL;
	unsigned long major = strtoul(release, &end, 10), minor = 0;

	if (end && *end == '.')
		minor = strtoul(end + 1, NULL, 10);
	return major > 4 || (major == 4 && minor >= 4);
}

static int refuse_status(const struct host *h, struct host_fault *fault)
{
	const struct pool_status *s = h->status;

	if (!s) {
		tell(fault, h->pool->name, "its status is not known");
		return -ENODEV;
	}
	if (s->health != POOL_IS_WELL || s->mode == POOL_MODE_RO) {
		tell(fault, h->pool->name, "it is not writable: it makes no metadata snapshot");
		return -EROFS;
	}
	if (s->held_root) {
		tell(fault, h->pool->name,
		     "it holds a metadata snapshot already: read that with --metadata-snap");
		return -EBUSY;
	}
	return 0;
}

int snap_possible(const struct host *h, struct host_fault *ret_fault)
{
	struct utsname names;

	*ret_fault = (struct host_fault){ "" };
	if (!h->pool || !h->dm_live) {
		(void)snprintf(ret_fault->text, sizeof(ret_fault->text),
			       "--reserve-snap: no active pool is known: give --pool NAME");
		return -ENODEV;
	}
	if (uname(&names) || !snap_kernel_is_good(names.release)) {
		tell(ret_fault, h->pool->name,
		     "--reserve-snap needs Linux 4.4: older kernels may damage the metadata by it");
		return -ENOTSUP;
	}
	return refuse_status(h, ret_fault);
}

/* ---- the keeper */

struct answer {
	int error;
};

static void ignore_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		(void)signal(signals[i], SIG_IGN);
}

/* The kernel may be busy for a moment; a snapshot that stays is worse than a late end. */
static int release(const char *pool)
{
	int r = -EAGAIN;

	for (int try = 0; try < 5 && r; try++) {
		if (try)
			(void)usleep(100000);
		r = dm_release_metadata_snap(pool);
	}
	return r;
}

/* The end of the pipe is the end of the one who reads, however it came about. */
static void keep(const char *pool, int lifeline, int answers)
{
	struct answer a = { .error = 0 };
	size_t got;
	char byte;

	ignore_signals();
	a.error = dm_reserve_metadata_snap(pool);
	if (write(answers, &a, sizeof(a)) != (ssize_t)sizeof(a) && !a.error) {
		(void)release(pool);
		_exit(1);
	}
	close(answers);
	if (a.error)
		_exit(0);
	while (!fd_read_up_to(lifeline, &byte, 1, &got) && got)
		;
	_exit(release(pool) ? 1 : 0);
}

struct pipes {
	int lifeline[2], answers[2];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_pipes(struct pipes *p)
{
	for (int i = 0; i < 2; i++) {
		close_fd(&p->lifeline[i]);
		close_fd(&p->answers[i]);
	}
}

static int start_keeper(const char *pool, struct pipes *p, pid_t *ret_keeper)
{
	if (pipe2(p->lifeline, O_CLOEXEC) || pipe2(p->answers, O_CLOEXEC))
		return -errno;
	*ret_keeper = fork();
	if (*ret_keeper < 0)
		return -errno;
	if (!*ret_keeper) {
		close_fd(&p->lifeline[1]);
		close_fd(&p->answers[0]);
		keep(pool, p->lifeline[0], p->answers[1]);
	}
	close_fd(&p->lifeline[0]);
	close_fd(&p->answers[1]);
	return 0;
}

static int wait_for(pid_t keeper)
{
	int status = 0;
	pid_t r;

	do
		r = waitpid(keeper, &status, 0);
	while (r < 0 && errno == EINTR);
	return r == keeper && WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

static const char *explain(int error)
{
	switch (-error) {
	case EBUSY:
		return "it holds a metadata snapshot already: read that with --metadata-snap";
	case EPERM:
	case EACCES:
		return "a metadata snapshot is for root to make";
	default:
		return strerror(-error);
	}
}

int snap_guard_begin(const struct host *h, struct snap_guard *ret_guard,
		     struct host_fault *ret_fault)
{
	struct pipes p = { { -1, -1 }, { -1, -1 } };
	struct answer a = { .error = -EIO };
	pid_t keeper = -1;
	size_t got;
	int r = snap_possible(h, ret_fault);

	*ret_guard = (struct snap_guard){ .fd = -1 };
	if (r)
		return r;
	r = start_keeper(h->pool->name, &p, &keeper);
	if (!r) {
		if (fd_read_up_to(p.answers[0], &a, sizeof(a), &got) || got != sizeof(a))
			a.error = -EIO;
		r = a.error;
	}
	if (!r) {
		*ret_guard = (struct snap_guard){ true, p.lifeline[1], keeper };
		p.lifeline[1] = -1;
	}
	close_pipes(&p);
	if (r && keeper > 0)
		(void)wait_for(keeper);
	if (r)
		tell(ret_fault, h->pool->name, explain(r));
	return r;
}

int snap_guard_end(struct snap_guard *g, struct host_fault *ret_fault)
{
	int r;

	*ret_fault = (struct host_fault){ "" };
	if (!g->held)
		return 0;
	close_fd(&g->fd);
	r = wait_for(g->keeper);
	g->held = false;
	if (r)
		(void)snprintf(ret_fault->text, sizeof(ret_fault->text),
			       "the metadata snapshot could not be released: "
			       "dmsetup message POOL 0 release_metadata_snap");
	return r;
}
