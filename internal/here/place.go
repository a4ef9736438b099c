package here

import (
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/project"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/internal/store/installed"
)

// Place is a directory together with the user's surroundings.
type Place struct {
	Dir         string // logical working directory, absolute
	Env         map[string]string
	Layout      dirs.Layout
	Settings    settings.Settings
	OwnDirs     []string        // see [resolve.Input]
	OwnPrograms func() []string // see [resolve.Input]; nil for none
	Ranges      gover.RangeParser
}

// Resolve returns what is selected at a place. It gathers what [resolve.Resolve]
// depends on: the stores and the defaults.
func Resolve(p Place) (resolve.Resolution, error) {
	stores := p.Layout.Stores(p.Settings.Root)
	return resolve.Resolve(resolve.Input{
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
			return resolve.DefaultOf(version, installed.DefaultLink(store))
		}
	}
	return project.Requirement{}
}
