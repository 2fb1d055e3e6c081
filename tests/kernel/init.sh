#!/bin/sh
# The first process of the virtual machine: a link /run/SERIAL for each disk, then /job.sh.
PATH=/bin:/sbin
export PATH DM_DISABLE_UDEV=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "$module" 2>/dev/null; done </modules/order
sleep 1
for disk in /sys/block/vd*; do
	ln -s "/dev/${disk##*/}" "/run/$(cat "$disk/serial")"
done

fail() {
	[ -n "$bad" ] || bad=$*
}

# shellcheck disable=SC1091 # it is checked by itself
. /job.sh
echo "RESULT end"
poweroff -f
