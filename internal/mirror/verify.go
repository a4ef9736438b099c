package mirror

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/bundle"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/patches"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Verified counts what [Mirror.Verify] has verified.
type Verified struct{ Releases, Archives, Patches int }

// Verify checks every file that is served: releases against the checksum database's
// records in the tree, archives against the same records, their index and signatures,
// patches by applying them, and that there is nothing else. It takes no network, but
// where this machine has seen a newer tree head: see [bundle.Verifier.Online].
func (m *Mirror) Verify(ctx context.Context, v bundle.Verifier) (done Verified, err error) {
	tree, err := filepath.EvalSymlinks(m.tree()) // a sync may turn the link meanwhile
	if err != nil {
		return done, diag.Wrap(diag.Usage, err, m.Dir+" is no mirror", "vmgo mirror sync "+diag.Word(m.Dir))
	}
	b, err := bundle.OpenTree(tree)
	if err != nil {
		return done, diag.Wrap(diag.BadBundle, err, m.Dir+" is no mirror", "vmgo mirror sync "+diag.Word(m.Dir))
	}
	v.Tree = tree
	if err := b.Verify(ctx, v); err != nil {
		return done, m.repairable(err)
	}
	if err := b.VerifyFiles(ctx, tree); err != nil {
		return done, m.repairable(err)
	}
	c := &check{m: m, tree: tree, b: b, v: v, known: map[string]bool{bundle.ManifestName: true, latestName: true}}
	for _, f := range b.Manifest.Files {
		c.known[f.Path] = true
	}
	err = m.repairable(c.run(ctx))
	return c.Verified, err
}

// repairable adds the command that repairs a mirror to an error of a check.
func (m *Mirror) repairable(err error) error {
	switch code := diag.CodeOf(err); {
	case err == nil:
		return nil
	case code == diag.Interrupted, code == diag.LogForked, code == diag.BadSetting:
		return err
	default:
		return diag.Wrap(code, err, "the mirror "+m.Dir+" is damaged", "vmgo mirror sync "+diag.Word(m.Dir)+"   # fetches what is damaged again")
	}
}

// check is one run of Verify.
type check struct {
	Verified
	m     *Mirror
	tree  string
	b     *bundle.Bundle
	v     bundle.Verifier
	known map[string]bool // paths of the tree that belong there
}

func (c *check) run(ctx context.Context) error {
	var releases []Release
	for _, module := range c.b.Manifest.Modules {
		if v, p, ok := gover.ParseModuleVersion(module.Version); ok {
			releases = append(releases, Release{v, p})
		}
	}
	c.Releases = len(releases)
	for _, part := range []func(context.Context, []Release) error{c.latest, c.archives, c.patches} {
		if err := part(ctx, releases); err != nil {
			return err
		}
	}
	return c.nothingElse()
}

// differs makes the error for a file that is not what it must be.
func differs(file, why string) error {
	return diag.New(diag.ChecksumMismatch, file+" "+why)
}

func (c *check) latest(_ context.Context, releases []Release) error {
	info, err := latest(c.tree, releases)
	if err != nil {
		return err
	}
	want, err := smallfile.Read(info, smallfile.Usual)
	if err != nil {
		return err
	}
	got, err := smallfile.Read(filepath.Join(c.tree, latestName), smallfile.Usual)
	if err != nil || !bytes.Equal(got, want) {
		return differs(latestName, "is not the newest release")
	}
	return nil
}

func (c *check) archives(ctx context.Context, releases []Release) error {
	list, err := archives(c.tree)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return diag.Wrap(diag.ChecksumMismatch, err, "the index of archives cannot be read")
	}
	if err := c.sameIndexes(); err != nil {
		return err
	}
	for _, r := range releases {
		file, found := list[r]
		if !found {
			continue
		}
		record, err := c.b.Record(ctx, c.v, gover.ToolchainModule, r.module())
		if err != nil {
			return err
		}
		name := archivesDir + "/" + file.Filename
		if _, err := c.m.checkArchive(ctx, filepath.Join(c.tree, name), r, file.SHA256, record.Zip); err != nil {
			return err
		}
		c.known[name], c.known[name+".asc"] = true, true
		c.Archives++
	}
	return nil
}

// sameIndexes compares the two names of the index.
func (c *check) sameIndexes() error {
	var first []byte
	for _, name := range indexNames() {
		data, err := smallfile.Read(filepath.Join(c.tree, archivesDir, name), release.MaxIndex)
		if err != nil || first != nil && !bytes.Equal(data, first) {
			return differs(archivesDir+"/"+name, "is not the index of the archives")
		}
		first = data
		c.known[archivesDir+"/"+name] = true
	}
	return nil
}

func (c *check) patches(ctx context.Context, releases []Release) error {
	for _, to := range releases {
		for _, p := range patchesTo(c.tree, to) {
			name := patches.Name(p.From, to.module())
			whole, err := checkPatch(ctx, c.tree, p, to)
			if err != nil {
				return err
			}
			if !whole {
				return differs(name, "does not make "+to.String())
			}
			c.known[patches.ListName(to.module())], c.known[name] = true, true
			c.Patches++
		}
	}
	return nil
}

// nothingElse looks for files that belong to nothing.
func (c *check) nothingElse() error {
	return filepath.WalkDir(c.tree, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name := strings.TrimPrefix(path, c.tree+string(os.PathSeparator))
		if !c.known[name] || !entry.Type().IsRegular() {
			return differs(name, "belongs to nothing that the mirror has")
		}
		return nil
	})
}
