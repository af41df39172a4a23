package nightly

import (
	"os"
	"path/filepath"
	"testing"
)

// A trend comes from a cache that others may write to.
func TestTrendHasABound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trend.jsonl")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, maxTrend+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil {
		t.Error("expected a file that is too long to be an error")
	}
}

func FuzzParseTrend(f *testing.F) {
	f.Add([]byte(`{"time": "2026-01-02T03:04:05Z", "outcome": "flaky", "runs": [{"seed": "1", "result": "conformant"}], "flakes": ["dns/headless"]}` + "\n"))
	f.Add([]byte("{}\n\n{\"time\": 1}"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		entries, err := parseTrend("trend", data)
		if err != nil {
			return
		}
		Compare(nil, entries, FaultsNotRun)
		for _, e := range entries {
			FaultsDue(entries, e.Time)
		}
	})
}
