#!/bin/sh
# Leaves of the node's userspace what a container with systemd as its first process needs; $1 is the root of the tree.
set -eu
rm -f "$1"/lib/systemd/system/multi-user.target.wants/* \
      "$1"/etc/systemd/system/*.wants/* \
      "$1"/lib/systemd/system/local-fs.target.wants/* \
      "$1"/lib/systemd/system/sockets.target.wants/*udev* \
      "$1"/lib/systemd/system/sockets.target.wants/*initctl* \
      "$1"/lib/systemd/system/basic.target.wants/* \
      "$1"/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service
# The kernel's messages are those of the whole machine, not of this node.
echo ReadKMsg=no >>"$1"/etc/systemd/journald.conf
# Registers formats with the kernel, which all nodes and the machine share.
ln -sf /dev/null "$1"/etc/systemd/system/systemd-binfmt.service
ln -sf /lib/systemd/systemd "$1"/sbin/init
rm -rf "$1"/var/cache/* "$1"/var/lib/apt/lists/* "$1"/var/log/*
