package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"
)

// ReadFile gives flags the values of a settings file, where neither the command line nor a variable of the environment has given one. The file is
// YAML with the names of flags as keys; a list stands for values with commas between them, a mapping for name=value pairs. It returns what was taken
// from the file, as name=value, sorted. A name that no flag has is an error.
func (f Flags) ReadFile(path string) ([]string, error) {
	values, err := readSettings(path)
	if err != nil {
		return nil, err
	}
	var taken []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		flag := f.set.Lookup(key)
		if flag == nil || !f.isSetting(flag) {
			return nil, fmt.Errorf("%s: no setting is named %q: names are those of the command's flags, without dashes before them", path, key)
		}
		if f.isSet(flag) {
			continue
		}
		if err := f.set.Set(key, values[key]); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		taken = append(taken, key+"="+values[key])
	}
	return taken, nil
}

// isSet reports whether the command line or a variable of the environment has given a flag its value.
func (f Flags) isSet(flag *pflag.Flag) bool {
	return flag.Changed || f.getenv != nil && isOfEnvironment(flag) && f.variable(variableOf(flag.Name)) != ""
}

// isSetting reports whether a flag may be in a settings file: a run's choice of cluster and file is a person's own.
func (f Flags) isSetting(flag *pflag.Flag) bool {
	return !slices.Contains([]string{"config", "settings-folder", "help", "kubeconfig", "context", "server", "tls-server-name", "as", "as-uid", "as-group", "as-groups"}, flag.Name)
}

// isOfEnvironment reports whether a variable of the environment is the flag's default: its text says so.
func isOfEnvironment(flag *pflag.Flag) bool {
	return strings.Contains(flag.Usage, "($"+variableOf(flag.Name))
}

func variableOf(flag string) string { return strings.ToUpper(strings.ReplaceAll(flag, "-", "_")) }

// readSettings reads a settings file as texts.
func readSettings(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if data, err = yaml.YAMLToJSONStrict(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var parsed map[string]any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // 20261129 is no 2.0261129e+07
	if err := decoder.Decode(&parsed); err != nil {
		return nil, fmt.Errorf("%s: expected names of settings and their values: %w", path, err)
	}
	out := map[string]string{}
	for key, value := range parsed {
		out[key] = textOf(value)
	}
	return out, nil
}

// textOf writes a value as it is typed behind a flag.
func textOf(value any) string {
	var words []string
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			words = append(words, fmt.Sprint(v))
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			words = append(words, fmt.Sprintf("%s=%v", key, value[key]))
		}
	default:
		return fmt.Sprint(value)
	}
	return strings.Join(words, ",")
}
