package report

import (
	"errors"
	"os"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// shownSpec is a spec as the page shows it.
type shownSpec struct {
	Spec
	Anchor        string
	Failed        bool
	Proves        []contract.ID
	Chart         *chart
	Narration     []string
	NarrationLeft int
	Evidence      evidence
	Violations    []shownFinding
}

// renderer reads what a page shows from the report folder.
type renderer struct {
	dir string
	// objectsLeft is the number of bytes left for objects of failed specs.
	objectsLeft int
	// barsLeft is the number of bars left for charts.
	barsLeft int
}

// load reads a history; nil if the file does not exist, which the report says elsewhere.
func (r *renderer) load(file string) (*history.History, error) {
	f, err := reportdir.Open(r.dir, file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil //nolint:nilnil // A history that is not there is shown as nothing.
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return history.Decode(f)
}

// chartOf draws the history of a problem's first finding, with the problem's findings in it.
func (r *renderer) chartOf(p problem) (*chart, error) {
	h, err := r.load(p.First().History)
	if err != nil || h == nil {
		return nil, err
	}
	var here []shownFinding
	for _, f := range p.Findings {
		if f.History == p.First().History {
			here = append(here, f)
		}
	}
	c := draw(h, here, r.barsLeft)
	r.barsLeft -= c.bars()
	return c, nil
}

func (r *renderer) spec(s Spec, failed bool, found []shownFinding) (shownSpec, error) {
	out := shownSpec{Spec: s, Anchor: anchor(s.Text), Failed: failed, Violations: found}
	if s.History == "" {
		return out, nil
	}
	h, err := r.load(s.History)
	if err != nil || h == nil {
		return out, err
	}
	out.Proves = h.Header.Proves
	out.Chart = draw(h, found, r.barsLeft)
	r.barsLeft -= out.Chart.bars()
	out.Narration, out.NarrationLeft = narrate(h)
	out.Evidence, err = readEvidence(r.dir, evidenceOf(s.History), min(maxObjectsShown, r.objectsLeft))
	r.objectsLeft -= out.Evidence.size
	return out, err
}
