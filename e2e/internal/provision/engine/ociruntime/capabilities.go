package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// capabilityNames are the kernel's capabilities in the order of their numbers (include/uapi/linux/capability.h).
func capabilityNames() []string {
	return []string{
		"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
		"CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
		"CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
		"CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD",
		"CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
		"CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
	}
}

// grantedCapabilities reads the bounding set out of a /proc/PID/status file: no process started from here can have more.
func grantedCapabilities(statusFile string) (map[string]bool, error) {
	status, err := os.ReadFile(statusFile)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(status)) {
		hex, found := strings.CutPrefix(line, "CapBnd:")
		if !found {
			continue
		}
		mask, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: the bounding set %q is not a hexadecimal number", statusFile, strings.TrimSpace(hex))
		}
		granted := map[string]bool{}
		for number, name := range capabilityNames() {
			if mask&(1<<number) != 0 {
				granted[name] = true
			}
		}
		return granted, nil
	}
	return nil, fmt.Errorf("%s: no line CapBnd", statusFile)
}

// dropFromFile rewrites a configuration without the capabilities that are not granted; a file that asks for none of them is left alone.
func dropFromFile(file string, granted map[string]bool) error {
	before, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	after, changed, err := dropCapabilities(before, granted)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if !changed {
		return nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, after, info.Mode().Perm())
}

// dropCapabilities removes the capabilities that are not granted from an OCI config.json, or from a process file, which is the
// "process" object of a config.json by itself.
func dropCapabilities(document []byte, granted map[string]bool) (result []byte, changed bool, err error) {
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(document))
	// A float64 would round the 64-bit limits that a configuration may hold.
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		return nil, false, fmt.Errorf("not a JSON object: %w", err)
	}
	process := fields
	if inner, ok := fields["process"].(map[string]any); ok {
		process = inner
	}
	sets, ok := process["capabilities"].(map[string]any)
	if !ok {
		return document, false, nil
	}
	for set, value := range sets {
		names, ok := value.([]any)
		if !ok {
			continue
		}
		kept := make([]any, 0, len(names))
		for _, name := range names {
			if text, ok := name.(string); ok && !granted[text] {
				changed = true
				continue
			}
			kept = append(kept, name)
		}
		sets[set] = kept
	}
	if !changed {
		return document, false, nil
	}
	result, err = json.Marshal(fields)
	return result, true, err
}
