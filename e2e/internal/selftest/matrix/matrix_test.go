package matrix

import (
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range All() {
		if seen[s.Name] || s.Name == "" || s.Summary == "" {
			t.Errorf("expected a name of its own and in what it differs, found %+v", s)
		}
		if len(s.Config) == 0 && s.KubernetesVersion == "" && s.prepare == nil && !s.Registry {
			t.Errorf("%s differs in nothing", s.Name)
		}
		seen[s.Name] = true
		if s.Refused != "" && s.Settings != nil {
			t.Errorf("%s: expected a cluster that is to be refused to have no settings for it", s.Name)
		}
	}
}

// TestObjects: the files of objects hold what the API server knows, with all of its fields, and a binding for each policy.
func TestObjects(t *testing.T) {
	for _, file := range []string{"assigned-users.yaml", "required-fields.yaml", "large-claims.yaml", "zonal.yaml", "node-dns-cache.yaml", "throttled.yaml"} {
		all, err := objects(file)
		if err != nil {
			t.Error(err)
		}
		bound := map[string]int{}
		for _, o := range all {
			kind := o.GetObjectKind().GroupVersionKind().Kind
			if policy, is := strings.CutSuffix(kind, "PolicyBinding"); is {
				bound[policy]--
			} else if policy, is := strings.CutSuffix(kind, "Policy"); is {
				bound[policy]++
			}
		}
		if len(all) == 0 {
			t.Errorf("%s: expected objects, found none", file)
		}
		for policy, n := range bound {
			if n != 0 {
				t.Errorf("%s: expected a binding for each policy, found %d too few of %s", file, n, policy)
			}
		}
	}
}

// TestMounts: a unit's node has it and what it starts, and kind accepts the configuration.
func TestMounts(t *testing.T) {
	for _, v := range All() {
		if len(v.mounts) == 0 {
			continue
		}
		v.mounts = slices.DeleteFunc(slices.Clone(v.mounts), func(m mount) bool { return m.from == kineProgram }) // which takes minutes to build
		text, err := v.KindConfig(t.Context(), t.TempDir())
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		var config v1alpha4.Cluster
		if err := yaml.Unmarshal(text, &config); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		for _, n := range config.Nodes {
			wanted := 0
			for _, m := range v.mounts {
				if m.workers || n.Role == v1alpha4.ControlPlaneRole {
					wanted++
				}
			}
			if len(n.ExtraMounts) != wanted {
				t.Errorf("%s: expected %d mounts of a node with the role %s, found %v", v.Name, wanted, n.Role, n.ExtraMounts)
			}
			for _, m := range n.ExtraMounts {
				if data, err := os.ReadFile(m.HostPath); err != nil || len(data) == 0 || !m.Readonly {
					t.Errorf("%s: expected a file at %s that nodes only read, found %v", v.Name, m.HostPath, err)
				}
			}
		}
		if len(config.KubeadmConfigPatches) == 0 && config.Networking.KubeProxyMode == "" {
			t.Errorf("%s: expected what the configuration says besides, found %s", v.Name, text)
		}
	}
}

// TestSettingsOfVariants: a patch of pods has only fields that a person's may have.
func TestSettingsOfVariants(t *testing.T) {
	for _, v := range All() {
		var s runconfig.Settings
		if v.Settings == nil {
			continue
		}
		v.Settings(&s)
		if s.PodPatch == nil && s.ClaimSize == nil {
			t.Errorf("%s: expected settings, found none", v.Name)
		}
		if s.PodPatch != nil && s.PodPatch.Validate() != nil {
			t.Errorf("%s: expected a patch that a person could give, found %v", v.Name, s.PodPatch.Validate())
		}
	}
}
