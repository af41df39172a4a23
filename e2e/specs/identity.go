package specs

import (
	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

var _ = Describe("The identity of a pod", func() {
	It("is a name from the first ordinal on without a gap, told by labels and hostname, under one owner", Proves(
		contract.IdentityName, contract.IdentityLabels, contract.IdentityHostname, contract.IdentityOwnership, contract.IdentityOwnFQDN, contract.IdentityLabelKept,
		contract.IdentityTemplate,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(3), statefulset.FurtherFields())
		set.AwaitReady(ctx, framework.MustHappen(contract.IdentityName))

		By("asking inside the containers")
		for n := range 3 {
			set.VerifyHostname(ctx, contract.IdentityHostname, n)
			set.VerifyFQDN(ctx, contract.IdentityOwnFQDN, n, "hostname", "-f")
		}
		set.AwaitQuiescent(ctx)

		By("giving a pod another one's name as its label")
		set.RelabelPod(ctx, 1, appsv1.StatefulSetPodNameLabel, set.Pod(0))
		ns.AwaitComplete(ctx)
		set.AwaitLabel(ctx, 1, appsv1.StatefulSetPodNameLabel, set.Pod(1), framework.MustHappen(contract.IdentityLabelKept))
		ns.VerifySet(set.Name, contract.IdentityLabelKept, nil, "%s, whose label %s had been changed, has its own name in it again", set.Pod(1), appsv1.StatefulSetPodNameLabel)

		By("taking that label from it")
		set.UnlabelPod(ctx, 1, appsv1.StatefulSetPodNameLabel)
		ns.AwaitComplete(ctx)
		set.AwaitLabel(ctx, 1, appsv1.StatefulSetPodNameLabel, set.Pod(1), framework.MustHappen(contract.IdentityLabelKept))
		ns.VerifySet(set.Name, contract.IdentityLabelKept, nil, "%s, whose label %s had been taken away, has it again", set.Pod(1), appsv1.StatefulSetPodNameLabel)
	})

	It("comes back, with its claim, under a new UID when the pod is deleted", Proves(contract.IdentitySticky), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1), statefulset.Claims("data"))
		set.AwaitReady(ctx)
		before := set.AwaitClaims(ctx, "data", 0)

		By("deleting it three times")
		for range 3 {
			set.AwaitReplaced(ctx, 0, ns.DeletePod(ctx, set.Pod(0)), framework.MustHappen(contract.IdentitySticky))
			set.AwaitReady(ctx)
		}

		set.VerifyHostname(ctx, contract.IdentitySticky, 0)
		ns.VerifyKept(ctx, contract.IdentitySticky, before...)
	})

	It("belongs to one running pod at a time, which has its own grace period to stop, and for which added pods wait", Proves(
		contract.IdentityAtMostOne, contract.OrderingScaleUp, contract.OrderingScaleDownHalts, contract.DNSEndpointConditions,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		// The grace period is nobody's default, and ample: the first container ends when the spec lets it.
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.Grace(97), statefulset.HoldShutdownOfFirst())
		set.AwaitReady(ctx)

		By("deleting a pod, whose name is free only when its container has stopped, and removing one, then adding one, while it still serves")
		old := set.DeleteAndAwaitObserved(ctx, 0)
		// The EndpointSlice of a service that comes so late can show nothing but the pod as it is now.
		set.CreateServiceFor(ctx, "late", appsv1.StatefulSetPodNameLabel, set.Pod(0))
		set.CreateServiceFor(ctx, "published", appsv1.StatefulSetPodNameLabel, set.Pod(0), statefulset.PublishNotReady)
		for _, service := range []string{"late", "published"} {
			set.VerifyEndpoint(ctx, contract.DNSEndpointConditions, service, 0)
		}
		set.Scale(ctx, 1)
		set.ExpectUnchanged(ctx, set.NotTerminating(1))
		set.Scale(ctx, 3)
		set.ExpectUnchanged(ctx, set.NotCreated(2))
		set.LetEnd(ctx)
		set.AwaitReplaced(ctx, 0, old)
		set.AwaitReplicas(ctx, 3)

		By("scaling down, so that the controller itself deletes running pods")
		set.LetEnd(ctx)
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)

		By("coming back from nothing, one pod after another as at first")
		set.Scale(ctx, 2)
		set.AwaitRunning(ctx, 0)
		set.LetEnd(ctx) // else its namespace would wait for all of its grace period
	})

	It("is a whole domain name if the template says so, and is free again at once when the pod is deleted by force", Proves(
		contract.IdentityFQDN, contract.IdentityForceDelete,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		// A short name, since a hostname has 64 characters. The container does not end when it is told to, which a forced deletion does not wait for.
		options := []statefulset.Option{statefulset.Named("a"), statefulset.HoldShutdownOfFirst()}
		fits := len(statefulset.Manifest(ctx, ns, options...).Name+"-0.a."+ns.Name+".svc.")+len(ns.Settings.Facts.DNSZone) <= 64
		if fits {
			options = append(options, func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.SetHostnameAsFQDN = new(true) })
		} else {
			ns.Check(contract.IdentityFQDN, history.NotApplicable, "the domain names of pods are longer than the 64 characters of a hostname here")
		}
		set := statefulset.Create(ctx, ns, options...)
		set.AwaitReady(ctx)

		By("deleting the pod by force")
		old, err := set.TryForceDelete(ctx, 0)
		ns.VerifySet(set.Name, contract.IdentityForceDelete, answered(err), "a deletion of %s by force", set.Pod(0))
		set.VerifyGone(ctx, contract.IdentityForceDelete, 0, old)
		set.AwaitReplaced(ctx, 0, old, framework.MustHappen(contract.IdentityForceDelete))
		set.AwaitReady(ctx, framework.MustHappen(contract.IdentityForceDelete))
		if fits {
			set.VerifyFQDN(ctx, contract.IdentityFQDN, 0, "hostname")
		}
	})

	It("replaces what the template says of hostname and subdomain, and has its init containers", Proves(
		contract.IdentityOverrides, contract.IdentityHostname, contract.IdentityLabels, contract.IdentityTemplate,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		// The name leaves room for no more than what the label of a revision puts behind it.
		long := statefulset.Named("a-name-of-just-as-many-characters-as-its-labels-hold")
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1), long, statefulset.InitContainer(), func(s *appsv1.StatefulSet) {
			s.Spec.Template.Spec.Hostname, s.Spec.Template.Spec.Subdomain = "somebody", "somewhere"
			metav1.SetMetaDataLabel(&s.Spec.Template.ObjectMeta, appsv1.StatefulSetPodNameLabel, "somebody")
			if !target.OlderThan(1, 32) { // before, it need not be the controller's
				metav1.SetMetaDataLabel(&s.Spec.Template.ObjectMeta, appsv1.PodIndexLabel, "7")
			}
		})
		set.AwaitReady(ctx)

		set.VerifyHostname(ctx, contract.IdentityHostname, 0)
	})
})

var _ = Describe("A StatefulSet", func() {
	It("leaves alone what another controller owns, be it a pod in its range, one out of it, or another set with its selector", Proves(
		contract.IdentityNotMine, contract.OrderingCreateCompletes, contract.UpdateRevisionMade,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		owned, mine := framework.OwnedBy(ns.OtherController(ctx)), framework.WithLabels(map[string]string{"app": "set"})
		inRange := ns.StartPod(ctx, "set-1", mine, owned)
		outOfRange := ns.StartPod(ctx, "set-3", mine, owned)
		unowned := ns.StartPod(ctx, "set-other-0", mine)
		inParallel := ns.StartPod(ctx, "parallel-0", owned)

		// The last pod has to wait for one whose name is taken.
		set := statefulset.Create(ctx, ns, statefulset.Replicas(3))
		// A name that ends as that of a pod does.
		twin := statefulset.Create(ctx, ns, statefulset.Named("twin-2"), statefulset.SelectorOf(set), statefulset.Template("twin"))
		parallel := statefulset.Create(ctx, ns, statefulset.Named("parallel"), statefulset.Replicas(1), statefulset.Parallel())
		twin.AwaitReady(ctx)
		set.AwaitRunning(ctx, 0)
		ns.AwaitQuiescent(ctx)

		set.AwaitCounted(ctx, framework.MustHappen(contract.StatusCounts)) // although its next pod cannot be created
		ns.VerifyLeftAlone(ctx, contract.IdentityNotMine, inRange, outOfRange, unowned, inParallel)

		By("giving both sets the same template, of which each has a revision of its own, without moving a pod")
		same := set.Live(ctx).Spec.Template
		twin.Update(ctx, "the other set's template and partition 1", statefulset.Options(statefulset.Partition(1), func(s *appsv1.StatefulSet) { s.Spec.Template = same }))
		twin.AwaitObserved(ctx)

		By("freeing the names, which no watch event shows the controller: it has to try again by itself")
		former, formerInParallel := ns.DeletePod(ctx, inRange.Name), ns.DeletePod(ctx, inParallel.Name)
		set.AwaitReplaced(ctx, 1, former, framework.MustHappen(contract.OrderingCreateCompletes))
		parallel.AwaitReplaced(ctx, 0, formerInParallel, framework.MustHappen(contract.OrderingCreateCompletes))
	})

	It("counts its pods from the start ordinal, and updates and removes them by number", Proves(
		contract.IdentityStartOrdinal, contract.UpdateOrder, contract.TerminationReverse,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		requireStart(ctx, ns)
		// As text, 10 would come before 9.
		set := statefulset.Create(ctx, ns, statefulset.Start(9), statefulset.Replicas(2), statefulset.Partition(1), statefulset.Claims("data", "logs"), statefulset.Retention(retain, discard))
		set.AwaitQuiescent(ctx)

		set.Update(ctx, "partition 0 and a new template", statefulset.Options(statefulset.Partition(0), statefulset.Template("new")))
		set.AwaitUpdated(ctx, framework.MustHappen(contract.UpdateComplete))

		By("deleting one of them and letting the other fail")
		ns.AwaitLag(ctx) // else the controller may still take the former revision for the current one
		deleted, failed := ns.DeletePod(ctx, set.Pod(9)), set.FailPod(ctx, 10)
		set.AwaitReplaced(ctx, 9, deleted, framework.MustHappen(contract.IdentitySticky))
		set.AwaitPodReady(ctx, 9)
		set.AwaitReplaced(ctx, 10, failed, framework.MustHappen(contract.LifecycleFailed))
		set.AwaitReady(ctx)

		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)
	})

	It("moves to a new start ordinal by creating the new range first, then removing the old, highest first", Proves(
		contract.IdentityStartMoves, contract.StorageWhenScaledDelete,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		requireStart(ctx, ns)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.Claims("data"), statefulset.Retention(retain, discard))
		set.AwaitReady(ctx)

		set.Update(ctx, "start ordinal 0 -> 2", statefulset.Start(2))
		set.AwaitReady(ctx)
		set.VerifyClaimsGone(ctx, contract.StorageWhenScaledDelete, "data", 0, 1)

		By("adding one, and leaving the one in the middle alone: of those below and above it the highest goes first")
		set.Scale(ctx, 3)
		set.AwaitReplicas(ctx, 3)
		set.Update(ctx, "start ordinal 2 -> 3, and one replica", statefulset.Options(statefulset.Start(3), statefulset.Replicas(1)))
		set.AwaitReplicas(ctx, 1)
	})
})

func requireStart(ctx SpecContext, ns *framework.Namespace) {
	GinkgoHelper()
	statefulset.RequireField(ctx, ns, startOrdinal().known())
}
