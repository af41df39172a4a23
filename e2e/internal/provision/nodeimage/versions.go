package nodeimage

import (
	"fmt"
	"slices"
	"strings"
)

// DefaultKubernetesVersion is the version of a node image built here when no other is wanted. Where a registry answers, kind's own image
// takes its place: of the same minor version, and of the patch that kind was published with.
const DefaultKubernetesVersion = "v1.37.2"

// versions are the releases that go into one node image. The tags of etcd, CoreDNS and pause are those that kubeadm of that
// Kubernetes version requires; the build checks them against "kubeadm config images list".
type versions struct {
	kubernetes      string
	etcd, etcdTag   string
	coreDNS         string
	pauseTag        string
	containerd      string
	cniPlugins      string
	localPath       string
	kind            string
	kubernetesBuild []string // build tags that the multi-call program needs for this version
}

// KubernetesVersions lists the versions that a node image can be built for, the default first.
func KubernetesVersions() []string {
	var names []string
	for _, v := range supported() {
		names = append(names, v.kubernetes)
	}
	return names
}

func supported() []versions {
	list := []versions{
		{kubernetes: DefaultKubernetesVersion, etcd: "v3.7.0", etcdTag: "3.7.0-0", coreDNS: "v1.14.6", pauseTag: "3.10.2"},
		{kubernetes: "v1.36.3", etcd: "v3.6.8", etcdTag: "3.6.8-0", coreDNS: "v1.14.2", pauseTag: "3.10.2"},
		{kubernetes: "v1.35.4", etcd: "v3.6.6", etcdTag: "3.6.6-0", coreDNS: "v1.13.1", pauseTag: "3.10.1"},
		{kubernetes: "v1.34.4", etcd: "v3.6.5", etcdTag: "3.6.5-0", coreDNS: "v1.12.1", pauseTag: "3.10.1"},
		{kubernetes: "v1.33.13", etcd: "v3.5.24", etcdTag: "3.5.24-0", coreDNS: "v1.12.0", pauseTag: "3.10", kubernetesBuild: []string{"v1_33"}},
	}
	for i := range list {
		list[i].containerd = "v2.2.1"
		list[i].cniPlugins = "v1.9.1"
		list[i].localPath = "v0.0.30"
		list[i].kind = "v0.33.0"
	}
	return list
}

// versionsFor returns what goes into a node image of the given Kubernetes version; the default for "".
func versionsFor(kubernetes string) (versions, error) {
	if kubernetes == "" {
		kubernetes = DefaultKubernetesVersion
	}
	all := supported()
	at := slices.IndexFunc(all, func(v versions) bool { return v.kubernetes == kubernetes })
	if at < 0 {
		return versions{}, &UnsupportedVersionError{Version: kubernetes}
	}
	return all[at], nil
}

// UnsupportedVersionError says that no node image can be built for a version.
type UnsupportedVersionError struct{ Version string }

func (e *UnsupportedVersionError) Error() string {
	return fmt.Sprintf("no node image can be built for Kubernetes %q: K8S_VERSION may be %s; for another version name an image with NODE_IMAGE", e.Version, strings.Join(KubernetesVersions(), ", "))
}

// majorMinor splits "v1.36.3" into "1" and "36".
func majorMinor(version string) (major, minor string) {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	return parts[0], parts[1]
}
