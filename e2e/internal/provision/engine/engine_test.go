package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDecide(t *testing.T) {
	tests := []struct {
		name  string
		host  machine
		want  action
		fails string // a part of the error, empty where none is expected
	}{
		{"root with a daemon installed starts it", machine{root: true, debian: true, installed: true}, startDaemon, ""},
		{"root starts an installed daemon on any system", machine{root: true, installed: true}, startDaemon, ""},
		{"root on Debian installs it first", machine{root: true, debian: true}, installThenStart, ""},
		{"root elsewhere gets what to install", machine{root: true}, 0, "install and start Docker (https"},
		{"a user with a daemon installed gets how to start it", machine{debian: true, installed: true}, 0, "systemctl start docker"},
		{"a user on Debian gets the package", machine{debian: true}, 0, "apt-get install docker.io"},
		{"a user elsewhere gets what to install", machine{}, 0, "https://docs.docker.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := decide(tt.host)
			if tt.fails == "" {
				if err != nil || got != tt.want {
					t.Errorf("got %v, %v, want %v", got, err, tt.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("got error %v, want one that says %q", err, tt.fails)
			}
		})
	}
}

func TestDebianLike(t *testing.T) {
	tests := map[string]bool{
		"PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n": true,
		"ID=ubuntu\nID_LIKE=debian\n":                      true,
		"ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n":        true,
		"ID=fedora\n": false,
		"ID=alpine\nHOME_URL=\"https://not.debian.test/\"\n": false,
		"": false,
	}
	for release, want := range tests {
		if got := debianLike(release); got != want {
			t.Errorf("debianLike(%q) = %v, want %v", release, got, want)
		}
	}
}

func TestCapabilitiesMissing(t *testing.T) {
	tests := []struct {
		name, status, last string
		want, fails        bool
	}{
		{"all of 41", "CapEff:\t0\nCapBnd:\t000001ffffffffff\n", "40", false, false},
		{"one of 41 withheld", "CapBnd:\t000001fffeffffff\n", "40", true, false},
		{"an older kernel has fewer", "CapBnd:\t0000003fffffffff\n", "37", false, false},
		{"no bounding set", "CapEff:\t0\n", "40", false, true},
		{"no number", "CapBnd:\t000001ffffffffff\n", "many", false, true},
		{"no mask", "CapBnd:\tx\n", "40", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := capabilitiesMissing(tt.status, tt.last)
			if (err != nil) != tt.fails || got != tt.want {
				t.Errorf("got %v, %v, want %v, error: %v", got, err, tt.want, tt.fails)
			}
		})
	}
}

func TestSocketsStayWithinTheKernelsLimit(t *testing.T) {
	short := newDaemon("/home/someone/.cache/statefulset-conformance/engine")
	if want := "/home/someone/.cache/statefulset-conformance/engine/run"; short.runtime != want {
		t.Errorf("runtime folder is %s, want %s", short.runtime, want)
	}
	long := newDaemon("/" + strings.Repeat("a", 120))
	if len(long.runtime) > longestSocket {
		t.Errorf("runtime folder %s is too long for its sockets", long.runtime)
	}
	if other := newDaemon("/" + strings.Repeat("b", 120)); other.runtime == long.runtime {
		t.Error("two daemons share a runtime folder")
	}
}

func TestMountsBelow(t *testing.T) {
	const table = `22 1 254:0 / / rw - ext4 /dev/vda rw
30 22 0:26 / /c/engine/data/overlay2/x/merged rw - overlay overlay rw
31 22 0:27 / /c/engine/run/netns/default rw - nsfs nsfs rw
32 22 0:28 / /c/engine-other rw - tmpfs tmpfs rw
33 30 0:29 / /c/engine/data/overlay2/x/merged/with\040space rw - tmpfs tmpfs rw
short line
`
	got, err := mountsBelow(strings.NewReader(table), "/c/engine")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"/c/engine/data/overlay2/x/merged/with space", "/c/engine/run/netns/default", "/c/engine/data/overlay2/x/merged"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What iptables-save prints beside a docker of which this project's networks have the bridge br-0123456789ab.
const dockersRules = `# Generated
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.18.0.0/16 ! -o br-0123456789ab -j MASQUERADE
-A DOCKER -i br-0123456789ab -j RETURN
COMMIT
*filter
:FORWARD DROP [0:0]
:DOCKER-USER - [0:0]
:MINE - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o br-0123456789ab -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
`

func TestRestoredPacketRules(t *testing.T) {
	none := packetHandling{Enabled: "0", Forward: "ACCEPT"}
	ours := []string{"br-0123456789ab"}
	bridges := []string{
		"--table nat --delete POSTROUTING -s 172.18.0.0/16 ! -o br-0123456789ab -j MASQUERADE",
		"--table nat --delete DOCKER -i br-0123456789ab -j RETURN",
		"--table filter --delete FORWARD -o br-0123456789ab -j ACCEPT",
	}
	chains := []string{
		"--table nat --delete PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
		"--table nat --delete OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
		"--table filter --delete FORWARD -j DOCKER-USER",
		"--table nat --flush DOCKER",
		"--table filter --flush DOCKER-USER",
		"--table nat --delete-chain DOCKER",
		"--table filter --delete-chain DOCKER-USER",
	}
	policy := []string{"--table filter --policy FORWARD ACCEPT"}
	with := func(line, rule string) string { return strings.Replace(dockersRules, line, rule+"\n"+line, 1) }
	tests := []struct {
		name, rules, enabled string
		before               packetHandling
		bridges              []string
		want                 []string
		forwarding           bool
		stays                string
	}{
		{"as our daemon left it", dockersRules, "1", none, ours, slices.Concat(bridges, chains, policy), true, ""},
		{"nothing was in use before", dockersRules, "1", packetHandling{Enabled: "0"}, ours, slices.Concat(bridges, chains, policy), true, ""},
		{"packets were passed on before", dockersRules, "1", packetHandling{Enabled: "1", Forward: "ACCEPT"}, ours, slices.Concat(bridges, chains), false, ""},
		{"a docker was there before", dockersRules, "1", packetHandling{Docker: true, Enabled: "0"}, ours, bridges, false, "they were there before"},
		{
			"a network of another docker", dockersRules, "1", none, nil, nil, false,
			"docker's chains stay, because of the rule: DOCKER -i br-0123456789ab -j RETURN; forwarding stays on",
		},
		{
			"an administrator's rule", with("-A DOCKER-USER -j RETURN", "-A DOCKER-USER -s 203.0.113.0/24 -j DROP"), "1", none, ours, bridges, false,
			"docker's chains stay, because of the rule: DOCKER-USER -s 203.0.113.0/24 -j DROP; forwarding stays on",
		},
		{
			"another firewall", with("-A FORWARD -j DOCKER-USER", "-A FORWARD -j MINE"), "1", none, ours, slices.Concat(bridges, chains), false,
			"forwarding stays on, because of the rule: FORWARD -j MINE",
		},
		{
			"another network", with("-A DOCKER -i br-", "-A POSTROUTING -s 192.0.2.0/24 -j MASQUERADE"), "1", none, ours, slices.Concat(bridges, chains), false,
			"because of the rule: POSTROUTING -s 192.0.2.0/24 -j MASQUERADE",
		},
		{"forwarding is off again", dockersRules, "0", none, ours, slices.Concat(bridges, chains), false, ""},
		{"no rules", "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n", "1", packetHandling{Enabled: "1"}, ours, nil, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan := planRestore(tt.rules, tt.enabled, tt.before, tt.bridges)
			var got []string
			for _, args := range plan.commands {
				got = append(got, strings.Join(args, " "))
			}
			if !slices.Equal(got, tt.want) || plan.forwarding != tt.forwarding {
				t.Errorf("expected forwarding switched %v and\n%s\nfound %v and\n%s", tt.forwarding, strings.Join(tt.want, "\n"), plan.forwarding, strings.Join(got, "\n"))
			}
			if !strings.Contains(plan.stays, tt.stays) || (tt.stays == "") != (plan.stays == "") {
				t.Errorf("expected it to say %q, found %q", tt.stays, plan.stays)
			}
		})
	}
}

func TestFirewallNoteOfAnEarlierBootIsNotUsed(t *testing.T) {
	d := newDaemon(t.TempDir())
	for boot, want := range map[string]bool{bootID(): true, "another": false, "": false} {
		if err := os.WriteFile(d.firewallFile(), []byte(`{"boot":"`+boot+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if note, err := d.readFirewall(); err != nil || (note != nil) != want {
			t.Errorf("boot %q: expected a note: %v, found %v, %v", boot, want, note, err)
		}
	}
}

func TestForwardPolicy(t *testing.T) {
	if got := forwardPolicy(dockersRules); got != "DROP" {
		t.Errorf("got %q, want DROP", got)
	}
	if got := forwardPolicy("*mangle\n:FORWARD ACCEPT [0:0]\nCOMMIT\n"); got != "" {
		t.Errorf("got %q from another table", got)
	}
}

// fakeDaemon starts a process that looks like a dockerd of our own and never answers.
func fakeDaemon(t *testing.T, d *daemon) int {
	t.Helper()
	program := filepath.Join(t.TempDir(), "dockerd")
	if err := os.Symlink("/bin/sh", program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-c", "trap 'exit 0' TERM; while :; do read -r _; done", "dockerd", "--pidfile="+d.pidFile())
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	// For a moment after the start the kernel has no arguments of the new program to show.
	for len(commandOf(cmd.Process.Pid)) == 0 && t.Context().Err() == nil {
		runtime.Gosched()
	}
	return cmd.Process.Pid
}

func TestRunningDaemonThatDoesNotAnswerGetsNoSecondOne(t *testing.T) {
	fakeClient(t, "docker", "exit 1\n")
	t.Setenv("DOCKER_HOST", "")
	d := newDaemon(t.TempDir())
	if err := os.WriteFile(d.pidFile(), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	pid := fakeDaemon(t, d)
	if got := d.pid(); got != pid {
		t.Fatalf("expected the daemon to be found as %d whatever the pid file says, found %d", pid, got)
	}
	if err := d.start(t.Context()); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("expected no second daemon, found %v", err)
	}
	if _, err := os.Stat(d.pidFile()); err != nil {
		t.Errorf("expected the pid file to stay, found %v", err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("long enough"))
	defer cancel()
	if found, err := find(ctx, d); found != nil || err == nil || err.Error() != "long enough" {
		t.Errorf("expected it to wait for the daemon, found %v, %v", found, err)
	}
	if err := terminate(t.Context(), pid, "dockerd", "--pidfile="+d.pidFile()); err != nil || d.pid() != 0 {
		t.Errorf("expected the daemon to be ended, found %v", err)
	}
}

func TestOnlyTheDaemonItselfIsEnded(t *testing.T) {
	d := newDaemon(t.TempDir())
	other := fakeDaemon(t, newDaemon(t.TempDir()))
	if err := terminate(t.Context(), other, "dockerd", "--pidfile="+d.pidFile()); err != nil {
		t.Fatal(err)
	}
	if len(commandOf(other)) == 0 {
		t.Error("a process that got the daemon's id was ended")
	}
}

// fakeClient puts a stand-in for a container client first on the path.
func fakeClient(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func TestFindUsesAnEngineThatAnswers(t *testing.T) {
	fakeClient(t, "docker", "echo 27.1.2\n")
	t.Setenv("DOCKER_HOST", "")
	found, err := find(t.Context(), newDaemon(t.TempDir()))
	if err != nil || found == nil {
		t.Fatalf("got %v, %v, want the engine that answers", found, err)
	}
	if found.Own() || found.version != "27.1.2" {
		t.Errorf("got %+v, want the person's own docker 27.1.2", found)
	}
}

func TestFindRejectsAHostThatDoesNotAnswer(t *testing.T) {
	fakeClient(t, "docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1\n")
	t.Setenv("DOCKER_HOST", "tcp://engine.invalid:2375")
	_, err := find(t.Context(), newDaemon(t.TempDir()))
	if err == nil {
		t.Fatal("a DOCKER_HOST that does not answer was passed over")
	}
	for _, part := range []string{"DOCKER_HOST=tcp://engine.invalid:2375", "Cannot connect", "unset DOCKER_HOST"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
}

func TestFindFindsNone(t *testing.T) {
	fakeClient(t, "docker", "exit 1\n")
	t.Setenv("DOCKER_HOST", "")
	start := time.Now()
	found, err := find(t.Context(), newDaemon(t.TempDir()))
	if err != nil || found != nil {
		t.Errorf("got %v, %v, want neither an engine nor an error", found, err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %v to find that no engine answers", took)
	}
}

func TestCleanLeavesNothingWhereNothingIs(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	var out bytes.Buffer
	if err := Clean(t.Context(), nil, &out); err != nil || out.Len() > 0 {
		t.Errorf("got %v, %q, want nothing to do", err, out.String())
	}
}

func TestCleanRefusesAnEngineWithForeignContainers(t *testing.T) {
	ours, foreign, unnamedVolume := strings.Repeat("a", 64), strings.Repeat("b", 64), strings.Repeat("c", 64)
	for name, tt := range map[string]struct {
		below string // of the daemon's data
		says  string
	}{
		"a container":           {"containers/" + foreign, "container web of nginx"},
		"a volume":              {"volumes/photos", "volume photos"},
		"only what is a node's": {"volumes/" + unnamedVolume, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			dir, err := CacheDir()
			if err != nil {
				t.Fatal(err)
			}
			data := filepath.Join(dir, "engine", "data")
			for _, below := range []string{"containers/" + ours, tt.below} {
				if err := os.MkdirAll(filepath.Join(data, below), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(data, tt.below, "config.v2.json"), []byte(`{"Name":"/web","Config":{"Image":"nginx"}}`), 0o600); err != nil {
				t.Fatal(err)
			}
			err = Clean(t.Context(), []string{ours}, io.Discard)
			if tt.says == "" {
				if _, gone := os.Stat(filepath.Join(dir, "engine")); err != nil || !errors.Is(gone, os.ErrNotExist) {
					t.Errorf("expected the engine to be gone, found %v, %v", err, gone)
				}
				return
			}
			if _, there := os.Stat(filepath.Join(data, tt.below)); there != nil || err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("expected an error that names %s, and that it stays, found %v, %v", tt.says, err, there)
			}
		})
	}
}
