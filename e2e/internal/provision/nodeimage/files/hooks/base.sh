#!/bin/sh
# Leaves of the base tree what nginx and iptables need; $1 is the root of the tree.
set -eu
rm -rf "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale "$1"/usr/share/info \
       "$1"/var/cache/* "$1"/var/lib/apt/lists/* "$1"/var/log/* "$1"/usr/share/perl "$1"/usr/lib/*/perl
