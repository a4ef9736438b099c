package cmd

import (
	"flag"
	"runtime"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		setting int
		args    []string
		want    int
	}{
		{0, nil, runtime.GOMAXPROCS(0)},
		{3, nil, 3},
		{3, []string{"--jobs=5"}, 5},
		{3, []string{"--jobs=0"}, 0},
	} {
		set := flag.NewFlagSet("install", flag.ContinueOnError)
		set.Int("jobs", 0, "")
		if err := set.Parse(c.args); err != nil {
			t.Fatal(err)
		}
		a := &app{}
		a.settings.Jobs = c.setting
		ctx := cli.NewContext(nil, set, nil)
		ctx.Command = &cli.Command{Name: "install"}
		got, err := a.jobs(ctx)
		if got != c.want || c.want == 0 && diag.CodeOf(err) != diag.Usage {
			t.Errorf("VMGO_JOBS=%d, %q: %d, %v; want %d", c.setting, c.args, got, err, c.want)
		}
	}
}
