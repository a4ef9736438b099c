package cli

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/vmgo/vmgo/internal/deploy/build"
	"github.com/vmgo/vmgo/internal/deploy/config"
	"github.com/vmgo/vmgo/internal/deploy/pack"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/sshsig"
	"github.com/vmgo/vmgo/internal/ui"
)

func (a *app) configFile() string { return a.host.Abs(a.flags.config) }

func (a *app) load() (config.Config, error) { return config.Load(a.configFile(), a.flags.env) }

func (a *app) init(context.Context) error {
	if a.flags.schema {
		return ui.JSON(a.host.Stdout, config.Schema())
	}
	name, pkg := a.guess()
	text := config.Template(name, pkg)
	if a.flags.stdout {
		_, err := a.host.Stdout.Write([]byte(text))
		return err
	}
	file := a.configFile()
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return diag.New(diag.Failure, file+" exists", "less "+diag.Word(file))
	}
	if err := fsx.WriteFile(file, []byte(text), 0o644); err != nil {
		return err
	}
	fmt.Fprintln(a.host.Stderr, "wrote "+diag.Line(file)+": set hosts and health.url, then: vmgo deploy trust && vmgo deploy plan")
	return nil
}

// guess returns a name and a package for this directory: the one in cmd if there is
// one only, else the directory itself.
func (a *app) guess() (name, pkg string) {
	name, pkg = filepath.Base(a.host.Dir), "."
	if found, _ := filepath.Glob(filepath.Join(a.host.Dir, "cmd/*/main.go")); len(found) == 1 {
		name = filepath.Base(filepath.Dir(found[0]))
		pkg = "./cmd/" + name
	}
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	if clean = strings.Trim(clean, "-"); !config.ValidName(clean) {
		clean = "app"
	}
	return clean, pkg
}

func (a *app) builder(c config.Config, arch string) build.Builder {
	return build.Builder{Host: a.host, Config: c, Project: filepath.Dir(a.configFile()), Arch: arch, Version: a.flags.version}
}

// packages returns a function that builds the package for an architecture, once.
func (a *app) packages(c config.Config, dir string) func(context.Context, string) (build.Package, error) {
	var mu sync.Mutex
	return func(ctx context.Context, arch string) (build.Package, error) {
		mu.Lock()
		defer mu.Unlock()
		if p, ok := a.built[arch]; ok {
			return p, nil
		}
		sub := filepath.Join(dir, arch)
		if err := fsx.MkdirAll(sub, 0o755); err != nil {
			return build.Package{}, err
		}
		fmt.Fprintln(a.host.Stderr, "building "+c.Name+" for linux/"+arch)
		p, err := a.builder(c, arch).Build(ctx, sub)
		if err == nil {
			a.built[arch] = p
		}
		return p, err
	}
}

func (a *app) build(ctx context.Context) (err error) {
	c, err := a.load()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "vmgo-deploy-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	arch := a.flags.arch
	if arch == "" {
		arch = runtime.GOARCH
	}
	p, err := a.packages(c, dir)(ctx, arch)
	if err != nil {
		return err
	}
	if a.flags.reproduce {
		if err := a.reproduce(ctx, c, arch, p); err != nil {
			return err
		}
	}
	file := a.flags.out
	if file == "" {
		file = filepath.Join(a.host.Dir, fmt.Sprintf("%s-%s-%s.tar", c.Name, p.Manifest.Version, arch))
	}
	var buf bytes.Buffer
	if err := pack.Write(&buf, p.Signed, dir+"/"+arch); err != nil {
		return err
	}
	if err := fsx.WriteOutput(file, buf.Bytes(), 0o644); err != nil {
		return err
	}
	if a.flags.json {
		return ui.JSON(a.host.Stdout, map[string]any{"file": file, "release": p.ID(), "bytes": buf.Len(), "signed": len(p.Signature) > 0, "files": len(p.Manifest.Files)})
	}
	if len(p.Signature) == 0 {
		fmt.Fprintln(a.host.Stderr, "warning: the package is not signed (signing.none = true)")
	}
	_, err = fmt.Fprintln(a.host.Stdout, file)
	return err
}

// reproduce builds once more, with nothing cached, and compares.
func (a *app) reproduce(ctx context.Context, c config.Config, arch string, p build.Package) (err error) {
	dir, err := os.MkdirTemp("", "vmgo-deploy-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	again := a.builder(c, arch)
	again.Host.Env = map[string]string{}
	for name, value := range a.host.Env {
		again.Host.Env[name] = value
	}
	again.Host.Env["GOCACHE"] = filepath.Join(dir, "cache")
	if err := fsx.MkdirAll(filepath.Join(dir, "package"), 0o755); err != nil {
		return err
	}
	second, err := again.Build(ctx, filepath.Join(dir, "package"))
	if err != nil {
		return err
	}
	if !bytes.Equal(second.Encoded, p.Encoded) {
		return diag.New(diag.ChecksumMismatch, "the build is not reproducible: a second one, without a cache, has other bytes", "go version -m bin/"+c.Name)
	}
	fmt.Fprintln(a.host.Stderr, "built twice, with equal bytes")
	return nil
}

// verify checks a package by the key of the configuration, or by none where it is
// not signed.
func (a *app) verify(context.Context) error {
	if len(a.args) != 1 {
		return diag.New(diag.Usage, "vmgo deploy verify needs one file", "vmgo deploy verify app-1.0-amd64.tar")
	}
	c, err := a.load()
	if err != nil {
		return err
	}
	in, err := smallfile.Open(a.args[0])
	if err != nil {
		return diag.Wrap(diag.Failure, err, "cannot read the package", "vmgo deploy build")
	}
	defer in.Close()
	reader := tar.NewReader(in)
	s, h, err := pack.ReadHead(reader, pack.Decode)
	if err != nil {
		return err
	}
	signer, err := a.signer(c, s)
	if err != nil {
		return err
	}
	if err := pack.Extract(reader, h, s, ""); err != nil {
		return err
	}
	if a.flags.json {
		return ui.JSON(a.host.Stdout, map[string]any{"release": s.ID(), "name": s.Manifest.Name, "arch": s.Manifest.Arch, "files": len(s.Manifest.Files), "signed_by": signer, "ok": true})
	}
	_, err = fmt.Fprintf(a.host.Stdout, "%s %s (%s): %d files, all as signed by %s\n", s.Manifest.Name, s.ID(), s.Manifest.Arch, len(s.Manifest.Files), signer)
	return err
}

func (a *app) signer(c config.Config, s pack.Signed) (string, error) {
	if len(s.Signature) == 0 {
		if c.Signing.None {
			return "nobody", nil
		}
		return "", diag.New(diag.SignatureInvalid, "the package is not signed", "vmgo deploy build")
	}
	line, err := a.ownSigner(c)
	if err != nil {
		return "", err
	}
	signers, err := sshsig.ParseSigners([]byte(line))
	if err != nil {
		return "", err
	}
	signer, err := sshsig.Verify(bytes.NewReader(s.Encoded), s.Signature, signers, pack.Namespace, a.host.Now())
	if err != nil {
		return "", diag.Wrap(diag.SignatureInvalid, err, "the signature is refused", "vmgo deploy build")
	}
	return signer.Principals, nil
}

// ownSigner is the line of an allowed signers file for the key of the configuration.
func (a *app) ownSigner(c config.Config) (string, error) {
	file := strings.TrimSuffix(build.Home(a.host, c.Signing.Key), ".pub") + ".pub"
	data, err := smallfile.Read(file, smallfile.Usual)
	if err != nil {
		return "", diag.Wrap(diag.SignatureInvalid, err, "cannot read the public key of signing.key", "ls -l "+diag.Word(file))
	}
	who := "deployer"
	if fields := strings.Fields(string(data)); len(fields) > 2 {
		who = fields[2]
	}
	return signersLine(string(data), who, pack.Namespace)
}

// signersLine returns the line of an allowed signers file by which a public key
// signs for a namespace.
func signersLine(key, who, namespace string) (string, error) {
	fields := strings.Fields(key)
	if len(fields) < 2 {
		return "", diag.New(diag.SignatureInvalid, diag.Line(key)+" is no public key", "ssh-keygen -t ed25519")
	}
	if strings.ContainsAny(who, "\",*?! \t\n") || who == "" {
		who = "deployer"
	}
	return fmt.Sprintf("%s namespaces=\"%s\" %s %s\n", who, namespace, fields[0], fields[1]), nil
}
