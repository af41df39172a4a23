package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onsi/ginkgo/v2/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// labelFilter is Ginkgo's filter for the specs of the level and the labels that were asked.
func (a asked) labelFilter() string {
	level := "!" + string(contract.Disruptive)
	switch a.level {
	case contract.Core:
		level = string(contract.Core)
	case contract.Disruptive:
		return a.labels
	}
	if a.labels == "" {
		return level
	}
	return fmt.Sprintf("(%s) && (%s)", level, a.labels)
}

// checkSelection rejects a narrowed run that would ask nothing, before anything is made for it. Only the compiled suite knows its
// specs, so it waits for that. mayHurt says that specs of the level disruptive are carried out here, if that level is asked.
func checkSelection(ctx context.Context, suite func() (suiteBinaries, error), a asked, mayHurt bool) error {
	if a.focus == "" && a.labels == "" {
		return nil // every level has specs
	}
	b, err := suite()
	if err != nil {
		return err
	}
	chosen, err := b.selected(ctx, a)
	if err != nil {
		return err
	}
	above := a
	above.level = contract.Disruptive
	further := chosen
	if len(chosen) == 0 {
		if further, err = b.selected(ctx, above); err != nil {
			return err
		}
	}
	switch {
	case len(further) == 0:
		return wrongUse{fmt.Errorf("%s: expected to select at least one spec, found none; FOCUS is a regular expression on the text of specs, "+
			"LABELS a filter of guarantees, such as dns.pod-record: loosen them or leave them out", a.narrowing())}
	case !mayHurt && !slices.ContainsFunc(further, harmless):
		return wrongUse{fmt.Errorf("%s: expected to select a spec that does no harm, found only such of the level disruptive: use make e2e LEVEL=disruptive %[1]s, on a cluster of its own", a.narrowing())}
	case len(chosen) == 0:
		return wrongUse{fmt.Errorf("%s: expected to select at least one spec of the level %s, found none; %d of higher levels match: raise LEVEL", a.narrowing(), a.level, len(further))}
	}
	return nil
}

// harmless reports whether a spec hurts no node and no control plane.
func harmless(s types.SpecReport) bool {
	return !slices.Contains(s.Labels(), string(contract.Disruptive))
}

// narrowing is how the run was narrowed, as it was typed.
func (a asked) narrowing() string {
	var typed []string
	if a.focus != "" {
		typed = append(typed, "FOCUS="+a.focus)
	}
	if a.labels != "" {
		typed = append(typed, "LABELS="+a.labels)
	}
	return strings.Join(typed, " ")
}

// selected lists the specs that a run would carry out. Ginkgo itself tells, by a run in which nothing is done.
func (b suiteBinaries) selected(ctx context.Context, a asked) ([]types.SpecReport, error) {
	dir, err := os.MkdirTemp("", "conformance-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "specs.json")
	args := []string{"-test.run=^TestConformance$", "-ginkgo.dry-run", "-ginkgo.json-report=" + file, "-ginkgo.label-filter=" + a.labelFilter()}
	if a.focus != "" {
		args = append(args, "-ginkgo.focus="+a.focus)
	}
	out, err := exec.CommandContext(ctx, b.suite, args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("asking the suite for its specs: %w\n%s", err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var reports []types.Report
	if err := json.Unmarshal(data, &reports); err != nil {
		return nil, fmt.Errorf("asking the suite for its specs: %w", err)
	}
	var chosen []types.SpecReport
	for _, r := range reports {
		for _, s := range r.SpecReports {
			if s.LeafNodeType == types.NodeTypeIt && s.State != types.SpecStateSkipped && s.State != types.SpecStatePending {
				chosen = append(chosen, s)
			}
		}
	}
	return chosen, nil
}
