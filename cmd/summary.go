package cmd

import (
	"strconv"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/ui"
)

// outcome is one line of the table that ends a batch.
type outcome struct {
	name   string // the version, or the argument where it resolved to none
	result install.Result
}

// ended records the result of an install.
func (r *report) ended(result install.Result) {
	r.outcomes = append(r.outcomes, outcome{result.Version.String(), result})
}

// summary prints the table of a batch. It prints nothing for a single release,
// whose line has everything, or with --json.
func (r *report) summary() error {
	if len(r.outcomes) < 2 || r.json || r.app.quiet {
		return nil
	}
	var table ui.Table
	table.Add("version", "result", "downloaded", "own", "shared", "seconds")
	for _, o := range r.outcomes {
		table.Add(r.cells(o)...)
	}
	return table.Write(r.app.host.Stderr)
}

// cells returns the cells of one release. Own is what it added to the disk,
// shared what was there before.
func (r *report) cells(o outcome) []string {
	seconds := strconv.FormatFloat(o.result.Elapsed.Seconds(), 'f', 1, 64)
	switch o.result.Kind {
	case install.Installed:
		receipt := &o.result.Receipt
		return []string{o.name, r.palette.Green("installed"), ui.Bytes(receipt.FetchedBytes),
			ui.Bytes(receipt.Bytes - receipt.LinkedBytes), ui.Bytes(receipt.LinkedBytes), seconds}
	case install.Present:
		return []string{o.name, "present", "-", "-", "-", seconds}
	default:
		return []string{o.name, r.palette.Red("failed [" + string(diag.CodeOf(o.result.Err)) + "]"), "-", "-", "-", seconds}
	}
}
