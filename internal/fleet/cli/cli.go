// Package cli is the command line of vmgo-fleet: one file per command.
package cli

import (
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/program"
)

// Main runs the program in the given world and returns its exit status.
func Main(h host.Host) int {
	return program.Main(h, program.Fleet(), func(h host.Host) []program.Command {
		return []program.Command{
			newStatus(h).command(),
			newCloudInit(h).command(),
		}
	})
}
