package judge_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// TestMutators: what a mutating webhook or policy may have set in a new pod or claim is held against nobody; one of the other resource excuses nothing.
func TestMutators(t *testing.T) {
	pod := func(change func(*history.Event)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", func(s *history.Set) { s.Template.Parts = "restartPolicy: Always" })
			b.Status("web")
			e := b.Pod("web-0")
			e.Pod.Template.Parts = "restartPolicy: Always"
			change(e)
			b.Ready("web-0")
		}
	}
	claim := func(change func(*history.Event)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.Claims("data"), historytest.Request("data", "1Gi"))
			b.Claim("data", "web-0")
			for _, e := range b.History().Events {
				if e.Claim != nil {
					change(e)
				}
			}
			b.CreateReady("web-0")
		}
	}
	expected := func(kind history.ExpectationKind, change func(*history.Event), code int32) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1)
			scaleToZero(b)
			b.Change(history.Pods, "web-0", change)
			terminateWithGrace(b, 5)
			p := b.Get(history.Pods, "web-0")
			end(b, time.Second, code)
			x := expectationOf(kind, p)
			x.Guarantee = contract.TerminationGraceful
			b.ExpectOf(p, x)
		}
	}
	for name, c := range map[string]struct {
		id    contract.ID
		of    history.Resource
		build func(*historytest.Builder)
	}{
		"a label of a pod":  {contract.IdentityLabels, history.Pods, pod(func(e *history.Event) { e.Labels["apps.kubernetes.io/pod-index"] = "7" })},
		"a grace period":    {contract.IdentityTemplate, history.Pods, pod(func(e *history.Event) { e.Pod.Grace = new(int64(600)) })},
		"a label of claims": {contract.StorageClaimLabels, history.Claims, claim(func(e *history.Event) { e.Labels = nil })},
		"a size of claims":  {contract.StorageClaimPerPod, history.Claims, claim(func(e *history.Event) { e.Claim.Request.Size = "10Gi" })},
		"the grace period of a deletion": {
			contract.TerminationGraceful, history.Pods, expected(history.ExpectContainerExit, func(e *history.Event) { e.Pod.Grace = new(int64(5)) }, 7),
		},
		"a restart policy": {
			contract.TerminationGraceful, history.Pods, expected(history.ExpectNeverFailed, func(e *history.Event) { e.Pod.Phase = corev1.PodFailed }, 7),
		},
	} {
		other := map[history.Resource]history.Resource{history.Pods: history.Claims, history.Claims: history.Pods}[c.of]
		for _, by := range []struct {
			resource history.Resource
			want     history.Outcome
		}{{"", history.Failed}, {other, history.Failed}, {c.of, history.Inconclusive}} {
			b := historytest.New().Version("v1.37.2").Mutated(by.resource, "the webhook a.example")
			c.build(b)
			found := history.Passed
			for _, r := range judge.History(b.History()) {
				switch {
				case r.Guarantee != c.id:
				case len(r.Violations) > 0:
					found = history.Failed
				case len(r.Inconclusive) > 0 && strings.Contains(r.Inconclusive[0].Text, "but the webhook a.example may have changed it on its way"):
					found = history.Inconclusive
				}
			}
			if found != by.want {
				t.Errorf("%s, with a webhook for %q: expected it %s, found %s", name, by.resource, by.want, found)
			}
		}
	}
}
