package store

import (
	"os"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
)

// What releases have already, and what one before in the same batch brings, takes no room.
func TestForecast_countsOnce(t *testing.T) {
	t.Parallel()
	has := archive.File{Path: "src/a.go", Mode: 0o644, Size: 5000, CRC32: 1}
	edited, executable, elsewhere := has, has, has
	edited.CRC32, executable.Mode, elsewhere.Path = 2, 0o755, "lib/a.go"
	for _, noLink := range []bool{false, true} {
		s := Open(t.TempDir(), Options{NoLink: noLink})
		recordManifest(t, s, "1.22.4", Manifest{has})
		broken := record(t, s, "1.22.3", "src/b.go")
		if err := os.Remove(s.receiptPath(broken)); err != nil {
			t.Fatal(err)
		}
		f := s.Forecast()
		if f.Has(has) == noLink || f.Has(edited) || f.Has(executable) || f.Has(elsewhere) {
			t.Errorf("no links %v: has %v, edited %v, executable %v, elsewhere %v", noLink, f.Has(has), f.Has(edited), f.Has(executable), f.Has(elsewhere))
		}
		first, again := f.Add([]archive.File{has, edited}), f.Add([]archive.File{has, edited})
		want := Need{Files: 2, Bytes: 10_000, Shared: 5000, Disk: 2*4096 + 4096, Inodes: 2}
		wantAgain := Need{Files: 2, Bytes: 10_000, Shared: 10_000, Disk: 4096, Inodes: 1}
		if noLink {
			want = Need{Files: 2, Bytes: 10_000, Disk: 4*4096 + 4096, Inodes: 3}
			wantAgain = want
		}
		if first != want || again != wantAgain {
			t.Errorf("no links %v: %+v, again %+v", noLink, first, again)
		}
		if n := f.Need(); n.Disk != want.Disk+wantAgain.Disk || n.Files != 4 || n.Inodes != want.Inodes+wantAgain.Inodes {
			t.Errorf("no links %v: in all %+v", noLink, n)
		}
		if err := f.Room(); err != nil {
			t.Error(err)
		}
		f.AddNeed(Need{Disk: 1 << 60})
		if err := f.Room(); diag.CodeOf(err) != diag.DiskFull {
			t.Errorf("no links %v: room for an exabyte: %v", noLink, err)
		}
	}
}

func TestNeed_shortage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		need Need
		free fsx.Space
		want string
	}{
		{Need{Disk: 10, Inodes: 3}, fsx.Space{Bytes: 10, Inodes: 3}, ""},
		{Need{Disk: 11}, fsx.Space{Bytes: 10, Inodes: 3}, "1 MB are needed"},
		{Need{Inodes: 4}, fsx.Space{Bytes: 10, Inodes: 3}, "4 files are needed"},
		{Need{Inodes: 4}, fsx.Space{Bytes: 10, Inodes: 0}, "4 files are needed"},
		{Need{Inodes: 4}, fsx.Space{Bytes: 10, Inodes: -1}, ""}, // not counted, as on btrfs
	} {
		if got := c.need.shortage(c.free); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%+v of %+v: %q, want %q", c.need, c.free, got, c.want)
		}
	}
}

func TestNeighbours_needNoRoom(t *testing.T) {
	t.Parallel()
	huge := archive.File{Path: "src/huge", Mode: 0o644, Size: 1 << 60}
	other := huge
	other.CRC32 = 1
	for _, noLink := range []bool{false, true} {
		s := Open(t.TempDir(), Options{NoLink: noLink})
		v := recordManifest(t, s, "1.22.4", Manifest{huge})
		n := s.Neighbours(v)
		if !n.Has(huge) || n.Has(other) {
			t.Errorf("has %v, another %v", n.Has(huge), n.Has(other))
		}
		if err := n.Room([]archive.File{huge}); (diag.CodeOf(err) == diag.DiskFull) != noLink {
			t.Errorf("no links %v: %v", noLink, err)
		}
		if err := n.Room([]archive.File{huge, other}); diag.CodeOf(err) != diag.DiskFull {
			t.Errorf("no links %v, of another: %v", noLink, err)
		}
	}
}

// Alike are files of one path, contents and mode.
func TestIndex_alike(t *testing.T) {
	t.Parallel()
	s := Open(t.TempDir(), Options{})
	file := archive.File{Path: "src/a.go", Mode: 0o644, Size: 1}
	executable, edited, moved := file, file, file
	executable.Mode, edited.SHA256, moved.Path = 0o755, [32]byte{1}, "src/b.go"
	v := recordManifest(t, s, "1.22.9", Manifest{file})
	for version, f := range map[string]archive.File{"1.22.8": executable, "1.22.7": edited, "1.22.6": moved, "1.22.5": file} {
		recordManifest(t, s, version, Manifest{f})
	}
	x := s.newIndex(nil, v, 0)
	var got []string
	for at := range x.alike(location{}) {
		got = append(got, x.releases[at.release].version.String())
	}
	if strings.Join(got, " ") != "1.22.9 1.22.5" {
		t.Errorf("alike in %q", got)
	}
}

// The nearest releases are looked into first: they have nearly all there is.
func TestStore_nearest(t *testing.T) {
	t.Parallel()
	s := Open(t.TempDir(), Options{})
	for _, v := range []string{"1.9.1", "1.21.13", "1.22.1", "1.22.9", "1.25.0"} {
		record(t, s, v, "src/a.go")
	}
	v := record(t, s, "1.22.4", "src/a.go")
	if err := os.Truncate(s.manifestPath(v), 3); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range s.nearest(v, 4) {
		got = append(got, r.version.String())
	}
	if strings.Join(got, " ") != "1.22.1 1.22.9 1.21.13" { // of four, one cannot be read
		t.Errorf("got %q", got)
	}
}
