package trust

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
)

// A proof holds in either form, and one that was changed says what is wrong with it.
func TestRecord_TlogProof(t *testing.T) {
	t.Parallel()
	v, err := gover.Parse("1.22.5")
	must(t, err)
	p := gover.Platform{OS: "linux", Arch: "amd64"}
	h := newHistorian(t)
	record := gover.ToolchainModule + " " + gover.ModuleVersion(v, p) + " h1:bGPFVnJdFiyIwYvKx4ka5mTM4Kqn5nGsCdPQgLW1k0c=\n"
	x := h.history(t, "a\n", record, "b\n")
	l := h.logOf(t, x.served())
	r, err := l.Lookup(t.Context(), v, p)
	must(t, err)
	data, err := r.TlogProof()
	must(t, err)
	text, extra := string(data), "extra "+base64.StdEncoding.EncodeToString([]byte(record))
	lines := strings.SplitN(text, "\n", 6)
	if lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != extra || lines[2] != "index 1" || lines[5] != "\n"+string(x.head) {
		t.Errorf("the form is not that of the specification:\n%s", text)
	}
	if !IsTlogProof(data) || IsTlogProof(r.Proof) {
		t.Error("the forms are taken for one another")
	}
	for _, proof := range [][]byte{data, r.Proof} {
		got, err := l.VerifyOffline(proof, v, p)
		if err != nil || got.H1 != r.H1 || got.ID != 1 || got.TreeSize != 3 || got.Text != record || string(got.Proof) != string(r.Proof) {
			t.Errorf("%+v, %v, of\n%s", got, err, proof)
		}
	}
	for _, tt := range []struct{ from, to, want string }{
		{"\n" + string(x.head), "", "not a whole proof of the form"},
		{"index 1\n" + lines[3] + "\n" + lines[4] + "\n", "", "not a whole proof of the form"},
		{lines[3] + "\n" + lines[4] + "\n", "", "invalid transparency proof"},
		{"extra ", "Extra ", "no extra line"},
		{"index ", "Index ", "no index"},
		{extra, extra + "!", "illegal base64"},
		{"index 1", "index one", "not a number"},
		{"index 1", "index 01", "not a number"},
		{"index 1", "index 9223372036854775808", "not a number"},
		{"index 1", "index 0", "invalid transparency proof"},
		{"index 1", "index 3", "not in the tree"},
		{lines[3], "hash", "malformed hash"},
		{string(x.head), string(h.history(t, "a\n", record).head), "invalid transparency proof"},
		{string(x.head), string(newHistorian(t).history(t, "a\n", record, "b\n").head), "no verifiable signatures"},
	} {
		changed := strings.Replace(text, tt.from, tt.to, 1)
		if _, err := l.VerifyOffline([]byte(changed), v, p); changed == text {
			t.Errorf("%q is not there", tt.from)
		} else {
			wantError(t, fmt.Sprintf("%q => %q", tt.from, tt.to), err, diag.ProofInvalid, tt.want)
		}
	}
	r.Proof = []byte("junk")
	if data, err := r.TlogProof(); err == nil {
		t.Errorf("junk is a proof: %s", data)
	}
}
