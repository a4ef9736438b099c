//go:build bench

package main

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/shell"
)

//go:embed loops
var loops embed.FS

// tool is a hook in one shell.
type tool struct {
	name, hook string
	here       string // a project
	there      string // another one
}

// loop is one run of a shell: what is prompt, cd or check.
func (b *bench) loop(name string, t tool, what string, n int) *exec.Cmd {
	s, err := shell.Lookup(name)
	if err != nil {
		panic(err) // the names are those of the registry
	}
	argv := append(s.About().Interactive, b.path("loop."+name), what, strconv.Itoa(n), t.here, t.there)
	cmd := b.command(argv[0], argv[1:]...)
	cmd.Env = append(cmd.Env, "HOOK="+t.hook)
	return cmd
}

// tools lists the hooks to compare; the first is none at all.
func (b *bench) tools(shell string) ([]tool, error) {
	text, err := loops.ReadFile("loops/loop." + shell)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(b.path("loop."+shell), text, 0o644); err != nil {
		return nil, err
	}
	a, z := b.path("a"), b.path("b")
	list := []tool{{"no hook", "", a, z}}
	add := func(name, here, there, program string, args ...string) error {
		cmd := b.command(program, args...)
		cmd.Stderr = os.Stderr
		hook, err := cmd.Output()
		list = append(list, tool{name, string(hook), here, there})
		return err
	}
	if err := add("vmgo", a, z, b.path("bin/vmgo"), "hook", shell); err != nil {
		return nil, err
	}
	if path, err := exec.LookPath("mise"); err == nil {
		if err := b.miseProjects(path); err != nil {
			return nil, err
		}
		if err := add("mise", b.path("mise/a"), b.path("mise/b"), path, "activate", shell); err != nil {
			return nil, err
		}
	}
	if path, err := exec.LookPath("direnv"); err == nil {
		if err := b.direnvProjects(path); err != nil {
			return nil, err
		}
		if err := add("direnv", b.path("direnv/a"), b.path("direnv/b"), path, "hook", shell); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// floors are hooks that run one bare Go program: at every prompt, or only
// where the directory is another one.
func (b *bench) floor(shell string) tool {
	hello := b.path("bin/hello")
	hook := map[string]string{
		"bash": `_floor() { [[ $PWD == "$_last" ]] && return; _last=$PWD; eval "$(exec ` + hello + `)"; }; PROMPT_COMMAND=_floor`,
		"zsh":  `_floor() { [[ $PWD == $_last ]] && return; _last=$PWD; eval "$(exec ` + hello + `)"; }; precmd_functions=(_floor)`,
		"fish": `function _floor --on-event fish_prompt; test "$PWD" = "$_last"; and return; set -g _last $PWD; ` + hello + ` | source; end`,
	}[shell]
	return tool{"one bare Go program", hook, b.path("a"), b.path("b")}
}

func (b *bench) prompt() error {
	return b.eachShell(func(shell string) error {
		tools, err := b.tools(shell)
		if err != nil {
			return err
		}
		n := 200
		if err := compare(shell+": a prompt with nothing changed, in a project", cmp.Or(b.runs, 15), time.Microsecond, b.contenders(shell, "prompt", n, tools)); err != nil {
			return err
		}
		return b.processes(shell, "prompt", tools)
	})
}

func (b *bench) cd() error {
	return b.eachShell(func(shell string) error {
		tools, err := b.tools(shell)
		if err != nil {
			return err
		}
		if err := b.check(shell, tools[1:]); err != nil {
			return err
		}
		tools[0] = b.floor(shell)
		if err := compare(shell+": cd to the other project, and its prompt", cmp.Or(b.runs, 15), time.Microsecond, b.contenders(shell, "cd", 40, tools)); err != nil {
			return err
		}
		return b.processes(shell, "cd", tools)
	})
}

func (b *bench) eachShell(f func(shell string) error) error {
	if err := b.installed(); err != nil {
		return err
	}
	for _, shell := range b.shells {
		if _, err := exec.LookPath(shell); err != nil {
			fmt.Printf("\n%s is not installed\n", shell)
			continue
		}
		if err := f(shell); err != nil {
			return fmt.Errorf("%s: %w", shell, err)
		}
	}
	return nil
}

func (b *bench) contenders(shell, what string, n int, tools []tool) []contender {
	var list []contender
	for _, t := range tools {
		list = append(list, contender{t.name, func(int) (sample, error) {
			cmd := b.loop(shell, t, what, n)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				return sample{}, fmt.Errorf("%w\n%s", err, &stderr)
			}
			ns, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
			return sample{wall: time.Duration(max(ns, 1))}, err
		}})
	}
	return list
}

// check makes sure that what is measured works: after each cd, go is the one
// that the project asks for.
func (b *bench) check(shell string, tools []tool) error {
	for _, t := range tools {
		cmd := b.loop(shell, t, "check", 0)
		out, err := cmd.Output()
		if err != nil || !strings.Contains(string(out), "go"+otherRelease+" ") || !strings.Contains(string(out), "go"+release+" ") {
			return fmt.Errorf("%s does not switch: %s%w", t.name, out, err)
		}
	}
	return nil
}

// processes counts with strace what is started in one operation: the
// difference between 60 and 10 of them.
func (b *bench) processes(shell, what string, tools []tool) error {
	strace, err := exec.LookPath("strace")
	if err != nil {
		fmt.Println("\nstrace is not installed: processes not counted")
		return nil
	}
	fmt.Printf("\n| processes | fork | exec |\n|---|---|---|\n")
	for _, t := range tools {
		var forks, execs [2]int
		for i, n := range []int{10, 60} {
			log := b.path("strace")
			loop := b.loop(shell, t, what, n)
			argv := append([]string{"-f", "-qq", "-o", log, "-e", "trace=fork,vfork,clone,clone3,execve", "-e", "signal=none"}, loop.Args...)
			cmd := b.command(strace, argv...)
			cmd.Env = loop.Env
			if err := cmd.Run(); err != nil {
				return err
			}
			text, err := os.ReadFile(log)
			if err != nil {
				return err
			}
			forks[i], execs[i] = started(string(text))
		}
		fmt.Printf("| %s | %.2f | %.2f |\n", t.name, float64(forks[1]-forks[0])/50, float64(execs[1]-execs[0])/50)
	}
	return nil
}

// started counts the processes, not threads, and the programs that a log of
// strace -f reports. A call that another process interrupts takes two lines.
func started(log string) (forks, execs int) {
	for line := range strings.Lines(log) {
		switch {
		case strings.Contains(line, "execve resumed>") && strings.Contains(line, " = -1 "):
			execs--
		case strings.Contains(line, "resumed>"), strings.Contains(line, "CLONE_THREAD"), strings.Contains(line, " = -1 "):
		case strings.Contains(line, " execve("):
			execs++
		case strings.Contains(line, " clone("), strings.Contains(line, " clone3("), strings.Contains(line, "fork("):
			forks++
		}
	}
	return forks, execs
}
