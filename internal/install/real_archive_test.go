package install_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// TestRealArchive installs a published archive, rebuilt bit for bit from this
// machine's GOROOT, from a server in the form of go.dev: published checksum,
// public log, and a test key for the signature.
func TestRealArchive(t *testing.T) {
	if testing.Short() || !strings.HasPrefix(runtime.Version(), "go1.26") {
		t.Skip("takes a minute, and needs the compress/flate of Go 1.26")
	}
	const (
		name      = "go1.26.8.linux-amd64.tar.gz"
		published = "d0f743b33e8d8945e6b1f432edd15785c70507121d6e2a723b21285eddf8b57b"
		onRecord  = "h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM="
	)
	goroot, replace := vmtest.OfficialGOROOT(t, "go1.26.8")
	var archive bytes.Buffer
	if err := vmtest.WriteDistpack(&archive, os.DirFS(goroot), replace); err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(archive.Bytes()); hex.EncodeToString(sum[:]) != published {
		t.Fatalf("the rebuilt archive has the SHA-256 %x", sum)
	}
	server := vmtest.NewServer(t, vmtest.Options{Toolchains: []vmtest.Toolchain{{Version: "1.26.8", OS: "linux", Arch: "amd64"}}})
	signature, err := server.Sign(archive.Bytes(), "good")
	if err != nil {
		t.Fatal(err)
	}
	server.Serve("/go/"+name+".asc", signature)
	if err := server.Archive("1.26.8", archive.Bytes()); err != nil {
		t.Fatal(err)
	}
	keyring, err := trust.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := server.Keyring()
	if err != nil {
		t.Fatal(err)
	}
	if err := keyring.Add("test key", cert); err != nil {
		t.Fatal(err)
	}
	client := fetch.New(fetch.Config{Transport: http.DefaultTransport, Env: map[string]string{}})
	proxies, err := fetch.ParseProxies(strings.TrimSpace(run(t, "go", "env", "GOPROXY")))
	if err != nil {
		t.Fatal(err)
	}
	log, err := trust.NewLog(trust.LogConfig{Proxies: proxies, Getter: client, StateDir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	v, platform := version(t, "1.26.8"), gover.Platform{OS: "linux", Arch: "amd64"}
	id := store.Identity{PID: os.Getpid(), What: "test", Now: time.Now}
	in := &install.Installer{
		Store:   store.Open(filepath.Join(t.TempDir(), "store"), store.Options{Identity: id}),
		Sources: []install.Source{release.NewGoDev(client, release.GoDevConfig{Bases: []string{server.URL + "/dl"}})},
		Log:     log, Keyring: keyring, Fetcher: client, Platform: platform, CacheDir: t.TempDir(), Jobs: runtime.NumCPU(), Identity: id,
	}
	r := in.Install(t.Context(), []gover.Version{v}, install.Request{})[0]
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	t.Logf("%d files, %d bytes, %v, proofs %v", r.Receipt.Files, r.Receipt.Bytes, r.Elapsed, r.Receipt.Proofs)
	if r.Receipt.ArchiveSHA256 != published || r.Receipt.H1 != onRecord || r.Receipt.Contents != store.ContentsFull || r.Receipt.Files != 15036 {
		t.Errorf("receipt %+v", r.Receipt)
	}
	if r.Receipt.Proofs["openpgp"] != trust.Passed || r.Receipt.Proofs["sha256"] != trust.Passed {
		t.Errorf("proofs %v", r.Receipt.Proofs)
	}
	if state := r.Receipt.Proofs["checksum_db"]; state != trust.Passed {
		t.Logf("the public log could not be asked: %s", state)
	}
}
