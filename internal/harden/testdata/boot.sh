#!/bin/sh
# Boots the systemd of a Debian tree as the first process of namespaces of its
# own. Root is needed, a virtual machine is not. The kernel's settings belong to
# the machine outside, so they are read-only in here.
# usage: boot.sh ROOT
# shellcheck disable=SC2016 # the inner shell expands
set -eu
TREE=$(realpath "$1")
export TREE
exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child sh -euc '
mount --make-rprivate /
mount --bind "$TREE" "$TREE"
cd "$TREE"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
# Nodes of its own: systemd gives the console another owner and mode, which a bind mount
# would pass on to the machine outside.
for node in null:3 zero:5 full:7 random:8 urandom:9; do
	mknod -m 666 "dev/${node%:*}" c 1 "${node#*:}"
done
mknod -m 666 dev/tty c 5 0
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
mknod -m 600 dev/console c 1 3
mount -t tmpfs tmpfs sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 sys/fs/cgroup
mkdir -p mnt
pivot_root . mnt
umount -l /mnt
container=vmgo-test exec /lib/systemd/systemd --system --log-target=console --show-status=0
'
