package harden

import (
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
)

// Assess returns the state of one item of the catalogue on the running machine,
// for callers that only read it. It changes nothing, and waits no longer than 5 s for a
// program's answer. user is the user of items per user, or "".
func Assess(h host.Host, id, user string) (ItemStatus, error) {
	item, found := Find(Catalogue(), id)
	if !found {
		return ItemStatus{}, diag.New(diag.Usage, "unknown item "+quote(id), "vmgo harden status")
	}
	m, err := Running(h)
	if err != nil {
		return ItemStatus{}, err
	}
	m.patience = 5 * time.Second
	engine := Engine{Machine: m, Items: []Item{item}}
	plan, err := engine.Plan(Selection{Only: []string{id}, User: user})
	if err != nil {
		return ItemStatus{}, err
	}
	return plan.Items[0], nil
}

// ByVmgo reports whether everything that the item wants is set, and vmgo has set it.
func (s ItemStatus) ByVmgo() bool { return s.State == Applied && s.Reason != notByVmgo }
