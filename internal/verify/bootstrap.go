package verify

import (
	"path/filepath"
	"regexp"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Bootstrap is a release that compiles another.
type Bootstrap struct {
	Version gover.Version
	GOROOT  string
}

// bootstrapFor returns the release that compiles t: the requested one, or of the
// installed ones the newest that is older than t, else the oldest that is newer.
func (v *Verifier) bootstrapFor(t Target) (Bootstrap, error) {
	least, err := leastBootstrap(t)
	if err != nil {
		return Bootstrap{}, err
	}
	name := t.Version.Toolchain()
	if boot := v.Bootstrap; boot.GOROOT != "" {
		switch {
		case sameDir(boot.GOROOT, t.GOROOT):
			return Bootstrap{}, diag.New(diag.Usage, name+" cannot vouch for itself", "vmgo list   # takes another release, from "+least.String()+" on")
		case boot.Version.Compare(least) < 0:
			return Bootstrap{}, diag.New(diag.Usage, name+" cannot be compiled by "+boot.Version.Toolchain()+": it takes "+least.String()+" or newer", "vmgo install "+least.Lang().String())
		}
		return boot, nil
	}
	var older, newer Bootstrap
	for _, b := range v.Bootstraps {
		switch order := b.Version.Compare(t.Version); {
		case order == 0 || b.Version.Compare(least) < 0:
		case order < 0 && (older.GOROOT == "" || b.Version.Compare(older.Version) > 0):
			older = b
		case order > 0 && (newer.GOROOT == "" || b.Version.Compare(newer.Version) < 0):
			newer = b
		}
	}
	for _, b := range []Bootstrap{older, newer} {
		if b.GOROOT != "" {
			return b, nil
		}
	}
	return Bootstrap{}, diag.New(diag.NotInstalled, "building "+name+" again takes another installed release, "+least.String()+" or newer", "vmgo install "+least.Lang().String())
}

// leastBootstrap reads from the source which release may compile it: make.bash
// says so since 1.20.
func leastBootstrap(t Target) (gover.Version, error) {
	script := filepath.Join(t.GOROOT, "src", "make.bash")
	data, err := smallfile.Read(script, smallfile.Usual)
	if err != nil {
		return gover.Version{}, diag.Wrap(diag.Tampered, err, "the source of "+t.Version.Toolchain()+" cannot be read", "vmgo repair "+t.Version.String())
	}
	if found := regexp.MustCompile(`(?m)^bootgo=([0-9.]+)$`).FindSubmatch(data); found != nil {
		if least, err := gover.Parse(string(found[1])); err == nil {
			return least, nil
		}
	}
	return gover.Version{}, diag.New(diag.Tampered, script+" does not say which release compiles it", "vmgo repair "+t.Version.String())
}
