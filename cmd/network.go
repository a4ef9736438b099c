package cmd

import (
	"hash"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/lookpath"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/trust"
)

// platform is what this program installs for.
func (a *app) platform() gover.Platform {
	return gover.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
}

// goSettings finds GOPROXY, GOSUMDB and friends as the go command would:
// environment, the user's go env file, go.env of an installed release or of
// the go on PATH, or what install.sh has left.
func (a *app) goSettings() goenv.Settings {
	settings := goenv.Settings{Env: a.host.Env, User: goEnvFile(goenv.UserFile(a.host.Env)), Vmgo: a.settings.Go}
	if releases, err := a.installed(); err == nil {
		for _, release := range releases {
			if settings.Release = goEnvFile(filepath.Join(release.GOROOT, "go.env")); settings.Release.Path != "" {
				return settings
			}
		}
	}
	// Not from a directory that PATH names relative to this one: a clone could
	// have a go there, and with it another proxy and another log.
	if program, found := lookpath.Find(a.host.Env["PATH"], "go", lookpath.IsProgram); found {
		if real, err := filepath.EvalSymlinks(program); err == nil {
			settings.Release = goEnvFile(filepath.Join(filepath.Dir(filepath.Dir(real)), "go.env"))
		}
	}
	if settings.Release.Path == "" {
		settings.Release = goEnvFile(a.ownGoEnv())
	}
	return settings
}

// ownGoEnv is the file with Go's own default of GOPROXY that install.sh leaves:
// PREFIX/lib/vmgo/go.env, where this program is PREFIX/bin/vmgo or
// PREFIX/lib/vmgo/VERSION/bin/vmgo.
func (a *app) ownGoEnv() string {
	dir := filepath.Dir(filepath.Dir(a.host.Executable))
	if lib := filepath.Dir(dir); strings.HasSuffix(lib, "/lib/vmgo") {
		return filepath.Join(lib, "go.env")
	}
	return filepath.Join(dir, "lib/vmgo/go.env")
}

// goEnvFile reads a settings file of the go command. A file that cannot be read
// is ignored, as go does.
func goEnvFile(path string) goenv.File {
	data, err := smallfile.Read(path, smallfile.Usual)
	if err != nil {
		return goenv.File{}
	}
	return goenv.File{Path: path, Text: string(data)}
}

// client returns the HTTP client.
func (a *app) client() *fetch.Client {
	return fetch.New(fetch.Config{
		Transport: a.host.Transport, Env: a.host.Env, Offline: a.settings.Offline, Now: a.host.Now,
		UserAgent: "vmgo/" + currentBuild().version + " (" + runtime.GOOS + "; " + runtime.GOARCH + ")",
	})
}

// proxies reads GOPROXY.
func (a *app) proxies() (fetch.Proxies, error) {
	return fetch.ParseProxies(a.goSettings().GOPROXY().Value)
}

// sources opens the release sources that --source or VMGO_SOURCE name, in order.
func (a *app) sources(flag string) ([]release.Source, error) {
	chosen := a.settings.Sources
	if flag != "" {
		chosen = strings.Split(flag, ",")
	}
	return release.Open(chosen, release.Config{
		Client: a.client(), Proxies: a.proxies, CacheDir: a.layout.Cache, Now: a.host.Now, Offline: a.settings.Offline,
		Bases: a.settings.Godev, Mirrors: a.settings.GodevMirrors,
	})
}

// goproxy opens the source of toolchain modules, through the user's proxies.
func (a *app) goproxy(client *fetch.Client) (*release.GoProxy, error) {
	proxies, err := a.proxies()
	if err != nil {
		return nil, err
	}
	return release.NewGoProxy(client, proxies).WithCache(a.layout.Cache, a.host.Now), nil
}

// maxKeyring bounds a file of VMGO_KEYRING. Debian's keyring of all its developers has 20 MB.
const maxKeyring = 32 << 20

// keyring returns the certificates whose signatures are accepted: Google's, and
// those of VMGO_KEYRING.
func (a *app) keyring() (install.Keyring, error) {
	if len(a.settings.Keyrings) == 0 {
		return lazyKeyring(sync.OnceValues(trust.NewKeyring)), nil
	}
	keyring, err := trust.NewKeyring()
	if err != nil {
		return nil, err
	}
	for _, path := range a.settings.Keyrings {
		data, err := smallfile.Read(path, maxKeyring)
		if err != nil {
			return nil, diag.Wrap(diag.BadSetting, err, "VMGO_KEYRING names a file that cannot be read", "vmgo config VMGO_KEYRING")
		}
		if err := keyring.Add(path, data); err != nil {
			return nil, err
		}
	}
	return keyring, nil
}

// lazyKeyring reads the embedded certificate when there is a signature to verify:
// that takes 10 ms, and a module zip has no signature.
type lazyKeyring func() (*trust.Keyring, error)

// Verify is part of [install.Keyring].
func (k lazyKeyring) Verify(s *trust.Signature, h hash.Hash, now time.Time) (trust.Signer, error) {
	keyring, err := k()
	if err != nil {
		return trust.Signer{}, err
	}
	return keyring.Verify(s, h, now)
}
