package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/audit"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
	"github.com/vmgo/vmgo/internal/vulndb"
)

const govulncheckPackage = "golang.org/x/vuln/cmd/govulncheck@v1.9.0"

// builds are the programs of the comparison: old ones with holes in their
// modules, and two without any when the pinned database was made.
var builds = []struct {
	toolchain, pkg string
	long           bool
}{
	{"", govulncheckPackage, false},
	{"", "github.com/rakyll/hey@v0.1.4", false},
	{"", "github.com/nats-io/nats-server/v2@v2.9.0", true},
	{"", "golang.org/x/tools/cmd/goimports@v0.30.0", true},
	{"", "golang.org/x/tools/cmd/stringer@v0.29.0", true},
	{"", "golang.org/x/tools/cmd/deadcode@v0.30.0", true},
	{"", "mvdan.cc/gofumpt@v0.7.0", true},
	{"", "github.com/google/pprof@v0.0.0-20250403155104-27863c87afa6", true},
	{"go1.27.4", "github.com/google/pprof@v0.0.0-20250403155104-27863c87afa6", true},
	{"go1.27.4", "golang.org/x/tools/cmd/stringer@v0.52.0", true},
}

// pinned is the version of the database for which it is known that programs of
// Go 1.27.4 are clean.
const pinned = "v0.0.0-20261105234957-e22db6528018"

// The same identifiers as govulncheck's for real programs, by modules and by
// symbols, with the real database.
func TestAudit_asGovulncheck(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds real programs: not with -short")
	}
	proxies := vmtest.RealProxies(t)
	dir := t.TempDir()
	db := realDatabase(t, proxies, dir)
	govulncheck := build(t, dir, "", govulncheckPackage)
	whole := filepath.Join(dir, "v1")
	var ids []string
	for _, e := range db.Entries {
		ids = append(ids, e.ID)
	}
	if err := db.WriteV1(whole, ids); err != nil {
		t.Fatal(err)
	}
	auditor := audit.Auditor{Database: db, Now: time.Now(), Symbols: audit.Govulncheck{
		Host: host.OS(), Program: govulncheck, Database: db, TempDir: dir, Offline: true,
	}.Symbols}
	clean := 0
	for _, b := range builds {
		if b.long && os.Getenv("VMGO_LONG") == "" {
			continue
		}
		s, err := audit.ReadProgram(build(t, dir, b.toolchain, b.pkg))
		if err != nil {
			t.Fatal(err)
		}
		report := auditor.Audit(context.Background(), []audit.Subject{s})
		modules, symbols := []string{}, []string{}
		for _, f := range report.Findings {
			modules = append(modules, f.ID)
			if f.Level == audit.LevelSymbol {
				symbols = append(symbols, f.ID)
			}
		}
		wantModules, wantSymbols := scan(t, govulncheck, whole, s.Path)
		if got := unique(modules); !slices.Equal(got, wantModules) || len(report.Unread) > 0 {
			t.Errorf("%s: modules\n%v\ngovulncheck\n%v\nunread %v", b.pkg, got, wantModules, report.Unread)
		}
		if got := unique(symbols); !slices.Equal(got, wantSymbols) {
			t.Errorf("%s: symbols\n%v\ngovulncheck\n%v", b.pkg, got, wantSymbols)
		}
		if len(modules) == 0 {
			clean++
		}
		t.Logf("%s: %d by modules, %d by symbols", b.pkg, len(wantModules), len(wantSymbols))
	}
	if os.Getenv("VMGO_LONG") != "" && db.Version == pinned && clean != 2 {
		t.Errorf("%d programs are clean, not two", clean)
	}
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func realDatabase(t *testing.T, proxies fetch.Proxies, dir string) *vulndb.Database {
	t.Helper()
	client := fetch.New(fetch.Config{Transport: http.DefaultTransport})
	log, err := trust.NewLog(trust.LogConfig{Proxies: proxies, Getter: client, StateDir: dir, CacheDir: dir, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	db, why, err := vulndb.Source{Client: client, Proxies: proxies, Log: log, Dir: dir, Now: time.Now}.Newest(context.Background())
	if code := errors.Join(err, why); code != nil {
		t.Skip("the vulnerability database is not available: ", code)
	}
	if len(db.Entries) < 4000 {
		t.Fatalf("the database has %d entries", len(db.Entries))
	}
	return db
}

// build installs a program of a module and returns its path.
func build(t *testing.T, dir, toolchain, pkg string) string {
	t.Helper()
	bin := filepath.Join(dir, "bin"+toolchain, strings.NewReplacer("/", "-", "@", "-").Replace(pkg))
	if programs, _ := filepath.Glob(bin + "/*"); len(programs) == 1 {
		return programs[0]
	}
	cmd := exec.Command("go", "install", pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=")
	if toolchain != "" {
		cmd.Env = append(cmd.Env, "GOTOOLCHAIN="+toolchain)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go install %s: %v\n%s", pkg, err, out)
	}
	programs, err := filepath.Glob(bin + "/*")
	if err != nil || len(programs) != 1 {
		t.Fatalf("go install %s made %v: %v", pkg, programs, err)
	}
	return programs[0]
}

// scan returns what govulncheck finds in a program with a whole database.
func scan(t *testing.T, govulncheck, db, path string) (modules, symbols []string) {
	t.Helper()
	out, err := exec.Command(govulncheck, "-json", "-db", "file://"+db, "-mode", "binary", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	modules, symbols = []string{}, []string{}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var m struct {
			Finding *struct {
				OSV   string
				Trace []struct{ Function string }
			}
		}
		err := decoder.Decode(&m)
		if errors.Is(err, io.EOF) {
			return unique(modules), unique(symbols)
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.Finding == nil {
			continue
		}
		modules = append(modules, m.Finding.OSV)
		if m.Finding.Trace[0].Function != "" {
			symbols = append(symbols, m.Finding.OSV)
		}
	}
}
