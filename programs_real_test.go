package main_test

import (
	"os"
	"runtime"
	"testing"
)

// The real go command installs through the link, cross-compiled programs too,
// and go env tells one story.
func TestPrograms_realGoInstallsForEveryProject(t *testing.T) {
	t.Parallel()
	m := newRealMachine(t, "1.27.4")
	m.module("a", "1.27.4")
	m.module("b", "1.27.4")
	main := "package main\n\nfunc main() { println(\"hello\") }\n"
	if err := os.MkdirAll(m.base+"/a/hello", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.base+"/a/hello/main.go", []byte(main), 0o644); err != nil {
		t.Fatal(err)
	}
	other := map[string]string{"amd64": "arm64"}[runtime.GOARCH]
	if other == "" {
		other = "amd64"
	}
	for _, command := range []string{"go install ./hello", "GOARCH=" + other + " go install ./hello"} {
		if out, err := m.run(m.base+"/a", m.base+"/bin/vmgo", "exec", "--", "sh", "-c", command); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
	bin := m.base + "/home/go/bin/"
	for _, path := range []string{bin + "hello", bin + "linux_" + other + "/hello"} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if out, err := m.run(m.base+"/b", m.base+"/bin/vmgo", "exec", "--", "hello"); err != nil || out != "hello\n" {
		t.Errorf("in another project: %v: %s", err, out)
	}
	if out, err := m.run(m.base+"/a", m.base+"/bin/go", "clean", "-i", "./hello"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := os.Stat(bin + "hello"); err == nil {
		t.Error("go clean -i leaves the program")
	}
}
