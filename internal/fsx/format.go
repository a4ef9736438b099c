package fsx

import (
	"encoding/json"

	"github.com/vmgo/vmgo/internal/diag"
)

// Decode reads JSON that has a number "format" into a value. A number greater
// than known gives a newer-format error about what; JSON without one has format 1.
// The number is looked at by itself first: in a newer format, fields that are
// known here may hold something else.
func Decode(what string, data []byte, known int, into any) error {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return err
	}
	if err := diag.Newer(what, head.Format, known); err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}
