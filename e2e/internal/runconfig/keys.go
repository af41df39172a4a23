package runconfig

import (
	"fmt"
	"strings"
)

// ParseKeys reads "key=value,..." as a person types it.
func ParseKeys(text string) (map[string]string, error) {
	out := map[string]string{}
	for _, pair := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if _, twice := out[key]; !ok || key == "" || twice {
			return nil, fmt.Errorf("expected key=value,... with each key once, found %q", pair)
		}
		out[key] = value
	}
	return out, nil
}

// ParseNamespaceLabels reads the labels that namespaces of a run are to have beside the suite's own. The error says which are not a person's to set.
func ParseNamespaceLabels(text string) (map[string]string, error) {
	labels, err := ParseKeys(text)
	if err != nil {
		return nil, err
	}
	return labels, validateMetadata(labels, nil)
}

// ParseNamespaceAnnotations is ParseNamespaceLabels for annotations.
func ParseNamespaceAnnotations(text string) (map[string]string, error) {
	annotations, err := ParseKeys(text)
	if err != nil {
		return nil, err
	}
	return annotations, validateMetadata(nil, annotations)
}
