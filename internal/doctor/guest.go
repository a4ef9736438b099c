package doctor

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/goenv"
)

// guest is a place for what the go command writes by itself, for a run with the home
// directory of another user, such as `sudo -E vmgo doctor`: files of this user there
// would stop the builds of its owner.
type guest struct {
	m   *Machine
	dir string // empty where HOME is this user's own
}

// guest returns the place, and what removes it.
func (m *Machine) guest() (g guest, remove func(), err error) {
	g, remove = guest{m: m}, func() {}
	if !m.isAnothers(m.Env["HOME"]) { // m.Layout has root's own home directory then
		return g, remove, nil
	}
	if g.dir, err = os.MkdirTemp(m.Path(m.TempDir()), "vmgo-doctor-"); err != nil {
		return g, remove, err
	}
	remove = func() { _ = os.RemoveAll(g.dir) } // a temporary directory
	mode := filepath.Join(g.dir, "config/go/telemetry/mode")
	if err = os.MkdirAll(filepath.Dir(mode), 0o700); err == nil {
		err = os.WriteFile(mode, []byte("off\n"), 0o600) // its child process would outlive the directory
	}
	if err != nil {
		remove()
		return g, func() {}, fmt.Errorf("making a place for what go writes: %w", err)
	}
	return g, remove, nil
}

// env returns the environment for a go command: its counters and its build cache go
// elsewhere where this user can write in those of another user. The settings of
// go env -w and of vmgo stay those of the environment.
func (g guest) env(env map[string]string) map[string]string {
	if g.dir == "" || !g.m.isAnothers(env["HOME"]) {
		return env
	}
	env = maps.Clone(env)
	file := goenv.UserFile(env)
	settings := goenv.Settings{Env: env, User: g.m.goEnvFile(file)}
	if cache := settings.Get("GOCACHE").Value; g.leavesTraces(cache) {
		env["GOCACHE"] = g.m.Show(filepath.Join(g.dir, "cache"))
	}
	config := env["XDG_CONFIG_HOME"]
	if config == "" {
		config = filepath.Join(env["HOME"], ".config")
	}
	if g.leavesTraces(filepath.Join(config, "go/telemetry")) { // golang.org/x/telemetry/internal/telemetry/dir.go
		own := filepath.Join(g.dir, "config")
		_ = os.Symlink(g.m.Path(filepath.Join(config, "vmgo")), filepath.Join(own, "vmgo")) // once for all sessions
		env["XDG_CONFIG_HOME"] = g.m.Show(own)
		if env["GOENV"] == "" {
			env["GOENV"] = file
		}
	}
	return env
}

// leavesTraces reports whether what go writes there would be this user's in a directory
// of another one.
func (g guest) leavesTraces(dir string) bool {
	if !filepath.IsAbs(dir) {
		return false
	}
	nearest := g.m.Nearest(dir)
	return g.m.isAnothers(nearest) && g.m.unwritable(nearest) == ""
}

// isAnothers reports whether a directory belongs to another user.
func (m *Machine) isAnothers(dir string) bool {
	if !filepath.IsAbs(dir) {
		return false
	}
	uid, _ := m.Owner(dir)
	return uid >= 0 && uid != m.UID
}
