// Vmgo-proxy is the program behind vmgo proxy: a caching module proxy for a team.
package main

import (
	"os"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/proxy/cli"
)

func main() { os.Exit(cli.Main(host.OS())) }
