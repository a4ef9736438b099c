package shims

import "github.com/vmgo/vmgo/internal/here"

// lookOrInstall is [here.Look], after an install of what is missing if the
// settings want that. The lean program installs nothing: handed reports that
// vmgo has to do the whole call.
func (p Process) lookOrInstall(q here.Question) (s here.Situation, handed bool, err error) {
	s, err = here.Look(q)
	if !s.Installable(err) {
		return s, false, err
	}
	if p.Install == nil {
		return s, true, err
	}
	if err := p.Install(q.Dir); err != nil {
		return s, false, err
	}
	s, err = here.Look(q)
	return s, false, err
}
