package proxy

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
)

// metrics are counters since the start.
type metrics struct {
	fetches, failures, fetched, damaged, contradictions, stale, bucketHits, bucketFailures atomic.Int64

	mu       sync.Mutex
	requests map[requestKey]*requestCount
}

type requestKey struct {
	kind   kind
	status int
	hit    cached
}

type requestCount struct {
	number, bytes int64
	seconds       float64
}

func (m *metrics) count(rec *recorder, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.requests == nil {
		m.requests = map[requestKey]*requestCount{}
	}
	key := requestKey{rec.kind, rec.status, rec.hit}
	if m.requests[key] == nil {
		m.requests[key] = &requestCount{}
	}
	m.requests[key].number++
	m.requests[key].bytes += rec.bytes
	m.requests[key].seconds += took.Seconds()
}

func (s *Server) noteDamage(name string) {
	s.metrics.damaged.Add(1)
	s.config.Logger.Warn("a cached file was damaged; it is fetched anew", "name", name)
}

// serveMetrics writes the text format of Prometheus.
func (s *Server) serveMetrics(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	stats := s.store.Stats()
	for _, metric := range []struct {
		name, kind, help string
		value            int64
	}{
		{"upstream_fetches_total", "counter", "Files and answers that were fetched from upstream.", s.metrics.fetches.Load()},
		{"upstream_failures_total", "counter", "Fetches that failed, other than by not found.", s.metrics.failures.Load()},
		{"upstream_bytes_total", "counter", "Bytes that came from upstream.", s.metrics.fetched.Load()},
		{"stale_answers_total", "counter", "Lists and queries answered from the cache while upstream was out of reach.", s.metrics.stale.Load()},
		{"damaged_files_total", "counter", "Cached files that no longer had their hash.", s.metrics.damaged.Load()},
		{"contradictions_total", "counter", "Modules and answers that contradicted the checksum database.", s.metrics.contradictions.Load()},
		{"bucket_hits_total", "counter", "Files that came from the bucket that replicas share.", s.metrics.bucketHits.Load()},
		{"bucket_failures_total", "counter", "Requests to the bucket that failed, other than by not found.", s.metrics.bucketFailures.Load()},
		{"cache_evictions_total", "counter", "Cached files that went for others.", stats.Evicted},
		{"cache_files", "gauge", "Cached files.", stats.Files},
		{"cache_bytes", "gauge", "Bytes of cached files.", stats.Bytes},
	} {
		fmt.Fprintf(w, "# HELP vmgo_proxy_%s %s\n# TYPE vmgo_proxy_%s %s\nvmgo_proxy_%s %d\n", metric.name, metric.help, metric.name, metric.kind, metric.name, metric.value)
	}
	s.metrics.writeRequests(w)
}

func (m *metrics) writeRequests(w io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(m.requests), func(a, b requestKey) int {
		return slices.Compare([]string{string(a.kind), fmt.Sprint(a.status), string(a.hit)}, []string{string(b.kind), fmt.Sprint(b.status), string(b.hit)})
	})
	for _, family := range []struct {
		name, help string
		value      func(*requestCount) any
	}{
		{"requests_total", "Requests served.", func(c *requestCount) any { return c.number }},
		{"response_bytes_total", "Bytes sent.", func(c *requestCount) any { return c.bytes }},
		{"request_seconds_total", "Time spent on requests.", func(c *requestCount) any { return c.seconds }},
	} {
		fmt.Fprintf(w, "# HELP vmgo_proxy_%s %s\n# TYPE vmgo_proxy_%s counter\n", family.name, family.help, family.name)
		for _, key := range keys {
			fmt.Fprintf(w, "vmgo_proxy_%s{kind=%q,status=\"%d\",cache=%q} %v\n", family.name, key.kind, key.status, key.hit, family.value(m.requests[key]))
		}
	}
}

// serveReady reports whether the proxy can do its work: its cache takes files.
func (s *Server) serveReady(w http.ResponseWriter) {
	if s.config.Offline {
		_, _ = io.WriteString(w, "ok\n")
		return
	}
	stage, err := s.store.Stage()
	if err != nil {
		http.Error(w, "the cache takes no files: "+diag.Line(err.Error()), http.StatusServiceUnavailable)
		return
	}
	s.store.Discard(stage)
	if s.ctx.Err() != nil {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}
