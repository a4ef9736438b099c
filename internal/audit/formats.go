package audit

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
)

// infoURL is where the database describes a vulnerability for people.
const infoURL = "https://pkg.go.dev/vuln/"

// SARIF returns the report in the form that code scanners exchange: version 2.1.0
// of docs.oasis-open.org/sarif.
func (r Report) SARIF(version string) ([]byte, error) {
	type text struct {
		Text string `json:"text"`
	}
	type rule struct {
		ID      string `json:"id"`
		Short   text   `json:"shortDescription"`
		HelpURI string `json:"helpUri"`
	}
	type result struct {
		RuleID    string           `json:"ruleId"`
		Level     string           `json:"level"`
		Message   text             `json:"message"`
		Locations []map[string]any `json:"locations"`
	}
	rules, results := []rule{}, []result{}
	for _, f := range r.Findings {
		if !slices.ContainsFunc(rules, func(known rule) bool { return known.ID == f.ID }) {
			rules = append(rules, rule{f.ID, text{f.Summary}, infoURL + f.ID})
		}
		one := result{RuleID: f.ID, Level: "warning", Message: text{f.sentence()}}
		if f.Level == LevelSymbol {
			one.Level = "error"
		}
		for _, where := range f.Where {
			path := pathIn(where)
			if f.Kind == Project {
				path += "/go.mod"
			}
			one.Locations = append(one.Locations, map[string]any{
				"physicalLocation": map[string]any{"artifactLocation": map[string]any{"uri": fileURL(path)}},
			})
		}
		results = append(results, one)
	}
	return encode(map[string]any{
		"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"runs": []any{map[string]any{
			"tool": map[string]any{"driver": map[string]any{
				"name": "vmgo audit", "version": version, "informationUri": "https://github.com/vmgo/vmgo", "rules": rules,
			}},
			"results": results,
		}},
	})
}

// pathIn returns the path in one of the places of a finding, which [Subject.where] wrote.
func pathIn(where string) string {
	if i := strings.LastIndex(where, " ("); i > 0 && strings.HasSuffix(where, ".service)") {
		return where[:i]
	}
	return where
}

func fileURL(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

func (f Finding) sentence() string {
	fixed := "there is no fix yet"
	if f.Fixed != "" {
		fixed = "fixed in " + f.Fixed
	}
	text := f.Module + " " + f.Version + ": " + f.Summary + " (" + fixed + ")"
	if f.Fix != "" {
		text += ". Fix: " + f.Fix
	}
	return text
}

// OpenVEX returns the report as statements about products: version 0.2.0 of
// github.com/openvex/spec. A vulnerability in functions that a program does not
// have, by govulncheck, does not affect it.
func (r Report) OpenVEX(author string, now time.Time) ([]byte, error) {
	type statement struct {
		Vulnerability map[string]any   `json:"vulnerability"`
		Products      []map[string]any `json:"products"`
		Status        string           `json:"status"`
		Justification string           `json:"justification,omitempty"`
		Action        string           `json:"action_statement,omitempty"`
	}
	statements := []statement{}
	for _, f := range r.Findings {
		s := statement{
			Vulnerability: map[string]any{"@id": infoURL + f.ID, "name": f.ID, "aliases": f.Aliases, "description": f.Summary},
			Status:        "affected", Action: cmp.Or(f.Fix, "there is no fix yet"),
		}
		if f.Checked == LevelSymbol && f.Level == LevelModule {
			s.Status, s.Action = "not_affected", ""
			s.Justification = "vulnerable_code_not_present"
			if f.Kind == Project {
				s.Justification = "vulnerable_code_not_in_execute_path"
			}
		}
		for _, where := range f.Where {
			s.Products = append(s.Products, map[string]any{
				"@id":           fileURL(pathIn(where)),
				"subcomponents": []any{map[string]any{"@id": "pkg:golang/" + f.Module + "@" + f.Version}},
			})
		}
		statements = append(statements, s)
	}
	return encode(map[string]any{
		"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://openvex.dev/docs/vmgo-audit-" + now.UTC().Format("20060102T150405Z"),
		"author": author, "timestamp": now.UTC().Format(time.RFC3339), "version": 1, "statements": statements,
	})
}

func encode(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	return append(data, '\n'), err
}
