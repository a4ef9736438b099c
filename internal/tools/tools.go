// Package tools keeps the programs that people use beside the go command
// (gopls, Delve, linters): each in one version, the newest whose go.mod fits the
// newest installed release, built by that release.
//
// A build lives in <data>/tools/NAME/VERSION/goBUILDER/ with its receipt; the
// link NAME/current says which build runs, NAME/previous which one did before,
// and a link in the user's directory of programs leads there. So a switch is one
// rename. What the go command does for `go install PKG@VERSION` it does here:
// the module proxy and the checksum database are asked as the user's settings
// say, but GOFLAGS of the environment do not count.
package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/tools/chosen"
)

const (
	receiptFormat = 1 // the number of the receipt's format
	receiptName   = "receipt.json"
	previous      = "previous"
	stagePrefix   = ".stage-" // of the directories that builds are made in
)

// Receipt says what a build is and how it came about.
type Receipt struct {
	Format    int       `json:"format"`
	Name      string    `json:"name"`
	Package   string    `json:"package"`
	Module    string    `json:"module"`
	Version   string    `json:"version"`
	Requested string    `json:"requested"` // latest, a prefix such as v2.5, or a version
	Needs     string    `json:"needs"`     // the go line of its go.mod; empty if there is none
	Builder   string    `json:"builder"`   // the release that built it
	Sum       string    `json:"sum"`       // of the module, as in go.sum; empty where the go command recorded none
	SHA256    string    `json:"sha256"`    // of the program
	BuiltAt   time.Time `json:"built_at"`

	dir string
}

// Request is a tool to be installed.
type Request struct {
	Package string // import path of the program
	Query   string // latest, a prefix such as v2.5, or a version
}

// Name is the name of the program, as the go command makes it of the path.
func (w Request) Name() string {
	base := path.Base(w.Package)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(w.Package))
	}
	return base
}

// known are tools that may be named without their path.
func known() map[string]string {
	return map[string]string{
		"gopls": "golang.org/x/tools/gopls", "dlv": "github.com/go-delve/delve/cmd/dlv",
		"staticcheck": "honnef.co/go/tools/cmd/staticcheck", "golangci-lint": "github.com/golangci/golangci-lint/v2/cmd/golangci-lint",
		"goimports": "golang.org/x/tools/cmd/goimports", "stringer": "golang.org/x/tools/cmd/stringer",
		"gofumpt": "mvdan.cc/gofumpt", "govulncheck": "golang.org/x/vuln/cmd/govulncheck", "gotestsum": "gotest.tools/gotestsum",
		"mockgen": "go.uber.org/mock/mockgen", "protoc-gen-go": "google.golang.org/protobuf/cmd/protoc-gen-go",
		"protoc-gen-go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc", "air": "github.com/air-verse/air",
	}
}

// ParseRequest reads PKG[@VERSION], where PKG is an import path or a known name.
func ParseRequest(text string) (Request, error) {
	name, query, found := strings.Cut(text, "@")
	if !found {
		query = "latest"
	}
	full, isKnown := known()[name]
	switch {
	case isKnown && name == "golangci-lint" && strings.HasPrefix(query+".", "v1."):
		name = strings.Replace(full, "/v2/", "/", 1)
	case isKnown:
		name = full
	}
	domain, _, _ := strings.Cut(name, "/")
	if !strings.Contains(domain, ".") || strings.ContainsAny(text, " \t\n\\:") || strings.HasPrefix(name, "-") ||
		strings.HasPrefix(query, "-") || query == "" || path.Clean(name) != name || strings.HasPrefix(name, ".") {
		return Request{}, diag.New(diag.Usage, "unknown tool "+text+": use an import path, or one of the known names",
			"vmgo tools install gopls dlv staticcheck", "vmgo tools install example.org/x/cmd/y@latest")
	}
	return Request{name, query}, nil
}

// Source is the version of a tool that [Kit.Install] would build.
type Source struct {
	Name, Package, Module, Version string
	GoMod                          string // the file of its go.mod
}

// Find returns the version of a tool that fits the builder, without building it.
func (k Kit) Find(ctx context.Context, w Request) (Source, error) {
	found, err := k.resolve(ctx, w)
	return Source{w.Name(), w.Package, found.module.Path, found.module.Version, found.module.GoMod}, err
}

// Builder is the release that builds.
type Builder struct {
	Version gover.Version
	GOROOT  string
}

// Kit is the tools of a user.
type Kit struct {
	Host    host.Host
	Data    string            // where vmgo keeps the user's data
	Bin     string            // the user's directory of programs
	Shim    string            // vmgo-shim, to which dlv is a link
	Env     map[string]string // the environment of the go command: see [GoEnv]
	Builder Builder
	Lines   []gover.Version // language versions of the installed releases
	Force   bool            // replace programs in Bin that are not ours
}

func (k Kit) dir(name string) string { return filepath.Join(chosen.Tools(k.Data), name) }

// List returns the receipt of the current build of each tool, by name.
func (k Kit) List() ([]Receipt, error) {
	entries, err := os.ReadDir(chosen.Tools(k.Data))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []Receipt
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") { // the lock, and stages
			continue
		}
		receipt, err := k.current(entry.Name())
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			all = append(all, receipt)
		}
	}
	return all, nil
}

// Pick returns the receipts of the named tools, of all without a name.
func (k Kit) Pick(names []string) ([]Receipt, error) {
	all, err := k.List()
	if err != nil || len(names) == 0 {
		return all, err
	}
	var picked []Receipt
	for _, name := range names {
		i := slices.IndexFunc(all, func(r Receipt) bool { return r.Name == name || r.Package == name })
		if i < 0 {
			return nil, diag.New(diag.NotInstalled, "the tool "+name+" is not installed", "vmgo tools install "+diag.Word(name))
		}
		picked = append(picked, all[i])
	}
	return picked, nil
}

func (k Kit) current(name string) (Receipt, error) {
	return readReceipt(filepath.Join(k.dir(name), chosen.Current))
}

func readReceipt(dir string) (Receipt, error) {
	file := filepath.Join(dir, receiptName)
	data, err := smallfile.Read(file, smallfile.Usual)
	if err != nil {
		return Receipt{}, err
	}
	r := Receipt{dir: dir}
	err = fsx.Decode("the receipt of a tool, "+file+",", data, receiptFormat, &r)
	return r, err
}

// place is the directory of a build.
func (k Kit) place(name, version string) string {
	return filepath.Join(k.dir(name), version, k.Builder.Version.Toolchain())
}

// Lock keeps other writers away until the function that it returns is called, and removes
// unfinished builds of a writer that was killed.
func (k Kit) Lock(ctx context.Context, onWait func(fsx.Holder)) (release func(), err error) {
	if err := os.MkdirAll(chosen.Tools(k.Data), 0o755); err != nil {
		return nil, err
	}
	lock, err := fsx.Acquire(ctx, filepath.Join(chosen.Tools(k.Data), ".lock"), fsx.LockOptions{
		Holder: fsx.Holder{PID: k.Host.PID, What: "vmgo tools", Since: k.Host.Now()}, OnWait: onWait,
	})
	if err != nil {
		return nil, err
	}
	release = func() { _ = lock.Release() }
	if err := k.removeStages(); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

func (k Kit) removeStages() error {
	entries, err := os.ReadDir(chosen.Tools(k.Data))
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), stagePrefix) {
			err = errors.Join(err, fsx.RemoveAll(chosen.Tools(k.Data), entry.Name()))
		}
	}
	return err
}

// Remove removes a tool with all its builds, and its link if it is ours.
func (k Kit) Remove(name string) error {
	link := filepath.Join(k.Bin, name)
	if k.ours(link) {
		if err := os.Remove(link); err != nil {
			return err
		}
	}
	return fsx.RemoveAll(chosen.Tools(k.Data), name)
}

// Rollback makes the build current that was so before, and that one previous.
func (k Kit) Rollback(name string) (Receipt, error) {
	dir := k.dir(name)
	now, err := os.Readlink(filepath.Join(dir, chosen.Current))
	if err != nil {
		return Receipt{}, diag.New(diag.NotInstalled, "the tool "+name+" is not installed", "vmgo tools install "+diag.Word(name))
	}
	before, err := os.Readlink(filepath.Join(dir, previous))
	if err == nil {
		_, err = readReceipt(filepath.Join(dir, before))
	}
	if err != nil {
		return Receipt{}, diag.New(diag.Failure, "no build of "+name+" from before is kept", "vmgo tools list")
	}
	if err := errors.Join(relink(before, filepath.Join(dir, chosen.Current)), relink(now, filepath.Join(dir, previous))); err != nil {
		return Receipt{}, err
	}
	return k.current(name)
}

// use makes a build the current one, remembers the one before, and drops older ones.
func (k Kit) use(r Receipt) error {
	dir := k.dir(r.Name)
	target, err := filepath.Rel(dir, r.dir)
	if err != nil {
		return err
	}
	link := filepath.Join(dir, chosen.Current)
	if now, err := os.Readlink(link); err == nil && now != target {
		if err := relink(now, filepath.Join(dir, previous)); err != nil {
			return err
		}
	}
	if err := relink(target, link); err != nil {
		return err
	}
	return k.publish(r.Name)
}

// publish makes the link in the user's directory of programs.
func (k Kit) publish(name string) error {
	link, target := filepath.Join(k.Bin, name), filepath.Join(k.dir(name), chosen.Current, name)
	if name == chosen.Delve && k.Shim != "" {
		target = k.Shim
	}
	if err := os.MkdirAll(k.Bin, 0o777); err != nil {
		return err
	}
	if err := k.Free(name); err != nil {
		return err
	}
	return relink(target, link)
}

// Free returns an error if a program that is not ours has the tool's name.
func (k Kit) Free(name string) error {
	link := filepath.Join(k.Bin, name)
	if _, err := os.Lstat(link); err != nil || k.Force || k.ours(link) {
		return nil
	}
	return diag.New(diag.Failure, link+" already exists and was not installed by vmgo tools",
		"vmgo tools install --force "+diag.Word(name)+"   # replaces it")
}

// ours reports whether a link leads to the tools or to vmgo-shim.
func (k Kit) ours(link string) bool {
	target, err := os.Readlink(link)
	return err == nil && (strings.HasPrefix(target, chosen.Tools(k.Data)+"/") || filepath.Base(target) == "vmgo-shim")
}

// sweep removes the builds of a tool that no link leads to.
func (k Kit) sweep(name string) error {
	dir := k.dir(name)
	kept := map[string]bool{}
	links := []string{filepath.Join(dir, chosen.Current), filepath.Join(dir, previous)}
	for _, group := range []string{chosen.Fitting, chosen.Unchecked} {
		entries, _ := os.ReadDir(filepath.Join(dir, group))
		for _, entry := range entries {
			links = append(links, filepath.Join(dir, group, entry.Name()))
		}
	}
	for _, link := range links {
		if real, err := filepath.EvalSymlinks(link); err == nil {
			kept[real] = true
		}
	}
	builds, err := filepath.Glob(filepath.Join(dir, "*", "go*"))
	if err != nil {
		return err
	}
	for _, build := range builds {
		real, err := filepath.EvalSymlinks(build)
		if info, statErr := os.Lstat(build); err != nil || statErr != nil || !info.IsDir() || kept[real] {
			continue
		}
		if err := fsx.RemoveAll(filepath.Dir(build), filepath.Base(build)); err != nil {
			return err
		}
		_ = os.Remove(filepath.Dir(build)) // if it was the last of its version
	}
	return nil
}

// relink makes path a link to target, where it is none.
func relink(target, path string) error {
	if now, err := os.Readlink(path); err == nil && now == target {
		return nil
	}
	return fsx.Symlink(target, path)
}

func writeReceipt(dir string, r Receipt) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := fsx.WriteFile(filepath.Join(dir, receiptName), append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the receipt: %w", err)
	}
	return nil
}
