package nodeimage

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// Clean removes the container and the images that this cache recorded: others have containers of the same images, on the same engine.
func TestCleanRemovesOnlyWhatWasRecorded(t *testing.T) {
	for name, c := range map[string]struct {
		recorded, present string // the container of a build, and what the engine has of that ID and label
		want              []string
	}{
		"a build that was killed": {"ours", "ours", []string{"image rm mine:1", "image rm used:1", "rm --force --volumes ours"}},
		"one of another engine":   {"ours", "", []string{"image rm mine:1", "image rm used:1"}},
		"no build":                {"", "theirs", []string{"image rm mine:1", "image rm used:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			cache, calls := filepath.Join(t.TempDir(), engine.Project), filepath.Join(t.TempDir(), "calls")
			t.Setenv("XDG_CACHE_HOME", filepath.Dir(cache))
			fakeEngine(t, `echo "$*" >>'`+calls+`'
case "$1 $2 $3" in
version*) echo 28.0.0 ;;
ps*) echo '`+c.present+`' ;;
"image inspect"*) ;;
"image rm used:1") echo "a container uses it" >&2; exit 1 ;;
esac`)
			if err := os.MkdirAll(filepath.Join(cache, "node-image"), 0o700); err != nil {
				t.Fatal(err)
			}
			for file, text := range map[string]string{"images": "mine:1\nused:1\n", "node-image/container": c.recorded + "\n"} {
				if file != "images" && c.recorded == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(cache, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var said bytes.Buffer
			if err := Clean(t.Context(), &said); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(calls)
			if err != nil {
				t.Fatal(err)
			}
			var removals []string
			for call := range strings.Lines(string(text)) {
				if call = strings.TrimSpace(call); strings.HasPrefix(call, "rm ") || strings.Contains(call, "prune") || strings.HasPrefix(call, "image rm") {
					removals = append(removals, call)
				}
			}
			slices.Sort(removals)
			if !slices.Equal(removals, c.want) {
				t.Errorf("expected the removals %q, found %q", c.want, removals)
			}
			if !strings.Contains(said.String(), "the image used:1 stays") {
				t.Errorf("expected to be told which image stays, found %q", said.String())
			}
		})
	}
}

// fakeEngine has a script answer as the docker of a person.
func fakeEngine(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("DOCKER_HOST", "tcp://engine.invalid:2375")
}
