package cmd

import (
	"context"
	"sync"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/host"
)

// shimInstaller returns the function that a shim calls for a missing release.
func shimInstaller(h host.Host) func(dir string) error {
	return func(dir string) error {
		ctx, cancel := h.Interrupts(context.Background())
		defer cancel()
		err := installUnasked(ctx, h, dir, "")
		if err != nil && ctx.Err() != nil {
			return interrupted(err)
		}
		return err
	}
}

// installUnasked installs the release of a selector, or without one the release
// that dir requests, like `vmgo install`, and prints one line on stderr.
func installUnasked(ctx context.Context, h host.Host, dir, selector string) error {
	name := selector
	h.Args = []string{"vmgo", "install", "--quiet"}
	if selector == "" {
		name = "the release that " + dir + " requests"
	} else {
		h.Args = append(h.Args, selector)
	}
	h.Dir, h.Stdout, h.StdoutTTY = dir, h.Stderr, false
	a := &app{host: h, layout: dirs.FromEnv(h.Env, h.Root, h.UID), ownPath: sync.OnceValue(func() string { return findOwnPath(h) })}
	a.sayf("vmgo: installing %s, because VMGO_AUTOINSTALL=1", name)
	return a.run(ctx)
}

// lookOrInstall is [app.look]; with VMGO_AUTOINSTALL=1 it installs a missing
// release first.
func (a *app) lookOrInstall(ctx context.Context, q here.Question) (here.Situation, error) {
	s, err := a.look(q)
	if q.Version != "" && diag.CodeOf(err) == diag.NotInstalled && a.settings.AutoInstall || s.Installable(err) {
		if err := installUnasked(ctx, a.host, a.host.Dir, q.Version); err != nil {
			return s, err
		}
		return a.look(q)
	}
	return s, err
}
