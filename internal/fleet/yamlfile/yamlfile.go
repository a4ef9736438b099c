// Package yamlfile reads and writes YAML.
package yamlfile

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
)

// Decode reads one document; nothing at all leaves v as it is. Aliases are limited
// by the library, which refuses documents that they blow up.
func Decode(data []byte, v any) error {
	err := yaml.NewDecoder(bytes.NewReader(data)).Decode(v)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Encode writes a document with two spaces for each level.
func Encode(w io.Writer, v any) error {
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	return errors.Join(encoder.Encode(v), encoder.Close())
}
