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
	changed := func(b *historytest.Builder, to appsv1.PersistentVolumeClaimRetentionPolicyType, options ...historytest.Option) {
		b.Running("web", 1, append(options, historytest.Claims("data"))...)
		b.Update("web", func(t *history.Set) { t.WhenDeleted = to })
		b.Status("web")
	}
	own := func(b *historytest.Builder) {
		b.SetController("data-web-0", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
	}
	const keep, drop = appsv1.RetainPersistentVolumeClaimRetentionPolicyType, appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	dropped := func(b *historytest.Builder) {
		b.Running("web", 1, historytest.Claims("data"), historytest.WhenDeletedDelete)
		own(b)
		b.Wait(2 * time.Second)
		b.Update("web", func(t *history.Set) { t.WhenDeleted = keep })
		b.Status("web")
	}
	runCases(t, []testCase{
		{name: "the set becomes the claim's owner", exercised: ids(contract.StorageRetentionChange), build: func(b *historytest.Builder) {
			changed(b, drop)
			own(b)
		}},
		{name: "nothing changed", notExercised: ids(contract.StorageRetentionChange), build: func(b *historytest.Builder) {
			b.Running("web", 1, historytest.Claims("data"))
			b.Wait(long)
		}},
		{
			name: "the set does not become the claim's owner", broken: ids(contract.StorageRetentionChange), controllerActs: true, texts: []string{"whenDeleted of web became Delete at rv 107 (+0.7 s)", "the set had not come to own it: claim data-web-0 of web-0"},
			build: func(b *historytest.Builder) {
				changed(b, drop)
				b.Wait(long)
			},
		},
		{name: "the set releases the claim", exercised: ids(contract.StorageRetentionChange), build: func(b *historytest.Builder) {
			dropped(b)
			b.SetController("data-web-0", "", "", "")
		}},
		{
			name: "nothing shows that the controller was at work", inconclusive: ids(contract.StorageRetentionChange), build: func(b *historytest.Builder) {
				changed(b, drop)
				b.Wait(long)
			},
		},
		{
			name: "the controller is back just before the pod is no longer Ready", inconclusive: ids(contract.StorageRetentionChange), build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.Claims("data"))
				b.Update("web", func(t *history.Set) { t.WhenDeleted = drop })
				b.Wait(long)
				b.Status("web")
				b.Unready("web-0")
				b.Wait(long)
			},
		},
		{
			name: "the set does not release the claim", broken: ids(contract.StorageRetentionChange), controllerActs: true, texts: []string{"the set still owned it: claim data-web-0"},
			build: func(b *historytest.Builder) {
				dropped(b)
				b.Wait(long)
			},
		},
		{name: "not yet", notExercised: ids(contract.StorageRetentionChange), build: func(b *historytest.Builder) { changed(b, drop) }},
		{
			name: "the pod is not Ready", notExercised: ids(contract.StorageRetentionChange), build: func(b *historytest.Builder) {
				changed(b, drop)
				b.Unready("web-0")
				settle(b, long)
			},
		},
		{
			name: "owned by another controller", notExercised: ids(contract.StorageRetentionChange), build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.Claims("data"))
				b.Change(history.Claims, "data-web-0", func(e *history.Event) {
					e.Owners = []metav1.OwnerReference{{Kind: "Widget", Name: "mine", UID: "uid-widget", Controller: new(true)}}
				})
				b.Update("web", func(t *history.Set) { t.WhenDeleted = drop })
				settle(b, long)
			},
		},
	})
}
