package harden

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stepsOf puts the steps of an item into lines.
func stepsOf(item ItemStatus) (steps []string) {
	for _, s := range item.Steps {
		if s.File != nil {
			steps = append(steps, "file "+s.File.Path)
		} else {
			steps = append(steps, s.Command)
		}
	}
	return steps
}

func TestPlan_showsStepsInTheirOrder(t *testing.T) {
	m := testMachine(t, fakeRoot(t))
	e := &Engine{Machine: m, Items: fakeItems()}
	sel := Selection{Only: []string{"unit"}}
	plan, err := e.Plan(sel)
	must(t, err)
	want := []string{
		"mkdir -m 0755 /etc/systemd", "mkdir -m 0755 /etc/systemd/system.conf.d", "mkdir -m 0755 /etc/systemd/system",
		"mkdir -m 0755 /etc/systemd/system/sysinit.target.wants",
		"file /etc/systemd/system.conf.d/60-vmgo.conf", "ln -s /usr/lib/systemd/system/clockd.service /etc/systemd/system/sysinit.target.wants/clockd.service",
		"systemctl daemon-reload", "systemctl start clockd.service",
	}
	i := slices.IndexFunc(plan.Items, func(s ItemStatus) bool { return s.ID == "unit" })
	if got := stepsOf(plan.Items[i]); !slices.Equal(got, want) {
		t.Errorf("apply shows\n%s", strings.Join(got, "\n"))
	}
	_, err = e.Apply(t.Context(), sel, nil, nil)
	must(t, err)
	plan, err = e.PlanUndo(nil)
	must(t, err)
	got := stepsOf(plan.Items[0])
	if first, last := got[0], got[len(got)-1]; first != "systemctl stop clockd.service" || last != "systemctl daemon-reload" {
		t.Errorf("undo shows\n%s", strings.Join(got, "\n"))
	}
}

// What somebody should look at comes first, with the command that helps; the rest is
// folded.
func TestReport_whatIsLeftComesFirst(t *testing.T) {
	m := testMachine(t, fakeRoot(t))
	m.Host.Run = func(cmd *exec.Cmd) error {
		if filepath.Base(cmd.Args[0]) == "systemd-analyze" {
			score := "9.2 UNSAFE"
			if files, _ := filepath.Glob(strings.TrimPrefix(cmd.Args[4], "--root=") + "/etc/systemd/system/app.service.d/60-vmgo-*"); len(files) > 0 {
				score = "1.6 OK"
			}
			_, err := cmd.Stdout.Write([]byte("→ Overall exposure level for app.service: " + score + " 🙂\n"))
			return err
		}
		return fakeRun(m.Host.Root)(cmd)
	}
	write(t, m.Host.Root+"/etc/profile", "")
	write(t, m.Host.Root+"/etc/profile.d/distro.sh", "")
	write(t, m.Host.Root+"/etc/systemd/system/app.service", "[Service]\nExecStart=/usr/bin/app\n")
	service, err := NewService(Service{Name: "app", Sandbox: true})
	must(t, err)
	e := &Engine{Machine: m, Items: append(Catalogue(), service.Items()...)}
	for _, only := range []string{"swappiness", "policy", "login-path", "sandbox:app"} {
		_, err := e.Apply(t.Context(), Selection{Only: []string{only}}, nil, nil)
		must(t, err)
	}
	write(t, m.Host.Root+"/etc/profile.d/vmgo.sh", "changed\n")
	write(t, m.Host.Root+"/etc/sysctl.d/99-site.conf", "vm.swappiness = 60\n")
	plan, err := e.Plan(Selection{Profile: Dev})
	must(t, err)
	data, err := e.Report(plan)
	must(t, err)
	page, at := string(data), 0
	for _, want := range []string{
		"What is left", `open class="fail"><summary><span class="pill fail">drifted</span><code>login-path</code>`,
		"<pre>sudo vmgo harden apply --only login-path</pre>",
		`open class="fail"><summary><span class="pill fail">overridden</span><code>swappiness</code>`, "/etc/sysctl.d/99-site.conf:1 sets vm.swappiness, too, and is read later",
		`open class="warn"><summary><span class="pill warn">pending</span><code>store-modes</code>`,
		"<pre>sudo vmgo harden apply --profile dev</pre>",
		"What apply does, in this order:", "<code>sysctl -w fs.inotify.max_user_watches=524288</code>",
		"Exposure of services", "<dd>9.2 UNSAFE</dd>", "<dd>1.6 OK</dd>",
		"Before and after", "/etc/profile.d/vmgo.sh</code> was changed by somebody else since", `<span class="add">&#43;changed</span>`,
		"All other items", "<summary>Applied: ", `<details id="policy" class="ok">`, "<b>Switch on</b><pre>sudo vmgo harden apply --only core-dumps</pre>",
	} {
		i := strings.Index(page[at:], want)
		if i < 0 {
			t.Fatalf("%q is not in the page, or too early; what follows is\n%.3000s", want, page[at:])
		}
		at += i
	}
}
