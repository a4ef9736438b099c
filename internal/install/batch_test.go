package install_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
)

// gathered is a network on which no archive is opened before all are asked for.
// It then counts the stages of the store, each of which has an index of all
// manifests.
type gathered struct {
	*fetch.Client
	all    sync.WaitGroup
	dir    string
	count  sync.Once
	stages int
}

func (g *gathered) Ranges(ctx context.Context, url string) (*fetch.RangeReader, error) {
	g.all.Done()
	g.all.Wait()
	g.count.Do(func() {
		entries, _ := os.ReadDir(filepath.Join(g.dir, ".vmgo", "staging"))
		g.stages = len(entries)
	})
	return g.Client.Ranges(ctx, url)
}

// A batch makes a stage, and reads what there is to share with, when it is the
// turn of a release: waiting for downloads takes no memory for that.
func TestInstall_batchHasOneStageAtATime(t *testing.T) {
	w := newWorld(t, made("1.22.5"), made("1.22.4"), made("1.22.3"), made("1.22.2"))
	network := &gathered{Client: w.in.Fetcher.(*fetch.Client), dir: w.in.Store.Dir()}
	w.in.Fetcher = network
	var versions []gover.Version
	for _, v := range []string{"1.22.5", "1.22.4", "1.22.3", "1.22.2"} {
		versions = append(versions, version(t, v))
	}
	network.all.Add(len(versions))
	most := 0
	w.req.Event = func(install.Event) {
		entries, _ := os.ReadDir(filepath.Join(w.in.Store.Dir(), ".vmgo", "staging"))
		most = max(most, len(entries))
	}
	for _, r := range w.in.Install(t.Context(), versions, w.req) {
		if r.Err != nil {
			t.Errorf("%s: %v", r.Version, r.Err)
		}
	}
	if network.stages != 0 {
		t.Errorf("%d stages while every release waits for its download", network.stages)
	}
	// One that is published gets deleted while the next is filled.
	if most < 1 || most > 2 {
		t.Errorf("%d stages at a time", most)
	}
}
