package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// bootFile holds an ID of the running kernel; packet rules and forwarding do not outlive it.
const bootFile = "/proc/sys/kernel/random/boot_id"

// family is what dockerd changes for one version of IP.
type family struct{ iptables, forwarding string }

func families() []family {
	return []family{
		{"iptables", "/proc/sys/net/ipv4/ip_forward"},
		{"ip6tables", "/proc/sys/net/ipv6/conf/all/forwarding"},
	}
}

// firewall is what the host's packet rules were like before the first daemon of our own since the machine was booted changed them.
type firewall struct {
	Boot     string                    `json:"boot"`
	Families map[string]packetHandling `json:"families"` // by the name of the iptables program
}

// packetHandling is how the host treats packets of one version of IP.
type packetHandling struct {
	Docker  bool   `json:"docker"`  // there were chains of some docker's already
	Forward string `json:"forward"` // the FORWARD chain's policy; "" where the table was not in use
	Enabled string `json:"enabled"` // of forwarding
}

func (d *daemon) firewallFile() string { return filepath.Join(d.dir, "firewall.json") }

// readFirewall returns what was noted since the machine was booted, nil if nothing was.
func (d *daemon) readFirewall() (*firewall, error) {
	text, err := os.ReadFile(d.firewallFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	note := new(firewall)
	if err := json.Unmarshal(text, note); err != nil {
		return nil, fmt.Errorf("%s: %w", d.firewallFile(), err)
	}
	if note.Boot != bootID() {
		return nil, nil
	}
	return note, nil
}

func bootID() string {
	id, _ := os.ReadFile(bootFile)
	return strings.TrimSpace(string(id))
}

// saveFirewall notes the host's packet rules, unless an earlier start since the machine was booted did.
func (d *daemon) saveFirewall(ctx context.Context) error {
	if note, err := d.readFirewall(); note != nil || err != nil {
		return err
	}
	note := firewall{Boot: bootID(), Families: map[string]packetHandling{}}
	for _, f := range families() {
		rules, err := exec.CommandContext(ctx, f.iptables+"-save").Output()
		if err != nil {
			continue // Without the program there is nothing to note; dockerd itself says what it needs.
		}
		enabled, err := os.ReadFile(f.forwarding)
		if err != nil {
			continue // The kernel does not know this version of IP.
		}
		note.Families[f.iptables] = packetHandling{
			Docker: len(dockerChains(string(rules))) > 0, Forward: forwardPolicy(string(rules)), Enabled: strings.TrimSpace(string(enabled)),
		}
	}
	text, err := json.Marshal(note)
	if err != nil {
		return err
	}
	return os.WriteFile(d.firewallFile(), text, 0o600)
}

// restoreFirewall takes back what the daemon, which has ended, did to the host's packet rules; no dockerd does when it stops. What may
// be somebody else's stays, and progress says so.
func (d *daemon) restoreFirewall(ctx context.Context, progress io.Writer) error {
	note, err := d.readFirewall()
	if note == nil || err != nil {
		return err
	}
	if other := otherDocker(); other != "" {
		fmt.Fprintf(progress, "engine: packet rules and forwarding stay as they are: %s\n", other)
		return nil
	}
	bridges, err := d.bridges()
	if err != nil {
		return err
	}
	for _, f := range families() {
		before, noted := note.Families[f.iptables]
		if !noted {
			continue
		}
		if err := f.restore(ctx, before, bridges, progress); err != nil {
			return err
		}
	}
	return nil
}

// otherDocker says why packet rules may be another docker's as well, "" when they are not.
func otherDocker() string {
	if other := otherDaemon(); other != "" {
		return other
	}
	if _, err := net.InterfaceByName("docker0"); err == nil {
		return "the bridge docker0 of another docker is there"
	}
	return ""
}

// restore undoes the daemon's changes for one version of IP.
func (f family) restore(ctx context.Context, before packetHandling, bridges []string, progress io.Writer) error {
	rules, err := exec.CommandContext(ctx, f.iptables+"-save").Output()
	if err != nil {
		return fmt.Errorf("%s-save: %w", f.iptables, err)
	}
	enabled, err := os.ReadFile(f.forwarding)
	if err != nil {
		return err
	}
	plan := planRestore(string(rules), strings.TrimSpace(string(enabled)), before, bridges)
	for _, args := range plan.commands {
		if _, err := host.Run(ctx, exec.CommandContext(ctx, f.iptables, append([]string{"--wait"}, args...)...)); err != nil {
			return fmt.Errorf("%s %s: %w", f.iptables, strings.Join(args, " "), err)
		}
	}
	if plan.stays != "" {
		fmt.Fprintf(progress, "engine: %s: %s\n", f.iptables, plan.stays)
	}
	if !plan.forwarding {
		return nil
	}
	return os.WriteFile(f.forwarding, []byte(before.Enabled), 0o644)
}

// bridges lists the bridges of the networks that the daemon has had. It reads the daemon's own list, because the daemon has ended.
func (d *daemon) bridges() ([]string, error) {
	text, err := os.ReadFile(filepath.Join(d.dir, "data", "network", "files", "local-kv.db"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, name := range bridgeName.FindAll(text, -1) {
		names = append(names, string(name))
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// bridgeName matches the name that dockerd gives the bridge of a network.
var bridgeName = regexp.MustCompile(`br-[0-9a-f]{12}`)

// restorePlan is what takes back a daemon's changes.
type restorePlan struct {
	commands   [][]string // arguments of iptables
	forwarding bool       // forwarding is switched back
	stays      string     // what is left for a person to decide, and why
}

// planRestore plans it for rules that iptables-save printed. Rules that name one of the bridges go. Docker's chains go if there were none
// before and nothing of anybody else's is in them. dockerd sets FORWARD to DROP where it switches forwarding on, so both are
// switched back if they are as it left them and no other rule passes packets on.
func planRestore(rules, enabled string, before packetHandling, bridges []string) restorePlan {
	var plan restorePlan
	chains := dockerChains(rules)
	var jumps [][]string
	foreign := "" // a rule in docker's chains that is neither ours nor there in every docker
	others := ""  // a rule outside of them that passes packets on
	for _, r := range parseRules(rules) {
		toDocker := slices.Contains(chains, r.table+" "+r.after("-j"))
		fromDocker := slices.Contains(chains, r.table+" "+r.chain)
		switch {
		case slices.Contains(bridges, r.after("-i")) || slices.Contains(bridges, r.after("-o")):
			plan.commands = append(plan.commands, r.deletion())
		case fromDocker && !toDocker && !slices.Equal(r.match, []string{"-j", "RETURN"}):
			foreign = r.String()
		case fromDocker:
		case toDocker:
			jumps = append(jumps, r.deletion())
		case r.table == "filter" && r.chain == "FORWARD", r.table == "nat":
			others = r.String()
		}
	}
	if len(chains) > 0 {
		switch {
		case before.Docker:
			plan.stays = "docker's chains stay: they were there before"
		case foreign != "":
			plan.stays = "docker's chains stay, because of the rule: " + foreign
		default:
			plan.commands = append(plan.commands, jumps...)
			for _, verb := range []string{"--flush", "--delete-chain"} {
				for _, chain := range chains {
					table, name, _ := strings.Cut(chain, " ")
					plan.commands = append(plan.commands, []string{"--table", table, verb, name})
				}
			}
		}
	}
	if before.Enabled != "0" || enabled != "1" || before.Docker {
		return plan
	}
	if foreign = cmp.Or(foreign, others); foreign != "" {
		if plan.stays != "" {
			plan.stays += "; "
		}
		plan.stays += "forwarding stays on, because of the rule: " + foreign
		return plan
	}
	plan.forwarding = true
	was := before.Forward
	if was == "" {
		was = "ACCEPT" // the kernel's own, of a table that was not in use
	}
	if forwardPolicy(rules) == "DROP" && was != "DROP" {
		plan.commands = append(plan.commands, []string{"--table", "filter", "--policy", "FORWARD", was})
	}
	return plan
}

// rule is one that iptables-save printed.
type rule struct {
	table, chain string
	match        []string // all behind the chain
}

func (r rule) String() string { return r.chain + " " + strings.Join(r.match, " ") }

func (r rule) deletion() []string {
	return append([]string{"--table", r.table, "--delete", r.chain}, r.match...)
}

// after returns what follows a flag in the rule.
func (r rule) after(flag string) string {
	if i := slices.Index(r.match, flag); i >= 0 && i+1 < len(r.match) {
		return r.match[i+1]
	}
	return ""
}

func parseRules(text string) []rule {
	var rules []rule
	table := ""
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case strings.HasPrefix(fields[0], "*"):
			table = fields[0][1:]
		case fields[0] == "-A" && len(fields) > 1:
			rules = append(rules, rule{table: table, chain: fields[1], match: fields[2:]})
		}
	}
	return rules
}

// chain matches the line in which iptables-save declares a chain.
var chain = regexp.MustCompile(`^:(\S+) (\S+)`)

// declared calls visit with every chain's table, name and policy.
func declared(text string, visit func(table, name, policy string)) {
	table := ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "*") {
			table = strings.TrimSpace(line[1:])
		}
		if m := chain.FindStringSubmatch(line); m != nil {
			visit(table, m[1], m[2])
		}
	}
}

// dockerChains lists the chains that dockerd makes, each as its table and its name.
func dockerChains(text string) []string {
	var chains []string
	declared(text, func(table, name, _ string) {
		if name == "DOCKER" || strings.HasPrefix(name, "DOCKER-") {
			chains = append(chains, table+" "+name)
		}
	})
	return chains
}

// forwardPolicy reads the policy of the filter table's FORWARD chain off iptables-save.
func forwardPolicy(text string) string {
	found := ""
	declared(text, func(table, name, policy string) {
		if table == "filter" && name == "FORWARD" {
			found = policy
		}
	})
	return found
}
