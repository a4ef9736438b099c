package tools

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/tools/chosen"
)

// Install brings a tool to the newest version that fits, and makes it the one
// that its name runs. built reports whether a build was made.
func (k Kit) Install(ctx context.Context, w Request) (r Receipt, built bool, err error) {
	if err := k.Free(w.Name()); err != nil {
		return r, false, err
	}
	found, err := k.resolve(ctx, w)
	if err != nil {
		return r, false, err
	}
	if r, built, err = k.ensure(ctx, found); err != nil {
		return r, built, err
	}
	if w.Name() == chosen.Delve {
		if err := k.chooseDelves(ctx, found); err != nil {
			return r, built, err
		}
	}
	if err := k.use(r); err != nil {
		return r, built, diag.Wrap(diag.Failure, err, "cannot switch to "+r.Name+" "+r.Version)
	}
	return r, built, k.sweep(r.Name)
}

// Sync builds the version of a tool again that is installed, where a newer
// release has come since. built reports whether that was so.
func (k Kit) Sync(ctx context.Context, r Receipt) (now Receipt, built bool, err error) {
	exact := Request{r.Package, r.Version}
	if now, built, err = k.Install(ctx, exact); err != nil {
		return now, built, err
	}
	if now.Requested == r.Requested {
		return now, built, nil
	}
	now.Requested = r.Requested // it goes on following what was asked for
	return now, built, writeReceipt(now.dir, now)
}

// Newest returns the version that an upgrade of a tool would come to.
func (k Kit) Newest(ctx context.Context, r Receipt) (string, error) {
	found, err := k.resolve(ctx, Request{r.Package, r.Requested})
	return found.module.Version, err
}

// Request is what an upgrade of the tool installs.
func (r Receipt) Request() Request { return Request{r.Package, r.Requested} }

// ensure returns the build of a version by the builder, and makes it if it is
// not there.
func (k Kit) ensure(ctx context.Context, v resolved) (r Receipt, built bool, err error) {
	name := v.request.Name()
	place := k.place(name, v.module.Version)
	if r, err := readReceipt(place); err == nil {
		if r.Requested != v.request.Query {
			r.Requested = v.request.Query
			err = writeReceipt(place, r)
		}
		return r, false, err
	}
	if err := os.MkdirAll(chosen.Tools(k.Data), 0o755); err != nil {
		return r, false, err
	}
	stage, err := os.MkdirTemp(chosen.Tools(k.Data), stagePrefix)
	if err != nil {
		return r, false, err
	}
	defer os.RemoveAll(stage)
	if err := os.Chmod(stage, 0o755); err != nil {
		return r, false, err
	}
	what := name + " " + v.module.Version
	if _, err := k.ask(ctx, map[string]string{"GOBIN": stage}, "install", "-trimpath", v.request.Package+"@"+v.module.Version); err != nil {
		if ctx.Err() != nil {
			return r, false, ctx.Err()
		}
		return r, false, k.failed("cannot build "+what+" with Go "+k.Builder.Version.String(), err)
	}
	if r, err = k.describe(stage, v); err != nil {
		return r, false, diag.Wrap(diag.Failure, err, "the program that the go command built is not "+what)
	}
	if err := writeReceipt(stage, r); err != nil {
		return r, false, err
	}
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return r, false, err
	}
	if err := fsx.RemoveAll(filepath.Dir(place), filepath.Base(place)); err != nil && !os.IsNotExist(err) {
		return r, false, err
	}
	r.dir = place
	return r, true, os.Rename(stage, place)
}

// describe reads what was built, and checks that it is what was to be built.
func (k Kit) describe(stage string, v resolved) (Receipt, error) {
	program := filepath.Join(stage, v.request.Name())
	f, err := smallfile.Open(program)
	if err != nil {
		return Receipt{}, err
	}
	defer f.Close()
	info, err := buildinfo.Read(f)
	if err != nil {
		return Receipt{}, err
	}
	if info.Path != v.request.Package || info.Main.Path != v.module.Path || info.Main.Version != v.module.Version {
		return Receipt{}, diag.New(diag.Failure, program+" is "+info.Path+" of "+info.Main.Path+" "+info.Main.Version)
	}
	h := sha256.New()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Receipt{}, err
	}
	if _, err := io.Copy(h, f); err != nil {
		return Receipt{}, err
	}
	r := Receipt{
		Format: receiptFormat, Name: v.request.Name(), Package: v.request.Package, Module: v.module.Path, Version: v.module.Version,
		Requested: v.request.Query, Builder: k.Builder.Version.String(), Sum: info.Main.Sum, SHA256: hex.EncodeToString(h.Sum(nil)),
		BuiltAt: k.Host.Now().UTC().Truncate(1e9),
	}
	if !v.needs.IsZero() {
		r.Needs = v.needs.String()
	}
	return r, nil
}
