// Package build makes packages: it builds the program with the release that the
// project selects, gathers files, units and what is to be known about the build,
// and signs the list of all of it.
package build

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/deploy/pack"
	"github.com/vmgo/vmgo/internal/deploy/units"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/libc"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/sshrun"
)

// Builder makes the packages of a project.
type Builder struct {
	Host    host.Host
	Config  config.Config
	Project string // the directory of the configuration
	Arch    string // as GOARCH
	Version string // empty: what git describe says
}

// Package is a package on this machine.
type Package struct {
	pack.Signed
	Dir string // has its files
}

// toolchain is the release that the project selects, as vmgo says it.
type toolchain struct {
	Version   string          `json:"version"`
	GOROOT    string          `json:"goroot"`
	Installed bool            `json:"installed"`
	Proofs    json.RawMessage `json:"proofs,omitempty"`
}

// Build makes the package in the empty directory dir.
func (b Builder) Build(ctx context.Context, dir string) (Package, error) {
	p := Package{Dir: dir}
	tool, err := b.selected(ctx)
	if err != nil {
		return p, err
	}
	helper, err := Helper(b.Host, b.Arch)
	if err != nil {
		return p, err
	}
	if err := b.compile(ctx, tool, dir); err != nil {
		return p, err
	}
	if err := b.gather(dir); err != nil {
		return p, err
	}
	version := b.Version
	if version == "" {
		version = b.describe(ctx)
	}
	if err := b.describeBuild(ctx, dir, tool); err != nil {
		return p, err
	}
	if err := b.texts(dir, helper); err != nil {
		return p, err
	}
	p.Manifest = pack.Manifest{Format: 1, Name: b.Config.Name, Version: version, Arch: b.Arch}
	if p.Manifest.Files, err = pack.List(dir); err != nil {
		return p, err
	}
	if p.Encoded, err = p.Manifest.Encode(); err != nil {
		return p, err
	}
	if !b.Config.Signing.None {
		p.Signature, err = sshrun.Sign(ctx, b.Host, Home(b.Host, b.Config.Signing.Key), pack.Namespace, bytes.NewReader(p.Encoded))
	}
	return p, err
}

// vmgo asks the vmgo that lies beside this program.
func (b Builder) vmgo(ctx context.Context, into any, words ...string) error {
	path := filepath.Join(filepath.Dir(b.Host.Executable), "vmgo")
	out, err := b.Host.Ask(ctx, host.Command{Args: append([]string{path}, words...), Dir: b.Project})
	if errors.Is(err, host.ErrNoProgram) {
		return diag.New(diag.CommandNotFound, "vmgo deploy needs the program vmgo, which is not in "+filepath.Dir(path), "ls "+diag.Word(filepath.Dir(path)))
	}
	if err != nil {
		return err
	}
	if out.Status != 0 {
		if failure := diag.Parse("vmgo", out.Stderr); failure != nil {
			return failure
		}
		return fmt.Errorf("vmgo %s: %s", strings.Join(words, " "), strings.TrimSpace(out.Stderr))
	}
	return json.Unmarshal([]byte(out.Stdout), into)
}

// selected returns the release that the project selects, with its proofs.
func (b Builder) selected(ctx context.Context) (toolchain, error) {
	var tool toolchain
	if b.Config.Build == "" {
		return tool, nil
	}
	if err := b.vmgo(ctx, &tool, "current", "--json"); err != nil {
		return tool, err
	}
	if !tool.Installed || tool.GOROOT == "" {
		return tool, diag.New(diag.NotInstalled, "go "+tool.Version+", which "+b.Project+" selects, is not installed", "vmgo install")
	}
	var releases []toolchain
	if err := b.vmgo(ctx, &releases, "list", "--json"); err != nil {
		return tool, err
	}
	for _, r := range releases {
		if r.GOROOT == tool.GOROOT {
			tool.Proofs = r.Proofs
		}
	}
	return tool, nil
}

// compile builds the program with a release.
func (b Builder) compile(ctx context.Context, tool toolchain, dir string) error {
	if b.Config.Build == "" {
		return nil
	}
	args := append([]string{"build", "-trimpath", "-o", filepath.Join(dir, "bin", b.Config.Name)}, b.Config.BuildFlags...)
	cmd := exec.CommandContext(ctx, filepath.Join(tool.GOROOT, "bin/go"), append(args, b.Config.Build)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = b.Project, b.Host.Stderr, b.Host.Stderr
	cmd.Env = b.env()
	if err := b.Host.Run(cmd); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return diag.Wrap(diag.Failure, err, "cannot build "+b.Config.Build, "go build "+diag.Word(b.Config.Build))
	}
	return nil
}

// env is the environment of the build: for hosts, without C unless it is asked for.
func (b Builder) env() []string {
	env := map[string]string{"CGO_ENABLED": "0"}
	for name, value := range b.Host.Env {
		env[name] = value
	}
	env["GOOS"], env["GOARCH"], env["GOTOOLCHAIN"] = "linux", b.Arch, "local"
	delete(env, "GOROOT")
	var pairs []string
	for name, value := range env {
		pairs = append(pairs, name+"="+value)
	}
	return pairs
}

// describe returns the version of the project by git, or 0.
func (b Builder) describe(ctx context.Context) string {
	out, err := b.Host.Ask(ctx, host.Command{Args: []string{"git", "describe", "--tags", "--always", "--dirty"}, Dir: b.Project})
	version := regexp.MustCompile(`[^A-Za-z0-9._+-]`).ReplaceAllString(strings.TrimSpace(out.Stdout), "-")
	if err != nil || out.Status != 0 || version == "" {
		return "0"
	}
	return version
}

// Helper returns the file of the host's side for an architecture. A missing one is an
// error, and so is one that needs a C library: hosts may have an older one, or another.
func Helper(h host.Host, arch string) (string, error) {
	file, platform := h.Executable, ""
	if arch != runtime.GOARCH {
		file, platform = filepath.Join(filepath.Dir(h.Executable), "vmgo-deploy-linux-"+arch), "GOARCH="+arch+" "
	}
	hint := "CGO_ENABLED=0 " + platform + "go build -o " + diag.Word(file) + " ./cmd/vmgo-deploy   # in vmgo's sources"
	in, err := smallfile.Open(file)
	if err != nil {
		return "", diag.Wrap(diag.CommandNotFound, err, "the host's side for "+arch+" is missing", hint)
	}
	defer in.Close()
	if program, err := elf.NewFile(in); err == nil && libc.Interpreter(program) != "" {
		needs := "a C library"
		if glibc := libc.Of(program).Glibc; glibc != "" {
			needs = "glibc " + glibc + " or newer"
		}
		return "", diag.New(diag.CannotStart, file+" was built with cgo and needs "+needs+", so it cannot be sent to hosts", hint)
	}
	return file, nil
}

// texts writes what vmgo adds: the host's side, units and configuration.
func (b Builder) texts(dir, helper string) error {
	if err := copyFile(helper, filepath.Join(dir, units.Helper), 0o755); err != nil {
		return err
	}
	texts := map[string][]byte{}
	for name, text := range units.Texts(b.Config) {
		texts[units.Dir+"/"+name] = []byte(text)
	}
	data, err := json.MarshalIndent(b.Config, "", " ")
	if err != nil {
		return err
	}
	texts[pack.ConfigFile] = data
	for name, text := range texts {
		if err := writeFile(filepath.Join(dir, name), text); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path string, data []byte) error {
	if err := fsx.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// Home expands a leading ~/ of a path.
func Home(h host.Host, path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(h.Env["HOME"], rest)
	}
	return path
}

func copyFile(from, to string, mode os.FileMode) error {
	in, err := smallfile.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := fsx.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Chmod(mode), out.Close()); err != nil {
		return fmt.Errorf("%s: %w", to, err)
	}
	return nil
}
