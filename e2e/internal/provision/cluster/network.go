package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// kindNetwork is the engine's network that kind makes for its first cluster and never removes.
const kindNetwork = "kind"

// networkFile is the file that names the engine in which kind's network came with a cluster of ours.
func networkFile() (string, error) {
	cache, err := engine.CacheDir()
	return filepath.Join(cache, "clusters", ".network"), err
}

// recordNetwork records whether kind's network is about to be made for a cluster of ours.
func recordNetwork(ctx context.Context, e *engine.Engine) error {
	found, err := e.Output(ctx, "network", "ls", "--quiet", "--filter", "name=^"+kindNetwork+"$")
	if err != nil || strings.TrimSpace(found) != "" {
		return err
	}
	file, err := networkFile()
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(e.Host()), 0o600)
}

// removeNetwork removes kind's network if a cluster of ours brought it and no container uses it.
func removeNetwork(ctx context.Context) error {
	file, err := networkFile()
	if err != nil {
		return err
	}
	host, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	found, err := engine.Find(ctx)
	if err != nil || found == nil || found.Host() != string(host) || found.Own() {
		return err
	}
	users, err := found.Output(ctx, "ps", "--all", "--quiet", "--filter", "network="+kindNetwork)
	if err != nil || strings.TrimSpace(users) != "" {
		return err
	}
	_, err = found.Output(ctx, "network", "rm", kindNetwork)
	return err
}
