package proxy_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/proxy"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// TestReal_goCommandsThroughTheRealProxy gets real modules, compared with the real
// database, and again after every way to the outside is closed.
func TestReal_goCommandsThroughTheRealProxy(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs the network")
	}
	proxies := vmtest.RealProxies(t)
	b := newBench(t, func(c *proxy.Config) {
		c.Upstreams = proxies
		c.Client = fetch.New(fetch.Config{Transport: http.DefaultTransport, Env: map[string]string{}})
		c.Log = realLog(t, *c)
	})
	run := func() {
		m := b.newMachine("GOSUMDB=sum.golang.org")
		m.must("get", "golang.org/x/text@v0.14.0")
		if out := m.must("list", "-m", "all"); !strings.Contains(out, "golang.org/x/text v0.14.0") {
			t.Errorf("modules: %s", out)
		}
		m.must("mod", "verify")
	}
	run()
	b.stop()
	b.start(func(c *proxy.Config) {
		c.Client = newClient("closed") // reaches this machine only
		c.Upstreams[0].URL = "http://127.0.0.1:1"
		c.Log = realLog(t, *c)
	})
	run()
}

func realLog(t *testing.T, c proxy.Config) *trust.Log {
	t.Helper()
	log, err := trust.NewLog(trust.LogConfig{Proxies: c.Upstreams, Getter: c.Client, StateDir: filepath.Join(c.Dir, ".state"), CacheDir: c.Dir, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return log
}
