/* SPDX-License-Identifier: MIT
 * commands.h: what each command says of a view, in which forms.
 */
#ifndef DOCKER_META_COMMANDS_H
#define DOCKER_META_COMMANDS_H

#include "docker_meta/view.h"

/* STATUS_NONE, or usage: the command has nothing to say in that form. */
must_check int meta_command_accept(const struct docker_meta_options *o);

/* Say what the options ask for.  The status to end with. */
must_check int meta_command_run(const struct meta_view *v);

#endif
