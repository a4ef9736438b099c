package trust_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// Against the real GOPROXY and the real checksum database.
func TestLookup_real(t *testing.T) {
	t.Parallel()
	proxies := vmtest.RealProxies(t)
	l, err := trust.NewLog(trust.LogConfig{
		GOSUMDB: "off", // must not matter
		Proxies: proxies, Getter: fetch.New(fetch.Config{Transport: http.DefaultTransport}),
		StateDir: t.TempDir(), CacheDir: t.TempDir(), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	for text, h1 := range map[string]string{
		"1.22.5":  "h1:LQChnsjY/4sr12W+7pci1Qg1+X/n7vmLOOaq2aTBG0w=",
		"1.17.13": "h1:AUzu/+mOn2gHKmpGsifjAbnxb3kk/IrBhTGMhdfGGcE=",
		"1.26.8":  "h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=",
	} {
		v := version(t, text)
		r, err := l.Lookup(t.Context(), v, linux)
		if err != nil || r.H1 != h1 {
			t.Errorf("%s: %s %v", text, r.H1, err)
			continue
		}
		if offline, err := l.VerifyOffline(r.Proof, v, linux); err != nil || offline.H1 != h1 {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, err = l.Lookup(t.Context(), version(t, "1.22.99"), linux)
	wantCode(t, err, diag.Unproven)
}
