package explore

import (
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func bodyOf(t *testing.T, template *Template) map[string]any {
	t.Helper()
	body, err := template.body("one", "image")
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// A merge patch takes away only what it names: whatever a template had, the next one brings a set to what it would have been made with.
func TestNextTemplateTakesAwayTheLast(t *testing.T) {
	plain := Template{Name: "b", Mounts: []string{dataClaim}}
	want := merge(map[string]any{}, bodyOf(t, &plain))
	for _, was := range []Template{
		{Gate: true},
		{Stop: 3},
		{Restart: "1"},
		{Extra: Sidecar},
		{Extra: Tolerating},
		{Extra: Named},
		{Extra: Shadowing},
		{Fault: Unready},
		{Fault: Crashing},
		{Fault: Ending},
		{Fault: Unpullable},
		{Fault: Unplaced},
	} {
		was.Name, was.Mounts = plain.Name, plain.Mounts
		first := merge(map[string]any{}, bodyOf(t, &was))
		if reflect.DeepEqual(first, want) {
			t.Errorf("%s: expected it to be in the pod template", was.words())
		}
		if was.words() == plain.words() {
			t.Errorf("%+v: expected words of its own", was)
		}
		if got := merge(first, bodyOf(t, &plain)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: expected nothing of it to be left, found %v", was.words(), got)
		}
	}
}

// valuesOf are the values that acts chosen in some states have.
func valuesOf(states ...*history.State) map[string]bool {
	found := map[string]bool{}
	for _, s := range states {
		for seed := range uint64(60) {
			for _, a := range chosen(seed, NewCoverage(), s, 20) {
				found[a.Words()] = true
			}
		}
	}
	return found
}

func TestValuesAreChosen(t *testing.T) {
	relabelled := rested(2)
	relabelled.Relabel("one-1", "app", "none")
	found := valuesOf(
		stateOf(rested(3, historytest.Claims(dataClaim)).History()), stateOf(relabelled.History()), history.NewState(),
		stateOf(rested(2, func(s *history.Set) { s.Strategy = appsv1.OnDeleteStatefulSetStrategyType }).History()),
	)
	for _, want := range []string{
		"whose pods get no node", "with a second container", "with a toleration", "with a hostname, a subdomain and an index", "with volumes of the names",
		"with the annotation restarted", "updateStrategy Recreate", "updateStrategy RollingUpdate", "updateStrategy OnDelete", "maxUnavailable 10%", "ordinals.start 9",
		"replicas 8", "by its subresource scale", "take the label app from the pod one-", "label the pod one-1 app=one", "whose container is not started again",
		"create the claim log-two-2-", "create the pod two-2-", "change a label of the set one",
	} {
		ok := false
		for words := range found {
			ok = ok || strings.Contains(words, want)
		}
		if !ok {
			t.Errorf("expected some act with %q", want)
		}
	}
}

func TestSeveralFieldsInOneRequest(t *testing.T) {
	s := stateOf(rested(3, historytest.Claims(dataClaim)).History()).Get(history.Sets, "one").Set
	most := 0
	for seed := range uint64(40) {
		spec, ok := proposeSeveral(NewCourse(seed, NewCoverage()), "one", s)
		if !ok || spec.Replicas == nil || spec.Template == nil {
			t.Fatalf("seed %d: expected replicas and a template at least, found %+v", seed, spec)
		}
		patch, err := spec.patch("one", "image")
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, len(patch))
	}
	if most != 6 {
		t.Errorf("expected all of replicas, template, ordinals, strategy, minReadySeconds and retention in some request, found %d of them at the most", most)
	}
}

func TestRefusedStrategyIsNotProposedAgain(t *testing.T) {
	s := stateOf(rested(1).History()).Get(history.Sets, "one").Set
	c := NewCourse(1, NewCoverage())
	recreate := Spec{Strategy: appsv1.RecreateStatefulSetStrategyType}
	c.Did(Step{Act: Act{Kind: SetStrategy, Set: "one", Spec: &recreate}, Failed: "unsupported value"})
	for range 50 {
		if spec, _ := proposeStrategy(c, "one", s); spec.Strategy == recreate.Strategy {
			t.Fatal("expected no strategy that the cluster has refused")
		}
	}
	if rolling := recreate.strategy(); rolling["rollingUpdate"] != nil || len(rolling) != 2 {
		t.Errorf("expected Recreate to take rollingUpdate away, which no other strategy may have, found %v", rolling)
	}
}

func TestOutsiderThatEnds(t *testing.T) {
	for _, once := range []bool{false, true} {
		pod, err := (&Act{Kind: MakeOutsider, Set: "one", Object: "one-3", Once: once}).outsider("image")
		if err != nil {
			t.Fatal(err)
		}
		policy := pod["spec"].(map[string]any)["restartPolicy"]
		if (policy == "Never") != once {
			t.Errorf("once %t: expected a pod that may end only then, found restartPolicy %v", once, policy)
		}
	}
}

func TestUndoing(t *testing.T) {
	was := &history.Set{Replicas: 3, Start: 1, Partition: 2, MinReadySeconds: 4, WhenScaled: appsv1.RetainPersistentVolumeClaimRetentionPolicyType}
	for kind, want := range map[Kind]*Spec{
		Scale: {Replicas: new(int32(3))}, ScaleAndTemplate: {Replicas: new(int32(3))}, SetStart: {Start: new(int32(1))},
		SetPartition: {Partition: new(int32(2))}, SetMinReady: {MinReadySeconds: new(int32(4))}, SetStrategy: nil, DeletePod: nil,
		SetRetention: {WhenScaled: appsv1.RetainPersistentVolumeClaimRetentionPolicyType},
	} {
		back, may := undoing(Act{Kind: kind, Set: "one", Spec: &Spec{Replicas: new(int32(5)), Template: &Template{Name: "t2"}}}, was)
		if may != (want != nil) {
			t.Errorf("%s: expected that it can be taken back: %t, found %t", kind, want != nil, may)
			continue
		}
		if may && (back.Set != "one" || !reflect.DeepEqual(back.Spec, want)) {
			t.Errorf("%s: expected %+v, found %+v", kind, want, back)
		}
	}
	if _, may := undoing(Act{Kind: Scale, Spec: new(Spec)}, nil); may {
		t.Error("expected nothing to take back of a set that was not there")
	}
}

// A change of numbers is taken back now and then, and once.
func TestChangesAreTakenBack(t *testing.T) {
	s, could, did := stateOf(rested(3).History()), 0, 0
	for seed := range uint64(100) {
		c := NewCourse(seed, NewCoverage())
		c.Episode.Steps = []Step{{Act: c.newSet("one")}}
		for range 30 {
			back := c.undo
			act, _ := c.Next(s, atRest)
			if back == nil {
				continue
			}
			could++
			if reflect.DeepEqual(act, *back) && c.undo == nil {
				did++
			}
		}
	}
	if did*2*undoes < could || did*undoes > could*2 {
		t.Errorf("expected one change of %d to be taken back each time, found %d of %d", undoes, did, could)
	}
}
