// Vmgo is a per-directory Go version manager for Linux virtual machines.
package main

import (
	"os"

	"github.com/vmgo/vmgo/cmd"
	"github.com/vmgo/vmgo/internal/host"
)

func main() { os.Exit(cmd.Main(host.OS())) }
