/* SPDX-License-Identifier: MIT
 * commands.h: what each command says of a view, in which forms.
 */
#ifndef DOCKER_META_COMMANDS_H
#define DOCKER_META_COMMANDS_H

#include "docker_meta/say/out_place.h"
#include "docker_meta/view.h"

/*
 * STATUS_NONE with the places found; or usage: it has nothing to say in that form, the options do
 * not go with it, or what they name is not to be written; or the status of a place that cannot be.
 * The places are to be abandoned in any case.
 */
must_check int meta_command_accept(const struct docker_meta_options *o,
				   struct out_places *ret_places);

/*
 * Nothing could be looked at, which was told on stderr.  Forms for monitoring tell it as well;
 * files of other forms stay as they were.
 */
void meta_command_blind(const struct docker_meta_options *o, const struct out_inputs *inputs,
			const char *what, const char *why);

/* Say what the options ask for.  The status to end with. */
must_check int meta_command_run(const struct meta_view *v);

#endif
