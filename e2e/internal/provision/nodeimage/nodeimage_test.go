package nodeimage

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"golang.org/x/mod/modfile"
	"sigs.k8s.io/kind/pkg/apis/config/defaults"
)

func TestChoose(t *testing.T) {
	for wanted, want := range map[string]struct{ image, build string }{
		"":         {defaults.Image, DefaultKubernetesVersion},
		"v1.37":    {defaults.Image, DefaultKubernetesVersion},
		"v1.36":    {"kindest/node:v1.36.4", "v1.36.3"},
		"v1.36.1":  {"kindest/node:v1.36.1", ""},
		"v1.36.3":  {"", "v1.36.3"},
		"v1.33":    {"kindest/node:v1.33.12", "v1.33.13"},
		"v1.34.11": {"kindest/node:v1.34.11", ""},
	} {
		got, err := choose(wanted)
		build := ""
		if got.build != nil {
			build = got.build.kubernetes
		}
		if err != nil || got.image != want.image || build != want.build {
			t.Errorf("%q: expected %v, found %s, %s, %v", wanted, want, got.image, build, err)
		}
	}
	for _, known := range KubernetesVersions() {
		if c, err := choose(known); err != nil || c.build == nil || c.build.kubernetes != known {
			t.Errorf("%s: found %v, %v", known, c, err)
		}
	}
	for _, wrong := range []string{"v1.2.3", "v1.3", "1.36", "v1", "v1.36.", "v1.36.9"} {
		_, err := choose(wrong)
		if unsupported := new(UnsupportedVersionError); !errors.As(err, &unsupported) {
			t.Fatalf("%s: expected an unsupported version, found %v", wrong, err)
		}
		for _, part := range []string{strconv.Quote(wrong), DefaultKubernetesVersion, "v1.36,", "v1.35.8", "NODE_IMAGE"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not say %s: %v", part, err)
			}
		}
	}
}

// A run names a version that can be had with a registry and without one.
func TestMinorVersionsAreBuiltAndPublished(t *testing.T) {
	for _, minor := range MinorVersions() {
		if c, err := choose(minor); err != nil || c.image == "" || c.build == nil {
			t.Errorf("%s: found %v, %v", minor, c, err)
		}
	}
}

func TestTagsDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, v := range supported() {
		tag := newBuild(v).tag()
		if !regexp.MustCompile(`^statefulset-conformance\.local/node:v1\.\d+\.\d+-[0-9a-f]{12}$`).MatchString(tag) {
			t.Errorf("unexpected tag %s", tag)
		}
		if other := seen[tag]; other != "" {
			t.Errorf("%s and %s share the tag %s", other, v.kubernetes, tag)
		}
		seen[tag] = v.kubernetes
		if again := newBuild(v).tag(); again != tag {
			t.Errorf("the tag is %s once and %s then", tag, again)
		}
	}
}

func TestKindImage(t *testing.T) {
	version, _, _ := strings.Cut(strings.TrimPrefix(defaults.Image, "kindest/node:"), "@")
	// Whether a registry answers must not decide on the minor version: a run without K8S_VERSION means one contract.
	if _, minor := majorMinor(version); !strings.HasPrefix(DefaultKubernetesVersion, "v1."+minor+".") {
		t.Errorf("expected kind's image of %s to have the minor version of the default %s", version, DefaultKubernetesVersion)
	}
	if got := kindImage(version); got != defaults.Image {
		t.Errorf("kind's default for its own version %s is %s, want it by digest", version, got)
	}
}

// The manifests name images by tags that the build gives: they must not drift apart.
func TestManifestsNameImagesThatAreMade(t *testing.T) {
	for _, v := range supported() {
		made := map[string]bool{
			registry + "/podnet:v1": true, registry + "/node-volumes:v1": true,
		}
		for _, file := range []string{"default-cni.yaml", "default-storage.yaml"} {
			named := regexp.MustCompile(regexp.QuoteMeta(registry)+`/\S+`).FindAllString(string(readFile("files/manifests/"+file)), -1)
			if len(named) == 0 {
				t.Errorf("%s names no image of %s", file, registry)
			}
			for _, image := range named {
				if !made[image] {
					t.Errorf("%s names %s, which a build for %s does not make", file, image, v.kubernetes)
				}
			}
		}
	}
}

func TestDependentModule(t *testing.T) {
	const upstream = `module k8s.io/kubernetes

go 1.26.0

godebug default=go1.26

require k8s.io/api v0.0.0

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/client-go => ./staging/src/k8s.io/client-go
	example.test/x => example.test/y v1.0.0
)
`
	got, err := dependentModule([]byte(upstream), "v1.36.3")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"require k8s.io/kubernetes v1.36.3", "go 1.26.0", "godebug default=go1.26",
		"replace k8s.io/api => k8s.io/api v0.36.3", "replace k8s.io/client-go => k8s.io/client-go v0.36.3",
	} {
		if !strings.Contains(strings.Join(strings.Fields(got), " "), line) && !strings.Contains(got, strings.TrimPrefix(line, "replace ")) {
			t.Errorf("no %q in\n%s", line, got)
		}
	}
	if strings.Contains(got, "example.test") {
		t.Errorf("a replacement that reaches its dependents by itself was copied:\n%s", got)
	}
	if _, err := dependentModule([]byte("no go.mod"), "v1.36.3"); err == nil {
		t.Error("a text that is no go.mod was accepted")
	}
}

func TestContainerdConfig(t *testing.T) {
	const kinds = `version = 2
[proxy_plugins."fuse-overlayfs"]
  type = "snapshot"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.10"
  restrict_oom_score_adj = false
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = true
`
	got, err := containerdConfig([]byte(kinds), "registry.k8s.io/pause:9")
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := toml.Unmarshal(got, &config); err != nil {
		t.Fatal(err)
	}
	cri := config["plugins"].(map[string]any)["io.containerd.grpc.v1.cri"].(map[string]any)
	if cri["sandbox_image"] != "registry.k8s.io/pause:9" || cri["restrict_oom_score_adj"] != false {
		t.Errorf("got %v", cri)
	}
	if options := runtimesOf(cri)["runc"]["options"].(map[string]any); options["BinaryName"] != nodeRuntime || options["SystemdCgroup"] != true {
		t.Errorf("expected crun, found %v", options)
	}
	if cri["cni"].(map[string]any)["use_internal_loopback"] != true {
		t.Errorf("expected containerd to bring up loopback devices, found %v", cri["cni"])
	}
	if config["proxy_plugins"] != nil {
		t.Error("a snapshotter that is not in the image is still configured")
	}
	for _, bad := range []string{
		"not = [toml", "version = 3\n", strings.Replace(kinds, "runtimes.runc", "others", 1), strings.Replace(kinds, ".options", "", 1),
	} {
		if _, err := containerdConfig([]byte(bad), "x"); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestTagOf(t *testing.T) {
	tests := map[string]string{
		"1.22.1-9+deb12u11":     "1.22.1-9-deb12u11",
		"1:1.35.0-4+deb12u1+b1": "1.35.0-4-deb12u1-b1",
		"1.26.3-3~bpo12":        "1.26.3-3-bpo12",
		"2:1.0":                 "1.0",
	}
	for version, want := range tests {
		if got := tagOf(version); got != want {
			t.Errorf("tagOf(%q) = %q, want %q", version, got, want)
		}
	}
}

func TestInstalledVersions(t *testing.T) {
	got, err := installedVersions(strings.NewReader("Package: nginx\nStatus: install ok installed\nVersion: 1.22\n\nPackage: busybox-static\nDescription: x\n Version: no\nVersion: 1:1.35\n"))
	if err != nil || got["nginx"] != "1.22" || got["busybox-static"] != "1:1.35" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestBusyboxRunsAsAnybody(t *testing.T) {
	tree := &baseTree{busybox: filepath.Join(t.TempDir(), "busybox"), packages: map[string]string{"busybox-static": "1:1.35.0-4", "nginx": "1.22"}}
	l := (&busyboxBinary{tree: tree, applets: []string{"busybox", "sh", "nslookup"}}).files()
	program, _ := l.Header("bin/busybox")
	if mode := program.Mode; mode&0o001 == 0 {
		t.Errorf("busybox has mode %o: another user than root cannot run it", mode)
	}
	for _, applet := range []string{"sh", "nslookup"} {
		if link, _ := l.Header("bin/" + applet); link.Linkname != "busybox" {
			t.Errorf("no name %s for busybox", applet)
		}
	}
	if program.Linkname != "" {
		t.Error("busybox was replaced by a link to itself")
	}
	if tmp, _ := l.Header("tmp"); tmp.Mode != 0o1777 {
		t.Errorf("/tmp has mode %o", tmp.Mode)
	}
}

func TestNginxLayerFillsInWhatTheTreeLacks(t *testing.T) {
	tree := &baseTree{paths: map[string]bool{"/usr/bin/hostname": true, "/bin/sh": true}}
	l := nginxLayer(&busyboxBinary{tree: tree, applets: []string{"hostname", "sh", "nslookup"}})
	if link, _ := l.Header("usr/local/bin/nslookup"); link.Linkname != "/bin/busybox" {
		t.Error("nslookup is not there")
	}
	for _, taken := range []string{"hostname", "sh"} {
		if _, there := l.Header("usr/local/bin/" + taken); there {
			t.Errorf("busybox's %s hides the tree's own", taken)
		}
	}
	if nginxConfig().StopSignal != "SIGQUIT" {
		t.Error("nginx is not stopped as it wants to be")
	}
}

func TestNginxListensToWhatTheKernelKnows(t *testing.T) {
	config := filepath.Join(t.TempDir(), "nginx.conf")
	for _, c := range []struct {
		kernel string // a file that is there where the kernel knows IPv6
		want   int
	}{{os.DevNull, 2}, {config + ".missing", 1}} {
		if err := os.WriteFile(config, readFile("files/nginx/nginx.conf"), 0o600); err != nil {
			t.Fatal(err)
		}
		script := strings.NewReplacer("/proc/net/if_inet6", c.kernel, "/etc/nginx/nginx.conf", config, "/tmp/nginx.conf", config+".changed", "exec nginx", "echo").Replace(nginxCommand)
		out, err := exec.CommandContext(t.Context(), "sh", "-c", script).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		_, used, _ := strings.Cut(string(out), "-c ")
		used, _, _ = strings.Cut(used, " ")
		text, err := os.ReadFile(used)
		if got := strings.Count(string(text), "listen "); err != nil || got != c.want {
			t.Errorf("expected %d addresses to listen to, found %d, %v", c.want, got, err)
		}
	}
}

// TestNginxWritesBelowTmp: where the cluster chooses the users of pods, nothing else is theirs.
func TestNginxWritesBelowTmp(t *testing.T) {
	written := regexp.MustCompile(`(?m)^\s*(pid|\w+_temp_path) (\S+);`).FindAllStringSubmatch(string(readFile("files/nginx/nginx.conf")), -1)
	if len(written) != 6 {
		t.Errorf("expected where nginx writes its number and what it buffers of requests and of four kinds of answers, found %q", written)
	}
	for _, w := range written {
		if !strings.HasPrefix(w[2], "/tmp/") {
			t.Errorf("%s: expected a place below /tmp, found %s", w[1], w[2])
		}
	}
}

func TestBegins(t *testing.T) {
	for line, want := range map[string]bool{
		"v1.37.0: Pulling from kindest/node":                                          true,
		"docker.io/kindest/node@sha256:a1ed: Pulling from kindest/node":               true,
		"Copying blob sha256:1234":                                                    true,
		"Trying to pull docker.io/kindest/node:v1.37.0...":                            false,
		"Error response from daemon: Get \"https://registry.test/v2/\": dial tcp: no": false,
	} {
		if got := transferBegan(line); got != want {
			t.Errorf("begins(%q) = %v, want %v", line, got, want)
		}
	}
}

// The files of a node come from the module of the kind that makes the clusters.
func TestKindIsTheOneInGoMod(t *testing.T) {
	text, err := os.ReadFile("../../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, require := range parsed.Require {
		if require.Mod.Path != "sigs.k8s.io/kind" {
			continue
		}
		for _, v := range supported() {
			if v.kind != require.Mod.Version {
				t.Errorf("the node image for %s takes kind's files from %s, and go.mod has %s", v.kubernetes, v.kind, require.Mod.Version)
			}
		}
	}
}
