package main

import "strings"

// splitCommand skips runc's global flags and returns its command and what follows it.
func splitCommand(args []string) (command string, rest []string) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if !strings.HasPrefix(arg, "-") {
			return arg, args[i+1:]
		}
		switch strings.TrimLeft(arg, "-") {
		case "root", "log", "log-format", "criu", "rootless":
			i++
		}
	}
	return "", nil
}

// flagValue returns the value of the flag of that long or short name, written as "--name value", "--name=value" or "-n value".
func flagValue(args []string, long, short string) string {
	for i, arg := range args {
		if !strings.HasPrefix(arg, "-") {
			continue
		}
		name, value, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if name != long && name != short {
			continue
		}
		if joined {
			return value
		}
		if i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}
