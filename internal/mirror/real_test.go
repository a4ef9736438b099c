package mirror_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/bundle"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/mirror"
	"github.com/vmgo/vmgo/internal/patches"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// TestReal_patchIsSmall mirrors two real releases. A client with the first fetches the
// patch and the directory of the zip, which has 2 MB.
func TestReal_patchIsSmall(t *testing.T) {
	t.Parallel()
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("takes half a minute of processor time and 143 MB; runs with VMGO_LONG=1")
	}
	proxies := vmtest.RealProxies(t)
	client := fetch.New(fetch.Config{Transport: http.DefaultTransport, Env: map[string]string{}})
	dir := filepath.Join(t.TempDir(), "mirror")
	log, err := trust.NewLog(trust.LogConfig{Proxies: proxies, Getter: client, StateDir: dir + ".state", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	m := mirror.New(dir, &bundle.Creator{Client: client, Proxies: proxies, Log: log, Env: map[string]string{}, Private: func(string) bool { return false }})
	m.Now, m.Say = time.Now, func(text string) { t.Log(text) }
	request := wanted("1.26.7", "1.26.8")
	if err := m.Sync(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	const version = "v0.0.1-go1.26.8.linux-amd64"
	data, err := smallfile.Read(filepath.Join(dir, mirror.Public, patches.ListName(version)), patches.MaxList)
	if err != nil {
		t.Fatal(err)
	}
	list, err := patches.Decode(data, version)
	if err != nil || len(list.Patches) != 1 {
		t.Fatal(list, err)
	}
	if size := list.Patches[0].Size; size > 1<<20 {
		t.Errorf("the patch from 1.26.7 to 1.26.8 has %d bytes", size)
	}
	done, err := m.Verify(t.Context(), bundle.Verifier{StateDir: dir + ".state", Private: func(string) bool { return false }, Warn: func(string) {}})
	if err != nil || done.Releases != 2 || done.Patches != 1 {
		t.Errorf("%+v, %v", done, err)
	}
}
