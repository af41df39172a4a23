package specs

import (
	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
)

var _ = Describe("A StatefulSet that ends", func() {
	It("removes its pods in strict reverse order when it is scaled to zero", Proves(contract.TerminationReverse, contract.UpdateScaleNew), func(ctx SpecContext) {
		ns := Record(ctx)
		// How many pods a rollout may have down says nothing of a scale down.
		set := statefulset.Create(ctx, ns, statefulset.Replicas(5), statefulset.MaxUnavailable(3))
		set.AwaitReady(ctx)
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)

		By("changing the template while there is no pod, and scaling up again")
		set.NewTemplate(ctx, "new")
		set.AwaitObserved(ctx)
		set.Scale(ctx, 1)
		set.AwaitUpdated(ctx)
	})

	It("lets a container that needs most of its grace period finish, preStop hook included", Proves(contract.TerminationGraceful), func(ctx SpecContext) {
		ns := Record(ctx)
		goesOn := statefulset.Create(ctx, ns, statefulset.Named("stubborn"), statefulset.Grace(5), statefulset.Command(stubborn))
		// Two of them, side by side: who kills one may be anybody.
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.Parallel(), statefulset.Grace(6), statefulset.SlowShutdown(2, 2))
		set.AwaitReady(ctx)
		goesOn.AwaitReady(ctx)
		pods, killed := set.Pods(0, 1), goesOn.Pods(0)[0]
		goesOn.Scale(ctx, 0)
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)
		for _, pod := range pods {
			set.VerifyFinished(ctx, contract.TerminationGraceful, pod, statefulset.ExitAfterHook)
		}

		By("waiting for the end of a container that takes no notice of its stop signal")
		goesOn.VerifyKilled(ctx, contract.TerminationGraceful, killed)
	})

	It("takes its pods along when it is deleted, makes none while that lasts, and leaves them when they are to be orphaned", Proves(
		contract.TerminationCascade, contract.TerminationNoRecreate,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		orphan := statefulset.Create(ctx, ns, statefulset.Named("orphan"))
		background := statefulset.Create(ctx, ns, statefulset.Named("background"))
		unsaid := statefulset.Create(ctx, ns, statefulset.Named("unsaid"))
		foreground := statefulset.Create(ctx, ns, statefulset.Named("foreground"), statefulset.Replicas(2))
		for _, set := range []*statefulset.Set{orphan, background, unsaid, foreground} {
			set.AwaitReady(ctx)
		}

		orphans, few, one, many := orphan.Pods(0), background.UIDs(0), unsaid.UIDs(0), foreground.UIDs(0, 1)
		orphan.Delete(ctx, metav1.DeletePropagationOrphan)
		background.Delete(ctx, metav1.DeletePropagationBackground)
		unsaid.Delete(ctx, "") // which means background
		// One pod cannot go, so that the set, being deleted, lacks the other for as long as shows that none is created.
		removeFinalizer := foreground.AddFinalizer(ctx, 0)
		foreground.Delete(ctx, metav1.DeletePropagationForeground)
		foreground.AwaitGone(ctx, 1, many[1], framework.MustHappen(contract.TerminationCascade, ns.GarbageCollector()))
		foreground.VerifyOutlives(contract.TerminationCascade, 0)
		foreground.Update(ctx, "what a set that is not being deleted would create pods for", statefulset.Options(
			statefulset.Replicas(3), statefulset.Start(1), statefulset.Template("late"), statefulset.Partition(1), statefulset.MaxUnavailable(2),
			statefulset.MinReadySeconds(1), statefulset.HistoryLimit(0), statefulset.Retention(discard, discard),
		))
		foreground.Update(ctx, "OnDelete", strategy(appsv1.OnDeleteStatefulSetStrategyType))
		ns.MakePod(ctx, foreground.Pod(7), framework.WithLabels(foreground.Selector)) // which a set that is not being deleted would adopt
		foreground.ExpectUnchanged(ctx, framework.AllOf(foreground.NotCreated(1), foreground.NotCreated(2), foreground.NotCreated(3)))
		foreground.AwaitCounted(ctx, framework.MustHappen(contract.StatusCounts))
		removeFinalizer(ctx)

		background.VerifyDeletedWithPods(ctx, contract.TerminationCascade, few)
		unsaid.VerifyDeletedWithPods(ctx, contract.TerminationCascade, one)
		foreground.VerifyDeletedWithPods(ctx, contract.TerminationCascade, many)
		orphan.VerifyOrphaned(ctx, contract.TerminationCascade, orphans)
	})

	It("takes its pods along too when it is deleted in the middle of its creation, a scale up or down or a rollout, or while a pod is down", Proves(
		contract.TerminationCascade,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		held := func(name string, replicas int32) *statefulset.Set {
			GinkgoHelper()
			return statefulset.Create(ctx, ns, statefulset.Named(name), statefulset.Replicas(replicas), statefulset.HoldReadiness())
		}
		creating := statefulset.Create(ctx, ns, statefulset.Named("creating"), statefulset.Claims("data"), statefulset.Unbindable())
		up, down, rolling, broken := held("up", 1), held("down", 2), held("rolling", 1), held("broken", 1)
		for _, set := range []*statefulset.Set{up, down, rolling, broken} {
			set.ReleaseInTurn(ctx)
		}

		By("bringing each into the middle of something")
		creating.AwaitCreated(ctx, 0)
		up.Scale(ctx, 2)
		letGo := down.AddFinalizer(ctx, 1)
		down.Scale(ctx, 1)
		old := rolling.UIDs(0)[0]
		rolling.NewTemplate(ctx, "new")
		broken.Hold(ctx, 0)
		up.AwaitCreated(ctx, 1)
		down.AwaitTerminating(ctx, 1)
		rolling.AwaitReplaced(ctx, 0, old)

		By("deleting all of them, and making one again while its pods stop")
		pods := map[*statefulset.Set][]types.UID{
			creating: creating.UIDs(0), up: up.UIDs(0, 1), down: down.UIDs(0, 1), rolling: rolling.UIDs(0), broken: broken.UIDs(0),
		}
		for set := range pods {
			set.Delete(ctx, metav1.DeletePropagationBackground)
		}
		again := statefulset.CreateWithoutService(ctx, ns, statefulset.Named("down"))
		letGo(ctx)
		for set, uids := range pods {
			set.VerifyDeletedWithPods(ctx, contract.TerminationCascade, uids)
		}
		again.AwaitReady(ctx)
	})
})

// stubborn is a container that only SIGKILL ends.
const stubborn = "trap '' TERM; while :; do sleep 3600 & wait; done"
