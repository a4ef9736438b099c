package harden

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// properties returns systemd's properties of a unit, or of the manager if unit is empty; nil
// where systemd does not answer.
func (m *Machine) properties(unit string) map[string]string {
	if !m.Systemd() {
		return nil
	}
	args := m.systemctl("show")
	if unit != "" {
		args = append(args, unit)
	}
	out, err := m.answer(args[0], args[1:]...)
	if err != nil {
		return nil
	}
	properties := map[string]string{}
	for line := range strings.Lines(out) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			properties[name] = value
		}
	}
	return properties
}

// unlike lists the properties that are not as wanted, each with the last of the files
// read after ours that sets it.
func (m *Machine) unlike(properties, want map[string]string, files []string, ours string) (all []string) {
	for name, value := range want {
		is, known := properties[name]
		if !known || is == value {
			continue
		}
		text := fmt.Sprintf("%s is %s, not %s", name, is, value)
		if file := m.lastSetter(strings.TrimSuffix(strings.TrimSuffix(name, "Soft"), "PerSecUSec"), files, ours); file != "" {
			text += ": " + file + " wins"
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

// lastSetter returns the last place after ours that sets a directive of systemd.
func (m *Machine) lastSetter(name string, files []string, ours string) (place string) {
	for _, file := range files {
		if path.Base(file) <= path.Base(ours) {
			continue
		}
		for i, line := range m.Host.Lines(file) {
			if key, _, ok := strings.Cut(strings.TrimSpace(line), "="); ok && strings.TrimSpace(key) == name {
				place = fmt.Sprintf("%s:%d", file, i+1)
			}
		}
	}
	return place
}

// effective lists the values that systemd uses instead of the limits of our drop-in.
func (s Service) effective(m *Machine) []string {
	if s.Name == "" {
		return nil
	}
	high, _, _ := s.limits()
	want := map[string]string{}
	if s.Memory != 0 {
		want["MemoryMax"], want["MemoryHigh"], want["MemorySwapMax"] = fmt.Sprint(s.Memory), fmt.Sprint(high), "0"
	}
	found := s.rivals(m)
	properties := m.properties(s.Name)
	for _, text := range m.unlike(properties, want, s.dropIns(m), limitsDropIn) {
		name, _, _ := strings.Cut(text, " ")
		found = slices.DeleteFunc(found, func(rival string) bool { return strings.Contains(rival, " sets "+name+" ") })
		found = append(found, text)
	}
	if environment, known := properties["Environment"]; known && s.program(m) != notGo {
		for _, variable := range s.variables() {
			if name, _, _ := strings.Cut(variable, "="); !slices.Contains(strings.Fields(environment), variable) &&
				!slices.ContainsFunc(found, func(rival string) bool { return strings.Contains(rival, " sets "+name+" ") }) {
				found = append(found, "the environment of "+s.Name+" has no "+variable)
			}
		}
	}
	return found
}
