package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

func TestPause(t *testing.T) {
	wrote := func(at time.Duration) *history.ClientOperation {
		return &history.ClientOperation{At: at, Verb: history.ClientPut, Value: 1, Outcome: history.ClientOK}
	}
	read := &history.ClientOperation{At: 30 * time.Second, Verb: history.ClientGet, Outcome: history.ClientOK}
	failed := &history.ClientOperation{At: 30 * time.Second, Verb: history.ClientPut, Value: 2, Outcome: history.ClientUnknown}
	for _, tt := range []struct {
		name    string
		clients []*history.ClientOperation
		longest time.Duration
		tooLong bool
	}{
		{"between two writes", []*history.ClientOperation{wrote(12 * time.Second), wrote(37 * time.Second), wrote(58 * time.Second)}, 25 * time.Second, false},
		{"too long", []*history.ClientOperation{wrote(12 * time.Second), wrote(43 * time.Second)}, 31 * time.Second, true},
		{"until the first", []*history.ClientOperation{wrote(5 * time.Second), wrote(45 * time.Second)}, 35 * time.Second, true},
		{"after the last", []*history.ClientOperation{wrote(15 * time.Second), wrote(80 * time.Second)}, 45 * time.Second, true},
		{"reads, and writes that nobody was told of", []*history.ClientOperation{wrote(11 * time.Second), read, failed, wrote(59 * time.Second)}, 48 * time.Second, true},
		{"no write", nil, 50 * time.Second, true},
	} {
		longest, tooLong := judge.Pause(&history.History{Clients: tt.clients}, 10*time.Second, 60*time.Second)
		if longest != tt.longest || tooLong != tt.tooLong {
			t.Errorf("%s: expected %v, too long %t, found %v, %t", tt.name, tt.longest, tt.tooLong, longest, tooLong)
		}
	}
}
