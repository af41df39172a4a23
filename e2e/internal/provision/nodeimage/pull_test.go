package nodeimage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/container"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// Only what another attempt may not meet is tried again: whoever has no network waits for nothing.
func TestPullsThatAreTriedAgain(t *testing.T) {
	for text, again := range map[string]bool{
		"toomanyrequests: You have reached your unauthenticated pull rate limit":                       true,
		"Error response from daemon: received unexpected HTTP status: 503 Service Unavailable":         true,
		"received unexpected HTTP status: 502 Bad Gateway":                                             true,
		`Get "https://registry-1.docker.io/v2/": net/http: TLS handshake timeout`:                      true,
		"read tcp 10.0.0.1:1->192.0.2.1:443: read: connection reset by peer":                           true,
		"manifest for kindest/node:v1 not found: manifest unknown: manifest unknown":                   false,
		"dial tcp: lookup registry-1.docker.io: no such host":                                          false,
		"dial tcp 192.0.2.1:443: connect: connection refused":                                          false,
		"dial tcp 192.0.2.1:443: connect: network is unreachable":                                      false,
		"pull access denied for a, repository does not exist or may require 'docker login'":            false,
		"no registry answered within 5s":                                                               false,
		"write /var/lib/docker/tmp/GetImageBlob1: no space left on device: unexpected EOF from writer": false,
	} {
		if got := mayPass(errors.New(text)); got != again {
			t.Errorf("%s: expected %t, found %t", text, again, got)
		}
	}
	if !mayPass(fmt.Errorf("pulling: %w", brokenOffError{errors.New("exit status 1")})) {
		t.Error("expected a transfer that broke off to be tried again")
	}
}

func TestTryAgain(t *testing.T) {
	passes, stays := errors.New("503 Service Unavailable"), errors.New("manifest unknown")
	pauses := []time.Duration{time.Millisecond, 2 * time.Millisecond}
	for name, c := range map[string]struct {
		answers  []error
		attempts int
		want     error
	}{
		"at once":            {[]error{nil}, 1, nil},
		"after two pauses":   {[]error{passes, passes, nil}, 3, nil},
		"never":              {[]error{passes, passes, passes, nil}, 3, passes},
		"not there":          {[]error{stays, nil}, 1, stays},
		"not there any more": {[]error{passes, stays, nil}, 2, stays},
	} {
		attempts, said := 0, 0
		err := tryAgain(t.Context(), pauses, func(pause time.Duration, failed error) {
			if pause != pauses[said] || !errors.Is(failed, passes) {
				t.Errorf("%s: expected the pause of %v for %v, found %v for %v", name, pauses[said], passes, pause, failed)
			}
			said++
		}, func() error {
			attempts++
			return c.answers[attempts-1]
		})
		if !errors.Is(err, c.want) || attempts != c.attempts || said != c.attempts-1 {
			t.Errorf("%s: expected %d attempts and %v, found %d, %d of them announced, and %v", name, c.attempts, c.want, attempts, said+1, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := tryAgain(ctx, []time.Duration{time.Hour}, func(time.Duration, error) { cancel() }, func() error { return passes })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("expected an interruption to end the pause, found %v", err)
	}
}

// The engine is asked a second time, and a person sees why that takes a moment.
func TestPullIsTriedAgain(t *testing.T) {
	for first, why := range map[string]string{
		`echo "toomanyrequests: later"`:             "toomanyrequests: later",
		`echo "1: Pulling from a"; echo "went off"`: "went off",
	} {
		dir := t.TempDir()
		t.Setenv("XDG_CACHE_HOME", dir)
		fakeEngine(t, `if [ -e `+dir+`/tried ]; then echo "1: Pulling from a"; exit 0; fi; touch `+dir+`/tried; `+first+`; exit 1`)
		var progress strings.Builder
		err := pull(t.Context(), &engine.Engine{Client: container.Client{Program: container.Docker}}, "a:1", &progress)
		want := "image a:1: not pulled (" + why + ": exit status 1); tried again in 2s\n"
		if _, tried := os.Stat(dir + "/tried"); err != nil || tried != nil || !strings.Contains(progress.String(), want) {
			t.Errorf("expected a second attempt, and to be told of it, found %v and %s", err, progress.String())
		}
	}
}
