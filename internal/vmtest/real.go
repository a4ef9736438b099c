package vmtest

import (
	"context"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
)

// RealProxies returns the module proxies of this machine's GOPROXY for tests
// against the real world, and skips the test, saying so, where they don't list
// Go's toolchains within half a minute.
func RealProxies(t testing.TB) fetch.Proxies {
	t.Helper()
	proxies, why := realProxies()
	if why != "" {
		t.Skip("not run against the real GOPROXY: ", why)
	}
	return proxies
}

var realProxies = sync.OnceValues(func() (fetch.Proxies, string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "env", "GOPROXY").Output()
	if err != nil {
		return nil, "go env GOPROXY: " + err.Error()
	}
	proxies, err := fetch.ParseProxies(strings.TrimSpace(string(out)))
	if err != nil {
		return nil, err.Error()
	}
	if proxies[0].URL == "" {
		return nil, "GOPROXY names no proxy"
	}
	client := fetch.New(fetch.Config{Transport: http.DefaultTransport, Attempts: 1})
	if _, err := client.Get(ctx, proxies[0].URL+"/"+gover.ToolchainModule+"/@v/list", 16<<20); err != nil {
		return nil, err.Error()
	}
	return proxies, ""
})
