package doctor_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/host/hosttest"
	"github.com/vmgo/vmgo/internal/vmtest"
)

func pick(t *testing.T, ids ...string) []doctor.Check {
	t.Helper()
	checks, err := doctor.Select(doctor.Catalogue(), ids, nil)
	if err != nil {
		t.Fatal(err)
	}
	return checks
}

// realShell is this very machine with a home directory of our own, for a user
// whose shell is bash.
func realShell(t *testing.T, profile string) host.Host {
	t.Helper()
	h := host.OS()
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".bash_profile"), []byte(profile), 0o644); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(home, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	h.Env = map[string]string{"HOME": home, "SHELL": "/bin/bash", "PATH": "/usr/bin:/bin"}
	h.Dir = home
	m := machineWith(t, h, doctor.Options{Offline: true})
	if s := m.LoginShell(); s != "bash" || !m.Exists("/bin/bash") {
		t.Skipf("this user's shell is %s, not bash", s)
	}
	return h
}

// unhurried are limits for programs and servers of the real machine, which may
// be busy.
var unhurried = doctor.Limits{Check: 5 * time.Minute, Session: 4 * time.Minute, Build: 4 * time.Minute, Request: 4 * time.Minute}

func TestContexts_realShells(t *testing.T) {
	t.Parallel()
	h := realShell(t, "echo a greeting on stdout\nexport PATH=$HOME/bin:$PATH\n")
	m := machineWith(t, h, doctor.Options{Offline: true, Limits: unhurried})
	o := doctor.Run(t.Context(), m, pick(t, "toolchain.contexts")).Outcomes[0]
	text := textOf(o)
	for _, want := range []string{"login        ~/bin/go  (script)", "interactive  ~/bin/go  (script)"} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
}

// realGo is this machine with a home of our own, whose go is a real one; the build
// cache is that of the tests, which has a runtime.
func realGo(t *testing.T, files map[string]string) host.Host {
	t.Helper()
	program, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command here")
	}
	cache, err := exec.Command(program, "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	h := host.OS()
	home, temp := vmtest.GoHome(t), t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h.Env = map[string]string{
		"HOME": home, "PATH": filepath.Dir(program) + ":/usr/bin:/bin", "TMPDIR": temp,
		"GOCACHE": strings.TrimSpace(string(cache)), "GOFLAGS": os.Getenv("GOFLAGS"), "VMGO_ROOT": filepath.Join(temp, "store"),
	}
	h.Dir = home
	return h
}

// The real go command is asked, with the session's settings and the files of the
// working directory.
func TestBuild_realGo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files, env map[string]string
		want       string // of sh -c, in the evidence
		summary    string
	}{
		"sound":           {map[string]string{"go.mod": "module a\n\ngo 1.20\n"}, nil, "builds and runs a program", "go builds and runs a program"},
		"broken replace":  {map[string]string{"go.mod": "module a\n\ngo 1.20\n\nreplace x => nowhere\n"}, nil, "go.mod:5:", "go does not build here"},
		"workspace":       {map[string]string{"go.mod": "module a\n\ngo 1.20\n", "go.work": "go 1.20\n\nuse ./nope\n"}, nil, "nope", "go does not build here"},
		"malformed flags": {nil, map[string]string{"GOFLAGS": "mod=mod"}, "GOFLAGS", "go does not build here"},
		"other target":    {nil, map[string]string{"GOARCH": "riscv64"}, "it builds for another machine", "go does not build here"},
		"no cache":        {nil, map[string]string{"GOCACHE": "off"}, "GOCACHE", "go does not build here"},
		"no temporary":    {nil, map[string]string{"GOTMPDIR": "/nonexistent"}, "/nonexistent", "go does not build here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := realGo(t, c.files)
			maps.Copy(h.Env, c.env)
			m := machineWith(t, h, doctor.Options{Offline: true, Limits: unhurried})
			o := doctor.Run(t.Context(), m, pick(t, "toolchain.build")).Outcomes[0]
			found := slices.ContainsFunc(o.Evidence, func(e doctor.Evidence) bool {
				return strings.Contains(e.Value, "sh -c") && strings.Contains(e.Value, c.want)
			})
			if !found || !strings.HasPrefix(o.Summary, c.summary) {
				t.Errorf("%s: sh -c does not tell %q\n%s\nfix: %s", o.Status, c.want, textOf(o), o.Fix)
			}
			if left, _ := filepath.Glob(filepath.Join(h.Env["TMPDIR"], "vmgo-doctor-*")); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// A startup file that waits must neither hold the run up nor leave anything
// running.
func TestContexts_endsWhatHangs(t *testing.T) {
	t.Parallel()
	ours := fmt.Sprintf("600.%d", os.Getpid())
	h := realShell(t, "sleep "+ours+"\n")
	m := machineWith(t, h, doctor.Options{Offline: true, Limits: doctor.Limits{Check: 5 * time.Minute, Session: time.Second}})
	o := doctor.Run(t.Context(), m, pick(t, "toolchain.contexts")).Outcomes[0]
	if text := textOf(o); !strings.Contains(text, "login        not found out") {
		t.Errorf("does not say that the login shell gave no answer:\n%s", text)
	}
	// The kernel ends what was killed in its own time.
	for deadline := time.Now().Add(time.Minute); running(h, ours); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what the shell started is still there")
		}
	}
}

func running(h host.Host, word string) bool {
	return slices.ContainsFunc(h.ReadDir("/proc"), func(entry fs.DirEntry) bool {
		return strings.Contains(h.Head("/proc/"+entry.Name()+"/cmdline", 100), word)
	})
}

// grpcServer answers the health question over HTTP/2 without TLS, as a gRPC
// server does: the message in the body, the status in the trailer.
func grpcServer(t *testing.T, serving byte, status string) net.Addr {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		ReadHeaderTimeout: unhurried.Request,
		Protocols:         new(http.Protocols),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if r.ProtoMajor != 2 || r.URL.Path != "/grpc.health.v1.Health/Check" || err != nil || string(body) != "\x00\x00\x00\x00\x00" {
				http.Error(w, "not a health question", http.StatusBadRequest)
				return
			}
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Trailer", "Grpc-Status")
			_, _ = w.Write([]byte{0, 0, 0, 0, 2, 8, serving})
			w.Header().Set("Grpc-Status", status)
		}),
	}
	server.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr()
}

func TestGRPC_realServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		serving byte
		status  string
		want    doctor.Status
		says    string
	}{
		{1, "0", doctor.OK, "SERVING"},
		{2, "0", doctor.Fail, "NOT_SERVING"},
		{1, "12", doctor.Info, "no health service"},
		{1, "7", doctor.Fail, "gRPC status 7"},
	} {
		addr := grpcServer(t, c.serving, c.status).(*net.TCPAddr)
		var port [2]byte
		binary.BigEndian.PutUint16(port[:], uint16(addr.Port))
		files := append(machineFiles(t, "ubuntu-24.04-kvm"), hosttest.File{Path: "/proc/net/tcp", Data: fmt.Appendf(nil,
			"  sl  local_address rem_address   st\n 0: 0100007F:%X 00000000:0000 0A 0:0 0:0 0 1000 0 30001 1\n", port)})
		h := hosttest.New(t, files)
		h.Transport = http.DefaultTransport
		m := machineWith(t, h, doctor.Options{GRPC: fmt.Sprintf("127.0.0.1:%d", addr.Port), Limits: unhurried})
		o := doctor.Run(t.Context(), m, pick(t, "network.grpc")).Outcomes[0]
		if o.Status != c.want || !strings.Contains(textOf(o), c.says) {
			t.Errorf("serving %d, status %s: %s\n%s", c.serving, c.status, o.Status, textOf(o))
		}
	}
}

// One's own service is asked directly, whatever proxy the environment has, and one
// whose answer never ends does answer.
func TestListen_realServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	port := server.Listener.Addr().(*net.TCPAddr).Port
	files := append(machineFiles(t, "ubuntu-24.04-kvm"), hosttest.File{Path: "/proc/net/tcp", Data: fmt.Appendf(nil,
		"  sl  local_address rem_address   st\n 0: 0100007F:%04X 00000000:0000 0A 0:0 0:0 0 1000 0 30001 1\n", port)})
	h := hosttest.New(t, files)
	dead, _ := url.Parse("http://127.0.0.1:1")
	h.Transport = &http.Transport{Proxy: http.ProxyURL(dead)}
	m := machineWith(t, h, doctor.Options{Listen: fmt.Sprintf("127.0.0.1:%d", port), Limits: unhurried})
	o := doctor.Run(t.Context(), m, pick(t, "network.listen")).Outcomes[0]
	if o.Status != doctor.OK || !strings.Contains(textOf(o), "status 200") {
		t.Errorf("%s\n%s", o.Status, textOf(o))
	}
}

// A clock that is off by years ends the TLS handshake, and that must not be taken for
// a server that does not answer.
func TestClockSkew_beyondTheCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake is meant to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport)
	transport.TLSClientConfig.Time = func() time.Time { return server.Certificate().NotAfter.Add(time.Hour) }
	h := hosttest.New(t, machineFiles(t, "ubuntu-24.04-kvm"))
	h.Transport = transport
	h.Env["GOPROXY"] = server.URL
	m := machineWith(t, h, doctor.Options{Limits: unhurried})
	o := doctor.Run(t.Context(), m, pick(t, "machine.clock-skew")).Outcomes[0]
	if o.Status != doctor.Fail || !strings.Contains(textOf(o), "valid from 1970-01-01") {
		t.Errorf("%s\n%s", o.Status, textOf(o))
	}
}

// The dynamic loader of this machine is the judge: what runs here must be said
// to start here.
func TestReadBinary_ofThisMachine(t *testing.T) {
	t.Parallel()
	h := host.OS()
	m := machineWith(t, h, doctor.Options{})
	judged := 0
	for _, path := range []string{"/bin/sh", "/bin/ls", "/usr/bin/env"} {
		b, err := m.ReadBinary(path)
		if err != nil || b.Static {
			continue
		}
		judged++
		if b.StartsHere == nil || !*b.StartsHere {
			t.Errorf("%s runs here, but %+v", path, b)
		}
		if b.Libc == host.Glibc && (b.Glibc == "" || len(b.Needs) == 0) {
			t.Errorf("%s: no symbol versions: %+v", path, b)
		}
	}
	if judged == 0 {
		t.Skip("no dynamic program here to judge")
	}
}

func TestReadBinary_madeUp(t *testing.T) {
	t.Parallel()
	files := append(machineFiles(t, "alpine-docker"), hosttest.File{Path: "/machine", Data: []byte(
		"elf /src/static go=go1.26.1 path=example.com/x\nelf /src/glibc interpreter=/lib64/ld-linux-x86-64.so.2\nelf /src/musl interpreter=/lib/ld-musl-x86_64.so.1\n")})
	m := machineWith(t, hosttest.New(t, files), doctor.Options{})
	for name, want := range map[string]struct {
		here            bool
		debian, release string
		alpine          bool
	}{
		"static": {true, "yes", "go1.26.1", true},
		"glibc":  {false, "yes", "", false},
		"musl":   {true, "no", "", true},
	} {
		b, err := m.ReadBinary(name)
		if err != nil {
			t.Fatal(err)
		}
		if b.Go != want.release || *b.StartsHere != want.here {
			t.Errorf("%s: built by %q, starts here %v", name, b.Go, *b.StartsHere)
		}
		for _, d := range b.Distributions {
			if strings.HasPrefix(d.Name, "Debian") && d.Starts != (want.debian == "yes") {
				t.Errorf("%s on %s: %v", name, d.Name, d.Starts)
			}
			if strings.HasPrefix(d.Name, "Alpine") && d.Starts != want.alpine {
				t.Errorf("%s on %s: %v", name, d.Name, d.Starts)
			}
		}
	}
	if _, err := m.ReadBinary("go.mod"); err == nil {
		t.Error("a text file is taken for a program")
	}
}
