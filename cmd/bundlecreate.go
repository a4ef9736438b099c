package cmd

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/bundle"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/tools"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/internal/vulndb"
)

func (a *app) bundleCreate(c *cli.Context) error {
	args, err := arguments(c, 0, 1, "FILE")
	if err == nil && len(args) == 0 && !c.Bool("dry-run") {
		args, err = arguments(c, 1, 1, "FILE")
	}
	if err != nil {
		return err
	}
	creator, err := a.bundleCreator()
	if err != nil {
		return err
	}
	request, err := a.bundleRequest(c)
	if err != nil {
		return err
	}
	if request.Base != nil {
		defer request.Base.Close()
	}
	end := a.showing("looking at what the bundle needs")
	plan, err := creator.Plan(c.Context, request)
	end()
	if err != nil {
		return err
	}
	a.sayBundlePlan(plan)
	if !c.Bool("dry-run") {
		err = a.writeBundle(c, creator, plan, a.host.Abs(args[0]))
	}
	if closing := plan.Close(); err == nil {
		err = closing
	}
	return err
}

func (a *app) sayBundlePlan(plan *bundle.Plan) {
	a.sayf("%s and %s: %s, of which %s are to be fetched", ui.Count(len(plan.Releases), "release"), ui.Count(plan.Modules, "module"),
		ui.Bytes(plan.Bytes), ui.Bytes(plan.Fetch))
}

func (a *app) writeBundle(c *cli.Context, creator *bundle.Creator, plan *bundle.Plan, name string) error {
	progress := a.progress()
	defer progress.Close()
	if a.moving() {
		job := progress.Job(filepath.Base(name))
		creator.Fetched = job.Count
	}
	contents, err := plan.Fill(c.Context)
	if err != nil {
		return err
	}
	if err := contents.Write(c.Context, name); err != nil {
		return err
	}
	progress.Close()
	if key := c.String("sign"); key != "" {
		if err := bundle.Sign(c.Context, a.host, name, a.host.Abs(key)); err != nil {
			return err
		}
	}
	a.sayf("%s has %s, verified by %s of %s", name, ui.Bytes(contents.Size()), ui.Count(contents.LogRecords, "record"), contents.Manifest.Database)
	return nil
}

// locking returns how a command takes a lock: those who wait see its holder.
func (a *app) locking(what string) fsx.LockOptions {
	return fsx.LockOptions{
		Holder: fsx.Holder{PID: a.host.PID, What: what, Since: a.host.Now()},
		OnWait: func(holder fsx.Holder) { a.sayf("vmgo: %s", waitingFor(holder)) },
	}
}

func (a *app) bundleCreator() (*bundle.Creator, error) {
	if a.layout.Cache == "" || a.layout.State == "" {
		return nil, diag.New(diag.Failure, "HOME is not set, so there is no place for downloads and proofs", homeHint, cacheHint)
	}
	client, settings := a.client(), a.goSettings()
	proxies, err := a.proxies()
	if err != nil {
		return nil, err
	}
	log, err := a.log(client)
	if err != nil {
		return nil, err
	}
	return &bundle.Creator{
		Host: a.host, Client: client, Proxies: proxies, Log: log, Env: tools.GoEnv(a.outsideEnv(), settings, a.settings.Offline),
		Cache: filepath.Join(a.layout.Cache, "bundle"), Private: a.private(settings), GOROOT: a.gorootIn, Lock: a.locking("vmgo bundle"),
	}, nil
}

// private reports whether GONOSUMDB, and so GOPRIVATE, matches a module.
func (a *app) private(settings goenv.Settings) func(path string) bool {
	patterns := settings.Get("GONOSUMDB").Value
	return func(path string) bool { return patterns != "" && modpath.Match(patterns, path) }
}

// gorootIn returns the release that is selected in a directory, which may be the
// go of the system.
func (a *app) gorootIn(dir string) (string, error) {
	there := *a
	there.host.Dir = dir
	r, err := there.resolve()
	if err != nil || r.GOROOT != "" || !r.System {
		return r.GOROOT, err
	}
	program, err := filepath.EvalSymlinks(r.SystemGo)
	if err != nil {
		return "", diag.Wrap(diag.Failure, err, "cannot find the go of the system", "vmgo install latest")
	}
	return filepath.Dir(filepath.Dir(program)), nil
}

// bundleRequest reads the flags of bundle create.
func (a *app) bundleRequest(c *cli.Context) (r bundle.Request, err error) {
	r.All, r.Without = c.Bool("all"), c.String("without")
	if err := modpath.CheckPatterns(r.Without); err != nil {
		return r, diag.Wrap(diag.Usage, err, "--without", "vmgo bundle create --without example.com/* FILE")
	}
	if r.Heads, err = a.treeHeads(c); err != nil {
		return r, err
	}
	if r.Platforms, err = a.platforms(commas(c, "platform")); err != nil {
		return r, err
	}
	if r.Projects, err = a.bundleProjects(c); err != nil {
		return r, err
	}
	if r.Releases, err = a.bundleReleases(c, r.Projects); err != nil {
		return r, err
	}
	if r.Tools, err = a.bundleTools(c); err != nil {
		return r, err
	}
	if r.Modules, err = a.bundleModules(c); err != nil {
		return r, err
	}
	if c.Bool("programs") {
		programs, err := filepath.Glob(filepath.Join(filepath.Dir(a.host.Executable), "vmgo*"))
		if err != nil {
			return r, err
		}
		r.Programs = programs
	}
	if base := c.String("base"); base != "" {
		r.Base, err = bundle.Open(a.host.Abs(base))
	}
	return r, err
}

// treeHeads reads the files of --head.
func (a *app) treeHeads(c *cli.Context) (heads [][]byte, err error) {
	for _, name := range commas(c, "head") {
		head, err := smallfile.Read(a.host.Abs(name), smallfile.Usual)
		if err != nil {
			return nil, diag.Wrap(diag.Usage, err, "cannot read the tree head "+diag.Word(name), "ls -l ~/.local/state/vmgo/sumdb/*/latest   # on the other machine")
		}
		heads = append(heads, head)
	}
	return heads, nil
}

func (a *app) platforms(words []string) ([]gover.Platform, error) {
	if len(words) == 0 {
		return []gover.Platform{a.platform()}, nil
	}
	var list []gover.Platform
	for _, word := range words {
		system, arch, _ := strings.Cut(word, "/")
		p := gover.Platform{OS: system, Arch: arch}
		if !p.IsPlain() {
			return nil, diag.New(diag.Usage, "the platform "+word+" is not OS/ARCH", "vmgo bundle create --platform linux/amd64,linux/arm64")
		}
		list = append(list, p)
	}
	return list, nil
}

// bundleProjects returns the directories of --project or, if nothing else is
// asked for, this one.
func (a *app) bundleProjects(c *cli.Context) ([]string, error) {
	dirs := commas(c, "project")
	if len(dirs) == 0 && !c.IsSet("go") && !c.IsSet("tools") && !c.IsSet("module") && !c.Bool("vulndb") {
		dirs = []string{"."}
	}
	for i, dir := range dirs {
		dirs[i] = filepath.Clean(a.host.Abs(dir))
		if info, err := os.Stat(dirs[i]); err != nil || !info.IsDir() {
			return nil, diag.New(diag.Usage, dirs[i]+" is no directory of a project", "vmgo bundle create --project DIR FILE")
		}
	}
	return dirs, nil
}

// bundleReleases returns the releases of --go, or those that the projects select.
func (a *app) bundleReleases(c *cli.Context, projects []string) (list []gover.Version, err error) {
	if !c.IsSet("go") {
		for _, dir := range projects {
			there := *a
			there.host.Dir = dir
			r, err := there.resolve()
			if err != nil {
				return nil, err
			}
			if r.Installed && !r.System && !slices.Contains(list, r.Version) {
				list = append(list, r.Version)
			}
		}
		return list, nil
	}
	if c.String("go") == "none" {
		return nil, nil
	}
	selectors, err := a.installSelectors(commas(c, "go"))
	if err != nil {
		return nil, err
	}
	report := a.newReport(false)
	defer report.close()
	picked, failures := a.choose(c, selectors, report)
	return picked.versions, a.each(failures...)
}

func (a *app) bundleTools(c *cli.Context) (list []bundle.ToolSource, err error) {
	names := commas(c, "tools")
	if len(names) == 0 {
		return nil, nil
	}
	kit, err := a.kit(true)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		request, err := tools.ParseRequest(name)
		if err != nil {
			return nil, err
		}
		end := a.showing("looking for " + name)
		found, err := kit.Find(c.Context, request)
		end()
		if err != nil {
			return nil, err
		}
		list = append(list, bundle.ToolSource{
			Tool:   bundle.Tool{Name: found.Name, Package: found.Package, Version: found.Version},
			Module: found.Module, GoMod: found.GoMod, GOROOT: kit.Builder.GOROOT,
		})
	}
	return list, nil
}

// bundleModules returns the versions of --module and --vulndb.
func (a *app) bundleModules(c *cli.Context) (list []trust.ModuleVersion, err error) {
	words := commas(c, "module")
	if c.Bool("vulndb") {
		words = append(words, vulndb.ModulePath+"@latest")
	}
	for _, word := range words {
		path, version, _ := strings.Cut(word, "@")
		if version == "latest" {
			if version, err = a.latestOf(c.Context, path); err != nil {
				return nil, err
			}
		}
		if !modpath.IsExact(path, version) {
			return nil, diag.New(diag.Usage, word+" is not PATH@VERSION", "vmgo bundle create --module golang.org/x/text@v0.3.0 FILE")
		}
		list = append(list, trust.ModuleVersion{Path: path, Version: version})
	}
	return list, nil
}

// latestOf returns the newest version of a module, from the proxies.
func (a *app) latestOf(ctx context.Context, path string) (string, error) {
	proxies, err := a.proxies()
	if err != nil {
		return "", err
	}
	escaped, _, err := modpath.Escape(path, "v0.0.0")
	if err != nil {
		return "", diag.Wrap(diag.Usage, err, path+" is no module", "vmgo bundle create --help")
	}
	var latest struct{ Version string }
	err = proxies.Try(fetch.NotHere, func(proxy goenv.Proxy) error {
		if proxy.URL == "" {
			return diag.New(diag.Network, "only proxies can be asked for the newest version of "+path, "vmgo bundle create --module "+path+"@VERSION FILE")
		}
		data, err := a.client().Get(ctx, proxy.URL+"/"+escaped+"/@latest", 1<<20)
		if err != nil {
			return err
		}
		return json.Unmarshal(data, &latest)
	})
	return latest.Version, err
}
