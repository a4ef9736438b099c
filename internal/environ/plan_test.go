package environ_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/goenv"
)

func TestPlan(t *testing.T) {
	project := environ.ProjectGopath("/d", "/src/app")
	if !strings.HasPrefix(project, "/d/gopath/app-") || len(project) != len("/d/gopath/app-")+16 {
		t.Fatalf("ProjectGopath: %s", project)
	}
	choice := environ.Choice{GOROOT: "/opt/go/1.22.5", Version: "1.22.5", Project: "/src/app", OwnsProject: true,
		Toolchains: []string{"/opt/go/toolchains"}}
	standard := environ.Policy{GOROOT: true, GOPATH: "project", Modcache: "shared", GOTOOLCHAIN: "local"}
	home := environ.Places{Home: "/h", Data: "/d"}
	for _, test := range []struct {
		name    string
		outside environ.Env
		change  func(*environ.Choice, *environ.Policy, *environ.Places)
		vars    string // NAME=VALUE or NAME for unset, sorted
		path    string
		notes   int
	}{
		{name: "the usual", vars: "GOMODCACHE=/h/go/pkg/mod GOPATH=" + project + " GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local",
			path: "/opt/go/1.22.5/bin " + project + "/bin"},
		{name: "HOME=/, as go itself has it", change: func(_ *environ.Choice, _ *environ.Policy, at *environ.Places) { at.Home = "/" },
			vars: "GOMODCACHE=/go/pkg/mod GOPATH=" + project + " GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local",
			path: "/opt/go/1.22.5/bin " + project + "/bin"},
		{name: "the go of the system", change: func(c *environ.Choice, _ *environ.Policy, _ *environ.Places) { *c = environ.Choice{} }},
		{name: "a default outside of projects", change: func(c *environ.Choice, _ *environ.Policy, _ *environ.Places) { c.Project = "" },
			vars: "GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local", path: "/opt/go/1.22.5/bin"},
		{name: "the user's own module cache", outside: env("GOMODCACHE=/big"),
			vars: "GOPATH=" + project + " GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local", path: "/opt/go/1.22.5/bin " + project + "/bin"},
		{name: "that of go env -w", change: func(_ *environ.Choice, _ *environ.Policy, at *environ.Places) {
			at.GoEnv = goenv.File{Path: "/h/env", Text: "GOMODCACHE=/big\n"}
		}, vars: "GOPATH=" + project + " GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local", path: "/opt/go/1.22.5/bin " + project + "/bin"},
		{name: "the first of the user's GOPATHs", outside: env("GOPATH=/a/:/b"), change: func(_ *environ.Choice, p *environ.Policy, _ *environ.Places) { p.GOTOOLCHAIN = "inherit" },
			vars: "GOMODCACHE=/a/pkg/mod GOPATH=" + project + " GOROOT=/opt/go/1.22.5", path: "/opt/go/1.22.5/bin " + project + "/bin"},
		{name: "GOPATH of go env -w", change: func(_ *environ.Choice, p *environ.Policy, at *environ.Places) {
			at.GoEnv, p.GOTOOLCHAIN = goenv.File{Path: "/h/env", Text: "GOPATH=/first\nGOPATH=/w\n"}, "inherit"
		}, vars: "GOMODCACHE=/w/pkg/mod GOPATH=" + project + " GOROOT=/opt/go/1.22.5", path: "/opt/go/1.22.5/bin " + project + "/bin"},
		{name: "inherit", change: func(_ *environ.Choice, p *environ.Policy, _ *environ.Places) { p.GOPATH = "inherit" },
			vars: "GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local", path: "/opt/go/1.22.5/bin"},
		{name: "inherit with a module cache of its own", change: func(_ *environ.Choice, p *environ.Policy, _ *environ.Places) {
			p.GOPATH, p.Modcache = "inherit", "project"
		}, vars: "GOMODCACHE=" + project + "/pkg/mod GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local", path: "/opt/go/1.22.5/bin"},
		{name: "tree", change: func(_ *environ.Choice, p *environ.Policy, _ *environ.Places) {
			p.GOPATH, p.Modcache = "tree", "project"
		},
			vars: "GOMODCACHE=/src/app/.gopath/pkg/mod GOPATH=/src/app/.gopath GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local",
			path: "/opt/go/1.22.5/bin /src/app/.gopath/bin"},
		{name: "tree in a directory of others", change: func(c *environ.Choice, p *environ.Policy, _ *environ.Places) { p.GOPATH, c.OwnsProject = "tree", false },
			vars: "GOMODCACHE=/h/go/pkg/mod GOPATH=" + project + " GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local",
			path: "/opt/go/1.22.5/bin " + project + "/bin", notes: 1},
		{name: "one directory for programs", change: func(c *environ.Choice, _ *environ.Policy, _ *environ.Places) { c.Programs = "/h/go/bin" },
			vars: "GOMODCACHE=/h/go/pkg/mod GOPATH=" + project + " GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local",
			path: "/opt/go/1.22.5/bin ... /h/go/bin"},
		{name: "a bin from before that", change: func(c *environ.Choice, _ *environ.Policy, _ *environ.Places) {
			c.Programs, c.OwnBin = "/h/go/bin", true
		},
			vars: "GOMODCACHE=/h/go/pkg/mod GOPATH=" + project + " GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local",
			path: "/opt/go/1.22.5/bin " + project + "/bin ... /h/go/bin"},
		{name: "tree keeps its own", change: func(c *environ.Choice, p *environ.Policy, _ *environ.Places) {
			p.GOPATH, c.Programs = "tree", "/h/go/bin"
		},
			vars: "GOMODCACHE=/h/go/pkg/mod GOPATH=/src/app/.gopath GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local",
			path: "/opt/go/1.22.5/bin /src/app/.gopath/bin"},
		{name: "version", change: func(c *environ.Choice, p *environ.Policy, _ *environ.Places) { p.GOPATH, c.Project = "version", "" },
			vars: "GOMODCACHE=/h/go/pkg/mod GOPATH=/d/gopath/1.22.5 GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local",
			path: "/opt/go/1.22.5/bin /d/gopath/1.22.5/bin"},
		{name: "Go's own switching", change: func(_ *environ.Choice, p *environ.Policy, _ *environ.Places) {
			p.GOPATH, p.GOTOOLCHAIN = "inherit", "path"
		},
			vars: "GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=path", path: "/opt/go/1.22.5/bin /opt/go/toolchains"},
		{name: "auto", change: func(_ *environ.Choice, p *environ.Policy, _ *environ.Places) {
			p.GOPATH, p.GOTOOLCHAIN = "inherit", "auto"
		},
			vars: "GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=auto", path: "/opt/go/1.22.5/bin /opt/go/toolchains"},
		{name: "auto with a hole", change: func(c *environ.Choice, p *environ.Policy, _ *environ.Places) {
			p.GOPATH, p.GOTOOLCHAIN, c.AutoUnsafe = "inherit", "auto", true
		}, vars: "GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=path", path: "/opt/go/1.22.5/bin /opt/go/toolchains", notes: 1},
		{name: "PATH alone", change: func(_ *environ.Choice, p *environ.Policy, _ *environ.Places) { p.GOPATH, p.GOROOT = "inherit", false },
			vars: "GOROOT GOTOOLCHAIN=local", path: "/opt/go/1.22.5/bin"},
		{name: "no home", change: func(_ *environ.Choice, _ *environ.Policy, at *environ.Places) { *at = environ.Places{} },
			vars: "GOROOT=/opt/go/1.22.5 GOTOOLCHAIN=local", path: "/opt/go/1.22.5/bin"},
	} {
		c, p, at := choice, standard, home
		if test.change != nil {
			test.change(&c, &p, &at)
		}
		got, notes := environ.Plan(test.outside, c, p, at)
		var vars []string
		for name, value := range got.Vars {
			if value.Set {
				name += "=" + value.Text
			}
			vars = append(vars, name)
		}
		slices.Sort(vars)
		path := strings.Join(got.Path, " ")
		if len(got.Behind) > 0 {
			path += " ... " + strings.Join(got.Behind, " ")
		}
		if strings.Join(vars, " ") != test.vars || path != test.path || len(notes) != test.notes {
			t.Errorf("%s:\n got %v | %v | %q\nwant %s | %s", test.name, vars, path, notes, test.vars, test.path)
		}
	}
}

func TestProjectGopath_isOneDirectoryWhateverTheName(t *testing.T) {
	for _, project := range []string{"/", "/a b", "/..", "/-x", "/a\nb\xff", "/" + strings.Repeat("é", 100), "/src/app", "/other/app"} {
		rest := strings.TrimPrefix(environ.ProjectGopath("/d", project), "/d/gopath/")
		name := rest[:len(rest)-17]
		if strings.ContainsAny(rest, "/:\n ") || !utf8.ValidString(rest) || strings.HasPrefix(rest, ".") || len(name) > 40 {
			t.Errorf("%q: %q", project, rest)
		}
	}
	if environ.ProjectGopath("/d", "/src/app") == environ.ProjectGopath("/d", "/other/app") {
		t.Error("two projects of one name share a GOPATH")
	}
}

func TestHash_isFNV1a(t *testing.T) {
	if got := environ.Hash("foobar"); got != "85944171f73967e8" {
		t.Errorf("Hash(foobar) = %s", got)
	}
}

func TestProjectGopath_keepsLettersOfEveryScript(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"app": "app", "my.app-2_x": "my.app-2_x", ".hidden": "_hidden", "-x": "_x", "a b$c": "a_b_c",
		"项目 一": "项目_一", "проект": "проект", "cafe\u0301": "cafe\u0301", "مشروع": "مشروع",
		"a\u202eb\u200b\u3000c\ufeff\U000e0041": "a_b__c__", "\xff\xfe": "__", "a\u0085b\u00a0c": "a_b_c",
		strings.Repeat("a", 50): strings.Repeat("a", 40),
		strings.Repeat("项", 50): strings.Repeat("项", 13), // 39 of 40 bytes
	} {
		got := environ.ProjectGopath("/d", "/src/"+name)
		if want = "/d/gopath/" + want + "-" + environ.Hash("/src/"+name); got != want {
			t.Errorf("%q: %q, not %q", name, got, want)
		}
	}
}

// What Plan sets is what a session may be about, see [environ.Session.Ours].
func TestPlan_setsItsVariables(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, gopath := range []string{"project", "tree", "version", "inherit"} {
		for _, modcache := range []string{"shared", "project"} {
			for _, toolchain := range []string{"local", "path", "auto", "inherit"} {
				want, _ := environ.Plan(environ.Env{}, environ.Choice{GOROOT: "/opt/go/1.22.5", Version: "1.22.5", Project: "/p", OwnsProject: true},
					environ.Policy{GOROOT: true, GOPATH: gopath, Modcache: modcache, GOTOOLCHAIN: toolchain, Prompt: true}, environ.Places{Home: "/h", Data: "/h/d", Vmgo: forwarded()})
				for name := range want.Vars {
					seen[name] = true
				}
			}
		}
	}
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, environ.Variables()) {
		t.Errorf("Plan sets %q, Variables has %q", got, environ.Variables())
	}
}

func forwarded() (all []goenv.Setting) {
	for _, name := range goenv.Forwarded() {
		all = append(all, goenv.Setting{Name: name, Value: "a", Path: "/etc/vmgo/env", Line: 1})
	}
	return all
}

// What the environment or `go env -w` says goes before vmgo's settings files.
func TestPlan_forwardsWhatNothingElseSets(t *testing.T) {
	t.Parallel()
	at := environ.Places{Home: "/h", Data: "/h/d", Vmgo: forwarded(), GoEnv: goenv.File{Path: "/h/env", Text: "GOPRIVATE=b\nGOSUMDB=\n"}}
	want, _ := environ.Plan(environ.Env{"GOPROXY": "off", "GOFLAGS": ""}, environ.Choice{GOROOT: "/opt/go/1.22.5"}, environ.Policy{GOROOT: true}, at)
	for name, set := range map[string]bool{"GOPROXY": false, "GOFLAGS": true, "GOPRIVATE": false, "GOSUMDB": true, "GONOSUMDB": true, "GONOPROXY": true} {
		if got := want.Vars[name] == environ.Text("a"); got != set {
			t.Errorf("%s is exported: %v, want %v", name, got, set)
		}
	}
}
