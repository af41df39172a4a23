package cluster

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

const plainConfig = `# a comment
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
  - role: worker
kubeadmConfigPatches:
  - |
    kind: ClusterConfiguration
`

func TestPlainHostGetsThePlainConfiguration(t *testing.T) {
	got, err := configFor([]byte(plainConfig), restrictions{})
	if err != nil || string(got) != plainConfig {
		t.Errorf("got %s, %v, want the configuration unchanged", got, err)
	}
}

func TestSandboxedHostGetsPatches(t *testing.T) {
	text, err := configFor([]byte(plainConfig), restrictions{cgroupV1: true, missingCapabilities: true})
	if err != nil {
		t.Fatal(err)
	}
	var got v1alpha4.Cluster
	if err := yaml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Nodes) != 2 || got.Nodes[1].Role != v1alpha4.WorkerRole || got.Kind != "Cluster" || got.APIVersion != "kind.x-k8s.io/v1alpha4" {
		t.Errorf("the configuration was not kept:\n%s", text)
	}
	if len(got.KubeadmConfigPatches) != 2 || !strings.Contains(got.KubeadmConfigPatches[0], "ClusterConfiguration") {
		t.Fatalf("the person's own patches were not kept, in front:\n%s", text)
	}
	var kubelet map[string]any
	if err := yaml.Unmarshal([]byte(got.KubeadmConfigPatches[1]), &kubelet); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1", "failCgroupV1": false,
		"cgroupDriver": "cgroupfs", "oomScoreAdj": 0, "featureGates": map[string]any{"KubeletInUserNamespace": true},
	}
	if !reflect.DeepEqual(kubelet, want) {
		t.Errorf("got  %v\nwant %v", kubelet, want)
	}
	patches := strings.Join(got.ContainerdConfigPatches, "\n")
	for _, setting := range []string{"restrict_oom_score_adj = true", "SystemdCgroup = false"} {
		if !strings.Contains(patches, setting) {
			t.Errorf("containerd lacks the setting %s", setting)
		}
	}
}

func TestEachLimitHasItsOwnPatch(t *testing.T) {
	cgroup := restrictions{cgroupV1: true}
	if patch := cgroup.kubeletPatch(); patch["oomScoreAdj"] != nil || patch["featureGates"] != nil {
		t.Errorf("cgroup v1 alone brings %v", patch)
	}
	if strings.Contains(cgroup.containerdPatch(), "restrict_oom_score_adj") {
		t.Error("cgroup v1 alone restricts scores")
	}
	capabilities := restrictions{missingCapabilities: true}
	if patch := capabilities.kubeletPatch(); patch["failCgroupV1"] != nil || patch["cgroupDriver"] != nil {
		t.Errorf("missing capabilities alone bring %v", patch)
	}
	if strings.Contains(capabilities.containerdPatch(), "SystemdCgroup") {
		t.Error("missing capabilities alone change the cgroup driver")
	}
}

func TestConfigurationThatCannotBeRead(t *testing.T) {
	for _, text := range []string{"nodes: [", "kind: Cluster\nnods: []\n"} {
		if _, err := configFor([]byte(text), restrictions{}); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestTheProjectsOwnConfiguration(t *testing.T) {
	text, err := projectConfig()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := configFor(text, restrictions{}); err != nil {
		t.Error(err)
	}
	if count, err := nodeCount(text); err != nil || count != 3 {
		t.Errorf("got %d nodes, %v, want 3", count, err)
	}
}

func TestDiffers(t *testing.T) {
	complete := state{Name: "n", Kept: true, Image: "i", Config: "c", Nodes: []node{{ID: "1", Started: "t"}}}
	if err := complete.checkOptions("i", "c"); err != nil {
		t.Errorf("expected the cluster to match, found: %v", err)
	}
	tests := []struct {
		name, image, config, says string
		change                    func(*state)
	}{
		{"never completed", "i", "c", "never completed", func(s *state) { s.Nodes = nil }},
		{"being created", "i", "c", "never completed", func(s *state) { s.Creating = true }},
		{"left by a run that was killed", "i", "c", "did not remove it", func(s *state) { s.Kept = false }},
		{"another image", "other", "c", "other is wanted", func(*state) {}},
		{"another configuration", "i", "d", "configuration has changed", func(*state) {}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := complete
			tt.change(&s)
			if err := s.checkOptions(tt.image, tt.config); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want an error that says %q", err, tt.says)
			}
		})
	}
}

func TestChanged(t *testing.T) {
	s := state{Nodes: []node{{ID: "one", Started: "t1"}, {ID: "two", Started: "t2"}}}
	tests := []struct {
		name string
		now  []node
		says string
	}{
		{"as it was left", []node{{"one", "t1"}, {"two", "t2"}}, ""},
		{"a node is gone", []node{{"one", "t1"}}, "two is gone"},
		{"a node was added", []node{{"one", "t1"}, {"two", "t2"}, {"three", "t3"}}, "3 nodes"},
		{"another cluster of the name", []node{{"four", "t1"}, {"five", "t2"}}, "one is gone"},
		{"a node has stopped", []node{{"one", "t1"}, {"two", ""}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := s.checkNodes(tt.now)
			if tt.says == "" {
				if err != nil {
					t.Errorf("got %v, want nothing", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want an error that says %q", err, tt.says)
			}
		})
	}
}

func TestNodesThatDoNotRunAsTheyDid(t *testing.T) {
	s := state{Nodes: []node{{ID: "one", Started: "t1"}, {ID: "two", Started: "t2"}}}
	for _, tt := range []struct {
		now  []node
		says string
	}{
		{[]node{{"one", "t1"}, {"two", "t2"}}, ""},
		{[]node{{"one", "t1"}, {"two", ""}}, "two has stopped"},
		{[]node{{"one", "t3"}, {"two", "t4"}}, "one was started anew"},
	} {
		if err := s.checkRunning(tt.now); (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%v: expected %q, found %v", tt.now, tt.says, err)
		}
	}
}

func TestNoHeartbeat(t *testing.T) {
	lease := func(age time.Duration) coordinationv1.Lease {
		// The nodes' clock may differ from this machine's.
		renewed := metav1.NewMicroTime(time.Now().Add(-time.Hour - age))
		return coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Spec: coordinationv1.LeaseSpec{RenewTime: &renewed}}
	}
	if err := noHeartbeat([]coordinationv1.Lease{lease(0), lease(12 * time.Second), {}}); err != nil {
		t.Errorf("a node between two heartbeats counts as one without a heartbeat: %v", err)
	}
	if err := noHeartbeat([]coordinationv1.Lease{lease(time.Minute), lease(time.Second)}); err == nil {
		t.Error("a node without a heartbeat for a minute went unnoticed")
	}
}

func TestStateSurvivesAndIsPrivate(t *testing.T) {
	p := stateDir{dir: filepath.Join(t.TempDir(), "clusters", "n")}
	if s, err := p.read(); s != nil || err != nil {
		t.Fatalf("got %v, %v, want no cluster", s, err)
	}
	want := &state{Name: "n", Kept: true, Image: "i", Config: "c", Nodes: []node{{"id", "t"}}, Nginx: "x", Busybox: "y"}
	if err := p.write(want); err != nil {
		t.Fatal(err)
	}
	if got, err := p.read(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	info, err := os.Stat(p.dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others can read the folder of a kubeconfig: %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(p.file("state.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.read(); err == nil {
		t.Error("a damaged state was accepted")
	}
}

func TestInotifyHint(t *testing.T) {
	file := filepath.Join(t.TempDir(), "max_user_instances")
	for text, want := range map[string]string{"128\n": "; one user may have 128 inotify instances here", "512\n": "", "8192\n": "", "?": ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := inotifyHint(file); !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("with %q: expected a hint that begins %q, found %q", text, want, got)
		}
	}
	if got := inotifyHint(file + ".none"); got != "" {
		t.Errorf("without the file: expected no hint, found %q", got)
	}
}
