package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/faults"
)

func TestExplorable(t *testing.T) {
	edits := []faults.Edit{{}}
	some := []faults.Fault{
		{Name: "judged", Edits: edits, Breaks: []contract.ID{contract.UpdateOrder}},
		{Name: "verified", Edits: edits, Breaks: []contract.ID{contract.IdentityHostname}},
		{Name: "in part", Edits: edits, Breaks: []contract.ID{contract.DNSGone, contract.DNSEndpointConditions}},
		{Name: "of a budget", Edits: edits, Breaks: []contract.ID{contract.LifecycleBudget}},
		{Name: "of a node", Edits: edits, Breaks: []contract.ID{contract.UpdateOrder}, NeedsNodeFault: true},
		{Name: "of the API server", Breaks: []contract.ID{contract.UpdateOrder}},
	}
	var names []string
	for _, f := range explorable(some) {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, ", "); got != "judged, verified, in part" || len(some) != 6 || some[5].Name == "" {
		t.Errorf("expected the faults that episodes can show, found %s", got)
	}
}

// Faults that were not tried again keep their rows, and the figures are of all rows.
func TestExploredRowsAddUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "explored.md")
	all := explorable(faults.All())[:5]
	seconds := []float64{30, 10, 20, 40}
	for n, s := range seconds {
		result := faultResult{Fault: all[n], seconds: s, named: all[n].Breaks[:1]}
		if n == 3 {
			result.named = nil
		}
		trial := faultTrial{all: faults.All(), out: new(strings.Builder), table: faultTable{results: []faultResult{result, {Fault: all[4], untried: true}}}}
		if err := trial.saveExploredAs(file, "abc"); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, want := range []string{
		"4 of ", " faults tried: 3 caught under a guarantee they break, 0 under another one, 1 missed; of those that were caught half within 20 s",
		"| " + all[0].Name + " | obvious | caught | **" + string(all[0].Breaks[0]) + "** | 30 | ", "suite abc |", "Not tried yet: " + all[4].Name + ",",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("expected %q in:\n%s", want, text[:1200])
		}
	}
}
