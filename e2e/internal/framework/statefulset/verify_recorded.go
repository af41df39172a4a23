package statefulset

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// VerifyFinished leaves it to the judges to verify that a pod, which is deleted after it was read, has its whole grace period, and that its
// container exits by itself with that code.
func (s *Set) VerifyFinished(ctx context.Context, id contract.ID, pod *history.Event, code int32) {
	GinkgoHelper()
	s.NS.ExpectFate(ctx, history.Expectation{
		Guarantee: id, Kind: history.ExpectContainerExit, Resource: history.Pods, Name: pod.Name, UID: pod.UID, ExitCode: code, GraceSeconds: s.Grace,
		Text: fmt.Sprintf("exit code %d (%d: ended without its preStop hook; 137: killed)", code, ExitWithoutHook),
	})
}

// VerifyNotFailed leaves it to the judges to verify that a pod whose container ended with that exit code, by itself, has not failed: a set's
// template allows no restart policy but Always.
func (s *Set) VerifyNotFailed(ctx context.Context, id contract.ID, old *history.Event, code int32) {
	GinkgoHelper()
	s.NS.ExpectFate(ctx, history.Expectation{
		Guarantee: id, Kind: history.ExpectNeverFailed, Resource: history.Pods, Name: old.Name, UID: old.UID, ExitCode: code,
		Text: fmt.Sprintf("container of %s, ended with exit code %d, is restarted in its pod", old.Name, code),
	})
}

// VerifyAdopted leaves it to the judges to verify that pods or controller revisions stay, and that the set has become their controller.
func (s *Set) VerifyAdopted(ctx context.Context, id contract.ID, objects []*history.Event) {
	GinkgoHelper()
	s.verifyController(ctx, id, s.UID, objects)
}

func (s *Set) verifyController(ctx context.Context, id contract.ID, uid types.UID, objects []*history.Event) {
	GinkgoHelper()
	var all []history.Expectation
	for _, e := range objects {
		x := framework.Kept(id, e)
		x.Controller = &uid
		all = append(all, x)
	}
	s.NS.ExpectFate(ctx, all...)
}
