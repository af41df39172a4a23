package recorder_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func TestOperationsRecordCallReturnAndOutcome(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	scale := r.Begin(history.Operation{Verb: history.VerbScale, Resource: history.Sets, Name: "web", Outcome: history.Refused, ReturnSeq: 9, Text: "scale web"})
	if op := r.History().Operations[0]; op.Outcome != history.Unknown || op.ReturnSeq != 0 || op.Seq == 0 {
		t.Errorf("expected an unknown outcome until the end, found %+v", op)
	}
	s.put(history.Pods, pod("web-0", "1"))
	hostname(t, r, "web-0", "1")
	scale.Return(&metav1.ObjectMeta{UID: "u", Generation: 3, ResourceVersion: "7"}, nil)
	scale.End(history.Refused, nil, "too late") // only the first answer counts
	eviction := r.Begin(history.Operation{Verb: history.VerbEvict, Resource: history.Pods, Name: "web-0", UID: "uid-1", Text: "evict web-0"})
	eviction.End(history.Refused, &history.Result{UID: "u"}, "the budget allows none")
	r.Begin(history.Operation{Verb: history.VerbOther, Text: "signal web-0"}).Return(nil, nil)
	late := r.Begin(history.Operation{Verb: history.VerbDelete, Resource: history.Pods, Selector: "app=web", Text: "delete pods"})
	r.Expect(history.Expectation{Guarantee: contract.OrderingCreate, Kind: history.ExpectLeftAlone, Resource: history.Pods, Name: "web-0", UID: "uid-1", Text: "left alone"})
	h := stop(t, r)
	late.Return(nil, nil)
	after := r.Stop(t.Context(), patience)

	if len(h.Operations) != 4 || len(h.Expectations) != 1 {
		t.Fatalf("expected four operations and an expectation, found %+v", h)
	}
	op, e := h.Operations[0], h.Events[0]
	if op.Seq > e.Seq || op.ReturnSeq < e.Seq || op.ReturnAt < e.At || op.Outcome != history.Accepted || *op.Result != (history.Result{UID: "u", Generation: 3, ResourceVersion: "7"}) {
		t.Errorf("expected the accepted scaling around the event %d, found %+v", e.Seq, op)
	}
	if op := h.Operations[1]; op.Outcome != history.Refused || op.Result != nil || op.Reason != "the budget allows none" || op.ReturnSeq <= op.Seq {
		t.Errorf("expected a refused eviction, found %+v", op)
	}
	if op := h.Operations[2]; op.Outcome != history.Accepted || op.Result != nil {
		t.Errorf("expected an accepted operation without a result, found %+v", op)
	}
	if op := h.Operations[3]; op.Outcome != history.Unknown || op.ReturnSeq != 0 || op.Seq > h.Expectations[0].Seq {
		t.Errorf("expected an operation without a return, before the expectation, found %+v", op)
	}
	if op := after.Operations[3]; op.Outcome != history.Accepted || after.End.Seq <= op.ReturnSeq {
		t.Errorf("expected the late return before the end %d, found %+v", after.End.Seq, op)
	}
	readsBack(t, h)
	readsBack(t, after)
}

func TestOutcomeOfAnError(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	sets := schema.GroupResource{Group: "apps", Resource: "statefulsets"}
	for _, tt := range []struct {
		err  error
		want history.OperationOutcome
	}{
		{apierrors.NewTooManyRequests("the budget allows none", 0), history.Refused},
		{apierrors.NewNotFound(sets, "web"), history.Refused},
		{apierrors.NewConflict(sets, "web", nil), history.Refused},
		{fmt.Errorf("creating it: %w", apierrors.NewForbidden(sets, "web", nil)), history.Refused},
		{apierrors.NewTimeoutError("later", 1), history.Unknown},
		{apierrors.NewServerTimeout(sets, "update", 1), history.Unknown},
		{apierrors.NewInternalError(errors.New("etcd")), history.Unknown},
		{errors.New("connection reset"), history.Unknown},
	} {
		r.Begin(history.Operation{Verb: history.VerbUpdate, Text: "update"}).Return(nil, tt.err)
		all := r.History().Operations
		if op := all[len(all)-1]; op.Outcome != tt.want || op.Reason != tt.err.Error() || op.ReturnSeq == 0 {
			t.Errorf("%v: expected %s, found %+v", tt.err, tt.want, op)
		}
	}
	readsBack(t, stop(t, r))
}

func TestOperationsOfSeveralGoroutines(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			call := r.Begin(history.Operation{Verb: history.VerbOther, Text: fmt.Sprint(n)})
			s.put(history.Pods, pod(fmt.Sprintf("web-%d", n), "1"))
			call.End(history.Unknown, nil, fmt.Sprint(n))
		})
	}
	all.Wait()
	h := stop(t, r)
	for _, op := range h.Operations {
		if op.Reason != op.Text || op.ReturnSeq <= op.Seq {
			t.Errorf("expected every operation to have its own return, found %+v", op)
		}
	}
	if len(h.Operations) != 20 {
		t.Errorf("expected 20 operations, found %d", len(h.Operations))
	}
	readsBack(t, h)
}
