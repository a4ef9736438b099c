#!/bin/sh
# Boots the systemd of the Debian tree ROOT in namespaces of its own. Devices are
# nodes of its own: systemd may change owner and mode of a bind mount's original.
# /proc/sys is read-only: what belongs to no namespace there is the machine's.
# The control group is its own: in a common one, a systemd that stops a service
# removes the group of the other's, whose start then fails (219/CGROUP).
# usage: boot.sh ROOT
# shellcheck disable=SC2016 # the inner shell expands
set -eu
export R="$1"
groups=$(mktemp -d)
if mount -t cgroup2 cgroup2 "$groups"; then
	# Those of hosts that are gone: a group with processes cannot be removed.
	find "$groups"/vmgo-test.* -depth -type d -exec rmdir {} + 2>/dev/null || true
	for _ in 1 2 3; do # another host that boots may take the new one for one of those
		own=$(mktemp -d "$groups/vmgo-test.XXXXXXXXXX") && echo "$$" >"$own/cgroup.procs" && break
	done
	umount "$groups"
fi
rmdir "$groups"
exec unshare -m -p -u -i -C --fork --kill-child sh -euc '
mount --make-rprivate /
mount --bind "$R" "$R"; cd "$R"
mount -t proc proc proc; mount -t sysfs -o ro sysfs sys
mount --bind proc/sys proc/sys; mount -o remount,ro,bind proc/sys
mount -t tmpfs tmpfs run; mount -t tmpfs tmpfs tmp; mount -t tmpfs -o mode=755 tmpfs dev
mkdir -p dev/pts dev/shm
mknod -m 666 dev/null c 1 3; mknod -m 666 dev/zero c 1 5; mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8; mknod -m 666 dev/urandom c 1 9; mknod -m 666 dev/tty c 5 0
mknod -m 600 dev/console c 1 3
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts; ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
mount -t tmpfs tmpfs sys/fs/cgroup 2>/dev/null || true; mount -t cgroup2 cgroup2 sys/fs/cgroup
mkdir -p mnt; pivot_root . mnt; umount -l /mnt
container=vmgo-test exec /lib/systemd/systemd --system --log-target=console --show-status=1
'
