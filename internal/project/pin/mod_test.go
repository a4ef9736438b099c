package pin_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/vmgo/vmgo/internal/project/pin"
)

// In a file that is formatted as the go command does it, an edit is that of
// go mod edit, byte for byte. (A comment above a line that is removed stays.)
func TestWriteMod_isGoModEdit(t *testing.T) {
	t.Parallel()
	requires := "require (\n\texample.com/a v1.0.0\n\texample.com/b v1.2.3 // indirect\n)\n\nreplace example.com/a => ../a\n"
	files := map[string]string{
		"nothing":     "module example.com/m\n",
		"go":          "module example.com/m\n\ngo 1.21.1\n",
		"go, more":    "// Why.\nmodule example.com/m // here\n\ngo 1.21 // why\n\n" + requires,
		"both":        "module example.com/m\n\ngo 1.22.0\n\ntoolchain go1.22.3\n",
		"both, more":  "module example.com/m\n\ngo 1.22.0\n\ntoolchain go1.22.3 // by tidy\n\n" + requires,
		"no go, more": "module example.com/m\n\n" + requires,
		"godebug":     "module example.com/m\n\ngo 1.22\n\ngodebug default=go1.21\n\ntool example.com/a/cmd/x\n\n" + requires,
	}
	changes := map[string]pin.ModChange{
		"a toolchain": {Toolchain: "go1.22.5"}, "no toolchain": {Toolchain: pin.None}, "a go line": {Go: "1.22.1"},
		"both":    {Go: "1.22.2", Toolchain: "go1.22.5"},
		"go only": {Go: "1.22", Toolchain: pin.None},
	}
	for file, text := range files {
		for change, c := range changes {
			t.Run(file+"/"+change, func(t *testing.T) {
				t.Parallel()
				ours, theirs := filepath.Join(t.TempDir(), "go.mod"), filepath.Join(t.TempDir(), "go.mod")
				for _, path := range []string{ours, theirs} {
					if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if err := pin.WriteMod(ours, c); err != nil {
					t.Fatal(err)
				}
				args := []string{"mod", "edit"}
				if c.Go != "" {
					args = append(args, "-go="+c.Go)
				}
				if c.Toolchain != "" {
					args = append(args, "-toolchain="+c.Toolchain)
				}
				edit := exec.Command("go", append(args, theirs)...)
				edit.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=")
				if out, err := edit.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				got, err := os.ReadFile(ours)
				if err != nil {
					t.Fatal(err)
				}
				want, err := os.ReadFile(theirs)
				if err != nil {
					t.Fatal(err)
				}
				if string(got) != string(want) {
					t.Errorf("%q\ngo mod edit gives\n%q", got, want)
				}
			})
		}
	}
}
