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
	"image/devicemapper/imagedb",
	"containers",
	"buildkit",
	"graph",
};
