package recorder

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func TestALostWatchIsNotOpen(t *testing.T) {
	if open(watch.NewEmptyWatch()) {
		t.Error("expected the empty watch that client-go makes of a lost connection not to count")
	}
	w := watch.NewFake()
	defer w.Stop()
	if !open(w) {
		t.Error("expected any other watch to count")
	}
}

// Six resources of eight processes each ask an API server that has been away for long: once a second, and not five times.
func TestALongOutageIsNotHurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		attempts := 0
		away := source{resource: history.Pods, watch: func(context.Context, metav1.ListOptions) (watch.Interface, error) {
			attempts++
			return nil, errors.New("connection refused")
		}}
		r := &Recorder{start: time.Now(), outages: map[history.Resource]outage{}}
		r.follow(ctx, away, 0)
		// About five a second for ten seconds, then one a second.
		if attempts < 50 || attempts > 120 {
			t.Errorf("expected 50 to 120 attempts in a minute, found %d", attempts)
		}
	})
}
