// Package cli is the command line of vmgo-proxy: one file per command.
package cli

import (
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/program"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Main runs the program in the given world and returns its exit status.
func Main(h host.Host) int {
	return program.Main(h, "vmgo proxy", "a caching module proxy for a team, with proofs", []program.Command{
		newServe(h).command(),
		newCheck(h).command(),
		newEnv(h).command(),
		newUnit(h).command(),
	})
}

// goSettings reads Go's own settings: the environment, then the user's go env file.
func goSettings(h host.Host) goenv.Settings {
	path := goenv.UserFile(h.Env)
	data, err := smallfile.Read(path, smallfile.Usual)
	if err != nil {
		return goenv.Settings{Env: h.Env}
	}
	return goenv.Settings{Env: h.Env, User: goenv.File{Path: path, Text: string(data)}}
}
