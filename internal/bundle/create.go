package bundle

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/trust"
)

// Creator makes bundles. Its fields are set once.
type Creator struct {
	Host    host.Host
	Client  *fetch.Client
	Proxies fetch.Proxies
	Log     *trust.Log
	// Env is the environment of the go command, as tools.GoEnv makes it.
	Env map[string]string
	// Cache keeps what was fetched, so that an interrupted create goes on where
	// it stopped, and the next one fetches only what is new.
	Cache string
	// Private reports whether a module comes from its repository and is in no
	// public database.
	Private func(path string) bool
	// GOROOT returns the release to run in a project.
	GOROOT func(dir string) (string, error)
	Lock   fsx.LockOptions
	// Fetched is told how far the download is, in bytes; may be nil.
	Fetched func(done, total int64)
}

// Request says what a bundle is to have.
type Request struct {
	Releases  []gover.Version
	Platforms []gover.Platform
	Projects  []string // directories
	Tools     []ToolSource
	Modules   []trust.ModuleVersion // further ones
	// All takes all modules of the graph, not only those that go.mod lists.
	All bool
	// Without are patterns of modules to leave out, as in GOPRIVATE: those that
	// no build of the other side needs and that cannot be verified.
	Without string
	// Programs are files of vmgo's own programs.
	Programs []string
	// Heads are signed tree heads of the database that the other side may have seen.
	Heads [][]byte
	// Base is the bundle that the new one is to be the difference to; nil: none.
	Base *Bundle
}

// ToolSource is a tool, and the module that has it.
type ToolSource struct {
	Tool
	Module string
	GoMod  string // the file of its go.mod
	GOROOT string // of the release that will build it
}

// Plan is a bundle that is not written yet: what it will have, as far as it is
// known before anything large is fetched.
type Plan struct {
	Releases []Release
	Projects []string
	Modules  int   // with their content
	Bytes    int64 // of releases and modules together
	Fetch    int64 // of these, those that are not in the cache

	creator  *Creator
	request  Request
	work     *workplace
	runs     []run
	selected map[trust.ModuleVersion]bool // true: with its zip
	missing  []fetchJob
}

// Plan looks at projects, tools and releases and asks how large they are. Only
// go.mod files are fetched. Whoever gets it closes it.
func (c *Creator) Plan(ctx context.Context, r Request) (plan *Plan, err error) {
	work, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plan{creator: c, request: r, work: work, selected: map[trust.ModuleVersion]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	for _, v := range r.Releases {
		for _, platform := range r.Platforms {
			p.selected[trust.ModuleVersion{Path: gover.ToolchainModule, Version: gover.ModuleVersion(v, platform)}] = true
		}
	}
	for _, m := range r.Modules {
		p.selected[m] = true
	}
	for _, dir := range r.Projects {
		if err := p.addProject(ctx, dir); err != nil {
			return nil, err
		}
	}
	for _, tool := range r.Tools {
		if err := p.addTool(ctx, tool); err != nil {
			return nil, err
		}
	}
	p.Releases = releasesOf(p.modules())
	return p, p.measure(ctx)
}

// modules returns what is selected so far, sorted by path and version.
func (p *Plan) modules() []Module {
	var list []Module
	for m, zip := range p.selected {
		if p.request.Without != "" && modpath.Match(p.request.Without, m.Path) {
			continue
		}
		list = append(list, Module{Path: m.Path, Version: m.Version, Zip: zip, Private: p.creator.Private(m.Path)})
	}
	slices.SortFunc(list, func(a, b Module) int {
		return strings.Compare(a.Path+"\x00"+a.Version, b.Path+"\x00"+b.Version)
	})
	return list
}

// measure asks how large the zips are that the cache lacks.
func (p *Plan) measure(ctx context.Context) error {
	p.missing = nil
	var jobs []fetchJob
	for _, m := range p.modules() {
		if !m.Zip {
			continue
		}
		p.Modules++
		name, err := m.file(".zip")
		if err != nil {
			return err
		}
		if info, err := os.Stat(p.creator.kept(name)); err == nil {
			p.Bytes += info.Size()
		} else {
			jobs = append(jobs, fetchJob{module: m, file: name})
		}
	}
	p.Modules -= len(p.Releases)
	err := each(ctx, requests, jobs, func(job *fetchJob) error {
		size, err := p.creator.size(ctx, job.module, job.file)
		job.size = size
		return err
	})
	for _, job := range jobs {
		p.Bytes += job.size
		p.Fetch += job.size
	}
	p.missing = jobs
	return err
}

// requests is how many requests to a proxy run at a time.
const requests = 8

// each calls do for every element of a list, some at a time, and returns the first
// error.
func each[T any](ctx context.Context, atATime int, list []T, do func(*T) error) error {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed error
	)
	slots := make(chan struct{}, atATime)
	for i := range list {
		slots <- struct{}{}
		mu.Lock()
		stop := failed != nil || ctx.Err() != nil
		mu.Unlock()
		if stop {
			<-slots
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			err := do(&list[i])
			mu.Lock()
			defer mu.Unlock()
			if failed == nil {
				failed = err
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return failed
}

// Close ends the plan. What was fetched stays in the cache.
func (p *Plan) Close() error { return p.work.close() }

// kept returns where the cache has a file of a proxy.
func (c *Creator) kept(name string) string {
	return filepath.Join(c.Cache, "proxy", filepath.FromSlash(name))
}

// Fill fetches what the plan lacks, has the go command load each project and tool as
// the other side will, and verifies everything. The contents can be written then.
func (p *Plan) Fill(ctx context.Context) (*Contents, error) {
	if err := p.fetchAll(ctx); err != nil {
		return nil, err
	}
	for _, r := range p.runs {
		if err := p.load(ctx, r); err != nil {
			return nil, err
		}
	}
	if err := p.work.gather(p.selected); err != nil {
		return nil, err
	}
	if err := p.measure(ctx); err != nil { // what only the loading found
		return nil, err
	}
	if err := p.fetchAll(ctx); err != nil {
		return nil, err
	}
	return p.contents(ctx)
}
