// Vmgo-observe is the program behind vmgo observe: it records what a Go program does.
package main

import (
	"os"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/observe/cli"
)

func main() { os.Exit(cli.Main(host.OS())) }
