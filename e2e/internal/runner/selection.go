package runner

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// labelFilter is Ginkgo's filter for the specs of the level and the labels.
func (o *Options) labelFilter() string {
	filter := o.Labels
	if o.Level == contract.Core {
		filter = and(string(contract.Core), filter)
	}
	for _, level := range contract.Levels() {
		if o.Level != anyLevel && !o.Level.Includes(level) && level != contract.Extended {
			filter = and("!"+string(level), filter)
		}
	}
	return filter
}

// CheckSelection rejects a narrowed run that selects no spec, before anything is made for it. mayDisrupt says that specs of the level
// disruptive run here, if that level is chosen.
func (o *Options) CheckSelection(mayDisrupt bool) error {
	if o.Focus == "" && o.Labels == "" || o.Scale.Pods > 0 {
		return nil // every level has specs, and those of scale are declared in the run itself alone
	}
	chosen := o.selected()
	further := chosen
	if len(chosen) == 0 {
		above := *o
		above.Level = anyLevel
		further = above.selected()
	}
	switch {
	case len(further) == 0:
		return cli.UsageError{Err: fmt.Errorf("%s: expected to select at least one spec, found none; FOCUS is a regular expression on the text of specs, "+
			"LABELS a filter of guarantees, such as dns.pod-record: loosen them or leave them out", o.narrowing())}
	case !mayDisrupt && !slices.ContainsFunc(further, notDisruptive):
		return cli.UsageError{Err: fmt.Errorf("%s: expected to select a spec that does no harm, found only such of the level disruptive: use make e2e LEVEL=disruptive %[1]s, on a cluster of its own", o.narrowing())}
	case len(chosen) == 0:
		return cli.UsageError{Err: fmt.Errorf("%s: expected to select at least one spec of the level %s, found none; %d of higher levels match: raise LEVEL", o.narrowing(), o.Level, len(further))}
	}
	return nil
}

// anyLevel includes every level, which none that a person can choose does.
const anyLevel contract.Level = "any"

// and returns a filter that selects what both select; an empty one selects everything.
func and(a, b string) string {
	if b == "" {
		return a
	}
	return fmt.Sprintf("(%s) && (%s)", a, b)
}

// notDisruptive reports whether a spec disrupts no node and no control plane.
func notDisruptive(s types.SpecReport) bool {
	return !slices.Contains(s.Labels(), string(contract.Disruptive))
}

// narrowing is how the run was narrowed, as it was typed.
func (o *Options) narrowing() string {
	var typed []string
	if o.Focus != "" {
		typed = append(typed, "FOCUS="+o.Focus)
	}
	if o.Labels != "" {
		typed = append(typed, "LABELS="+o.Labels)
	}
	return strings.Join(typed, " ")
}

// selected lists the specs compiled into this program that a run would carry out.
func (o *Options) selected() []types.SpecReport {
	config := types.NewDefaultSuiteConfig()
	config.LabelFilter = o.labelFilter()
	if o.Focus != "" {
		config.FocusStrings = []string{o.Focus}
	}
	var chosen []types.SpecReport
	for _, s := range ginkgo.PreviewSpecs("StatefulSet conformance", config).SpecReports {
		if s.LeafNodeType == types.NodeTypeIt && s.State != types.SpecStateSkipped && s.State != types.SpecStatePending {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

// Unaccounted returns the specs compiled into this program that a run with these settings was to carry out and of which its outcomes say
// nothing, or that they were left out although nothing cut the run short. The error says what is wrong with the settings.
func Unaccounted(s runconfig.Settings, run *verdict.Run) ([]string, error) {
	if _, err := regexp.Compile(s.Focus); err != nil {
		return nil, fmt.Errorf("focus: %w", err)
	}
	if _, err := types.ParseLabelFilter(s.Labels); err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	o := Options{Level: s.Level, Focus: s.Focus, Labels: s.Labels}
	accounted := map[string]bool{}
	for _, spec := range run.Specs {
		accounted[spec.Text] = accounted[spec.Text] || spec.Selected || len(run.Troubles) > 0
	}
	var out []string
	for _, r := range o.selected() {
		if !accounted[r.FullText()] {
			out = append(out, r.FullText())
		}
	}
	return out, nil
}
