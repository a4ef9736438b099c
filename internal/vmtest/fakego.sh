#!/bin/sh
# Stands in for the go command in tests: says who it is and what it was given.
self=$(PATH="$PATH:/usr/bin:/bin" readlink -f -- "$0") || self=$0
bin=${self%/*}
goroot=${GOROOT:-${bin%/*}}
value() {
	case $1 in
	GOROOT) echo "$goroot" ;;
	GOVERSION) echo "@VERSION@" ;;
	GOPATH) echo "${GOPATH:-${HOME:-}/go}" ;;
	GOMODCACHE) echo "${GOMODCACHE:-${GOPATH:-${HOME:-}/go}/pkg/mod}" ;;
	GOTOOLCHAIN) echo "${GOTOOLCHAIN:-auto}" ;;
	GOHOSTOS) echo "@PLATFORM@" | { IFS=/ read -r os arch; echo "$os"; } ;;
	GOHOSTARCH) echo "@PLATFORM@" | { IFS=/ read -r os arch; echo "$arch"; } ;;
	*) eval "echo \"\${$1-}\"" ;;
	esac
}
case ${1-} in
version)
	echo "go version @VERSION@ @PLATFORM@"
	exit 0
	;;
env)
	shift
	if [ "${1-}" = -json ]; then
		echo "{\"GOVERSION\":\"@VERSION@\",\"GOROOT\":\"$goroot\"}"
		exit 0
	fi
	for name; do value "$name"; done
	exit 0
	;;
run) # prints what the program of one file prints
	PATH="$PATH:/usr/bin:/bin" sed -n 's/.*println("\(.*\)").*/\1/p' "$2" >&2
	exit 0
	;;
wait) # runs on until the file is there, for tests of what happens to its release meanwhile
	: >"$2.begun"
	until [ -e "$2" ]; do PATH="$PATH:/usr/bin:/bin" sleep 0.05; done
	echo "went on"
	exit 0
	;;
exit) # for tests of exit statuses
	exit "${2:-1}"
	;;
build)
	[ "${2-}" = std ] && exit 0
	;;
esac
echo "program=$0"
echo "version=@VERSION@"
echo "selfroot=${bin%/*}"
i=0
for arg; do
	i=$((i + 1))
	echo "arg[$i]=$arg"
done
for name in GOROOT GOPATH GOMODCACHE GOTOOLCHAIN GOTOOLCHAIN_INTERNAL_SWITCH_VERSION VMGO_VERSION PATH PWD; do
	eval "if [ \"\${$name+set}\" ]; then echo \"$name=\$$name\"; else echo \"$name unset\"; fi"
done
