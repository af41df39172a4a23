package specs

import (
	"maps"
	"net/http"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

var _ = Describe("A partitioned update", func() {
	It("moves only the ordinals at or above the partition, and each deleted pod comes back at the revision of its side", Proves(
		contract.UpdatePartition,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		// Where maxUnavailable is not known it is dropped.
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.Partition(2), statefulset.MaxUnavailable(2))
		set.AwaitReady(ctx)

		By("staging a template that no pod gets, and rolling out another one")
		set.NewTemplate(ctx, "skipped")
		set.AwaitObserved(ctx)
		set.Update(ctx, "new template and partition 1", statefulset.Options(statefulset.Template("new"), statefulset.Partition(1)))
		set.AwaitUpdatedFrom(ctx, 1, framework.MustHappen(contract.UpdatePartition))

		By("deleting the pod below the partition and the one above it")
		for n, old := range []types.UID{ns.DeletePod(ctx, set.Pod(0)), ns.DeletePod(ctx, set.Pod(1))} {
			set.AwaitReplaced(ctx, n, old)
		}
		set.AwaitReady(ctx)

		By("letting both fail")
		for n, old := range []types.UID{set.FailPod(ctx, 0), set.FailPod(ctx, 1)} {
			set.AwaitReplaced(ctx, n, old)
		}
	})

	It("stops where the partition is raised while the rollout is under way", Proves(contract.UpdatePartition, contract.UpdateComplete), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.HoldReadiness())
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)

		By("changing the template while the lower pod, for which the rollout waits too, is not Ready")
		former, higher, stay := set.Live(ctx).Spec.Template, set.UIDs(1)[0], set.NotTerminating(0)
		set.HoldAndAwaitObserved(ctx, 0)
		set.NewTemplate(ctx, "new")
		set.ExpectUnchanged(ctx, set.NotTerminating(0, 1))
		set.Release(ctx, 0)

		By("raising the partition above the next pod while the first updated one, for which the rollout waits, is not Ready")
		set.AwaitReplaced(ctx, 1, higher)
		set.Update(ctx, "partition 1", statefulset.Partition(1))
		set.AwaitObserved(ctx)

		By("releasing that pod, so that nothing but the partition keeps the rollout")
		set.Release(ctx, 1)
		set.ExpectUnchanged(ctx, stay)

		By("switching to OnDelete, under which the rollout does not go on either")
		set.Update(ctx, "OnDelete", strategy(appsv1.OnDeleteStatefulSetStrategyType))
		set.AwaitObserved(ctx)
		set.ExpectUnchanged(ctx, stay)

		By("going back to the first template, which the updated pod, though it is Ready, has to get again")
		updated := set.UIDs(1)[0]
		set.Update(ctx, "RollingUpdate and the first template", statefulset.Options(strategy(appsv1.RollingUpdateStatefulSetStrategyType), func(s *appsv1.StatefulSet) {
			s.Spec.Template = former
		}))
		set.AwaitReplaced(ctx, 1, updated, framework.MustHappen(contract.UpdateComplete))
		set.Release(ctx, 1)
		set.AwaitUpdated(ctx, framework.MustHappen(contract.UpdateComplete))
	})

	It("moves nothing beyond replicas, then exactly the ordinals that a lower partition uncovers, in their order and to the last", Proves(
		contract.UpdatePartitionBeyond, contract.UpdatePhased, contract.UpdateOrder, contract.UpdatePartition,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1), statefulset.Partition(4))
		set.AwaitReady(ctx)

		stay := set.NotTerminating(0)
		set.NewTemplate(ctx, "new")
		set.AwaitObserved(ctx)
		set.ExpectUnchanged(ctx, stay)

		By("adding two pods, which are below the partition too")
		set.Scale(ctx, 3)
		set.AwaitReplicas(ctx, 3)
		ns.AwaitLag(ctx) // else the deletion of the added pods might be for the one replica before

		By("lowering the partition to 1")
		set.Update(ctx, "partition 1", statefulset.Partition(1))
		set.AwaitUpdatedFrom(ctx, 1, framework.MustHappen(contract.UpdatePhased))
		set.ExpectUnchanged(ctx, set.NotTerminating(0))

		By("lowering it to 0")
		set.Update(ctx, "partition 0", statefulset.Partition(0))
		set.AwaitUpdated(ctx, framework.MustHappen(contract.UpdatePhased))

		By("removing them while a partition keeps another rollout from beginning")
		set.Update(ctx, "another template and partition 3", statefulset.Options(statefulset.Template("newer"), statefulset.Partition(3)))
		set.AwaitObserved(ctx)
		set.Scale(ctx, 1)
		set.AwaitReplicas(ctx, 1)
	})
})

var _ = Describe("A StatefulSet under OnDelete", func() {
	It("gives a pod the new template only when somebody deletes it, and removes pods in reverse order all the same", Proves(
		contract.UpdateOnDelete, contract.TerminationReverse, contract.UpdateNoSpurious, contract.UpdateComplete,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.OnDelete())
		set.AwaitReady(ctx)

		stay := set.NotTerminating(0, 1)
		set.NewTemplate(ctx, "new")
		set.AwaitObserved(ctx)
		set.ExpectUnchanged(ctx, stay)

		set.AwaitReplaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.AwaitReady(ctx)

		By("switching to RollingUpdate, which moves the pod that lacks the new template and no other")
		set.Update(ctx, "RollingUpdate", statefulset.Partition(0))
		set.AwaitUpdated(ctx, framework.MustHappen(contract.UpdateComplete))

		By("switching back, which moves nothing")
		stay = set.NotTerminating(0, 1)
		set.Update(ctx, "OnDelete", strategy(appsv1.OnDeleteStatefulSetStrategyType))
		set.AwaitObserved(ctx)
		set.ExpectUnchanged(ctx, stay)

		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)
	})

	It("gives the new template to pods that a scale up adds, and takes it for the current one once every pod has it", Proves(
		contract.UpdateOnDeleteScale, contract.StatusOnDeleteRevisions,
	), func(ctx SpecContext) {
		if target.OlderThan(1, 37) {
			Skip("not applicable: before 1.37 status.currentRevision stays under OnDelete, and another revision is documented for a scale up")
		}
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1), statefulset.OnDelete())
		set.AwaitReady(ctx)
		set.NewTemplate(ctx, "new")
		set.AwaitObserved(ctx)

		By("adding a pod while the first one keeps the old template")
		set.Scale(ctx, 2)
		set.AwaitReady(ctx)
		ns.AwaitQuiescent(ctx)

		By("deleting the first one")
		set.AwaitReplaced(ctx, 0, ns.DeletePod(ctx, set.Pod(0)))
		set.AwaitUpdated(ctx, framework.MustHappen(contract.StatusOnDeleteRevisions))
	})
})

var _ = Describe("A StatefulSet under Recreate", func() {
	It("deletes all old pods at once, makes the first new one when they are gone, and says when it is done", Proves(
		contract.UpdateRecreateApart, contract.UpdateRecreateAll, contract.StatusProgressing, contract.UpdateNoSpurious,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		recreate := strategy(appsv1.RecreateStatefulSetStrategyType)
		_, err := statefulset.DryRunCreate(ctx, ns, recreate)
		if rejected(err, http.StatusUnprocessableEntity) == nil {
			Skip("not applicable: the API server refuses the update strategy Recreate: its feature gate is off")
		}
		Expect(err).NotTo(HaveOccurred())
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), recreate, statefulset.HoldReadiness())
		parallel := statefulset.Create(ctx, ns, statefulset.Named("parallel"), statefulset.Replicas(3), statefulset.Parallel())
		set.Release(ctx, 0)
		set.AwaitRunning(ctx, 1)
		parallel.AwaitReady(ctx)

		By("changing the template while one pod has never been Ready, and keeping that one from going")
		old := set.UIDs(0, 1)
		removeFinalizer := set.AddFinalizer(ctx, 1)
		former, letLeave := parallel.UIDs(0)[0], parallel.AddFinalizer(ctx, 2)
		ns.AwaitLag(ctx) // else the controller may not have known of the pod
		set.NewTemplate(ctx, "new")
		By("choosing Recreate for a set that started in parallel, with another template and without its last pod, which cannot go")
		parallel.Update(ctx, "Recreate, a new template and two replicas", statefulset.Options(recreate, statefulset.Template("new"), statefulset.Replicas(2)))
		for n := range 2 {
			set.AwaitTerminating(ctx, n, framework.MustHappen(contract.UpdateRecreateAll))
		}
		for n := range 3 {
			parallel.AwaitTerminating(ctx, n, framework.MustHappen(contract.UpdateRecreateAll))
		}
		set.AwaitGone(ctx, 0, old[0])
		parallel.AwaitGone(ctx, 0, former)
		set.ExpectUnchangedFor(ctx, statefulset.LongUnchanged, framework.AllOf(set.NotCreated(0), parallel.NotCreated(0)))

		By("letting them go")
		removeFinalizer(ctx)
		letLeave(ctx)
		set.AwaitReplaced(ctx, 0, old[0])
		set.ReleaseInTurn(ctx)
		set.AwaitUpdated(ctx, framework.MustHappen(contract.StatusProgressing))
		parallel.AwaitUpdated(ctx, framework.MustHappen(contract.StatusProgressing))

		By("adding a pod, which is no update")
		stay := parallel.NotTerminating(0, 1)
		parallel.Scale(ctx, 3)
		parallel.AwaitReplicas(ctx, 3)
		parallel.ExpectUnchanged(ctx, stay)
		ns.AwaitQuiescent(ctx)
	})
})

var _ = Describe("The revisions of a StatefulSet", func() {
	It("are used again, under their name and a higher number, when the set goes back to their template, also by pods added on the way", Proves(
		contract.UpdateRollback, contract.UpdateScaleNew, contract.UpdateOrder, contract.UpdateOneAtATime, contract.UpdateUndo, contract.UpdateRevisionMade,
		contract.UpdateNotLimitedByBudget,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.FurtherFields(), statefulset.Template("old"))
		set.AwaitReady(ctx)
		old := set.Live(ctx)

		By("rolling out a template with an annotation more and a shorter grace period, under a budget that allows no disruption")
		set.CreateBudget(ctx, "budget", statefulset.MaxUnavailablePods(0))
		set.Update(ctx, "new template with an annotation more and a shorter grace period", statefulset.Options(statefulset.Template("new"), statefulset.Grace(17), func(o *appsv1.StatefulSet) {
			metav1.SetMetaDataAnnotation(&o.Spec.Template.ObjectMeta, history.Prefix+"more", "yes")
		}))
		set.AwaitUpdated(ctx, framework.MustHappen(contract.UpdateNotLimitedByBudget))
		ns.VerifySet(set.Name, contract.UpdateNotLimitedByBudget, nil, "rollout of %s under a budget that allows no disruption: it is complete", set.Name)

		By("going back by the data of the first revision, and adding a pod while the rollout is on its way, and so late that the controller must know of it")
		higher := set.UIDs(1)[0]
		set.VerifyUndo(ctx, contract.UpdateUndo, old)
		// Each wait has the limit of what it waits for: the deletion comes only once the higher pod is replaced and Ready.
		set.AwaitReplaced(ctx, 1, higher)
		set.AwaitPodReady(ctx, 1)
		set.AwaitTerminating(ctx, 0)
		set.Scale(ctx, 3)
		set.AwaitUpdated(ctx)
	})

	It("are kept up to the history limit, beside those in use", Proves(
		contract.UpdateHistoryLimit, contract.UpdateHistoryOldestFirst, contract.UpdateRevisionMade, contract.UpdateRevision,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.OnDelete(), statefulset.HistoryLimit(5), statefulset.Template("1"))
		set.AwaitReady(ctx)
		set.Update(ctx, "revisionHistoryLimit 2", statefulset.HistoryLimit(2))

		By("making more revisions than the limit allows, while one pod keeps the first in use and another, alone, the second")
		set.NewTemplate(ctx, "2")
		set.AwaitObserved(ctx)
		set.AwaitReplaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.AwaitReady(ctx)
		for _, version := range []string{"3", "4", "5"} {
			set.NewTemplate(ctx, version)
			set.AwaitObserved(ctx)
		}
		// Which revisions nothing used when one is removed is known only of those that nothing had used for some time.
		ns.AwaitQuiescent(ctx)
		set.NewTemplate(ctx, "6")
		set.AwaitObserved(ctx)
		set.AwaitRevisions(ctx, 5, framework.MustHappen(contract.UpdateHistoryLimit))
		ns.AwaitQuiescent(ctx)

		By("keeping none but those in use")
		set.Update(ctx, "revisionHistoryLimit 0", statefulset.HistoryLimit(0))
		set.AwaitRevisions(ctx, 3, framework.MustHappen(contract.UpdateHistoryLimit))
		ns.AwaitQuiescent(ctx)

		By("deleting the pod that has the first, which is the current revision until all pods are updated")
		set.AwaitReplaced(ctx, 0, ns.DeletePod(ctx, set.Pod(0)))
		ns.AwaitQuiescent(ctx)
	})

	It("get another name when somebody else's has the one that they would get", Proves(contract.UpdateRevisionMade, contract.UpdateRevision), func(ctx SpecContext) {
		ns := Record(ctx)
		By("changing one field of each of several templates, of which there are no pods: each gets a revision of its own")
		changeOneFieldOfEach(ctx, ns)

		By("learning the name that the revision of a template gets")
		former := statefulset.Create(ctx, ns, statefulset.Replicas(0), statefulset.Template("taken"))
		name := former.AwaitUpdateRevision(ctx).Name
		former.Delete(ctx, metav1.DeletePropagationBackground)
		former.AwaitRevisions(ctx, 0)

		By("giving the name away, and that template to a new set of the same name")
		ns.CreateRevision(ctx, name, ns.OtherController(ctx))
		set := statefulset.CreateWithoutService(ctx, ns, statefulset.Replicas(0))
		set.AwaitObserved(ctx)
		set.NewTemplate(ctx, "taken")
		set.AwaitObserved(ctx, framework.MustHappen(contract.UpdateRevisionMade))
		ns.AwaitLag(ctx)
	})
})

// moreMemory requests a little more memory than the run's patch of pods does, whose other requests and limits stay: policies may want them.
func moreMemory(r *corev1.ResourceRequirements) {
	more := resource.MustParse("3Mi")
	for _, list := range []corev1.ResourceList{r.Requests, r.Limits} {
		if has, ok := list[corev1.ResourceMemory]; ok {
			has.Add(more)
			list[corev1.ResourceMemory] = has
		}
	}
	if _, ok := r.Requests[corev1.ResourceMemory]; !ok {
		if r.Requests == nil {
			r.Requests = corev1.ResourceList{}
		}
		r.Requests[corev1.ResourceMemory] = more
	}
}

// changeOneFieldOfEach makes sets without pods and changes the template of each in one field alone. The controller must have observed each change.
func changeOneFieldOfEach(ctx SpecContext, ns *framework.Namespace) {
	GinkgoHelper()
	image := statefulset.ExampleImage(ctx, ns)
	fields := map[string]statefulset.Option{
		"grace":       statefulset.Grace(17),
		"init":        statefulset.InitContainer(),
		"tolerations": statefulset.TolerateUnreachable(),
		"command":     statefulset.Command("sleep 1"),
		"gate":        statefulset.HoldReadiness(),
		"affinity":    statefulset.RatherNotOn("nobody"),
		"account":     func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.ServiceAccountName = "nobody" },
		"image":       func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.Containers[0].Image = image },
		"pull":        func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.Containers[0].ImagePullPolicy = corev1.PullNever },
		"variable": func(s *appsv1.StatefulSet) {
			first := &s.Spec.Template.Spec.Containers[0]
			first.Env = append(first.Env, corev1.EnvVar{Name: "MORE", Value: "yes"})
		},
		"port": func(s *appsv1.StatefulSet) {
			first := &s.Spec.Template.Spec.Containers[0]
			first.Ports = append(first.Ports, corev1.ContainerPort{Name: "more", ContainerPort: 9})
		},
		"probe": func(s *appsv1.StatefulSet) {
			s.Spec.Template.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"true"}}}}
		},
		"user": func(s *appsv1.StatefulSet) {
			first := &s.Spec.Template.Spec.Containers[0]
			if first.SecurityContext == nil { // the run's patch of pods may have none
				first.SecurityContext = &corev1.SecurityContext{}
			}
			first.SecurityContext.RunAsUser = new(int64(65531))
		},
		"label": func(s *appsv1.StatefulSet) {
			metav1.SetMetaDataLabel(&s.Spec.Template.ObjectMeta, history.Prefix+"more", "yes")
		},
		"nodes": func(s *appsv1.StatefulSet) {
			selector := map[string]string{}
			maps.Copy(selector, s.Spec.Template.Spec.NodeSelector)
			selector[corev1.LabelArchStable] = "any"
			s.Spec.Template.Spec.NodeSelector = selector
		},
		"memory": func(s *appsv1.StatefulSet) { moreMemory(&s.Spec.Template.Spec.Containers[0].Resources) },
		"volume": func(s *appsv1.StatefulSet) {
			s.Spec.Template.Spec.Volumes = append(s.Spec.Template.Spec.Volumes, corev1.Volume{Name: "more", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
		},
	}
	sets := map[string]*statefulset.Set{}
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		sets[field] = statefulset.CreateWithoutService(ctx, ns, statefulset.Named(field), statefulset.Replicas(0), statefulset.HistoryLimit(0))
	}
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		sets[field].AwaitObserved(ctx)
		sets[field].Update(ctx, field, fields[field])
	}
	for _, set := range sets {
		set.AwaitObserved(ctx)
	}
	sets["image"].AwaitUpdateRevision(ctx)
	sets["image"].AwaitRevisions(ctx, 1, framework.MustHappen(contract.UpdateHistoryLimit)) // without a pod nothing uses the first
}
