package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// installerFunction runs one function of install.sh, whose text ends where a
// line has nothing but its closing brace.
func installerFunction(t *testing.T, name string, args ...string) error {
	t.Helper()
	text, err := os.ReadFile("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut(string(text), "\n"+name+"() {")
	body, _, ended := strings.Cut(body, "\n}\n")
	if !found || !ended {
		t.Fatalf("install.sh has no function %s", name)
	}
	script := name + "() {" + body + "\n}\n" + name + ` "$@"`
	return exec.Command("sh", append([]string{"-c", script, "sh"}, args...)...).Run()
}

func TestInstaller_comparesVersionsAsGoDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		found, needed string
		want          bool
	}{
		{"go1.26.0", "1.26.0", true}, {"go1.26.10", "1.26.9", true}, {"go1.100.0", "1.26.0", true}, {"go2.0", "1.26.0", true}, {"go1.26", "1.26.0", true},
		{"go1.26.0", "1.26.1", false}, {"go1.9.7", "1.26.0", false}, {"go1.25.99", "1.26.0", false},
		{"go1.27rc1", "1.26.0", false}, {"devel", "1.26.0", false}, {"", "1.26.0", false}, {"go1.26.0\ngo1.27.0", "1.26.0", false},
	} {
		if err := installerFunction(t, "new_enough", c.found, c.needed); (err == nil) != c.want {
			t.Errorf("%q for a module that needs %s: %v", c.found, c.needed, err)
		}
	}
}

func TestInstaller_saysThatGOPROXYIsOff(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	good := "file://" + filepath.Join(filepath.Dir(in.home), "proxy")
	in.env = append(in.env, "GOPROXY=off,"+good)
	_, stderr := in.run(4, "--find-go", "go")
	wants(t, stderr, "GOPROXY says off")
}
