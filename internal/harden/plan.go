package harden

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
)

const (
	verbApply = "apply"
	verbUndo  = "undo"
)

// Plan is everything that an apply or an undo would do. A saved plan can be applied
// later, if the machine has not changed.
type Plan struct {
	Format  int      `json:"format"`
	Verb    string   `json:"verb"`
	Root    string   `json:"root"`
	Profile Profile  `json:"profile,omitempty"`
	Only    []string `json:"only,omitempty"`
	User    string   `json:"user,omitempty"`
	// Service is the service whose drop-ins are planned.
	Service *Service `json:"service,omitempty"`
	// Interrupted names a transition that a crash left unfinished; apply and
	// undo finish it before anything else.
	Interrupted string       `json:"interrupted,omitempty"`
	Items       []ItemStatus `json:"items"`
	Changes     []Change     `json:"changes"`
	Commands    [][]string   `json:"commands,omitempty"`
	Notes       []string     `json:"notes,omitempty"`

	// bookkeeping says that the ledger changes though no cell does.
	bookkeeping bool
}

// Selection is what the plan was made for.
func (p *Plan) Selection() Selection {
	return Selection{Profile: p.Profile, Only: p.Only, User: p.User, Service: p.Service}
}

// ItemStatus is the state of an item, with the changes that it would make.
type ItemStatus struct {
	ID       string   `json:"id"`
	What     string   `json:"what"`
	State    State    `json:"state"`
	Reason   string   `json:"reason,omitempty"`
	Selected bool     `json:"selected"` // by the profile or by name
	Profiles []string `json:"profiles"`
	OffWhy   string   `json:"off_why,omitempty"`
	Why      string   `json:"why,omitempty"`
	// Changes are those of files, as diffs; Commands all others.
	Changes     []FileDiff `json:"changes"`
	Commands    []string   `json:"commands,omitempty"`
	Effect      string     `json:"effect"`
	Evidence    string     `json:"evidence,omitempty"`
	NeedsReboot bool       `json:"needs_reboot"`
	Needs       Need       `json:"needs,omitempty"`
	Notes       []string   `json:"notes,omitempty"`
	Advice      []string   `json:"advice,omitempty"`
	Undo        string     `json:"undo,omitempty"`

	// Steps are Changes and Commands in order, with what is run between them.
	Steps []Step `json:"-"`

	desired Desired
}

// FileDiff is the change of one file.
type FileDiff struct {
	Path string `json:"path"`
	Diff string `json:"diff"`
	Keep string `json:"keep,omitempty"` // where the version of somebody else is kept
}

// Plan shows what Apply would do. It changes nothing and needs no lock.
func (e *Engine) Plan(sel Selection) (Plan, error) {
	plan, _, err := e.plan(sel)
	return plan, err
}

// PlanUndo shows what Undo would do.
func (e *Engine) PlanUndo(only []string) (Plan, error) {
	plan, _, err := e.planUndo(only)
	return plan, err
}

func (e *Engine) plan(sel Selection) (Plan, ledger, error) {
	plan := Plan{Format: formatNow, Verb: verbApply, Root: e.Machine.Host.Root, Only: sel.Only, User: sel.User, Service: sel.Service, Items: []ItemStatus{}, Changes: []Change{}}
	led, err := e.begun(&plan)
	if err != nil {
		return plan, led, err
	}
	if err := e.known(sel.Only, led); err != nil {
		return plan, led, err
	}
	plan.Profile = sel.Profile
	if plan.Profile == "" {
		plan.Profile = led.Profile
	}
	if plan.Profile == "" {
		plan.Profile = Server
	}
	e.Machine.recall(led)
	t := newTransition(e.Machine, led)
	for _, item := range e.Items {
		e.prepare(plan, led, item)
		status := e.assess(item, led, t)
		status.Selected = sel.has(item, plan.Profile)
		explicit := len(sel.Only) > 0 && status.Selected
		if status.Selected && plan.Interrupted == "" && (status.State == Pending || status.State == Drifted && explicit) {
			if err := t.apply(item, status.desired); err != nil {
				return plan, led, fmt.Errorf("%s: %w", item.ID, err)
			}
		}
		status.show(t.steps[item.ID], e.Machine.commands(t.steps[item.ID]))
		plan.Items = append(plan.Items, status)
	}
	plan.Items = append(plan.Items, e.strangers(t.led, sel.Only)...)
	t.led.Profile = plan.Profile
	plan.take(e.Machine, t)
	plan.bookkeeping = len(t.led.Items) != len(led.Items) || !led.empty() && led.Profile != plan.Profile
	return plan, t.led, nil
}

// begun loads the ledger. An unfinished transition comes first, and the plan
// shows it.
func (e *Engine) begun(plan *Plan) (ledger, error) {
	led, err := e.Machine.loadLedger()
	if err != nil {
		return led, err
	}
	j, err := e.Machine.loadJournal()
	if err != nil || j == nil {
		return led, err
	}
	plan.Interrupted = j.Verb
	plan.Notes = append(plan.Notes, "an "+j.Verb+" was interrupted; the next apply or undo finishes it first")
	return j.Ledger, nil
}

// prepare sets the fields of the machine that an item reads.
func (e *Engine) prepare(plan Plan, led ledger, item Item) {
	m := e.Machine
	m.Profile, m.User = plan.Profile, plan.User
	if entry := led.entry(item.ID); entry != nil && m.User == "" {
		m.User = entry.User
	}
}

// recall sets the machine's values before vmgo.
func (m *Machine) recall(led ledger) {
	m.baseline = make(map[cellKey]Value, len(led.Records))
	for _, r := range led.Records {
		m.baseline[r.key()] = r.Original
	}
}

func (p *Plan) take(m *Machine, t *transition) {
	if p.Interrupted != "" {
		return
	}
	for _, c := range t.changes {
		if !c.From.Same(c.To) {
			p.Changes = append(p.Changes, c)
		}
	}
	order(p.Changes)
	p.Commands = m.commands(p.Changes)
	p.Notes = append(p.Notes, t.notes...)
}

// known returns an error for unknown names of items.
func (e *Engine) known(ids []string, led ledger) error {
	for _, id := range ids {
		if _, ok := Find(e.Items, id); ok || led.entry(id) != nil {
			continue
		}
		return diag.New(diag.Usage, "unknown item "+quote(id), "vmgo harden status")
	}
	return nil
}

func (e *Engine) planUndo(only []string) (Plan, ledger, error) {
	plan := Plan{Format: formatNow, Verb: verbUndo, Root: e.Machine.Host.Root, Only: only, Items: []ItemStatus{}, Changes: []Change{}}
	led, err := e.begun(&plan)
	if err != nil {
		return plan, led, err
	}
	if err := e.known(only, led); err != nil {
		return plan, led, err
	}
	plan.Profile = led.Profile
	t := newTransition(e.Machine, led)
	for _, entry := range slices.Backward(led.Items) {
		if len(only) > 0 && !slices.Contains(only, entry.ID) || plan.Interrupted != "" {
			continue
		}
		drift := e.drift(entry.ID, led)
		if err := t.release(entry.ID, nil); err != nil {
			return plan, led, fmt.Errorf("%s: %w", entry.ID, err)
		}
		status := ItemStatus{ID: entry.ID, What: entry.What, State: Applied, Profiles: []string{}}
		if item, ok := Find(e.Items, entry.ID); ok {
			status = describe(item)
			status.State = Applied
		}
		if len(drift) > 0 {
			status.State, status.Reason = Drifted, strings.Join(drift, "; ")
		}
		status.Selected = true
		status.show(t.steps[entry.ID], e.Machine.commands(t.steps[entry.ID]))
		plan.Items = append(plan.Items, status)
	}
	t.led.Items = slices.DeleteFunc(t.led.Items, func(e entry) bool { return len(only) == 0 || slices.Contains(only, e.ID) })
	plan.take(e.Machine, t)
	plan.bookkeeping = len(t.led.Items) != len(led.Items)
	return plan, t.led, nil
}

// ReadPlan reads a plan that was saved to a file. What it says of the machine is
// compared when it is applied; what it asks for is checked here as if it had been
// typed.
func ReadPlan(data []byte) (*Plan, error) {
	var p Plan
	if err := fsx.Decode("the plan", data, formatNow, &p); diag.CodeOf(err) == diag.NewerFormat {
		return nil, err
	} else if err != nil {
		return nil, diag.Wrap(diag.Usage, err, "the file is not a plan")
	}
	switch {
	case p.Verb == verbUndo:
		return nil, diag.New(diag.Usage, "the file is the plan of an undo, which cannot be applied", "vmgo harden undo")
	case p.Verb != verbApply:
		return nil, diag.New(diag.Usage, "the file is not a plan", "vmgo harden plan --out FILE")
	}
	if p.Profile != "" {
		if _, err := ParseProfile(string(p.Profile)); err != nil {
			return nil, err
		}
	}
	if p.Service != nil {
		service, err := NewService(*p.Service)
		if err != nil {
			return nil, err
		}
		p.Service = &service
	}
	return &p, nil
}

// mustEqual returns an error if the machine's plan differs from the saved one.
func (p *Plan) mustEqual(now Plan) error {
	if p.Root != now.Root {
		return diag.New(diag.Usage, "the plan was made for "+p.Root+", not for "+now.Root)
	}
	if text := difference(p.Changes, now.Changes); text != "" {
		return diag.New(diag.Failure, "the machine has changed since the plan was made: "+text,
			"vmgo harden plan --out FILE   # makes a new plan")
	}
	return nil
}

func difference(old, now []Change) string {
	name := func(key cellKey) string { return string(key.Kind) + " " + key.Target }
	wanted := make(map[cellKey]Change, len(now))
	for _, n := range now {
		wanted[n.key()] = n
	}
	for _, o := range old {
		n, ok := wanted[o.key()]
		switch {
		case !ok:
			return name(o.key()) + " no longer needs a change"
		case !o.From.Same(n.From):
			return name(o.key()) + " is not as it was"
		case !o.To.Same(n.To) || o.Keep != n.Keep || !slices.Equal(o.Check, n.Check):
			return name(o.key()) + " would become something else"
		}
		delete(wanted, o.key())
	}
	for _, n := range now {
		if _, left := wanted[n.key()]; left {
			return name(n.key()) + " needs a change now"
		}
	}
	return ""
}
