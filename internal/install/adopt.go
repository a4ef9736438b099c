package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/trust"
)

// Adopt takes a GOROOT that something else installed into the store: a copy of
// every file that the checksum database verifies. What it does not reach
// (api, doc, misc, test) stays behind. The original is left as it is, and is
// never linked to: whoever may change it could change the store. Plan, Full and
// NotAfter of the request do not matter here.
func (in *Installer) Adopt(ctx context.Context, v gover.Version, goroot string, req Request) Result {
	tx := (&call{in: in, req: req}).begin(v, true)
	kind, err := tx.run(ctx, func(ctx context.Context) error { return tx.adopt(ctx, goroot) })
	return tx.result(ctx, kind, err)
}

func (tx *transaction) adopt(ctx context.Context, goroot string) (err error) {
	record, err := tx.in.Log.Lookup(ctx, tx.version, tx.in.Platform)
	if err != nil {
		return err
	}
	a := release.Artifact{Version: tx.version, Platform: tx.in.Platform, Source: "adopt", URLs: []string{goroot}}
	tx.progress.source = a.Source
	tx.tell(Event{Kind: Resolved, Source: a.Source, URL: goroot})
	root, err := os.OpenRoot(goroot)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	defer tx.endTurn()
	tx.beginTurn()
	stage, err := tx.in.Store.NewStage(ctx, tx.version, tx.wait())
	if err != nil {
		return err
	}
	defer func() {
		tx.endTurn()
		err = errors.Join(err, stage.Close())
	}()
	covered := func(path string) bool {
		_, ok := trust.ModuleName(path)
		return ok && !tx.req.Leave[path]
	}
	var done atomic.Int64
	files, err := archive.CopyTree(ctx, root, covered, stage, archive.Options{
		Limits: archive.DefaultLimits(), Jobs: tx.in.Jobs,
		Progress: func(n int64) { tx.report(Extract, done.Add(n), 0) },
	})
	if err != nil {
		return err
	}
	h1, err := trust.HashFiles(tx.version, tx.in.Platform, files)
	if err != nil {
		return err
	}
	if h1 != record.H1 {
		return diag.New(diag.ProofInvalid, fmt.Sprintf("%s is not the %s that %s records: its hash is %s, that of the release %s",
			goroot, tx.version.Toolchain(), record.Log, h1, record.H1), tx.otherwise())
	}
	proofs := trust.NewProofs()
	proofs[trust.ChecksumDB] = trust.Passed
	proofs[trust.SHA256] = trust.Unavailable("no archive")
	proofs[trust.OpenPGP] = trust.Unavailable("no archive")
	if gone := unreached(root); tx.inPlace && len(gone) > 0 {
		tx.warning = strings.Join(gone, ", ") + " of " + goroot + " are removed, because nothing verifies them: vmgo install --full " + tx.version.String()
	}
	tx.receipt = store.Receipt{Contents: store.ContentsModule, H1: h1, LogProof: record.Proof}
	return tx.publish(ctx, a, proofs, files, stage)
}

// unreached lists the directories of a tree of which the log says nothing.
func unreached(root *os.Root) (names []string) {
	for _, name := range []string{"api", "doc", "misc", "test"} {
		if _, err := root.Lstat(name); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// otherwise is the command that installs the release in spite of a tree that
// is not it.
func (tx *transaction) otherwise() string {
	if tx.inPlace {
		return "vmgo install --reinstall " + tx.version.String() + "   # replaces it"
	}
	return "vmgo install " + tx.version.String()
}
