package main_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/sshsig"
)

// TestRelease_sameBytes builds a release twice, of the tree as it is: by two users,
// in two directories, at two times, with other settings and another state of
// the caches; and compares every byte.
func TestRelease_sameBytes(t *testing.T) {
	t.Parallel()
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("two builds of a release take some minutes: ./test.sh --long has them")
	}
	if _, err := os.Stat(".git"); err != nil {
		t.Skip("a release is built from a git repository, and this is none")
	}
	base := t.TempDir()
	key := filepath.Join(base, "key")
	command(t, "", nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", key)
	first := taggedClone(t, filepath.Join(base, "first"), key+".pub")
	one, two := filepath.Join(base, "one"), filepath.Join(base, "two")
	command(t, first, nil, "packaging/release.sh", "--arch", "amd64,arm64", "--key", key, "--out", one, "v0.1.0")

	second := filepath.Join(base, "another", "place with spaces")
	command(t, "", nil, "git", "clone", "-q", first, second)
	env := []string{"TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "SOURCE_DATE_EPOCH=5", "GOFLAGS=-mod=mod", "USER=other",
		"GOCACHE=" + filepath.Join(base, "gocache")}
	command(t, second, env, "sh", "-c", `umask 077 && exec packaging/release.sh --arch arm64,amd64 --key "$1" --out "$2" 0.1.0`, "sh", key, two)

	names := sameFiles(t, one, two)
	for _, want := range []string{"vmgo-0.1.0-linux-amd64.tar.gz", "vmgo-0.1.0-linux-arm64.tar.gz", "vmgo_0.1.0-1_arm64.deb",
		"vmgo-0.1.0-1.aarch64.rpm", "vmgo-0.1.0.cdx.json", "checksums.txt.sig"} {
		if !strings.Contains(names, want+"\n") {
			t.Errorf("no %s among\n%s", want, names)
		}
	}
	programs := command(t, first, nil, "go", "list", "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`, ".", "./shims/...", "./cmd/...")
	listed := members(t, filepath.Join(one, "vmgo-0.1.0-linux-amd64.tar.gz"))
	for _, program := range strings.Fields(programs) {
		if !strings.Contains(listed, "/bin/"+filepath.Base(program)+"\n") {
			t.Errorf("the archive lacks %s:\n%s", program, listed)
		}
	}
	signedBy(t, filepath.Join(first, "packaging/release-keys"), one)
}

// taggedClone clones this repository, has it and its install.sh accept a key, and
// tags that.
func taggedClone(t *testing.T, dir, public string) string {
	t.Helper()
	command(t, "", nil, "git", "clone", "-q", "--no-local", ".", dir)
	keys, script := filepath.Join(dir, "packaging/release-keys"), filepath.Join(dir, "install.sh")
	key, err1 := os.ReadFile(public)
	old, err2 := os.ReadFile(keys)
	text, err3 := os.ReadFile(script)
	line := []byte(`vmgo namespaces="vmgo-release" ` + string(key))
	accepting := bytes.Replace(text, append(old, "END\n"...), append(line, "END\n"...), 1)
	err4 := os.WriteFile(keys, line, 0o600)
	err5 := os.WriteFile(script, accepting, 0o600)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil || bytes.Equal(text, accepting) {
		t.Fatal("install.sh does not have the lines of packaging/release-keys", err)
	}
	tag(t, dir, "0.1.0")
	return dir
}

// tag commits a heading for a version in CHANGELOG.md, where there is none, and tags that.
func tag(t *testing.T, clone, version string) {
	t.Helper()
	name := filepath.Join(clone, "CHANGELOG.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	heading := []byte("\n## " + version + "\n")
	if !bytes.Contains(text, heading) {
		text = bytes.Replace(text, []byte("\n## "), append(heading, "\n- more\n\n## "...), 1)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, clone, nil, "git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-am", "vmgo "+version)
	command(t, clone, nil, "git", "tag", "v"+version)
}

func command(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	if strings.HasPrefix(name, "packaging/") {
		name = filepath.Join(dir, name)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out, &errs)
	}
	return string(out)
}

// sameFiles compares two directories and returns the names in them, a line each.
func sameFiles(t *testing.T, one, two string) string {
	t.Helper()
	files, err := os.ReadDir(one)
	if err != nil {
		t.Fatal(err)
	}
	var names strings.Builder
	for _, file := range files {
		a, err1 := os.ReadFile(filepath.Join(one, file.Name()))
		b, err2 := os.ReadFile(filepath.Join(two, file.Name()))
		if err := errors.Join(err1, err2); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs (%v): %d and %d bytes", file.Name(), err, len(a), len(b))
		}
		names.WriteString(file.Name() + "\n")
	}
	if others, _ := os.ReadDir(two); len(others) != len(files) {
		t.Errorf("%d files and %d", len(files), len(others))
	}
	return names.String()
}

func members(t *testing.T, archive string) string {
	t.Helper()
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var names strings.Builder
	for reader := tar.NewReader(unzipped); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return names.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		names.WriteString(header.Name + "\n")
	}
}

// signedBy has our own verifier judge what ssh-keygen has signed.
func signedBy(t *testing.T, keys, dir string) {
	t.Helper()
	lines, err1 := os.ReadFile(keys)
	sums, err2 := os.ReadFile(filepath.Join(dir, "checksums.txt"))
	signature, err3 := os.ReadFile(filepath.Join(dir, "checksums.txt.sig"))
	signers, err4 := sshsig.ParseSigners(lines)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	if _, err := sshsig.Verify(bytes.NewReader(sums), signature, signers, "vmgo-release", time.Now()); err != nil {
		t.Error(err)
	}
}

// releaseRepository returns a repository that has release.sh and these files, tagged
// v0.1.0.
func releaseRepository(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	command(t, "", nil, "git", "init", "-q", dir)
	script, err := os.ReadFile("packaging/release.sh")
	if err != nil {
		t.Fatal(err)
	}
	files["packaging/release.sh"] = string(script)
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o700)); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	command(t, dir, nil, "git", "add", ".")
	command(t, dir, nil, "git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "all")
	command(t, dir, nil, "git", "tag", "v0.1.0")
	return dir
}

// TestRelease_refuses names what stops a release before anything is built.
func TestRelease_refuses(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	key, other, full := filepath.Join(base, "key"), filepath.Join(base, "other"), filepath.Join(base, "full")
	for _, name := range []string{key, other} {
		command(t, "", nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name)
	}
	public, err := os.ReadFile(other + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(full, 0o700), os.WriteFile(filepath.Join(full, "file"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	here := strings.TrimPrefix(strings.TrimSpace(command(t, "", nil, "go", "env", "GOVERSION")), "go")
	const heading = "# Changes\n\n## 0.1.0\n"
	keyless := releaseRepository(t, map[string]string{".go-version": here, "CHANGELOG.md": heading, "packaging/release-keys": "# none\n"})
	accepts := releaseRepository(t, map[string]string{".go-version": here, "CHANGELOG.md": heading, "packaging/release-keys": "vmgo namespaces=\"vmgo-release\" " + string(public)})
	unnamed := releaseRepository(t, map[string]string{".go-version": here, "CHANGELOG.md": "# Changes\n\n## Unreleased\n"})
	for _, c := range []struct {
		repository, says string
		args             []string
	}{
		{keyless, "which version?\nhint: ", nil},
		{keyless, "unknown option --sign", []string{"--sign", "0.1.0"}},
		{keyless, "--key needs a value", []string{"0.1.0", "--key"}},
		{keyless, "is not empty", []string{"--out", full, "0.1.0"}},
		{keyless, "there is no tag v0.2.0\nhint: ", []string{"0.2.0"}},
		{unnamed, "CHANGELOG.md of v0.1.0 has no heading \"## 0.1.0\"", []string{"0.1.0"}},
		{keyless, "packaging/release-keys of v0.1.0 has no key, so nobody could verify this release\nhint: less docs/releasing.md ", []string{"--key", key, "0.1.0"}},
		{accepts, "the tag's packaging/release-keys does not accept " + key, []string{"--key", key, "0.1.0"}},
		{accepts, "could not sign with " + key + "-none: ", []string{"--key", key + "-none", "0.1.0"}},
	} {
		cmd := exec.Command(filepath.Join(c.repository, "packaging/release.sh"), c.args...)
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.says) {
			t.Errorf("%q: %v: %s", c.args, err, out)
		}
	}
}

// TestRelease_actionsArePinned wants a commit for each action: a tag of somebody
// else's repository can be moved.
func TestRelease_actionsArePinned(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(".github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	files = append(files, "action/action.yml")
	pinned := regexp.MustCompile(`^(- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v[0-9.]+$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if strings.Contains(line, "uses:") && !pinned.MatchString(line) {
				t.Errorf("%s: %s", file, line)
			}
		}
	}
}

func TestRelease_workflowsAreLinted(t *testing.T) {
	t.Parallel()
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("actionlint is built for it: ./test.sh --long has it")
	}
	proxyOrSkip(t)
	command(t, "", nil, "go", "run", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12")
}
