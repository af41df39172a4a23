package judge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// asks makes the template of the claims called data ask for something.
func asks(r history.ClaimRequest) historytest.Option {
	return func(s *history.Set) { s.ClaimRequests = map[string]history.ClaimRequest{"data": r} }
}

func TestClaimsAskForWhatTheirTemplateSays(t *testing.T) {
	made := func(change func(*history.Claim), further ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", append([]historytest.Option{historytest.Claims("data"), historytest.Request("data", "1Gi")}, further...)...)
			b.Claim("data", "web-0")
			for _, e := range b.History().Events {
				if e.Claim != nil {
					change(e.Claim)
				}
			}
			b.CreateReady("web-0")
			b.Wait(5 * time.Second)
		}
	}
	runCases(t, []testCase{
		{name: "what it says", exercised: ids(contract.StorageClaimPerPod), build: made(func(*history.Claim) {})},
		{
			name: "another size", broken: ids(contract.StorageClaimPerPod), texts: []string{"claim data-web-0 was created at rv 102 (+0.2 s) with a request of \"2Gi\", expected \"1Gi\" as in its claim template"},
			build: made(func(c *history.Claim) { c.Request.Size = "2Gi" }),
		},
		{name: "other access modes", broken: ids(contract.StorageClaimPerPod), build: made(func(c *history.Claim) { c.Request.Modes = "ReadOnlyMany" })},
		{
			name: "another class", broken: ids(contract.StorageClaimPerPod), build: func(b *historytest.Builder) {
				b.Set("web", historytest.Claims("data"), func(s *history.Set) {
					s.ClaimRequests = map[string]history.ClaimRequest{"data": {Size: "1Gi", Class: "fast"}}
				})
				b.Claim("data", "web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "another volume mode", broken: ids(contract.StorageClaimPerPod), texts: []string{"with the volume mode \"Filesystem\", expected \"Block\""},
			build: made(func(c *history.Claim) { c.Request.Mode = "Filesystem" }, asks(history.ClaimRequest{Mode: "Block"})),
		},
		{
			name: "without a part of it", broken: ids(contract.StorageClaimPerPod), texts: []string{"without annotations[a]: b, as in its claim template"},
			build: made(func(c *history.Claim) { c.Request.Parts = "accessModes" }, asks(history.ClaimRequest{Parts: "accessModes\nannotations[a]: b"})),
		},
		{
			name: "more than that", exercised: ids(contract.StorageClaimPerPod),
			build: made(func(c *history.Claim) { c.Request.Parts = "accessModes\nvolumeName" }, asks(history.ClaimRequest{Parts: "accessModes"})),
		},
		{name: "a recording that does not hold it", build: made(func(c *history.Claim) { c.Request = history.ClaimRequest{} })},
	})
}

func TestObservedGenerationIsNeitherAheadNorTakenBack(t *testing.T) {
	observed := func(generations ...int64) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2)
			b.Scale("web", 3)
			for _, g := range generations {
				b.Change(history.Sets, "web", func(e *history.Event) { e.Set.Status.ObservedGeneration = g })
			}
		}
	}
	broken := ids(contract.StatusObservedGeneration)
	runLiveCases(t, []testCase{
		{name: "reached", exercised: broken, build: observed(2)},
		{name: "written twice", exercised: broken, build: observed(2, 2)},
		{name: "ahead", broken: broken, texts: []string{"says at rv 109 (+0.9 s) that generation 7 was observed, and the set has generation 2 only"}, build: observed(7)},
		{
			// The controller wrote the status of the set before once more, to the one that has its name.
			name: "of the set before, until generations later", inconclusive: broken, build: func(b *historytest.Builder) {
				b.Set("web")
				b.Scale("web", 2)
				b.Scale("web", 1)
				b.Status("web")
				b.DeleteSet("web")
				b.Set("web")
				b.Change(history.Sets, "web", func(e *history.Event) { e.Set.Status.ObservedGeneration = 3 })
				b.Scale("web", 2)
				b.Scale("web", 3)
				b.Change(history.Sets, "web", func(e *history.Event) { e.Set.Status.ObservedGeneration = 1 })
				b.Status("web")
			},
		},
		{name: "taken back", broken: broken, texts: []string{"which had observed generation 2, says at rv 110 (+1.0 s) that only 1 was"}, build: observed(2, 1)},
	})
}

func TestPodsCreatedOutOfRange(t *testing.T) {
	runCases(t, []testCase{
		{
			name: "above", broken: ids(contract.IdentityName), texts: []string{"web-2 was created at rv", "and the ordinals of the set run from 0 to 1"}, build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.CreateReady("web-2")
			},
		},
		{
			name: "below the start", broken: ids(contract.IdentityStartOrdinal), build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Start(3))
				b.CreateReady("web-2")
				b.CreateReady("web-3")
			},
		},
		{
			name: "scaled down just before", build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 3)
				b.Scale("web", 2)
				b.Pod("web-2")
			},
		},
		{
			name: "long after the scale down, which no status shows", build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 3)
				b.Scale("web", 2)
				b.Wait(long)
				b.Pod("web-2")
			},
		},
		{
			name: "by the test", build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Operation(history.VerbCreate, history.Pods, "web-1")
				b.Pod("web-1")
			},
		},
	})
}

func TestPodsHaveWhatIsInTheirTemplate(t *testing.T) {
	const key = history.Prefix + "template"
	created := func(then func(*historytest.Builder), change func(*history.Pod)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2)
			b.Update("web", func(s *history.Set) { s.Template.Annotations = map[string]string{key: "new"} })
			b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
			then(b)
			change(b.Get(history.Pods, "web-1").Pod)
			b.Ready("web-1")
			b.Status("web")
		}
	}
	roll := func(b *historytest.Builder) {
		b.DeletePod("web-1")
		b.Pod("web-1")
	}
	without := func(p *history.Pod) { p.Template.Annotations = nil }
	runCases(t, []testCase{
		{name: "all of it", build: created(roll, func(*history.Pod) {})},
		{name: "and more", build: created(roll, func(p *history.Pod) { p.Template.Annotations["other"] = "added" })},
		{
			name: "without an annotation", broken: ids(contract.UpdateComplete, contract.IdentityTemplate), texts: []string{"but made of the template of web-1"}, build: created(roll, without),
		},
		{
			name: "another value", broken: ids(contract.UpdateComplete), texts: []string{"without what is in its template: annotation " + key + " \"else\", expected \"new\""},
			build: created(roll, func(p *history.Pod) { p.Template.Annotations[key] = "else" }),
		},
		{
			name: "by a scale up", broken: ids(contract.UpdateScaleNew, contract.IdentityTemplate), build: created(func(b *historytest.Builder) {
				b.Roll("web", 1, 0)
				b.Scale("web", 3)
				pod := b.Pod("web-2")
				without(pod.Pod)
			}, func(*history.Pod) {}),
		},
	})
}

func TestPodsHaveAllThatTheirTemplateSays(t *testing.T) {
	const all = "containers[main].command\ncontainers[second].command\ntolerations[dedicated].key\nvolumes[data].emptyDir"
	created := func(parts string, grace int64) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.Claims("data"), func(s *history.Set) { s.Template.Parts = all })
			b.Claim("data", "web-0")
			b.CreateReady("web-0")
			b.Status("web")
			for _, e := range b.History().Events {
				if e.Pod != nil {
					e.Pod.Template.Parts, e.Pod.Grace = parts, &grace
				}
			}
		}
	}
	const key = history.Prefix + "template"
	labelled := func(change func(*history.Pod)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.OnDelete, func(s *history.Set) {
				s.Template.Labels, s.Template.Annotations = map[string]string{key: "one"}, map[string]string{key: "one"}
			})
			change(b.Pod("web-0").Pod)
			b.Ready("web-0")
			b.Status("web")
		}
	}
	broken := ids(contract.IdentityTemplate)
	runCases(t, []testCase{
		{name: "all of it", exercised: broken, build: created(all, historytest.Grace)},
		{name: "a claim in the place of a volume", exercised: broken, build: created(strings.Replace(all, "emptyDir", "persistentVolumeClaim.claimName", 1), historytest.Grace)},
		{name: "more than that", exercised: broken, build: created("containers[a-proxy].image\n"+all, historytest.Grace)},
		{
			name: "no second container", broken: broken, texts: []string{"web-0 was created at rv 104 (+0.4 s) without containers[second].command, unlike the template of its revision web-1"},
			build: created(strings.Replace(all, "second", "third", 1), historytest.Grace),
		},
		{name: "a longer grace period", broken: broken, texts: []string{"with a grace period of 3600 s instead of 30 s"}, build: created(all, 3600)},
		{name: "a shorter one", broken: broken, texts: []string{"with a grace period of 1 s instead of 30 s"}, build: created(all, 1)},
		{name: "with its labels and annotations", build: labelled(func(*history.Pod) {})},
		{name: "with more of them, and other values", build: labelled(func(p *history.Pod) {
			p.Template.Labels = map[string]string{key: "rewritten", history.Prefix + "added": "yes"}
		})},
		{
			name: "without a label", broken: broken, texts: []string{"without labels[" + key + "], unlike the template of its revision web-1"},
			build: labelled(func(p *history.Pod) { p.Template.Labels = nil }),
		},
		{
			name: "without an annotation under OnDelete", broken: broken, texts: []string{"without annotations[" + key + "], unlike"},
			build: labelled(func(p *history.Pod) { p.Template.Annotations = nil }),
		},
		{name: "a recording that does not hold it", notExercised: broken, build: created("", historytest.Grace)},
		{
			name: "a pod of the test's own", notExercised: broken, build: func(b *historytest.Builder) {
				b.Set("web", historytest.Claims("data"), func(s *history.Set) { s.Template.Parts = all })
				b.Operation(history.VerbCreate, history.Pods, "web-0")
				b.CreateReady("web-0")
				b.Status("web")
			},
		},
	})
}
