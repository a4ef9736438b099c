package doctor

import "slices"

// because names the checks whose finding, if they have one, is the cause of this
// one, the likeliest first. See [fold].
func (r Result) because(ids ...string) Result {
	r.causes = append(r.causes, ids...)
	return r
}

// Bad reports whether there is something to fix.
func (r Result) Bad() bool { return r.Status == Warn || r.Status == Fail }

// fold sets the cause of each outcome that another one explains: one failure is
// reported as one, with its consequences beneath it. A cause is as grave as the worst
// of its consequences.
func fold(outcomes []Outcome) {
	find := func(id string) int {
		return slices.IndexFunc(outcomes, func(o Outcome) bool { return o.Check.ID == id && o.Bad() })
	}
	for i := range outcomes {
		if !outcomes[i].Bad() && outcomes[i].Status != Skip {
			continue
		}
		for _, id := range outcomes[i].causes {
			if at := find(id); at >= 0 && at != i {
				outcomes[i].Cause = id
				break
			}
		}
	}
	for i := range outcomes {
		at, steps := i, 0
		for outcomes[at].Cause != "" && steps <= len(outcomes) {
			at, steps = find(outcomes[at].Cause), steps+1
		}
		if at == i || steps > len(outcomes) { // no cause, or a circle
			outcomes[i].Cause = ""
			continue
		}
		outcomes[i].Cause = outcomes[at].Check.ID
		if outcomes[i].Bad() {
			outcomes[at].worse(outcomes[i].Status)
		}
	}
}

// Heads returns the outcomes that stand for themselves: those without a cause, or
// whose cause is not in the report.
func (r Report) Heads() []Outcome {
	return slices.DeleteFunc(slices.Clone(r.Outcomes), func(o Outcome) bool {
		return o.Cause != "" && slices.ContainsFunc(r.Outcomes, func(c Outcome) bool { return c.Check.ID == o.Cause })
	})
}

// Consequences returns the outcomes whose cause is the check of that id.
func (r Report) Consequences(id string) []Outcome {
	return slices.DeleteFunc(slices.Clone(r.Outcomes), func(o Outcome) bool { return o.Cause != id || !o.Bad() })
}
