package nodeimage

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kind/pkg/apis/config/defaults"
)

// DefaultKubernetesVersion is the version of a node image built here when no other is wanted. Where a registry answers, kind's default image
// takes its place, which is of the same minor version.
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
		list[i].kind = publishedBy
	}
	return list
}

// publishedBy is the release of kind whose notes, with those of the one before, name the images of published.
const publishedBy = "v0.33.0"

// published lists the versions of which kind has published an image that this project can use, the one to prefer of a minor version first.
func published() []string {
	return []string{"v1.37.0", "v1.36.4", "v1.36.1", "v1.35.8", "v1.35.5", "v1.34.11", "v1.34.8", "v1.33.12"}
}

// choice is what a wanted version can be run with; one of the two may be missing.
type choice struct {
	image string    // what kind publishes
	build *versions // what goes into an image that is built here
}

// choose returns what a version can be run with: a minor version such as v1.36 with either, a patch of it with what there is of just that. "" is
// the default.
func choose(wanted string) (choice, error) {
	if wanted == "" {
		v := supported()[0]
		return choice{image: defaults.Image, build: &v}, nil
	}
	fits := func(version string) bool {
		return version == wanted || (strings.Count(wanted, ".") == 1 && strings.HasPrefix(version, wanted+"."))
	}
	var c choice
	if i := slices.IndexFunc(published(), fits); i >= 0 {
		c.image = kindImage(published()[i])
	}
	all := supported()
	if i := slices.IndexFunc(all, func(v versions) bool { return fits(v.kubernetes) }); i >= 0 {
		c.build = &all[i]
	}
	if c.image == "" && c.build == nil {
		return c, &UnsupportedVersionError{Version: wanted}
	}
	return c, nil
}

// kindImage is the image that kind publishes for a version, by its digest where that is known: of kind's default.
func kindImage(version string) string {
	if strings.HasPrefix(defaults.Image, "kindest/node:"+version+"@") {
		return defaults.Image
	}
	return "kindest/node:" + version
}

// MinorVersions lists the minor versions of Kubernetes that can be run, the default first.
func MinorVersions() []string {
	var names []string
	for _, v := range supported() {
		major, minor := majorMinor(v.kubernetes)
		names = append(names, "v"+major+"."+minor)
	}
	return names
}

// UnsupportedVersionError says that no node image can be had for a version.
type UnsupportedVersionError struct{ Version string }

func (e *UnsupportedVersionError) Error() string {
	return fmt.Sprintf("there is no node image of Kubernetes %q: K8S_VERSION may be %s, or one of their patches: kind publishes %s, and %s can be built here; for another version name an image with NODE_IMAGE",
		e.Version, strings.Join(MinorVersions(), ", "), strings.Join(published(), ", "), strings.Join(KubernetesVersions(), ", "))
}

// majorMinor splits "v1.36.3" into "1" and "36".
func majorMinor(version string) (major, minor string) {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	return parts[0], parts[1]
}
