package verify

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/store"
)

// rebuildSeconds is the processor time of a whole build: measured with 1.26.8,
// compiled by 1.24.13.
const rebuildSeconds = 720

// rebuildBytes is what a build takes on disk at its most: measured with 1.26.8.
const rebuildBytes = 1_200_000_000

// firstReproducible is the minor version from which on releases are built so that
// every build gives the same bytes.
const firstReproducible = 21

// checkRebuild is the check "rebuild": the release is built again from the source in
// its own tree, by another release, and each of its binaries must be equal to the result.
func (v *Verifier) checkRebuild(ctx context.Context, c *Check, t Target, tree *Tree) {
	name := t.Version.Toolchain()
	switch {
	case t.Version.Major() == 1 && t.Version.Minor() < firstReproducible:
		c.skip(diag.New(diag.Unproven, name+" cannot be built again bit for bit: releases are reproducible from 1.21 on", "vmgo verify --log "+t.Version.String()))
		return
	case t.Platform.OS != runtime.GOOS || t.Platform.Arch != runtime.GOARCH:
		c.skip(diag.New(diag.UnsupportedPlatform, name+" in "+t.GOROOT+" is for "+t.Platform.String()+": it can be built again on such a machine"))
		return
	}
	key := tree.key()
	if kept, ok := v.keptRebuild(t, key); ok && v.Bootstrap.GOROOT == "" {
		c.Detail = fmt.Sprintf("%s, on %s (kept; --bootstrap VERSION builds it again)", equalText(kept), kept.At.Format(time.DateOnly))
		return
	}
	boot, err := v.bootstrapFor(t)
	if err != nil {
		c.skip(err)
		return
	}
	problems, binaries, err := v.rebuild(ctx, t, tree, boot)
	switch {
	case err != nil:
		c.fail(err)
	case len(problems) > 0:
		c.Problems = problems
		c.fail(diag.New(diag.Tampered, fmt.Sprintf("%d of %d binaries in %s are not what its source compiles to (by %s): %s",
			len(problems), binaries, t.GOROOT, boot.Version.Toolchain(), problems[0].Path), "vmgo repair "+t.Version.String()))
	default:
		result := store.Rebuilt{With: boot.Version.Toolchain(), GOROOT: boot.GOROOT, At: v.Now().UTC().Truncate(time.Second), Tree: key, Binaries: binaries}
		c.Detail = equalText(result)
		if err := v.keepRebuild(ctx, t, result); err != nil {
			c.fail(err)
		}
	}
}

func equalText(r store.Rebuilt) string {
	return fmt.Sprintf("%d binaries equal to what %s of %s builds from the source", r.Binaries, r.With, r.GOROOT)
}

// rebuild builds the release and compares. What an earlier run left is used; if that
// fails, it is built from the beginning, so that no leftover causes a false alarm.
func (v *Verifier) rebuild(ctx context.Context, t Target, tree *Tree, boot Bootstrap) (problems []Problem, binaries int, err error) {
	w, err := v.openWork(ctx, t)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, w.close(ctx.Err() != nil)) }()
	resumed, err := w.prepare(ctx, t, tree, boot)
	for {
		if err == nil {
			v.announceRebuild(t, boot, resumed)
			problems, binaries, err = w.attempt(ctx, v, t, tree, boot, resumed)
		}
		if ctx.Err() != nil {
			return nil, 0, context.Cause(ctx)
		}
		if !resumed || err == nil && len(problems) == 0 {
			return problems, binaries, err
		}
		if err = w.clear(); err == nil {
			resumed, err = w.prepare(ctx, t, tree, boot)
		}
	}
}

func (v *Verifier) announceRebuild(t Target, boot Bootstrap, resumed bool) {
	if v.Progress == nil {
		return
	}
	took := time.Duration(rebuildSeconds/max(1, v.Jobs)) * time.Second
	text := fmt.Sprintf("building %s again with %s: about %v on an idle machine", t.Version.Toolchain(), boot.Version.Toolchain(), took.Round(time.Minute))
	if resumed {
		text += ", less what an earlier run has compiled"
	}
	v.Progress(text)
}

// attempt builds once, and compares each binary of the tree.
func (w *work) attempt(ctx context.Context, v *Verifier, t Target, tree *Tree, boot Bootstrap, resumed bool) ([]Problem, int, error) {
	if err := w.build(ctx, v, t, boot, resumed); err != nil {
		return nil, 0, err
	}
	built := map[string]*TreeFile{}
	for _, dir := range []string{"bin", "pkg/tool"} {
		made, err := Scan(ctx, filepath.Join(w.goroot(), filepath.FromSlash(dir)), v.Jobs, nil)
		if err != nil {
			return nil, 0, err
		}
		for name, f := range made.index() {
			built[path.Join(dir, name)] = f
		}
	}
	var problems []Problem
	binaries := 0
	for i := range tree.Files {
		f := &tree.Files[i]
		if !isBinary(f.Path) {
			continue
		}
		binaries++
		switch made := built[f.Path]; {
		case made == nil:
			problems = append(problems, Problem{f.Path, Extra})
		case made.SHA256 != f.SHA256:
			problems = append(problems, Problem{f.Path, Modified})
		}
	}
	if binaries == 0 {
		return nil, 0, diag.New(diag.Tampered, t.GOROOT+" has no binaries to compare", "vmgo repair "+t.Version.String())
	}
	return problems, binaries, nil
}

// isBinary reports whether a build makes the file at path.
func isBinary(path string) bool {
	return strings.HasPrefix(path, "bin/") || strings.HasPrefix(path, "pkg/tool/")
}

// noRoom is the error of a disk that is full, or too small.
func noRoom(dir string, err error) error {
	text := "no room to build a release in " + dir
	if free, freeErr := fsx.Free(dir); err == nil && freeErr == nil {
		if free.Bytes >= rebuildBytes {
			return nil
		}
		text = fmt.Sprintf("building a release takes %.1f GB, and %s has %.1f GB", rebuildBytes/1e9, dir, float64(free.Bytes)/1e9)
	} else if err == nil {
		return freeErr
	}
	return diag.Wrap(diag.DiskFull, err, text, "df -h "+diag.Word(dir))
}
