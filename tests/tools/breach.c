/* SPDX-License-Identifier: MIT
 * breach.c: a tool whose parser was taken over.  The linker puts these in the place of a tool's own
 * functions (make breach): the one that BREACH names tries what an intruder would, says how it
 * went, and then goes on as if nothing had happened.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/pdata/btree_node.h"
#include "common/xml/parse.h"
#include "docker_meta/config/daemon_json.h"
#include "docker_meta/source/docker/docker_state.h"

static void tell(const char *what, long result)
{
	(void)dprintf(STDERR_FILENO, "breach: %s: %s\n", what,
		      result < 0 ? strerror(errno) : "done");
}

static void break_out(const char *where)
{
	static bool done;
	const char *wanted = getenv("BREACH"), *file = getenv("BREACH_FILE");
	char shell[] = "sh", option[] = "-c", command[] = "echo breach: run: done >&2";
	char *const words[] = { shell, option, command, NULL };

	if (done || !wanted || strcmp(wanted, where) != 0 || !file)
		return;
	done = true;
	tell("read", open("/etc/passwd", O_RDONLY));
	tell("write", open(file, O_WRONLY | O_CREAT, 0600));
	tell("socket", socket(AF_INET, SOCK_STREAM, 0));
	tell("trace", ptrace(PTRACE_SEIZE, INT32_MAX, NULL, NULL)); /* there is no such process */
	tell("signal", kill(getppid(), 0));
	tell("type", ioctl(STDIN_FILENO, TIOCSTI, "x"));
	(void)execve("/bin/sh", words, environ);
	tell("run", -1);
}

int __real_btree_node_decode(const void *raw, uint64_t block, uint32_t leaf_value_size,
			     struct btree_node *ret_node, struct node_fault *ret_fault);
int __wrap_btree_node_decode(const void *raw, uint64_t block, uint32_t leaf_value_size,
			     struct btree_node *ret_node, struct node_fault *ret_fault);

int __wrap_btree_node_decode(const void *raw, uint64_t block, uint32_t leaf_value_size,
			     struct btree_node *ret_node, struct node_fault *ret_fault)
{
	break_out("node");
	return __real_btree_node_decode(raw, block, leaf_value_size, ret_node, ret_fault);
}

int __real_xml_parse(struct input *in, const struct xml_options *options,
		     struct metadata_visitor *v, struct xml_fault *ret_fault);
int __wrap_xml_parse(struct input *in, const struct xml_options *options,
		     struct metadata_visitor *v, struct xml_fault *ret_fault);

int __wrap_xml_parse(struct input *in, const struct xml_options *options,
		     struct metadata_visitor *v, struct xml_fault *ret_fault)
{
	break_out("xml");
	return __real_xml_parse(in, options, v, ret_fault);
}

int __real_daemon_json_parse(char *text, size_t size, const struct daemon_background *background,
			     struct daemon_json *ret_daemon, struct fault_list *faults);
int __wrap_daemon_json_parse(char *text, size_t size, const struct daemon_background *background,
			     struct daemon_json *ret_daemon, struct fault_list *faults);

int __wrap_daemon_json_parse(char *text, size_t size, const struct daemon_background *background,
			     struct daemon_json *ret_daemon, struct fault_list *faults)
{
	break_out("config");
	return __real_daemon_json_parse(text, size, background, ret_daemon, faults);
}

int __real_docker_state_read(const struct safe_dir *root, struct docker_state *ret_state);
int __wrap_docker_state_read(const struct safe_dir *root, struct docker_state *ret_state);

int __wrap_docker_state_read(const struct safe_dir *root, struct docker_state *ret_state)
{
	break_out("state");
	return __real_docker_state_read(root, ret_state);
}
