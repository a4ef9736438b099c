package project

import "path"

// Walk reads the files around dir, which must be absolute; links in it are not
// resolved, so that "up" is what the shell calls "..". A dir that is empty or
// relative (the working directory no longer exists) gives an empty Survey. The
// error is a *diag.Error with code bad-version-file; the Survey is then
// complete up to the file at fault, and its Watch is good for noticing the
// repair.
func Walk(dir string, opts Options) (Survey, error) {
	if dir == "" || dir[0] != '/' {
		return Survey{}, nil
	}
	w := walk{}
	defer w.near.Close()
	w.survey.Steps = make([]Step, 0, 24)
	w.survey.Watch = make([]string, 0, 16)
	err := w.run(path.Clean(dir), opts)
	return w.survey, err
}

// walk is the state of one Walk.
type walk struct {
	survey    Survey
	pin       found // the nearest file of a version manager
	work, mod found // the go.work and go.mod in use
	near      Near
}

// found is a file that was there, and what it asks for.
type found struct {
	looked      bool
	step        int // its index among the steps
	requirement Requirement
	minimum     Requirement
	err         error
}

func (w *walk) run(dir string, opts Options) error {
	w.environment(opts.GOWORK)
	for ; dir != ""; dir = parent(dir) {
		w.watch(dir)
		if err := w.pins(dir); err != nil {
			return err
		}
		if !w.work.looked {
			w.work = w.module(join(dir, string(GoWork)), GoWork)
		}
		if !w.mod.looked {
			w.mod = w.module(join(dir, string(GoMod)), GoMod)
		}
		if git := join(dir, ".git"); !w.near.Missing(git) && exists(git) {
			w.survey.Repository = dir
			dir = parent(dir)
			break
		}
	}
	for _, module := range []found{w.work, w.mod} {
		if !module.minimum.IsZero() {
			w.survey.Minimums = append(w.survey.Minimums, module.minimum)
		}
	}
	for _, candidate := range []found{w.pin, w.work, w.mod} {
		if candidate.err != nil {
			return candidate.err
		}
		if !candidate.requirement.IsZero() {
			w.decide(candidate)
			return nil
		}
	}
	for ; dir != "" && w.pin.requirement.IsZero(); dir = parent(dir) {
		w.watch(dir)
		if err := w.pins(dir); err != nil {
			return err
		}
	}
	w.decide(w.pin)
	return nil
}

// environment obeys GOWORK as the go command does.
func (w *walk) environment(gowork string) {
	switch {
	case gowork == "" || gowork == "auto":
	case gowork == "off":
		w.work.looked = true
	case gowork[0] != '/':
		w.work = w.bad(Origin{Kind: GoWork, Path: gowork}, faulty(0, "GOWORK is not an absolute path", "unset GOWORK"))
	default:
		if w.work = w.module(gowork, GoWork); !w.work.looked {
			w.watch(gowork)
			w.work = w.bad(Origin{Kind: GoWork, Path: gowork}, faulty(0, "GOWORK names a file that does not exist", "unset GOWORK"))
		}
	}
}

// pins looks for the files of version managers in dir until one has decided.
func (w *walk) pins(dir string) error {
	for _, kind := range []Kind{GoVersion, ToolVersions} {
		if !w.pin.requirement.IsZero() {
			return nil
		}
		if w.pin = w.pinFile(join(dir, string(kind)), kind); w.pin.err != nil {
			return w.pin.err
		}
	}
	return nil
}

// pinFile reads one file of a version manager.
func (w *walk) pinFile(file string, kind Kind) found {
	origin := Origin{Kind: kind, Path: file}
	data, there, f := w.read(file, pinLimit)
	switch {
	case f != nil:
		w.watch(file)
		return w.bad(origin, f)
	case !there:
		w.step(Step{Origin: origin, Verdict: Absent})
		return found{}
	}
	w.watch(file)
	parse := parseGoVersion
	if kind == ToolVersions {
		parse = parseToolVersions
	}
	p, f := parse(data)
	switch {
	case f != nil:
		return w.bad(origin, f)
	case p.line == 0:
		w.step(Step{Origin: origin, Verdict: Ignored, Note: "has no line golang or go"})
		return found{}
	}
	origin.Line, origin.Requirement = p.line, p.selector.Text()
	return w.asks(Requirement{Selector: p.selector, Fallbacks: p.fallbacks, Origin: origin}, Requirement{}, p.note)
}

// module reads a go.mod or go.work; the one that is found is used even when
// it asks for nothing, since the go command looks no further.
func (w *walk) module(file string, kind Kind) found {
	origin := Origin{Kind: kind, Path: file}
	data, there, f := w.read(file, goModLimit)
	if !there {
		w.step(Step{Origin: origin, Verdict: Absent})
		return found{}
	}
	w.watch(file)
	var m demand
	if f == nil {
		var lines directives
		if lines, f = parseDirectives(data); f == nil {
			m, f = lines.judge()
		}
	}
	if f != nil {
		return w.bad(origin, f)
	}
	var minimum Requirement
	if m.minimumLine != 0 {
		minimum = Requirement{Selector: m.minimum, Minimum: true, Origin: origin}
		minimum.Origin.Line, minimum.Origin.Requirement = m.minimumLine, "go "+m.minimum.Text()
	}
	switch {
	case m.pinLine != 0:
		origin.Line, origin.Requirement = m.pinLine, "toolchain "+m.pin.Version().Toolchain()
		return w.asks(Requirement{Selector: m.pin, Origin: origin}, minimum, "")
	case m.minimumLine != 0:
		return w.asks(minimum, minimum, m.note)
	}
	note := "has no go line"
	if m.note != "" {
		note = m.note
	}
	w.step(Step{Origin: origin, Verdict: Ignored, Note: note})
	return found{looked: true}
}

func (w *walk) read(file string, limit int64) (data []byte, found bool, f *fault) {
	if w.near.Missing(file) {
		return nil, false, nil
	}
	return readFile(file, limit)
}

// asks records a file that asks for something; until it decides it is passed.
func (w *walk) asks(r, minimum Requirement, note string) found {
	w.step(Step{Origin: r.Origin, Verdict: Passed, Note: note})
	return found{looked: true, step: len(w.survey.Steps) - 1, requirement: r, minimum: minimum}
}

// bad records a file that cannot be used. Whether that is an error is decided
// by whether the file would have been asked.
func (w *walk) bad(origin Origin, f *fault) found {
	origin.Line = f.line
	w.step(Step{Origin: origin, Verdict: Bad, Note: f.reason})
	return found{looked: true, err: f.err(origin.Path)}
}

// decide makes the candidate the answer; one that asks for nothing is none.
func (w *walk) decide(candidate found) {
	if candidate.requirement.IsZero() {
		return
	}
	w.survey.Steps[candidate.step].Verdict = Decided
	w.survey.Requirement = candidate.requirement
	w.survey.Project = parent(candidate.requirement.Origin.Path)
}

func (w *walk) step(s Step)       { w.survey.Steps = append(w.survey.Steps, s) }
func (w *walk) watch(path string) { w.survey.Watch = append(w.survey.Watch, path) }

// ReadText returns the text of a file that is to be edited by the grammar of
// .go-version, whether it follows that or not: a regular file of its size. It
// is empty when there is no such file.
func ReadText(file string) (string, error) {
	data, _, f := readFile(file, pinLimit)
	if f != nil {
		return "", f.err(file)
	}
	return string(data), nil
}

// IsPin reports whether all of text follows the grammar of .go-version.
func IsPin(text string) bool {
	p, f := parseGoVersion([]byte(text))
	return f == nil && p.note == ""
}

// UnreadError reports a file that is there and cannot be read, whatever it says.
type UnreadError struct{ err error }

// Error says which file, and why.
func (e *UnreadError) Error() string { return e.err.Error() }

// Unwrap returns the *diag.Error.
func (e *UnreadError) Unwrap() error { return e.err }

// ReadPin reads one file that has the grammar of .go-version, such as the
// user's default, on behalf of an origin of that kind. The Requirement is zero
// when there is no such file. The error is a *diag.Error with code
// bad-version-file, around it an [*UnreadError] where the file cannot be read.
func ReadPin(file string, kind Kind) (Requirement, error) {
	data, there, f := readFile(file, pinLimit)
	if !there {
		return Requirement{}, nil
	}
	var p pin
	if f == nil {
		p, f = parseGoVersion(data)
	}
	if f != nil && f.unread {
		return Requirement{}, &UnreadError{f.err(file)}
	}
	if f != nil {
		return Requirement{}, f.err(file)
	}
	return Requirement{
		Selector: p.selector,
		Origin:   Origin{Kind: kind, Path: file, Line: p.line, Requirement: p.selector.Text()},
	}, nil
}
