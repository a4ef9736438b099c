package harden

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
)

// Where not even the way back can be gone the journal stays, for the undo that the hint names.
func TestFailureOfTheWayBackKeepsTheJournal(t *testing.T) {
	const blocked = "/etc/sysctl.d/60-vmgo.conf"
	root := fakeRoot(t)
	e := &Engine{Machine: testMachine(t, root), Items: fakeItems()}
	e.Trace = func(point string) {
		if point == "journaled" {
			must(t, os.MkdirAll(root+blocked, 0o755))
		}
	}
	_, applyErr := e.Apply(t.Context(), Selection{}, nil, nil)
	e.Trace = nil
	_, undoErr := e.Undo(t.Context(), nil, nil)
	for verb, err := range map[string]error{"apply": applyErr, "undo": undoErr} {
		if diag.CodeOf(err) != diag.Failure || !strings.Contains(err.Error(), "so did the revert of those before it") || !strings.Contains(err.Error(), blocked+" is not a regular file") {
			t.Errorf("%s says %v", verb, err)
		}
	}
	if j, err := e.Machine.loadJournal(); err != nil || j == nil || !j.Back {
		t.Errorf("the journal is %+v, %v", j, err)
	}
	must(t, os.Remove(root+blocked))
	if res, err := e.Undo(t.Context(), nil, nil); err != nil || res.Finished != verbApply || len(res.Warnings) > 0 {
		t.Errorf("with the way free undo says %v, %+v", err, res)
	}
}

func TestSignalStopsApply(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e := &Engine{Machine: testMachine(t, fakeRoot(t)), Items: fakeItems(), Trace: func(point string) {
		if point == "journaled" {
			cancel()
		}
	}}
	if _, err := e.Apply(ctx, Selection{}, nil, nil); err == nil || !strings.Contains(err.Error(), "nothing was changed: stopped before ") {
		t.Errorf("apply says %v", err)
	}
}

func TestUnusableSelectionIsRefusedWithASavedPlanToo(t *testing.T) {
	e := &Engine{Machine: testMachine(t, fakeRoot(t)), Items: fakeItems()}
	saved, err := e.Plan(Selection{})
	must(t, err)
	if _, err := e.Apply(t.Context(), Selection{Only: []string{"none"}}, &saved, nil); diag.CodeOf(err) != diag.Usage {
		t.Errorf("apply says %v", err)
	}
	if _, err := e.Undo(t.Context(), []string{"none"}, nil); diag.CodeOf(err) != diag.Usage {
		t.Errorf("undo says %v", err)
	}
}

// The reload comes once, after the last file and before the first running value.
func TestSystemdReadsItsFilesAnewOnceTheyAreThere(t *testing.T) {
	root := fakeRoot(t)
	m := testMachine(t, root)
	const unit, link = "/etc/systemd/system.conf.d/60-vmgo.conf", "/etc/systemd/system/sysinit.target.wants/clockd.service"
	reloads := []bool{}
	run := m.Host.Run
	m.Host.Run = func(cmd *exec.Cmd) error {
		if slices.Contains(cmd.Args, "daemon-reload") {
			_, fileErr := os.Lstat(root + unit)
			_, linkErr := os.Lstat(root + link)
			reloads = append(reloads, errors.Join(fileErr, linkErr) == nil)
		}
		return run(cmd)
	}
	e := &Engine{Machine: m, Items: fakeItems()}
	_, err := e.Apply(t.Context(), Selection{}, nil, nil)
	must(t, err)
	res, err := e.Undo(t.Context(), nil, nil)
	if err != nil || !slices.Equal(reloads, []bool{true, false}) || len(res.Warnings) > 0 {
		t.Errorf("undo says %v and warns of %q; the files were there at the reloads: %v", err, res.Warnings, reloads)
	}
}
