package trust_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
)

// A kept proof that does not hold says which part of it does not.
func TestVerifyOffline_namesTheFault(t *testing.T) {
	t.Parallel()
	l := newLog(t, newServer(t), t.TempDir(), nil)
	v := version(t, "1.22.5")
	r, err := l.Lookup(t.Context(), v, linux)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		field string
		value any
		want  string
	}{
		{"log", "", "by the checksum database , not by"},
		{"log", "sum.example.com", "by the checksum database sum.example.com"},
		{"tree_head", strings.Replace(r.TreeHead, "301", "302", 1), "invalid signature"},
		{"hashes", []string{"junk"}, "malformed hash"},
		{"id", -1, "is not in the tree"},
		{"id", r.TreeSize, "is not in the tree"},
		{"id", 0, "invalid transparency proof"},
		{"record", strings.Replace(r.Text, "linux", "plan9", 1), "invalid transparency proof"},
		{"more", 1, "unknown field"},
	} {
		var fields map[string]any
		if err := json.Unmarshal(r.Proof, &fields); err != nil {
			t.Fatal(err)
		}
		fields[tt.field] = tt.value
		proof, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.VerifyOffline(proof, v, linux)
		if diag.CodeOf(err) != diag.ProofInvalid || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s = %v: %v", tt.field, tt.value, err)
		}
	}
}
