package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// On a machine without Go: the real toolchain through GOPROXY, checked against
// the checksum of the script, builds the real programs.
func TestInstaller_real(t *testing.T) {
	t.Parallel()
	proxies := proxyOrSkip(t)
	in := newInstaller(t, "dash")
	script, err := os.ReadFile("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	script = withoutThisMachinesGo(script)
	in.write(filepath.Join(in.checkout, "install.sh"), string(script))
	if err := os.Remove(filepath.Join(in.checkout, "go.mod")); err != nil {
		t.Fatal(err)
	}
	if in.home, err = os.Getwd(); err != nil { // a checkout, too
		t.Fatal(err)
	}
	prefix := filepath.Join(t.TempDir(), "prefix")
	in.env = append(in.env, "HOME="+t.TempDir(), "GOPROXY="+proxies)
	in.env = append(in.env, networkEnv()...)
	_, stderr := in.run(0, "--programs-only", "--prefix", prefix)
	wants(t, stderr, "check its SHA-256", "build vmgo and vmgo-shim")
	for _, name := range []string{"vmgo", "vmgo-shim"} {
		text, err := exec.Command("go", "version", "-m", filepath.Join(prefix, "bin", name)).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		wants(t, string(text), "CGO_ENABLED=0", "-trimpath=true")
	}
}
