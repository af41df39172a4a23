package engine

import (
	"bytes"
	"os"
	"path/filepath"
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

func TestPidIsOursOrNone(t *testing.T) {
	d := newDaemon(t.TempDir())
	if d.pid() != 0 {
		t.Error("a pid without a pid file")
	}
	// This test's own process is alive and is no daemon of ours.
	for _, text := range []string{"1", "not a number", "", "-1"} {
		if err := os.WriteFile(d.pidFile(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := d.pid(); got != 0 {
			t.Errorf("pid file %q: got %d, want none", text, got)
		}
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

const dockersRules = `# Generated
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i br-1 -j RETURN
COMMIT
*filter
:FORWARD DROP [0:0]
:DOCKER-USER - [0:0]
:MINE - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j MINE
-A DOCKER-USER -j RETURN
COMMIT
`

func TestRemovalsTakeOutDockersChainsOnly(t *testing.T) {
	var got []string
	for _, args := range removals(dockersRules) {
		got = append(got, strings.Join(args, " "))
	}
	want := []string{
		"--table nat --delete PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
		"--table nat --delete OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
		"--table filter --delete FORWARD -j DOCKER-USER",
		"--table nat --flush DOCKER",
		"--table filter --flush DOCKER-USER",
		"--table nat --delete-chain DOCKER",
		"--table filter --delete-chain DOCKER-USER",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(removals("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j MINE\nCOMMIT\n")) > 0 {
		t.Error("rules without any of docker's are changed")
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
	if err := Clean(t.Context(), &out); err != nil || out.Len() > 0 {
		t.Errorf("got %v, %q, want nothing to do", err, out.String())
	}
}
