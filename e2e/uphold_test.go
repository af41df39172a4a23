package e2e

import (
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func TestUphold(t *testing.T) {
	checked := func(id guarantee.ID, outcome history.Outcome) *history.History {
		return &history.History{Checks: []history.Check{{Guarantee: id, Outcome: outcome, Text: "what was seen"}}}
	}
	for _, c := range []struct {
		name    string
		history *history.History
		id      guarantee.ID
		want    string // "" for a history that upholds the guarantee
	}{
		{"held", checked(guarantee.DNSGone, history.Passed), guarantee.DNSGone, ""},
		{"broken", checked(guarantee.DNSGone, history.Failed), guarantee.DNSGone, "dns/gone broken: what was seen"},
		{"a deviation", checked(guarantee.StorageClaimRecreated, history.Failed), guarantee.StorageClaimRecreated, ""},
		{"in doubt", checked(guarantee.DNSGone, history.Inconclusive), guarantee.DNSGone, "dns/gone inconclusive: what was seen"},
		{"not exercised", &history.History{}, guarantee.DNSGone, "nothing in this history exercised it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := Uphold(c.id)
			ok, err := m.Match(c.history)
			if err != nil || ok != (c.want == "") {
				t.Fatalf("Match = %t, %v, expected %t", ok, err, c.want == "")
			}
			if got := m.FailureMessage(c.history); !ok && !strings.Contains(got, c.want) {
				t.Errorf("the message is %q, expected it to say %q", got, c.want)
			}
		})
	}
}
