// Command capture writes what real busyboxes print for the cases that the parser is tested with.
//
// It answers DNS itself, on the addresses and at the port that a cluster's DNS has, and lays its own /etc/resolv.conf over
// the machine's. So it runs as root in namespaces of its own, which end with it:
//
//	go build -o /tmp/capture . && unshare --net --mount /tmp/capture -out .. 1.35.0=/path/to/busybox ...
//
// Each argument is <folder under -out>=<busybox>; the folder gets one file for each case, standard error and standard
// output together.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	dnsIPv4 = "10.96.0.10"
	dnsIPv6 = "fd00:10:96::a"
	// deadIPv4 has nobody who answers at port 53, and closedIPv4 nobody who listens.
	deadIPv4   = "10.96.0.11"
	closedIPv4 = "10.96.0.12"
)

type testCase struct {
	name        string
	args        []string
	nameservers []string
	search      string
}

func main() {
	out := flag.String("out", "", "folder that gets a folder for each busybox")
	flag.Parse()
	if err := run(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "capture:", err)
		os.Exit(1)
	}
}

func run(out string, boxes []string) error {
	if out == "" || len(boxes) == 0 {
		return errors.New("expected -out and at least one <folder>=<busybox>")
	}
	if err := prepare(); err != nil {
		return err
	}
	if err := serve(dnsIPv4, dnsIPv6); err != nil {
		return err
	}
	if err := swallow(deadIPv4); err != nil {
		return err
	}
	for _, box := range boxes {
		folder, busybox, found := strings.Cut(box, "=")
		if !found {
			return fmt.Errorf("expected <folder>=<busybox>, found %q", box)
		}
		if err := capture(filepath.Join(out, folder), busybox); err != nil {
			return err
		}
	}
	return nil
}

// prepare gives the loopback interface of this network namespace the addresses.
func prepare() error {
	commands := [][]string{{"ip", "link", "set", "lo", "up"}}
	for _, addr := range []string{dnsIPv4 + "/32", deadIPv4 + "/32", closedIPv4 + "/32", dnsIPv6 + "/128"} {
		commands = append(commands, []string{"ip", "addr", "add", addr, "dev", "lo"})
	}
	for _, c := range commands {
		if output, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s(run this under unshare --net --mount, as root)", strings.Join(c, " "), err, output)
		}
	}
	return nil
}

func capture(folder, busybox string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, c := range cases() {
		if err := resolvConf(c); err != nil {
			return err
		}
		output, err := exec.Command(busybox, append([]string{"nslookup"}, c.args...)...).CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return err
		}
		code := 0
		if exit != nil {
			code = exit.ExitCode()
		}
		fmt.Printf("%s\t%s\texit %d\t%s\n", filepath.Base(folder), c.name, code, strings.Join(c.args, " "))
		if strings.Contains(string(output), "Usage: ") && len(c.args) > 1 {
			// The applet without a resolver of its own knows no options: one such file is enough.
			if c.name != "type-a" {
				continue
			}
		}
		if err := os.WriteFile(filepath.Join(folder, c.name+".txt"), output, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// resolvConf lays the case's resolver configuration over the machine's, in this mount namespace only.
func resolvConf(c testCase) error {
	servers, search := c.nameservers, c.search
	if servers == nil {
		servers = []string{dnsIPv4}
	}
	if search == "" {
		search = "sts.svc.cluster.local svc.cluster.local cluster.local"
	}
	var text strings.Builder
	for _, s := range servers {
		fmt.Fprintf(&text, "nameserver %s\n", s)
	}
	fmt.Fprintf(&text, "search %s\noptions ndots:5 timeout:1 attempts:1\n", search)
	file := filepath.Join(os.TempDir(), fmt.Sprintf("capture-resolv-%d", os.Getpid()))
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		return err
	}
	defer os.Remove(file)
	// Unmounting fails for the first case, when there is nothing to unmount.
	_ = exec.Command("umount", "/etc/resolv.conf").Run()
	if output, err := exec.Command("mount", "--bind", file, "/etc/resolv.conf").CombinedOutput(); err != nil {
		return fmt.Errorf("mount over /etc/resolv.conf: %w: %s", err, output)
	}
	return nil
}

func cases() []testCase {
	const set = "nginx.sts.svc.cluster.local."
	return []testCase{
		{name: "service", args: []string{set}},
		{name: "service-dual-stack", args: []string{"dual.sts.svc.cluster.local."}},
		{name: "service-ipv6-only", args: []string{"six.sts.svc.cluster.local."}},
		{name: "pod", args: []string{"web-0." + set}},
		{name: "pod-gone", args: []string{"web-9." + set}},
		{name: "type-a", args: []string{"-type=a", "web-0." + set}},
		{name: "type-aaaa-no-data", args: []string{"-type=aaaa", "web-0." + set}},
		{name: "no-data", args: []string{"empty.sts.svc.cluster.local."}},
		{name: "short-name", args: []string{"nginx"}},
		{name: "short-name-gone", args: []string{"nothing"}},
		{name: "short-name-with-dot", args: []string{"web-0.nginx"}},
		{name: "without-trailing-dot", args: []string{"web-0.nginx.sts.svc.cluster.local"}},
		{name: "capitals", args: []string{"WEB-0.Nginx.STS.svc.cluster.local."}},
		{name: "srv", args: []string{"-type=srv", "_web._tcp." + set}},
		{name: "srv-gone", args: []string{"-type=srv", "_none._tcp." + set}},
		{name: "reverse", args: []string{"10.244.1.5"}},
		{name: "reverse-two-names", args: []string{"10.244.2.7"}},
		{name: "reverse-gone", args: []string{"10.244.9.9"}},
		{name: "reverse-ipv6", args: []string{"fd00:10:244::5"}},
		{name: "alias", args: []string{"outside.sts.svc.cluster.local."}},
		{name: "servfail", args: []string{"fails.sts.svc.cluster.local."}},
		{name: "refused", args: []string{"refused.sts.svc.cluster.local."}},
		{name: "one-unanswered", args: []string{"half.sts.svc.cluster.local."}},
		{name: "not-authoritative", args: []string{"cached.sts.svc.cluster.local."}},
		{name: "not-authoritative-no-data", args: []string{"cached-empty.sts.svc.cluster.local."}},
		{name: "duplicates", args: []string{"twice.sts.svc.cluster.local."}},
		{name: "truncated", args: []string{"-type=a", "many.sts.svc.cluster.local."}},
		{name: "too-long", args: []string{"-type=a", "huge.sts.svc.cluster.local."}},
		{name: "soa", args: []string{"-type=soa", "cluster.local."}},
		{name: "debug", args: []string{"-debug", "web-0." + set}},
		{name: "timeout", args: []string{"web-0." + set}, nameservers: []string{deadIPv4}},
		{name: "closed-port", args: []string{"web-0." + set}, nameservers: []string{closedIPv4}},
		{name: "unreachable", args: []string{"web-0." + set}, nameservers: []string{"203.0.113.1"}},
		{name: "second-server", args: []string{"web-0." + set}, nameservers: []string{deadIPv4, dnsIPv4}},
		{name: "server-given", args: []string{"web-0." + set, dnsIPv4}, nameservers: []string{deadIPv4}},
		{name: "server-ipv6", args: []string{"web-0." + set}, nameservers: []string{dnsIPv6}},
		{name: "server-ipv6-given", args: []string{"web-0." + set, "[" + dnsIPv6 + "]:53"}},
		{name: "bad-server", args: []string{"web-0." + set, "no-such-server"}},
		{name: "no-arguments"},
	}
}
