package history

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// elementKeys returns the fields that tell the elements of a list in a pod or a claim apart, in the order in which they are looked for: the merge keys
// of the API's lists of objects but addresses, which are nobody's business, and "key" for lists without one, such as tolerations.
func elementKeys() []string {
	return []string{"name", "containerPort", "devicePath", "conditionType", "topologyKey", "key"}
}

// unlisted reports whether a field says nothing: the API server fills it in, so that every object has it, or, as with resource limits, policies are known
// to take it away.
func unlisted(field string) bool {
	switch field {
	case "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy", "protocol", "limits":
		return true
	}
	return false
}

// opaque reports whether injectors of proxies rewrite what is in a field: only that there is one is listed.
func opaque(field string) bool {
	return field == "livenessProbe" || field == "readinessProbe" || field == "startupProbe"
}

// partSeparator is in no name of a field, nor in what elementKeys hold.
const partSeparator = "\n"

// partsOf returns the paths of the fields that are set in a spec, without their values, such as "containers[main].command", and further ones; sorted, and
// as one text. An admission policy may add fields to what a controller creates, and rewrite a value: only a path that is not there tells that something
// of a template was lost.
func partsOf(spec any, further ...string) string {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(spec)
	if err != nil {
		return ""
	}
	paths := further
	listParts("", fields, &paths)
	slices.Sort(paths)
	return strings.Join(slices.Compact(paths), partSeparator)
}

// listParts adds the paths of the fields in a value of that path.
func listParts(path string, value any, paths *[]string) {
	switch v := value.(type) {
	case nil:
	case map[string]any:
		for name, field := range v {
			switch inner := strings.TrimPrefix(path+"."+name, "."); {
			case unlisted(name):
			case opaque(name):
				*paths = append(*paths, inner)
			default:
				listParts(inner, field, paths)
			}
		}
	case []any:
		for _, element := range v {
			if key := elementKey(element); key != "" {
				listParts(path+"["+key+"]", element, paths)
			} else {
				*paths = append(*paths, path)
			}
		}
	default:
		*paths = append(*paths, path)
	}
}

// elementKey returns what tells an element of a list from the others, "" where nothing does.
func elementKey(element any) string {
	if fields, ok := element.(map[string]any); ok {
		for _, key := range elementKeys() {
			if value, ok := fields[key]; ok {
				return fmt.Sprint(value)
			}
		}
	}
	return ""
}

// Lost returns the parts of a template that a new object lacks, as Parts lists them.
func Lost(template, object string) []string {
	have := strings.Split(object, partSeparator)
	return slices.DeleteFunc(strings.Split(template, partSeparator), func(part string) bool {
		_, found := slices.BinarySearch(have, part)
		return found
	})
}
