/* SPDX-License-Identifier: MIT
 * test_confirm.c: the question before something that is known is overwritten, on a terminal.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/tool/confirm.h"
#include "tests/support/image.h"
#include "tests/support/leaks.h"

TestSuite(confirm, .fini = fail_on_leaks);

static const struct tool tool = { .name = "tool" };
static const char path[] = "build/confirm";

/* Its two ends; what was printed on it. */
struct terminal {
	int keyboard, screen;
	char text[1000];
};

static void terminal_open(struct terminal *t)
{
	struct termios settings;

	t->keyboard = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert(t->keyboard >= 0 && !grantpt(t->keyboard) && !unlockpt(t->keyboard));
	t->screen = open(ptsname(t->keyboard), O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert(t->screen >= 0 && !tcgetattr(t->screen, &settings));
	settings.c_lflag &= ~(tcflag_t)ECHO;
	settings.c_oflag &= ~(tcflag_t)OPOST;
	cr_assert_eq(tcsetattr(t->screen, TCSANOW, &settings), 0);
}

static void terminal_close(struct terminal *t)
{
	size_t n = 0;
	struct pollfd ready = { .fd = t->keyboard, .events = POLLIN };

	while (n < sizeof(t->text) - 1 && poll(&ready, 1, 0) == 1) {
		ssize_t r = read(t->keyboard, t->text + n, sizeof(t->text) - 1 - n);

		if (r <= 0)
			break;
		n += (size_t)r;
	}
	t->text[n] = '\0';
	close(t->keyboard);
	close(t->screen);
}

enum place { IN = 1, ERR = 2 };

/* Someone types this; which of the streams are the terminal?  The status, and t->text. */
static int answer(struct image *i, const char *typed, unsigned int places, bool batch,
		  struct terminal *t)
{
	const int saved_in = dup(STDIN_FILENO), saved_err = dup(STDERR_FILENO);
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct block_engine *e = image_engine(i);
	struct confirm confirm;
	int status;

	terminal_open(t);
	cr_assert_eq(write(t->keyboard, typed, strlen(typed)), (ssize_t)strlen(typed));
	dup2(places & IN ? t->screen : null, STDIN_FILENO);
	dup2(places & ERR ? t->screen : null, STDERR_FILENO);
	clearerr(stdin);
	confirm_look(path, batch, &confirm);
	status = confirm_overwrite(&tool, path, e, &confirm);
	dup2(saved_in, STDIN_FILENO);
	dup2(saved_err, STDERR_FILENO);
	close(saved_in);
	close(saved_err);
	close(null);
	block_engine_destroy(e);
	terminal_close(t);
	return status;
}

static const char question[] = "tool: build/confirm holds sound pool metadata (transaction 2, "
			       "8 devices, ";

Test(confirm, who_says_yes)
{
	static const struct {
		const char *typed;
		int status;
	} cases[] = {
		{ "YES\n", STATUS_NONE }, { "yes\n", STATUS_BAD },        { "Y\n", STATUS_BAD },
		{ "\n", STATUS_BAD },     { "\4", STATUS_BAD },           { "YES \n", STATUS_BAD },
		{ " YES\n", STATUS_BAD }, { "YES, do it\n", STATUS_BAD },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct image i = image_load("basic");
		struct terminal t;
		int status;

		image_save_file(&i, path);
		status = answer(&i, cases[n].typed, IN | ERR, false, &t);
		cr_expect_eq(status, cases[n].status, "%s: %d", cases[n].typed, status);
		cr_expect(!strncmp(t.text, question, strlen(question)), "%s", t.text);
		cr_expect(strstr(t.text, "it will be overwritten\nOverwrite it?  Type YES: "), "%s",
			  t.text);
		cr_expect_eq(strstr(t.text, "tool: build/confirm: nothing was written\n") != NULL,
			     status == STATUS_BAD, "%s", t.text);
		image_destroy(&i);
	}
	unlink(path);
}

/* Scripts, and LVM: as it always was. */
Test(confirm, nobody_is_asked)
{
	struct image i = image_load("basic");
	struct terminal t;

	image_save_file(&i, path);
	cr_expect_eq(answer(&i, "no\n", IN | ERR, true, &t), STATUS_NONE);
	cr_expect_str_eq(t.text, "");
	cr_expect_eq(answer(&i, "no\n", IN, false, &t), STATUS_NONE);
	cr_expect_str_eq(t.text, "");
	cr_expect_eq(answer(&i, "no\n", ERR, false, &t), STATUS_NONE);
	cr_expect_str_eq(t.text, "");
	i.nr_blocks = 0;
	cr_expect_eq(answer(&i, "no\n", IN | ERR, false, &t), STATUS_NONE);
	cr_expect_str_eq(t.text, "");
	image_destroy(&i);
	unlink(path);
}

/* Neither what is blank nor what no pool can be activated on is worth a question. */
Test(confirm, nothing_to_lose)
{
	struct image i = image_load("basic");
	struct terminal t;

	image_set_super(&i, SUPER_MAPPING_ROOT, 8, 1);
	image_save_file(&i, path);
	cr_expect_eq(answer(&i, "no\n", IN | ERR, false, &t), STATUS_NONE);
	cr_expect_str_eq(t.text, "");
	memset(i.bytes, 0, (size_t)i.nr_blocks * MD_BLOCK_SIZE);
	image_save_file(&i, path);
	cr_expect_eq(answer(&i, "no\n", IN | ERR, false, &t), STATUS_NONE);
	cr_expect_str_eq(t.text, "");
	image_destroy(&i);
	unlink(path);
}

/* Something of somebody else's. */
Test(confirm, another_content)
{
	struct image i = image_load("basic");
	struct terminal t;

	memset(i.bytes, 0, (size_t)i.nr_blocks * MD_BLOCK_SIZE);
	memcpy(i.bytes + 1024, "\1\0\0\0\377\0\0\0", 8);
	memcpy(i.bytes + 4086, "SWAPSPACE2", 10);
	image_save_file(&i, path);
	cr_expect_eq(answer(&i, "no\n", IN | ERR, false, &t), STATUS_BAD);
	cr_expect(strstr(t.text, "tool: build/confirm holds a signature, swap; it will"), "%s",
		  t.text);
	cr_expect_eq(answer(&i, "YES\n", IN | ERR, false, &t), STATUS_NONE);
	image_destroy(&i);
	unlink(path);
}
