package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/observe"
	"github.com/vmgo/vmgo/internal/observe/report"
	"github.com/vmgo/vmgo/internal/program"
	"github.com/vmgo/vmgo/internal/ui"
)

// compare is vmgo observe diff and its flags.
type compare struct {
	host host.Host
	out  string
	json bool
}

func newCompare(h host.Host) *compare { return &compare{host: h} }

func (c *compare) command() program.Command {
	return program.Command{
		Name: "diff", Arguments: "BEFORE AFTER", Most: 2,
		Long: "BEFORE and AFTER are directories that vmgo observe wrote.",
		Flags: func(f *flag.FlagSet) {
			f.StringVar(&c.out, "out", "", "also write a page with flame graphs of the difference to `FILE.html`")
			f.BoolVar(&c.json, "json", false, "print JSON (docs/json.md)")
		},
		Run: c.run,
	}
}

func (c *compare) run(_ context.Context, arguments []string) error {
	h := c.host
	if len(arguments) < 2 {
		return diag.New(diag.Usage, `"vmgo observe diff" needs two directories to compare`, "vmgo observe diff --help")
	}
	found, err := observe.Diff(h.Abs(arguments[0]), h.Abs(arguments[1]))
	if err != nil {
		return err
	}
	if c.out != "" {
		var page bytes.Buffer
		if err := report.Write(&page, found.Page()); err != nil {
			return err
		}
		if err := fsx.WriteOutput(h.Abs(c.out), page.Bytes(), 0o600); err != nil {
			return diag.Wrap(diag.Failure, err, "cannot write the page", "ls -ld "+diag.Word(filepath.Dir(h.Abs(c.out))))
		}
		fmt.Fprintln(h.Stderr, "wrote "+diag.Line(c.out))
	}
	if c.json {
		return ui.JSON(h.Stdout, found)
	}
	return printDiff(h.Stdout, found)
}

func printDiff(w io.Writer, c observe.Comparison) error {
	var out strings.Builder
	if len(c.Findings) == 0 {
		out.WriteString("neither capture has a finding\n")
	}
	for _, f := range c.Findings {
		fmt.Fprintf(&out, "%-6s %s: %s before, %s after\n", f.Word, diag.Line(f.Summary), f.Number(f.Before), f.Number(f.After))
	}
	for _, f := range c.Profiles {
		out.WriteString(diag.Line(f.String()) + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}
