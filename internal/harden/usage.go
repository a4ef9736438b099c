package harden

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// peak returns the most memory that a service has used since its start, in bytes, file
// cache included: as systemd says since version 255, or as the kernel does since 5.19.
func (s Service) peak(m *Machine) (int64, bool) {
	properties := m.properties(s.Name)
	text := properties["MemoryPeak"]
	if group := properties["ControlGroup"]; text == "" && group != "" {
		text = m.Host.Text("/sys/fs/cgroup" + group + "/memory.peak")
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// memoryInUse is the memory of a running service that is not file cache.
func (s Service) memoryInUse(m *Machine) (int64, bool) {
	group := m.properties(s.Name)["ControlGroup"]
	if group == "" {
		return 0, false
	}
	for _, line := range m.Host.Lines("/sys/fs/cgroup" + group + "/memory.stat") {
		if value, ok := strings.CutPrefix(line, "anon "); ok {
			n, err := strconv.ParseInt(value, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// proof returns what the running process of a service has been told, by its own
// environment; empty where it cannot be read, or where it is told nothing.
func (s Service) proof(m *Machine) string {
	pid := m.properties(s.Name)["MainPID"]
	if pid == "" || pid == "0" || s.program(m) == notGo {
		return ""
	}
	environ, err := m.Host.ReadFile("/proc/" + pid + "/environ")
	if err != nil {
		return ""
	}
	var found []string
	for _, variable := range s.variables() {
		if !bytes.Contains(slices.Concat([]byte{0}, environ), []byte("\x00"+variable+"\x00")) {
			return fmt.Sprintf("process %s was started before and has no %s: %s", pid, variable, joinWords(m.systemctl("restart", strings.TrimSuffix(s.Name, ".service"))))
		}
		found = append(found, variable)
	}
	if len(found) == 0 {
		return ""
	}
	return "process " + pid + " runs with " + strings.Join(found, " and ")
}

// variables returns the environment that the limits give to a Go program.
func (s Service) variables() (variables []string) {
	_, goLimit, procs := s.limits()
	if s.Memory != 0 {
		variables = append(variables, fmt.Sprintf("GOMEMLIMIT=%dMiB", goLimit>>20))
	}
	if s.CPUs != 0 {
		variables = append(variables, fmt.Sprintf("GOMAXPROCS=%d", procs))
	}
	return variables
}
