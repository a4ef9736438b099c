package harden

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
)

func TestSavedPlanIsRefusedOnAChangedMachine(t *testing.T) {
	changes := map[string]func(root string) error{
		"a file":    func(root string) error { return os.WriteFile(root+"/etc/fstab", []byte("new\n"), 0o644) },
		"a sysctl":  func(root string) error { return os.WriteFile(root+"/proc/sys/vm/swappiness", []byte("30\n"), 0o644) },
		"a mode":    func(root string) error { return os.Chmod(root+"/opt/go/1.22.5", 0o711) },
		"ours":      func(root string) error { return os.WriteFile(root+"/etc/sysctl.d/60-vmgo.conf", nil, 0o644) },
		"a new dir": func(root string) error { return os.MkdirAll(root+"/etc/systemd/system.conf.d", 0o755) },
	}
	for name, change := range changes {
		root := fakeRoot(t)
		e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
		plan, err := e.Plan(Selection{})
		must(t, err)
		data, err := json.Marshal(plan)
		must(t, err)
		var saved Plan
		must(t, json.Unmarshal(data, &saved))
		must(t, change(root))
		before := snapshot(t, root)
		_, err = e.Apply(t.Context(), Selection{}, &saved, nil)
		var d *diag.Error
		if !errors.As(err, &d) || !strings.Contains(d.Msg, "has changed since") {
			t.Errorf("%s changed: apply says %v", name, err)
		}
		if got := differences(before, snapshot(t, root)); len(got) > 0 {
			t.Errorf("%s changed: refused, but changed %q", name, got)
		}
	}
}

func TestReadPlan_refusesWhatCannotHaveBeenTyped(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                         "is not a plan",
		`[1`:                         "is not a plan",
		`{"format":1}`:               "is not a plan",
		`{"format":1,"verb":"undo"}`: "plan of an undo",
		`{"format":1,"verb":"apply","profile":"laptop"}`:                                    "unknown profile",
		`{"format":1,"verb":"apply","service":{"name":"../x","memory":99999999}}`:           "not a service name",
		`{"format":1,"verb":"apply","service":{"name":"x","sandbox":true,"write":["/\n"]}}`: "absolute directory",
	} {
		if _, err := ReadPlan([]byte(text)); diag.CodeOf(err) != diag.Usage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if p, err := ReadPlan([]byte(`{"format":1,"verb":"apply","service":{"name":"x","memory":99999999}}`)); err != nil || p.Service.Name != "x.service" {
		t.Errorf("a good plan: %+v, %v", p, err)
	}
}

func TestProfileIsRemembered(t *testing.T) {
	root := fakeRoot(t)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	for _, profile := range []Profile{CI, Dev} { // the second has nothing to change
		_, err := e.Apply(t.Context(), Selection{Profile: profile}, nil, nil)
		must(t, err)
		plan, err := e.Plan(Selection{})
		must(t, err)
		if plan.Profile != profile {
			t.Errorf("after apply with %s the profile is %s", profile, plan.Profile)
		}
	}
}
