package vscode

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/host"
)

// ProbeLimit is how long a server waits for the user's shell, unless
// application.shellEnvironmentResolutionTimeout says otherwise.
const ProbeLimit = 10 * time.Second

// Probe does what a server does once, for all its windows: it runs the user's
// shell as a login shell that is interactive, without a terminal, and reads the
// environment there (getUnixShellEnvironment in src/vs/platform/shell/node of VS
// Code). What the server was started with is env. The error says why the server
// goes on with env alone.
func Probe(ctx context.Context, h host.Host, env map[string]string, dir string) (map[string]string, error) {
	sh := Shell(env)
	mark := "vmgo" + environ.Hash(h.Now().String())
	asked := maps.Clone(env)
	maps.Copy(asked, map[string]string{"ELECTRON_RUN_AS_NODE": "1", "ELECTRON_NO_ATTACH_CONSOLE": "1", "VSCODE_RESOLVING_ENVIRONMENT": "1"})
	began := h.Now()
	out, err := h.Ask(ctx, host.Command{Args: append([]string{sh}, probeArgs(sh, mark)...), Env: asked, Dir: dir})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%s does not come to an end in %s", sh, h.Now().Sub(began).Round(time.Second))
	case err != nil:
		return nil, fmt.Errorf("%s: %w", sh, err)
	}
	_, rest, opened := strings.Cut(out.Stdout, mark)
	text, _, closed := strings.Cut(rest, mark)
	if !opened || !closed {
		return nil, fmt.Errorf("%s does not run a command, and exits with status %d", sh, out.Status)
	}
	found := map[string]string{}
	for pair := range strings.SplitSeq(text, "\x00") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			found[name] = value
		}
	}
	for name := range asked {
		if _, had := env[name]; !had && asked[name] == found[name] {
			delete(found, name)
		}
	}
	return found, nil
}

// Shell returns the shell that a server with this environment asks.
func Shell(env map[string]string) string {
	if sh := env["SHELL"]; filepath.IsAbs(sh) && sh != "/bin/false" {
		return sh
	}
	return "/bin/sh"
}

// probeArgs are the arguments by which a shell prints its environment between
// two marks.
func probeArgs(sh, mark string) []string {
	command := `/bin/sh -c 'printf %s ` + mark + `; /usr/bin/env -0; printf %s ` + mark + `'`
	switch filepath.Base(sh) {
	case "csh", "tcsh":
		return []string{"-ic", command}
	case "nu":
		return []string{"-i", "-l", "-c", "^" + command}
	}
	return []string{"-i", "-l", "-c", command}
}
