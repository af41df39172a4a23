package specs

import (
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

func TestNotUpheld(t *testing.T) {
	checked := func(id contract.ID, outcome history.Outcome) *history.History {
		return &history.History{Checks: []history.Check{{Guarantee: id, Outcome: outcome, Text: "what was seen"}}}
	}
	for _, c := range []struct {
		name    string
		history *history.History
		id      contract.ID
		want    string // "" for a history that upholds the guarantee
	}{
		{"held", checked(contract.DNSGone, history.Passed), contract.DNSGone, ""},
		{"broken", checked(contract.DNSGone, history.Failed), contract.DNSGone, "dns/gone broken: what was seen"},
		{"a deviation", checked(contract.StorageClaimRecreated, history.Failed), contract.StorageClaimRecreated, ""},
		{"in doubt", checked(contract.DNSGone, history.Inconclusive), contract.DNSGone, "dns/gone inconclusive: what was seen"},
		{"not applicable", checked(contract.StorageFirstConsumer, history.NotApplicable), contract.StorageFirstConsumer, ""},
		{"not exercised", &history.History{}, contract.DNSGone, "nothing in this history exercised it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := notUpheld(judge.History(c.history), []contract.ID{c.id}, "file")
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("the message is %q, expected it to say %q", got, c.want)
			}
		})
	}
}

// A spec is left out where the cluster is too old for all that it proves, and for that alone.
func TestSpecsOfRowsThatCameLaterAreLeftOut(t *testing.T) {
	const old, later = contract.IdentityName, contract.StorageWhenScaledDelete
	for _, c := range []struct {
		ids        []contract.ID
		kubernetes string
		want       bool
	}{
		{[]contract.ID{later}, "v1.30.2", true},
		{[]contract.ID{later, old}, "v1.30.2", false},
		{[]contract.ID{old, later}, "v1.30.2", false},
		{[]contract.ID{later}, "v1.33.0", false},
		{nil, "v1.30.2", false},
	} {
		if why := tooOld(c.ids, c.kubernetes); (why != "") != c.want {
			t.Errorf("%v on %s: expected left out %t, found %q", c.ids, c.kubernetes, c.want, why)
		}
	}
}
