// Vmgo-fleet is the program behind vmgo fleet: it looks at many hosts over ssh.
package main

import (
	"os"

	"github.com/vmgo/vmgo/internal/fleet/cli"
	"github.com/vmgo/vmgo/internal/host"
)

func main() { os.Exit(cli.Main(host.OS())) }
