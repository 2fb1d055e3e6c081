/* SPDX-License-Identifier: MIT */
#include "docker_meta/source/docker/layout.h"

const char *const layout_directories[NR_LAYOUT_DIRECTORIES] = {
	"devicemapper",
	"devicemapper/devicemapper",
	"devicemapper/metadata",
	"devicemapper/mnt",
	"image",
	"image/devicemapper",
	"image/devicemapper/layerdb",
	"image/devicemapper/layerdb/sha256",
	"image/devicemapper/layerdb/mounts",
	"image/devicemapper/imagedb",
	"image/devicemapper/imagedb/content",
	"image/devicemapper/imagedb/content/sha256",
	"image/devicemapper/imagedb/metadata",
	"image/devicemapper/imagedb/metadata/sha256",
	"containers",
	"buildkit",
	"graph",
};
