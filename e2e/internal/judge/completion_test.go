package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// reportFailure lets the controller report that it could not create something for a set.
func reportFailure(b *historytest.Builder, set string) {
	b.Report(history.Report{Type: "Warning", Reason: history.FailedCreate, Reporter: history.StatefulSetController, Kind: "StatefulSet", Object: set, Count: 1, Last: b.Timestamp()})
}

// refused lets the controller try in vain, with a back-off that doubles, for half a minute.
func refused(b *historytest.Builder) {
	for wait := 10 * time.Millisecond; wait < 20*time.Second; wait *= 2 {
		reportFailure(b, "web")
		b.Wait(wait)
	}
	reportFailure(b, "web")
}

// often reports so many failures that the controller's event recorder drops further ones.
func often(b *historytest.Builder) {
	for range 25 {
		reportFailure(b, "web")
	}
}

// runCompletionCases is runCases with findings about pods too few or too many.
func runCompletionCases(t *testing.T, all []testCase) {
	t.Helper()
	for i := range all {
		all[i].completes = true
	}
	runCases(t, all)
}

func TestCreateCompletes(t *testing.T) {
	const id = contract.OrderingCreateCompletes
	long := time.Minute
	broken := func(name, text string, build func(*historytest.Builder)) testCase {
		return testCase{name: name, controllerActs: true, broken: ids(id), texts: []string{text}, build: build}
	}
	scaledUp := func(b *historytest.Builder) {
		b.Running("web", 2)
		b.Scale("web", 3)
	}
	runCompletionCases(t, []testCase{
		{name: "all pods", exercised: ids(id), build: func(b *historytest.Builder) { b.Running("web", 3) }},
		{name: "all pods under Parallel", exercised: ids(id), build: func(b *historytest.Builder) { b.Running("web", 3, historytest.Parallel) }},
		broken("none at all", "web asks for web-0 (rv 101, +0.1 s), which was not created to the end of the recording, though every pod before it was available and", func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(2))
			b.Wait(long)
		}),
		broken("the next one missing", "web asks for web-1", func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(2))
			b.CreateReady("web-0")
			b.Wait(long)
		}),
		broken("none for a scale up", "web asks for web-2", func(b *historytest.Builder) {
			scaledUp(b)
			b.Wait(long)
		}),
		broken("not again after it had been out of range", "web asks for web-1", func(b *historytest.Builder) {
			b.Running("web", 2)
			b.Scale("web", 1)
			b.DeletePod("web-1")
			b.Status("web")
			b.Wait(3 * time.Second)
			b.Scale("web", 2)
			b.Wait(long)
		}),
		broken("the last one of a Parallel set whose others are Ready", "web asks for web-2 (rv 101, +0.1 s), which was not created to the end of the recording, though the policy is Parallel and nothing", func(b *historytest.Builder) {
			b.Set("web", historytest.Parallel, historytest.Replicas(3))
			b.CreateReady("web-0")
			b.CreateReady("web-1")
			b.Wait(long)
		}),
		{
			name: "its predecessor is not Ready", build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2))
				b.Pod("web-0")
				b.Wait(long)
			}, controllerActs: true,
		},
		{
			name: "its predecessor has not been Ready for minReadySeconds", controllerActs: true, build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.MinReady(60))
				b.CreateReady("web-0")
				b.Wait(long)
			},
		},
		{
			name: "the API server refuses it, again and again", excused: ids(id), controllerActs: true, build: func(b *historytest.Builder) {
				scaledUp(b)
				refused(b)
			},
		},
		{
			name: "the API server refuses it more often than is reported", excused: ids(id), controllerActs: true, build: func(b *historytest.Builder) {
				scaledUp(b)
				often(b)
				b.Wait(10 * long)
			},
		},
		broken("the API server refuses it once", "web asks for web-2", func(b *historytest.Builder) {
			scaledUp(b)
			reportFailure(b, "web")
			b.Wait(long)
		}),
		broken("the API server refuses it for a while, and then the set changes", "web asks for web-2", func(b *historytest.Builder) {
			scaledUp(b)
			refused(b)
			b.Wait(time.Second)
			b.Status("web")
			b.Wait(32 * time.Second)
		}),
		{
			name: "so much was reported before that a refusal may not be", inconclusive: ids(id), controllerActs: true, build: func(b *historytest.Builder) {
				often(b)
				scaledUp(b)
				b.Wait(long)
			},
		},
		{
			name: "its reports have a gap", inconclusive: ids(id), controllerActs: true, build: func(b *historytest.Builder) {
				scaledUp(b)
				from := b.Now()
				b.Wait(long)
				b.Gap(history.Events, from)
			},
		},
		{
			name: "the API server refuses it for a while, and the back-off goes on", excused: ids(id), build: func(b *historytest.Builder) {
				scaledUp(b)
				refused(b)
				b.Wait(32 * time.Second)
			},
		},
		broken("the API server refuses it for a while, and the back-off ends", "web asks for web-2", func(b *historytest.Builder) {
			scaledUp(b)
			refused(b)
			b.Wait(long)
		}),
		{
			name: "the API server refuses it for a while", exercised: ids(id), controllerActs: true, build: func(b *historytest.Builder) {
				scaledUp(b)
				refused(b)
				b.Wait(20 * time.Second)
				b.CreateReady("web-2")
				b.Status("web")
				b.Wait(20 * time.Second)
			},
		},
		broken("another set's was refused", "web asks for web-2", func(b *historytest.Builder) {
			scaledUp(b)
			reportFailure(b, "db")
			b.Wait(long)
		}),
		{
			name: "its claim terminates", controllerActs: true, build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Claims("data"))
				b.Claim("data", "web-0")
				b.CreateReady("web-0")
				b.Claim("data", "web-1")
				b.Operation(history.VerbDelete, history.Claims, "data-web-1")
				now := b.Timestamp()
				b.Change(history.Claims, "data-web-1", func(e *history.Event) { e.DeletionTimestamp = &now })
				b.Wait(long)
			},
		},
		{
			name: "not seen at work", inconclusive: ids(id), texts: []string{"but nothing shows that the controller was at work"}, build: func(b *historytest.Builder) {
				scaledUp(b)
				b.Wait(long)
			},
		},
		{
			name: "at work for another set only", inconclusive: ids(id), build: func(b *historytest.Builder) {
				scaledUp(b)
				b.Wait(long)
				b.Running("db", 1)
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "the set was deleted", controllerActs: true, build: func(b *historytest.Builder) {
				scaledUp(b)
				b.DeleteSet("web")
				b.Wait(long)
			},
		},
		{
			name: "the last of several values does not win", controllerActs: true, broken: ids(contract.OrderingChangeOfMind), texts: []string{"web asks for web-1"},
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Scale("web", 3)
				b.Scale("web", 2)
				b.Wait(long)
			},
		},
	})
}

func TestScaleDownCompletes(t *testing.T) {
	const id = contract.OrderingScaleDownCompletes
	long := time.Minute
	scaledDown := func(to int32, options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 3, options...)
			b.Scale("web", to)
		}
	}
	then := func(first, more func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			first(b)
			more(b)
			b.Wait(long)
		}
	}
	nothing := func(*historytest.Builder) {}
	runCompletionCases(t, []testCase{
		{name: "all go", exercised: ids(id), build: then(scaledDown(1), func(b *historytest.Builder) { b.DeletePod("web-2"); b.DeletePod("web-1") })},
		{
			name: "none goes", controllerActs: true, broken: ids(id), texts: []string{"web-2 is out of the range of web (rv 111, +1.1 s) and was not deleted to the end of the recording"},
			build: then(scaledDown(1), nothing),
		},
		{
			name: "the last stays", controllerActs: true, broken: ids(id), exercised: ids(id), texts: []string{"web-1 is out of the range"},
			build: then(scaledDown(1), func(b *historytest.Builder) { b.DeletePod("web-2") }),
		},
		{
			name: "one stays under Parallel", controllerActs: true, broken: ids(id), texts: []string{"web-1 is out of the range"},
			build: then(scaledDown(1, historytest.Parallel), func(b *historytest.Builder) { b.Terminate("web-2") }),
		},
		{
			name: "the only pod that is not Ready stays", controllerActs: true, broken: ids(id), texts: []string{"web-2 is out of the range"},
			build: then(scaledDown(2), func(b *historytest.Builder) { b.Unready("web-2") }),
		},
		{name: "the higher one terminates", controllerActs: true, build: then(scaledDown(1), func(b *historytest.Builder) { b.Terminate("web-2") })},
		{name: "a pod that stays is not Ready", controllerActs: true, build: then(scaledDown(1), func(b *historytest.Builder) { b.Unready("web-0") })},
		{
			name: "two that go are not Ready", controllerActs: true,
			build: then(scaledDown(1), func(b *historytest.Builder) { b.Unready("web-1"); b.Unready("web-2") }),
		},
		{
			name: "creations are refused", controllerActs: true, build: then(scaledDown(1, historytest.Parallel), often),
		},
		{
			name: "a creation was refused once", controllerActs: true, broken: ids(id), build: then(scaledDown(1, historytest.Parallel), func(b *historytest.Builder) { reportFailure(b, "web") }),
		},
		{name: "not seen at work", inconclusive: ids(id), build: then(scaledDown(1), nothing)},
		{
			name: "the last of several values does not win", controllerActs: true, broken: ids(contract.OrderingChangeOfMind), texts: []string{"web-2 is out of the range"},
			build: then(scaledDown(1), func(b *historytest.Builder) { b.Scale("web", 2) }),
		},
	})
}

func TestUpdateRevision(t *testing.T) {
	const id = contract.UpdateRevision
	observed := func(b *historytest.Builder, revision string) {
		b.Status("web", func(st *history.Status) { st.UpdateRevision = revision })
	}
	unobserved := func(b *historytest.Builder, revision string) {
		b.Status("web", func(st *history.Status) { st.UpdateRevision, st.ObservedGeneration = revision, st.ObservedGeneration-1 })
	}
	runLiveCases(t, []testCase{
		{name: "another one", exercised: ids(id), build: func(b *historytest.Builder) { b.Running("web", 1); b.ChangeTemplate("web", 2); observed(b, "web-2") }},
		{
			name: "the same one", broken: ids(id), texts: []string{"names web-1 as update revision, that of another template"}, build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.ChangeTemplate("web", 2)
				observed(b, "web-1")
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "that of an earlier template", broken: ids(id), exercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.OnDelete)
				b.ChangeTemplate("web", 2)
				observed(b, "web-2")
				b.ChangeTemplate("web", 3)
				observed(b, "web-1")
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "another one, and then the former one again", broken: ids(id), exercised: ids(id),
			texts: []string{"the template of web did not change, and its status, which had named the update revision web-2, names web-1"},
			build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.OnDelete)
				b.ChangeTemplate("web", 2)
				observed(b, "web-2")
				b.Unready("web-0")
				observed(b, "web-1")
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "another one, and then the next one before it is said to be observed", exercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.OnDelete)
				b.ChangeTemplate("web", 2)
				observed(b, "web-2")
				b.ChangeTemplate("web", 1)
				unobserved(b, "web-1")
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "written a moment after the generation", inconclusive: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.ChangeTemplate("web", 2)
				observed(b, "web-1")
				observed(b, "web-2")
			},
		},
		{
			name: "back to the first", exercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.OnDelete)
				b.ChangeTemplate("web", 2)
				observed(b, "web-2")
				b.ChangeTemplate("web", 1)
				observed(b, "web-1")
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "named before it is said to be observed", exercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.ChangeTemplate("web", 2)
				unobserved(b, "web-2")
				observed(b, "web-2")
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "the same one, and a third named too early", broken: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.ChangeTemplate("web", 2)
				unobserved(b, "web-3")
				observed(b, "web-1")
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "the former template's second one, with no other template to come", broken: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1)
				observed(b, "web-2")
				b.ChangeTemplate("web", 2)
				observed(b, "web-2")
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "no other template", notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Scale("web", 2)
				observed(b, "web-1")
				b.CreateReady("web-1")
				b.Status("web")
			},
		},
	})
}

func TestMissingClaims(t *testing.T) {
	const id = contract.StorageClaimPerPod
	created := func(b *historytest.Builder) {
		b.Set("web", historytest.Claims("data", "log"))
		b.Claim("data", "web-0")
		b.Pod("web-0")
	}
	pending := func(b *historytest.Builder) {
		created(b)
		b.Change(history.Pods, "web-0", func(e *history.Event) { e.Pod.Phase = "Pending" })
	}
	runCases(t, []testCase{
		{
			name: "one is never created", controllerActs: true, broken: ids(id), texts: []string{"to the end of the recording, its claim log-web-0 was not created"},
			build: func(b *historytest.Builder) { pending(b); b.Wait(time.Minute) },
		},
		{name: "one comes late", controllerActs: true, build: func(b *historytest.Builder) { pending(b); b.Wait(time.Minute); b.Claim("log", "web-0") }},
		{
			name: "the API server refuses it", excused: ids(id), controllerActs: true, build: func(b *historytest.Builder) { pending(b); often(b); b.Wait(time.Minute) },
		},
		{
			name: "the API server refuses it once", controllerActs: true, broken: ids(id), build: func(b *historytest.Builder) { pending(b); reportFailure(b, "web"); b.Wait(time.Minute) },
		},
		{
			name: "not seen at work", inconclusive: ids(id), build: func(b *historytest.Builder) { pending(b); b.Wait(time.Minute) },
		},
	})
}
