#!/bin/sh
# The work of action.yml: builds vmgo from the commit of this action, installs the
# release that VERSION or VERSION_FILE asks for, and selects it for the next steps.
set -eu

home=${RUNNER_TOOL_CACHE:-$RUNNER_TEMP}/vmgo
vmgo=$home/bin/vmgo
export VMGO_ROOT="$home/go" VMGO_GOPATH=inherit

# A cache from an earlier run may have the programs already.
"$vmgo" version >/dev/null 2>&1 || "$GITHUB_ACTION_PATH/../install.sh" --programs-only --prefix "$home"

if [ -n "${VERSION_FILE:-}" ]; then
	[ -f "$VERSION_FILE" ] || { echo "::error::there is no $VERSION_FILE" && exit 1; }
	cd -- "$(dirname -- "$VERSION_FILE")"
fi
set --
[ -z "${VERSION:-}" ] || set -- "$VERSION"
"$vmgo" install "$@"
[ -z "${VERSION:-}" ] || export VMGO_VERSION="$VERSION"
version=$("$vmgo" current --short)
export VMGO_VERSION="$version"
"$vmgo" env --shell github
printf '%s\n' "$home/bin" >>"$GITHUB_PATH"
printf 'VMGO_ROOT=%s\n' "$VMGO_ROOT" >>"$GITHUB_ENV"
printf 'go-version=%s\ngoroot=%s\n' "$version" "$VMGO_ROOT/$version" >>"$GITHUB_OUTPUT"
