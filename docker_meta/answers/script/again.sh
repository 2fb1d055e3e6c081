# SPDX-License-Identifier: MIT
# Look once more, and let go of the pool.
# shellcheck shell=sh

if [ "$KIND" = lvm ]; then
	lvs -a -o vg_name,vg_free,lv_all,seg_all --units b --reportformat json >"$KEEP/lvs.json"
fi
docker_meta -r "$ROOT" --metadata "$METADATA" ${VG:+--lvs-json "$KEEP/lvs.json"}
docker_meta predict -r "$ROOT" --metadata "$METADATA"
deactivate
