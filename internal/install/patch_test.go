package install_test

import (
	"archive/zip"
	"bytes"
	"context"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/patches"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// chains is a log that has these releases.
type chains map[string]vmtest.Toolchain

func (c chains) Lookup(_ context.Context, v gover.Version, p gover.Platform) (trust.Record, error) {
	return trust.Record{Version: v, Platform: p, H1: c[v.String()].H1(), Log: "honest", Proof: []byte("{}")}, nil
}

// incompressible returns a release with a program of 4 MB that no packing makes
// smaller, of which few bytes differ from version to version.
func incompressible(version string) vmtest.Toolchain {
	random := rand.New(rand.NewPCG(5, 6))
	program := make([]byte, 4<<20)
	for i := range program {
		program[i] = byte(random.Uint32())
	}
	copy(program[1<<20:], version)
	return vmtest.Toolchain{Version: version, Files: map[string]string{
		"pkg/same": string(program[2<<20:]), "pkg/tool/compile": string(program), "src/a.go": "package a // " + version,
	}}
}

// offered makes the patch between two releases as a mirror has it.
func offered(t *testing.T, from, to vmtest.Toolchain) (patch, list []byte) {
	t.Helper()
	open := func(tc vmtest.Toolchain) *zip.Reader {
		data := tc.Zip()
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	var out bytes.Buffer
	p, err := patches.Make(&out, open(from), open(to), func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	p.From = from.Module()
	list, err = patches.List{Version: to.Module(), Patches: []patches.Patch{p}}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), list
}

// TestInstall_usesPatches installs a release beside its neighbour from a mirror with
// patches: good ones, and ones that are of no use, which cost a download and nothing
// else.
func TestInstall_usesPatches(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compresses files of some MB: runs without -short")
	}
	older, newer := incompressible("1.22.4"), incompressible("1.22.5")
	patch, list := offered(t, older, newer)
	server := vmtest.NewServer(t, vmtest.Options{Toolchains: []vmtest.Toolchain{older, newer}})
	for name, offer := range map[string]struct {
		list, patch []byte
		used        bool
	}{
		"good":            {list, patch, true},
		"one byte":        {list, append(bytes.Clone(patch[:len(patch)/2]), append([]byte{patch[len(patch)/2] ^ 1}, patch[len(patch)/2+1:]...)...), false},
		"of another file": {list, bytes.Repeat([]byte{7}, len(patch)), false},
		"cut off":         {list, patch[:len(patch)-1], false},
		"empty":           {list, nil, false},
		"list of another": {bytes.ReplaceAll(list, []byte("1.22.5"), []byte("1.22.6")), patch, false},
		"list is a page":  {[]byte("<html>"), patch, false},
		"size too large":  {bytes.ReplaceAll(list, []byte(`"size"`), []byte(`"was":1,"size":99`)), patch, false},
	} {
		t.Run(name, func(t *testing.T) {
			server.Forget()
			in, err := newInstaller(filepath.Join(memDir(t), "store"), server.URL, chains{"1.22.4": older, "1.22.5": newer})
			if err != nil {
				t.Fatal(err)
			}
			if r := in.Install(t.Context(), []gover.Version{version(t, "1.22.4")}, install.Request{}); r[0].Err != nil {
				t.Fatal(r[0].Err)
			}
			if asked := server.Count("/" + patches.Dir + "/*"); asked != 0 {
				t.Errorf("a patch is asked for where nothing can be patched")
			}
			server.Serve("/"+patches.ListName(newer.Module()), offer.list)
			server.Serve("/"+patches.Name(older.Module(), newer.Module()), offer.patch)
			r := in.Install(t.Context(), []gover.Version{version(t, "1.22.5")}, install.Request{})[0]
			if r.Err != nil || r.Kind != install.Installed || r.Receipt.H1 != newer.H1() {
				t.Fatalf("%+v", r)
			}
			// Without a patch the program is fetched, and not what the neighbour has.
			if got := r.Receipt.FetchedBytes; (got < 3<<20) != offer.used || got > 5<<20 {
				t.Errorf("%d bytes were fetched; with a usable patch: %v", got, offer.used)
			}
			if _, err := in.Store.Manifest(version(t, "1.22.5")); err != nil {
				t.Error(err)
			}
			checkClean(t, in.Store.Dir())
		})
	}
	if !strings.Contains(string(list), `"path": "pkg/tool/compile"`) {
		t.Errorf("the list: %s", list)
	}
}
