package specs

import (
	"fmt"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// The field managers of the spec below.
const (
	owner   = "conformance-owner"
	scaler  = "conformance-scaler"
	changer = "conformance-changer"
)

var _ = Describe("A StatefulSet that is applied", func() {
	It("restarts nothing when its manifest is applied again, leaves what others set, and gives back what is applied no longer", Proves(
		contract.APIApplyNoop, contract.APIApplyConflict, contract.APIApplyScale, contract.APIApplyRemoves,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		manifest := statefulset.Applied(ctx, ns, statefulset.Replicas(1), statefulset.MinReadySeconds(1), statefulset.Partition(1), func(s *appsv1.StatefulSet) {
			s.Labels = map[string]string{"tier": "data"}
		})
		set := statefulset.CreateByApply(ctx, ns, owner, manifest)
		set.AwaitReady(ctx)
		pod := set.UIDs(0)

		By("applying the same again")
		again, err := statefulset.Apply(ctx, ns, history.VerbUpdate, owner, false, manifest)
		ns.VerifySet(set.Name, contract.APIApplyNoop, ns.UnlessMutated(ctx, sameGeneration(again, 1, err)), "%s applied again by the same manager", set.Name)

		By("letting somebody scale it, and applying it without replicas")
		set.ScaleAs(ctx, scaler, 2)
		withoutReplicas := manifest.Without("spec", "replicas")
		left, err := statefulset.Apply(ctx, ns, history.VerbUpdate, owner, false, withoutReplicas)
		ns.VerifySet(set.Name, contract.APIApplyScale, ns.UnlessMutated(ctx, hasReplicas(left, 2, err)), "%s applied without replicas, which were set through the scale subresource", set.Name)

		By("letting somebody change replicas by an update, and applying another number")
		set.UpdateAs(ctx, changer, "replicas 3", statefulset.Replicas(3))
		_, err = statefulset.Apply(ctx, ns, history.VerbUpdate, owner, false, manifest)
		ns.VerifySet(set.Name, contract.APIApplyConflict, rejected(err, http.StatusConflict), "an apply of replicas that another manager has set")
		ns.VerifySet(set.Name, contract.APIApplyConflict, ns.UnlessMutated(ctx, hasReplicas(set.Live(ctx), 3, nil)), "%s after the rejected apply", set.Name)

		By("applying it with force, after which the number is the applier's")
		forced, err := statefulset.Apply(ctx, ns, history.VerbUpdate, owner, true, manifest)
		for _, id := range []contract.ID{contract.APIApplyConflict, contract.APIApplyScale} {
			ns.VerifySet(set.Name, id, ns.UnlessMutated(ctx, hasReplicas(forced, 1, err)), "%s applied with force", set.Name)
		}
		_, err = statefulset.Apply(ctx, ns, history.VerbUpdate, changer, false, statefulset.OnlyReplicas(set, 0))
		ns.VerifySet(set.Name, contract.APIApplyConflict, rejected(err, http.StatusConflict), "an apply of the replicas that were taken over")

		By("applying fewer fields")
		less := manifest.Without("spec", "minReadySeconds").Without("spec", "updateStrategy").Without("metadata", "labels", "tier")
		removed, err := statefulset.Apply(ctx, ns, history.VerbUpdate, owner, false, less)
		ns.VerifySet(set.Name, contract.APIApplyRemoves, ns.UnlessMutated(ctx, fieldsRemoved(removed, err)), "%s applied without a label, minReadySeconds and the partition", set.Name)

		set.AwaitObserved(ctx)
		set.VerifyNotRestarted(ctx, contract.APIApplyNoop, pod)
	})
})

// sameGeneration says what is wrong with the answer to an apply that should have changed nothing of the spec.
func sameGeneration(answer *appsv1.StatefulSet, generation int64, err error) error {
	GinkgoHelper()
	if err = answered(err); err == nil && answer.Generation != generation {
		return fmt.Errorf("expected generation %d to stay, found %d", generation, answer.Generation)
	}
	return err
}

// hasReplicas says what is wrong with a set that should ask for that many replicas.
func hasReplicas(answer *appsv1.StatefulSet, replicas int32, err error) error {
	GinkgoHelper()
	if err = answered(err); err == nil && *answer.Spec.Replicas != replicas {
		return fmt.Errorf("expected spec.replicas %d, found %d", replicas, *answer.Spec.Replicas)
	}
	return err
}

// fieldsRemoved says what is wrong with a set whose only manager applies label, minReadySeconds and partition no longer.
func fieldsRemoved(answer *appsv1.StatefulSet, err error) error {
	GinkgoHelper()
	if err = answered(err); err != nil {
		return err
	}
	if label, kept := answer.Labels["tier"]; kept || answer.Spec.MinReadySeconds != 0 || partition(&answer.Spec) != 0 {
		return fmt.Errorf("expected no label, minReadySeconds 0 and partition 0, found %q, %d and %d: look at metadata.managedFields for who else owns them",
			label, answer.Spec.MinReadySeconds, partition(&answer.Spec))
	}
	return nil
}
