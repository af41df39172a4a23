package nodeimage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// pull has the engine fetch an image. A registry that does not answer is given up after registryAnswersWithin; a transfer that has begun has no limit.
func pull(ctx context.Context, e *engine.Engine, image string, progress io.Writer) error {
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
		return fmt.Errorf("%s: %w", last, err)
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
