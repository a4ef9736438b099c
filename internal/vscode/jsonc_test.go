package vscode

import (
	"bytes"
	"strings"
	"testing"
)

func TestEdit_keepsTheRest(t *testing.T) {
	t.Parallel()
	set := []change{
		{Path: []string{"a.b"}, Value: "{}", Keep: true},
		{Path: []string{"a.b", "go"}, Value: `"/s/go"`},
		{Path: []string{"on"}, Value: "false"},
	}
	for name, test := range map[string]struct{ before, after string }{
		"empty":      {"", "{\n    \"a.b\": {\n        \"go\": \"/s/go\"\n    },\n    \"on\": false\n}\n"},
		"comments":   {"// mine\n", "// mine\n{\n    \"a.b\": {\n        \"go\": \"/s/go\"\n    },\n    \"on\": false\n}\n"},
		"no members": {"{ }", "{\n    \"a.b\": {\n        \"go\": \"/s/go\"\n    },\n    \"on\": false\n}"},
		"comment last": {
			"// top\n{\n  \"x\": 1 // one\n  // end\n}\n",
			"// top\n{\n  \"x\": 1, // one\n  // end\n  \"a.b\": {\n    \"go\": \"/s/go\"\n  },\n  \"on\": false\n}\n",
		},
		"trailing comma": {
			"{\n\t\"x\": [1,2],   // odd\n}",
			"{\n\t\"x\": [1,2],   // odd\n\t\"a.b\": {\n\t\t\"go\": \"/s/go\"\n\t},\n\t\"on\": false,\n}",
		},
		"there already": {"{\"a.b\": {\"go\": \"/other\", \"dlv\": \"/d\"}, \"on\":true}", "{\"a.b\": {\"go\": \"/s/go\", \"dlv\": \"/d\"}, \"on\":false}"},
		"one line":      {`{"x": 1}`, "{\"x\": 1, \"a.b\": {\n        \"go\": \"/s/go\"\n    }, \"on\": false}"},
		"CRLF":          {"{\r\n  \"x\": 1\r\n}\r\n", "{\r\n  \"x\": 1,\r\n  \"a.b\": {\r\n    \"go\": \"/s/go\"\r\n  },\r\n  \"on\": false\r\n}\r\n"},
		"BOM":           {bom + "{\"on\": 1}", bom + "{\"on\": false, \"a.b\": {\n        \"go\": \"/s/go\"\n    }}"},
		"twice":         {`{"on": 1, "on": 2, "a.b": {"go": "/s/go"}}`, `{"on": 1, "on": false, "a.b": {"go": "/s/go"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after, back, err := edit([]byte(test.before), set)
			if err != nil || string(after) != test.after {
				t.Errorf("edit(%q) = %q, %v", test.before, after, err)
			}
			if again, none, err := edit(after, set); err != nil || len(none) != 0 || string(again) != test.after {
				t.Errorf("the second time: %q, %v, %v", again, none, err)
			}
			if before, _, err := edit(after, back); err != nil || !sameJSON(bytes.TrimPrefix(before, []byte(bom)), bytes.TrimPrefix([]byte(object(test.before)), []byte(bom))) {
				t.Errorf("back = %q, %v", before, err)
			}
		})
	}
}

// object returns the JSON that a settings file without any stands for.
func object(text string) string {
	if strings.Contains(text, "{") {
		return text
	}
	return text + "{}"
}

func TestEdit_undoLeavesLaterEdits(t *testing.T) {
	t.Parallel()
	before := "{\n  // mine\n  \"on\": true,\n  \"go.goroot\": \"/g\", // pinned\n  \"y\": 2\n}\n"
	after, back, err := edit([]byte(before), []change{
		{Path: []string{"go.goroot"}}, {Path: []string{"on"}, Value: "false"}, {Path: []string{"n"}, Value: "1"},
	})
	want := "{\n  // mine\n  \"on\": false, // pinned\n  \"y\": 2,\n  \"n\": 1\n}\n"
	if err != nil || string(after) != want {
		t.Fatalf("edit = %q, %v", after, err)
	}
	edited := strings.Replace(string(after), `"n": 1`, `"n": 3`, 1)
	got, _, err := edit([]byte(edited), back)
	want = "{\n  // mine\n  \"on\": true, // pinned\n  \"y\": 2,\n  \"n\": 3,\n  \"go.goroot\": \"/g\"\n}\n"
	if err != nil || string(got) != want {
		t.Errorf("undo = %q, %v", got, err)
	}
}

func TestEdit_arraysByName(t *testing.T) {
	t.Parallel()
	before := "{\"configurations\": [{\"name\": \"mine\"}]}"
	after, back, err := edit([]byte(before), launch())
	if err != nil || strings.Count(string(after), `"name"`) != 5 || strings.Contains(string(after), "\t") {
		t.Fatalf("edit = %s, %v", after, err)
	}
	got, _, err := edit(after, back)
	if err != nil || !sameJSON(got, []byte(before)) {
		t.Errorf("undo = %s, %v", got, err)
	}
	own := `{"configurations": [{"name": "Go: package", "mine": 1}]}`
	if after, _, err = edit([]byte(own), launch()); err != nil || !strings.Contains(string(after), `"mine": 1`) {
		t.Errorf("edit = %s, %v", after, err)
	}
}

func TestEdit_refuses(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"{", "[]", "{\"go.alternateTools\": 3}", "\x00", "{\"a\": }", "// nothing"} {
		if after, _, err := edit([]byte(data), contract(map[string]string{"go": "/s/go"})); err == nil {
			t.Errorf("edit(%q) = %q", data, after)
		}
	}
}

func FuzzEdit(f *testing.F) {
	f.Add([]byte("// c\n{\n  \"x\": 1, /* y */\n}\n"))
	f.Add([]byte("{\"go.alternateTools\": {\"go\": 1}, \"go.goroot\": \"\"}"))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tools := map[string]string{"go": "/s/go", "dlv": "/d"}
		after, _, err := edit(data, contract(tools))
		if err != nil {
			return
		}
		again, back, err := edit(after, contract(tools))
		if err != nil || len(back) > 0 || string(again) != string(after) {
			t.Errorf("edit(%q) = %q; again %q, %v", data, after, again, err)
		}
	})
}
