package main

import (
	"errors"
	"testing"
)

func TestProcessorTimes(t *testing.T) {
	got, err := parseProcessorTimes("cpu  100 20 30 400 50 6 4 10 99 98\n")
	if want := (processorTime{busy: 170, total: 620}); err != nil || got != want {
		t.Errorf("expected %+v, found %+v, %v", want, got, err)
	}
	for _, wrong := range []string{"", "intr 1 2 3 4 5 6 7 8\n", "cpu 1 2 3\n", "cpu a b c d e f g h\n"} {
		if got, err := parseProcessorTimes(wrong); err == nil {
			t.Errorf("%q: expected an error, found %+v", wrong, got)
		}
	}
}

func TestCgroupTime(t *testing.T) {
	for text, want := range map[string]float64{"usage_usec 1500000\nuser_usec 1\n": 1.5, "2500000000\n": 2.5} {
		if got, err := cgroupTime(text); err != nil || got != want {
			t.Errorf("%q: expected %v s, found %v, %v", text, want, got, err)
		}
	}
	if got, err := cgroupTime("none\n"); err == nil {
		t.Errorf("expected an error, found %v", got)
	}
}

func TestMeasuredRun(t *testing.T) {
	r := measuredRun{guarantees: 50, specs: 20, seconds: 100, before: processorTime{1000, 2000}, after: processorTime{16000, 22000}, own: 130}
	if got, want := r.String(), "100.0 s, 2.00 s for each of 50 guarantees, 20 specs; processors busy 75 %, of which others took 10"; got != want {
		t.Errorf("expected %q, found %q", want, got)
	}
	r.cpu = errors.New("no /proc")
	if got, want := r.String(), "100.0 s, 2.00 s for each of 50 guarantees, 20 specs; the processors' times are not known here"; got != want {
		t.Errorf("expected %q, found %q", want, got)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		all  []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{5, 1, 3}, 3}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.all); got != c.want {
			t.Errorf("%v: expected %v, found %v", c.all, c.want, got)
		}
	}
}
