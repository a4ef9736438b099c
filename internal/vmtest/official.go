package vmtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// OfficialGOROOT finds a GOROOT of the given toolchain at the usual place,
// unpacked from the official archive, and says which of its files have to be
// replaced to be the published ones: packagers set GOTOOLCHAIN in go.env. It
// skips the test where there is none.
func OfficialGOROOT(t testing.TB, toolchain string) (goroot string, replace map[string][]byte) {
	t.Helper()
	const dir = "/usr/local/go"
	version, err := os.ReadFile(filepath.Join(dir, "VERSION"))
	if err != nil {
		t.Skip("no GOROOT at the usual place: ", err)
	}
	if first, _, _ := strings.Cut(string(version), "\n"); first != toolchain {
		t.Skipf("%s is %s, not %s", dir, first, toolchain)
	}
	env, err := os.ReadFile(filepath.Join(dir, "go.env"))
	if err != nil {
		t.Skip(err)
	}
	official := strings.Replace(string(env), "GOTOOLCHAIN=local\n", "GOTOOLCHAIN=auto\n", 1)
	return dir, map[string][]byte{"go.env": []byte(official)}
}
