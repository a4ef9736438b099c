package shims

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/shell"
)

// direnvVariable is set while direnv has something to undo. It restores
// what it found at first, including our values of that time.
const direnvVariable = "DIRENV_DIFF"

// hook serves one call of a shell's hook: it prints what the shell evaluates, in one
// write. If nothing can be selected (the release is not installed, a file cannot be
// read), that restores the environment, and the reason goes to stderr, once.
func (p Process) hook(call shell.Call) error {
	started := p.Now()
	sh, err := shell.Lookup(call.Shell)
	if err != nil {
		return err
	}
	if call.Dir != p.Dir && isHere(call.Dir) {
		p.Dir = call.Dir // PWD need not be exported
	}
	s, err := here.Look(here.Question{
		Env: p.Env, Dir: p.Dir, Root: p.Root, UID: p.UID, OwnPrograms: p.ownPrograms, Ranges: p.Ranges,
	})
	if errors.Is(err, gover.ErrNeedsRanges) {
		err = p.handOver(hookWord, p.Args[2:]...)
	}
	s.Prepare()
	how := environ.How{Fresh: call.Fresh, Remember: p.Env[direnvVariable] != ""}
	data := sh.About().Data
	u := p.update(&s, call, how, data)
	if how.Remember {
		u.Equal = []environ.Change{{Name: direnvVariable, Value: p.Env.Get(direnvVariable)}}
	}
	list, remark := p.watches(s, started, call.Coarse, data)
	if remark != "" {
		s.Notes = append(s.Notes, remark)
	}
	u.Watch = list
	u.Said = p.say(call.Said, s, err)
	if s.Settings.Show && len(u.Changes) > 0 {
		p.show(s)
	}
	_, err = io.WriteString(p.Stdout, sh.Update(u))
	return err
}

// update returns the changes that an answer makes, as text or as data.
func (p Process) update(s *here.Situation, call shell.Call, how environ.How, data bool) shell.Update {
	if text := p.Env[environ.SessionVariable]; s.Newer {
		s.Notes = append(s.Notes, "a newer vmgo has set the environment of this shell: it is not changed")
		return shell.Update{Call: call, Session: text, Before: text, Held: true}
	}
	if len(call.Refused) > 0 {
		s.Wanted = s.Session.Before([]string{s.Programs.Dir})
		s.Notes = append(s.Notes, strings.Join(call.Refused, " and ")+" cannot be changed in this shell (readonly): nothing is changed")
	}
	changes, session := environ.Switch(p.Env, s.Session, s.Wanted, how)
	if data && !shell.CarriesData(changes) {
		s.Notes = append(s.Notes, "a new value has bytes that are not UTF-8, which this shell cannot be told: nothing is changed")
		changes, session = nil, s.Session
	}
	u := shell.Update{
		Call: call, Changes: changes, Session: session.Encode(), Before: s.Session.Settled().Encode(), Undo: session.Undo(),
	}
	u.Held = u.Before == p.Env[environ.SessionVariable]
	for _, change := range changes {
		if !p.Env.Get(change.Name).Set {
			u.Missing = append(u.Missing, change.Name)
		}
	}
	if dirs := session.PathEntries(); len(dirs) > 0 {
		u.Holds = dirs[:1] // they come and go together
	}
	return u
}

// isHere reports whether dir is a name of the working directory.
func isHere(dir string) bool {
	there, err := os.Stat(dir)
	if err != nil {
		return false
	}
	here, err := os.Stat(".")
	return err == nil && os.SameFile(here, there)
}

// show prints what was switched to.
func (p Process) show(s here.Situation) {
	line := "vmgo: outside\n"
	switch r := s.Resolution; {
	case len(s.Wanted.Path) > 0:
		line = diag.Line("vmgo: go "+r.Version.String()+" ("+r.Requirement.Origin.String()+")") + "\n"
	case r.System:
		line = diag.Line("vmgo: the go of the system, "+r.SystemGo) + "\n"
	}
	_, _ = io.WriteString(p.Stderr, line)
}

// maxSaid bounds what a shell remembers.
const maxSaid = 64

// say prints what is wrong here unless this shell has printed it already, and returns
// what the shell is to remember. Messages name the file or directory that they are
// about, so one message is one reason in one directory.
func (p Process) say(said string, s here.Situation, err error) string {
	var messages []string
	// Having no Go at all is not worth a message at a prompt.
	if err != nil && diag.CodeOf(err) != diag.NoRequirement {
		messages = append(messages, diag.Format("vmgo", err))
	}
	s.Resolution.UnreadDefault = nil // a prompt is not the place: each vmgo command tells
	for _, remark := range append(s.Resolution.Remarks(), s.Notes...) {
		messages = append(messages, diag.Line("vmgo: "+remark)+"\n")
	}
	heard := strings.Fields(said)
	for _, message := range messages {
		if hash := environ.Hash(message); !slices.Contains(heard, hash) {
			heard = append(heard, hash)
			_, _ = io.WriteString(p.Stderr, message)
		}
	}
	return strings.Join(heard[max(0, len(heard)-maxSaid):], " ")
}
