package cli_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/vmgo/vmgo/internal/vmtest"
)

// TestReplicas_oneDiesUnderLoad shares a bucket between two proxies, kills one
// while clients load, then the upstream, and asks a third one, whose own cache is
// empty, for everything that any client has got.
func TestReplicas_oneDiesUnderLoad(t *testing.T) {
	t.Parallel()
	const modules, clients = 30, 8
	upstream := vmtest.NewServer(t, vmtest.Options{MissingStatus: http.StatusNotFound})
	want := map[string][]byte{}
	var paths []string
	for i := range modules {
		module := vmtest.Module{Path: fmt.Sprintf("example.com/m%d", i), Version: "v1.0.0", Size: 100 << 10}
		upstream.AddModule(module)
		path := "/" + module.Path + "/@v/v1.0.0.zip"
		want[path], paths = module.Zip(), append(paths, path)
	}
	_, replica := replicas(t, upstream, "--list-age", "0s")
	one, two := replica(), replica()
	var gotten atomic.Int64
	var kill sync.Once
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			for i := range paths {
				path := paths[(i+c*len(paths)/clients)%len(paths)]
				data, err := get(t.Context(), one.url+path)
				if err != nil {
					data, err = get(t.Context(), two.url+path) // as a go command does with GOPROXY=one|two
				}
				if err != nil || !bytes.Equal(data, want[path]) {
					t.Errorf("%s: %d bytes, %v", path, len(data), err)
				}
				if gotten.Add(1) == modules*clients/4 {
					kill.Do(func() { _ = one.cmd.Process.Kill() })
				}
			}
		})
	}
	group.Wait()
	// The one that is left goes on, and what it saw last is what others begin with.
	last := vmtest.Module{Path: "example.com/last", Version: "v1.0.0"}
	upstream.AddModule(last)
	want["/example.com/last/@v/v1.0.0.zip"] = last.Zip()
	if _, err := get(t.Context(), two.url+"/example.com/last/@v/v1.0.0.zip"); err != nil {
		t.Error(err)
	}
	fetched := upstream.Count("*.zip")
	if _, err := get(t.Context(), two.url+"/example.com/m1/@v/list"); err != nil {
		t.Error(err)
	}
	upstream.Fault("*", vmtest.Fault{Name: "status", N: http.StatusServiceUnavailable})

	three := replica()
	for path, data := range want {
		got, err := get(t.Context(), three.url+path)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s of the third: %d bytes, %v", path, len(got), err)
		}
		lookup := "/sumdb/" + vmtest.LogName + "/lookup/" + strings.Replace(strings.TrimSuffix(path[1:], ".zip"), "/@v/", "@", 1)
		if _, err := get(t.Context(), three.url+lookup); err != nil {
			t.Error(err)
		}
	}
	if list, err := get(t.Context(), three.url+"/example.com/m1/@v/list"); err != nil || string(list) != "v1.0.0\n" {
		t.Errorf("list of the third: %q, %v", list, err)
	}
	requests := modules*clients + 1 + len(want)
	t.Logf("%d requests for %d zips, %d fetches from upstream: hit rate %.1f %%", requests, modules, fetched, 100*float64(requests-fetched)/float64(requests))
	if fetched > 2*modules {
		t.Errorf("%d fetches: two replicas need at most %d", fetched, 2*modules)
	}
}

// A false tile of the checksum database in the bucket is not what a replica serves.
func TestReplicas_falseTile(t *testing.T) {
	t.Parallel()
	upstream := vmtest.NewServer(t, vmtest.Options{MissingStatus: http.StatusNotFound})
	upstream.AddModule(vmtest.Module{Path: "example.com/m", Version: "v1.0.0"})
	storage, replica := replicas(t, upstream)
	const base = "/sumdb/" + vmtest.LogName
	one := replica()
	if _, err := get(t.Context(), one.url+base+"/lookup/example.com/m@v1.0.0"); err != nil {
		t.Fatal(err)
	}
	objects, err := storage.ListBucket("modules", &gofakes3.Prefix{HasPrefix: true, Prefix: "go" + base + "/tile/"}, gofakes3.ListBucketPage{})
	if err != nil || len(objects.Contents) == 0 {
		t.Fatal("no tile is shared: ", err)
	}
	want := map[string][]byte{}
	for _, object := range objects.Contents {
		path := strings.TrimPrefix(object.Key, "go")
		if want[path], err = get(t.Context(), one.url+path); err != nil {
			t.Fatal(err)
		}
		zeros := make([]byte, object.Size)
		meta := map[string]string{"X-Amz-Meta-Vmgo-Sha256": fmt.Sprintf("%x", sha256.Sum256(zeros))}
		if _, err := storage.PutObject("modules", object.Key, meta, bytes.NewReader(zeros), object.Size, nil); err != nil {
			t.Fatal(err)
		}
	}
	two := replica()
	for path, data := range want {
		if got, err := get(t.Context(), two.url+path); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", path, len(got), err)
		}
	}
}

func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.200s", url, resp.Status, data)
	}
	return data, err
}

// replicas returns an empty bucket, and a function that starts a proxy that keeps what it
// fetches there.
func replicas(t *testing.T, upstream *vmtest.Server, flags ...string) (*s3mem.Backend, func() *process) {
	t.Helper()
	storage := s3mem.New()
	if err := storage.CreateBucket("modules"); err != nil {
		t.Fatal(err)
	}
	s3 := httptest.NewServer(gofakes3.New(storage).Server())
	t.Cleanup(s3.Close)
	env := []string{"GOSUMDB=" + upstream.GOSUMDB(), "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret"}
	args := append([]string{"--quiet", "--listen", "127.0.0.1:0", "--upstream", upstream.URL, "--s3", s3.URL + "/modules/go"}, flags...)
	return storage, func() *process { return start(t, env, nil, args...) }
}
