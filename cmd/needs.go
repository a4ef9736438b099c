package cmd

import (
	"errors"
	"net/http"

	"github.com/urfave/cli/v2"
)

// needs is what a command takes of the world. It is declared beside the command
// and enforced: a command is given no more than it declares.
type needs struct {
	settings bool // the VMGO_ settings without a fault; else one that is broken counts as unset
	store    bool // the releases that are installed
	network  bool
	complete completer // what may stand as its first argument; nil: nothing is known
	several  bool      // complete is for every argument, not only the first
}

// completer returns what may stand as an argument, each with its meaning.
type completer func(*cli.Context) [][2]string

// declare records what a command and its subcommands need.
func (a *app) declare(n needs, command *cli.Command) *cli.Command {
	if a.declared == nil {
		a.declared = map[*cli.Command]needs{}
	}
	a.declared[command] = n
	return command
}

// give hands the world to the command that runs, as far as it declared a need.
func (a *app) give(n needs) error {
	a.needs = n
	if !n.network {
		a.host.Transport = closedNetwork{}
	}
	return a.loadSettings(n.settings)
}

// closedNetwork is the network of a command that declared no need of one.
type closedNetwork struct{}

var errClosed = errors.New("the command uses the network and does not declare it: see cmd/needs.go")

// RoundTrip is part of [http.RoundTripper].
func (closedNetwork) RoundTrip(*http.Request) (*http.Response, error) { return nil, errClosed }
