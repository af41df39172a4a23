package matrix

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/time/rate"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/imagelayer"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/container"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

const (
	// registryName is what the nodes' container runtime knows the registry by; no DNS has it.
	registryName = "registry.statefulset-conformance.local"
	// pullUser and pullPassword are what the registry wants of who pulls.
	pullUser, pullPassword = "puller", "of-the-matrix"
	// lineBytes is how many bytes a second the registry sends to all nodes together.
	lineBytes = 16 << 20
	// sentAtOnce is how many bytes of them may go out without a wait.
	sentAtOnce = lineBytes / 4
	// limitedEvery is of how many requests for a manifest one is answered with 429.
	limitedEvery = 3
	// answersWithin is how long a node may take with the head of a request.
	answersWithin = 10 * time.Second
)

// Registry is a registry on this machine that has the workload's images, and from which the nodes of a kind cluster pull them: with credentials, over a
// slow line, and with 429 (too many requests) for an answer now and then.
type Registry struct {
	dir    string
	server *http.Server
	gate   *gate
	images runconfig.Images
	// architecture is the one that images are said to be for, "" for their own.
	architecture string
}

// ServeRegistry starts a registry with images for an architecture, "" for the nodes', and has the nodes of a cluster find it. The caller closes it.
func ServeRegistry(ctx context.Context, engine container.Client, cluster, architecture string, progress io.Writer) (_ *Registry, err error) {
	r := &Registry{architecture: architecture}
	if r.dir, err = os.MkdirTemp("", "conformance-*"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	kept := registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)))
	if err := r.fill(ctx, kept, progress); err != nil {
		return nil, fmt.Errorf("filling the registry: %w", err)
	}
	gateway, err := gatewayOf(ctx, engine)
	if err != nil {
		return nil, err
	}
	r.gate = &gate{next: kept, line: rate.NewLimiter(lineBytes, sentAtOnce)}
	var address string
	if r.server, address, err = serve(ctx, gateway, r.gate); err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "registry: serves the workload's images at %s, with credentials\n", address)
	return r, announce(ctx, engine, cluster, address)
}

// Use has a run pull its images from the registry.
func (r *Registry) Use(s *runconfig.Settings) error {
	login, err := json.Marshal(map[string]any{"auths": map[string]any{registryName: map[string]string{"username": pullUser, "password": pullPassword}}})
	if err != nil {
		return err
	}
	s.PullSecret = filepath.Join(r.dir, "config.json")
	s.Images.Nginx, s.Images.Busybox = r.images.Nginx, r.images.Busybox
	s.PodPatch = s.PodPatch.With(map[string]any{"imagePullSecrets": []any{map[string]any{"name": runconfig.PullSecretName}}})
	return os.WriteFile(s.PullSecret, login, 0o600)
}

// Used says what the nodes did with the registry. The error says that something of it was not put to the test.
func (r *Registry) Used() (string, error) {
	served, refused, limited := r.gate.served.Load(), r.gate.refused.Load(), r.gate.limited.Load()
	text := fmt.Sprintf("registry: %d manifests served, %d requests without credentials refused, %d answered with 429", served, refused, limited)
	if served == 0 || refused == 0 || limited == 0 {
		return text, fmt.Errorf("expected the nodes to pull, with credentials and in spite of 429; %s", text)
	}
	return text, nil
}

// Close ends the registry.
func (r *Registry) Close() error {
	var err error
	if r.server != nil {
		err = r.server.Close()
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}

// fill puts the workload's images into the registry. Each gets a layer below its own, so that no node holds a part of it already.
func (r *Registry) fill(ctx context.Context, kept http.Handler, progress io.Writer) (err error) {
	server, address, err := serve(ctx, "127.0.0.1", kept)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	return nodeimage.BuildWorkload(ctx, progress, func(w nodeimage.Workload, built map[name.Tag]v1.Image) error {
		for tag, image := range built {
			image, err := r.anew(image, tag.RepositoryStr())
			if err != nil {
				return err
			}
			at, err := images.Mirrored(address, tag.Name())
			if err != nil {
				return err
			}
			to, err := name.ParseReference(at, name.Insecure)
			if err != nil {
				return err
			}
			if err := r.write(ctx, to, image); err != nil {
				return err
			}
		}
		if r.images.Nginx, err = images.Mirrored(registryName, w.Nginx); err != nil {
			return err
		}
		r.images.Busybox, err = images.Mirrored(registryName, w.Busybox)
		return err
	})
}

// write puts an image into the registry, as the only one of an index where it is said to be for another architecture: nodes look at that of an index alone.
func (r *Registry) write(ctx context.Context, to name.Reference, image v1.Image) error {
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuth(authn.Anonymous)}
	if r.architecture == "" {
		return remote.Write(to, image, options...)
	}
	platform := &v1.Platform{OS: "linux", Architecture: r.architecture}
	return remote.WriteIndex(to, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: platform}}), options...)
}

// anew returns an image with a further layer below its own: a container runtime knows layers by all that is below them.
func (r *Registry) anew(image v1.Image, repository string) (v1.Image, error) {
	below, err := imagelayer.New().Text("pulled", 0o644, []byte(repository)).Save(filepath.Join(r.dir, filepath.Base(repository)+".tar"))
	if err != nil {
		return nil, err
	}
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	out, err := mutate.AppendLayers(empty.Image, append([]v1.Layer{below}, layers...)...)
	if err != nil {
		return nil, err
	}
	made, err := out.ConfigFile()
	if err != nil {
		return nil, err
	}
	made = made.DeepCopy()
	made.Config, made.Architecture, made.OS = config.Config, cmp.Or(r.architecture, config.Architecture), config.OS
	return mutate.ConfigFile(out, made)
}

// serve serves a handler at a free port of an address of this machine.
func serve(ctx context.Context, at string, handler http.Handler) (*http.Server, string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(at, "0"))
	if err != nil {
		return nil, "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: answersWithin}
	go func() { _ = server.Serve(listener) }() // it ends with an error always: that it was closed
	return server, listener.Addr().String(), nil
}

// gatewayOf returns the address of this machine in kind's network.
func gatewayOf(ctx context.Context, engine container.Client) (string, error) {
	out, err := engine.Output(ctx, "network", "inspect", "--format", "{{range .IPAM.Config}}{{.Gateway}} {{end}}", "kind")
	if err != nil {
		return "", err
	}
	for address := range strings.FieldsSeq(out) {
		if ip := net.ParseIP(address); ip != nil && ip.To4() != nil {
			return address, nil
		}
	}
	return "", fmt.Errorf("expected an IPv4 gateway of the network kind, found %q", strings.TrimSpace(out))
}

// announce tells the nodes' container runtime where the registry is.
func announce(ctx context.Context, engine container.Client, cluster, address string) error {
	nodes, err := nodefault.List(ctx, engine, cluster)
	if err != nil {
		return err
	}
	hosts := fmt.Sprintf("server = %q\n", "http://"+address)
	for _, n := range nodes {
		// The runtime reads the folder at each pull.
		write := engine.Command(ctx, "exec", "--interactive", n.ID, "sh", "-c", "mkdir -p /etc/containerd/certs.d/"+registryName+" && cat > /etc/containerd/certs.d/"+registryName+"/hosts.toml")
		write.Stdin = strings.NewReader(hosts)
		if out, err := write.CombinedOutput(); err != nil {
			return fmt.Errorf("node %s: %w: %s", n.Name, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// gate stands before a registry.
type gate struct {
	next http.Handler
	line *rate.Limiter

	manifests, served, refused, limited atomic.Int64
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	manifest := strings.Contains(r.URL.Path, "/manifests/")
	switch {
	case user != pullUser || password != pullPassword:
		g.refused.Add(1)
		w.Header().Set("WWW-Authenticate", `Basic realm="images"`)
		w.WriteHeader(http.StatusUnauthorized)
	case manifest && g.manifests.Add(1)%limitedEvery == 1:
		g.limited.Add(1)
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	default:
		if manifest {
			g.served.Add(1)
		}
		g.next.ServeHTTP(&slow{ResponseWriter: w, ctx: r.Context(), line: g.line}, r)
	}
}

// slow is an answer over a slow line.
type slow struct {
	http.ResponseWriter
	ctx  context.Context
	line *rate.Limiter
}

func (s *slow) Write(data []byte) (int, error) {
	written := 0
	for len(data) > 0 {
		part := data[:min(len(data), s.line.Burst())]
		if err := s.line.WaitN(s.ctx, len(part)); err != nil {
			return written, err
		}
		n, err := s.ResponseWriter.Write(part)
		written += n
		if err != nil {
			return written, err
		}
		data = data[n:]
	}
	return written, nil
}
