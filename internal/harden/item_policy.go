package harden

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/facts"
)

const policyFile = "/etc/vmgo/env"

func policyItem() Item {
	return Item{
		ID:   "policy",
		What: "set the machine's vmgo policy: the pinned release compiles, or go reports why not",
		Why:  "with GOTOOLCHAIN=auto one line in a go.mod makes go download and run another toolchain; a service or a CI run should not.",
		Effect: "VMGO_GOTOOLCHAIN=local for all users without another choice; it is vmgo's default, made explicit. " +
			"GOSUMDB and GOFLAGS keep Go's defaults: setting them here would override a user's go env -w. " +
			"Instead, lines of the machine that weaken them are listed.",
		Evidence: "documented (go.dev/doc/toolchain). Measured: a leftover GOFLAGS=-mod=vendor breaks go install pkg@version, an empty GOFLAGS in the environment does not clear one in the go env file",
		On:       Profiles(),
		Desired:  policyDesired,
	}
}

func policyDesired(m *Machine) (Desired, error) {
	var w Desired
	for _, l := range m.leftovers() {
		w.Notes = append(w.Notes, fmt.Sprintf("%s:%d sets %s: %s", l.file, l.line, l.setting, l.why))
		w.Advice = append(w.Advice, fmt.Sprintf("vi +%d %s   # remove %s", l.line, diag.Word(m.onThisMachine(l.file)), l.setting))
	}
	_, ours := m.baseline[cellKey{File, policyFile}]
	for _, line := range m.Host.Lines(policyFile) {
		if strings.HasPrefix(line, "VMGO_GOTOOLCHAIN=") && !ours {
			w.Notes = append(w.Notes, policyFile+" says "+line+" already")
			return w, nil
		}
	}
	w.Wants = []Want{m.file(policyFile, ownHeader+"VMGO_GOTOOLCHAIN=local\n")}
	return w, nil
}

type leftover struct {
	file         string
	line         int
	setting, why string
}

// leftovers finds lines in files for the whole machine that weaken or break go.
func (m *Machine) leftovers() []leftover {
	files := append(facts.StartupFiles(m.Host), "/etc/systemd/system.conf")
	files = append(files, facts.DropIns(m.Host, ".conf", "/etc/systemd/system.conf.d")...)
	// Assignments as shells, pam_env and systemd write them.
	assignment := regexp.MustCompile(`(?:^|[^A-Z0-9_])(GO[A-Z0-9]+)[= ]("[^"]*"|'[^']*'|[^\s;"']*)`)
	var found []leftover
	for _, file := range files {
		for i, line := range m.Host.Lines(file) {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, match := range assignment.FindAllStringSubmatch(line, -1) {
				name, value := match[1], strings.Trim(match[2], `"'`)
				if why := badSetting(name, value); why != "" {
					found = append(found, leftover{file, i + 1, name + "=" + value, why})
				}
			}
		}
	}
	return found
}

// badSetting returns what is wrong with a setting for a whole machine.
func badSetting(name, value string) string {
	switch {
	case name == "GOROOT" && value != "":
		return "every other release of go breaks with it"
	case name == "GOSUMDB" && value == "off":
		return "modules are no longer checked against the checksum database"
	case (name == "GONOSUMDB" || name == "GOINSECURE" || name == "GOPRIVATE") && strings.Trim(value, "*/,") == "" && value != "":
		return "no module is checked any more"
	case name == "GO111MODULE" && value == "off":
		return "modules do not work"
	case name == "GOFLAGS" && (strings.Contains(value, "-mod=") || strings.Contains(value, "-insecure")):
		return "a flag for one project applies to all"
	}
	return ""
}
