package nodeimage

import (
	"io/fs"
	"maps"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/imagelayer"
)

// registry stands where an image name has its registry, in the names of images that were built here and are in no registry. ".local"
// is resolved on no public network.
const registry = "statefulset-conformance.local"

// kubernetesComponents are the components that run as containers; they share one image.
func kubernetesComponents() []string {
	return []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"}
}

// imageParts are the folders that the images inside a node are made from.
type imageParts struct {
	kubernetes, etcd, coreDNS, own, base string
}

// nodeImages makes the images that are inside a node, by name. Layers are written below work.
func (v versions) nodeImages(parts imageParts, busybox *busyboxBinary, work string) (map[name.Tag]v1.Image, error) {
	base, err := imagelayer.FromArchive(filepath.Join(parts.base, "tree.tar"))
	if err != nil {
		return nil, err
	}
	images := map[name.Tag]v1.Image{}
	add := func(reference string, config v1.Config, layers ...any) error {
		tag, err := name.NewTag(reference, name.StrictValidation)
		if err != nil {
			return err
		}
		images[tag], err = imagelayer.Assemble(runtime.GOARCH, config, filepath.Join(work, tag.RepositoryStr()), layers...)
		return err
	}

	kubernetes := imagelayer.New().File("/usr/local/bin/kubernetes", filepath.Join(parts.kubernetes, "kubernetes"))
	for _, component := range kubernetesComponents() {
		kubernetes.Link("/usr/local/bin/"+component, "kubernetes")
	}
	iptables, err := iptablesLayer()
	if err != nil {
		return nil, err
	}
	for _, component := range kubernetesComponents() {
		reference := "registry.k8s.io/" + component + ":" + v.kubernetes
		if err := add(reference, v1.Config{Entrypoint: []string{"/usr/local/bin/" + component}, Env: pathEnv()}, base, iptables, kubernetes); err != nil {
			return nil, err
		}
	}
	program := func(reference, file string, config v1.Config, below ...any) error {
		binary := "/usr/local/bin/" + filepath.Base(file)
		config.Entrypoint, config.Env = []string{binary}, pathEnv()
		return add(reference, config, append(below, imagelayer.New().File(binary, file))...)
	}
	for _, err := range []error{
		program(etcdRepository+":"+v.etcdTag, filepath.Join(parts.etcd, "etcd"), v1.Config{}),
		program("registry.k8s.io/coredns/coredns:"+v.coreDNS, filepath.Join(parts.coreDNS, "coredns"), v1.Config{}),
		program("registry.k8s.io/pause:"+v.pauseTag, filepath.Join(parts.own, "pause"), v1.Config{User: "65535:65535"}),
		program(registry+"/podnet:v1", filepath.Join(parts.own, "podnet"), v1.Config{}, base, iptables),
		program(registry+"/node-volumes:v1", filepath.Join(parts.own, "nodevolumes"), v1.Config{}),
	} {
		if err != nil {
			return nil, err
		}
	}
	workload, err := workloadImages(parts.base, busybox, work)
	if err != nil {
		return nil, err
	}
	maps.Copy(images, workload)
	return images, nil
}

func pathEnv() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
}

// iptablesLayer puts the wrapper that finds the node's set of tables before the programs.
func iptablesLayer() (*imagelayer.Layer, error) {
	wrapper, err := fs.ReadFile(sources, "files/iptables/iptables-wrapper")
	if err != nil {
		return nil, err
	}
	l := imagelayer.New()
	for _, program := range []string{"iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore"} {
		l.Text("/usr/local/sbin/"+program, 0o755, wrapper)
	}
	return l, nil
}

// readFile returns one of this package's own files; they are embedded and cannot be missing.
func readFile(file string) []byte {
	content, err := fs.ReadFile(sources, file)
	if err != nil {
		panic(err)
	}
	return content
}
