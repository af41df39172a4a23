#!/bin/sh
# Moves what containerd has unpacked below $1 into the root file system of the node image.
#
# A node's /var is a volume, which the engine fills from the image when the node starts: only the database goes there. The unpacked
# layers stay in the image, where all nodes share them, and links lead to them; containerd only ever reads them.
set -eu
mkdir -p /kind/snapshots /var/lib/containerd
for snapshot in "$1"/io.containerd.snapshotter.v1.overlayfs/snapshots/*; do
	kept=/kind/snapshots/${snapshot##*/}
	mkdir "$kept"
	cp -a "$snapshot/fs" "$kept/fs"
	rm -rf "$snapshot/fs"
	ln -s "$kept/fs" "$snapshot/fs"
done
cp -a "$1"/. /var/lib/containerd/
# As kind does it: the base of every container's specification, without limits that the host may not allow.
ctr oci spec | jq 'del(.process.rlimits)' >/etc/containerd/cri-base.json
