package proxy_test

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/vmtest"
)

// What Prometheus reads: each sample is of a family that is described once before it,
// and the figures are those of the requests that were made.
func TestMetrics_content(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.0.0", Size: 100 << 10})
	one := http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}} // a request is counted before the next one is read
	t.Cleanup(one.CloseIdleConnections)
	get := func(path string) string {
		resp, err := one.Get(b.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	zip := get("/example.com/lib/@v/v1.0.0.zip")
	get("/example.com/lib/@v/v1.0.0.zip")
	get("/example.com/lib/@v/v1.0.0.zip")
	get("/example.com/lib/@v/v1.9.0.mod")
	b.upstream.AddModule(vmtest.Module{Path: "example.com/lib", Version: "v1.1.0"})
	get("/example.com/lib/@v/v1.1.0.info")
	samples := parseMetrics(t, get("/metrics"))
	for name, want := range map[string]float64{
		`requests_total{kind="zip",status="200",cache="miss"}`:       1,
		`requests_total{kind="zip",status="200",cache="hit"}`:        2,
		`requests_total{kind="mod",status="404",cache="miss"}`:       1,
		`requests_total{kind="info",status="200",cache="miss"}`:      1,
		`response_bytes_total{kind="zip",status="200",cache="hit"}`:  2 * float64(len(zip)),
		`response_bytes_total{kind="zip",status="200",cache="miss"}`: float64(len(zip)),
		"upstream_failures_total":                                    0,
		"damaged_files_total":                                        0,
		"contradictions_total":                                       0,
		"cache_evictions_total":                                      0,
	} {
		if got, found := samples[name]; !found || got != want {
			t.Errorf("%s is %v (%v), not %v", name, got, found, want)
		}
	}
	if samples["cache_files"] < 2 || samples["cache_bytes"] < float64(len(zip)) || samples["upstream_bytes_total"] < float64(len(zip)) || samples["upstream_fetches_total"] < 3 {
		t.Errorf("the cache and upstream: %v", samples)
	}
	if took := samples[`request_seconds_total{kind="zip",status="200",cache="miss"}`]; took <= 0 {
		t.Errorf("the requests took %v s", took)
	}
}

// parseMetrics reads the text format of Prometheus, strictly.
func parseMetrics(t *testing.T, text string) map[string]float64 {
	t.Helper()
	help := regexp.MustCompile(`^# HELP vmgo_proxy_([a-z_]+) [A-Z].*\.$`)
	kind := regexp.MustCompile(`^# TYPE vmgo_proxy_([a-z_]+) (counter|gauge)$`)
	sample := regexp.MustCompile(`^vmgo_proxy_(([a-z_]+)(?:\{[a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*\})?) (\S+)$`)
	samples, family, described := map[string]float64{}, "", map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := help.FindStringSubmatch(line); m != nil && !described[m[1]] {
			family, described[m[1]] = m[1], true
			continue
		}
		if m := kind.FindStringSubmatch(line); m != nil && m[1] == family && strings.HasSuffix(family, "_total") == (m[2] == "counter") {
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || m[2] != family {
			t.Errorf("Prometheus cannot read %q", line)
			continue
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if _, twice := samples[m[1]]; err != nil || twice {
			t.Errorf("%q: %v, twice: %v", line, err, twice)
		}
		samples[m[1]] = value
	}
	return samples
}
