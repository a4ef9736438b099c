package config

import (
	_ "embed"
	"encoding"
	"reflect"
	"strings"
)

//go:embed init.toml
var template string

// Template returns a commented configuration for a program of that name that is
// built from that package.
func Template(name, pkg string) string {
	return strings.NewReplacer("NAME", name, "PACKAGE", pkg).Replace(template)
}

// Schema returns the JSON schema of the configuration.
func Schema() map[string]any {
	s := schemaOf(reflect.TypeFor[Config]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = File
	s["required"] = []string{"name", "health", "signing"}
	sections := schemaOf(reflect.TypeFor[Config]())
	properties := sections["properties"].(map[string]any)
	delete(properties, "env")
	s["properties"].(map[string]any)["env"] = map[string]any{"type": "object", "additionalProperties": sections}
	return s
}

func schemaOf(t reflect.Type) map[string]any {
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		properties := map[string]any{}
		for i := range t.NumField() {
			f := t.Field(i)
			properties[f.Tag.Get("toml")] = schemaOf(f.Type)
		}
		return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	}
	return map[string]any{}
}
