package doctor

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

func pathDirsCheck() Check {
	return Check{
		ID: "security.path", Group: Security, Weight: 7,
		Title:  "who may write to the directories of PATH",
		Why:    "whoever may write to one of them can replace a command that you type",
		Source: "PATH; stat of each element and the directories above it",
		Run:    runPathDirs,
	}
}

func runPathDirs(_ context.Context, m *Machine) Result {
	r := ok("no directory of PATH can be changed by others")
	seen := map[string]bool{}
	for dir := range strings.SplitSeq(m.Env["PATH"], ":") {
		if seen[dir] {
			continue
		}
		seen[dir] = true
		switch {
		case dir == "":
			r.worse(Warn)
			r = r.at("PATH", 0, "an empty element: the working directory")
		case dir == ".":
			r.worse(Warn)
			r = r.at("PATH", 0, "the element \".\": the working directory")
		case !filepath.IsAbs(dir):
			r.worse(Warn)
			r = r.at("PATH", 0, "%s is relative to the working directory", dir).
				means("Remove it from PATH, or make it absolute.")
		default:
			r = m.judgePathDir(r, dir)
		}
	}
	if r.Status == OK {
		return r
	}
	r.Summary = "other users can put programs on PATH"
	if seen[""] || seen["."] {
		r = r.fixWith(`export PATH="$(printf %%s "$PATH" | tr : '\n' | grep -vx '\.*' | paste -sd: -)"`)
	}
	return r
}

func (m *Machine) judgePathDir(r Result, dir string) Result {
	real, err := m.RealPath(dir)
	if err != nil {
		return r // it does not exist
	}
	for p := real; ; p = filepath.Dir(p) {
		info, err := m.Stat(p)
		if err != nil {
			return r
		}
		uid, _ := m.Owner(p)
		switch {
		// In a sticky directory others may add names, which matters only in
		// the directory itself.
		case info.Mode().Perm()&0o002 != 0 && (p == real || info.Mode()&fs.ModeSticky == 0):
			r.worse(Fail)
			r = r.at(p, 0, "mode %04o: all users may write", modeBits(info.Mode())).closed(m, p, info.Mode(), uid)
		case uid != 0 && uid != m.UID && uid >= 0:
			r.worse(Warn)
			r = r.at(p, 0, "owned by %s", m.nameOf(uid)).means("That user decides which programs run.")
		}
		if p == "/" {
			return r
		}
	}
}

// closed adds what keeps others from writing at path: by its owner, or by root.
func (r Result) closed(m *Machine, path string, mode fs.FileMode, owner int) Result {
	if m.UID != 0 && owner != m.UID {
		return r.fixWith("sudo chmod o-w %s", diag.Word(path))
	}
	return r.fixWith("chmod o-w %s", diag.Word(path)).safely(Edit{Path: path, Mode: modeWithout(mode, 0o002)})
}

func modeWithout(mode, bits fs.FileMode) fs.FileMode { return chmodBits(mode) &^ bits }
