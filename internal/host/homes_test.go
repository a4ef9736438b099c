package host_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vmgo/vmgo/internal/host"
)

func TestHomes_thatExist(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, dir := range []string{"etc", "root", "home/a b"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	passwd := "root:x:0:0:root:/root:/bin/bash\nbin:x:2:2:bin:/bin:/x\na:x:1000:1000::/home/a b:/bin/sh\n" +
		"b:x:1001:1000::/home/a b:/bin/sh\nnobody:x:65534:65534::/:/x\nbroken\nrel:x:1:1::home:/x\n"
	if err := os.WriteFile(filepath.Join(root, "etc/passwd"), []byte(passwd), 0o644); err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(root, "home/a b"), filepath.Join(root, "root")}
	if got := host.Homes(root); !slices.Equal(got, want) {
		t.Errorf("Homes = %q, want %q", got, want)
	}
	if got := host.Homes(t.TempDir()); got != nil {
		t.Errorf("without passwd: %q", got)
	}
}
