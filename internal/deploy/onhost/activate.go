package onhost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/deploy/units"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/harden"
	"github.com/vmgo/vmgo/internal/smallfile"
)

func (a *App) unitDir() string { return filepath.Join(a.Root, "etc/systemd/system") }

// target is what the link of a unit leads to: program and units of a release
// become the current ones by the same rename.
func (a *App) target(unit string) string {
	return a.dir() + "/current/" + units.Dir + "/" + unit
}

// install makes r the current release on disk, and starts nothing. Doing it again
// after a crash at any point completes it.
func (a *App) install(r Release) error {
	names := slices.Sorted(maps.Keys(r.Units))
	for _, name := range names {
		if err := a.link(filepath.Join(a.unitDir(), name), a.target(name)); err != nil {
			return err
		}
	}
	for _, wanted := range units.Wanted(r.Config) {
		if err := a.link(filepath.Join(a.unitDir(), wanted), "../"+filepath.Base(wanted)); err != nil {
			return err
		}
	}
	if a.Current() != r.ID {
		err := a.do("rename "+a.dir()+"/current -> releases/"+r.ID, func() error {
			return replaceLink("releases/"+r.ID, a.path("current"))
		})
		if err != nil {
			return err
		}
	}
	return a.unlink(names)
}

// uninstall removes the units and the current release's link.
func (a *App) uninstall() error {
	if err := a.do("remove the units of "+a.Name, func() error { return a.unlink(nil) }); err != nil {
		return err
	}
	return a.do("remove "+a.dir()+"/current", func() error { return a.forget("current") })
}

// link makes a link of ours, and refuses to replace what is not ours.
func (a *App) link(name, target string) error {
	old, err := os.Readlink(name)
	switch {
	case err == nil && old == target:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return diag.New(diag.Failure, name+" exists and is not of vmgo deploy", "ls -l "+diag.Word(name))
	}
	return a.do("link "+name+" -> "+target, func() error {
		if err := fsx.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		return replaceLink(target, name)
	})
}

// replaceLink makes the link name in one step, durably.
func replaceLink(target, name string) error {
	if err := fsx.Symlink(target, name); err != nil {
		return err
	}
	return fsx.SyncDir(filepath.Dir(name))
}

// suffixes are those of the names of all units that a release may have.
func suffixes() []string {
	return []string{".service", ".socket", "-degraded.service", "-crashed.service", "-recover.service", "-logs.service", "-logs.timer"}
}

// unlink removes our links to units but those that stay.
func (a *App) unlink(stay []string) error {
	for _, suffix := range suffixes() {
		name := a.Name + suffix
		if slices.Contains(stay, name) {
			continue
		}
		if old, err := os.Readlink(filepath.Join(a.unitDir(), name)); err != nil || old != a.target(name) {
			continue
		}
		for _, dir := range []string{"multi-user.target.wants", "sockets.target.wants", "timers.target.wants", "."} {
			err := a.do("remove "+filepath.Join(a.unitDir(), dir, name), func() error {
				err := os.Remove(filepath.Join(a.unitDir(), dir, name))
				if errors.Is(err, fs.ErrNotExist) {
					return nil
				}
				return errors.Join(err, fsx.SyncDir(filepath.Join(a.unitDir(), dir)))
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// activate makes r the current release and has it run. The sockets stay open
// unless their unit changes, or something closed them.
func (a *App) activate(ctx context.Context, r Release) error {
	reopen := a.reopens(ctx, r)
	if err := a.stopTimer(ctx, r); err != nil {
		return err
	}
	if err := a.install(r); err != nil {
		return err
	}
	if !a.live() {
		return nil
	}
	if err := a.systemctl(ctx, "daemon-reload"); err != nil {
		return err
	}
	if err := a.systemctl(ctx, append([]string{"reset-failed"}, slices.Sorted(maps.Keys(r.Units))...)...); err != nil && ctx.Err() != nil {
		return err
	}
	if reopen {
		// In this order: a socket cannot be opened while a service has it.
		if err := a.systemctl(ctx, "stop", a.Name+"-degraded.service", a.Name+".service"); err != nil {
			return err
		}
		if err := a.systemctl(ctx, "restart", a.Name+".socket"); err != nil {
			return err
		}
	}
	if r.Units[a.timer()] != "" {
		if err := a.systemctl(ctx, "restart", a.timer()); err != nil {
			return err
		}
	}
	return a.systemctl(ctx, "restart", a.Name+".service")
}

func (a *App) timer() string { return a.Name + "-logs.timer" }

// stopTimer stops the timer of the archive where r has none.
func (a *App) stopTimer(ctx context.Context, r Release) error {
	if _, err := os.Lstat(filepath.Join(a.unitDir(), a.timer())); err != nil || r.Units[a.timer()] != "" || !a.live() {
		return nil
	}
	return a.systemctl(ctx, "stop", a.timer())
}

// reopens reports whether the sockets have to be opened, or opened anew.
func (a *App) reopens(ctx context.Context, r Release) bool {
	if len(r.Config.Listen) == 0 || !a.live() {
		return false
	}
	old, err := smallfile.Read(filepath.Join(a.unitDir(), a.Name+".socket"), smallfile.Usual)
	if err == nil && string(old) != r.Units[a.Name+".socket"] {
		a.Say("the sockets change: connections are refused for a moment")
		return true
	}
	return err != nil || a.show(ctx, a.Name+".socket")["ActiveState"] != "active"
}

// deactivate stops what runs and removes the units: the end of a first deploy that
// failed, and of remove.
func (a *App) deactivate(ctx context.Context) error {
	if a.live() {
		for _, suffix := range []string{"-logs.timer", ".socket", "-degraded.service", ".service"} {
			if _, err := os.Lstat(filepath.Join(a.unitDir(), a.Name+suffix)); err == nil {
				if err := a.systemctl(ctx, "stop", a.Name+suffix); err != nil {
					return err
				}
			}
		}
	}
	if err := a.uninstall(); err != nil || !a.live() {
		return err
	}
	return a.systemctl(ctx, "daemon-reload")
}

func (a *App) systemctl(ctx context.Context, args ...string) error {
	return a.do("systemctl "+strings.Join(args, " "), func() error {
		_, err := a.run(ctx, append([]string{"systemctl"}, args...)...)
		return err
	})
}

// properties are those of a unit that show returns.
const properties = "ActiveState,SubState,MainPID,NRestarts,InvocationID,Result,ExecMainStatus"

// show returns properties of a unit.
func (a *App) show(ctx context.Context, unit string) map[string]string {
	out, _ := a.run(ctx, "systemctl", "show", "-p", properties, unit)
	values := map[string]string{}
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[key] = value
	}
	return values
}

// unitDiff returns how the units change, for a plan.
func (a *App) unitDiff(r Release) string {
	var diff strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.Units)) {
		old, _ := smallfile.Read(filepath.Join(a.unitDir(), name), smallfile.Usual)
		from := "a/" + name
		if old == nil {
			from = "/dev/null"
		}
		fmt.Fprint(&diff, harden.UnifiedDiff(from, "b/"+name, string(old), r.Units[name]))
	}
	return diff.String()
}

// run runs a program of the host and returns what it printed.
func (a *App) run(ctx context.Context, words ...string) (string, error) {
	return a.runIn(ctx, "/", words...)
}
