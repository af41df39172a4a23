package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestRetentionChange(t *testing.T) {
	changed := func(s *historytest.Builder, to appsv1.PersistentVolumeClaimRetentionPolicyType, options ...historytest.Option) {
		s.Running("web", 1, append(options, historytest.Claims("data"))...)
		s.Update("web", func(t *history.Set) { t.WhenDeleted = to })
		s.Status("web")
	}
	own := func(s *historytest.Builder) {
		s.SetController("data-web-0", "StatefulSet", "web", s.Get(history.Sets, "web").UID)
	}
	const keep, drop = appsv1.RetainPersistentVolumeClaimRetentionPolicyType, appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	dropped := func(s *historytest.Builder) {
		s.Running("web", 1, historytest.Claims("data"), historytest.WhenDeletedDelete)
		own(s)
		s.Wait(2 * time.Second)
		s.Update("web", func(t *history.Set) { t.WhenDeleted = keep })
		s.Status("web")
	}
	tales(t, []tale{
		{name: "the set comes to own it", exercised: ids(contract.StorageRetentionChange), tell: func(s *historytest.Builder) {
			changed(s, drop)
			own(s)
		}},
		{name: "nothing changed", idle: ids(contract.StorageRetentionChange), tell: func(s *historytest.Builder) {
			s.Running("web", 1, historytest.Claims("data"))
			s.Wait(long)
		}},
		{
			name: "the set does not come to own it", broken: ids(contract.StorageRetentionChange), atWork: true, texts: []string{"whenDeleted of web became Delete at rv 107 (+0.7 s)", "the set has not come to own it: claim data-web-0 of web-0"},
			tell: func(s *historytest.Builder) {
				changed(s, drop)
				s.Wait(long)
			},
		},
		{name: "the set gives it up", exercised: ids(contract.StorageRetentionChange), tell: func(s *historytest.Builder) {
			dropped(s)
			s.SetController("data-web-0", "", "", "")
		}},
		{
			name: "nothing shows that the controller was at work", doubted: ids(contract.StorageRetentionChange), tell: func(s *historytest.Builder) {
				changed(s, drop)
				s.Wait(long)
			},
		},
		{
			name: "the set does not give it up", broken: ids(contract.StorageRetentionChange), atWork: true, texts: []string{"the set still owns it: claim data-web-0"},
			tell: func(s *historytest.Builder) {
				dropped(s)
				s.Wait(long)
			},
		},
		{name: "not yet", idle: ids(contract.StorageRetentionChange), tell: func(s *historytest.Builder) { changed(s, drop) }},
		{
			name: "the pod is not Ready", idle: ids(contract.StorageRetentionChange), tell: func(s *historytest.Builder) {
				changed(s, drop)
				s.Unready("web-0")
				settle(s, long)
			},
		},
		{
			name: "somebody else controls it", idle: ids(contract.StorageRetentionChange), tell: func(s *historytest.Builder) {
				s.Running("web", 1, historytest.Claims("data"))
				s.Change(history.Claims, "data-web-0", func(e *history.Event) {
					e.Owners = []metav1.OwnerReference{{Kind: "Widget", Name: "mine", UID: "uid-widget", Controller: new(true)}}
				})
				s.Update("web", func(t *history.Set) { t.WhenDeleted = drop })
				settle(s, long)
			},
		},
	})
}
