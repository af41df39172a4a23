package explore

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// steps are so many steps that differ.
func steps(n int) []Step {
	var out []Step
	for i := range n {
		out = append(out, Step{Act: Act{Kind: TouchSet, Set: "one", Value: fmt.Sprint(i)}})
	}
	return out
}

func values(all []Step) []string {
	var out []string
	for _, s := range all {
		out = append(out, s.Act.Value)
	}
	return out
}

func TestShrinkKeepsWhatIsNeededAndNothingElse(t *testing.T) {
	for _, width := range []int{1, 3} {
		for _, need := range [][]string{{"0"}, {"13", "14"}, {"0", "7", "19"}, {"3", "4", "5", "6", "18"}} {
			tried := 0
			got, err := Shrink(steps(20), width, func(candidates [][]Step) ([]bool, error) {
				if len(candidates) > width {
					t.Fatalf("%d candidates at once, expected at most %d", len(candidates), width)
				}
				var shown []bool
				for _, c := range candidates {
					tried++
					all := values(c)
					shown = append(shown, !slices.ContainsFunc(need, func(v string) bool { return !slices.Contains(all, v) }))
				}
				return shown, nil
			})
			if err != nil || !slices.Equal(values(got), need) {
				t.Errorf("width %d: expected %v, found %v (%v)", width, need, values(got), err)
			}
			if tried > 120 {
				t.Errorf("width %d, %v: %d candidates were tried", width, need, tried)
			}
		}
	}
}

func TestShrinkReturnsWhatItHasOnAnError(t *testing.T) {
	broken, calls := errors.New("the cluster is gone"), 0
	got, err := Shrink(steps(8), 1, func([][]Step) ([]bool, error) {
		if calls++; calls > 1 {
			return nil, broken
		}
		return []bool{true}, nil
	})
	if !errors.Is(err, broken) || len(got) != 4 {
		t.Errorf("expected the four steps that the first try left and the error, found %d and %v", len(got), err)
	}
}

// everyKind is an episode with an act of each kind.
func everyKind() *Episode {
	template := &Template{Name: "t1", Fault: Unready, Gate: true, Stop: 3, Mounts: []string{"data"}}
	e := &Episode{Version: "v1.37.2"}
	for _, k := range Kinds() {
		a := Act{Kind: k, Set: "one", Object: "one-0", Value: "1"}
		switch {
		case k == CreateSet:
			a.Spec = &Spec{Replicas: new(int32(2)), Template: template, Claims: []string{"data"}, MaxUnavailable: new("50%")}
		case a.changesSpec():
			a.Spec = &Spec{Template: template, Strategy: appsv1.OnDeleteStatefulSetStrategyType}
		case k == DeleteSet:
			a.Propagation = "Orphan"
		case k == MakeOutsider, k == MakeClaim:
			a.Owned = true
		case k == KillComponent:
			a.Value = Components()[0]
		}
		e.Steps = append(e.Steps, Step{After: Moment{Pod: "one-0", Is: Ready, Updated: true}, Act: a})
	}
	e.Broken = []Finding{{Guarantee: "ordering/create", Text: "it's broken"}}
	return e
}

func TestScript(t *testing.T) {
	script, err := everyKind().Script()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "script.sh")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", "-n", file).CombinedOutput(); err != nil {
		t.Errorf("sh cannot read it: %s", out)
	}
	for _, want := range []string{
		"run create -f - <<'EOF'", "run patch statefulset one --type=merge -p", "--subresource=status --type=strategic", "--cascade=orphan",
		"--grace-period=0 --force", "/pods/one-0/eviction", "run exec one-0 -- kill -TERM 1", "kill kube-controller-manager on its node now", `kubectl cordon "$NODE"`, "stop the node $NODE",
		"uid: $OWNER", "until_true pod_is one-0 Ready", "ordering/create broken",
	} {
		if !strings.Contains(script, want) {
			t.Errorf("expected the script to have %q", want)
		}
	}
	if n := strings.Count(script, "uid: $OWNER"); n != 2 {
		t.Errorf("expected a pod and a claim of another controller, found %d objects of one", n)
	}
}

// The API server's own types read what is created, and nothing else is in it.
func TestManifests(t *testing.T) {
	for _, s := range everyKind().Steps {
		requests, err := s.Act.Requests("image:1")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range requests {
			if r.Method != Post {
				continue
			}
			data, err := yaml.Marshal(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			var into any
			switch r.Resource {
			case history.Sets:
				into = &appsv1.StatefulSet{}
			case history.Pods:
				into = &corev1.Pod{}
			case history.Claims:
				into = &corev1.PersistentVolumeClaim{}
			case history.Services:
				into = &corev1.Service{}
			case history.Budgets:
				into = &policyv1.PodDisruptionBudget{}
			}
			if err := yaml.UnmarshalStrict(data, into); err != nil {
				t.Errorf("%s: %v\n%s", s.Act.Kind, err, data)
			}
			if set, ok := into.(*appsv1.StatefulSet); ok {
				pod := set.Spec.Template.Spec
				if pod.Containers[0].Image != "image:1" || len(pod.ReadinessGates) != 1 || pod.SecurityContext == nil || set.Spec.Selector.MatchLabels["app"] != "one" {
					t.Errorf("expected the fixture with the changes of the spec, found %s", data)
				}
			}
		}
	}
}

// A template that has no readiness gate takes away that of the one before.
func TestTemplatePatchTakesTheGateAway(t *testing.T) {
	a := Act{Kind: NewTemplate, Set: "one", Spec: &Spec{Template: &Template{Name: "t2"}}}
	requests, err := a.Requests("image")
	if err != nil {
		t.Fatal(err)
	}
	was := map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"readinessGates": []any{"x"}, "nodeName": "n"}}}}
	got := merge(was, requests[0].Body)["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	if _, there := got["readinessGates"]; there || got["nodeName"] != "n" {
		t.Errorf("expected the gate to be taken away and the rest to stay, found %v", got)
	}
}

// A patch for the object of one UID keeps its nulls.
func TestPatchOfUID(t *testing.T) {
	requests, err := (&Act{Kind: RemoveFinalizer, Set: "one", Object: "one-0"}).Requests("image")
	if err != nil {
		t.Fatal(err)
	}
	requests[0].OfUID("u1")
	meta := requests[0].Body["metadata"].(map[string]any)
	if value, there := meta["finalizers"]; !there || value != nil || meta["uid"] != "u1" {
		t.Errorf("expected the UID and finalizers null, found %v", meta)
	}
}

func TestEpisodeFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "episode.json")
	if err := everyKind().Save(file); err != nil {
		t.Fatal(err)
	}
	e, err := LoadEpisode(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Steps) != len(Kinds()) || e.Steps[0].After != (Moment{Pod: "one-0", Is: Ready, Updated: true}) || !strings.Contains(e.Narrative(), "ordering/create broken: it's broken") {
		t.Errorf("expected all of it back, found %+v", e)
	}
	for name, text := range map[string]string{
		"another format": `{"format":"x","steps":[{"do":{"act":"touch","set":"one"}}]}`,
		"no steps":       `{"format":"statefulset-episode/v1"}`,
		"unknown act":    `{"format":"statefulset-episode/v1","steps":[{"do":{"act":"dance","set":"one"}}]}`,
		"no object":      `{"format":"statefulset-episode/v1","steps":[{"do":{"act":"evict","set":"one"}}]}`,
		"no spec":        `{"format":"statefulset-episode/v1","steps":[{"do":{"act":"scale","set":"one"}}]}`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadEpisode(file); err == nil {
			t.Errorf("%s: expected it to be rejected", name)
		}
	}
}

// TestKeptEpisodes loads the episodes that the project keeps; each is as short as it goes.
func TestKeptEpisodes(t *testing.T) {
	const most = 6
	all, err := LoadFolder(filepath.Join("..", "..", "..", "fixtures", "episodes"))
	if err != nil || len(all) == 0 {
		t.Fatalf("expected episodes, found %d: %v", len(all), err)
	}
	for _, e := range all {
		if len(e.Chosen()) > most {
			t.Errorf("%s: expected at most %d acts, found %d", e.File, most, len(e.Chosen()))
		}
	}
}

func TestCoverageAddsUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "coverage.json")
	e := &Episode{Steps: []Step{
		{Act: Act{Kind: CreateSet, Set: "one"}},
		{Act: Act{Kind: Scale, Set: "one"}, Phases: []history.Phase{history.Creating, history.ScalingUp}},
		{Act: Act{Kind: Scale, Set: "one"}, Phases: []history.Phase{history.Deleting}, Failed: "refused"},
	}}
	for n := 1; n <= 2; n++ {
		c, err := LoadCoverage(file)
		if err != nil {
			t.Fatal(err)
		}
		c.Add(e)
		if err := c.Save(file); err != nil {
			t.Fatal(err)
		}
		if c.Acts[Scale][history.Creating] != n || c.Acts[Scale][history.Deleting] != 0 || c.Acts[CreateSet][noPhase] != n || c.Episodes != n {
			t.Errorf("expected each to be counted %d times and what was refused not at all, found %+v", n, c)
		}
		if !strings.Contains(c.Markdown(), "pairs of act and phase were seen") {
			t.Error("the table says nothing of pairs")
		}
	}
}

func TestSimplify(t *testing.T) {
	gated := func() *Template { return &Template{Name: "t1", Gate: true, Extra: Sidecar, Mounts: []string{"data"}} }
	all := []Step{
		{Act: Act{Kind: CreateSet, Set: "one", Spec: &Spec{
			Replicas: new(int32(3)), Template: gated(), Claims: []string{"data"}, WhenScaled: appsv1.DeletePersistentVolumeClaimRetentionPolicyType,
			WhenDeleted: appsv1.DeletePersistentVolumeClaimRetentionPolicyType, MinReadySeconds: new(int32(1)), Policy: appsv1.ParallelPodManagement,
		}}},
		{After: Moment{Pod: "one-0", Is: Ready}, Act: Act{Kind: ScaleAndTemplate, Set: "one", Spec: &Spec{Replicas: new(int32(1)), Template: gated()}}},
		{After: Moment{Pod: "one-1", Is: Ready}, Act: Act{Kind: SetPartition, Set: "one", Spec: &Spec{Partition: new(int32(1))}}},
	}
	before, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	// Shown only under Parallel, with a gate, where the second act waits.
	got, err := Simplify(all, 3, func(candidates [][]Step) ([]bool, error) {
		var shown []bool
		for _, c := range candidates {
			shown = append(shown, c[0].Act.Spec.Policy != "" && c[1].Act.Spec.Template.Gate && c[1].After != Moment{})
		}
		return shown, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "create the set one: replicas 3, template t1 with a readiness gate, podManagementPolicy Parallel; " +
		"once the pod one-0 is Ready: change the set one: replicas 1, template t1 with a readiness gate; at once: change the set one: partition 1"
	var words []string
	for _, s := range got {
		words = append(words, strings.TrimPrefix(s.After.Words()+": "+s.Act.Words(), "at once: create"))
	}
	words[0] = "create" + words[0]
	if text := strings.Join(words, "; "); text != want {
		t.Errorf("expected %s\nfound    %s", want, text)
	}
	if after, err := json.Marshal(all); err != nil || string(after) != string(before) {
		t.Errorf("expected the steps to stay as they were, found %s", after)
	}
	if got[1].Act.Spec.Template.Mounts != nil {
		t.Error("expected no template to mount a claim that its set does not have")
	}
}
