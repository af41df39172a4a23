package nightly

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// Entry is a night in the trend's file, which has one JSON object a line, the oldest first.
type Entry struct {
	Time       time.Time `json:"time"`
	Outcome    Outcome   `json:"outcome"`
	Kubernetes string    `json:"kubernetes"`
	Suite      string    `json:"suite"`
	// Seconds is the median of the runs.
	Seconds     float64       `json:"seconds"`
	Runs        []RunEntry    `json:"runs"`
	Regressions []string      `json:"regressions,omitempty"`
	Undecided   []string      `json:"open,omitempty"`
	Flakes      []string      `json:"flakes,omitempty"`
	Faults      FaultsOutcome `json:"faults,omitempty"`
}

// RunEntry is one run of a night.
type RunEntry struct {
	Seed   string `json:"seed"`
	Result string `json:"result"`
	// Seconds is the time of the whole run, ClusterSeconds the sum of the specs' times from the first recorded event to the last.
	Seconds        float64 `json:"seconds"`
	ClusterSeconds float64 `json:"clusterSeconds"`
}

// Entry returns the night as an entry of the trend.
func (n Result) Entry(at time.Time) Entry {
	e := Entry{Time: at.UTC().Truncate(time.Second), Outcome: n.Outcome, Seconds: n.Seconds, Faults: n.Faults}
	for _, r := range n.Runs {
		ran := RunEntry{Seed: r.Seed, Result: noReport}
		if r.Report != nil {
			e.Kubernetes, e.Suite = r.Report.Cluster.KubernetesVersion, r.Report.Suite.Version
			ran.Result, ran.Seconds = string(r.Report.Result), r.Report.Seconds
			for _, s := range r.Report.Specs {
				ran.ClusterSeconds += s.ClusterSeconds
			}
			ran.ClusterSeconds = math.Round(ran.ClusterSeconds*10) / 10
		}
		e.Runs = append(e.Runs, ran)
	}
	for _, part := range []struct {
		from []Change
		to   *[]string
	}{{n.Regressions, &e.Regressions}, {n.Undecided, &e.Undecided}, {n.Flakes, &e.Flakes}} {
		for _, c := range part.from {
			*part.to = append(*part.to, c.What)
		}
	}
	return e
}

// maxTrend bounds a trend's file in bytes: a night is a line of a few KiB.
const maxTrend = 16 << 20

// Load reads a trend. A file that does not exist is an empty trend; the error of a damaged one names the line.
func Load(path string) ([]Entry, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := reportdir.ReadAll(file, maxTrend)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return parseTrend(path, data)
}

// parseTrend reads the lines of a trend's file.
func parseTrend(path string, data []byte) ([]Entry, error) {
	var out []Entry
	for i, line := range bytes.Split(data, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("%s:%d: expected a night as a JSON object, found: %w; fix the line or remove it", path, i+1, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// Append adds a night to a trend.
func Append(path string, e Entry) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(append(data, '\n'))
	return err
}

// FaultsDue reports whether the last night whose planted faults had an outcome is a week ago.
func FaultsDue(earlier []Entry, now time.Time) bool {
	const week = 7 * 24 * time.Hour
	for _, e := range earlier {
		// Nights begin a few minutes earlier or later than those of the week before.
		if (e.Faults == FaultsCaught || e.Faults == FaultsMissed) && now.Sub(e.Time) < week-time.Hour {
			return false
		}
	}
	return true
}
