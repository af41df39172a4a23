package nodeimage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/imagelayer"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// kindLayer holds what makes a node of the userspace: kind's own entrypoint, units and settings, taken from the module of the kind in
// use, and the few files in which this node differs from kind's.
func (v versions) kindLayer(kindModule string) (*imagelayer.Layer, error) {
	l := imagelayer.New()
	files := os.DirFS(filepath.Join(kindModule, "images", "base", "files"))
	err := fs.WalkDir(files, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(file, "LICENSES/") {
			return err
		}
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(file, "kind/bin/") || strings.HasPrefix(file, "usr/local/bin/") {
			mode = 0o755
		}
		content, err := fs.ReadFile(files, file)
		l.Text("/"+file, mode, content)
		return err
	})
	if err != nil {
		return nil, err
	}
	kindConfig, err := fs.ReadFile(files, "etc/containerd/config.toml")
	if err != nil {
		return nil, err
	}
	config, err := containerdConfig(kindConfig, "registry.k8s.io/pause:"+v.pauseTag)
	if err != nil {
		return nil, err
	}
	l.Text("/etc/containerd/config.toml", 0o644, config).
		Text("/kind/version", 0o644, []byte(v.kubernetes)).
		Text("/kind/manifests/default-cni.yaml", 0o644, readFile("files/manifests/default-cni.yaml")).
		Text("/kind/manifests/default-storage.yaml", 0o644, readFile("files/manifests/default-storage.yaml")).
		Dir("/etc/kubernetes/manifests", 0o755)
	for _, unit := range []string{"containerd.service", "kubelet.service", "undo-mount-hacks.service"} {
		l.Link("/etc/systemd/system/multi-user.target.wants/"+unit, "/etc/systemd/system/"+unit)
	}
	return l, nil
}

// containerdConfig is kind's, without the snapshotter that is not here, with the pause image that kubeadm names, and with crun in the place of runc.
func containerdConfig(kinds []byte, pause string) ([]byte, error) {
	var config map[string]any
	if err := toml.Unmarshal(kinds, &config); err != nil {
		return nil, fmt.Errorf("kind's containerd configuration: %w", err)
	}
	plugins, _ := config["plugins"].(map[string]any)
	cri, ok := plugins["io.containerd.grpc.v1.cri"].(map[string]any)
	if !ok {
		return nil, errors.New("kind's containerd configuration has no section for the CRI plugin where it is expected")
	}
	cri["sandbox_image"] = pause
	cni, _ := cri["cni"].(map[string]any)
	if cni == nil {
		cni = map[string]any{}
		cri["cni"] = cni
	}
	runtimes := runtimesOf(cri)
	if len(runtimes) == 0 {
		return nil, errors.New("kind's containerd configuration has no runtimes where they are expected")
	}
	for name, runtime := range runtimes {
		options, ok := runtime["options"].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("kind's containerd configuration has no options for the runtime %s", name)
		}
		options["BinaryName"] = nodeRuntime
	}
	// containerd brings up a pod's loopback device by itself: two programs less are started for each pod.
	cni["use_internal_loopback"] = true
	delete(config, "proxy_plugins")
	var out bytes.Buffer
	err := toml.NewEncoder(&out).Encode(config)
	return out.Bytes(), err
}

// runtimesOf returns the settings of containerd's runtimes by their name.
func runtimesOf(cri map[string]any) map[string]map[string]any {
	containerd, _ := cri["containerd"].(map[string]any)
	named, _ := containerd["runtimes"].(map[string]any)
	out := map[string]map[string]any{}
	for name, settings := range named {
		out[name], _ = settings.(map[string]any)
	}
	return out
}

// nodeRuntime is where a node has what starts its containers: crun, by way of noderuntime.
const nodeRuntime = "/usr/local/bin/noderuntime"

// programsLayer holds the programs of a node.
func programsLayer(kubernetes, containerd, cni, own string) *imagelayer.Layer {
	l := imagelayer.New().File("/usr/bin/kubernetes", filepath.Join(kubernetes, "kubernetes"))
	for _, component := range []string{"kubeadm", "kubectl", "kubelet"} {
		l.Link("/usr/bin/"+component, "kubernetes")
	}
	for _, program := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		l.File("/usr/local/bin/"+program, filepath.Join(containerd, program))
	}
	l.File(nodeRuntime, filepath.Join(own, "noderuntime"))
	for _, plugin := range []string{"host-local", "ptp"} {
		l.File("/opt/cni/bin/"+plugin, filepath.Join(cni, plugin))
	}
	return l
}

// assembly turns the parts of a node image into the image, in an engine.
type assembly struct {
	engine *engine.Engine
}

// load brings an image into the engine.
func (a assembly) load(ctx context.Context, tag name.Tag, image v1.Image) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := noteImage(tag.String()); err != nil {
		return err
	}
	cmd := a.engine.Command(ctx, "load")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return err
	}
	written := errors.Join(tarball.Write(tag, image, stdin), stdin.Close())
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("the engine did not load the parts of the node image: %w: %s", err, strings.TrimSpace(output.String()))
	}
	return written
}

// unpackRoot is where containerd unpacks images while the node image is made: a volume, since it cannot do so on the file system of a
// container.
const unpackRoot = "/bake"

// importImages runs the parts as a container, imports the images with the containerd in it, and commits the result under the given name.
func (a assembly) importImages(ctx context.Context, parts, result string, v versions, images map[name.Tag]v1.Image, labels map[string]string) (err error) {
	recorded, err := containerFile()
	if err != nil {
		return err
	}
	if err := errors.Join(removeContainer(ctx, a.engine), noteImage(result)); err != nil {
		return err
	}
	id, err := a.engine.Output(ctx, "run", "--detach", "--privileged", "--network=none", "--label="+containerLabel, "--cidfile="+recorded, "--tmpfs=/run",
		"--mount=type=volume,destination="+unpackRoot, "--entrypoint=sleep", parts, "infinity")
	if err != nil {
		return err
	}
	container := strings.TrimSpace(id)
	defer func() {
		// The container goes also when ctx has ended.
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupWithin)
		defer cancel()
		err = errors.Join(err, removeContainer(cleanup, a.engine))
	}()

	// The command ends when containerd does, by which time its database is closed.
	serving := a.engine.Command(ctx, "exec", container, "sh", "-c", "echo $$ >/run/bake.pid; exec containerd --root="+unpackRoot)
	if err := serving.Start(); err != nil {
		return err
	}
	if err := a.awaitContainerd(ctx, container); err != nil {
		return err
	}
	if err := a.importArchive(ctx, container, images); err != nil {
		return err
	}
	if err := a.checkImages(ctx, container, v); err != nil {
		return err
	}
	if _, err := a.engine.Output(ctx, "exec", container, "sh", "-c", "kill $(cat /run/bake.pid)"); err != nil {
		return err
	}
	if err := serving.Wait(); err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	move := a.engine.Command(ctx, "exec", "--interactive", container, "sh", "-s", unpackRoot)
	move.Stdin = bytes.NewReader(readFile("files/hooks/bake.sh"))
	if _, err := host.Run(ctx, move); err != nil {
		return fmt.Errorf("moving the unpacked images into the node image: %w", err)
	}
	commit := []string{"commit", "--change", `ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]`, "--change", "CMD []"}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		commit = append(commit, "--change", fmt.Sprintf("LABEL %s=%q", key, labels[key]))
	}
	_, err = a.engine.Output(ctx, append(commit, container, result)...)
	return err
}

// awaitContainerd returns once containerd answers in the container.
func (a assembly) awaitContainerd(ctx context.Context, container string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, containerdWithin, fmt.Errorf("containerd did not answer within %s in the node image that is being built", containerdWithin))
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := a.engine.Output(ctx, "exec", container, "ctr", "--connect-timeout=1s", "version")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last answer: %w", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// importArchive sends the images to the containerd in the container.
func (a assembly) importArchive(ctx context.Context, container string, images map[name.Tag]v1.Image) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := a.engine.Command(ctx, "exec", "--interactive", container,
		"ctr", "--namespace=k8s.io", "images", "import", "--local", "--label=io.cri-containerd.pinned=pinned", "--discard-unpacked-layers", "-")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return err
	}
	byReference := map[name.Reference]v1.Image{}
	for tag, image := range images {
		byReference[tag] = image
	}
	written := errors.Join(tarball.MultiRefWrite(byReference, stdin), stdin.Close())
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("containerd did not import the images: %w: %s", err, host.LastLines(output.String(), 5))
	}
	return written
}

// checkImages compares the imported images with the list of the kubeadm in the node.
func (a assembly) checkImages(ctx context.Context, container string, v versions) error {
	present, err := a.engine.Output(ctx, "exec", container, "ctr", "--namespace=k8s.io", "images", "list", "--quiet")
	if err != nil {
		return err
	}
	wanted, err := a.engine.Output(ctx, "exec", container, "kubeadm", "config", "images", "list", "--kubernetes-version", v.kubernetes)
	if err != nil {
		return err
	}
	for image := range strings.FieldsSeq(wanted) {
		if !slices.Contains(strings.Fields(present), image) {
			return fmt.Errorf("kubeadm %s requires the image %s, which this build does not make; it has:\n%s", v.kubernetes, image, present)
		}
	}
	return nil
}
