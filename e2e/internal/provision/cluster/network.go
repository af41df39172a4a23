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

// networkFile is the file that names the engine in which kind's network came with a cluster of ours, and the network's ID.
func networkFile() (string, error) {
	cache, err := engine.CacheDir()
	return filepath.Join(cache, "clusters", ".network"), err
}

// networkID returns the ID of kind's network, "" when there is none.
func networkID(ctx context.Context, e *engine.Engine) (string, error) {
	found, err := e.Output(ctx, "network", "ls", "--quiet", "--no-trunc", "--filter", "name=^"+kindNetwork+"$")
	return strings.TrimSpace(found), err
}

// networkMissing reports whether kind is about to make its network.
func networkMissing(ctx context.Context, e *engine.Engine) (bool, error) {
	id, err := networkID(ctx, e)
	return id == "", err
}

// recordNetwork records the network that kind made for a cluster of ours.
func recordNetwork(ctx context.Context, e *engine.Engine) error {
	if e.Own() {
		return nil // it goes with the engine
	}
	id, err := networkID(ctx, e)
	if err != nil {
		return err
	}
	file, err := networkFile()
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(e.Host()+"\n"+id), 0o600)
}

// removeNetwork removes kind's network if a cluster of ours brought it and no container uses it.
func removeNetwork(ctx context.Context) error {
	file, err := networkFile()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	host, recorded, _ := strings.Cut(string(text), "\n")
	found, err := engine.Find(ctx)
	if err != nil || found == nil || found.Host() != host || found.Own() {
		return err
	}
	// A network of another ID is one that somebody else's kind made since.
	id, err := networkID(ctx, found)
	if err != nil || id == "" || id != recorded {
		return errors.Join(err, os.Remove(file))
	}
	users, err := found.Output(ctx, "ps", "--all", "--quiet", "--filter", "network="+kindNetwork)
	if err != nil || strings.TrimSpace(users) != "" {
		return err
	}
	_, err = found.Output(ctx, "network", "rm", id)
	return errors.Join(err, os.Remove(file))
}
