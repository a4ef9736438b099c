package shims

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/environ"
)

// workDir returns the directory that the tool will work in. The go command obeys
// its flag -C before it looks for go.mod and selects a toolchain, so the release
// is that of the flag's directory. If it does not exist, go itself reports that,
// and that of the working directory is used.
func (p Process) workDir(name string, args []string) string {
	if name != "go" {
		return p.Dir
	}
	target := chdirFlag(args)
	if target == "" {
		return p.Dir
	}
	if !filepath.IsAbs(target) {
		if p.Dir == "" {
			return p.Dir
		}
		// Not cleaned: the kernel follows a link before it goes up from there.
		target = p.Dir + "/" + target
	}
	return arriveAt(target, p.Dir, p.Env)
}

// chdirFlag returns the value of the go command's flag -C, "" without one. As in
// the function handleChdirFlag of cmd/go, it is obeyed only at the first place, or at
// the first after the name of the command.
func chdirFlag(args []string) string {
	rest := args[min(commandWords(args), len(args)):]
	if len(rest) == 0 {
		return ""
	}
	flag, value, inOne := strings.Cut(rest[0], "=")
	switch {
	case flag != "-C" && flag != "--C":
		return ""
	case inOne:
		return value
	case len(rest) > 1:
		return rest[1]
	}
	return "" // go says that the flag needs an argument
}

// commandWords counts the words that name the command: "build", "mod tidy".
func commandWords(args []string) int {
	switch {
	case len(args) == 0 || strings.HasPrefix(args[0], "-"):
		return 0
	case (args[0] == "mod" || args[0] == "work") && len(args) > 1 && !strings.HasPrefix(args[1], "-"):
		return 2
	}
	return 1
}

// arriveAt returns the name of a directory for a process that changes to it, as
// [os.Getwd] does: PWD if that names it, else the one without links. It returns dir if
// target is not a directory that can be entered.
func arriveAt(target, dir string, env environ.Env) string {
	there, err := os.Stat(target + "/.")
	if err != nil {
		return dir
	}
	if pwd := env["PWD"]; filepath.IsAbs(pwd) {
		if info, err := os.Stat(pwd); err == nil && os.SameFile(info, there) {
			return pwd
		}
	}
	real, err := filepath.EvalSymlinks(target)
	if err != nil {
		return dir
	}
	return real
}
