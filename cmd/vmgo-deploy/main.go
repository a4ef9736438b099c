// Vmgo-deploy is the program behind vmgo deploy: it brings Go programs to hosts over
// ssh, and is the host's side of that.
package main

import (
	"os"

	"github.com/vmgo/vmgo/internal/deploy/cli"
	"github.com/vmgo/vmgo/internal/host"
)

func main() { os.Exit(cli.Main(host.OS())) }
