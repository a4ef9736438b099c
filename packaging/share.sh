#!/bin/sh
# Makes what lies beneath PREFIX/share, the same on every architecture:
# completions, the manual page, the documents and install.sh.
#
# usage: packaging/share.sh SOURCE VMGO DIR
#   SOURCE  a checkout or an unpacked module, VMGO a program built of it
set -eu
source=$1 vmgo=$2 dir=$3
umask 022
mkdir -p "$dir/bash-completion/completions" "$dir/zsh/site-functions" "$dir/fish/vendor_completions.d" "$dir/man/man1" "$dir/doc/vmgo" "$dir/vmgo"
"$vmgo" completion bash >"$dir/bash-completion/completions/vmgo"
"$vmgo" completion zsh >"$dir/zsh/site-functions/_vmgo"
"$vmgo" completion fish >"$dir/fish/vendor_completions.d/vmgo.fish"
if command -v gzip >/dev/null; then
	"$vmgo" __man | gzip -n9 >"$dir/man/man1/vmgo.1.gz"
fi
cp "$source/install.sh" "$dir/vmgo/install.sh"
cd "$source"
cp -R README.md CHANGELOG.md SECURITY.md LICENSE docs packaging/profile.sh "$dir/doc/vmgo/"
