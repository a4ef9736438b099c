package release_test

import (
	"slices"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/settings"
)

// What VMGO_SOURCE may name is what there is.
func TestCatalogue_agreesWithTheSetting(t *testing.T) {
	t.Parallel()
	var names []string
	for _, known := range release.Catalogue() {
		names = append(names, known.Name)
		if len(known.Proofs) == 0 {
			t.Errorf("%s has no proofs", known.Name)
		}
	}
	for _, row := range settings.Table() {
		if row.Name != "VMGO_SOURCE" {
			continue
		}
		var words []string
		for _, word := range row.Words {
			words = append(words, word.Text)
		}
		if !slices.Equal(words, names) {
			t.Errorf("VMGO_SOURCE takes %q, and the sources are %q", words, names)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	asked := 0
	config := release.Config{Proxies: func() (fetch.Proxies, error) { asked++; return fetch.ParseProxies("https://example.com") }}
	opened, err := release.Open([]string{"godev"}, config)
	if err != nil || len(opened) != 1 || opened[0].Name() != "godev" || asked != 0 {
		t.Errorf("godev: %v, %v, GOPROXY was read %d times", opened, err, asked)
	}
	if opened, err = release.Open([]string{"godev", "goproxy"}, config); err != nil || len(opened) != 2 || opened[1].Name() != "goproxy" {
		t.Errorf("both: %v, %v", opened, err)
	}
	if names := release.FullNames(); !slices.Equal(names, []string{"godev"}) {
		t.Errorf("sources with everything: %q", names)
	}
	bad := release.Config{Proxies: func() (fetch.Proxies, error) { return nil, diag.New(diag.BadSetting, "bad") }}
	if opened, err = release.Open([]string{"goproxy"}, bad); diag.CodeOf(err) != diag.BadSetting || opened != nil {
		t.Errorf("a bad GOPROXY: %v, %v", opened, err)
	}
	if _, err = release.Open([]string{"godev", "elsewhere"}, config); diag.CodeOf(err) != diag.Usage {
		t.Errorf("an unknown source: %v", err)
	}
}
