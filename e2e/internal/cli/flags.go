package cli

import (
	"strings"

	"github.com/spf13/pflag"
)

// Flags defines flags whose defaults are environment variables, so that make can pass its variables on: --report-dir is REPORT_DIR.
type Flags struct {
	set    *pflag.FlagSet
	getenv func(string) string
}

// NewFlags returns the flags of a set. With a nil getenv no variable of the environment is a default.
func NewFlags(set *pflag.FlagSet, getenv func(string) string) Flags {
	return Flags{set: set, getenv: getenv}
}

// Prefix may be before the name of each variable, where others use the shorter name too.
const Prefix = "CONFORMANCE_"

// variable returns the value of a variable of the environment; with the prefix it wins.
func (f Flags) variable(name string) string {
	if value := f.getenv(Prefix + name); value != "" {
		return value
	}
	return f.getenv(name)
}

// OfCommandLine returns the same flags without variables, for settings whose name means something else in the environment of a shell.
func (f Flags) OfCommandLine() Flags { return Flags{set: f.set} }

// String defines the flag of a variable. Without either, its value is fallback.
func (f Flags) String(value *string, variable, fallback, usage string) {
	f.StringP(value, variable, "", fallback, usage)
}

// StringP is String with a letter for short.
func (f Flags) StringP(value *string, variable, letter, fallback, usage string) {
	if f.getenv != nil {
		usage += " ($" + variable + ")"
		if set := f.variable(variable); set != "" {
			fallback = set
		}
	}
	f.set.StringVarP(value, name(variable), letter, fallback, usage)
}

// Strings defines a flag that may be given several times, and whose values may have commas between them.
func (f Flags) Strings(value *[]string, variable, usage string) {
	var fallback []string
	if f.getenv != nil {
		usage += " ($" + variable + ")"
		fallback = strings.FieldsFunc(f.variable(variable), func(r rune) bool { return r == ',' || r == ' ' })
	}
	f.set.StringSliceVar(value, name(variable), fallback, usage)
}

// Bool defines the flag of a variable that is 1 or not.
func (f Flags) Bool(value *bool, variable, usage string) {
	set := false
	if f.getenv != nil {
		usage += " ($" + variable + "=1)"
		set = f.variable(variable) == "1"
	}
	f.set.BoolVar(value, name(variable), set, usage)
}

func name(variable string) string { return strings.ToLower(strings.ReplaceAll(variable, "_", "-")) }
