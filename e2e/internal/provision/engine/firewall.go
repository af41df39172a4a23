package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// forwarding is the kernel's switch for passing packets on, which dockerd turns on.
const forwarding = "/proc/sys/net/ipv4/ip_forward"

// firewall is what the host's packet rules were like before the first daemon of our own changed them.
type firewall struct {
	Docker  bool   `json:"docker"`  // there were chains of some docker's already
	Forward string `json:"forward"` // the FORWARD chain's policy
	Enabled string `json:"enabled"` // of forwarding
}

func (d *daemon) firewallFile() string { return filepath.Join(d.dir, "before.json") }

// saveFirewall notes the host's packet rules, unless an earlier start did.
func (d *daemon) saveFirewall(ctx context.Context) error {
	if _, err := os.Stat(d.firewallFile()); err == nil {
		return nil
	}
	rules, err := exec.CommandContext(ctx, "iptables-save").Output()
	if err != nil {
		return nil //nolint:nilerr // Without the program there is nothing to note; dockerd itself says what it needs.
	}
	enabled, err := os.ReadFile(forwarding)
	if err != nil {
		return err
	}
	note := firewall{Docker: strings.Contains(string(rules), "\n:DOCKER"), Forward: forwardPolicy(string(rules)), Enabled: strings.TrimSpace(string(enabled))}
	text, err := json.Marshal(note)
	if err != nil {
		return err
	}
	return os.WriteFile(d.firewallFile(), text, 0o600)
}

// restoreFirewall takes back what the daemon did to the host's packet rules, which no stopping dockerd does.
func (d *daemon) restoreFirewall(ctx context.Context) error {
	text, err := os.ReadFile(d.firewallFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var note firewall
	if err := json.Unmarshal(text, &note); err != nil {
		return err
	}
	if note.Docker {
		return nil // the chains are some other docker's as well
	}
	rules, err := exec.CommandContext(ctx, "iptables-save").Output()
	if err != nil {
		return fmt.Errorf("iptables-save: %w", err)
	}
	commands := removals(string(rules))
	if note.Forward != "" && note.Forward != forwardPolicy(string(rules)) {
		commands = append(commands, []string{"--table", "filter", "--policy", "FORWARD", note.Forward})
	}
	for _, args := range commands {
		if _, err := host.Run(ctx, exec.CommandContext(ctx, "iptables", append([]string{"--wait"}, args...)...)); err != nil {
			return fmt.Errorf("iptables %s: %w", strings.Join(args, " "), err)
		}
	}
	if note.Enabled != "0" {
		return nil
	}
	return os.WriteFile(forwarding, []byte(note.Enabled), 0o644)
}

// forwardPolicy reads the policy of the filter table's FORWARD chain off iptables-save.
func forwardPolicy(rules string) string {
	table := ""
	for line := range strings.Lines(rules) {
		fields := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "*"):
			table = fields[0][1:]
		case table == "filter" && len(fields) > 1 && fields[0] == ":FORWARD":
			return fields[1]
		}
	}
	return ""
}

// removals lists the iptables commands that take docker's chains out of the rules that iptables-save printed: first the jumps to them,
// then what is in them, then the chains.
func removals(rules string) [][]string {
	var jumps, flushes, deletions [][]string
	table := ""
	for line := range strings.Lines(rules) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case strings.HasPrefix(fields[0], "*"):
			table = fields[0][1:]
		case strings.HasPrefix(fields[0], ":DOCKER"):
			chain := fields[0][1:]
			flushes = append(flushes, []string{"--table", table, "--flush", chain})
			deletions = append(deletions, []string{"--table", table, "--delete-chain", chain})
		case fields[0] == "-A" && !strings.HasPrefix(fields[1], "DOCKER") && strings.HasPrefix(jumpOf(fields), "DOCKER"):
			jumps = append(jumps, append([]string{"--table", table, "--delete"}, fields[1:]...))
		}
	}
	return append(append(jumps, flushes...), deletions...)
}

// jumpOf returns the target of a rule.
func jumpOf(rule []string) string {
	for i, field := range rule {
		if field == "-j" && i+1 < len(rule) {
			return rule[i+1]
		}
	}
	return ""
}
