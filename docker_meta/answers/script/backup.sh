# SPDX-License-Identifier: MIT
# Copies of all that a plan may change.
# To shellcheck: stop() does not return.
# shellcheck shell=sh disable=SC2015

docker_is_stopped && mkdir -- "$KEEP" && mkdir "$KEEP/copy" "$KEEP/moved" ||
	stop "$KEEP cannot be made anew"
for part in devicemapper/metadata image containers buildkit; do
	if [ -e "$ROOT/$part" ]; then
		mkdir -p "$KEEP/copy/$(dirname "$part")" &&
			cp -a "$ROOT/$part" "$KEEP/copy/$part" || stop "$part was not copied"
	fi
done
dd if="$METADATA" of="$KEEP/metadata.raw" bs=1M conv=sparse ||
	stop "no copy of the metadata: is the pool active (lvchange -ay $VG/$LV)?"
