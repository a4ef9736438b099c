package audit

import (
	"cmp"
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

// Groups returns the findings in groups, in the order of their first findings. What has no
// fix yet is in the group of what has one in the same places.
func (r Report) Groups() []Group {
	var groups []Group
	at := map[string][]int{}
	for _, f := range r.Findings { // those of one place are not beside each other
		key := strings.Join([]string{string(f.Kind), f.Module, f.Version, strings.Join(f.Where, "\n")}, "\x00")
		fits := func(i int) bool { fix := groups[i].Places[0].Fix; return fix == "" || f.Fix == "" || fix == f.Fix }
		n := slices.IndexFunc(at[key], fits)
		if n < 0 {
			n = len(at[key])
			at[key] = append(at[key], len(groups))
			groups = append(groups, Group{f.Module, f.Version, nil, []Place{{Where: f.Where}}})
		}
		g := &groups[at[key][n]]
		g.Findings = append(g.Findings, f)
		g.Places[0].Fix = cmp.Or(g.Places[0].Fix, f.Fix)
	}
	var united []Group
	first := map[string]int{}
	for _, g := range groups {
		key := g.contents()
		i, known := first[key]
		if !known {
			first[key] = len(united)
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
