package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestClaimsOutOfRange: a controller makes no claims for pods that there are not to be.
func TestClaimsOutOfRange(t *testing.T) {
	broken, data := ids(contract.StorageClaimPerPod), historytest.Claims("data")
	claim := func(b *historytest.Builder, pod string) {
		b.Claim("data", pod)
		reportCreation(b, "data-"+pod, pod)
	}
	running := func(act func(*historytest.Builder), options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2, append(options, data)...)
			b.Status("web")
			b.Wait(10 * time.Second)
			act(b)
			b.Wait(5 * time.Second)
		}
	}
	runCases(t, []testCase{
		{
			name: "of the next ordinal", broken: broken, texts: []string{"claim data-web-2 was created at rv", "for a pod that there is not to be: the ordinals of the set run from 0 to 1"},
			build: running(func(b *historytest.Builder) { claim(b, "web-2") }),
		},
		{
			name: "below the start ordinal", broken: broken, texts: []string{"the ordinals of the set run from 3 to 4"}, build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), data, func(s *history.Set) { s.Start = 3 })
				b.Wait(10 * time.Second)
				claim(b, "web-0")
				b.Wait(5 * time.Second)
			},
		},
		{name: "by somebody", build: running(func(b *historytest.Builder) { b.Claim("data", "web-2") })},
		{
			name: "by the test", build: running(func(b *historytest.Builder) {
				b.Operation(history.VerbCreate, history.Claims, "data-web-2")
				claim(b, "web-2")
			}),
		},
		{name: "of an ordinal that is in range", build: running(func(b *historytest.Builder) { b.Scale("web", 3); b.Wait(10 * time.Second); claim(b, "web-2") })},
		{name: "of an ordinal that was in range a moment before", build: running(func(b *historytest.Builder) { b.Scale("web", 3); b.Scale("web", 2); claim(b, "web-2") })},
		{
			name: "of an ordinal that was in range as far as the controller is known to have seen", build: running(func(b *historytest.Builder) {
				b.Scale("web", 3)
				b.Scale("web", 2)
				b.Wait(10 * time.Second)
				claim(b, "web-2")
			}),
		},
		{name: "of an ordinal that is in range as the late watch of sets shows", build: running(func(b *historytest.Builder) { claim(b, "web-2"); b.Scale("web", 3) })},
		{
			name: "of a pod that is out of range and has yet to leave", build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), data)
				b.Claim("data", "web-0")
				b.CreateReady("web-0")
				b.Pod("web-1")
				b.Scale("web", 1)
				b.Status("web")
				b.Wait(2 * time.Second)
				b.Terminate("web-1")
				b.Wait(10 * time.Second)
				claim(b, "web-1")
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "of another set whose claims have such names", build: func(b *historytest.Builder) {
				b.Set("b", historytest.Replicas(2), historytest.Claims("data-a"))
				b.Set("a-b", historytest.Replicas(1), data)
				b.Wait(10 * time.Second)
				claim(b, "a-b-1")
				b.Wait(5 * time.Second)
			},
		},
	})
}
