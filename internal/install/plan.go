package install

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// Plan says what an install of several releases will do.
type Plan struct {
	Releases []Planned // in the order asked for
	Download int64     // bytes
	Need     store.Need
	// Room is why the plan cannot be carried out: too little space or too few
	// inodes. It is nil if there is room.
	Room error

	opened *parking // of Prepare; nil is none
}

// Close closes the archives that Prepare opened and no install has used.
func (p Plan) Close() { p.opened.close() }

// Planned is one release of a Plan.
type Planned struct {
	Version  gover.Version
	Present  bool
	InPlace  bool // a tree without a receipt is there, which may prove to be the release
	Source   string
	URL      string // without credentials
	Download int64  // bytes to fetch, after what neighbours have
	Need     store.Need
	Exact    bool // the files were counted, rather than reckoned from the size of the archive
	Err      error
}

// Plan asks the sources, reads the directories of the archives as far as that
// is possible without downloading them, and returns what an install with this
// request would do. Nothing is written.
func (in *Installer) Plan(ctx context.Context, versions []gover.Version, req Request) Plan {
	return in.plan(ctx, versions, req, nil)
}

// Prepare is Plan for an install that follows: given the plan in its Request, it
// need not open the archives again. The caller closes the plan after the install.
func (in *Installer) Prepare(ctx context.Context, versions []gover.Version, req Request) Plan {
	return in.plan(ctx, versions, req, &parking{dir: in.CacheDir})
}

func (in *Installer) plan(ctx context.Context, versions []gover.Version, req Request, opened *parking) Plan {
	plan := Plan{Releases: make([]Planned, len(versions)), opened: opened}
	c := &call{in: in, req: req}
	forecast := in.Store.Forecast()
	var wg sync.WaitGroup
	slots := make(chan struct{}, in.parallel())
	before := make(chan struct{})
	close(before)
	for i, v := range versions {
		// Lists of files are large: releases are looked for side by side and
		// counted in order, and there are no more lists than slots.
		slots <- struct{}{}
		turn, done := before, make(chan struct{})
		before = done
		wg.Go(func() {
			defer func() { <-slots }()
			defer close(done)
			p, list := c.look(ctx, v, opened)
			<-turn
			p.count(list, forecast)
			plan.Releases[i] = p
			if !p.Present && !p.InPlace && p.Err == nil {
				plan.Download += p.Download
			}
		})
	}
	wg.Wait()
	plan.Need = forecast.Need()
	plan.Room = errors.Join(forecast.Room(), in.roomForDownloads(plan.Download))
	return plan
}

// count adds the release to the forecast.
func (p *Planned) count(list []archive.Member, forecast *store.Forecast) {
	switch {
	case p.Present || p.Err != nil:
	case p.InPlace:
		forecast.AddNeed(p.Need)
	case p.Exact:
		files := make([]archive.File, len(list))
		for i := range list {
			files[i] = list[i].File
			if m := &list[i]; p.Download > 0 && forecast.Has(m.File) {
				p.Download -= m.End - m.Start
			}
		}
		p.Need = forecast.Add(files)
	default:
		p.Need = reckon(p.Download)
		forecast.AddNeed(p.Need)
	}
}

// reckon guesses from the size of an official archive: the largest ratio of
// disk to archive among the releases measured is 4.2, and the most files 15,700.
func reckon(size int64) store.Need {
	return store.Need{Files: 16_000, Bytes: size * 7 / 2, Disk: size * 17 / 4, Inodes: 18_000}
}

func (in *Installer) roomForDownloads(bytes int64) error {
	free, err := fsx.Free(in.CacheDir)
	if err != nil || bytes <= free.Bytes {
		return nil // the cache is made later; where it cannot be, that says more
	}
	return diag.New(diag.DiskFull, fmt.Sprintf("no room for downloads in %s: %d MB are needed and %d MB are free", in.CacheDir, bytes/1_000_000, free.Bytes/1_000_000),
		"df -h "+diag.Word(in.CacheDir))
}

// look finds one release and reads the directory of its archive.
func (c *call) look(ctx context.Context, v gover.Version, opened *parking) (Planned, []archive.Member) {
	in, p := c.in, Planned{Version: v}
	if c.begin(v, true).present() {
		p.Present = true
		return p, nil
	}
	if !c.req.Reinstall && in.Store.Unproved(v) {
		p.InPlace, p.Source, p.URL = true, "adopt", in.Store.GOROOT(v)
		u, err := in.Store.Usage(v)
		p.Need, p.Err = store.Need{Files: u.Files, Bytes: u.Bytes, Disk: u.Bytes, Inodes: int64(u.Files)}, err
		return p, nil
	}
	var failures []error
	for _, source := range in.Sources {
		a, err := in.locate(ctx, source, v)
		if err != nil {
			failures = append(failures, err)
			if !elsewhere(err) {
				break
			}
			continue
		}
		p.Source, p.URL, p.Download = a.Source, fetch.Redact(a.URLs[0]), a.Size
		return p, in.members(ctx, a, &p, opened)
	}
	p.Err = noSource(failures)
	return p, nil
}

// members reads the list of files, where that can be had by itself. Failures
// are left to the install, which has more to say about them.
func (in *Installer) members(ctx context.Context, a release.Artifact, p *Planned, opened *parking) []archive.Member {
	if a.Kind != release.Zip {
		return nil
	}
	r, err := in.Fetcher.Ranges(ctx, a.URLs[0])
	if err != nil {
		return nil
	}
	if p.Download = r.Size(); strings.HasPrefix(a.URLs[0], "file:") {
		p.Download = 0 // it is read where it lies
		defer r.Close()
	} else {
		defer opened.park(a.URLs[0], r) // nothing is open
	}
	zip, err := archive.OpenZip(r, r.Size(), trust.ModulePrefix(p.Version, in.Platform), archive.DefaultLimits())
	if err != nil {
		return nil
	}
	p.Exact = true
	return zip.Members()
}
