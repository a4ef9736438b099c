//go:build mutate

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// scriptMutant is a change of a shell script.
type scriptMutant struct {
	*mutant
	text string // the script with the change
}

// A rule of scripts: what changes, into what. The pattern has one group for the part
// that is replaced.
type rule struct {
	kind        kind
	pattern     *regexp.Regexp
	replacement []string
}

// rulesFor returns how a script is changed, of which these are the functions.
func rulesFor(functions []string) []rule {
	steps := strings.Join(append(functions, "cd", "chmod", "export", "find", "mv", "rm", "trap", "unset"), "|")
	return []rule{
		{condition, regexp.MustCompile(`(?:^|[\s!({;])(\[ [^]]+ \])`), []string{"true", "false"}},
		{condition, regexp.MustCompile(`^\s*(?:if|elif) ([^\[]+); then$`), []string{"true", "false"}},
		{condition, regexp.MustCompile(`^\s*(?:while|until) ([^\[]+); do$`), []string{"false"}},
		{condition, regexp.MustCompile(`^\s+(?:! )?([a-z$"][^\[\]|&;(){}]*) (?:\|\||&&) `), []string{"true", "false"}},
		{condition, regexp.MustCompile(`[^\]] (&&) `), []string{"&& false &&"}},
		{swallowed, regexp.MustCompile(`[^\]] (\|\|)(?: |$)`), []string{"|| : ||"}},
		{swallowed, regexp.MustCompile(`(?:^\s*|\) |&& |; )((?:die|exit|return|break)\b[^;]*?)(?: ;;.*|; .*| \}.*)?$`), []string{":"}},
		{dropped, regexp.MustCompile(`^\s+((?:` + steps + `)\b[^;&|]*)$`), []string{":"}},
		{dropped, regexp.MustCompile(`^\s+((?:[A-Z]\w*=\S+ ?)+)$`), []string{":"}},
		{dropped, regexp.MustCompile(`^\s+case .* \*\) ([^:].*) ;; esac$`), []string{":"}},
		{dropped, regexp.MustCompile(`^set (-eu)$`), []string{"-e", "-u"}},
		{bits, regexp.MustCompile(`\bumask (0?77)\b`), []string{"022"}},
	}
}

// outside is what the lines that are in no function count as one of.
const outside = "set"

var (
	functionLine = regexp.MustCompile(`^(\w+)\(\) \{`)
	hereText     = regexp.MustCompile(`<<-?'?(\w+)'?$`)
	onlyMessage  = regexp.MustCompile(`^\s*(#|hint |say )`)
)

// findInScript returns the changes of a script that leave it a script.
func findInScript(name, text string) []scriptMutant {
	var functions []string
	lines := strings.Split(text, "\n")
	for _, line := range lines {
		if m := functionLine.FindStringSubmatch(line); m != nil && !slices.Contains([]string{"say", "hint", "die"}, m[1]) {
			functions = append(functions, m[1])
		}
	}
	rules, function, until := rulesFor(functions), outside, ""
	var all []scriptMutant
	count := map[string]int{}
	for i, line := range lines {
		if m := functionLine.FindStringSubmatch(line); m != nil {
			function = m[1]
		}
		switch {
		case until != "":
			if line == until {
				until = ""
			}
			continue
		case onlyMessage.MatchString(line), strings.HasSuffix(line, `\`):
			continue
		}
		if m := hereText.FindStringSubmatch(line); m != nil {
			until = m[1]
		}
		for _, rule := range rules {
			for _, at := range rule.pattern.FindAllStringSubmatchIndex(line, -1) {
				for _, replacement := range rule.replacement {
					m := &mutant{number: len(all), kind: rule.kind, file: name, function: function, line: i + 1,
						original: short(line[at[2]:]), replacement: replacement}
					changed := line[:at[2]] + replacement + line[at[3]:]
					script := strings.Join(append(append(lines[:i:i], changed), lines[i+1:]...), "\n")
					if !parses(script) {
						continue
					}
					count[m.key()]++
					m.nth = count[m.key()]
					all = append(all, scriptMutant{m, script})
				}
			}
		}
	}
	return all
}

// parses reports whether a shell takes a text for a script.
func parses(script string) bool {
	command := exec.Command("sh", "-n")
	command.Stdin = strings.NewReader(script)
	return command.Run() == nil
}

// What runs a script, and what of it is left out: its tests run it with several shells,
// of which the quickest is enough for a mutant.
const (
	scriptTests   = "^TestInstaller_"
	scriptLeftOut = "_real$|/^(bash|bash_--posix|busybox_sh|mksh|ksh93|yash|zsh_--emulate_sh)$"
	scriptTree    = "tree"
)

// script is a shell script whose mutants are files, not switches.
type script struct {
	name, text string
	mutants    []scriptMutant
}

// active returns the text of the script for what a worker tries: a mutant's number, or a
// control that no test can miss. For "record FILE", the script notes in FILE the mutants
// of each function that runs.
func (s *script) active(what string) string {
	if what == "control" {
		return "exit 3\n"
	}
	log, record := strings.CutPrefix(what, "record ")
	if !record {
		n, _ := strconv.Atoi(what)
		return s.mutants[n].text
	}
	numbers := map[string]string{}
	for _, m := range s.mutants {
		numbers[m.function] += fmt.Sprintf(" %d", m.number)
	}
	note := func(function string) string { return "printf '%s\\n' 0" + numbers[function] + " >>" + log }
	var lines []string
	for line := range strings.SplitSeq(s.text, "\n") {
		lines = append(lines, line)
		if m := functionLine.FindStringSubmatch(line); m != nil && !strings.HasSuffix(line, "}") {
			lines = append(lines, note(m[1]))
		} else if strings.HasPrefix(line, "set -") {
			lines = append(lines, note(outside))
		}
	}
	return strings.Join(lines, "\n")
}

// mutateScript is mutate for a shell script of the root directory. Its tests read it from
// their working directory: here that is a tree of links to all else that is there.
func (r *run) mutateScript(dir, repo, name string) (int, error) {
	text, err := os.ReadFile(filepath.Join(repo, name))
	if err != nil {
		return 0, err
	}
	s := &script{name: name, text: string(text), mutants: findInScript(name, string(text))}
	var all []*mutant
	for _, m := range s.mutants {
		all = append(all, m.mutant)
		if r.wants(m.mutant) {
			r.mutants = append(r.mutants, m.mutant)
		}
	}
	if r.stale = stale(r.baseline, all); r.list {
		r.print()
		return 0, nil
	}
	if err := r.hire(dir); err != nil {
		return 0, err
	}
	tests := &suite{name: name, dir: scriptTree, flags: []string{"-test.skip=" + scriptLeftOut}}
	binary := filepath.Join(dir, "script.test")
	if out, err := exec.Command("go", "test", "-c", "-vet=off", "-o", binary, module).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go test -c: %w\n%s", err, out)
	}
	for _, w := range r.workers {
		tests.binaries = append(tests.binaries, binary)
		w.script = s
		if err := w.linkTree(repo); err != nil {
			return 0, err
		}
	}
	if r.tests, err = tests.list(repo, scriptTests); err != nil {
		return 0, err
	}
	if err := r.measure(); err != nil {
		return 0, err
	}
	return r.all()
}

// linkTree makes the directory in which a worker runs the tests of a script.
func (w *worker) linkTree(repo string) error {
	entries, err := os.ReadDir(repo)
	if err != nil {
		return err
	}
	tree := filepath.Join(w.dir, scriptTree)
	if err := os.Mkdir(tree, 0o755); err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == w.script.name {
			continue
		}
		if err := os.Symlink(filepath.Join(repo, entry.Name()), filepath.Join(tree, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
