package container

import (
	"slices"
	"testing"
)

func TestEnvLeadsToTheEngine(t *testing.T) {
	tests := []struct {
		name   string
		client Client
		want   []string
	}{
		{"the default docker needs nothing", Client{Program: Docker}, nil},
		{"our own is named by its socket", Client{Program: Docker, Address: "unix:///s"}, []string{"DOCKER_HOST=unix:///s"}},
		{"kind needs podman named", Client{Program: Podman}, []string{"KIND_EXPERIMENTAL_PROVIDER=podman"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.client.Env(); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAtLeadsToTheSameEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", "tcp://elsewhere:2376")
	for _, e := range []Client{{Program: Docker}, {Program: Podman}, {Program: Docker, Address: "unix:///run/own.sock"}} {
		again := At(e.Host())
		if again.Program != e.Program || again.Host() != e.Host() {
			t.Errorf("of %+v, at %q: found %+v", e, e.Host(), again)
		}
	}
}
