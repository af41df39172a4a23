package judge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// TestMayNeedSync: a controller that did nothing about an event is excused by what may keep it from looking at the set by itself, and by nothing else.
func TestMayNeedSync(t *testing.T) {
	tests := []struct {
		name, version  string
		age, waited    time.Duration
		options        []historytest.Option
		before, change func(*historytest.Builder)
		want           string
	}{
		{name: "longer than any back-off", age: 10 * time.Second, waited: 30 * time.Second},
		{name: "no longer than the set is old", age: 30 * time.Second, waited: 20 * time.Second, want: "back-off"},
		{
			name: "of syncs that events brought while a name was taken", age: 10 * time.Second, waited: 30 * time.Second, want: "back-off",
			before: func(b *historytest.Builder) {
				b.Pod("web-1")
				b.Orphan("web-1")
				b.Change(history.Sets, "web", func(*history.Event) {})
				b.Change(history.Sets, "web", func(*history.Event) {})
			},
		},
		{
			name: "of syncs that events brought while none failed", age: 10 * time.Second, waited: 30 * time.Second,
			before: func(b *historytest.Builder) {
				b.Change(history.Sets, "web", func(*history.Event) {})
				b.Change(history.Sets, "web", func(*history.Event) {})
			},
		},
		{
			name: "a claim that was deleted", age: 10 * time.Second, waited: 30 * time.Second, want: "claim data-web-0 was deleted",
			change: func(b *historytest.Builder) {
				b.Claim("data", "web-0")
				b.Remove(history.Claims, "data-web-0")
			},
		},
		{name: "minReadySeconds", version: "v1.37.2", age: 10 * time.Second, waited: 30 * time.Second, options: []historytest.Option{historytest.MinReady(1)}},
		{
			name: "minReadySeconds of an older version", version: "v1.33.4", age: 10 * time.Second, waited: 30 * time.Second, options: []historytest.Option{historytest.MinReady(1)},
			want: "minReadySeconds",
		},
		{
			name: "a set as old that is deleted", age: 30 * time.Second, waited: 20 * time.Second,
			change: func(b *historytest.Builder) { b.DeleteSet("web") },
		},
		{
			name: "a set that was made meanwhile", age: 10 * time.Second, waited: 30 * time.Second,
			change: func(b *historytest.Builder) {
				b.Wait(20 * time.Second)
				b.Set("later")
			},
		},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "-"), func(t *testing.T) {
			b := historytest.New()
			if tt.version != "" {
				b.Version(tt.version)
			}
			b.Set("web", append(tt.options, historytest.Claims("data"))...)
			if tt.before != nil {
				tt.before(b)
			}
			b.Wait(tt.age)
			since := b.Now()
			if tt.change != nil {
				tt.change(b)
			}
			b.Wait(tt.waited - (b.Now() - since))
			got := judge.MayNeedSync(b.History(), since)
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("expected %q, found %q", tt.want, got)
			}
		})
	}
}
