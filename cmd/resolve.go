package cmd

import (
	"path/filepath"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/internal/here"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/store"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// cacheHint is for a user without an entry in the passwd file, as under docker
// run --user.
const cacheHint = `export XDG_CACHE_HOME="$(mktemp -d)" XDG_STATE_HOME="$(mktemp -d)"   # for a user without a home`

// homeHint is for those who run without HOME.
const homeHint = `export HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"`

// stores returns the stores that are searched for releases. It panics if the
// command does not declare that it uses them.
func (a *app) stores() []string {
	if !a.needs.store {
		panic("the command uses the store and does not declare it: see cmd/needs.go")
	}
	return a.layout.Stores(a.settings.Root)
}

// machineStores is the store of the machine, or the one that VMGO_ROOT names.
func (a *app) machineStores() []string {
	all := a.stores()
	return all[len(all)-1:]
}

// installed lists the releases of all stores, newest first.
func (a *app) installed() ([]installed.Release, error) { return installed.List(a.stores()) }

// unproved lists the trees in the stores that are named like a release and have
// no receipt. What cannot be listed is reported by the list of releases.
func (a *app) unproved() []installed.Release {
	trees, _ := installed.Unproved(a.stores())
	return trees
}

// warnUnproved warns about the trees that have no receipt and so are not
// installed.
func (a *app) warnUnproved() {
	for _, tree := range a.unproved() {
		vmgo := "vmgo"
		if tree.Store == a.layout.SystemStore && tree.Store != a.writeStore().Dir() {
			vmgo = "sudo vmgo"
		}
		a.warnf("%s has no receipt, so it is not installed: %s install %s, or offline %s adopt %s --proof FILE",
			diag.Line(tree.GOROOT), vmgo, tree.Version, vmgo, diag.Word(tree.GOROOT))
	}
}

// writeStore opens the store into which this process installs. what describes
// the command for processes that wait for the lock.
func (a *app) writeStore() *store.Store {
	s := a.openStore(a.layout.WriteStore(a.settings.Root))
	if a.settings.Root == "" && s.Dir() == a.layout.SystemStore && a.layout.UserStore != "" && !s.Exists() {
		// The user did not choose /opt/go: where others may write in /opt,
		// as on the runners of some CI services, vmgo does not create it.
		if s.CheckSafe() != nil {
			return a.openStore(a.layout.UserStore)
		}
	}
	return s
}

func (a *app) openStore(dir string) *store.Store {
	return store.Open(dir, store.Options{
		Identity: a.identity(),
		NoLink:   !a.settings.Link,
	})
}

// wait prints on stderr which process holds the store.
func (a *app) wait(no bool) store.Wait {
	return store.Wait{No: no, Notice: func(holder fsx.Holder) { a.sayf("vmgo: %s", waitingFor(holder)) }}
}

// waitingFor returns the message about the process that a writer waits for.
func waitingFor(holder fsx.Holder) string { return diag.Line("waiting for " + holder.String()) }

// resolve returns the Go that is selected in the working directory.
func (a *app) resolve() (resolve.Resolution, error) {
	situation, err := a.look(here.Question{})
	return situation.Resolution, err
}

// look returns what is selected in the working directory and what the
// environment should be there; q may hold a version that takes precedence over
// everything else.
func (a *app) look(q here.Question) (here.Situation, error) {
	if a.host.Dir == "" {
		return here.Situation{}, diag.New(diag.Failure, "the working directory no longer exists", "cd /")
	}
	q.Env, q.Dir, q.Root, q.UID = a.host.Env, a.host.Dir, a.host.Root, a.host.UID
	q.OwnPrograms, q.Ranges = a.ownPrograms, ranges.Parse
	return here.Look(q)
}

// ownPrograms are vmgo and vmgo-shim: a go that is a link to one of them leads
// back to us.
func (a *app) ownPrograms() []string {
	if a.host.Executable == "" {
		return nil
	}
	return []string{a.host.Executable, filepath.Join(filepath.Dir(a.host.Executable), "vmgo-shim")}
}

// pick finds the newest installed release that a selector matches.
func (a *app) pick(text string) (installed.Release, error) { return a.pickFrom(a.stores(), text) }

func (a *app) pickFrom(stores []string, text string) (installed.Release, error) {
	selector, err := gover.ParseSelector(text)
	if err != nil {
		return installed.Release{}, err
	}
	release, found, err := installed.Pick(stores, selector, ranges.Parse)
	if err == nil && !found {
		err = notInstalled(text)
	}
	return release, err
}

// atHand parses a selector that must match an installed release: whatever reads
// it later could not report what is wrong with it.
func (a *app) atHand(text string) (gover.Selector, error) {
	selector, err := gover.ParseSelector(text)
	if err == nil && selector.Kind() != gover.System {
		_, err = a.pick(text)
	}
	return selector, err
}

func notInstalled(selector string) error {
	return diag.New(diag.NotInstalled, "no installed release matches "+selector, "vmgo install "+diag.Word(selector))
}
