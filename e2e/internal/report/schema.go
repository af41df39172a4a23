package report

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// SchemaFile is the JSON Schema of the machine-readable result. Each report folder holds a copy, which the first line of the result
// names, so that editors and programs find it.
const SchemaFile = "conformance.schema.json"

//go:embed conformance.schema.json
var schema []byte

// modeline says to editors with a language server for YAML where the schema is.
const modeline = "# yaml-language-server: $schema=" + SchemaFile + "\n"

// Validate checks the contents of a report's file against the schema and the contract. The error names every place that is wrong.
func Validate(report []byte) error { return validate(report, true) }

// validate is Validate; a report that need not be whole may lack rows of the contract, and have others.
func validate(report []byte, whole bool) error {
	asJSON, err := yaml.YAMLToJSONStrict(report)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return err
	}
	compile := compileSchema
	if !whole {
		compile = compileOpenSchema
	}
	compiled, err := compile()
	if err != nil {
		return err
	}
	if missing := missingRows(value); whole && len(missing) > 0 {
		return fmt.Errorf("the report lacks rows of the contract: %s", strings.Join(missing, ", "))
	}
	err = compiled.Validate(value)
	if invalid, is := errors.AsType[*jsonschema.ValidationError](err); is {
		// The first line names only the schema's address.
		_, places, _ := strings.Cut(invalid.Error(), "\n")
		return fmt.Errorf("the report does not follow %s:\n%s", SchemaFile, places)
	}
	return err
}

// compileSchema compiles the embedded schema once.
//
//nolint:gochecknoglobals // Never changes.
var compileSchema = sync.OnceValues(func() (*jsonschema.Schema, error) { return compileWith(nil) })

// compileOpenSchema compiles the embedded schema without its list of rows once.
//
//nolint:gochecknoglobals // Never changes.
var compileOpenSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	return compileWith([]string{"minItems", "maxItems", "allOf"})
})

// compileWith compiles the embedded schema without some of what it says of the list of guarantees.
func compileWith(without []string) (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, err
	}
	root, _ := document.(map[string]any)
	properties, _ := root["properties"].(map[string]any)
	rows, _ := properties["guarantees"].(map[string]any)
	for _, keyword := range without {
		delete(rows, keyword)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(SchemaFile, document); err != nil {
		return nil, err
	}
	return c.Compile(SchemaFile)
}

// missingRows names the rows that a report lacks: the schema rejects such a report too, but does not say which rows. A report without
// a list of rows is left to the schema.
func missingRows(report any) []string {
	fields, _ := report.(map[string]any)
	rows, listed := fields["guarantees"].([]any)
	if !listed {
		return nil
	}
	var missing []string
	for _, g := range contract.All() {
		if !slices.ContainsFunc(rows, func(row any) bool {
			fields, _ := row.(map[string]any)
			return fields["id"] == string(g.ID)
		}) {
			missing = append(missing, string(g.ID))
		}
	}
	return missing
}
