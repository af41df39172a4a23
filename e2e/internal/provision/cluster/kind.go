package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"
	kind "sigs.k8s.io/kind/pkg/cluster"
	kindnodes "sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"
	"sigs.k8s.io/kind/pkg/exec"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/container"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// configName is the kind configuration at the top of the project.
const configName = "kind-config.yaml"

// projectConfig reads the project's kind configuration, which lies beside its go.mod at or above the current folder.
func projectConfig() ([]byte, error) {
	start, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			if text, err := os.ReadFile(filepath.Join(dir, configName)); err == nil {
				return text, nil
			}
		}
		if dir == filepath.Dir(dir) {
			return nil, fmt.Errorf("no folder at or above %s holds go.mod and %s: a cluster is created from within the project", start, configName)
		}
	}
}

// kindProvider returns kind's library for an engine. The library runs the engine's client in this process's environment, so the address
// of a docker engine has to be set there; all clusters of a process are in the same engine.
func kindProvider(e *engine.Engine) (*kind.Provider, error) {
	if e.Program == container.Podman {
		return kind.NewProvider(kind.ProviderWithPodman()), nil
	}
	if e.Address != "" {
		if err := os.Setenv("DOCKER_HOST", e.Address); err != nil {
			return nil, err
		}
	}
	return kind.NewProvider(kind.ProviderWithDocker()), nil
}

// runKind has kind create the cluster, of count nodes, and write its kubeconfig. It uses kind's library and not its command, because then no process of
// kind's outlives this one and no Go is needed to build it. The library takes no context: once ctx ends, the nodes are deleted until
// kind gives up.
func (c *Cluster) runKind(ctx context.Context, image string, config []byte, count int) error {
	created := make(chan error, 1)
	go func() {
		created <- c.kind.Create(c.name, kind.CreateWithRawConfig(config), kind.CreateWithNodeImage(image),
			kind.CreateWithKubeconfigPath(c.dir.kubeconfig()))
	}()
	// Nodes are recorded as they appear: should this process be killed, the next one knows that they are this cluster's.
	appeared := time.NewTicker(nodesAppearEvery)
	defer appeared.Stop()
	for ctx.Err() == nil {
		select {
		case err := <-created:
			return kindError(err)
		case <-appeared.C:
			if err := c.recordNodes(ctx); err == nil && len(c.state.Nodes) >= count {
				appeared.Stop()
			}
		case <-ctx.Done():
		}
	}
	stopping, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), kindStopsWithin, fmt.Errorf("kind did not stop within %s", kindStopsWithin))
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		deleted := errors.Join(c.recordNodes(stopping), c.kind.Delete(c.name, c.dir.kubeconfig()))
		select {
		case err := <-created:
			return errors.Join(context.Cause(ctx), kindError(err))
		case <-stopping.Done():
			return errors.Join(context.Cause(ctx), context.Cause(stopping), kindError(deleted))
		case <-tick.C:
		}
	}
}

// kindError adds to an error of kind's the last lines of what the program printed that failed, without its log and stack traces.
func kindError(err error) error {
	if err == nil {
		return nil
	}
	if run := exec.RunErrorForError(err); run != nil {
		return fmt.Errorf("kind: %w\n%s", err, host.LastLines(noise.ReplaceAllString(string(run.Output), ""), 20))
	}
	return fmt.Errorf("kind: %w", err)
}

// noise is what kubeadm says at its verbosity of 6, and a function of a stack trace, with the line below that names its place.
var noise = regexp.MustCompile(`(?m)^(I\d{4} .*|\S+\n\t\S+\.go:\d+)(\n|$)`)

// loadImage copies an image of the engine into the nodes that do not have it.
func (c *Cluster) loadImage(ctx context.Context, image string) error {
	if reference, err := name.ParseReference(image); err != nil {
		return err
	} else if tag, ok := reference.(name.Tag); !ok {
		// containerd would know it by the digest of the archive's manifest, which is another one: the nodes pull it themselves.
		return nil
	} else if !strings.HasSuffix(image, ":"+tag.TagStr()) {
		// Without a tag an engine saves all images of the repository.
		image += ":" + tag.TagStr()
	}
	id, err := c.engine.Output(ctx, "image", "inspect", "--format", "{{.Id}}", image)
	if err != nil {
		return err
	}
	nodes, err := c.kind.ListInternalNodes(c.name)
	if err != nil {
		return kindError(err)
	}
	// podman leaves out the kind of the digest.
	nodes = lacking(nodes, image, "sha256:"+strings.TrimPrefix(strings.TrimSpace(id), "sha256:"))
	if len(nodes) == 0 {
		return nil
	}
	dir, err := os.MkdirTemp("", "conformance-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	saved, archive := filepath.Join(dir, "saved.tar"), filepath.Join(dir, "image.tar")
	if _, err := c.engine.Output(ctx, "save", "--output", saved, image); err != nil {
		return err
	}
	if id, err = onePlatform(saved, archive); err != nil {
		return fmt.Errorf("image %s: %w", image, err)
	}
	var group errgroup.Group
	// With containerd's image store, the engine's own ID of an image is not that of the nodes.
	for _, n := range lacking(nodes, image, id) {
		group.Go(func() error {
			file, err := os.Open(archive)
			if err != nil {
				return err
			}
			defer file.Close()
			return kindError(nodeutils.LoadImageArchive(n, file))
		})
	}
	return group.Wait()
}

// lacking returns the nodes that do not hold the image under that ID.
func lacking(nodes []kindnodes.Node, image, id string) []kindnodes.Node {
	return slices.DeleteFunc(nodes, func(n kindnodes.Node) bool {
		present, err := nodeutils.ImageID(n, image)
		return err == nil && present == id
	})
}

// digest distinguishes one kind configuration from another.
func digest(config []byte) string {
	sum := sha256.Sum256(config)
	return hex.EncodeToString(sum[:6])
}
