# shellcheck shell=bash
# A host of Docker 1.9, made from nothing: to be sourced by tests/cases/.  Ids are made of names.

id_of() { # NAME
	printf '%s' "$1" | sha256sum | cut -d ' ' -f 1
}

# device HASH [FIRST]: the next device of the pool and its file; FIRST: data block of its thin block 0
device() {
	nr_devices=$((nr_devices + 1))
	local initialized=false
	[ "$1" = base ] && initialized=true
	printf '{"device_id":%s,"size":%s,"transaction_id":%s,"initialized":%s,"deleted":false}' \
		$nr_devices "$device_size" $nr_devices $initialized >"$old_root/devicemapper/metadata/$1"
	pool_device "${2:-$nr_devices}"
	last_hash=$1
}

# pool_device FIRST [TRANSACTION]: in the pool alone, by the number nr_devices
pool_device() {
	cat >>"$old_xml" <<-END
		<device dev_id="$nr_devices" mapped_blocks="1" transaction="${2:-$((nr_devices - 1))}" creation_time="0" snap_time="0">
		<single_mapping origin_block="0" data_block="$1" time="0"/>
		</device>
	END
}

old_image() { # NAME [PARENT]
	local dir
	dir=$old_root/graph/$(id_of "$1")
	mkdir -p "$dir"
	if [ $# -gt 1 ]; then
		printf '{"id":"%s","parent":"%s","created":"2015-11-03T00:00:00Z"}' \
			"$(id_of "$1")" "$(id_of "$2")" >"$dir/json"
	else
		printf '{"id":"%s","created":"2015-11-03T00:00:00Z"}' "$(id_of "$1")" >"$dir/json"
	fi
	printf 1234 >"$dir/layersize"
	printf x >"$dir/tar-data.json.gz"
	device "$(id_of "$1")"
}

old_container() { # NAME IMAGE
	local id
	id=$(id_of "$1")
	mkdir -p "$old_root/containers/$id"
	printf '{"ID":"%s","Name":"/%s","Driver":"devicemapper","Image":"%s","Config":{"Image":"app"},"State":{"Running":false}}' \
		"$id" "$1" "$(id_of "$2")" >"$old_root/containers/$id/config.json"
	printf '{"StorageOpt":null}' >"$old_root/containers/$id/hostconfig.json"
	device "$id-init"
	device "$id"
}

# old_begin DIR XML [SIZE]: a pool with a base device, and nothing else
old_begin() {
	old_root=$1 old_xml=$2 nr_devices=0 device_size=${3:-10737418240}
	rm -rf "$old_root"
	mkdir -p "$old_root/devicemapper/metadata"
	: >"$old_xml"
	device base
}

# old_end: the files of the whole
old_end() {
	local records=$old_root/devicemapper/metadata
	printf '{"next_device_id":1,"BaseDeviceUUID":"11111111-2222-3333-4444-555555555555"}' \
		>"$records/deviceset-metadata"
	printf '{"open_transaction_id":%s,"device_hash":"%s","device_id":%s}' \
		"$nr_devices" "$last_hash" "$nr_devices" >"$records/transaction-metadata"
	sed -i "1i<superblock uuid=\"\" time=\"0\" transaction=\"$nr_devices\" flags=\"0\" version=\"2\" data_block_size=\"128\" nr_data_blocks=\"1000\">" "$old_xml"
	echo '</superblock>' >>"$old_xml"
}

# old_host DIR XML: images bottom, middle, top (app:1), side (side:2), all on bottom; a container web
old_host() {
	old_begin "$1" "$2"
	old_image bottom
	old_image middle bottom
	old_image top middle
	old_image side bottom
	old_container web top
	mkdir "$old_root/graph/_tmp"
	printf '{"Repositories":{"app":{"1":"%s"},"side":{"2":"%s"}}}' \
		"$(id_of top)" "$(id_of side)" >"$old_root/repositories-devicemapper"
	old_end
}
