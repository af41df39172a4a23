package judge_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// FuzzJudge: the judges neither panic nor hang on any history that can be read.
func FuzzJudge(f *testing.F) {
	for seed := range uint64(20) {
		h := simulator.History(seed)
		damage(h, rand.New(rand.NewPCG(seed, 2)))
		var file bytes.Buffer
		if err := h.Write(&file); err != nil {
			f.Fatal(err)
		}
		lines := strings.SplitAfter(file.String(), "\n")
		f.Add([]byte(strings.Join(lines[:min(len(lines), 25)], "")))
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		if h, err := history.Read(bytes.NewReader(data)); err == nil {
			judge.History(h)
		}
	})
}

// TestDamagedHistoriesAreJudged damages histories that remain readable, which a fuzzer of bytes hardly ever does.
func TestDamagedHistoriesAreJudged(t *testing.T) {
	seeds := uint64(800)
	if testing.Short() {
		seeds = 300
	}
	for seed := range seeds {
		h := simulator.History(seed)
		damage(h, rand.New(rand.NewPCG(seed, 3)))
		var file bytes.Buffer
		if err := h.Write(&file); err != nil {
			t.Fatal(err)
		}
		read, err := history.Read(&file)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		from := time.Now()
		judge.History(read)
		if took := time.Since(from); took > 20*time.Second {
			t.Errorf("seed %d: judging %d events took %v", seed, len(read.Events), took)
		}
	}
}

// damage changes a history in ways that no cluster produces and history.Read accepts.
func damage(h *history.History, rng *rand.Rand) {
	numbers := []int32{0, 1, -1, 7, 1000, math.MaxInt32, math.MinInt32}
	number := func() int32 { return numbers[rng.IntN(len(numbers))] }
	other := func() *history.Event { return h.Events[rng.IntN(len(h.Events))] }
	for range 1 + rng.IntN(8) {
		e := other()
		switch rng.IntN(16) {
		case 0:
			i := rng.IntN(len(h.Events))
			h.Events = append(h.Events[:i], h.Events[i+1:]...)
			if len(h.Events) == 0 {
				return
			}
		case 1:
			e.Name = fmt.Sprintf("web-%d", number())
		case 2:
			e.Name = []string{"web", "web-", "-", "web-007", "x", "two-1"}[rng.IntN(6)]
		case 3:
			e.UID = other().UID
		case 4:
			e.Owners = other().Owners
		case 5:
			e.Owners = []metav1.OwnerReference{{Kind: "StatefulSet", Name: "web", UID: types.UID("none"), Controller: new(bool)}}
		case 6:
			e.Change = []history.Change{history.Listed, history.Added, history.Modified, history.Deleted, history.Missing}[rng.IntN(5)]
		case 7:
			e.Labels = nil
		case 8:
			e.Generation = int64(number())
		case 9:
			e.DeletionTimestamp, e.DeletionGrace = nil, nil
		case 10:
			h.Gaps = append(h.Gaps, history.Gap{Seq: e.Seq, Resource: e.Resource, From: 0, To: e.At, Reason: "damage"})
			h.Events = remove(h.Events, e)
			if len(h.Events) == 0 {
				return
			}
		case 11:
			for _, x := range h.Events {
				if x.UID == e.UID && x.Set != nil {
					x.Set.Replicas = number()
				}
			}
		default:
			damageObject(e, number)
		}
	}
	slices.SortFunc(h.Gaps, func(a, b history.Gap) int { return a.Seq - b.Seq })
}

func remove(events []*history.Event, e *history.Event) []*history.Event {
	out := events[:0]
	for _, x := range events {
		if x != e {
			out = append(out, x)
		}
	}
	return out
}

func damageObject(e *history.Event, number func() int32) {
	switch {
	case e.Pod != nil:
		e.Pod.Conditions = nil
		if number() > 0 {
			e.Pod.Containers, e.Pod.Claims, e.Pod.Grace = nil, nil, nil
			e.Pod.Phase = corev1.PodPhase("Odd")
		}
	case e.Set != nil:
		s := e.Set
		s.Replicas, s.Start, s.Partition, s.MinReadySeconds = number(), number(), number(), number()
		s.Status.Replicas, s.Status.Ready, s.Status.ObservedGeneration = number(), number(), int64(number())
		if number() > 0 {
			s.RevisionHistoryLimit, s.PodGrace, s.Selector, s.ClaimTemplates = nil, nil, nil, nil
			s.Policy, s.Strategy, s.MaxUnavailable = "Odd", "Odd", "-5"
		}
	case e.Claim != nil:
		e.Claim.Phase, e.Claim.Volume = "Odd", "pv"
	case e.Revision != nil:
		e.Revision.Number, e.Revision.Data = int64(number()), ""
	}
}
