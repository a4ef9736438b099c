package cli

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

var update = flag.Bool("update", false, "rewrite docs/compatibility.md from hosts (with VMGO_LONG=1)")

const compatibilityPage = "../../../docs/compatibility.md"

// suites are the releases of Debian that are deployed to.
func suites() []string { return []string{"bullseye", "bookworm", "trixie"} }

// matrix is the page: when and where it was made, and a row for each kind of host.
type matrix struct {
	date, arch, kernel string
	rows               [][]string
}

const matrixHead = `# What deploys were run on

Written by a test, which boots these hosts, deploys to them and asks each what it is
(` + "`VMGO_LONG=1 go test -run TestCompatibility ./internal/deploy/cli -update`" + `). Nothing here is written by hand. The hosts are
those of ` + "`internal/vmtest/hosts`" + `: each has the init, the ssh server and the C library of its Debian, in namespaces, over the kernel of the machine that ran the test.

Run on %s, linux/%s, Linux %s.

| host | init | C library | ssh server | deploy | requests lost | crash | rollback | remove |
|---|---|---|---|---|---|---|---|---|
`

const matrixFoot = `
- **deploy**: ` + "`trust`, `plan`, `apply`" + ` of a first release; the service answers.
- **requests lost**: of all that were sent, each on a new connection, while the next release was deployed.
- **crash**: a release that crashes at its start is rolled back to the one before.
- **rollback**, **remove**: ` + "`vmgo deploy rollback` and `remove`" + ` did what they say, and nothing of the service is left.

More is in [deploying](deploy.md).
`

func (m matrix) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, matrixHead, m.date, m.arch, m.kernel)
	for _, row := range m.rows {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	return b.String() + matrixFoot
}

// parseMatrix reads what String wrote.
func parseMatrix(page string) (m matrix) {
	run := regexp.MustCompile(`(?m)^Run on (\S+), linux/(\S+), Linux (\S+)\.$`).FindStringSubmatch(page)
	if run != nil {
		m.date, m.arch, m.kernel = run[1], run[2], run[3]
	}
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "| Debian ") {
			m.rows = append(m.rows, strings.Split(strings.Trim(line, "| \n"), " | "))
		}
	}
	return m
}

// The page is what the test writes, and has a row for each suite.
func TestCompatibility_page(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(compatibilityPage)
	if err != nil {
		t.Fatal(err)
	}
	m := parseMatrix(string(data))
	if got := m.String(); got != string(data) {
		t.Errorf("docs/compatibility.md is not as the test writes it: VMGO_LONG=1 go test -run TestCompatibility ./internal/deploy/cli -update")
	}
	if _, err := time.Parse(time.DateOnly, m.date); err != nil || m.arch == "" || m.kernel == "" {
		t.Errorf("it was run on %q, %q, %q", m.date, m.arch, m.kernel)
	}
	row := regexp.MustCompile(`^Debian GNU/Linux \d+ \((\w+)\) \| systemd \d\S* \| glibc 2\.\d+ \| OpenSSH_.+ \| yes \| 0 of \d+ \| rolled back \| yes \| yes$`)
	for i, suite := range suites() {
		if i >= len(m.rows) {
			t.Errorf("there is no row for %s", suite)
		} else if found := row.FindStringSubmatch(strings.Join(m.rows[i], " | ")); found == nil || found[1] != suite {
			t.Errorf("row %d is not one of %s: %q", i+1, suite, m.rows[i])
		}
	}
}

// TestCompatibility deploys to a host of each Debian, and with -update writes the page.
func TestCompatibility(t *testing.T) {
	if os.Getenv("VMGO_LONG") == "" {
		t.Skip("hosts of three releases of Debian take minutes: VMGO_LONG=1, or ./test.sh --long")
	}
	m := matrix{date: time.Now().UTC().Format(time.DateOnly), arch: runtime.GOARCH}
	for _, suite := range suites() {
		t.Run(suite, func(t *testing.T) {
			b := localBench(t)
			b.net = hosts.UpWith(t, hosts.Options{Suite: suite}, 1)
			b.matrixRow(&m)
		})
	}
	if len(m.rows) != len(suites()) || t.Failed() {
		t.Fatalf("%d of %d kinds of hosts were deployed to", len(m.rows), len(suites()))
	}
	if *update {
		if err := os.WriteFile(compatibilityPage, []byte(m.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Log("\n" + m.String())
}

// matrixRow deploys in each way that the page has a column for.
func (b *bench) matrixRow(m *matrix) {
	t := b.t
	asked := strings.Split(strings.TrimSpace(b.net.SSH(t, 1, `. /etc/os-release; echo "$PRETTY_NAME"; cat /proc/1/comm
		systemctl --version | awk 'NR == 1 {gsub(/[()]/, "", $3); print $3 ? $3 : $2}'; getconf GNU_LIBC_VERSION; ssh -V 2>&1 | cut -d, -f1; uname -r`)), "\n")
	if len(asked) != 6 || asked[1] != "systemd" {
		t.Fatalf("the host says %q", asked)
	}
	m.kernel = asked[5]
	b.trust("vm1")
	if out, _, status := b.deploy("plan", "vm1"); status != 0 {
		t.Fatalf("the plan says %s", out)
	}
	first := b.apply(0, "vm1")[0]
	if got := b.says(1); first.Result.Result != "deployed" || got != "v1 57MiB" {
		t.Fatalf("%+v, says %q", first, got)
	}
	b.version("v2", "")
	c := b.underLoad(func() { b.apply(0, "vm1") })
	if c.OK == 0 || c.OK != c.Sent {
		t.Errorf("while it was deployed: %+v", c)
	}
	b.version("v3", "crash")
	back := b.apply(1, "vm1")[0]
	if got := b.says(1); back.Result.Result != "rolled-back" || got != "v2 57MiB" {
		t.Errorf("%+v, says %q", back, got)
	}
	if _, _, status := b.deploy("rollback", "vm1"); status != 0 || b.says(1) != "v1 57MiB" {
		t.Errorf("after a rollback it says %q", b.says(1))
	}
	if _, _, status := b.deploy("remove", "vm1"); status != 0 || b.net.SSH(t, 1, "ls -d /opt/app /etc/systemd/system/app* 2>/dev/null || true") != "" {
		t.Error("remove leaves something")
	}
	m.rows = append(m.rows, []string{asked[0], "systemd " + asked[2], asked[3], asked[4], "yes",
		fmt.Sprintf("%d of %d", c.Sent-c.OK, c.Sent), "rolled back", "yes", "yes"})
}
