// Package diag holds vmgo's user-facing errors: a code from a fixed catalogue,
// one sentence that says what happened to what, hints that are commands to
// paste, and the exit status. It is linked into the lean program, so it uses
// neither fmt nor reflection.
//
// Only the top of a program prints an error; everything below wraps once with
// %w or with [Wrap] and returns.
package diag

import (
	"errors"
	"strings"
)

// Code names one kind of failure. Codes are part of the contract: scripts
// match them, docs/errors.md has a section for each.
type Code string

// Error is a failure fit to be shown to a user.
type Error struct {
	Code  Code
	Msg   string   // what happened to what: one lower-case sentence without a full stop
	Hints []string // commands to paste, or one short remark
	Err   error    // the cause, may be nil
}

// New makes an error of the given code.
func New(code Code, msg string, hints ...string) *Error {
	return &Error{Code: code, Msg: msg, Hints: hints}
}

// Wrap makes an error of the given code around its cause. The cause's text is
// appended to msg.
func Wrap(code Code, err error, msg string, hints ...string) *Error {
	return &Error{Code: code, Msg: msg, Hints: hints, Err: err}
}

// Error returns the sentence and the cause, without code and hints.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Msg
	}
	return e.Msg + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf finds the code of the outermost Error in err's chain; it is
// [Failure] for any other non-nil error and empty for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Failure
}

// HintsOf collects the hints of the outermost Error in err's chain.
func HintsOf(err error) []string {
	var e *Error
	if errors.As(err, &e) {
		return e.Hints
	}
	return nil
}

// Several makes one error of what went wrong on several ways to one thing: the
// words of all, code and hints of the one that says most. That is the first,
// unless it only says that the network is forbidden.
func Several(failures []error) error {
	if len(failures) == 1 {
		return failures[0]
	}
	first := 0
	for i, err := range failures {
		if CodeOf(failures[first]) == Offline && CodeOf(err) != Offline {
			first = i
		}
	}
	text := failures[first].Error()
	for i, err := range failures {
		if i != first {
			text += "; " + err.Error()
		}
	}
	return New(CodeOf(failures[first]), text, HintsOf(failures[first])...)
}

// Child is the exit status of a program that vmgo started for the user; it is
// handed on as vmgo's own and nothing is printed.
type Child struct{ Status int }

// Error says which status the child had.
func (c *Child) Error() string { return "the program exited with a failure" }

// ExitStatus returns the exit status that cli.md promises for err: 0 for nil.
func ExitStatus(err error) int {
	if err == nil {
		return 0
	}
	var c *Child
	if errors.As(err, &c) {
		return c.Status
	}
	code := CodeOf(err)
	for _, entry := range Catalogue() {
		if entry.Code == code {
			return entry.Exit
		}
	}
	return 1
}

// Format renders err as cli.md asks: one line "vmgo: <sentence> [code]", then
// a line per hint. program is the name before the colon.
func Format(program string, err error) string {
	text := program + ": " + Line(err.Error()) + " [" + string(CodeOf(err)) + "]\n"
	for _, hint := range HintsOf(err) {
		text += "hint: " + Line(hint) + "\n"
	}
	return text
}

// Parse returns the error that [Format] rendered for a program, found in all that
// it printed on stderr; nil if none is there.
func Parse(program, stderr string) *Error {
	var found *Error
	for line := range strings.Lines(stderr) {
		line = strings.TrimSuffix(line, "\n")
		if hint, ok := strings.CutPrefix(line, "hint: "); ok && found != nil {
			found.Hints = append(found.Hints, hint)
			continue
		}
		text, ok := strings.CutPrefix(line, program+": ")
		open := strings.LastIndex(text, " [")
		if !ok || open < 0 || !strings.HasSuffix(text, "]") {
			continue
		}
		found = New(Code(text[open+2:len(text)-1]), text[:open])
	}
	return found
}
