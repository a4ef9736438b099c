package fetch_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
)

// A message arrives whole, and no error shows the secret part of the URL.
func TestClient_Post(t *testing.T) {
	t.Parallel()
	var got, kind string
	status := http.StatusNoContent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got, kind = string(data), r.Header.Get("Content-Type")
		w.WriteHeader(status)
	}))
	defer server.Close()
	client := fetch.New(fetch.Config{Transport: http.DefaultTransport})
	if err := client.Post(t.Context(), server.URL+"/secret", []byte(`{"a":1}`)); err != nil || got != `{"a":1}` || kind != "application/json" {
		t.Errorf("Post: %v; arrived %q as %q", err, got, kind)
	}
	status = http.StatusForbidden
	if err := client.Post(t.Context(), server.URL+"/secret", nil); diag.CodeOf(err) != diag.Network || strings.Contains(err.Error(), "secret") {
		t.Errorf("refused: %v", err)
	}
	server.Close()
	if err := client.Post(t.Context(), server.URL+"/secret", nil); diag.CodeOf(err) != diag.Network || strings.Contains(err.Error(), "secret") {
		t.Errorf("no server: %v", err)
	}
	if err := client.Post(t.Context(), "file:///etc/secret", nil); diag.CodeOf(err) != diag.Usage {
		t.Errorf("not http: %v", err)
	}
	offline := fetch.New(fetch.Config{Transport: http.DefaultTransport, Offline: true})
	if err := offline.Post(t.Context(), server.URL+"/secret", nil); diag.CodeOf(err) != diag.Offline {
		t.Errorf("offline: %v", err)
	}
}
