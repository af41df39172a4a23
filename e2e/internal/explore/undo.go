package explore

import "github.com/hero-academy/statefulset-conformance/e2e/internal/history"

// undoing returns the act that takes a change of numbers or of the retention policy back, for a set as it was before; false if the act is none. Who has just
// scaled a set and scales it back finds pods that have just become Ready, or are just going: random acts seldom hit that moment.
func undoing(act Act, was *history.Set) (Act, bool) {
	if was == nil || act.Spec == nil {
		return Act{}, false
	}
	back := Act{Kind: act.Kind, Set: act.Set, Spec: new(Spec)}
	switch act.Kind {
	case Scale, ScaleAndTemplate:
		back.Kind, back.Spec.Replicas = Scale, new(was.Replicas)
	case SetStart:
		back.Spec.Start = new(was.Start)
	case SetPartition:
		back.Spec.Partition = new(was.Partition)
	case SetRetention:
		back.Spec.WhenScaled, back.Spec.WhenDeleted = was.WhenScaled, was.WhenDeleted
	case SetMinReady:
		back.Spec.MinReadySeconds = new(was.MinReadySeconds)
	default:
		return Act{}, false
	}
	return back, true
}
