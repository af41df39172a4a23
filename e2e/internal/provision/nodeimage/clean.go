package nodeimage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// containerLabel marks the container that a node image is made in.
const containerLabel = "statefulset-conformance.container=node-image-build"

// containerFile holds the ID of the container that a node image is made in, as long as it is there.
func containerFile() (string, error) {
	cache, err := engine.CacheDir()
	return filepath.Join(cache, "node-image", "container"), err
}

// Container returns the ID of the container that a build which was killed has left, "" if there is none.
func Container() (string, error) {
	file, err := containerFile()
	if err != nil {
		return "", err
	}
	id, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(id)), err
}

// removeContainer removes the container that a node image was made in, whose ID was recorded. The caller holds the build's lock.
func removeContainer(ctx context.Context, e *engine.Engine) error {
	file, err := containerFile()
	if err != nil {
		return err
	}
	recorded, err := Container()
	if err != nil {
		return err
	}
	if recorded != "" {
		// The engine may be another one than that of the build.
		found, err := e.Output(ctx, "ps", "--all", "--quiet", "--no-trunc", "--filter", "id="+recorded, "--filter", "label="+containerLabel)
		if err != nil {
			return err
		}
		if strings.TrimSpace(found) == recorded {
			if _, err := e.Output(ctx, "rm", "--force", "--volumes", recorded); err != nil {
				return err
			}
		}
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Clean removes what this package's builds left in the engine that answers: the images that were noted, unless a container uses them, and
// the container of a build that was killed; and the build cache. It fails while a build is under way.
func Clean(ctx context.Context, progress io.Writer) error {
	cache, err := engine.CacheDir()
	if err != nil {
		return err
	}
	for _, dir := range []string{"node-image", "changed"} {
		dir = filepath.Join(cache, dir)
		unlock, err := host.TryLock(dir + ".lock")
		if err != nil {
			return fmt.Errorf("another run is building an image or a program: %w", err)
		}
		defer unlock() //nolint:gocritic // There are two, and both are held to the end.
	}
	found, err := engine.Find(ctx)
	// What is in a daemon of our own that is silent goes with it.
	if err != nil && !errors.Is(err, engine.ErrSilent) {
		return err
	}
	if found != nil {
		if err := removeContainer(ctx, found); err != nil {
			return err
		}
		// Those in an engine of our own go with it.
		if !found.Own() {
			if err := cleanImages(ctx, found, progress); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{"node-image", "node-image.lock", "changed", "changed.lock", "images"} {
		if err := os.RemoveAll(filepath.Join(cache, name)); err != nil {
			return err
		}
	}
	return nil
}

// cleanImages removes the images that were noted. The engine itself keeps one that a container uses.
func cleanImages(ctx context.Context, e *engine.Engine, progress io.Writer) error {
	file, err := imagesFile()
	if err != nil {
		return err
	}
	list, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for image := range strings.FieldsSeq(string(list)) {
		if !present(ctx, e, image) {
			continue
		}
		fmt.Fprintf(progress, "node image: removing the image %s\n", image)
		if _, err := e.Output(ctx, "image", "rm", image); err != nil {
			fmt.Fprintf(progress, "node image: the image %s stays: %v\n", image, err)
		}
	}
	return nil
}
