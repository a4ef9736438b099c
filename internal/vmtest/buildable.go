package vmtest

import (
	"runtime"
	"strings"
)

// buildableGo is the go command of a release that compiles cmd/dist by copying it.
const buildableGo = `#!/bin/sh
case "$1" in
version) echo 'go version @VERSION@ @PLATFORM@' ;;
build) cp cmd/dist/dist.sh "$3" && chmod 755 "$3" ;;
esac
`

// buildableDist builds as cmd/dist does: programs out of the source, a compiler by way of the
// build cache. It stops for as long as there is a file hold beside the bootstrap, and
// notes its arguments in a file asked there.
const buildableDist = `#!/bin/sh
set -eu
[ "$GOENV,$GOFLAGS,$GOTOOLCHAIN,$GOPROXY,$GOSUMDB" = off,,local,off,off ] || { echo "another environment" && exit 3; }
cd "$GOROOT"
[ ! -e bin ] && [ ! -e pkg/tool ] || { echo "binaries are here already" && exit 3; }
beside=${GOROOT_BOOTSTRAP%/*} cache=pkg/obj/go-build
[ ! -e "$beside/asked" ] || echo "$*" >>"$beside/asked"
case " $* " in *" -a "*) rm -rf "$cache" ;; esac
mkdir -p bin pkg/tool/@PLATFORM_@ "$cache"
echo "Building Go toolchain1 using $GOROOT_BOOTSTRAP."
[ -e "$cache/compile" ] || cp src/cmd/compile/compile.sh "$cache/compile"
echo "Building Go toolchain2 using go_bootstrap and Go toolchain1."
while [ -e "$beside/hold" ]; do sleep 0.05; done
[ ! -e "$beside/fail" ] || { cat "$beside/fail" && exit 1; }
cp "$cache/compile" pkg/tool/@PLATFORM_@/compile
cp src/cmd/link/link.sh pkg/tool/@PLATFORM_@/link
cp src/cmd/link/link.sh pkg/tool/@PLATFORM_@/dist
cp src/cmd/go/go.sh bin/go
cp src/cmd/gofmt/gofmt.sh bin/gofmt
rm -rf pkg/obj
`

// Buildable returns files for a [Toolchain] of this machine's platform that make of it a release
// which can be built again from its source, by another such release from least on.
func Buildable(version, least string) map[string]string {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	expand := strings.NewReplacer("@VERSION@", "go"+version, "@PLATFORM@", platform, "@PLATFORM_@", runtime.GOOS+"_"+runtime.GOARCH).Replace
	files := map[string]string{"src/make.bash": "#!/usr/bin/env bash\n\nbootgo=" + least + "\n", "src/cmd/dist/dist.sh": expand(buildableDist)}
	for name, binary := range map[string]string{"go": "bin/go", "gofmt": "bin/gofmt", "compile": "pkg/tool/@PLATFORM_@/compile", "link": "pkg/tool/@PLATFORM_@/link"} {
		text := expand(buildableGo + "# " + name + " of @VERSION@\n")
		files["src/cmd/"+name+"/"+name+".sh"], files[expand(binary)] = text, text
	}
	return files
}
