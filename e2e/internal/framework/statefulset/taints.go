package statefulset

import (
	"context"
	"errors"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
)

// TolerateTaint has the set's pods tolerate the taint of nodes.Disruption.Taint, for that many seconds if any are given.
func TolerateTaint(seconds ...int64) Option {
	return func(s *appsv1.StatefulSet) {
		t := corev1.Toleration{Key: nodefault.Taint, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}
		if len(seconds) > 0 {
			t.TolerationSeconds = &seconds[0]
		}
		s.Spec.Template.Spec.Tolerations = append(s.Spec.Template.Spec.Tolerations, t)
	}
}

// VerifyTolerated verifies that the deletion of a pod, which is over, was not requested sooner than that long after a moment of the recording.
func (s *Set) VerifyTolerated(id contract.ID, pod *history.Event, since, least time.Duration) {
	GinkgoHelper()
	var err error
	for _, e := range s.versions(pod.UID) {
		if !e.Terminating() && !e.Gone() {
			continue
		}
		if after := e.At - since; after < least {
			err = fmt.Errorf("expected it not to be deleted within %v, found it deleted after %.1f s", least, after.Seconds())
		}
		break
	}
	s.NS.VerifySet(s.Name, id, err, "%s, which tolerates the taint of its node for %v", pod.Name, least)
}

// VerifyDisruptionTarget verifies that pods which are gone had the condition DisruptionTarget with that reason at their end.
func (s *Set) VerifyDisruptionTarget(ctx context.Context, id contract.ID, reason string, pods ...*history.Event) {
	GinkgoHelper()
	s.NS.Recorded(ctx)
	for _, pod := range pods {
		var err error
		all := s.versions(pod.UID)
		switch c := all[len(all)-1].Pod.Condition(corev1.DisruptionTarget); {
		case c == nil:
			err = errors.New("expected it, found none")
		case c.Status != corev1.ConditionTrue || c.Reason != reason:
			err = fmt.Errorf("expected True and the reason %s, found %s and %q", reason, c.Status, c.Reason)
		}
		s.NS.VerifySet(s.Name, id, err, "condition DisruptionTarget of %s (uid %s)", pod.Name, pod.UID)
	}
}

// versions returns the recorded versions of a pod, of which there is one at least.
func (s *Set) versions(uid types.UID) []*history.Event {
	var out []*history.Event
	for _, e := range s.NS.History().Events {
		if e.Resource == history.Pods && e.UID == uid {
			out = append(out, e)
		}
	}
	return out
}
