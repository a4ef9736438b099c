package audit

import (
	"slices"
	"strings"
)

// Group is vulnerabilities of one version of a module that are in the same places, for
// people: a machine with twenty programs of one release has each of them twenty times.
type Group struct {
	Module, Version string
	Findings        []Finding // those of one of the places
	Places          []Place
}

// Place is where the vulnerabilities of a group are, with one command against all of them.
type Place struct {
	Where []string
	Fix   string // empty: there is none yet
}

// Groups returns the findings in groups, in the order of their first findings.
func (r Report) Groups() []Group {
	var groups []Group
	at := map[string]int{}
	for _, f := range r.Findings { // those of one place are not beside each other
		key := strings.Join([]string{string(f.Kind), f.Module, f.Version, f.Fix, strings.Join(f.Where, "\n")}, "\x00")
		i, known := at[key]
		if !known {
			i = len(groups)
			at[key] = i
			groups = append(groups, Group{f.Module, f.Version, nil, []Place{{f.Where, f.Fix}}})
		}
		groups[i].Findings = append(groups[i].Findings, f)
	}
	var united []Group
	clear(at)
	for _, g := range groups {
		key := g.contents()
		i, known := at[key]
		if !known {
			at[key] = len(united)
			united = append(united, g)
			continue
		}
		united[i].Places = slices.Concat(united[i].Places, g.Places)
	}
	return united
}

// contents is the same for groups that differ in nothing but their places.
func (g Group) contents() string {
	text := string(g.Findings[0].Kind) + "\x00" + g.Module + "\x00" + g.Version
	for _, f := range g.Findings {
		text += "\x00" + f.ID + "\x00" + string(f.Level) + "\x00" + string(f.Checked)
	}
	return text
}
