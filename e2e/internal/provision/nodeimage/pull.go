package nodeimage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// pull has the engine fetch an image, again after each of some pauses where the answer may pass: what follows otherwise is a build of many minutes.
func pull(ctx context.Context, e *engine.Engine, image string, progress io.Writer) error {
	return tryAgain(ctx, pullPauses(), func(pause time.Duration, failed error) {
		fmt.Fprintf(progress, "image %s: not pulled (%v); tried again in %s\n", image, failed, pause)
	}, func() error { return pullOnce(ctx, e, image, progress) })
}

// pullPauses are the pauses before each further attempt to pull an image.
func pullPauses() []time.Duration {
	return []time.Duration{2 * time.Second, 6 * time.Second, 18 * time.Second}
}

// tryAgain makes an attempt until it succeeds, fails in a way that stays, or has failed after every pause; before each pause it calls said.
func tryAgain(ctx context.Context, pauses []time.Duration, said func(time.Duration, error), attempt func() error) error {
	err := attempt()
	for _, pause := range pauses {
		if err == nil || !mayPass(err) || ctx.Err() != nil {
			break
		}
		said(pause, err)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
		err = attempt()
	}
	return err
}

// brokenOffError is the error of a transfer that had begun.
type brokenOffError struct{ error }

// Unwrap returns the error itself.
func (e brokenOffError) Unwrap() error { return e.error }

// mayPass reports whether an engine's error in pulling an image is one that a later attempt may not meet: a registry that is overloaded or has a limit, or
// one that broke off. A machine without a network, a registry that refuses or that has no such image stay as they are, and so does silence, which is what a
// firewall without a way out answers.
func mayPass(err error) bool {
	text := strings.ToLower(err.Error())
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
	}
	switch {
	case has("toomanyrequests", "too many requests", "rate limit"):
		return true
	case has("not found", "manifest unknown", "name unknown", "no such host", "connection refused", "network is unreachable", "no route to host", "denied", "unauthorized",
		"forbidden", "no matching manifest", "no space left", "cannot connect to the docker daemon"):
		return false
	case errors.As(err, new(brokenOffError)):
		return true
	}
	return has("500 internal server error", "502 bad gateway", "503 service unavailable", "504 gateway", "tls handshake timeout", "timeout exceeded", "deadline exceeded",
		"connection reset", "eof")
}

// pullOnce has the engine fetch an image. A registry that does not answer is given up after registryAnswersWithin; a transfer that has begun has no limit.
func pullOnce(ctx context.Context, e *engine.Engine, image string, progress io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := fmt.Errorf("no registry answered within %s", registryAnswersWithin)
	timer := time.AfterFunc(registryAnswersWithin, func() { cancel(silence) })
	defer timer.Stop()

	cmd := e.Command(ctx, "pull", image)
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		writer.Close()
		ended <- err
	}()
	last, begun := "", false
	for lines := bufio.NewScanner(reader); lines.Scan(); {
		last = lines.Text()
		if !begun && transferBegan(last) {
			begun = true
			timer.Stop()
			fmt.Fprintf(progress, "pulling %s\n", image)
		}
	}
	if err := <-ended; err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		err = fmt.Errorf("%s: %w", last, err)
		if begun {
			err = brokenOffError{err}
		}
		return err
	}
	return noteImage(image)
}

// imagesFile lists the images that this project brought into an engine, one a line.
func imagesFile() (string, error) {
	cache, err := engine.CacheDir()
	return filepath.Join(cache, "images"), err
}

// noteImage notes an image that this project pulls or makes; no other is ever removed.
func noteImage(image string) error {
	file, err := imagesFile()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	list, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(list, image)
	return errors.Join(err, list.Close())
}

// transferBegan reports whether a line is docker's or podman's first about an image that the registry has.
func transferBegan(line string) bool {
	return strings.Contains(line, ": Pulling ") || strings.HasPrefix(line, "Copying ") || strings.HasPrefix(line, "Digest:")
}
