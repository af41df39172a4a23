package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestConfigurations(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want []string
	}{
		{"create names its bundle", []string{"--root", "/run/x", "--log", "/l", "--log-format", "json", "create", "--bundle", "/b", "id"}, []string{"/b/config.json"}},
		{"create with joined flag", []string{"create", "--bundle=/b", "id"}, []string{"/b/config.json"}},
		{"create with short flag", []string{"--systemd-cgroup", "create", "-b", "/b", "id"}, []string{"/b/config.json"}},
		{"run without bundle works in the current folder", []string{"run", "id"}, []string{"config.json"}},
		{"exec names its process file", []string{"--root", "/run/x", "exec", "--process", "/tmp/p", "--detach", "id"}, []string{"/tmp/p"}},
		{"exec without a process file", []string{"exec", "id", "sh"}, nil},
		{"a global flag's value is not taken for the command", []string{"--root", "create", "state", "id"}, nil},
		{"state asks for nothing", []string{"state", "id"}, nil},
		{"no command", []string{"--version"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := configurations(tt.args); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestGrantedCapabilities(t *testing.T) {
	file := filepath.Join(t.TempDir(), "status")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	write("Name:\tx\nCapEff:\t000001ffffffffff\nCapBnd:\t000001fffeffffff\n")
	granted, err := grantedCapabilities(file)
	if err != nil {
		t.Fatal(err)
	}
	if granted["CAP_SYS_RESOURCE"] {
		t.Error("CAP_SYS_RESOURCE is bit 24, which the mask lacks, yet it counts as granted")
	}
	if len(granted) != len(capabilityNames())-1 {
		t.Errorf("got %d capabilities granted, want all but one of %d", len(granted), len(capabilityNames()))
	}

	write("Name:\tx\n")
	if _, err := grantedCapabilities(file); err == nil {
		t.Error("a status without CapBnd was accepted")
	}
	write("CapBnd:\tzz\n")
	if _, err := grantedCapabilities(file); err == nil {
		t.Error("a mask that is no number was accepted")
	}
}

func TestDropCapabilities(t *testing.T) {
	granted := map[string]bool{"CAP_CHOWN": true}
	tests := []struct {
		name, in, want string
		changed        bool
	}{
		{
			"config.json loses what is not granted, in every set, and nothing else",
			`{"ociVersion":"1.0.2","process":{"capabilities":{"bounding":["CAP_CHOWN","CAP_SYS_RESOURCE"],"permitted":["CAP_SYS_RESOURCE"]},"cwd":"/"},"linux":{"limit":9223372036854775807}}`,
			`{"ociVersion":"1.0.2","process":{"capabilities":{"bounding":["CAP_CHOWN"],"permitted":[]},"cwd":"/"},"linux":{"limit":9223372036854775807}}`,
			true,
		},
		{
			"a process file by itself",
			`{"args":["sh"],"capabilities":{"effective":["CAP_SYS_RESOURCE","CAP_CHOWN"]}}`,
			`{"args":["sh"],"capabilities":{"effective":["CAP_CHOWN"]}}`,
			true,
		},
		{"all granted: not touched", `{"process":{"capabilities":{"bounding":["CAP_CHOWN"]}}}`, `{"process":{"capabilities":{"bounding":["CAP_CHOWN"]}}}`, false},
		{"no capabilities at all", `{"args":["sh"]}`, `{"args":["sh"]}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, changed, err := dropCapabilities([]byte(tt.in), granted)
			if err != nil {
				t.Fatal(err)
			}
			if changed != tt.changed {
				t.Errorf("changed = %v, want %v", changed, tt.changed)
			}
			var got, want any
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %s\nwant %s", out, tt.want)
			}
		})
	}
	if _, _, err := dropCapabilities([]byte("not JSON"), granted); err == nil {
		t.Error("a document that is not JSON was accepted")
	}
}

func TestDropFromFileKeepsTheMode(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(`{"process":{"capabilities":{"bounding":["CAP_SYS_RESOURCE"]}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dropFromFile(file, nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, want 0600", info.Mode().Perm())
	}
}
