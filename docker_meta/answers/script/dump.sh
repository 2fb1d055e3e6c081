# SPDX-License-Identifier: MIT
# The pool as it is now: what devices are compared with.
# shellcheck shell=sh

activate
dump_pool
