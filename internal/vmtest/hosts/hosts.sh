#!/bin/sh
# Boots N Debian hosts, each with a real systemd and sshd in namespaces of its
# own, on a bridge that only this process and its children see: 10.99.8.1 to N.
# Everything ends with this process, and this process ends with its stdin.
# usage: unshare -n -m -p --fork --kill-child --mount-proc hosts.sh TREE DIR N
# TREE is read only. DIR has the authorized key in key.pub; DIR/hosts/I/root is
# the root directory of host I, for who looks from inside of the mount namespace.
set -eu
here=$(cd "$(dirname "$0")" && pwd) tree=$1 dir=$2 n=$3

mount --make-rprivate /
ip link set lo up
ip link add br0 type bridge
ip addr add 10.99.8.254/24 dev br0
ip link set br0 up
mkdir -p "$dir/hosts"
mount -t tmpfs -o mode=755 hosts "$dir/hosts"

own=$(readlink /proc/self/ns/net)
i=1
while [ "$i" -le "$n" ]; do
	host=$dir/hosts/$i
	mkdir -p "$host/upper" "$host/work" "$host/root"
	mount -t overlay overlay -o "lowerdir=$tree,upperdir=$host/upper,workdir=$host/work" "$host/root"
	echo "vm$i" >"$host/root/etc/hostname"
	printf '127.0.0.1 localhost vm%s\n' "$i" >"$host/root/etc/hosts"
	: >"$host/root/etc/machine-id"
	install -d -m 700 "$host/root/root/.ssh"
	install -m 600 "$dir/key.pub" "$host/root/root/.ssh/authorized_keys"
	rm -f "$host"/root/etc/ssh/ssh_host_*
	ssh-keygen -q -t ed25519 -N '' -f "$host/root/etc/ssh/ssh_host_ed25519_key"
	unshare -n "$here/boot.sh" "$host/root" >"$host/boot.log" 2>&1 </dev/null &
	pid=$!
	while net=$(readlink "/proc/$pid/ns/net") && [ "$net" = "$own" ]; do sleep 0.02; done
	ip link add "v$i" type veth peer name eth0 netns "$pid"
	ip link set "v$i" master br0 up
	nsenter -t "$pid" -n sh -euc "ip addr add 10.99.8.$i/24 dev eth0; ip link set eth0 up; ip link set lo up"
	i=$((i + 1))
done
echo up
read -r _ || true
