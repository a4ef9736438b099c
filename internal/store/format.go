package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/vmgo/vmgo/internal/diag"
)

// The formats of what is kept beside a release. One that an older vmgo would
// misread gets the next number; a further field of a receipt does not, since
// [Store.AmendReceipt] keeps fields that it does not know. A record without a number
// has format 1.
const (
	receiptFormat  = 1
	manifestFormat = 1
)

// manifestHead begins the first line of a manifest: "format 1".
const manifestHead = "format "

// cutHead removes the line with the format from the text of a manifest.
func cutHead(text []byte) ([]byte, error) {
	line, rest, whole := bytes.Cut(text, []byte{'\n'})
	digits, ok := bytes.CutPrefix(line, []byte(manifestHead))
	if !ok {
		return text, nil
	}
	if !whole {
		return nil, manifestError(1, "the line is truncated")
	}
	format, _ := strconv.Atoi(string(digits))
	if format < 1 || strconv.Itoa(format) != string(digits) {
		return nil, manifestError(1, "a format that is not a number")
	}
	return rest, diag.Newer("a manifest", format, manifestFormat)
}

// encodeReceipt returns the text of a receipt, with the fields of the one before
// that this program does not know.
func encodeReceipt(r Receipt, before []byte) ([]byte, error) {
	r.Format = receiptFormat
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil || before == nil {
		return append(text, '\n'), err
	}
	known, fields := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if err := errors.Join(json.Unmarshal(before, &fields), json.Unmarshal(text, &known)); err != nil {
		return nil, err
	}
	further := false
	for name, value := range fields {
		if _, ok := known[name]; !ok {
			known[name], further = value, true
		}
	}
	if further {
		text, err = json.MarshalIndent(known, "", "  ")
	}
	return append(text, '\n'), err
}
