package cmd

import (
	"errors"
	"net/http"

	"github.com/urfave/cli/v2"
)

// needs is what a command uses. It is declared beside the command and enforced: a
// command gets no more than it declares.
type needs struct {
	settings bool // the VMGO_ settings must be valid; without it, a broken one is unset
	store    bool // the installed releases
	network  bool
	complete completer // the completions of its first argument; nil: none
	several  bool      // complete is for every argument, not only the first
}

// completer returns the completions of an argument, each with a description.
type completer func(*cli.Context) [][2]string

// declare records what a command and its subcommands need.
func (a *app) declare(n needs, command *cli.Command) *cli.Command {
	if a.declared == nil {
		a.declared = map[*cli.Command]needs{}
	}
	a.declared[command] = n
	return command
}

// give hands the running command what it declared a need for.
func (a *app) give(n needs) error {
	a.needs = n
	if !n.network {
		a.host.Transport = closedNetwork{}
	}
	return a.loadSettings(n.settings)
}

// closedNetwork is the network of a command that declared no need for one.
type closedNetwork struct{}

var errClosed = errors.New("the command uses the network and does not declare it: see cmd/needs.go")

// RoundTrip is part of [http.RoundTripper].
func (closedNetwork) RoundTrip(*http.Request) (*http.Response, error) { return nil, errClosed }
