#!/bin/sh
# Leaves of the extracted packages what a server of PostgreSQL needs that compiles no queries, its first start, and a copy of it; $1 is the root of the tree.
set -eu
cd "$1"
version=$(ls usr/lib/postgresql)
programs=usr/lib/postgresql/$version/bin
libraries=usr/lib/postgresql/$version/lib
shared=usr/share/postgresql/$version
loader=$(find lib64 lib -name 'ld-linux*' | head -n 1)

keep() {
	mkdir -p "kept/${1%/*}"
	cp -L "$1" "kept/$1"
}
# It looks for time zones, and needs none.
mkdir -p kept/bin kept/usr/bin kept/usr/share/postgresql kept/usr/share/zoneinfo
keep "$loader"
for file in usr/bin/flock "$programs/postgres" "$programs/initdb" "$programs/pg_basebackup" "$programs/psql" \
            "$libraries/plpgsql.so" "$libraries/dict_snowball.so" "$libraries/libpqwalreceiver.so"; do
	keep "$file"
	chroot . "/$loader" --list "/$file" | sed -n 's|.* => /\([^ ]*\) .*|\1|p' | while read -r library; do keep "$library"; done
done
cp -R "$shared" "kept/$shared"
find "kept/$shared/extension" -type f ! -name 'plpgsql*' -delete
for program in postgres initdb pg_basebackup psql; do ln -s "/$programs/$program" "kept/usr/bin/$program"; done
cp -L "$(find bin usr/bin -name busybox | head -n 1)" kept/bin/busybox
for program in sh cat chmod cp env id kill ls mkdir mv rm sleep; do ln -s busybox "kept/bin/$program"; done

# What is left without a file is a folder that mmdebstrap cleans up last.
find . -mindepth 1 -maxdepth 1 ! -name kept ! -name dev ! -name etc ! -name tmp ! -name var -exec rm -rf {} +
find etc var ! -type d ! -path 'etc/apt/*' ! -path 'var/lib/apt/*' ! -path 'var/lib/dpkg/*' -delete
mv kept/* .
rmdir kept
printf 'root:x:0:0:root:/:/bin/sh\npostgres:x:70:70:postgres:/tmp:/bin/sh\n' >etc/passwd
printf 'root:x:0:\npostgres:x:70:\n' >etc/group
