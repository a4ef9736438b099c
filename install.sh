#!/bin/sh
# Installs vmgo from a release or from a checkout; see usage below.
#
# All of it is inside functions and the last line, braces included, is what
# runs them: a copy that was cut short in transfer does nothing.
# shellcheck disable=SC2030,SC2031 # a subshell changes what is meant for it alone
set -eu

usage() {
	cat <<'END'
usage: ./install.sh [options] [SELECTOR]

In a checkout, builds vmgo and vmgo-shim and installs both. Elsewhere, or with
one of the next six options, installs a release of vmgo: nothing of it is
unpacked before its signature and checksum are verified. Then installs the Go
release that SELECTOR names (1.22.5, 1.22, latest, ...); without one, the
release that the current directory asks for.

  --release         the latest release of vmgo, in a checkout, too
  --version V       that release of vmgo
  --base-url URL    a mirror of https://github.com/vmgo/vmgo/releases
  --from FILE|DIR   a release on this machine: its directory, or its tar.gz with
                    checksums.txt and checksums.txt.sig beside it
  --source LIST     release (the default), goproxy (vmgo's module from GOPROXY,
                    verified against the checksum database and built here), or
                    release,goproxy: the second where the first is not available
  --check           only print the version of that release, once verified
  --rollback        return to the previous release of vmgo
  --prefix DIR      programs go to DIR/bin (root: /usr/local, else ~/.local)
  --all             also build vmgo-proxy, vmgo-deploy, vmgo-fleet and vmgo-observe,
                    which `vmgo proxy`, `deploy`, `fleet` and `observe` run (releases have all)
  --hook            add the hook to the rc file of your shell, once
  --hook-all        as root: add the hook for all users, in /etc/profile.d
  --programs-only   install no Go release
  --find-go DIR     only print a go that can build vmgo; where there is none,
                    fetch one into DIR
  --uninstall       remove the programs, completions, manual pages, the shims that
                    lead to them, what --hook and --hook-all added, and the
                    directories that were made for them
  --purge           with --uninstall: the Go releases, settings and caches, too
  --dry-run         say what would be done
  --help            this text

Where no Go on this machine is new enough, one is fetched through GOPROXY,
checked against a SHA-256 in this script, used, and removed again.

Exit status: 0 done, 1 failed, 2 usage, 4 network, 5 wrong checksum or
signature; else that of `vmgo install`.
END
}

# The Go that builds vmgo where there is none: golang.org/toolchain zips whose
# h1 the checksum database has.
pinned_go=1.26.8
pinned_sum() {
	case $1 in
	amd64) echo 30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7 ;;
	arm64) echo 02b36b6787b3ac767668f630e2998df45a3b1f9ffee08d1bf3ef6487cd658d99 ;;
	*) return 1 ;;
	esac
}
builtin_proxy='https://goproxy.cn|direct' # of vmgo itself, too: internal/goenv
# KiB for the zip, the tree, and the caches of one build.
needed_space=900000

say() { printf 'install.sh: %s\n' "$*" >&2; }
hint() { printf 'hint: %s\n' "$*" >&2; }
die() {
	die_status=$1
	shift
	say "$*"
	exit "$die_status"
}
on_terminal() { [ -t 2 ]; }
have() { command -v "$1" >/dev/null 2>&1; }

# step WHAT COMMAND...: every change of the machine goes through here, so that
# a dry run takes the same way and only this last turn differs.
step() {
	step_what=$1
	shift
	if [ -n "$dry" ]; then
		printf 'would %s\n' "$step_what"
	else
		say "$step_what"
		"$@"
	fi
}

# --- where things are -------------------------------------------------------

passwd_field() { # of this user: 6 home, 7 shell
	{ getent passwd "$(id -u)" 2>/dev/null || cat /etc/passwd; } |
		awk -F: -v uid="$(id -u)" -v n="$1" '$3 == uid { print $n; exit }'
}

find_home() {
	home=${HOME:-}
	if [ -z "$home" ]; then
		home=$(passwd_field 6)
		[ -z "$home" ] || export HOME="$home"
	fi
	[ -z "$prefix" ] || return 0
	if [ "$(id -u)" = 0 ]; then
		prefix=/usr/local
	elif [ -n "$home" ]; then
		prefix=$home/.local
	else
		die 1 'HOME is not set and you have no home directory: use --prefix DIR'
	fi
}

# find_checkout: 1 where this is none and a release is to be installed.
find_checkout() {
	[ -z "$want_release" ] || return 1
	here=$(dirname -- "$0")
	for dir in "$here" .; do
		if grep -qx 'module github.com/vmgo/vmgo' "$dir/go.mod" 2>/dev/null; then
			checkout=$(CDPATH='' cd -- "$dir" && pwd -P)
			return 0
		fi
	done
	return 1
}

cleanup() {
	[ -z "$temp" ] || rm -rf -- "$temp"
	[ -z "$unfinished" ] || rm -rf -- "$unfinished"
}

# stopped STATUS: a signal came. mksh loses the status if a trap for EXIT is left.
stopped() {
	trap - EXIT
	cleanup
	! on_terminal || echo >&2 # a bar may be on the terminal's last line
	exit "$1"
}

# A private directory in which programs may run: the fetched Go will.
make_temp() {
	[ -z "$dry" ] || return 0
	for dir in "${TMPDIR:-/tmp}" /var/tmp "${XDG_CACHE_HOME:-$home/.cache}"; do
		temp=$(umask 077 && mktemp -d "$dir/vmgo-install.XXXXXX" 2>/dev/null) || { temp= && continue; }
		printf '#!/bin/sh\nexit 0\n' >"$temp/probe" && chmod 700 "$temp/probe"
		free=$(df -Pk "$temp" | awk 'NR == 2 { print $4 }')
		if ! "$temp/probe" 2>/dev/null; then
			say "no programs may run in $dir (noexec): looking elsewhere"
		elif [ "${free:-$needed_space}" -lt "$1" ]; then
			say "$dir has only $((free / 1024)) MiB free of $(($1 / 1024)) needed: looking elsewhere"
		else
			return 0
		fi
		rm -rf -- "$temp"
		temp=
	done
	say 'found no directory for temporary files'
	hint "TMPDIR=/some/other/directory $0"
	exit 1
}

# --- a Go to build with -----------------------------------------------------

# go_says GO NAME: one value of `go env`, without what this shell or a project
# might put in its way.
go_says() {
	(
		unset GOROOT GOFLAGS GOOS GOARCH
		# The go env file may even name a GOROOT, which would stop go itself.
		file=off
		[ "$2" != GOPROXY ] || file=${GOENV:-${XDG_CONFIG_HOME:-$home/.config}/go/env}
		# The go command keeps counters in the configuration directory.
		cd / && XDG_CONFIG_HOME=/dev/null GOTOOLCHAIN=local GOWORK=off GOENV=$file "$1" env "$2"
	) 2>/dev/null
}

new_enough() { # go1.26.8 1.26.0
	printf '%s\n%s\n' "${1#go}" "$2" | awk -F. '
		!/^[0-9]+(\.[0-9]+)*$/ { odd = 1 }
		{ order[NR] = $1 * 1000000 + $2 * 1000 + $3 }
		END { exit odd || NR != 2 || order[1] < order[2] }'
}

# The releases that vmgo itself has installed here, each followed by a colon.
stored_gos() {
	for store in "${VMGO_ROOT:-}" "${XDG_DATA_HOME:-$home/.local/share}/vmgo/go" /opt/go; do
		for dir in "$store"/[1-9]*/bin; do
			[ ! -x "$dir/go" ] || printf '%s:' "$dir"
		done
	done
}

needs_go_of() { go_line=$(awk '$1 == "go" { print $2; exit }' "$1/go.mod"); }

# Shims of version managers are looked through: what counts is the go in the
# GOROOT that they name.
find_go() { # DIR to look in at last
	go='' some_go=''
	rest=$PATH:/usr/local/go/bin:/opt/go/default/bin:$(stored_gos)${1:-}:
	while [ -n "$rest" ]; do
		dir=${rest%%:*} rest=${rest#*:}
		case $dir in /*) ;; *) continue ;; esac
		[ -x "$dir/go" ] || continue
		root=$(go_says "$dir/go" GOROOT) || continue
		version=$(go_says "$root/bin/go" GOVERSION) || continue
		some_go=${some_go:-$root/bin/go}
		if new_enough "${version%% *}" "$go_line"; then
			go=$root/bin/go
			return 0
		fi
	done
	return 1
}

# What Go itself would use: environment, the user's go env file, go.env of a
# Go that is here.
proxy_list() {
	proxies=${GOPROXY:-}
	[ -n "$proxies" ] || [ -z "${some_go:-}" ] || proxies=$(go_says "$some_go" GOPROXY) || proxies=
	if [ -z "$proxies" ]; then
		file=${GOENV:-${XDG_CONFIG_HOME:-$home/.config}/go/env}
		proxies=$(sed -n 's/^GOPROXY=//p' "$file" 2>/dev/null | tail -n 1) || proxies=
	fi
	proxies=${proxies:-$builtin_proxy}
}

# leave_proxy: an installed vmgo reads lib/vmgo/go.env where neither a setting nor a Go
# names a module proxy. It has the default of the Go that was found here, unless
# only another proxy answers and the user has set none.
leave_proxy() {
	list=$(unset GOPROXY && GOENV=off && go_says "$go" GOPROXY) || list=
	[ -n "$list" ] || return 0
	list=$(without_password "$list")
	if ! user_has_proxy && { have curl || have wget; }; then
		for known in "$list" "$builtin_proxy"; do
			first=${known%%[,|]*}
			if answers "$first"; then
				say "the module proxy $first answers"
				list=$known
				break
			fi
		done
	fi
	make_dir "$lib"
	printf '# The default of GOPROXY for vmgo, left by install.sh.\nGOPROXY=%s\n' "$list" >"$lib/go.env" || die 1 "could not write $lib/go.env"
	remember_dirs
}

user_has_proxy() {
	[ -n "${GOPROXY:-}" ] || grep -q '^GOPROXY=.' "${GOENV:-${XDG_CONFIG_HOME:-$home/.config}/go/env}" 2>/dev/null
}

answers() { # URL
	(tries=1 patience=5 && fetch "${1%/}/golang.org/toolchain/@v/v0.0.1-go$pinned_go.linux-amd64.mod" "$temp/answer") >/dev/null 2>&1
}

without_password() { printf '%s\n' "$1" | sed 's,//[^/@]*@,//,'; }

# fetch URL FILE: 0 got it, 1 not there, 2 anything else.
fetch() {
	case $1 in
	file://*)
		[ -f "${1#file://}" ] || return 1
		cp -- "${1#file://}" "$2" || return 2
		return 0
		;;
	https://*) schemes='=https' ;;
	http://*) schemes='=http,https' ;;
	*) say "not an address that I can fetch: $1" && return 2 ;;
	esac
	if have curl; then
		progress=-sS
		! on_terminal || progress=--progress-bar
		for left in 2 1 0; do
			answer=$(curl -fL "$progress" --proto "$schemes" --retry "$tries" --connect-timeout "$patience" \
				--speed-limit 1000 --speed-time 60 -w '%{http_code}' -o "$2" "$1") && return 0
			broken=$?
			case $answer in 403 | 404 | 410) return 1 ;; esac
			# curl's own --retry leaves connections alone that broke off.
			case $left$broken in [12]18 | [12]35 | [12]52 | [12]56 | [12]92) sleep 1 ;; *) break ;; esac
		done
	else
		set -- -O "$2" "$1"
		# Not for busybox: some builds of it crash at a timeout.
		if ! wget --version >/dev/null 2>&1; then
			wget "$@" 2>"$temp/wget.log" && return 0
		else
			! on_terminal || set -- --show-progress "$@"
			wget -t "$tries" -T $((patience * 3)) -o "$temp/wget.log" "$@" && return 0
		fi
		grep -Eq '(ERROR|HTTP/[0-9.]+) (403|404|410)' "$temp/wget.log" && return 1
		tail -n 1 "$temp/wget.log" >&2
	fi
	return 2
}

sha256() {
	if have sha256sum; then
		sha256sum <"$1"
	elif have shasum; then
		shasum -a 256 <"$1"
	else
		openssl dgst -sha256 -r <"$1"
	fi | awk '{ print $1 }'
}

# Debian has a minimal Python too, whose zipfile lacks what it imports.
have_python() { have python3 && python3 -c 'import zipfile' 2>/dev/null; }

unzip_with() {
	if have unzip; then
		unzip -q "$1" -d "$2"
	elif have bsdtar; then
		bsdtar -xf "$1" -C "$2"
	elif have_python; then
		python3 -m zipfile -e "$1" "$2"
	else
		busybox unzip -q "$1" -d "$2"
	fi
}

need_tools() {
	lacking=
	have curl || have wget || lacking="$lacking ca-certificates curl"
	have sha256sum || have shasum || have openssl || lacking="$lacking coreutils"
	have unzip || have bsdtar || have_python || have busybox || lacking="$lacking unzip"
	[ -z "$lacking" ] || lack 'fetch Go'
}

lack() { # WHAT FOR
	say "to $1, this machine lacks:$lacking"
	sudo=
	[ "$(id -u)" = 0 ] || sudo='sudo '
	hint "${sudo}apt-get update && ${sudo}apt-get install -y$lacking"
	[ -n "$dry" ] || exit 1
}

machine_arch() {
	[ "$(uname -s)" = Linux ] || die 1 "vmgo is for Linux, this is $(uname -s)"
	arch=$(uname -m)
	case $arch in
	x86_64 | amd64) arch=amd64 ;;
	aarch64 | arm64) arch=arm64 ;;
	esac
}

pinned_arch() {
	machine_arch
	sum=$(pinned_sum "$arch") ||
		die 1 "no checksum here of a Go for linux-$arch: install Go $go_line or newer first"
}

# download_go FILE: by the rules of GOPROXY; after a comma the next one is only
# asked if this one has no such version, after a bar whatever happened.
download_go() {
	name=v0.0.1-go$pinned_go.linux-$arch
	# A space marks a bar: a bar within a pattern is not for every shell.
	rest=$(printf '%s\n' "$proxies" | sed 's/|/ ,/g'),
	while [ -n "$rest" ]; do
		proxy=${rest%%,*}
		rest=${rest#*,}
		case $proxy in *' ') bar=1 ;; *) bar= ;; esac
		proxy=${proxy% }
		case $proxy in
		'') continue ;;
		off)
			say "GOPROXY says off, and no Go here is $go_line or newer"
			hint "GOPROXY=https://goproxy.cn $(quoted "$0")   # or put such a Go on PATH"
			exit 4
			;;
		direct) proxy=https://go.dev/dl/mod ;;
		esac
		got=0
		fetch "${proxy%/}/golang.org/toolchain/@v/$name.zip" "$1" || got=$?
		if [ "$got" = 0 ]; then
			found=$(sha256 "$1")
			[ "$found" = "$sum" ] && return 0
			say "what $(without_password "$proxy") gave is not the zip of go$pinned_go linux-$arch: nothing was unpacked"
			die 5 "SHA-256 $found, not $sum"
		elif [ "$got" = 2 ] && [ -z "$bar" ]; then
			break
		fi
	done
	say "could not fetch go$pinned_go for linux-$arch from $(without_password "$proxies")"
	hint "GOPROXY=URL $(quoted "$0")   # a module proxy that this machine reaches; HTTPS_PROXY=URL if the way out is a proxy"
	exit 4
}

# The go command renames and sets modes as it unpacks a toolchain: so do we,
# since not every unzip has kept them and none knows of the renaming.
unpack_go() { # ZIP DIR
	mkdir "$2"
	unzip_with "$1" "$2" || die 1 "could not unpack $1"
	mv -- "$2/golang.org/toolchain@$name"/* "$2" && rm -r -- "$2/golang.org"
	find "$2" -name _go.mod -exec sh -c 'for f; do mv -- "$f" "${f%/*}/go.mod"; done' sh {} +
	find "$2" -type d -exec chmod 755 {} +
	find "$2" -type f -exec chmod 644 {} +
	chmod 755 "$2"/bin/* "$2"/pkg/tool/*/*
	"$2/bin/go" version >/dev/null || die 1 "the fetched Go does not run on this machine"
}

fetch_go() { # DIR
	pinned_arch
	need_tools
	proxy_list
	step "fetch go$pinned_go for linux-$arch from $(without_password "$proxies"), check its SHA-256" \
		download_go "$temp/go.zip"
	unfinished=$1
	case $1 in
	"$temp/go") step "unpack it into a temporary directory" unpack_go "$temp/go.zip" "$1" ;;
	*) step "unpack it into $1" unpack_go "$temp/go.zip" "$1" ;;
	esac
	unfinished=
	[ -n "$dry" ] || rm -f -- "$temp/go.zip"
}

just_find_go() {
	case $go_dir in /*) ;; *) go_dir=$PWD/$go_dir ;; esac
	needs_go_of "$checkout"
	if ! find_go "$go_dir/bin"; then
		[ ! -e "$go_dir" ] || die 1 "$go_dir is there and has no Go $go_line"
		make_temp 150000
		dir=$(dirname -- "$go_dir")
		[ -d "$dir" ] || step "make $dir" mkdir -p -- "$dir"
		fetch_go "$go_dir.$$"
		step "move it to $go_dir" mv -- "$go_dir.$$" "$go_dir"
		go=$go_dir/bin/go
	fi
	printf '%s\n' "$go"
}

# --- vmgo -------------------------------------------------------------------

# On a terminal the go command says what it downloads.
fetch_modules() {
	# shellcheck disable=SC2086 # a list of packages
	set -- "$go" list -deps -tags "$tags" $packages
	if on_terminal; then
		"$@" >"$temp/list"
	else
		"$@" >"$temp/list" 2>&1
	fi
}

build() {
	unset GOOS GOARCH GO111MODULE
	export GOROOT="${go%/bin/go}"
	# Not empty: an empty one lets the user's go env file speak.
	GOFLAGS=-mod=readonly
	if [ -n "$fetched" ] || [ -z "$home" ]; then
		export GOPATH="$temp/gopath" GOCACHE="$temp/gocache" GOMODCACHE="$temp/modcache"
		GOFLAGS="$GOFLAGS -modcacherw"
	fi
	[ -z "$fetched" ] || export GOPROXY="$proxies"
	# Git refuses to speak of a checkout that belongs to somebody else.
	git -C "$checkout" rev-parse HEAD >/dev/null 2>&1 || GOFLAGS="$GOFLAGS -buildvcs=false"
	export GOFLAGS
	(
		cd "$checkout" || exit
		export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOTMPDIR="$temp"
		tags=urfave_cli_no_docs,urfave_cli_no_suggest
		# The go command gives a module up with the first connection that breaks.
		# What cannot be had at all is for the build to say.
		for left in 1 0; do
			fetch_modules && break
			sleep "$left"
		done
		set -- -trimpath
		! on_terminal || set -- -v "$@" # names each package
		# shellcheck disable=SC2086 # a list of packages
		"$go" build "$@" -ldflags '-s -w' -tags "$tags" -o "$temp/out/" $packages
	) || die 1 'the build failed'
	"$temp/out/vmgo" version >/dev/null || die 1 'what was built does not run'
}

# A rename within the directory: whoever starts the program meanwhile gets the
# old one or the new one.
place() {
	[ ! -d "$bin/$1" ] || die 1 "$bin/$1 is a directory"
	unfinished=$bin/.$1.$$
	if cp -- "$temp/out/$1" "$unfinished" && chmod 755 "$unfinished" && mv -f -- "$unfinished" "$bin/$1"; then
		unfinished=
	else
		die 1 "could not write $bin/$1"
	fi
}

# make_dir DIR [UMASK]: with those above it.
make_dir() {
	missing='' up=$1
	while [ ! -d "$up" ]; do
		missing="$up
$missing"
		up=$(dirname -- "$up")
	done
	(umask "${2:-022}" && mkdir -p -- "$1") || die 1 "could not make $1"
	made=$made$missing
}

# remember_dirs: --uninstall removes those that were made, if they are empty by then.
remember_dirs() {
	make_dir "$lib"
	[ -z "$made" ] || printf '%s' "$made" >>"$lib/made" || die 1 "could not write $lib/made"
	made=
}

may_write() {
	for dir in "$lib" "$bin"; do
		[ ! -d "$dir" ] || [ -w "$dir" ] || {
			say "you may not write in $dir"
			hint "sudo $(quoted "$bin/vmgo") self update   # or rollback, uninstall"
			exit 1
		}
	done
}

# The completions and the manual pages that fit what was built.
place_share() {
	sh "$checkout/packaging/share.sh" "$checkout" "$bin/vmgo" "$temp/share" || die 1 'could not make completions and manual pages'
	rm -rf -- "$lib/share"
	cp -R -- "$temp/share" "$lib/share" || die 1 "could not write $lib/share"
	chmod -R u=rwX,go=rX "$lib/share"
	link_share share
	remember_dirs
}

install_programs() {
	fetched='' programs='vmgo-shim vmgo' packages='. ./shims/vmgo-shim' what='vmgo and vmgo-shim'
	[ -z "$all" ] || what='vmgo and the programs beside it'
	for package in ${all:+"$checkout"/cmd/vmgo-*}; do
		packages="$packages ./cmd/${package##*/}" programs="${package##*/} $programs"
	done
	needs_go_of "$checkout"
	if find_go; then
		make_temp 100000
	else
		fetched=1
		make_temp "$needed_space"
		fetch_go "$temp/go"
		go=$temp/go/bin/go
	fi
	step "build $what with $([ -n "$fetched" ] && echo it || echo "$go")" build
	[ -d "$bin" ] || step "make $bin" make_dir "$bin"
	for program in $programs; do
		step "install $bin/$program" place "$program"
	done
	[ -n "$dry" ] || remember_dirs
	step "install completions and the manual pages in ${prefix%/}/share" place_share
	step "leave Go's own default of GOPROXY in $lib/go.env" leave_proxy
	# The Go release needs the space more.
	cleanup
	temp=
}

talk() { "$@" >&2; }

install_release() {
	set --
	[ -z "$selector" ] || set -- "$selector"
	status=0
	step "install Go ${selector:-as this directory asks}" talk "$bin/vmgo" install "$@" || status=$?
	if [ "$status" = 3 ] && [ -z "$selector" ]; then
		say 'nothing here says which Go: install one with vmgo install latest'
		return 0
	fi
	[ "$status" = 0 ] || exit "$status"
	[ -n "$dry" ] || "$bin/vmgo" exec "$@" -- go version
}

# --- a release of vmgo --------------------------------------------------------

# The lines of packaging/release-keys.
release_keys() {
	cat <<'END'
# Who may sign a release of vmgo: the current key and the next one, as an allowed
# signers file of ssh-keygen(1). install.sh has the same lines; a test compares
# the two. There is no key yet, and without one nothing can be verified:
# docs/releasing.md says how to make the first and how to change it.
END
}

need_release_tools() {
	lacking=
	[ -n "$from" ] || have curl || have wget || lacking="$lacking ca-certificates curl"
	have ssh-keygen || lacking="$lacking openssh-client"
	have sha256sum || have shasum || have openssl || lacking="$lacking coreutils"
	have gzip || lacking="$lacking gzip"
	have tar || lacking="$lacking tar"
	[ -z "$lacking" ] || lack 'verify and unpack a release'
}

release_url() {
	where=download/v$release_version
	[ -n "$release_version" ] || where=latest/download
	printf '%s\n' "${base_url%/}/$where"
}

# get NAME FILE: a file of the release, from where the user said.
get() {
	if [ -n "$from" ]; then
		[ -f "$from/$1" ] || {
			say "$from has no $1"
			hint "install.sh --from DIR   # with checksums.txt, checksums.txt.sig and the tar.gz of one release"
			exit 1
		}
		cp -- "$from/$1" "$2" || die 1 "could not read $from/$1"
		return 0
	fi
	got=0
	fetch "$(release_url)/$1" "$2" || got=$?
	[ "$got" != 0 ] || return 0
	say "could not fetch $1 from $(without_password "$(release_url)")"
	hint "install.sh --base-url URL   # a mirror that this machine reaches; or --from DIR, without network"
	exit 4
}

verify_checksums() {
	get checksums.txt "$temp/checksums.txt"
	get checksums.txt.sig "$temp/checksums.txt.sig"
	release_keys >"$temp/keys"
	ssh-keygen -Y verify -f "$temp/keys" -I vmgo -n vmgo-release -s "$temp/checksums.txt.sig" \
		<"$temp/checksums.txt" >"$temp/log" 2>&1 ||
		die 5 "the signature of checksums.txt is not by a release key of vmgo: nothing was unpacked ($(tail -n 1 "$temp/log"))"
	# Of the names, only what is signed counts, which includes the version.
	signed=$(sed -n "s/^[0-9a-f]\{64\}  vmgo-\([0-9][0-9A-Za-z.-]*\)-linux-$arch\.tar\.gz\$/\1/p" "$temp/checksums.txt")
	case $signed in
	'') die 1 "this release has nothing for linux-$arch" ;;
	*'
'*) die 5 'the signed checksums name several releases' ;;
	esac
	[ "${release_version:-$signed}" = "$signed" ] || die 5 "this is vmgo $signed, not $release_version"
	release_version=$signed
}

verify_archive() {
	archive=vmgo-$release_version-linux-$arch.tar.gz
	[ -z "$from_file" ] || [ "$from_file" = "$archive" ] || die 1 "the signed checksums are for $archive, not for $from_file"
	get "$archive" "$temp/$archive"
	sum=$(sed -n "s/^\([0-9a-f]*\)  $archive\$/\1/p" "$temp/checksums.txt")
	found=$(sha256 "$temp/$archive")
	[ "$found" = "$sum" ] || die 5 "$archive has the SHA-256 $found, not $sum: nothing was unpacked"
}

# not_older_than_installed: an old release has a good signature, too, and an old module is in
# the log: only who names one gets it.
not_older_than_installed() {
	installed=$(readlink -- "$lib/current" 2>/dev/null) || installed=
	if [ -z "$asked$from" ] && [ -n "$installed" ] && ! not_older "$release_version" "$installed"; then
		say "the server offers vmgo $release_version, which is older than $installed, the installed one"
		hint "install.sh --version $release_version   # if that is what you want"
		exit 5
	fi
}

verify_release() {
	asked=$release_version
	verify_checksums
	not_older_than_installed
	verify_archive
}

# not_older V1 V2: whether V1 is V2 or newer. A prerelease is older than its release.
not_older() {
	printf '%s\n%s\n' "$1" "$2" | awk '
		{ full[NR] = $0; pre[NR] = index($0, "-"); sub(/-.*/, ""); split($0, part, ".")
		  order[NR] = part[1] * 1000000 + part[2] * 1000 + part[3] }
		END {
			if (full[1] == full[2]) exit 0
			if (order[1] != order[2]) exit (order[1] < order[2])
			if (!pre[1] || !pre[2]) exit (pre[1] > 0)
			exit (full[1] < full[2])
		}'
}

# healthy DIR: whether the release in DIR works here. A check of doctor that fails
# (exit status 1) is about the machine, not about the release.
healthy() {
	"$1/bin/vmgo" version >/dev/null || return 1
	health=0
	doctor_says=$("$1/bin/vmgo" doctor --quick 2>&1) || health=$?
	[ "$health" -gt 1 ] || return 0
	say "vmgo doctor --quick ends with exit status $health: $(printf '%s\n' "$doctor_says" | tail -n 1)"
	return 1
}

rollback() {
	now=$(readlink -- "$lib/current") || die 1 "$lib has no current release"
	old=$(readlink -- "$lib/$now/previous") || die 1 "$lib has no release before the current one"
	old=${old#../}
	may_write
	healthy "$lib/$old" || die 1 "vmgo $old does not work: left as it is"
	step "make vmgo $old the current release, and keep $now" return_to "$old"
}

return_to() {
	switch_release "$1"
	link_release
	remember_dirs
}

# switch_release VERSION: each release has a link to the one before it, so that the
# rename of one link, current, changes everything.
switch_release() {
	before=$(readlink -- "$lib/current" 2>/dev/null) || before=
	case $before in '' | "$1") ;; *) swap_link "../$before" "$lib/$1/previous" ;; esac
	swap_link "$1" "$lib/current"
}

unpack_release() {
	mkdir "$temp/out"
	gzip -dc "$temp/$archive" | tar -xf - -C "$temp/out" || die 1 "could not unpack $archive"
	tree=$temp/out/vmgo-$release_version-linux-$arch
	is_release
}

is_release() {
	says=$("$tree/bin/vmgo" version) || die 1 'the release does not run on this machine'
	case $says in "vmgo v$release_version "*) ;; *) die 1 "the release calls itself $says" ;; esac
}

# swap_link TARGET LINK: by a rename, so that LINK is there at any time.
swap_link() {
	[ -L "$2" ] || [ ! -d "$2" ] || die 1 "$2 is a directory"
	unfinished=$2.$$
	# Without -T, mv would go into the directory that the old link leads to.
	{ ln -s -- "$1" "$unfinished" && mv -fT -- "$unfinished" "$2"; } || die 1 "could not write $2"
	unfinished=
}

# place_release: releases lie side by side in lib/vmgo; bin and share have links by
# way of lib/vmgo/current. Only a release that works becomes the current one.
place_release() {
	make_dir "$lib"
	make_dir "$bin"
	current=$(readlink -- "$lib/current" 2>/dev/null) || current=
	if [ "$current" != "$release_version" ] || ! healthy "$lib/current"; then
		copy_release
	fi
	switch_release "$release_version"
	kept=$(readlink -- "$lib/current/previous") || kept=
	for dir in "$lib"/[0-9]*; do
		case ${dir##*/} in "$release_version" | "${kept#../}") ;; *) rm -rf -- "$dir" ;; esac
	done
	link_release
	remember_dirs
}

# link_release: the links of the current release, and none that another one left.
link_release() {
	for program in "$lib/current/bin"/*; do
		swap_link "../lib/vmgo/current/bin/${program##*/}" "$bin/${program##*/}"
	done
	for link in "$bin"/vmgo-*; do
		[ -e "$link" ] || remove_link "$link"
	done
	link_share current/share
}

copy_release() {
	unfinished=$lib/.new.$$
	cp -R -- "$tree" "$unfinished" || die 1 "could not write $unfinished"
	chmod -R u=rwX,go=rX "$unfinished"
	healthy "$unfinished" || die 1 "vmgo $release_version does not work here: ${current:+$current stays, }nothing was changed"
	rm -rf -- "${lib:?}/$release_version"
	mv -- "$unfinished" "$lib/$release_version" || die 1 "could not write $lib/$release_version"
	unfinished=
}

# The completions and the manual pages, where shells and man look for them.
shared_files='bash-completion/completions/vmgo zsh/site-functions/_vmgo fish/vendor_completions.d/vmgo.fish
man/man1/vmgo.1.gz man/man1/vmgo-proxy.1.gz man/man1/vmgo-deploy.1.gz man/man1/vmgo-fleet.1.gz man/man1/vmgo-observe.1.gz'

link_share() { # where they are beneath lib/vmgo
	for file in $shared_files; do
		link=${prefix%/}/share/$file
		if [ -e "$lib/$1/$file" ]; then
			make_dir "${link%/*}"
			swap_link "../../../lib/vmgo/$1/$file" "$link"
		else
			remove_link "$link"
		fi
	done
}

has_key() { release_keys | grep -q '^[^#]'; }

install_vmgo() {
	may_write
	machine_arch
	if use_module; then
		install_module
	else
		install_signed
	fi
	cleanup
	temp=
}

install_signed() {
	has_key || {
		say 'this install.sh has no release key, so it can verify no release'
		hint 'git clone https://github.com/vmgo/vmgo && cd vmgo && ./install.sh'
		exit 1
	}
	need_release_tools
	if [ -n "$check" ]; then
		dry=''
		make_temp 1000
		verify_checksums
		printf '%s\n' "$release_version"
		exit
	fi
	make_temp 100000
	what=vmgo
	[ -z "$release_version" ] || what="vmgo $release_version"
	step "get $what from ${from:-$(without_password "$base_url")}, verify signature and SHA-256" verify_release
	step 'unpack it' unpack_release
	step "install it in $lib, with links in $bin" place_release
	go_line=1.21
	! find_go || step "leave Go's own default of GOPROXY in $lib/go.env" leave_proxy
}

# --- vmgo's own module --------------------------------------------------------

module=github.com/vmgo/vmgo

# use_module: whether to build vmgo's module rather than to fetch a signed release.
use_module() {
	case $sources in
	goproxy) return 0 ;;
	release,goproxy) ;;
	*) return 1 ;;
	esac
	[ -z "$from" ] || return 1
	if ! has_key; then
		say 'this install.sh has no release key, so it can verify no release'
	else
		probe=$(mktemp -d) && url=$(release_url) && got=0
		(temp=$probe tries=1 && fetch "$url/checksums.txt" "$probe/checksums.txt") || got=$?
		rm -rf -- "$probe"
		[ "$got" != 0 ] || return 1
		say "no release from $(without_password "$url")"
	fi
	say "trying vmgo's module from GOPROXY"
}

# module_go: the go command with no setting that keeps a module from being verified
# against the checksum database, and with a module cache of its own.
module_go() {
	case ${GOSUMDB:-} in '' | off) sumdb=sum.golang.org ;; *) sumdb=$GOSUMDB ;; esac
	(
		unset GOROOT GOOS GOARCH GO111MODULE GOPRIVATE GONOSUMDB GONOPROXY GOINSECURE GONOSUMCHECK GOEXPERIMENT GODEBUG
		export XDG_CONFIG_HOME=/dev/null GOENV=off GOFLAGS=-modcacherw GOWORK=off GOTOOLCHAIN=local CGO_ENABLED=0 GOPROXY="$proxies" GOSUMDB="$sumdb" GOTMPDIR="$temp"
		export GOPATH="$temp/gopath" GOMODCACHE="$temp/modcache" GOCACHE="${GOCACHE:-$temp/gocache}" GOBIN="$tree/bin"
		cd "$temp" && "$go" "$@"
	) 2>"$temp/log" && return 0
	status=4
	! grep -Eq 'SECURITY ERROR|checksum mismatch|verifying ' "$temp/log" || status=5
	say "go $1 failed: $(without_password "$(tail -n 1 "$temp/log")")"
	return "$status"
}

resolve_module() {
	found=$(module_go list -m -f '{{.Version}}' "$module@${release_version:+v}${release_version:-latest}") || exit $?
	release_version=${found#v}
	tree=$temp/out/vmgo-$release_version-linux-$arch
}

download_module() {
	asked=$release_version
	resolve_module
	not_older_than_installed
	module_go mod download "$module@v$release_version" || exit $?
	checkout=$temp/modcache/$module@v$release_version
	needs_go_of "$checkout"
	find_go || {
		say "vmgo $release_version is built with Go $go_line or newer, and there is none here"
		hint 'vmgo install latest'
		exit 1
	}
}

build_module() {
	set --
	for package in '' /shims/vmgo-shim "$checkout"/cmd/vmgo-*; do
		set -- "$@" "$module${package#"$checkout"}@v$release_version"
	done
	module_go install -trimpath -ldflags '-s -w' -tags urfave_cli_no_docs,urfave_cli_no_suggest "$@" || exit $?
	sh "$checkout/packaging/share.sh" "$checkout" "$tree/bin/vmgo" "$tree/share" || die 1 'could not make completions and manual pages'
	is_release
}

install_module() {
	go_line=1.21 tree=''
	find_go || {
		say 'there is no Go here to build vmgo with'
		hint 'vmgo install latest'
		exit 1
	}
	proxy_list
	if [ -n "$check" ]; then
		dry=''
		make_temp 1000
		resolve_module
		printf '%s\n' "$release_version"
		exit
	fi
	make_temp "$needed_space"
	step "get vmgo's module from $(without_password "$proxies"), verified against the checksum database" download_module
	step "build vmgo $release_version with $go" build_module
	step "install it in $lib, with links in $bin" place_release
	step "leave Go's own default of GOPROXY in $lib/go.env" leave_proxy
}

# --- the hook ---------------------------------------------------------------

quoted() {
	case $1 in
	*[!A-Za-z0-9_./+-]*) printf "'%s'" "$(printf '%s\n' "$1" | sed "s/'/'\\\\''/g")" ;;
	*) printf '%s' "$1" ;;
	esac
}

# hook_of SHELL: sets rc and line.
hook_of() {
	case $1 in
	bash) rc=$home/.bashrc ;;
	zsh) rc=${ZDOTDIR:-$home}/.zshrc ;;
	fish) rc=${XDG_CONFIG_HOME:-$home/.config}/fish/config.fish ;;
	elvish) rc=${XDG_CONFIG_HOME:-$home/.config}/elvish/rc.elv ;;
	xonsh) rc=$home/.xonshrc ;;
	nu | nushell) rc=${XDG_CONFIG_HOME:-$home/.config}/nushell/config.nu ;;
	*) return 1 ;;
	esac
	line="eval \"\$($(quoted "$bin/vmgo") hook $1)\""
	case $1 in
	fish) line="$(printf '%s\n' "$bin/vmgo" | sed "s/[\\\\']/\\\\&/g; s/.*/'&'/") hook fish | source" ;;
	elvish) line="eval ($(printf '%s\n' "$bin/vmgo" | sed 's/[\\"]/\\&/g; s/.*/"&"/') hook elvish | slurp)" ;;
	xonsh) line="execx(\$(@($(printf '%s\n' "$bin/vmgo" | sed 's/[\\"]/\\&/g; s/.*/"&"/')) hook xonsh))" ;;
	nu | nushell)
		line="mkdir (\$nu.data-dir | path join vendor autoload); ^$(printf '%s\n' "$bin/vmgo" | sed 's/[\\"]/\\&/g; s/.*/"&"/') hook nushell"
		line="$line | save -f (\$nu.data-dir | path join vendor autoload vmgo.nu)"
		;;
	esac
}

# The first marker remembers what was not there before: the file, or the
# newline at its end.
begin='# >>> vmgo'
end='# <<< vmgo'

append_block() {
	make_dir "$(dirname -- "$rc")" 077
	had='' newline=''
	if [ ! -e "$rc" ]; then
		had=' (made this file)'
	elif [ -s "$rc" ] && [ -n "$(tail -c 1 "$rc")" ]; then
		had=' (made the newline before this)' newline='
'
	fi
	# One write at the end: it follows a link, keeps mode and owner, and can
	# lose nothing of what is there.
	printf '%s%s%s\n%s\n%s\n' "$newline" "$begin" "$had" "$line" "$end" >>"$rc" && remember_dirs
}

cut_block() {
	target=$(readlink -f -- "$rc") || target=$rc
	new=$target.vmgo.$$
	unfinished=$new
	first=$(sed -n "/^$begin/=" "$rc" | head -n 1)
	last=$(sed -n "$first,\$ { /^$end/=; }" "$rc" | head -n 1)
	[ -n "$last" ] || die 1 "$rc has '$begin' without '$end': take that part out yourself"
	made=$(sed -n "${first}p" "$rc")
	rest=$(tail -n "+$((last + 1))" "$rc" | head -c 1 | wc -c)
	# The copy is for mode and owner.
	cp -p -- "$target" "$new" || die 1 "could not write $new"
	head -n "$((first - 1))" "$rc" >"$new" || die 1 "could not write $new"
	case $made in
	*newline*)
		if [ "$rest" -eq 0 ]; then
			size=$(($(wc -c <"$new") - 1))
			dd if="$target" of="$new" bs="$size" count=1 2>/dev/null
		fi
		;;
	esac
	tail -n "+$((last + 1))" "$rc" >>"$new" || die 1 "could not write $new"
	case $made in
	*file*) [ -s "$new" ] || rm -f -- "$new" "$target" ;;
	esac
	[ ! -e "$new" ] || mv -f -- "$new" "$target" || die 1 "could not write $target"
	unfinished=
}

has_block() { grep -q "^$begin" "$rc" 2>/dev/null; }

add_hook() {
	if has_block && grep -qxF -- "$line" "$rc"; then
		say "the hook is in $rc already"
	elif ! has_block && grep -Eq '^[^#]*vmgo.? hook ' "$rc" 2>/dev/null; then
		say "$rc has a line of your own for the hook: left alone"
	elif [ -e "$rc" ] && [ ! -w "$rc" ]; then
		say "$rc is read-only; add this line to it yourself:"
		die 1 "    $line"
	else
		! has_block || step "take the old hook out of $rc" cut_block
		step "add the hook to $rc" append_block || die 1 "could not write $rc"
	fi
}

profile=/etc/profile.d/vmgo.sh

write_profile() {
	[ "$(id -u)" = 0 ] || die 1 "only root may write $profile"
	share=$lib/share
	[ ! -L "$lib/current" ] || share=$lib/current/share
	path=$(quoted "$bin/vmgo" | sed 's/[&,\\]/\\&/g')
	unfinished=$profile.$$
	{ sed "s,/usr/bin/vmgo,$path," "$share/doc/vmgo/profile.sh" >"$unfinished" && chmod 644 "$unfinished" && mv -f -- "$unfinished" "$profile"; } ||
		die 1 "could not write $profile"
	unfinished=
}

user_shell() {
	login_shell=${SHELL:-$(passwd_field 7)}
	login_shell=${login_shell##*/}
}

advise() {
	if [ -n "$hook_all" ]; then
		step "add the hook for all users, $profile" write_profile
		return 0
	fi
	user_shell
	if hook_of "$login_shell"; then
		if [ -n "$hook" ]; then
			add_hook
			[ -n "$dry" ] || say "it works in new shells; in this one: $line"
		elif ! has_block; then
			say "to have it in every shell, add this line to $rc (or run this with --hook):"
			printf '    %s\n' "$line" >&2
		fi
	else
		[ -z "$hook" ] || die 1 "no hook for $login_shell: vmgo has bash, zsh, fish, elvish, nushell and xonsh"
		say 'to have it in every shell, add one of these lines:'
		for name in bash zsh fish elvish nushell xonsh; do
			hook_of "$name" && printf '    %s: %s\n' "$rc" "$line" >&2
		done
	fi
	case :$PATH: in
	*:"$bin":*) ;;
	*) say "$bin is not on PATH: the hook works all the same, to type vmgo you need it there" ;;
	esac
}

# Links named go and gofmt that lead to the programs would lead nowhere.
remove_shims() {
	rest=$bin:/usr/local/bin:$home/.local/bin:$PATH: seen=:
	while [ -n "$rest" ]; do
		dir=${rest%%:*} rest=${rest#*:}
		case $dir in /*) ;; *) continue ;; esac
		case $seen in *:"$dir":*) continue ;; esac
		seen=$seen$dir:
		for name in go gofmt; do
			link=$dir/$name
			[ -L "$link" ] || continue
			case $(readlink -f -- "$link") in
			"$real_bin/vmgo-shim" | "$real_bin/vmgo" | "${real_bin%/bin}/lib/vmgo/"*) ;;
			*) continue ;;
			esac
			if [ -w "$dir" ]; then
				step "remove $link" rm -f -- "$link" || die 1 "could not remove $link"
			else
				say "$link leads to vmgo-shim, and you may not write in $dir:"
				hint "sudo rm $(quoted "$link")"
			fi
		done
	done
}

remove() { [ ! -e "$1" ] && [ ! -L "$1" ] || step "remove $1" rm -rf -- "$1" || die 1 "could not remove $1"; }

# remove_link LINK: if it leads into lib/vmgo.
remove_link() {
	target=$(readlink -- "$1") || target=
	case $target in */lib/vmgo/*) remove "$1" ;; esac
}

remove_programs() {
	for link in "$bin"/vmgo-*; do
		remove_link "$link"
	done
	for name in vmgo vmgo-shim vmgo-proxy vmgo-deploy vmgo-fleet vmgo-observe; do
		remove "$bin/$name"
	done
	for file in $shared_files; do
		remove_link "${prefix%/}/share/$file"
	done
	! grep -qF "$(quoted "$bin/vmgo") hook" "$profile" 2>/dev/null || remove "$profile"
	made=$(cat "$lib/made" 2>/dev/null) || made=
	{ [ ! -L "$lib/current" ] && [ ! -e "$lib/made" ]; } || remove "$lib"
	[ -n "$dry" ] || printf '%s\n' "$made" | awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }' |
		while IFS= read -r dir; do
			rmdir -- "$dir" 2>/dev/null || :
		done
}

# purge_store DIR: what vmgo has installed there; what it has not made stays.
purge_store() {
	[ -d "$1/.vmgo" ] && [ -w "$1" ] || return 0
	for receipt in "$1"/.vmgo/receipts/*; do
		version=${receipt##*/}
		remove "$1/${version%.json}"
	done
	for name in default toolchains .vmgo; do
		remove "$1/$name"
	done
	[ -n "$dry" ] || rmdir -- "$1" 2>/dev/null || say "$1 has files that vmgo has not made: left there"
}

purge() {
	data=${XDG_DATA_HOME:-$home/.local/share}/vmgo
	for store in "${VMGO_ROOT:-}" "$data/go" /opt/go; do
		[ -z "$store" ] || purge_store "$store"
	done
	[ -n "$home" ] || return 0
	for dir in "$data" "${XDG_CONFIG_HOME:-$home/.config}/vmgo" "${XDG_CACHE_HOME:-$home/.cache}/vmgo" "${XDG_STATE_HOME:-$home/.local/state}/vmgo"; do
		# Directories of a module cache are read-only.
		[ -n "$dry" ] || [ ! -d "$dir" ] || find "$dir" -type d ! -perm -u+w -exec chmod u+w {} +
		if [ -z "$dry" ] && [ "$dir" = "$data" ] && [ -d "$data/go" ]; then # what was left there
			for file in "$data"/*; do
				[ "$file" = "$data/go" ] || remove "$file"
			done
			continue
		fi
		remove "$dir"
	done
}

uninstall() {
	may_write
	if [ -s /var/lib/vmgo/harden/ledger.json ]; then
		say 'vmgo harden has changed this machine: that stays'
		hint 'vmgo harden undo   # before you uninstall vmgo, to undo it'
	fi
	real_bin=$(readlink -f -- "$bin") || real_bin=$bin
	remove_shims
	for name in bash zsh fish elvish nushell xonsh; do
		[ -n "$home" ] || break
		hook_of "$name"
		while has_block; do
			step "take the hook out of $rc" cut_block
			[ -z "$dry" ] || break
		done
	done
	saved=${XDG_DATA_HOME:-$home/.local/share}/nushell/vendor/autoload/vmgo.nu # by the line in config.nu
	! grep -qF _vmgo_prompt "$saved" 2>/dev/null || remove "$saved"
	[ -z "$purge" ] || purge
	remove_programs
	[ -n "$purge" ] || say 'Go releases that vmgo installed are still there, in /opt/go or in ~/.local/share/vmgo (--purge removes them, too)'
}

# --- the story --------------------------------------------------------------

parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--prefix=* | --find-go=* | --version=* | --base-url=* | --from=* | --source=*)
			option=${1%%=*} value=${1#*=}
			shift
			set -- "$option" "$value" "$@"
			continue
			;;
		--prefix | --find-go)
			[ -n "${2:-}" ] || die 2 "$1 needs a directory"
			case $1 in --prefix) prefix=$2 ;; *) go_dir=$2 ;; esac
			shift
			;;
		--version | --base-url | --from | --source)
			[ -n "${2:-}" ] || die 2 "$1 needs a value"
			want_release=1
			case $1 in --version) release_version=${2#v} ;; --base-url) base_url=$2 ;; --source) sources=$2 ;; *) from=$2 ;; esac
			shift
			;;
		--all) all=1 ;;
		--hook) hook=1 ;;
		--hook-all) hook_all=1 ;;
		--purge) purge=1 ;;
		--programs-only) release='' ;;
		--release) want_release=1 ;;
		--check) check=1 want_release=1 ;;
		--rollback) action=rollback ;;
		--uninstall) action=uninstall ;;
		--dry-run) dry=1 ;;
		-h | --help) action=usage ;;
		-*)
			say "unknown option $1"
			hint './install.sh --help'
			exit 2
			;;
		*)
			[ -z "$selector" ] || die 2 "one release at a time, not also $1"
			selector=$1
			;;
		esac
		shift
	done
}

main() {
	base_url=https://github.com/vmgo/vmgo/releases want_release='' check='' release_version='' from='' from_file=''
	prefix='' go_dir='' all='' hook='' release=1 action=install dry='' selector='' temp='' unfinished='' made='' hook_all='' tries=3 patience=20 sources=release purge=''
	parse "$@"
	[ "$action" != usage ] || { usage && return 0; }
	trap cleanup EXIT
	trap 'stopped 129' HUP
	trap 'stopped 130' INT
	trap 'stopped 143' TERM
	case $sources in release | goproxy | release,goproxy) ;; *) die 2 "--source is release, goproxy or release,goproxy, not $sources" ;; esac
	find_home
	case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
	bin=${prefix%/}/bin lib=${prefix%/}/lib/vmgo
	if [ "$action" = uninstall ]; then
		uninstall
		return 0
	fi
	if [ "$action" = rollback ]; then
		rollback
		return 0
	fi
	if [ -f "$from" ]; then
		from_file=${from##*/} from=$(dirname -- "$from")
	fi
	if find_checkout; then
		if [ -n "$go_dir" ]; then
			just_find_go
			return 0
		fi
		install_programs
	else
		[ -z "$go_dir" ] || die 1 '--find-go is for a checkout of vmgo'
		install_vmgo
	fi
	[ -z "$release" ] || install_release
	advise
}

{ main "$@"; }
