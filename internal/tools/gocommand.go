package tools

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gocmd"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// GoEnv returns the environment in which the go command runs for tools: where
// modules come from and who is asked about them is as the user has set it, by
// the environment or `go env -w`; GOFLAGS, GOOS, build tags and the like are not.
func GoEnv(env map[string]string, settings goenv.Settings, offline bool) map[string]string {
	clean := map[string]string{"GOTOOLCHAIN": "local", "GOENV": "off", "GO111MODULE": "on", "GOWORK": "off", "GOFLAGS": ""}
	for name, value := range env {
		if !strings.HasPrefix(name, "GO") && !strings.HasPrefix(name, "CGO_") && !strings.HasPrefix(name, "__VMGO") {
			clean[name] = value
		}
	}
	for _, name := range []string{"GOPATH", "GOMODCACHE", "GOCACHE", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE", "GOVCS", "GOAUTH", "GOTMPDIR"} {
		if v := settings.Get(name); v.IsSet() {
			clean[name] = v.Value
		}
	}
	clean["GOPROXY"] = settings.GOPROXY().Value
	if offline {
		clean["GOPROXY"] = "off"
	}
	return clean
}

// ask runs the go command of the builder and returns its standard output.
func (k Kit) ask(ctx context.Context, extra map[string]string, args ...string) (string, error) {
	env := map[string]string{}
	for _, vars := range []map[string]string{k.Env, extra} {
		for name, value := range vars {
			env[name] = value
		}
	}
	bin := filepath.Join(k.Builder.GOROOT, "bin")
	env["PATH"] = bin + ":" + env["PATH"]
	out, err := k.Host.Ask(ctx, host.Command{Args: append([]string{filepath.Join(bin, "go")}, args...), Env: env, Dir: "/"})
	if err != nil {
		return "", err
	}
	if out.Status != 0 {
		return "", &goError{strings.TrimSpace(out.Stderr)}
	}
	return out.Stdout, nil
}

// goError is what the go command said when it failed.
type goError struct{ text string }

func (e *goError) Error() string { return e.text }

// code returns how a failure of the go command counts.
func (e *goError) code() diag.Code {
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(e.text, word) })
	}
	switch {
	case has("GOPROXY=off"):
		return diag.Offline
	case has("SECURITY ERROR", "checksum mismatch"):
		return diag.ChecksumMismatch
	case gocmd.Unreachable(e.text):
		return diag.Network
	}
	return diag.Failure
}

// module is what `go list -m -json` says.
type module struct {
	Path     string
	Version  string
	GoMod    string
	Versions []string
}

// find asks for the module that has a package, which is the package's path or
// one above it.
func (k Kit) find(ctx context.Context, w Request) (module, error) {
	var first error
	for at := w.Package; strings.Contains(at, "/") || at == w.Package; {
		m, err := k.list(ctx, at+"@"+w.Query)
		if err == nil {
			return m, nil
		}
		if ctx.Err() != nil {
			return module{}, ctx.Err()
		}
		if first == nil {
			first = err
		}
		var said *goError
		if errors.As(err, &said) && said.code() == diag.Offline {
			break // else one that is no module may only look as if the network failed
		}
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			break
		}
		at = at[:i]
	}
	return module{}, k.failed("cannot find "+w.Package+"@"+w.Query, first)
}

func (k Kit) list(ctx context.Context, args ...string) (m module, err error) {
	out, err := k.ask(ctx, nil, append([]string{"list", "-m", "-json"}, args...)...)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal([]byte(out), &m)
}

// releases lists the versions of a module, oldest first, without prereleases and those
// that are +incompatible.
func (k Kit) releases(ctx context.Context, path string) ([]string, error) {
	m, err := k.list(ctx, "-versions", path)
	return slices.DeleteFunc(m.Versions, func(v string) bool { return strings.ContainsAny(v, "-+") }), err
}

// failed makes an error for people of one of the go command.
func (k Kit) failed(what string, err error) error {
	var said *goError
	if !errors.As(err, &said) {
		return diag.Wrap(diag.Failure, err, what)
	}
	hint := "vmgo exec -- go env GOPROXY"
	if said.code() == diag.Offline {
		hint = "vmgo config VMGO_OFFLINE; vmgo exec -- go env GOPROXY"
	}
	return diag.Wrap(said.code(), err, what, hint)
}

// needs reads the go line of a module's go.mod; zero where there is none.
func needs(m module) (gover.Version, error) {
	if m.GoMod == "" { // it could not be written, as on a full disk, and go list says no word
		return gover.Version{}, errors.New("the go command did not keep it in its module cache")
	}
	data, err := smallfile.Read(m.GoMod, smallfile.Usual)
	if err != nil {
		return gover.Version{}, err
	}
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "//")
		if words := strings.Fields(line); len(words) == 2 && words[0] == "go" {
			return gover.Parse(words[1])
		}
	}
	return gover.Version{}, nil
}

// resolved is a version of a tool that fits the builder.
type resolved struct {
	request Request
	module  module
	needs   gover.Version
}

// resolve finds the version to build: the newest that matches the query and
// whose go.mod the builder satisfies.
func (k Kit) resolve(ctx context.Context, w Request) (resolved, error) {
	m, err := k.find(ctx, w)
	if err != nil {
		return resolved{}, err
	}
	need, err := needs(m)
	if err != nil {
		return resolved{}, k.failed("cannot read the go.mod of "+m.Path+" "+m.Version, err)
	}
	if need.Compare(k.Builder.Version) <= 0 {
		return resolved{w, m, need}, nil
	}
	if w.Query != "latest" {
		return resolved{}, diag.New(diag.Failure, w.Name()+" "+m.Version+" needs Go "+need.String()+", and the newest installed release is "+k.Builder.Version.String(),
			"vmgo install "+need.Lang().String())
	}
	return k.newestFitting(ctx, w, m.Path, need)
}

// newestFitting looks for the newest version that the builder satisfies. What
// versions need only grows, so that half of them can be left out at each step.
func (k Kit) newestFitting(ctx context.Context, w Request, path string, newest gover.Version) (resolved, error) {
	releases, err := k.releases(ctx, path)
	if err != nil {
		return resolved{}, k.failed("cannot list the versions of "+path, err)
	}
	var failure error
	found := map[int]resolved{}
	look := func(i int) bool {
		if failure != nil {
			return true
		}
		m, err := k.list(ctx, path+"@"+releases[i])
		if err == nil {
			var need gover.Version
			if need, err = needs(m); err == nil && need.Compare(k.Builder.Version) <= 0 {
				found[i] = resolved{w, m, need}
				return false
			}
		}
		failure = err
		return true
	}
	i := sort.Search(len(releases), look) - 1
	if failure != nil {
		return resolved{}, k.failed("cannot read the versions of "+path, failure)
	}
	if i < 0 {
		return resolved{}, diag.New(diag.Failure, "no version of "+w.Name()+" fits Go "+k.Builder.Version.String()+", the newest installed release",
			"vmgo install "+newest.Lang().String())
	}
	return found[i], nil
}
