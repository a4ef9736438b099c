// Package cli is the command line of vmgo-proxy: one file per command.
package cli

import (
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/program"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Main runs the program in the given world and returns its exit status.
func Main(h host.Host) int {
	return program.Main(h, program.Proxy(), func(h host.Host) []program.Command {
		return []program.Command{
			newServe(h).command(),
			newCheck(h).command(),
			newEnv(h).command(),
			newUnit(h).command(),
		}
	})
}

// goSettings reads Go's own settings: the environment, then the user's go env file,
// then vmgo's settings files, as hook and shims have it. Files that cannot be read
// are none.
func goSettings(h host.Host) goenv.Settings {
	found := goenv.Settings{Env: h.Env}
	path := goenv.UserFile(h.Env)
	if data, err := smallfile.Read(path, smallfile.Usual); err == nil {
		found.User = goenv.File{Path: path, Text: string(data)}
	}
	if loaded, err := settings.Load(h.Env, dirs.FromEnv(h.Env, h.Root, h.UID).SettingsFiles()...); err == nil {
		found.Vmgo = loaded.Go
	}
	return found
}
