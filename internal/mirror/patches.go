package mirror

import (
	"archive/zip"
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/patches"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// bases is from how many older releases of the same minor version patches are made.
const bases = 3

// placePatches adds the patches that the mirror had and, where wanted, those that are
// missing. A patch from a release that the mirror has no more still serves those who
// have it installed.
func (m *Mirror) placePatches(ctx context.Context, stage string, releases []Release, wanted bool) error {
	for i, to := range releases {
		list := patches.List{Version: to.module()}
		for _, p := range patchesTo(m.tree(), to) {
			switch whole, err := checkPatch(ctx, m.tree(), p, to); {
			case err != nil:
				return err
			case !whole:
				continue
			}
			if err := m.keepPatch(stage, p.From, to); err != nil {
				return err
			}
			list.Patches = append(list.Patches, p)
		}
		if wanted {
			for _, from := range neighbours(releases[i+1:], to) {
				if err := m.addPatch(ctx, stage, from, to, &list); err != nil {
					return err
				}
			}
		}
		if err := writeList(stage, list); err != nil {
			return err
		}
	}
	return nil
}

// neighbours returns the newest of the older releases that are of the same minor version
// and platform. older is sorted, newest first.
func neighbours(older []Release, to Release) (list []Release) {
	for _, r := range older {
		if r.Platform == to.Platform && r.Version.Lang() == to.Version.Lang() && len(list) < bases {
			list = append(list, r)
		}
	}
	return list
}

// patchesTo returns the patches to a release that a tree lists.
func patchesTo(tree string, to Release) []patches.Patch {
	data, err := smallfile.Read(filepath.Join(tree, patches.ListName(to.module())), patches.MaxList)
	if err != nil {
		return nil
	}
	list, err := patches.Decode(data, to.module())
	if err != nil {
		return nil
	}
	return list.Patches
}

// checkPatch reports whether a patch of a tree makes the release, as far as the tree has
// the release that it is from. The error is that of an interrupt.
func checkPatch(ctx context.Context, tree string, p patches.Patch, to Release) (bool, error) {
	f, err := smallfile.Open(filepath.Join(tree, patches.Name(p.From, to.module())))
	if err != nil {
		return false, nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != p.Size {
		return false, nil
	}
	v, platform, ok := gover.ParseModuleVersion(p.From)
	from := Release{v, platform}
	if _, err := os.Lstat(zipOf(tree, from)); !ok || errors.Is(err, os.ErrNotExist) {
		return ok, nil
	}
	err = withZips(tree, from, to, func(older, newer *zip.Reader) error { return p.Check(f, older, newer, ctx.Err) })
	return err == nil, ctx.Err()
}

func (m *Mirror) keepPatch(stage, from string, to Release) error {
	name := patches.Name(from, to.module())
	if err := fsx.MkdirAll(filepath.Dir(filepath.Join(stage, name)), 0o755); err != nil {
		return err
	}
	return os.Link(filepath.Join(m.tree(), name), filepath.Join(stage, name))
}

// addPatch makes a patch unless the list has it, or it would spare little.
func (m *Mirror) addPatch(ctx context.Context, stage string, from, to Release, list *patches.List) error {
	for _, p := range list.Patches {
		if p.From == from.module() {
			return nil
		}
	}
	m.Say("making the patch from " + from.Version.String() + " to " + to.String())
	p, err := m.makePatch(ctx, stage, from, to)
	if err != nil {
		return err
	}
	name := filepath.Join(stage, patches.Name(from.module(), to.module()))
	whole, err := os.Lstat(zipOf(stage, to))
	if err != nil {
		return err
	}
	if p.Size == 0 || p.Size > whole.Size()/2 {
		return os.Remove(name)
	}
	list.Patches = append(list.Patches, p)
	return nil
}

// zipOf returns where a tree has the module zip of a release.
func zipOf(tree string, r Release) string {
	return filepath.Join(tree, gover.ToolchainModule, "@v", r.module()+".zip")
}

func (m *Mirror) makePatch(ctx context.Context, stage string, from, to Release) (p patches.Patch, err error) {
	name := filepath.Join(stage, patches.Name(from.module(), to.module()))
	if err := fsx.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return p, err
	}
	out, err := os.Create(name)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, out.Chmod(0o644), out.Close()) }()
	err = withZips(stage, from, to, func(older, newer *zip.Reader) error {
		p, err = patches.Make(out, older, newer, ctx.Err)
		p.From = from.module()
		return err
	})
	return p, err
}

// withZips opens the module zips of two releases.
func withZips(tree string, from, to Release, do func(older, newer *zip.Reader) error) error {
	older, closeOlder, err := openZip(zipOf(tree, from))
	if err != nil {
		return err
	}
	defer closeOlder()
	newer, closeNewer, err := openZip(zipOf(tree, to))
	if err != nil {
		return err
	}
	defer closeNewer()
	return do(older, newer)
}

func openZip(path string) (z *zip.Reader, closing func() error, err error) {
	f, err := smallfile.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil {
		z, err = zip.NewReader(f, info.Size())
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return z, f.Close, nil
}

// writeList publishes the patches to a release in the new tree, where there are any.
func writeList(stage string, list patches.List) error {
	if len(list.Patches) == 0 {
		return nil
	}
	data, err := list.Encode()
	if err != nil {
		return err
	}
	return fsx.WriteFile(filepath.Join(stage, patches.ListName(list.Version)), data, 0o644)
}
