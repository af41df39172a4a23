package judge_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestNetworkNames(t *testing.T) {
	fqdn, record := ids(contract.IdentityOwnFQDN), ids(contract.DNSPodRecord)
	none := func(*history.Pod) {}
	created := func(change func(*history.Pod), options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Add(&history.Event{
				Resource: history.Services, Meta: history.Meta{Name: "web"}, Service: &history.Service{ClusterIPs: []string{corev1.ClusterIPNone}},
			})
			b.Set("web", options...)
			change(b.Pod("web-0").Pod)
			b.Ready("web-0")
			b.Status("web")
		}
	}
	noSubdomain := func(p *history.Pod) { p.Subdomain = "" }
	runCases(t, []testCase{
		{name: "both fields", notExercised: append(fqdn, record...), build: created(none)},
		{name: "no subdomain", broken: fqdn, texts: []string{`web-0 was created at rv 103 (+0.3 s) with subdomain "", expected "web"`}, build: created(noSubdomain)},
		{name: "another subdomain", broken: fqdn, build: created(func(p *history.Pod) { p.Subdomain = "elsewhere" })},
		{
			name: "no hostname", broken: record, texts: []string{"web-0 was created at rv 103 (+0.3 s) without a hostname, so that the headless service web has no record of it"},
			build: created(func(p *history.Pod) { p.Hostname = "" }),
		},
		{name: "no service is named", build: created(noSubdomain, func(s *history.Set) { s.ServiceName = "" })},
		{name: "the template has a subdomain", broken: ids(contract.IdentityOverrides), build: created(noSubdomain, func(s *history.Set) { s.PodSubdomain = "own" })},
		{name: "the template asks for a hostname of its own", build: created(func(p *history.Pod) { p.Hostname = "" }, func(s *history.Set) { s.FreeHostname = true })},
		{
			name: "a pod that comes back", broken: ids(contract.IdentitySticky), build: func(b *historytest.Builder) {
				created(none)(b)
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				noSubdomain(b.Pod("web-0").Pod)
				b.Ready("web-0")
			},
		},
		{
			name: "a pod in the place of one whose creation nobody saw", broken: fqdn, build: func(b *historytest.Builder) {
				b.Set("web")
				b.Pod("web-0").Change = history.Listed
				b.Ready("web-0")
				b.Status("web")
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				noSubdomain(b.Pod("web-0").Pod)
				b.Ready("web-0")
				b.Status("web")
			},
		},
	})
}
