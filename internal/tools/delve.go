package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/tools/chosen"
)

// window is which releases a version of Delve debugs, by the minor number.
type window struct{ low, high int }

// chooseDelves picks a build for each line of the installed releases: the newest
// whose window holds it, else the newest of all if the line is older than its
// window. A line that is newer than every window gets none: an older Delve
// would show no variables, and say nothing.
func (k Kit) chooseDelves(ctx context.Context, newest resolved) error {
	dir := k.dir(chosen.Delve)
	fresh, err := os.MkdirTemp(dir, ".lines-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	for _, group := range []string{chosen.Fitting, chosen.Unchecked} {
		if err := os.Mkdir(filepath.Join(fresh, group), 0o755); err != nil {
			return err
		}
	}
	windows := delves{kit: k, newest: newest, seen: map[string]window{}}
	for _, line := range k.Lines {
		group, version, err := windows.pick(ctx, line)
		if err != nil {
			return k.failed("cannot tell which dlv debugs Go "+line.String(), err)
		}
		if version == "" {
			continue
		}
		target := filepath.Join("..", version, k.Builder.Version.Toolchain())
		if err := os.Symlink(target, filepath.Join(fresh, group, line.String())); err != nil {
			return err
		}
	}
	for _, group := range []string{chosen.Fitting, chosen.Unchecked} {
		if err := fsx.RemoveAll(dir, group); err != nil && !os.IsNotExist(err) {
			return err
		}
		if err := os.Rename(filepath.Join(fresh, group), filepath.Join(dir, group)); err != nil {
			return err
		}
	}
	return nil
}

// delves are the versions of Delve that the builder can build.
type delves struct {
	kit      Kit
	newest   resolved
	versions []string // ascending; read when the newest does not do
	seen     map[string]window
}

// pick returns the version for a line, built, and the group that its link
// belongs into.
func (d *delves) pick(ctx context.Context, line gover.Version) (group, version string, err error) {
	top := d.newest.module.Version
	w, err := d.window(ctx, top)
	switch minor := line.Minor(); {
	case err != nil || minor > w.high:
		return "", "", err
	case minor >= w.low:
		return chosen.Fitting, top, nil
	case d.newest.request.Query != "latest":
		return chosen.Unchecked, top, nil
	}
	older, err := d.older(ctx, line.Minor())
	if err != nil || older == "" {
		return chosen.Unchecked, top, err
	}
	m, err := d.kit.list(ctx, d.newest.module.Path+"@"+older)
	if err != nil {
		return "", "", err
	}
	need, err := needs(m)
	if err != nil {
		return "", "", err
	}
	if _, _, err := d.kit.ensure(ctx, resolved{Request{d.newest.request.Package, older}, m, need}); err != nil {
		return chosen.Unchecked, top, nil // one that this release does not build any more
	}
	return chosen.Fitting, older, nil
}

// older returns the newest version whose window holds the release, "" if none does.
func (d *delves) older(ctx context.Context, minor int) (string, error) {
	if d.versions == nil {
		var err error
		if d.versions, err = d.kit.releases(ctx, d.newest.module.Path); err != nil {
			return "", err
		}
	}
	var failure error
	i := sort.Search(len(d.versions), func(i int) bool {
		w, err := d.window(ctx, d.versions[i])
		failure = errors.Join(failure, err)
		return failure != nil || w.low > minor
	}) - 1
	if failure != nil || i < 0 {
		return "", failure
	}
	if w, err := d.window(ctx, d.versions[i]); err != nil || minor > w.high {
		return "", err
	}
	return d.versions[i], nil
}

// window reads which releases a version debugs, from its source
// (pkg/goversion/compat.go).
func (d *delves) window(ctx context.Context, version string) (window, error) {
	if w, ok := d.seen[version]; ok {
		return w, nil
	}
	out, err := d.kit.ask(ctx, nil, "mod", "download", "-json", d.newest.module.Path+"@"+version)
	if err != nil {
		return window{}, err
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &downloaded); err != nil {
		return window{}, err
	}
	source, err := smallfile.Read(filepath.Join(downloaded.Dir, "pkg/goversion/compat.go"), smallfile.Usual)
	if err != nil {
		return window{}, err
	}
	w := window{low: minorIn(source, "Min"), high: minorIn(source, "Max")}
	if w.low == 0 || w.high == 0 {
		return window{}, fmt.Errorf("dlv %s does not list the releases that it debugs", version)
	}
	d.seen[version] = w
	return w, nil
}

func minorIn(source []byte, bound string) int {
	match := regexp.MustCompile(bound + `SupportedVersionOfGoMinor\s*=\s*(\d+)`).FindSubmatch(source)
	if match == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(match[1]))
	return n
}
