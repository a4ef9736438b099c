package shims

import (
	"errors"
	"strconv"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/tools/chosen"
)

// runDelve replaces the process by the Delve that debugs what the release
// selected here builds. The environment is not changed: Delve runs the go of PATH, and a GOROOT from
// here would pin every directory that it is asked about later.
func (p Process) runDelve(args []string) error {
	s, err := here.Look(here.Question{Env: p.Env, Dir: p.Dir, Root: p.Root, UID: p.UID, OwnPrograms: p.ownPrograms, Ranges: p.Ranges})
	switch {
	case errors.Is(err, gover.ErrNeedsRanges):
		return p.handOver(shimWord, append([]string{chosen.Delve}, args...)...)
	case err != nil && diag.CodeOf(err) != diag.NoRequirement:
		return err
	}
	line := ""
	if !s.Resolution.System { // where nothing is selected, its version has no line
		line = s.Resolution.Version.Lang().String()
	}
	program, flags := chosen.DelveFor(s.Layout.Data, line)
	if program == "" {
		return diag.New(diag.CommandNotFound, "no dlv was chosen for Go "+line, "vmgo tools install dlv")
	}
	depth, _ := strconv.Atoi(p.Env[depthVariable])
	return p.become(program, append(flags, args...), p.Env, depth)
}
