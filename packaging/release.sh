#!/bin/sh
# Builds a release of vmgo from a tag; see usage below.
set -eu

usage() {
	cat <<'END'
usage: packaging/release.sh [--arch LIST] [--out DIR] [--key FILE] VERSION

Builds the release VERSION (0.1.0) from the tag vVERSION of this repository, for
each architecture of LIST (default: amd64,arm64), into DIR (default: dist):
tar.gz, deb, rpm, an SBOM, checksums.txt, and with --key its signature by that
SSH key. Whatever is in the working tree counts for nothing.

The same tag gives the same bytes, whoever builds it, when and where, with the
Go release of .go-version. nfpm and cyclonedx-gomod are taken from PATH, else
they are built from the versions in this script.
END
}

nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0
cyclonedx=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
namespace='vmgo-release'

say() { printf 'release.sh: %s\n' "$*" >&2; }
die() {
	say "$1"
	shift
	for hint; do printf 'hint: %s\n' "$hint" >&2; done
	exit 1
}

parse() {
	archs=amd64,arm64 out=dist key='' version=''
	while [ $# -gt 0 ]; do
		case $1 in
		--arch | --out | --key)
			[ -n "${2:-}" ] || die "$1 needs a value"
			case $1 in --arch) archs=$2 ;; --out) out=$2 ;; --key) key=$2 ;; esac
			shift
			;;
		-h | --help) usage && exit 0 ;;
		-*) die "unknown option $1" 'packaging/release.sh --help' ;;
		*) version=${1#v} ;;
		esac
		shift
	done
	[ -n "$version" ] || die 'which version?' 'packaging/release.sh 0.1.0'
}

# A clone, so that the go command finds the tag and a clean tree, and stamps both.
check_out() {
	git -C "$repository" rev-parse -q --verify "refs/tags/v$version^{commit}" >/dev/null ||
		die "there is no tag v$version" "git tag v$version"
	git clone -q --no-local --depth 1 --branch "v$version" -c advice.detachedHead=false "file://$repository" "$work/src"
	grep -qx "## $version" "$work/src/CHANGELOG.md" ||
		die "CHANGELOG.md of v$version has no heading \"## $version\"" "sed -i 's/^## Unreleased\$/## $version/' CHANGELOG.md && git commit -am 'vmgo $version' && git tag -f v$version"
	SOURCE_DATE_EPOCH=$(git -C "$work/src" log -1 --format=%ct)
	export SOURCE_DATE_EPOCH
	wanted=go$(cat "$work/src/.go-version")
	# What this user has set for other builds must not show in this one.
	GOPROXY=$(go env GOPROXY) GOSUMDB=$(go env GOSUMDB)
	export GOPROXY GOSUMDB GOENV=off GOFLAGS='' GOWORK=off GOTOOLCHAIN="$wanted" CGO_ENABLED=0 GOEXPERIMENT='' GODEBUG=''
	# A go of another version fetches this one, verified by the checksum database.
	found=$(go env GOVERSION) || found=none
	[ "$found" = "$wanted" ] || die "releases are built with $wanted, this is $found" "vmgo exec ${wanted#go} -- packaging/release.sh $version"
}

# tool NAME PACKAGE@VERSION: prints the path of a program of that very version.
tool() {
	found=$(command -v "$1" || :)
	if [ -z "$found" ] || ! go version -m "$found" | grep -q "^	mod	.*	${2##*@}	"; then
		found=$work/bin/$1
		GOBIN=$work/bin go install "$2" || die "could not build $2"
	fi
	printf '%s\n' "$found"
}

# The SBOM has digests of the program that wrote it, which depend on whoever
# built that one.
without_tool_digests() {
	awk '!done && /"hashes": \[/ { skip = 1; sub(/,$/, "", last) }
		!skip { if (NR > 1) print last; last = $0 }
		skip && /^ *\],?$/ { skip = 0; done = 1 }
		END { print last }'
}

programs() { go -C "$work/src" list -f '{{if eq .Name "main"}}{{.ImportPath}}{{end}}' . ./shims/... ./cmd/...; }

build() { # ARCH DIR
	mkdir -p "$2"
	# shellcheck disable=SC2046 # import paths have no spaces
	GOOS=linux GOARCH=$1 GOAMD64=v1 GOARM64=v8.0 go -C "$work/src" build -trimpath -buildvcs=true \
		-ldflags '-s -w -buildid=' -tags urfave_cli_no_docs,urfave_cli_no_suggest -o "$2/" $(programs)
}

# What is the same on every architecture, as it lies beneath a prefix.
build_share() { # DIR
	build "$(go env GOHOSTARCH)" "$work/host"
	vmgo=$work/host/vmgo
	"$vmgo" version | grep -q "^vmgo v$version (" || die "what was built calls itself $("$vmgo" version)"
	"$work/src/packaging/share.sh" "$work/src" "$vmgo" "$1"
	{
		printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: vmgo\nSource: https://github.com/vmgo/vmgo\n\n'
		printf 'Files: *\nCopyright: 2026 The vmgo Authors\nLicense: BSD-3-Clause\n'
		sed '1,2d; s/^$/./; s/^/ /' "$work/src/LICENSE"
	} >"$work/copyright"
	{
		printf 'vmgo (%s-1) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- The vmgo Authors <vmgo@users.noreply.github.com>  %s\n' \
			"$version" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
	} | gzip -n9 >"$work/changelog.Debian.gz"
}

archive() { # ARCH
	name=vmgo-$version-linux-$1
	mkdir "$work/$name"
	mv "$work/$1" "$work/$name/bin"
	cp -R "$work/share" "$work/$name/share"
	chmod -R u=rwX,go=rX "$work/$name"
	tar -C "$work" --format=gnu --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -cf - "$name" |
		gzip -n9 >"$out/$name.tar.gz"
}

package() { # ARCH
	for format in deb rpm; do
		ARCH=$1 VERSION=$version TREE=$work/vmgo-$version-linux-$1 WORK=$work \
			"$nfpm_program" package --config "$work/src/packaging/nfpm.yaml" --packager "$format" --target "$out" >/dev/null
	done
}

has_key() { grep -q '^[^#]' "$work/src/packaging/release-keys"; }

sign_file() {
	ssh-keygen -Y sign -n "$namespace" -f "$key" "$1" 2>"$work/log" || die "could not sign with $key: $(tail -n 1 "$work/log")"
	ssh-keygen -Y verify -n "$namespace" -I vmgo -f "$work/src/packaging/release-keys" -s "$1.sig" <"$1" >/dev/null 2>&1 ||
		die "the tag's packaging/release-keys does not accept $key" 'less docs/releasing.md   # "The keys"'
}

# Minutes before the signature is needed, it is clear whether there can be one.
check_key() {
	[ -n "$key" ] || return 0
	has_key || die "packaging/release-keys of v$version has no key, so nobody could verify this release" 'less docs/releasing.md   # "The keys": make one, commit its line, tag again'
	: >"$work/probe"
	sign_file "$work/probe"
}

sign() {
	if [ -n "$key" ]; then
		sign_file "$out/checksums.txt"
		return
	fi
	say 'checksums.txt is not signed, so install.sh refuses this release'
	has_key || say "packaging/release-keys of v$version has no key: docs/releasing.md, \"The keys\", says how to make one"
	printf 'hint: make release VERSION=%s KEY=FILE   # or: ssh-keygen -Y sign -n %s -f FILE %s/checksums.txt\n' "$version" "$namespace" "$out" >&2
}

main() {
	parse "$@"
	umask 022
	export LC_ALL=C TZ=UTC
	repository=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
	mkdir -p "$out" && out=$(CDPATH='' cd -- "$out" && pwd -P)
	[ -z "$(ls -A "$out")" ] || die "$out is not empty" "rm -r $out"
	[ -z "$key" ] || key=$(readlink -f -- "$key")
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
	check_out
	check_key
	nfpm_program=$(tool nfpm "$nfpm")
	cyclonedx_program=$(tool cyclonedx-gomod "$cyclonedx")
	build_share "$work/share"
	for arch in $(printf '%s\n' "$archs" | tr , ' '); do
		build "$arch" "$work/$arch"
		archive "$arch"
		package "$arch"
	done
	"$cyclonedx_program" mod -json -noserial -notimestamp -std -output "$work/sbom" "$work/src" 2>"$work/log" || die "no SBOM: $(tail -n 1 "$work/log")"
	without_tool_digests <"$work/sbom" >"$out/vmgo-$version.cdx.json"
	(cd "$out" && sha256sum -- * >"$work/checksums.txt" && mv "$work/checksums.txt" .)
	sign
	say "$(find "$out" -type f | wc -l) files are in $out"
}

main "$@"
