/* SPDX-License-Identifier: MIT */
#include "common/tool/tool.h"

#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/tool/named_storage.h"
#include "common/tool/text_print.h"

/* Two paths of any length find room in a line. */
enum { MAX_OPTIONS = 64, MAX_LINE = 3 * 4096 };

static const struct tool_option builtin[] = {
	{ .id = 0, .name = "help", .letter = 'h', .help = "print this help" },
	{ .id = 0, .name = "version", .letter = 'V', .help = "print the version" },
};

struct parser {
	const struct tool *tool;
	struct option longs[MAX_OPTIONS + ARRAY_SIZE(builtin) + 1];
	char shorts[3 * (MAX_OPTIONS + ARRAY_SIZE(builtin)) + 2];
	uint64_t seen; /* bit id */
	struct named_storage named;
};

/* One line, whatever names are in it; without the heap: that there is no memory is to be said too.
 */
static printf_like(2, 0) void print_line(const struct tool *tool, const char *format, va_list args,
					 bool usage)
{
	char text[MAX_LINE] = "";

	(void)vsnprintf(text, sizeof(text), format, args);
	(void)fprintf(stderr, "%s: ", tool->name);
	text_print(stderr, text, strlen(text));
	if (usage)
		(void)fprintf(stderr, "; see '%s --help'", tool->name);
	(void)fputc('\n', stderr);
}

void tool_error(const struct tool *tool, const char *format, ...)
{
	va_list args;

	(void)fflush(stdout);
	va_start(args, format);
	print_line(tool, format, args, false);
	va_end(args);
}

int tool_usage_error(const struct tool *tool, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(tool, format, args, true);
	va_end(args);
	return STATUS_USAGE;
}

static void print_option(const struct tool_option *o)
{
	char left[64];
	const char *before = "", *after = "";

	if (o->argument == ARGUMENT_OPTIONAL)
		before = "[=<";
	else if (o->argument != ARGUMENT_NONE)
		before = " <";
	if (o->argument == ARGUMENT_OPTIONAL)
		after = ">]";
	else if (o->argument != ARGUMENT_NONE)
		after = ">";
	(void)snprintf(left, sizeof(left), "%c%c%s --%s%s%s%s", o->letter ? '-' : ' ',
		       o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name, before,
		       o->argument == ARGUMENT_NONE ? "" : o->argument_name, after);
	(void)printf("  %-36s %s\n", left, o->help);
}

static void print_help(const struct tool *tool)
{
	(void)printf("%s\n\nUsage: %s [options] %s\n\nOptions:\n", tool->summary, tool->name,
		     tool->input ? tool->input : tool->usage);
	for (size_t i = 0; i < tool->nr_options; i++) {
		if (tool->options[i].help)
			print_option(&tool->options[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(builtin); i++)
		print_option(&builtin[i]);
	if (tool->footer)
		(void)printf("\n%s\n", tool->footer);
}

static void add_option(struct parser *p, size_t index, size_t *length, const struct tool_option *o)
{
	static const int has_arg[] = { no_argument, required_argument, optional_argument,
				       required_argument, required_argument };

	p->longs[index] = (struct option){ .name = o->name,
					   .has_arg = has_arg[o->argument],
					   .val = (int)(0x100 + index) };
	if (!o->letter)
		return;
	p->shorts[(*length)++] = o->letter;
	for (int i = 0; i < has_arg[o->argument]; i++)
		p->shorts[(*length)++] = ':';
}

static void build_tables(struct parser *p)
{
	const struct tool *tool = p->tool;
	size_t length = 0;

	p->shorts[length++] = ':'; /* a missing argument is ours to report */
	for (size_t i = 0; i < tool->nr_options; i++)
		add_option(p, i, &length, &tool->options[i]);
	for (size_t i = 0; i < ARRAY_SIZE(builtin); i++)
		add_option(p, tool->nr_options + i, &length, &builtin[i]);
}

static const struct tool_option *find_option(const struct tool *tool, int got)
{
	size_t index = (size_t)got - 0x100;

	if (got >= 0x100)
		return index < tool->nr_options ? &tool->options[index]
						: &builtin[index - tool->nr_options];
	for (size_t i = 0; i < tool->nr_options; i++) {
		if (tool->options[i].letter == got)
			return &tool->options[i];
	}
	return got == 'h' ? &builtin[0] : &builtin[1];
}

/* A prefix of several long options. */
static bool is_ambiguous(const struct tool *tool, const char *word)
{
	size_t length = strcspn(word, "="), nr = 0;

	if (strncmp(word, "--", 2) != 0 || length == 2)
		return false;
	for (size_t i = 0; i < tool->nr_options; i++)
		nr += !strncmp(tool->options[i].name, word + 2, length - 2);
	for (size_t i = 0; i < ARRAY_SIZE(builtin); i++)
		nr += !strncmp(builtin[i].name, word + 2, length - 2);
	return nr > 1;
}

static int refuse(const struct tool *tool, int got, char **argv)
{
	const char *word = argv[optind - 1];

	if (optopt && optopt < 0x100 && (strncmp(word, "--", 2) != 0 || got == ':'))
		return got == ':'
			       ? tool_usage_error(tool, "option '-%c' needs a value", optopt)
			       : tool_usage_error(tool, "unexpected argument '-%c' found", optopt);
	if (got == ':')
		return tool_usage_error(tool, "option '%s' needs a value", word);
	if (optopt >= 0x100)
		return tool_usage_error(tool, "option '%s' takes no value", word);
	if (is_ambiguous(tool, word))
		return tool_usage_error(tool, "option '%s' is ambiguous", word);
	return tool_usage_error(tool, "unexpected argument '%s' found", word);
}

static int check_conflicts(const struct parser *p)
{
	const struct tool *tool = p->tool;

	for (size_t i = 0; i < tool->nr_conflicts; i++) {
		const struct tool_conflict *c = &tool->conflicts[i];
		const char *names[2] = { "", "" };

		if (!(p->seen >> c->a & 1) || !(p->seen >> c->b & 1))
			continue;
		for (size_t o = 0; o < tool->nr_options; o++) {
			if (tool->options[o].id == c->a)
				names[0] = tool->options[o].name;
			if (tool->options[o].id == c->b)
				names[1] = tool->options[o].name;
		}
		return tool_usage_error(tool, "--%s cannot be used with --%s", names[0], names[1]);
	}
	return STATUS_NONE;
}

static int take_input(const struct tool *tool, int argc, char **argv, const char **ret_input)
{
	const int max = tool->max_inputs ? (int)tool->max_inputs : 1;

	if (!tool->input) {
		/* LVM's default for thin_repair_options is one empty argument. */
		while (optind < argc && !*argv[optind])
			optind++;
		return optind < argc ? tool_usage_error(tool, "unexpected argument '%s' found",
							argv[optind])
				     : STATUS_NONE;
	}
	if (optind >= argc && tool->input_optional)
		return STATUS_NONE;
	if (optind >= argc)
		return tool_usage_error(tool, REQUIRED_MISSING ": %s (No input file provided.)",
					tool->input);
	if (optind + max < argc)
		return tool_usage_error(tool, "unexpected argument '%s' found%s",
					argv[optind + max], max == 1 ? ": one input only" : "");
	for (int i = 0; optind + i < argc; i++)
		ret_input[i] = argv[optind + i];
	return STATUS_NONE;
}

static int take_builtin(const struct tool *tool, const struct tool_option *o)
{
	if (o->letter == 'h')
		print_help(tool);
	else
		(void)printf("%s\n", THINMEND_VERSION);
	return STATUS_OK;
}

static int parse_options(struct parser *p, int argc, char **argv, take_option_fn take,
			 void *context)
{
	const struct tool *tool = p->tool;
	int got, status = STATUS_NONE;

	while (status == STATUS_NONE &&
	       (got = getopt_long(argc, argv, p->shorts, p->longs, NULL)) != -1) {
		const struct tool_option *o;

		if (got == '?' || got == ':')
			return refuse(tool, got, argv);
		o = find_option(tool, got);
		if (!o->id)
			return take_builtin(tool, o);
		p->seen |= UINT64_C(1) << o->id;
		if (o->argument == ARGUMENT_INPUT || o->argument == ARGUMENT_OUTPUT)
			status = named_storage_add(&p->named, tool, o->argument == ARGUMENT_OUTPUT,
						   o->name, optarg);
		if (status == STATUS_NONE)
			status = take(context, o, optarg);
	}
	return status;
}

/* Positional arguments that are files are read. */
static int name_inputs(struct parser *p, const char *const *inputs)
{
	const size_t max = p->tool->max_inputs ? p->tool->max_inputs : 1;
	int status = STATUS_NONE;

	if (!p->tool->input || p->tool->input_is_words)
		return STATUS_NONE;
	for (size_t i = 0; i < max && status == STATUS_NONE && inputs[i]; i++)
		status = named_storage_add(&p->named, p->tool, false, NULL, inputs[i]);
	return status;
}

int tool_parse(const struct tool *tool, int argc, char **argv, take_option_fn take, void *context,
	       const char **ret_input)
{
	struct parser p = { .tool = tool };
	int status;

	build_tables(&p);
	opterr = 0;
	status = parse_options(&p, argc, argv, take, context);
	if (status == STATUS_NONE)
		status = check_conflicts(&p);
	if (status == STATUS_NONE)
		status = take_input(tool, argc, argv, ret_input);
	if (status == STATUS_NONE)
		status = name_inputs(&p, ret_input);
	if (status == STATUS_NONE)
		status = named_storage_check(&p.named, tool);
	named_storage_destroy(&p.named);
	return status;
}

int take_number(const struct tool *tool, const struct tool_option *option, const char *argument,
		uint64_t min, uint64_t max, uint64_t *ret_value)
{
	uint64_t value;

	if (parse_u64(argument, &value) && value >= min && value <= max) {
		*ret_value = value;
		return STATUS_NONE;
	}
	return tool_usage_error(tool, "--%s wants a number from %llu to %llu, not '%s'",
				option->name, (unsigned long long)min, (unsigned long long)max,
				argument);
}

/*
 * A closed standard stream would give its number to the metadata, and messages would go there. What
 * takes its place fails when it is used, so that output which goes nowhere is an error.
 */
static void occupy_standard_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

void tool_begin(void)
{
	occupy_standard_streams();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
}

/* The reader of a pipe is gone: poll says so also after the error itself was swallowed. */
static bool reader_is_gone(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

int tool_failure(const struct tool *tool)
{
	return tool->failure ? tool->failure : STATUS_BAD;
}

int tool_end(const struct tool *tool, int status)
{
	bool failed = fflush(stdout) != 0;

	if (!failed && !ferror(stdout))
		return status;
	if (!reader_is_gone())
		tool_error(tool, "cannot write to standard output");
	return status ? status : tool_failure(tool);
}
