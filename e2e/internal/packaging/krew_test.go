package packaging

import (
	"bytes"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/version"
	"sigs.k8s.io/yaml"
)

// krewManifest is a manifest as krew's documentation of manifests and its types define it: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest
type krewManifest struct {
	metav1.TypeMeta
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Version, ShortDescription, Description, Caveats, Homepage string
		Platforms                                                 []krewPlatform
	}
}

type krewPlatform struct {
	URI      string                `json:"uri"`
	Sha256   string                `json:"sha256"`
	Selector *metav1.LabelSelector `json:"selector"`
	Files    *[]struct{ From, To string }
	Bin      string
}

// every reports whether a rule holds of all platforms, of which there is at least one.
func (m *krewManifest) every(holds func(*krewPlatform) bool) bool {
	for i := range m.Spec.Platforms {
		if !holds(&m.Spec.Platforms[i]) {
			return false
		}
	}
	return len(m.Spec.Platforms) > 0
}

// krewSystems are the operating systems and architectures for which krew itself is released, of which a selector has to choose one.
func krewSystems() []labels.Set {
	var out []labels.Set
	for _, text := range []string{"windows/amd64", "windows/arm64", "linux/386", "linux/amd64", "linux/arm", "linux/arm64", "linux/ppc64le", "darwin/amd64", "darwin/arm64"} {
		system, arch, _ := strings.Cut(text, "/")
		out = append(out, labels.Set{"os": system, "arch": arch})
	}
	return out
}

// chosen returns the indexes of the platforms that are for a system.
func (m *krewManifest) chosen(system labels.Set) []int {
	var out []int
	for i := range m.Spec.Platforms {
		s, err := metav1.LabelSelectorAsSelector(m.Spec.Platforms[i].Selector)
		if err == nil && s.Matches(system) {
			out = append(out, i)
		}
	}
	return out
}

// lines reports whether no line of a text with several words is longer than that.
func lines(text string, most int) bool {
	return !slices.ContainsFunc(strings.Split(text, "\n"), func(line string) bool { return len(line) > most && strings.Contains(strings.TrimSpace(line), " ") })
}

// krewRule is a rule of krew, or of its index, for a manifest, and a change of its text that breaks it.
type krewRule struct {
	name     string
	holds    func(*krewManifest) bool
	from, to string
}

func krewRules() []krewRule {
	name, sum := regexp.MustCompile(`^[\w-]+$`), regexp.MustCompile(`^[a-f0-9]{64}$`)
	reserved := regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[1-9]|lpt[1-9])$`)
	return []krewRule{
		{"apiVersion", func(m *krewManifest) bool { return m.APIVersion == "krew.googlecontainertools.github.com/v1alpha2" }, "/v1alpha2", "/v1alpha3"},
		{"kind", func(m *krewManifest) bool { return m.Kind == "Plugin" }, "kind: Plugin", "kind: Program"},
		{"a name that is safe for files", func(m *krewManifest) bool { return name.MatchString(m.Name) }, "name: sts", "name: s.t.s"},
		{"a name that Windows allows", func(m *krewManifest) bool { return !reserved.MatchString(m.Name) }, "name: sts", "name: Com1"},
		{"the name of the manifest's file", func(m *krewManifest) bool { return m.Name == PluginName }, "name: sts", "name: other"},
		{"a name in lower case, words with hyphens between them", func(m *krewManifest) bool {
			return m.Name == strings.ToLower(m.Name) && !strings.Contains(m.Name, "_")
		}, "name: sts", "name: stateful_Sets"},
		{"no prefix kube or kubectl in the name", func(m *krewManifest) bool { return !strings.HasPrefix(m.Name, "kube") }, "name: sts", "name: kubectl-sts"},
		{"a semantic version after a v", func(m *krewManifest) bool {
			_, err := version.ParseSemantic(m.Spec.Version)
			return err == nil && strings.HasPrefix(m.Spec.Version, "v")
		}, "version: v", "version: "},
		{"a version of three numbers", func(m *krewManifest) bool {
			_, err := version.ParseSemantic(m.Spec.Version)
			return err == nil
		}, "version: v0.0.0", "version: v0.0"},
		{"a homepage", func(m *krewManifest) bool {
			u, err := url.Parse(m.Spec.Homepage)
			return err == nil && u.Scheme == "https" && u.Host != ""
		}, "homepage: https://", "homepage: //"},
		{"a short description", func(m *krewManifest) bool { return m.Spec.ShortDescription != "" }, "shortDescription:", "caveats:"},
		{"of one line", func(m *krewManifest) bool { return !strings.ContainsAny(m.Spec.ShortDescription, "\r\n") }, "shortDescription: ", "shortDescription: |\n    Two\n    lines "},
		{"of at most 70 characters", func(m *krewManifest) bool { return lines(m.Spec.ShortDescription, 70) }, "shortDescription: ", "shortDescription: " + strings.Repeat("word ", 9)},
		{"a description", func(m *krewManifest) bool { return m.Spec.Description != "" }, "  description:", "  caveats:"},
		{"of at most 80 characters a line", func(m *krewManifest) bool { return lines(m.Spec.Description, 80) && lines(m.Spec.Caveats, 80) }, "Says why", "Says why " + strings.Repeat("word ", 9)},
		{"platforms", func(m *krewManifest) bool { return len(m.Spec.Platforms) > 0 }, "platforms:", ""},
		{"an address of each archive", func(m *krewManifest) bool {
			return m.every(func(p *krewPlatform) bool {
				u, err := url.Parse(p.URI)
				return err == nil && u.Scheme == "https" && u.Host != "" && (strings.HasSuffix(u.Path, ".tar.gz") || strings.HasSuffix(u.Path, ".zip"))
			})
		}, "amd64.tar.gz", "amd64.deb"},
		{"a digest of each archive, as text", func(m *krewManifest) bool {
			return m.every(func(p *krewPlatform) bool { return sum.MatchString(p.Sha256) })
		}, `sha256: "0123`, `sha256: "ABCD`},
		{"a program in each, below the folder of the plugin", func(m *krewManifest) bool {
			return m.every(func(p *krewPlatform) bool {
				return p.Bin != "" && !path.IsAbs(p.Bin) && path.Clean(p.Bin) == p.Bin && !strings.HasPrefix(p.Bin, "..")
			})
		}, "bin: ", "bin: ../"},
		{"files that are left out, or have a from and a to", func(m *krewManifest) bool {
			return m.every(func(p *krewPlatform) bool {
				return p.Files == nil || len(*p.Files) > 0 && !slices.ContainsFunc(*p.Files, func(f struct{ From, To string }) bool { return f.From == "" || f.To == "" })
			})
		}, "bin: ", "files: []\n      bin: "},
		{"a selector of each platform", func(m *krewManifest) bool {
			return m.every(func(p *krewPlatform) bool {
				return p.Selector != nil && len(p.Selector.MatchLabels)+len(p.Selector.MatchExpressions) > 0
			})
		}, "matchLabels: {os: darwin, arch: amd64}", "matchLabels: {}"},
		{"that knows os and arch alone", func(m *krewManifest) bool {
			return m.every(func(p *krewPlatform) bool {
				for k := range p.Selector.MatchLabels {
					if k != "os" && k != "arch" {
						return false
					}
				}
				return !slices.ContainsFunc(p.Selector.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool { return r.Key != "os" && r.Key != "arch" })
			})
		}, "{os: darwin, ", "{system: darwin, "},
		{"that chooses a system which krew is for", func(m *krewManifest) bool {
			used := map[int]bool{}
			for _, system := range krewSystems() {
				for _, i := range m.chosen(system) {
					used[i] = true
				}
			}
			return len(used) == len(m.Spec.Platforms)
		}, "os: darwin", "os: macos"},
		{"and no system twice", func(m *krewManifest) bool {
			return !slices.ContainsFunc(krewSystems(), func(system labels.Set) bool { return len(m.chosen(system)) > 1 })
		}, "os: darwin", "os: linux"},
	}
}

// TestManifestFollowsTheRulesOfKrew holds the manifest to each rule by which krew and the checks of its index refuse one, and each rule to a manifest that breaks it.
func TestManifestFollowsTheRulesOfKrew(t *testing.T) {
	var archives []PluginArchive
	for _, p := range PluginPlatforms() {
		archives = append(archives, PluginArchive{Platform: p, File: "dist/kubectl-sts-" + p.OS + "-" + p.Arch + ".tar.gz", SHA256: strings.Repeat("0123456789", 6) + "0123"})
	}
	var text bytes.Buffer
	if err := WritePluginManifest(&text, "0123456789ab", "https://example.org/v1", archives); err != nil {
		t.Fatal(err)
	}
	read := func(text string) *krewManifest {
		m := &krewManifest{}
		if err := yaml.UnmarshalStrict([]byte(text), m); err != nil {
			t.Errorf("expected the fields of krew alone, found: %v in\n%s", err, text)
		}
		return m
	}
	m := read(text.String())
	for _, r := range krewRules() {
		if !r.holds(m) {
			t.Errorf("krew wants %s, found\n%s", r.name, text.String())
		}
		broken := strings.Replace(text.String(), r.from, r.to, 1)
		if broken == text.String() {
			t.Errorf("%s: expected %q in the manifest", r.name, r.from)
			continue
		}
		if r.to == "" {
			broken, _, _ = strings.Cut(text.String(), r.from) // Nothing of the rest.
		}
		if r.holds(read(broken)) {
			t.Errorf("%s: expected the rule to be broken by\n%s", r.name, broken)
		}
	}
}
