package bundle

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/release"
)

// fetchJob is the zip of a module that the cache lacks.
type fetchJob struct {
	module Module
	file   string
	size   int64 // 0: not known
}

// maxZip bounds the zip of a module, in bytes; it is the go command's limit.
const maxZip = 500 << 20

// errElsewhere reports that no proxy has a module: its repository may.
var errElsewhere = errors.New("no module proxy has it")

// try calls ask with the URL of a file on one proxy after the other, by the rules
// of GOPROXY.
func (c *Creator) try(m Module, file string, ask func(url string) error) error {
	if m.Private {
		return errElsewhere
	}
	missing := func(err error) bool { return fetch.NotHere(err) || errors.Is(err, errElsewhere) }
	return c.Proxies.Try(missing, func(proxy goenv.Proxy) error {
		switch {
		case proxy.Off:
			return diag.New(diag.Offline, "GOPROXY=off forbids module downloads", "go env -u GOPROXY")
		case proxy.Direct && m.Path == gover.ToolchainModule:
			return ask(release.DirectProxy + "/" + file)
		case proxy.Direct:
			return errElsewhere
		}
		return ask(proxy.URL + "/" + file)
	})
}

// size returns how large a file is, 0 where nobody says.
func (c *Creator) size(ctx context.Context, m Module, file string) (size int64, err error) {
	err = c.try(m, file, func(url string) error {
		size, err = c.Client.Stat(ctx, url)
		return err
	})
	switch {
	case errors.Is(err, errElsewhere), fetch.NotHere(err) && m.Path != gover.ToolchainModule:
		return 0, nil
	case fetch.NotHere(err):
		err = diag.Wrap(diag.NoSuchRelease, err, "no proxy has "+m.Path+"@"+m.Version, "vmgo list-remote --all")
	}
	return size, err
}

// fetchAll brings all selected modules into the cache. What no proxy has, the go
// command gets from its repository.
func (p *Plan) fetchAll(ctx context.Context) error {
	modules := p.modules()
	if err := p.room(); err != nil {
		return err
	}
	meter := &meter{total: p.Fetch, tell: p.creator.Fetched}
	var mu sync.Mutex
	var direct []string
	err := each(ctx, requests, modules, func(m *Module) error {
		err := p.creator.fetchModule(ctx, *m, meter)
		if errors.Is(err, errElsewhere) || fetch.NotHere(err) && m.Path != gover.ToolchainModule {
			mu.Lock()
			defer mu.Unlock()
			direct = append(direct, m.Path+"@"+m.Version)
			return nil
		}
		return err
	})
	if err != nil || len(direct) == 0 {
		return err
	}
	slices.Sort(direct)
	goroot, err := p.creator.GOROOT(p.work.dir)
	if err != nil {
		return err
	}
	if _, err := p.work.goCommand(ctx, goroot, p.work.dir, nil, append([]string{"mod", "download"}, direct...)...); err != nil {
		return err
	}
	return p.work.gather(p.selected)
}

// room returns disk-full where the cache has no room for what is to be fetched.
func (p *Plan) room() error {
	free, err := fsx.Free(p.creator.Cache)
	if err != nil || p.Fetch <= free.Bytes {
		return nil // a failed write says more
	}
	return diag.New(diag.DiskFull, "no room for downloads in "+p.creator.Cache, "df -h "+diag.Word(p.creator.Cache))
}

// fetchModule brings the files of a module into the cache.
func (c *Creator) fetchModule(ctx context.Context, m Module, meter *meter) error {
	extensions := []string{".mod"}
	if m.Zip {
		extensions = []string{".info", ".mod", ".zip"}
	}
	for _, ext := range extensions {
		file, err := m.file(ext)
		if err != nil {
			return err
		}
		if _, err := os.Lstat(c.kept(file)); err == nil {
			continue
		}
		limit := int64(maxSmall)
		if ext == ".zip" {
			limit = maxZip
		}
		if err := c.try(m, file, func(url string) error { return c.download(ctx, url, file, limit, meter) }); err != nil {
			return err
		}
	}
	return nil
}

// download fetches a file into the cache, where it appears as a whole.
func (c *Creator) download(ctx context.Context, url, file string, limit int64, meter *meter) error {
	request := fetch.Request{URL: url, Limit: limit}
	if strings.HasSuffix(file, ".zip") {
		request.Progress = meter.count()
	}
	return c.Download(ctx, request, c.kept(file))
}

// meter adds up several downloads.
type meter struct {
	mu          sync.Mutex
	done, total int64
	tell        func(done, total int64)
}

// count returns a function that is told how far one of the downloads is.
func (m *meter) count() func(done, total int64) {
	var before int64
	return func(done, _ int64) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.done += done - before
		before = done
		if m.tell != nil {
			m.tell(m.done, m.total)
		}
	}
}
