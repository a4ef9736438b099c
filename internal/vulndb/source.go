package vulndb

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/trust"
)

// ModulePath is the module that carries the database.
const ModulePath = "golang.org/x/vulndb"

// Source gets the database by way of module proxies. What it keeps was compared
// with the checksum database.
type Source struct {
	Client  *fetch.Client
	Proxies fetch.Proxies
	Log     *trust.Log
	Dir     string // where the snapshot is kept
	Now     func() time.Time
	// Progress is told how many bytes of how many are there; may be nil.
	Progress func(done, total int64)
}

// Newest returns the newest database there is, and keeps it. Where it cannot be
// had, it is the one kept before; why says then in what the attempt ended.
func (s Source) Newest(ctx context.Context) (db *Database, why error, err error) {
	kept, keptErr := Kept(s.Dir)
	if keptErr != nil && !isAbsent(keptErr) {
		return nil, nil, keptErr
	}
	version, base, err := s.version(ctx)
	switch {
	case err == nil && keptErr == nil && kept.Version == version:
		return kept, nil, nil
	case err == nil:
		err = s.fetch(ctx, base, version)
	}
	if err == nil {
		db, err = Kept(s.Dir)
		return db, nil, err
	}
	code := diag.CodeOf(err)
	if keptErr == nil && (code == diag.Network || code == diag.Offline) && ctx.Err() == nil {
		return kept, err, nil
	}
	return nil, nil, err
}

// version asks for the newest version. The module has no tags: a proxy tells the
// newest commit by @latest, one with a fixed set of files by its list.
func (s Source) version(ctx context.Context) (version, base string, err error) {
	err = s.Proxies.Try(fetch.NotHere, func(proxy goenv.Proxy) error {
		if proxy.Off || proxy.Direct {
			return diag.New(diag.Offline, "the vulnerability database comes from a module proxy, and GOPROXY has none that answers",
				"vmgo audit --offline   # uses the one that was fetched last")
		}
		base = proxy.URL + "/" + ModulePath
		version, err = s.ask(ctx, base)
		return err
	})
	if fetch.NotHere(err) {
		err = diag.Wrap(diag.Network, err, "no module proxy of GOPROXY has "+ModulePath, "vmgo audit --offline   # uses the one that was fetched last")
	}
	return version, base, err
}

const maxList = 1 << 20

func (s Source) ask(ctx context.Context, base string) (string, error) {
	var info struct{ Version string }
	data, err := s.Client.Get(ctx, base+"/@latest", maxList)
	if err == nil && json.Unmarshal(data, &info) == nil && modpath.IsExact(ModulePath, info.Version) {
		return info.Version, nil
	}
	if err != nil && !fetch.NotHere(err) {
		return "", err
	}
	if data, err = s.Client.Get(ctx, base+"/@v/list", maxList); err != nil {
		return "", err
	}
	newest := ""
	for version := range strings.FieldsSeq(string(data)) {
		if modpath.IsExact(ModulePath, version) && (newest == "" || modpath.Compare(version, newest) > 0) {
			newest = version
		}
	}
	if newest == "" {
		return "", diag.New(diag.Network, "the module proxy lists no version of "+ModulePath)
	}
	return newest, nil
}

// fetch downloads the module, compares it with the checksum database, and keeps
// the part that is the database.
func (s Source) fetch(ctx context.Context, base, version string) (err error) {
	if err := fsx.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(s.Dir, ".fetch-*.zip")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = s.Client.Download(ctx, fetch.Request{URL: base + "/@v/" + version + ".zip", Limit: maxModule, Progress: s.Progress}, file)
	err = errors.Join(err, file.Close())
	if err != nil {
		return err
	}
	h1, err := trust.HashZip(file.Name())
	if err != nil {
		return diag.Wrap(diag.ArchiveUnsafe, err, "the zip of "+ModulePath+" cannot be read")
	}
	record, err := s.Log.Module(ctx, ModulePath, version)
	if err != nil {
		return err
	}
	if h1 != record.Zip {
		return diag.New(diag.ProofInvalid, ModulePath+"@"+version+" from "+fetch.Redact(base)+" is not what the checksum database records: its hash is "+
			h1+", that of the module "+record.Zip, "go env GOPROXY   # whom not to trust")
	}
	return keep(file.Name(), s.Dir, version, h1, s.Now())
}

// Made returns when the database was made, by its pseudo-version; the zero time
// where the version is none. The entries name no dates.
func (d *Database) Made() time.Time {
	made, err := modpath.PseudoTime(d.Version)
	if err != nil {
		return time.Time{}
	}
	return made
}
