package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkNewClaims: claims that the controller creates carry the labels of the set's selector and those of their template, and ask for what that says.
func checkNewClaims(m *model, res *results) {
	const id = contract.StorageClaimLabels
	for _, c := range m.claims {
		if c.created == nil || m.createdByTest(history.Claims, c.name) {
			continue
		}
		s, _ := m.claimant(c.name, surelyBy(c.created.At))
		wanted := func(v *history.Event) bool { return inRange(v, history.Ordinal(c.name)) }
		if s == nil || s.mayBeDeleted(c.created) {
			continue
		}
		if !s.during(m.visibleFrom(c.created.At), deliveredBy(c.created.At), wanted) {
			res.claimOutOfRange(s, c)
			continue
		}
		res.checkClaimRequest(s, c)
		right := true
		for _, labels := range []struct {
			of   map[string]string
			from string
		}{{s.events[0].Set.Selector, "the set's selector"}, {s.claimLabels(c), "its claim template"}} {
			for _, k := range slices.Sorted(maps.Keys(labels.of)) {
				want := labels.of[k]
				if got := c.created.Labels[k]; got != want {
					right = false
					res.broken(id, evidence{
						set: s, since: c.created.At, events: []*history.Event{c.created}, admitted: true,
						text: fmt.Sprintf("claim %s was created at %s with label %s %q, expected %q as in %s", c.name, c.created.Ref(), k, got, want, labels.from),
					})
				}
			}
		}
		// Where the recording names no creations, as older ones do not, a claim that came early may be the controller's as well.
		if right && (len(m.creationReports) == 0 || m.madeByController(s, c)) {
			res.exercised(id)
		}
	}
}

// checkClaimRequest checks that a claim which the controller created asks for what its claim template says. Class and volume mode are
// compared where the template names one.
func (res *results) checkClaimRequest(s *setLife, c *claimLife) {
	want, known := s.events[0].Set.ClaimRequests[s.claimTemplateOf(c)]
	got := c.created.Claim.Request
	if !known || got == (history.ClaimRequest{}) {
		return
	}
	accuse := func(how string) {
		res.broken(contract.StorageClaimPerPod, evidence{
			set: s, since: c.created.At, events: []*history.Event{c.created}, admitted: true,
			text: fmt.Sprintf("claim %s was created at %s %s as in its claim template", c.name, c.created.Ref(), how),
		})
	}
	for _, f := range []struct{ what, got, want string }{
		{"a request of", got.Size, want.Size},
		{"the access modes", got.Modes, want.Modes},
		{"the volume mode", got.Mode, want.Mode},
		{"the storage class", c.created.Claim.Class, want.Class},
	} {
		optional := f.what == "the storage class" || f.what == "the volume mode"
		if f.got != f.want && (f.want != "" || !optional) {
			accuse(fmt.Sprintf("with %s %q, expected %q", f.what, f.got, f.want))
		}
	}
	if lost := history.Lost(want.Parts, got.Parts); len(lost) > 0 && got.Parts != "" {
		accuse("without " + strings.Join(lost, ", ") + ",")
	}
}

// claimTemplateOf returns the name of the set's claim template that a claim for one of its pods is made of.
func (s *setLife) claimTemplateOf(c *claimLife) string {
	return strings.TrimSuffix(c.name[:strings.LastIndexByte(c.name, '-')], "-"+s.name)
}

// claimLabels returns the labels that a claim has from its claim template: where the selector has another value for one, that comes first.
func (s *setLife) claimLabels(c *claimLife) map[string]string {
	out := maps.Clone(s.events[0].Set.ClaimLabels[s.claimTemplateOf(c)])
	maps.DeleteFunc(out, func(key, _ string) bool {
		_, selected := s.events[0].Set.Selector[key]
		return selected
	})
	return out
}
