package cmd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/vmgo/vmgo/internal/audit"
	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/harden"
	"github.com/vmgo/vmgo/internal/matrix"
	"github.com/vmgo/vmgo/internal/modules"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/verify"
	"github.com/vmgo/vmgo/internal/vmtest"
)

const schemaDir = "../docs/schemas"

// documents has what each command prints with --json: one document, for install
// one line of it.
func documents() map[string]any {
	return map[string]any{
		"audit": audit.Report{}, "bundle inspect": bundleSummary{}, "config": []settingJSON{}, "current": currentJSON{}, "doctor": doctor.Document{}, "doctor --list": []doctor.Listed{},
		"doctor --binary": doctor.Binary{}, "env": envJSON{}, "harden": harden.Plan{}, "import": []importLine{}, "install": eventLine{},
		"list": []listRow{}, "list-remote": []remoteRow{}, "matrix": []matrix.Result{}, "modules check": []modules.Problem{}, "modules why": modules.Why{}, "outdated": []lineRow{}, "self status": selfJSON{},
		"store check": []faultLine{}, "tools": []toolLine{}, "verify": []verify.Report{}, "verify --gossip": trust.Gossip{}, "version": versionJSON{},
	}
}

// hardenValue is how harden.Value writes itself.
type hardenValue struct {
	Absent bool   `json:"absent,omitempty"`
	Text   string `json:"text,omitempty"`
	Bytes  string `json:"bytes,omitempty"`
	Mode   string `json:"mode,omitempty"`
	UID    int    `json:"uid,omitempty"`
	GID    int    `json:"gid,omitempty"`
	MTime  int64  `json:"mtime,omitempty"`
}

// TestSchemas makes docs/schemas from the types and compares.
func TestSchemas(t *testing.T) {
	t.Parallel()
	value, err := jsonschema.For[hardenValue](nil)
	if err != nil {
		t.Fatal(err)
	}
	known := map[reflect.Type]*jsonschema.Schema{reflect.TypeFor[harden.Value](): value}
	var names []string
	for command, example := range documents() {
		name := schemaName(command)
		names = append(names, name)
		want, err := vmtest.Schema("vmgo "+command+" --json", example, known)
		if err != nil {
			t.Error(err)
			continue
		}
		path := filepath.Join(schemaDir, name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := os.ReadFile(path); !bytes.Equal(got, want) {
			t.Errorf("%s is out of date: go test ./cmd -run Schemas -update", path)
		}
	}
	files, err := filepath.Glob(filepath.Join(schemaDir, "*.json"))
	for _, file := range files {
		if !slices.Contains(names, filepath.Base(file)) {
			t.Errorf("%s is of no command", file)
		}
	}
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
}

// schemaName is the file of a command's schema: "doctor --list" is doctor-list.json.
func schemaName(command string) string {
	return strings.Join(strings.FieldsFunc(command, func(r rune) bool { return r == ' ' || r == '-' }), "-") + ".json"
}

// TestSchemas_findWhatIsWrong shows that a document with another field, or without
// one, or with another type fails.
func TestSchemas_findWhatIsWrong(t *testing.T) {
	t.Parallel()
	schema, err := vmtest.Schema("x", envJSON{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	good := envJSON{Set: map[string]string{"A": "b"}, Unset: []string{}}
	text, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := vmtest.CheckSchema(schema, text); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	for _, change := range [][2]string{{`"set"`, `"sets"`}, {`"unset":[]`, `"unset":null`}, {`"unset":[]`, `"unset":"A"`}, {`{"set"`, `{"new":1,"set"`}} {
		bad := strings.Replace(string(text), change[0], change[1], 1)
		if err := vmtest.CheckSchema(schema, []byte(bad)); err == nil || bad == string(text) {
			t.Errorf("%s passes", bad)
		}
	}
}
