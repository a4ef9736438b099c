// Package cli is the command line of vmgo-observe: one file per command.
package cli

import (
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/program"
)

// Main runs the program in the given world and returns its exit status.
func Main(h host.Host) int {
	return program.Main(h, program.Observe(), func(h host.Host) []program.Command {
		return []program.Command{
			newRecord(h).command(),
			newCompare(h).command(),
			newStart(h).command(),
		}
	})
}

func usageError(text string) error { return diag.New(diag.Usage, text, "vmgo observe --help") }
