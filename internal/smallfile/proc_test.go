package smallfile_test

import (
	"os"
	"testing"

	"github.com/vmgo/vmgo/internal/smallfile"
)

// A number of /proc/sys has the size 0, and a second read returns nothing.
func TestRead_procSys(t *testing.T) {
	t.Parallel()
	const file = "/proc/sys/vm/max_map_count"
	want, err := os.ReadFile(file)
	if err != nil {
		t.Skip(err)
	}
	if got, err := smallfile.Read(file, smallfile.Usual); err != nil || string(got) != string(want) || len(got) < 2 {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}
