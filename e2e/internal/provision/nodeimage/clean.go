package nodeimage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// Clean removes the images that this package made in the engine that answers, and its build cache.
func Clean(ctx context.Context, progress io.Writer) error {
	found, err := engine.Find(ctx)
	if err != nil {
		return err
	}
	if found != nil {
		if err := errors.Join(cleanImages(ctx, found, progress), cleanPulled(ctx, found, progress)); err != nil {
			return err
		}
	}
	cache, err := engine.CacheDir()
	if err != nil {
		return err
	}
	dir := filepath.Join(cache, "node-image")
	return errors.Join(os.RemoveAll(dir), os.RemoveAll(dir+".lock"))
}

func cleanImages(ctx context.Context, e *engine.Engine, progress io.Writer) error {
	for _, list := range [][]string{
		{"ps", "--all", "--quiet", "--filter", "label=" + Label},
		{"image", "ls", "--quiet", "--no-trunc", "--filter", "label=" + Label},
	} {
		out, err := e.Output(ctx, list...)
		if err != nil {
			return err
		}
		ids := strings.Fields(out)
		slices.Sort(ids)
		if ids = slices.Compact(ids); len(ids) == 0 {
			continue
		}
		command := []string{"rm", "--force", "--volumes"}
		if list[0] == "image" {
			command = []string{"image", "rm", "--force"}
			fmt.Fprintf(progress, "node image: removing %d images\n", len(ids))
		}
		if _, err := e.Output(ctx, append(command, ids...)...); err != nil {
			return err
		}
	}
	return nil
}

// cleanPulled removes the images that this project pulled, unless a container uses them.
func cleanPulled(ctx context.Context, e *engine.Engine, progress io.Writer) error {
	file, err := pulledFile()
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
		fmt.Fprintf(progress, "node image: removing %s, which was pulled\n", image)
		if _, err := e.Output(ctx, "image", "rm", image); err != nil {
			fmt.Fprintf(progress, "node image: %s stays: %v\n", image, err)
		}
	}
	return os.Remove(file)
}
