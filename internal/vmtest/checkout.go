package vmtest

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Checkout returns a new directory with the files of a public module, as its
// repository has them. They come from the module proxies of this machine.
func Checkout(t testing.TB, path, version string) string {
	t.Helper()
	modcache := t.TempDir()
	cmd := exec.Command("go", "mod", "download", "-x", path+"@"+version)
	cmd.Env = append(os.Environ(), "GOFLAGS=-modcacherw", "GOMODCACHE="+modcache, "GOWORK=off")
	cmd.Dir = t.TempDir()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	z, err := zip.OpenReader(filepath.Join(modcache, "cache/download", path, "@v", version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir := t.TempDir()
	for _, f := range z.File {
		to := filepath.Join(dir, strings.TrimPrefix(f.Name, path+"@"+version+"/"))
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil || os.MkdirAll(filepath.Dir(to), 0o755) != nil || os.WriteFile(to, data, 0o600) != nil {
			t.Fatal(err)
		}
	}
	return dir
}
