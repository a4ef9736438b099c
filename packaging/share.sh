#!/bin/sh
# Makes what lies beneath PREFIX/share, the same on every architecture:
# completions, manual pages, the documents and install.sh.
#
# usage: packaging/share.sh SOURCE VMGO DIR
#   SOURCE  a checkout or an unpacked module, VMGO a program built of it; those
#           beside it have pages, too
set -eu
source=$1 vmgo=$2 dir=$3
umask 022
mkdir -p "$dir/bash-completion/completions" "$dir/zsh/site-functions" "$dir/fish/vendor_completions.d" "$dir/man/man1" "$dir/doc/vmgo" "$dir/vmgo"
"$vmgo" completion bash >"$dir/bash-completion/completions/vmgo"
"$vmgo" completion zsh >"$dir/zsh/site-functions/_vmgo"
"$vmgo" completion fish >"$dir/fish/vendor_completions.d/vmgo.fish"
for program in "$vmgo" "$source"/cmd/vmgo-*; do
	name=${program##*/}
	program=${vmgo%/*}/$name
	# One of an older vmgo may have no page.
	if [ -x "$program" ] && command -v gzip >/dev/null && "$program" __man >"$dir/page" 2>/dev/null; then
		gzip -n9 <"$dir/page" >"$dir/man/man1/$name.1.gz"
	fi
done
rm -f -- "$dir/page"
cp "$source/install.sh" "$dir/vmgo/install.sh"
cd "$source"
cp -R README.md CHANGELOG.md SECURITY.md LICENSE docs packaging/profile.sh "$dir/doc/vmgo/"
