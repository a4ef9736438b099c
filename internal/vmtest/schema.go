package vmtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema returns the JSON Schema of the documents that have the type of example,
// as docs/schemas has it: fields may be added to a document, so further ones are
// allowed, and lists are never null.
func Schema(title string, example any, known map[reflect.Type]*jsonschema.Schema) ([]byte, error) {
	schema, err := jsonschema.ForType(reflect.TypeOf(example), &jsonschema.ForOptions{TypeSchemas: known})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", title, err)
	}
	schema.Schema = "https://json-schema.org/draft/2020-12/schema"
	schema.Title = title
	schemas(schema, func(s *jsonschema.Schema) {
		if s.AdditionalProperties != nil && len(s.Properties) > 0 {
			s.AdditionalProperties = nil
		}
		if slices.Contains(s.Types, "array") {
			s.Type, s.Types = "array", nil
		}
	})
	text, err := json.MarshalIndent(schema, "", "  ")
	return append(text, '\n'), err
}

// CheckSchema reports whether a document is what a schema of docs/schemas says,
// without a field that the schema does not know.
func CheckSchema(schemaText, document []byte) error {
	var schema *jsonschema.Schema
	if err := json.Unmarshal(schemaText, &schema); err != nil {
		return err
	}
	schemas(schema, func(s *jsonschema.Schema) {
		if len(s.Properties) > 0 {
			s.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
		}
	})
	resolved, err := schema.Resolve(nil)
	if err != nil {
		return err
	}
	var value any
	if err := json.Unmarshal(document, &value); err != nil {
		return errors.Join(errors.New("no JSON document"), err)
	}
	return resolved.Validate(value)
}

// schemas calls f for a schema and those of its fields and elements.
func schemas(s *jsonschema.Schema, f func(*jsonschema.Schema)) {
	if s == nil {
		return
	}
	f(s)
	for _, field := range s.Properties {
		schemas(field, f)
	}
	schemas(s.Items, f)
	schemas(s.AdditionalProperties, f)
}
