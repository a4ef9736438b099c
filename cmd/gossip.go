package cmd

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/ui"
)

// gossip proves that the tree heads of another machine or party and that of this
// machine belong to one history.
func (a *app) gossip(c *cli.Context, from string) error {
	client := a.client()
	log, err := a.log(client)
	if err != nil {
		return err
	}
	var data []byte
	if strings.Contains(from, "://") {
		data, err = client.Get(c.Context, from, maxProof)
	} else if data, err = smallfile.Read(a.host.Abs(from), maxProof); err != nil {
		err = diag.Wrap(diag.Usage, err, "cannot read "+a.host.Abs(from), "vmgo help verify")
	}
	if err != nil {
		return err
	}
	end := a.showing("comparing with the history of " + from)
	g, err := log.Compare(c.Context, data)
	end()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return ui.JSON(a.host.Stdout, g)
	}
	_, err = fmt.Fprintf(a.host.Stdout, "%s: one history; this machine has seen %d records, %s %d\n", g.Log, g.Ours, from, g.Theirs)
	return err
}

// writeProof writes the checksum database's proof of a release to a file, as
// c2sp.org/tlog-proof.
func (a *app) writeProof(c *cli.Context, args []string) error {
	targets, err := a.verifyTargets(args, c.Bool("all"))
	if err != nil {
		return err
	}
	if len(targets) != 1 {
		return diag.New(diag.Usage, "--proof goes with one release", "vmgo verify --proof go.tlog-proof 1.22.5")
	}
	log, err := a.log(a.client())
	if err != nil {
		return err
	}
	t := targets[0]
	record, err := trust.Record{}, error(nil)
	kept := false
	if t.Store != nil {
		if receipt, unread := t.Store.Receipt(t.Version); unread == nil && len(receipt.LogProof) > 0 {
			record, err = log.VerifyOffline(receipt.LogProof, t.Version, t.Platform)
			kept = err == nil
		}
	}
	if !kept {
		if record, err = log.Lookup(c.Context, t.Version, t.Platform); err != nil {
			return err
		}
	}
	data, err := record.TlogProof()
	if err == nil {
		err = fsx.WriteOutput(a.host.Abs(c.String("proof")), data, 0o644)
	}
	if err != nil {
		return diag.Wrap(diag.Failure, err, "cannot write "+c.String("proof"))
	}
	a.sayf("%s: the proof that %s has record %d of %s", c.String("proof"), log.Name(), record.ID, t.Version.Toolchain())
	return nil
}
