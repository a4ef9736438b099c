// Vmgo-shim is the lean half of vmgo: what the hook of a shell calls, and what
// links named go and gofmt lead to. All of it is in package shims.
package main

import (
	"os"

	"github.com/vmgo/vmgo/shims"
)

func main() { os.Exit(shims.Main(shims.OS())) }
