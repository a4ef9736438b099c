package resolve

import (
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// Place is a directory together with the user's surroundings.
type Place struct {
	Dir         string // logical working directory, absolute
	Env         map[string]string
	Layout      dirs.Layout
	Settings    settings.Settings
	OwnDirs     []string        // see [Input]
	OwnPrograms func() []string // see [Input]; nil for none
	Ranges      gover.RangeParser
}

// Here gathers what [Resolve] depends on (the stores and the defaults) and
// resolves. It is what every face of the program asks: the hook, the shims and
// the commands.
func Here(p Place) (Resolution, error) {
	stores := p.Layout.Stores(p.Settings.Root)
	return Resolve(Input{
		Dir: p.Dir, Version: p.Settings.Version, GOWORK: p.Env["GOWORK"], Path: p.Env["PATH"],
		UserDefault: p.Layout.UserDefault(),
		Releases:    onDisk(stores), Stores: stores,
		OwnDirs: p.OwnDirs, OwnPrograms: p.OwnPrograms,
		Ranges: p.Ranges,
	})
}

// onDisk are the releases of the stores that it lists.
type onDisk []string

func (stores onDisk) Find(v gover.Version) (installed.Release, bool, error) {
	return installed.Find(stores, v)
}

func (stores onDisk) List() ([]installed.Release, error) { return installed.List(stores) }

// Default is the default link of the first store that has one.
func (stores onDisk) Default() project.Requirement {
	for _, store := range stores {
		if version, ok := installed.Default(store); ok {
			return DefaultOf(version, installed.DefaultLink(store))
		}
	}
	return project.Requirement{}
}
