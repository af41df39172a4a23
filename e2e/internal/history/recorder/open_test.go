package recorder

import (
	"testing"

	"k8s.io/apimachinery/pkg/watch"
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
