// Package mirror keeps a directory that any web server can serve as a GOPROXY for Go
// releases, with the records of the checksum database, and as go.dev/dl. What is served
// is one tree beneath trees/, to which the link public leads: a sync makes a new tree
// beside it and turns the link, so that there is the old tree or the new one and
// nothing between. Files that both have are one file.
package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/bundle"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/trust"
)

// Names in the directory of a mirror.
const (
	Public   = "public" // what the web server serves
	treesDir = "trees"
	cacheDir = "cache" // what was fetched, as hard links of the trees
)

// Release is a release for a platform.
type Release struct {
	Version  gover.Version
	Platform gover.Platform
}

func (r Release) module() string { return gover.ModuleVersion(r.Version, r.Platform) }

// String is "1.26.8 (linux-amd64)".
func (r Release) String() string { return r.Version.String() + " (" + r.Platform.String() + ")" }

// Archives is where official archives are; *release.GoDev is one.
type Archives interface {
	Locate(ctx context.Context, v gover.Version, p gover.Platform) (release.Artifact, error)
}

// Mirror is a directory that is kept. Its fields are set once.
type Mirror struct {
	Dir string
	// Creator fetches and verifies; its cache is in Dir.
	Creator *bundle.Creator
	// Archives are asked for official archives; nil: none are added.
	Archives Archives
	Keyring  Keyring
	Now      func() time.Time
	Lock     fsx.LockOptions
	// Planned is told what will be fetched, before anything is; nil: nobody is.
	Planned func(*bundle.Plan)
	// Say is told what happens, a line each time.
	Say func(text string)
}

// Request says what a mirror is to have.
type Request struct {
	Releases []Release
	Patches  bool // make patches between neighbours
	Prune    bool // drop releases that are not among these
	DryRun   bool
	// Heads are signed tree heads of the checksum database that clients have seen
	// elsewhere: the mirror has what leads from them to its own.
	Heads [][]byte
}

// New returns the mirror in dir, which need not exist. The creator becomes its own.
func New(dir string, creator *bundle.Creator) *Mirror {
	creator.Cache = filepath.Join(dir, cacheDir)
	return &Mirror{Dir: dir, Creator: creator}
}

// Sync has the mirror hold what is requested and, without Prune, what it held. All is
// verified before it is visible. An interrupted sync changes nothing that is served, and
// the next one goes on with what was fetched. Errors are those of [bundle.Plan.Fill],
// store-busy and disk-full.
func (m *Mirror) Sync(ctx context.Context, r Request) (err error) {
	for _, head := range r.Heads {
		if err := m.Creator.Log.CheckHead(head); err != nil {
			return diag.Wrap(diag.Usage, err, "a tree head that "+m.Creator.Log.Name()+" did not sign", "vmgo mirror sync --head ~/.local/state/vmgo/sumdb/"+m.Creator.Log.Name()+"/latest DIR   # a copy of a client's")
		}
	}
	if err := fsx.MkdirAll(filepath.Join(m.Dir, treesDir), 0o755); err != nil {
		return diag.Wrap(diag.Failure, err, "cannot make the mirror "+m.Dir, "vmgo mirror sync DIR")
	}
	lock, err := fsx.Acquire(ctx, filepath.Join(m.Dir, ".lock"), m.Lock)
	if err != nil {
		return diag.Wrap(diag.Failure, err, "cannot write in "+m.Dir)
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	held, err := m.held()
	if err != nil {
		return err
	}
	if err := m.dropDamaged(); err != nil {
		return err
	}
	releases := union(r.Releases, held)
	if r.Prune {
		releases = union(r.Releases, nil)
	}
	plan, err := m.plan(ctx, releases, r.Heads)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plan.Close()) }()
	if m.Planned != nil {
		m.Planned(plan)
	}
	if r.DryRun {
		return nil
	}
	err = m.fill(ctx, plan, releases, r)
	if fsx.IsFull(err) {
		err = diag.Wrap(diag.DiskFull, err, "no room for the mirror in "+m.Dir, "df -h "+diag.Word(m.Dir))
	}
	return err
}

// held returns the releases that the mirror has.
func (m *Mirror) held() ([]Release, error) {
	manifest, err := bundle.Installed(m.tree())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []Release
	for _, module := range manifest.Modules {
		if v, p, ok := gover.ParseModuleVersion(module.Version); ok && module.Path == gover.ToolchainModule {
			list = append(list, Release{v, p})
		}
	}
	return list, err
}

// tree is what is served.
func (m *Mirror) tree() string { return filepath.Join(m.Dir, Public) }

// union returns the releases of both lists, once each, newest first.
func union(a, b []Release) []Release {
	list := slices.Concat(a, b)
	slices.SortFunc(list, func(a, b Release) int {
		if c := b.Version.Compare(a.Version); c != 0 {
			return c
		}
		return strings.Compare(a.Platform.String(), b.Platform.String())
	})
	return slices.Compact(list)
}

func (m *Mirror) plan(ctx context.Context, releases []Release, heads [][]byte) (*bundle.Plan, error) {
	request := bundle.Request{Heads: slices.Concat(m.heads(), heads)}
	for _, r := range releases {
		request.Modules = append(request.Modules, trust.ModuleVersion{Path: gover.ToolchainModule, Version: r.module()})
	}
	return m.Creator.Plan(ctx, request)
}

// heads returns the tree heads that the mirror has served, or was given. Who has seen one
// of them compares it with the newest, and needs the tiles for that.
func (m *Mirror) heads() (heads [][]byte) {
	names, _ := filepath.Glob(filepath.Join(m.headsDir(), "*"))
	for _, name := range names {
		if head, err := smallfile.Read(name, smallfile.Usual); err == nil {
			heads = append(heads, head)
		}
	}
	return heads
}

func (m *Mirror) headsDir() string {
	return filepath.Join(m.Dir, "heads", m.Creator.Log.Name())
}

// keepHeads remembers the tree head of a tree before it is served, and those that it
// has the tiles for.
func (m *Mirror) keepHeads(stage string, heads [][]byte) error {
	own, err := smallfile.Read(filepath.Join(stage, m.Creator.Log.Place(), "latest"), smallfile.Usual)
	if err != nil {
		return err
	}
	if err := fsx.MkdirAll(m.headsDir(), 0o755); err != nil {
		return err
	}
	for _, head := range append(slices.Clone(heads), own) {
		sum := sha256.Sum256(head)
		if err := fsx.WriteFile(filepath.Join(m.headsDir(), hex.EncodeToString(sum[:8])), head, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// fill makes a new tree and turns the link to it.
func (m *Mirror) fill(ctx context.Context, plan *bundle.Plan, releases []Release, r Request) error {
	contents, err := plan.Fill(ctx)
	if err != nil {
		return err
	}
	trees := filepath.Join(m.Dir, treesDir)
	if err := m.sweep(); err != nil {
		return err
	}
	stage, err := os.MkdirTemp(trees, "tree-")
	if err != nil {
		return err
	}
	err = errors.Join(os.Chmod(stage, 0o755), contents.Place(stage), m.placeLatest(stage, releases))
	if err == nil {
		err = m.placeArchives(ctx, stage, releases)
	}
	if err == nil {
		err = m.placePatches(ctx, stage, releases, r.Patches)
	}
	if err == nil {
		err = errors.Join(ctx.Err(), m.keepHeads(stage, r.Heads))
	}
	if err == nil {
		err = m.publish(stage)
	}
	if err != nil {
		return errors.Join(err, fsx.RemoveAll(trees, filepath.Base(stage)))
	}
	return errors.Join(m.sweep(), m.pruneCache())
}

// placeLatest writes what a proxy answers to @latest: the newest version.
func (m *Mirror) placeLatest(stage string, releases []Release) error {
	info, err := latest(stage, releases)
	if err != nil {
		return err
	}
	return os.Link(info, filepath.Join(stage, latestName))
}

// latestName is where @latest is in a tree.
const latestName = gover.ToolchainModule + "/@latest"

// latest returns the .info file of the newest version by the order of modules.
func latest(tree string, releases []Release) (string, error) {
	if len(releases) == 0 {
		return "", diag.New(diag.Usage, "a mirror without a release serves nothing", "vmgo mirror sync DIR --go stable")
	}
	newest := slices.MaxFunc(releases, func(a, b Release) int { return modpath.Compare(a.module(), b.module()) })
	return filepath.Join(tree, gover.ToolchainModule, "@v", newest.module()+".info"), nil
}

// publish makes a tree durable and what is served. The rename is the one moment in
// which anything that is served changes.
func (m *Mirror) publish(stage string) error {
	dir, err := fsx.OpenDirectory(m.Dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.SyncFS(); err != nil {
		return err
	}
	if err := fsx.Symlink(filepath.Join(treesDir, filepath.Base(stage)), m.tree()); err != nil {
		return diag.Wrap(diag.Failure, err, m.tree()+" is in the way", "ls -l "+diag.Word(m.Dir))
	}
	return fsx.SyncDir(m.Dir)
}

// sweep removes the trees that are not served: what a crash left, or the last one.
func (m *Mirror) sweep() error {
	target, err := os.Readlink(m.tree())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return diag.Wrap(diag.Failure, err, m.tree()+" is no link that vmgo made", "ls -l "+diag.Word(m.Dir))
	}
	trees := filepath.Join(m.Dir, treesDir)
	entries, err := os.ReadDir(trees)
	for _, entry := range entries {
		if entry.Name() != filepath.Base(target) {
			err = errors.Join(err, fsx.RemoveAll(trees, entry.Name()))
		}
	}
	return err
}

// pruneCache removes what was fetched and is not served.
func (m *Mirror) pruneCache() error {
	for _, pair := range [][2]string{{"proxy", "."}, {archivesDir, archivesDir}} {
		root := filepath.Join(m.Dir, cacheDir, pair[0])
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			if _, err := os.Lstat(filepath.Join(m.tree(), pair[1], rel)); errors.Is(err, fs.ErrNotExist) {
				return os.Remove(path)
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// dropDamaged removes from the cache the small files that are not those of the
// manifest any more; a damaged zip is found by its record, and fetched again.
func (m *Mirror) dropDamaged() error {
	b, err := bundle.OpenTree(m.tree())
	if err != nil {
		return nil // there is none, or what reads it next says more
	}
	for _, name := range b.Damaged(m.tree()) {
		err := os.Remove(filepath.Join(m.Dir, cacheDir, "proxy", filepath.FromSlash(name)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
