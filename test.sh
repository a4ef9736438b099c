#!/bin/sh
# Runs every check of this repository; see usage below.
set -eu

usage() {
	cat <<'END'
usage: ./test.sh [--quick | --lint | --long] [PACKAGE...]
       ./test.sh --mutants [FLAG...] PACKAGE...|install.sh

Installs what is missing on a Debian machine (apt, as root; else says which
command to run) and Go too where there is none, then runs gofmt, vet,
staticcheck, shellcheck, the tests with the race detector (but for those that
only take long: go test -short), and all tests. The full output is kept in
.cache/race.log and .cache/test.log.

  --quick   no race detector, nothing that takes long or needs the network
            (go test -short)
  --lint    no tests
  --long    all tests with the race detector, then each fuzz target for
            ten minutes (FUZZTIME=30s: for that long)
  --mutants look for checks in PACKAGE that no test misses: hours for the whole
            repository, so name packages, and give it a night (CONTRIBUTING.md)
  PACKAGE   test these packages only, default ./...
END
}

staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2
deadcode=golang.org/x/tools/cmd/deadcode@v0.51.0

# command:package,package. The race detector needs a C compiler and its headers.
tools='ansible-playbook:ansible-core bash:bash bsdtar:libarchive-tools busybox:busybox curl:curl dash:dash
chromium:chromium direnv:direnv elvish:elvish fish:fish gcc:gcc git:git ip:iproute2 mkfs.ext4:e2fsprogs ksh93:ksh mksh:mksh
mmdebstrap:mmdebstrap nginx:nginx nsenter:util-linux perf:linux-perf python3:python3
shellcheck:shellcheck ssh:openssh-client strace:strace tmux:tmux
unzip:unzip wget:wget yash:yash zsh:zsh'
long_tools='emacs:emacs-nox,elpa-eglot,elpa-go-mode lintian:lintian npm:npm nvim:neovim rpm:rpm xonsh:xonsh' # for --long besides

say() { printf 'test.sh: %s\n' "$*" >&2; }

# retry COMMAND...: for what fetches over the network, and for nothing else: the
# one thing here that may fail for no fault of this repository.
retry() {
	for pause in 5 30 0; do
		"$@" && return 0
		[ "$pause" = 0 ] || { say "failed, once more in $pause s: $*" && sleep "$pause"; }
	done
	return 1
}

missing_packages() {
	for tool in $tools; do
		command -v "${tool%%:*}" >/dev/null 2>&1 || printf ' %s' "${tool#*:}" | tr , ' '
	done
	[ -e /usr/include/stdlib.h ] || printf ' libc6-dev'
	[ -e /etc/ssl/certs/ca-certificates.crt ] || printf ' ca-certificates'
}

# It may be that another apt is at work: a machine that just booted updates itself.
apt_install() {
	export DEBIAN_FRONTEND=noninteractive
	{
		apt-get -qq -o Acquire::Retries=3 update &&
			apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
	} >"$cache/apt.log" 2>&1 && return 0
	tail -n 20 "$cache/apt.log" >&2
	return 1
}

install_packages() {
	packages=$(missing_packages)
	[ -n "$packages" ] || return 0
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		say "missing:$packages"
		printf 'hint: sudo apt-get update && sudo apt-get install -y%s\n' "$packages" >&2
		exit 1
	fi
	say "installing$packages"
	# shellcheck disable=SC2086 # a list of names
	retry apt_install $packages || exit 1
	packages=$(missing_packages)
	[ -z "$packages" ] || { say "still missing:$packages" && exit 1; }
}

# nushell is in no Debian. npm checks what it fetches against its registry's hash.
nushell=@nushell/linux-x64@0.115.1
fetch_nushell() {
	[ ! -x "$cache/nushell/bin/nu" ] || return 0
	rm -rf "$cache/nushell" && mkdir -p "$cache/nushell" && (
		cd "$cache/nushell" && npm pack --silent "$nushell" >/dev/null && tar -xzf ./*.tgz --strip-components=1 package/bin && rm ./*.tgz
	)
}

# check NAME COMMAND...: runs it and remembers if it failed, so that one run
# names all that is wrong.
check() {
	name=$1
	shift
	say "$name"
	"$@" || failed="$failed $name"
}

formatted() {
	unformatted=$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l)
	[ -z "$unformatted" ] || { printf 'not formatted by gofmt:\n%s\n' "$unformatted" >&2 && return 1; }
}

staticchecked() {
	retry env GOBIN="$cache/bin" go install "$staticcheck" && "$cache/bin/staticcheck" ./...
}

# What no program reaches goes. Code that only tests use belongs in a test file,
# or in a package of test support.
no_dead_code() {
	retry env GOBIN="$cache/bin" go install "$deadcode" || return 1
	"$cache/bin/deadcode" ./... >"$cache/deadcode" || return 1
	! grep -vE '^internal/(vmtest|host/hosttest)/' "$cache/deadcode" >&2
}

shells_checked() {
	# shellcheck disable=SC2046 # no file name here has a blank
	shellcheck $(git ls-files -co --exclude-standard '*.sh' '*.bash' .ci/run)
}

# These two have no shellcheck; the shells themselves parse their files.
zsh_and_fish_parsed() {
	git ls-files -co --exclude-standard '*.zsh' | xargs -r -n 1 zsh -n &&
		git ls-files -co --exclude-standard '*.fish' | xargs -r -n 1 fish -n
}

# What `go test` prints, and why tests were skipped: of the verbose output all
# is left out that belongs to tests that passed. For the race detector's run
# that goes for skipped tests as well: the next run does not skip them.
readable() {
	awk -v run="$1" '
	function show(test) { printf "%s", said[test]; delete said[test] }
	/^(=== (RUN|PAUSE|CONT|NAME))/ { test = $3; next }
	# An input of a fuzz corpus that its target does not take is no skipped test.
	/^ *--- (PASS|SKIP: Fuzz[^ ]*\/)/ || run == "race" && /^ *--- SKIP/ { delete said[$3]; next }
	/^ *--- (FAIL|SKIP)/ { print; show($3); test = $3; fflush(); next }
	/^-test.shuffle/ { order = $0; next }
	/^PASS$/ { next }
	/^(ok|FAIL|\?)[ \t]/ {
		if ($1 == "FAIL") {
			for (test in said) show(test)
			if (order) print order
		}
		print; fflush(); split("", said); test = order = ""; next
	}
	test == "" { print; fflush(); next }
	{ said[test] = said[test] $0 "\n" }'
}

# The module that programs import and the sample that does are modules of their own.
observe_module() {
	(cd observe && go vet ./... && go test ./...) && (cd examples/observe-sample && go vet ./...)
}

# tests LOG FLAG... PACKAGE...
tests() {
	log=$1
	shift
	{
		status=0
		go test -v -shuffle=on -timeout 20m "$@" || status=$?
		echo "$status" >"$cache/status"
	} 2>&1 | tee "$cache/$log.log" | readable "$log"
	[ "$(cat "$cache/status")" = 0 ]
}

# fuzz PACKAGE...: each fuzz target in turn. What fails is kept beside the test.
fuzz() {
	for target in $(go list -f '{{range .TestGoFiles}}{{$.Dir}}/{{.}} {{end}}{{range .XTestGoFiles}}{{$.Dir}}/{{.}} {{end}}' "$@" |
		xargs grep -hoE '^func Fuzz[A-Za-z0-9_]+' /dev/null | sed 's/func //'); do
		package=$(grep -rlE "^func $target\(" --include='*_test.go' . | xargs dirname)
		say "fuzz $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10m}" "$package" || return 1
	done
}

main() {
	mode='' mutants=''
	while [ $# -gt 0 ]; do
		case $1 in
		--quick | --lint | --long) mode=${1#--} ;;
		--mutants) mutants=1 && shift && break ;;
		-h | --help) usage && return 0 ;;
		-*)
			say "unknown option $1"
			usage >&2
			exit 2
			;;
		*) break ;;
		esac
		shift
	done
	[ $# -gt 0 ] || [ -n "$mutants" ] || set -- ./...
	cd -- "$(dirname -- "$0")"
	cache=$PWD/.cache failed=''
	[ "$mode" != long ] || tools="$tools $long_tools"
	umask 022 # many files that tests make are to be read by others
	mkdir -p "$cache"

	install_packages
	go=$(retry ./install.sh --find-go "$cache/go")
	export PATH="${go%/go}:$PATH" GOTOOLCHAIN=local GOWORK=off GOFLAGS=-buildvcs=false
	# A race-enabled program sleeps for a second as it exits, otherwise.
	export GORACE=atexit_sleep_ms=0
	unset GOROOT
	say "$(go version)"
	[ -z "$mutants" ] || exec go run -tags mutate ./internal/mutate "$@"

	check gofmt formatted
	# The go command gives a module up with the first connection that breaks.
	retry go mod download || say 'not all modules can be fetched'
	check vet go vet ./...
	check observe-module observe_module
	check staticcheck staticchecked
	check shellcheck shells_checked
	check zsh-and-fish zsh_and_fish_parsed
	check deadcode no_dead_code
	case $mode in
	lint) ;;
	quick)
		say 'skipped: the race detector, and what needs the network (--quick)'
		check tests tests test -short "$@"
		;;
	long)
		export VMGO_LONG=1 # for tests that take minutes
		if retry fetch_nushell; then PATH=$PATH:$cache/nushell/bin; else say 'npm does not fetch nushell: its tests are skipped'; fi
		CGO_ENABLED=1 check race tests race -race -timeout 90m "$@"
		check fuzz fuzz "$@"
		;;
	*)
		CGO_ENABLED=1 check race tests race -race -short "$@"
		check tests tests test "$@"
		;;
	esac
	[ -z "$failed" ] || { say "FAILED:$failed" && exit 1; }
}

main "$@"
