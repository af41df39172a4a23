package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

func underRecreation(s *history.Set) { s.Strategy = appsv1.RecreateStatefulSetStrategyType }

func progressing(is corev1.ConditionStatus) func(*history.Status) {
	return func(st *history.Status) { st.Progressing = is }
}

// recreation is a set under Recreate with a new template, whose pods are deleted.
func recreation(pods []string, then func(*historytest.Builder), options ...historytest.Option) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 3, append(options, underRecreation)...)
		b.Wait(4 * time.Second)
		b.NewTemplate("web", 2)
		for _, pod := range pods {
			b.Terminate(pod)
		}
		then(b)
	}
}

func finish(pods ...string) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		for _, pod := range pods {
			b.FinishDeletion(pod)
		}
	}
}

func TestUpdateRecreateApart(t *testing.T) {
	const id = contract.UpdateRecreateApart
	all := []string{"web-0", "web-1", "web-2"}
	runCases(t, []testCase{
		{
			name: "all gone first", exercised: ids(id, contract.UpdateRecreateAll), notExercised: ids(contract.UpdateOrder, contract.UpdateOneAtATime, contract.OrderingScaleDown),
			build: recreation(all, func(b *historytest.Builder) {
				b.FinishDeletion("web-0")
				b.Wait(5 * time.Second)
				finish("web-2", "web-1")(b)
				b.CreateReady("web-0")
			}),
		},
		{
			name: "a pod out of range is left, and Recreate came a moment ago with the template", broken: ids(id),
			texts: []string{"web-0 was created at the new revision", "while web-2 (revision web-1) was still there"},
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Wait(4 * time.Second)
				b.Update("web", func(s *history.Set) {
					underRecreation(s)
					s.Replicas = 2
					s.Template.Images = map[string]string{"main": "image:2"}
				})
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.Terminate("web-1")
				b.Terminate("web-0")
				finish("web-1", "web-0")(b)
				b.CreateReady("web-0")
				b.Wait(time.Second)
			},
		},
		{
			name: "the lowest gone last", notExercised: ids(id), build: recreation(all, func(b *historytest.Builder) {
				finish("web-2", "web-1")(b)
				b.Wait(5 * time.Second)
				b.FinishDeletion("web-0")
				b.CreateReady("web-0")
			}),
		},
		{
			name: "one still terminating", broken: ids(id), texts: []string{"web-0 was created at the new revision web-2 at rv", "while web-2 (revision web-1) was still there"},
			build: recreation(all, func(b *historytest.Builder) {
				finish("web-0", "web-1")(b)
				b.CreateReady("web-0")
			}),
		},
		{
			name: "one never deleted", broken: ids(id), notExercised: ids(contract.UpdateRecreateAll), texts: []string{"while web-1 (revision web-1) was still there"},
			build: recreation([]string{"web-0", "web-2"}, func(b *historytest.Builder) {
				finish("web-0", "web-2")(b)
				b.CreateReady("web-0")
			}),
		},
		{
			name: "one out of range still there", broken: ids(id), texts: []string{"while web-2 (revision web-1) was still there"}, build: func(b *historytest.Builder) {
				b.Running("web", 3, underRecreation)
				b.Wait(4 * time.Second)
				b.Update("web", func(s *history.Set) { s.Replicas, s.Template.Images = 2, map[string]string{"main": "image:2"} })
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				for _, pod := range all {
					b.Terminate(pod)
				}
				finish("web-0", "web-1")(b)
				b.CreateReady("web-0")
			},
		},
		{
			name: "a pod that somebody deletes without a new template", notExercised: ids(id, contract.UpdateRecreateAll), build: func(b *historytest.Builder) {
				b.Running("web", 2, underRecreation)
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "a rolling update until just before", notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.DeletePod("web-1")
				b.Update("web", underRecreation)
				b.CreateReady("web-1")
			},
		},
		{
			name: "a scale down together with a new template", exercised: ids(contract.UpdateRecreateAll), notExercised: ids(contract.OrderingScaleDown),
			build: func(b *historytest.Builder) {
				b.Running("web", 3, underRecreation)
				b.Wait(4 * time.Second)
				b.Update("web", func(s *history.Set) { s.Replicas, s.Template.Images = 1, map[string]string{"main": "image:2"} })
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				for _, pod := range all {
					b.Terminate(pod)
				}
			},
		},
	})
}

func TestUpdateRecreateAll(t *testing.T) {
	const id = contract.UpdateRecreateAll
	all := []string{"web-0", "web-1", "web-2"}
	runCases(t, []testCase{
		{
			name: "all at once, one of them never Ready", exercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1, underRecreation)
				b.Scale("web", 2)
				b.Pod("web-1")
				b.Wait(4 * time.Second)
				b.NewTemplate("web", 2)
				b.Terminate("web-1")
				b.Terminate("web-0")
			},
		},
		{
			name: "one waits for another to be gone", broken: ids(id), texts: []string{"web-2 (revision web-1) was not deleted for 4", "after Recreate had to replace it"}, controllerActs: true,
			build: recreation(all[:2], func(b *historytest.Builder) { b.Wait(40 * time.Second) }),
		},
		{
			name: "deleted late, by a controller that was at work before", broken: ids(id), notExercised: ids(id),
			build: recreation(all[:1], func(b *historytest.Builder) {
				b.Wait(40 * time.Second)
				b.Status("web")
				b.Wait(10 * time.Second)
				b.Terminate("web-1")
				b.FinishDeletion("web-0")
			}),
		},
		{
			name: "deleted late, by a controller that was away", build: recreation(nil, func(b *historytest.Builder) {
				b.Wait(40 * time.Second)
				b.Terminate("web-0")
				b.Terminate("web-1")
				b.Terminate("web-2")
				b.Status("web")
			}),
		},
		{
			name: "not yet deleted", build: recreation(all[:2], func(b *historytest.Builder) { b.Wait(5 * time.Second) }),
		},
		{
			name: "created again at the old revision", broken: ids(id), texts: []string{"web-0 was created under Recreate at rv", "at revision web-1, expected the update revision web-2"},
			build: recreation(all, func(b *historytest.Builder) {
				finish(all...)(b)
				b.Wait(4 * time.Second)
				b.PodAt("web-0", 1)
			}),
		},
		{
			name: "nothing is due while an old pod is there", controllerActs: true, completes: true, build: recreation(all, func(b *historytest.Builder) {
				finish("web-0", "web-1")(b)
				b.Wait(60 * time.Second)
			}),
		},
		{
			name: "a creation is due once they are gone", controllerActs: true, broken: ids(contract.IdentitySticky), build: recreation(all, func(b *historytest.Builder) {
				finish(all...)(b)
				b.Wait(60 * time.Second)
			}),
		},
	})
}

func TestStatusProgressing(t *testing.T) {
	const id = contract.StatusProgressing
	all := []string{"web-2", "web-1", "web-0"}
	equal := func(st *history.Status) { st.CurrentRevision = st.UpdateRevision }
	recreated := func(during, after corev1.ConditionStatus, end ...func(*history.Status)) func(*historytest.Builder) {
		return recreation(all, func(b *historytest.Builder) {
			b.Status("web", progressing(during))
			b.Wait(4 * time.Second)
			finish(all...)(b)
			for _, pod := range []string{"web-0", "web-1", "web-2"} {
				b.CreateReady(pod)
				b.Status("web")
			}
			b.Status("web", append(end, progressing(after))...)
			b.Wait(4 * time.Second)
		})
	}
	runLiveCases(t, []testCase{
		{name: "True and then False", exercised: ids(id), build: recreated(corev1.ConditionTrue, corev1.ConditionFalse, equal)},
		{
			name: "never True", broken: ids(id), texts: []string{"pods of web are replaced under Recreate, and for 4.1 s its condition Progressing was missing"},
			build: recreated("", "", equal),
		},
		{
			name: "never False", broken: ids(id), texts: []string{"all 3 pods of web are updated and Ready", `its condition Progressing was "True"`},
			build: recreated(corev1.ConditionTrue, corev1.ConditionTrue, equal),
		},
		{
			name: "the current revision stays", broken: ids(id), texts: []string{"its currentRevision stayed web-1 beside the updateRevision web-2"},
			build: recreated(corev1.ConditionTrue, corev1.ConditionTrue),
		},
		{
			name: "False too early", broken: ids(id), texts: []string{`the condition Progressing of web became "False"`, "although web-"},
			build: recreation(all, func(b *historytest.Builder) {
				b.Status("web", progressing(corev1.ConditionTrue))
				b.Wait(4 * time.Second)
				b.Status("web", progressing(corev1.ConditionFalse))
			}),
		},
		{
			name: "nothing replaced yet", notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1, underRecreation)
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "True under a rolling update, from before", notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Status("web", progressing(corev1.ConditionTrue))
				b.Wait(4 * time.Second)
			},
		},
	})
}

// TestProgressingSince: the time of a condition is that of the last change of its status.
func TestProgressingSince(t *testing.T) {
	const id = contract.StatusProgressing
	// told writes the condition with times in seconds, one version after another, four seconds apart.
	told := func(versions ...func(*history.Status)) func(*historytest.Builder) {
		return recreation([]string{"web-2", "web-1", "web-0"}, func(b *historytest.Builder) {
			for _, version := range versions {
				b.Status("web", version)
				b.Wait(4 * time.Second)
			}
		})
	}
	at := func(is corev1.ConditionStatus, since int64) func(*history.Status) {
		return func(st *history.Status) { st.Progressing, st.ProgressingSince = is, since }
	}
	yes, no := corev1.ConditionTrue, corev1.ConditionFalse
	done := func(after time.Duration, since int64) func(*historytest.Builder) {
		all := []string{"web-2", "web-1", "web-0"}
		return recreation(all, func(b *historytest.Builder) {
			b.Status("web", at(yes, 100))
			b.Wait(after)
			finish(all...)(b)
			for _, pod := range []string{"web-0", "web-1", "web-2"} {
				b.CreateReady(pod)
				b.Status("web")
			}
			b.Status("web", func(st *history.Status) { st.CurrentRevision = st.UpdateRevision }, at(no, since))
			b.Wait(4 * time.Second)
		})
	}
	runLiveCases(t, []testCase{
		{name: "kept, and another one with the other status", exercised: ids(id), build: done(4*time.Second, 104)},
		{name: "kept although the status changed", broken: ids(id), texts: []string{`became "False" at rv`, `after it had become "True", and kept its lastTransitionTime`}, build: done(4*time.Second, 100)},
		{
			name: "moved although the status stayed", broken: ids(id), texts: []string{`the condition Progressing of web stayed "True" from rv`, "and its lastTransitionTime moved by 4 s"},
			build: told(at(yes, 100), at(yes, 104)),
		},
		{name: "not recorded", exercised: ids(id), build: told(at(yes, 0), at(yes, 104))},
		{name: "kept, since both may have come within a second", build: done(0, 100)},
	})
}

// TestOthersUnderRecreate: until the last old pod is gone the controller does nothing but delete, and no other judge holds that against it.
func TestOthersUnderRecreate(t *testing.T) {
	runCases(t, []testCase{
		{
			name: "a scale down together with a new template leaves claims", controllerActs: true, notExercised: ids(contract.StorageWhenScaledDelete, contract.StorageOwnerBeforeDelete),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, underRecreation, historytest.Claims("data"), historytest.WhenScaledDelete)
				b.Wait(4 * time.Second)
				b.Update("web", func(s *history.Set) { s.Replicas, s.Template.Images = 1, map[string]string{"main": "image:2"} })
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.Terminate("web-0")
				b.Terminate("web-1")
				finish("web-0", "web-1")(b)
				b.CreateReady("web-0")
				b.Wait(90 * time.Second)
			},
		},
		{
			name: "claims keep their owners while an old pod is there", controllerActs: true, notExercised: ids(contract.StorageRetentionChange), build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Claims("data"), func(s *history.Set) { s.Policy = appsv1.ParallelPodManagement })
				b.NewTemplate("web", 2)
				b.Roll("web", 1)
				b.Wait(4 * time.Second)
				b.Update("web", underRecreation)
				b.Terminate("web-0")
				b.Status("web")
				b.Wait(4 * time.Second)
				b.Update("web", historytest.WhenDeletedDelete)
				b.Status("web")
				b.Wait(90 * time.Second)
			},
		},
	})
}

// TestReactionUnderRecreate: what a creation waited for old pods to be gone is not the controller's reaction.
func TestReactionUnderRecreate(t *testing.T) {
	b := historytest.New()
	recreation([]string{"web-0", "web-1", "web-2"}, func(b *historytest.Builder) {
		b.FinishDeletion("web-0")
		b.Wait(20 * time.Second)
		finish("web-1", "web-2")(b)
		b.CreateReady("web-0")
	})(b)
	if _, reaction := judge.Hold(b.History()); reaction <= 0 || reaction > 2*time.Second {
		t.Errorf("expected a reaction of less than 2 s, found %v", reaction)
	}
}
