package shims

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/lookpath"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/tools/chosen"
)

// depthVariable counts shims that executed one another. A shim that is part of a
// circle (another version manager's shim that calls ours, a wrapper named go)
// starts a process each time; the count ends that soon.
const (
	depthVariable = "__VMGO_DEPTH"
	maxDepth      = 32
)

// switchVariable is set by the go command for the toolchain that it
// switches to: the version that this must have.
const switchVariable = "GOTOOLCHAIN_INTERNAL_SWITCH_VERSION"

// run executes the tool of that name that is selected in the working directory.
// It returns only if that fails.
func (p Process) run(name string, args []string) error {
	depth, _ := strconv.Atoi(p.Env[depthVariable])
	if depth >= maxDepth {
		return diag.New(diag.Recursion, "the shim "+name+" leads back to itself: "+strconv.Itoa(maxDepth)+" shims in a row",
			"type -a "+name)
	}
	if name == chosen.Delve {
		return p.runDelve(args)
	}
	s, handed, err := p.lookOrInstall(here.Question{
		Env: p.Env, Dir: p.workDir(name, args), Root: p.Root, UID: p.UID, OwnPrograms: p.ownPrograms, Ranges: p.Ranges, Polite: true,
	})
	if target, ok := p.switched(name, s); ok {
		return p.become(target, args, p.Env, depth)
	}
	switch {
	case handed, errors.Is(err, gover.ErrNeedsRanges):
		return p.handOver(shimWord, append([]string{name}, args...)...)
	case err != nil:
		return err
	}
	s.Prepare()
	env := s.Inside(p.Env, environ.How{})
	target, err := p.find(name, s, env)
	if err != nil {
		return err
	}
	return p.become(target, args, env, depth)
}

// switched returns the go that a go command wants to switch to. It set the
// variable for exactly that version; resolving again could only give it another.
func (p Process) switched(name string, s here.Situation) (string, bool) {
	version, err := gover.Parse(p.Env[switchVariable])
	if err != nil || name != "go" {
		return "", false
	}
	release, ok, _ := installed.Find(s.Layout.Stores(s.Settings.Root), version)
	return filepath.Join(release.GOROOT, "bin", name), ok
}

// find returns the program to execute: that of the release, else one that was
// installed into the project's GOPATH.
func (p Process) find(name string, s here.Situation, env environ.Env) (string, error) {
	if s.Resolution.System {
		return p.findForeign(name, s)
	}
	path := filepath.Join(s.Resolution.GOROOT, "bin", name)
	if lookpath.IsProgram(path) {
		return path, nil
	}
	if gopath, _, _ := strings.Cut(env["GOPATH"], ":"); filepath.IsAbs(gopath) {
		if path := filepath.Join(gopath, "bin", name); lookpath.IsProgram(path) && !p.isOwn(path) {
			return path, nil
		}
	}
	return "", diag.New(diag.CommandNotFound, "there is no "+path+", and no "+name+" in the GOPATH of this project",
		"ls "+filepath.Dir(path))
}

// findForeign finds the tool beside the go of the system, else on PATH.
func (p Process) findForeign(name string, s here.Situation) (string, error) {
	if name == "go" { // mutate: equivalent, because it is found beside itself.
		return s.Resolution.SystemGo, nil
	}
	dirs := []string{filepath.Dir(s.Resolution.SystemGo), filepath.Join(s.Resolution.GOROOT, "bin"), s.Outside["PATH"]}
	path, found := lookpath.Find(strings.Join(dirs, ":"), name, func(file string) bool {
		return !inStore(s, filepath.Dir(file)) && lookpath.IsProgram(file) && !p.isOwn(file)
	})
	if found {
		return path, nil
	}
	return "", diag.New(diag.CommandNotFound, "PATH has no "+name+" except those of vmgo", "vmgo use latest")
}

// inStore reports whether dir is in one of our stores.
func inStore(s here.Situation, dir string) bool {
	for _, store := range s.Layout.Stores(s.Settings.Root) {
		if isAbove(store, filepath.Clean(dir)) {
			return true
		}
	}
	return false
}

// become replaces the process.
func (p Process) become(target string, args []string, env environ.Env, depth int) error {
	env[depthVariable] = strconv.Itoa(depth + 1)
	err := p.Exec(target, append([]string{target}, args...), env.Pairs())
	return diag.Wrap(diag.CannotStart, err, "cannot start "+target, "file "+target)
}

// isOwn reports whether the program at path is one of vmgo's under another name.
func (p Process) isOwn(path string) bool {
	return resolve.IsOwn(path, p.ownPrograms())
}
