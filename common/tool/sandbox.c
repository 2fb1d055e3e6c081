/* SPDX-License-Identifier: MIT
 * sandbox.c: the only file that makes these system calls.
 *
 * The filter is written here, not with libseccomp: 130 KB more would go into the initramfs with
 * thin_check.  (Linux: Documentation/userspace-api/landlock.rst and seccomp_filter.rst.)
 */
#include "common/tool/sandbox.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/dm-ioctl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/loop.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/compiler.h"

/* A sanitizer looks into its process at the end, and gcov writes files then. */
#ifdef THINMEND_NO_SANDBOX
#define HAS_SANDBOX false
#else
#define HAS_SANDBOX true
#endif

/* ---- Landlock */

/* Newer than Linux 6.1's headers. */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)  /* version 3 */
#define ACCESS_IOCTL_DEV (UINT64_C(1) << 15) /* version 5 */

struct ruleset {
	uint64_t fs;     /* accesses that need a rule */
	uint64_t net;    /* version 4: TCP, bind and connect */
	uint64_t scoped; /* version 6: abstract sockets and signals to others */
};

#define ACCESS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE \
	(ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEV)
#define ACCESS_MAKE                                                                    \
	(ACCESS_WRITE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_REFER)
#define ACCESS_NAME (LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define ACCESS_SCRATCH \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)
/* What a rule of a file can be about. */
#define ACCESS_OF_FILE                                                \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	 LANDLOCK_ACCESS_FS_READ_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEV)

/* All that the kernel knows, so that what has no rule is refused.  False: it has no Landlock. */
static bool all_accesses(struct ruleset *ret_all)
{
	/* The highest bit of each version. */
	static const unsigned int highest[] = { 0, 12, 13, 14, 14, 15 };
	const long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	const size_t newest = ARRAY_SIZE(highest) - 1;

	if (version < 1)
		return false;
	*ret_all = (struct ruleset){
		.fs = (UINT64_C(2)
		       << highest[(size_t)version < newest ? (size_t)version : newest]) -
		      1,
		.net = version >= 4 ? 3 : 0,
		.scoped = version >= 6 ? 3 : 0,
	};
	return true;
}

/* What cannot be allowed is refused later, when it is opened: then the tool says so. */
static void allow(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access };
	const int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && !S_ISDIR(st.st_mode))
		rule.allowed_access &= ACCESS_OF_FILE;
	rule.parent_fd = fd;
	(void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	(void)close(fd);
}

static void allow_directory(int ruleset, const char *path, uint64_t access)
{
	const char *slash = strrchr(path, '/');
	char directory[4096] = ".";

	if (slash && (size_t)(slash - path) + 1 >= sizeof(directory))
		return;
	if (slash)
		(void)snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path + 1), path);
	allow(ruleset, directory, access);
}

/*
 * What is there already is written to wherever a link leads.  A device's or a pipe's directory is
 * looked into, no more: its neighbours are nobody's output.
 */
static void allow_making(int ruleset, const char *path, uint64_t access)
{
	struct stat st;

	if (!stat(path, &st) && !S_ISDIR(st.st_mode)) {
		allow(ruleset, path, access & ACCESS_WRITE);
		if (!S_ISREG(st.st_mode))
			access = LANDLOCK_ACCESS_FS_READ_DIR;
	}
	allow_directory(ruleset, path, access);
}

static void restrict_files(const struct sandbox *s)
{
	struct ruleset all;
	int ruleset;

	if (!all_accesses(&all))
		return;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (ruleset < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(s->read); i++) {
		if (s->read[i])
			allow(ruleset, s->read[i], ACCESS_READ);
		if (s->write[i])
			allow(ruleset, s->write[i], ACCESS_WRITE & all.fs);
	}
	for (size_t i = 0; i < ARRAY_SIZE(s->scratch); i++) {
		if (s->scratch[i])
			allow(ruleset, s->scratch[i], ACCESS_SCRATCH);
	}
	for (size_t i = 0; i < ARRAY_SIZE(s->make); i++) {
		if (s->make[i])
			allow_making(ruleset, s->make[i], ACCESS_MAKE & all.fs);
	}
	for (size_t i = 0; i < ARRAY_SIZE(s->name); i++) {
		if (s->name[i])
			allow_directory(ruleset, s->name[i], ACCESS_NAME);
	}
	(void)syscall(SYS_landlock_restrict_self, ruleset, 0);
	(void)close(ruleset);
}

/* ---- seccomp */

#if defined(__x86_64__) && !defined(__ILP32__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

#ifdef ARCHITECTURE

#define X32_BIT 0x40000000 /* of a system call's number, on x86-64 */

/* What a tool calls once everything is open, the most frequent first. */
static const uint16_t at_work[] = {
	SYS_io_submit,
	SYS_io_getevents,
	SYS_read,
	SYS_write,
	SYS_pread64,
	SYS_pwrite64,
	SYS_brk,
	SYS_mmap,
	SYS_mremap,
	SYS_munmap,
	SYS_madvise,
	SYS_mprotect,
	SYS_lseek,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_close,
	SYS_dup,
	SYS_dup3,
	SYS_fcntl,
	SYS_fsync,
	SYS_fdatasync,
	SYS_sync_file_range,
	SYS_fadvise64,
	SYS_fallocate,
	SYS_ftruncate,
	SYS_readv,
	SYS_writev,
	SYS_getdents64,
	SYS_io_setup,
	SYS_io_cancel,
	SYS_io_destroy,
	SYS_io_pgetevents,
	SYS_fstat,
	SYS_newfstatat,
#ifdef SYS_stat
	SYS_stat,
	SYS_lstat,
	SYS_access,
	SYS_readlink,
#endif
	SYS_statx,
	SYS_faccessat,
	SYS_readlinkat,
	SYS_fstatfs,
	SYS_futex,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_gettimeofday,
	SYS_getpid,
	SYS_gettid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_getrandom,
	SYS_getrlimit,
	SYS_prlimit64,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_sysinfo,
	SYS_uname,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_rt_sigpending,
	SYS_sigaltstack,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
};

/* Besides, where files are still to be opened: Landlock says which. */
static const uint16_t on_files[] = {
#ifdef SYS_open
	SYS_open,
#endif
	SYS_openat,
	SYS_openat2,
};

/* Where they get names. */
static const uint16_t on_names[] = {
#ifdef SYS_link
	SYS_link,     SYS_rename,    SYS_unlink,
#endif
#ifdef SYS_renameat
	SYS_renameat,
#endif
	SYS_linkat,   SYS_renameat2, SYS_unlinkat,
};

/* What no tool of ours has any business with.  io_uring opens files past a filter. */
static const uint16_t never[] = {
	SYS_execve,
	SYS_execveat,
	SYS_socket,
	SYS_socketpair,
	SYS_connect,
	SYS_bind,
	SYS_listen,
	SYS_accept4,
	SYS_sendto,
	SYS_sendmsg,
	SYS_sendmmsg,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_pidfd_open,
	SYS_pidfd_getfd,
	SYS_pidfd_send_signal,
	SYS_mount,
	SYS_umount2,
	SYS_move_mount,
	SYS_open_tree,
	SYS_fsopen,
	SYS_fspick,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_mount_setattr,
	SYS_pivot_root,
	SYS_chroot,
	SYS_setns,
	SYS_unshare,
	SYS_open_by_handle_at,
	SYS_mknodat,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_personality,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_clock_adjtime,
	SYS_adjtimex,
	SYS_sethostname,
	SYS_setdomainname,
#ifdef SYS_mknod
	SYS_mknod,
#endif
#ifdef SYS_iopl
	SYS_iopl,
	SYS_ioperm,
#endif
};

/*
 * TIOCSTI types on the terminal, and whoever reads there runs it; so does TIOCLINUX.  The others
 * change devices of device-mapper, loop devices, and what is on a device, through a descriptor that
 * is open for reading.
 */
static const uint32_t forbidden_commands[] = {
	TIOCSTI,        TIOCLINUX,         DM_REMOVE_ALL,   DM_DEV_CREATE,     DM_DEV_REMOVE,
	DM_DEV_RENAME,  DM_DEV_SUSPEND,    DM_TABLE_LOAD,   DM_TABLE_CLEAR,    DM_DEV_SET_GEOMETRY,
	LOOP_SET_FD,    LOOP_CLR_FD,       LOOP_SET_STATUS, LOOP_SET_STATUS64, LOOP_CHANGE_FD,
	LOOP_CONFIGURE, LOOP_SET_CAPACITY, BLKROSET,        BLKDISCARD,        BLKSECDISCARD,
	BLKZEROOUT,     DM_TARGET_MSG, /* the last, left out where messages are let through */
};
static const uint32_t known_commands[] = { TCGETS, TIOCGWINSZ, BLKGETSIZE64, BLKSSZGET,
					   BLKPBSZGET };

struct program {
	struct sock_filter code[512];
	unsigned short nr;
};

static void emit(struct program *p, uint16_t code, uint32_t k, uint8_t if_true, uint8_t if_false)
{
	if (p->nr < ARRAY_SIZE(p->code))
		p->code[p->nr++] = (struct sock_filter){ code, if_true, if_false, k };
}

static void load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void load_number(struct program *p)
{
	load(p, offsetof(struct seccomp_data, nr));
}

/* Of each argument the lower half: these are all ints, and the machines little-endian. */
static size_t argument(unsigned int index)
{
	return offsetof(struct seccomp_data, args) + index * sizeof(uint64_t);
}

static void end(struct program *p, uint32_t action)
{
	emit(p, BPF_RET | BPF_K, action, 0, 0);
}

#define REFUSE (SECCOMP_RET_ERRNO | 1u /* EPERM */)

/* What is loaded is one of these: end so. */
static void match_one(struct program *p, uint32_t value, uint32_t action)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	end(p, action);
}

static void match(struct program *p, const uint16_t *numbers, size_t nr, uint32_t action)
{
	for (size_t i = 0; i < nr; i++)
		match_one(p, numbers[i], action);
}

/* A call whose argument is one of these ends so, with any other argument as otherwise says. */
static void match_argument(struct program *p, uint32_t number, unsigned int index,
			   const uint32_t *values, size_t nr, uint32_t action, uint32_t otherwise)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, number, 0, (uint8_t)(2 + 2 * nr));
	load(p, argument(index));
	for (size_t i = 0; i < nr; i++)
		match_one(p, values[i], action);
	end(p, otherwise);
}

/* To ourselves: abort() and whoever ends by the signal that it got. */
static void match_signals(struct program *p)
{
	const uint32_t self = (uint32_t)getpid();

	match_argument(p, SYS_kill, 0, &self, 1, SECCOMP_RET_ALLOW, REFUSE);
	match_argument(p, SYS_tgkill, 0, &self, 1, SECCOMP_RET_ALLOW, REFUSE);
}

static bool is_any(const char *const *paths, size_t nr)
{
	bool any = false;

	for (size_t i = 0; i < nr; i++)
		any |= paths[i] != NULL;
	return any;
}

static bool opens_files(const struct sandbox *s)
{
	return is_any(s->read, ARRAY_SIZE(s->read)) || is_any(s->write, ARRAY_SIZE(s->write)) ||
	       is_any(s->scratch, ARRAY_SIZE(s->scratch)) || is_any(s->make, ARRAY_SIZE(s->make));
}

static void forbid_all_but_work(struct program *p, const struct sandbox *s)
{
	match(p, at_work, ARRAY_SIZE(at_work), SECCOMP_RET_ALLOW);
	if (opens_files(s))
		match(p, on_files, ARRAY_SIZE(on_files), SECCOMP_RET_ALLOW);
	if (is_any(s->make, ARRAY_SIZE(s->make)) || is_any(s->name, ARRAY_SIZE(s->name)))
		match(p, on_names, ARRAY_SIZE(on_names), SECCOMP_RET_ALLOW);
	match_argument(p, SYS_ioctl, 1, known_commands, ARRAY_SIZE(known_commands),
		       SECCOMP_RET_ALLOW, REFUSE);
	match_signals(p);
	end(p, REFUSE);
}

static void forbid_some(struct program *p, bool messages)
{
	match(p, never, ARRAY_SIZE(never), REFUSE);
	match_argument(p, SYS_ioctl, 1, forbidden_commands,
		       ARRAY_SIZE(forbidden_commands) - messages, REFUSE, SECCOMP_RET_ALLOW);
	end(p, SECCOMP_RET_ALLOW);
}

static void filter_calls(const struct sandbox *s)
{
	struct program p = { .nr = 0 };

	load(&p, offsetof(struct seccomp_data, arch));
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	end(&p, REFUSE);
	load_number(&p);
#ifdef __x86_64__
	emit(&p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	end(&p, REFUSE);
#endif
	if (s->walks)
		forbid_some(&p, s->messages);
	else
		forbid_all_but_work(&p, s);
	const struct sock_fprog program = { .len = p.nr, .filter = p.code };

	(void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#else

/* Of another machine's system calls nobody has tried these lists. */
static void filter_calls(const struct sandbox *s)
{
	(void)s;
}

#endif

void sandbox_enter(const struct sandbox *s)
{
	if (s->off || !HAS_SANDBOX || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return;
	restrict_files(s);
	filter_calls(s);
}
