package judge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestClaimsAreOwnedBySet(t *testing.T) {
	const id = contract.StorageWhenDeletedDelete
	own := func(b *historytest.Builder, claims ...string) {
		uid := b.Get(history.Sets, "web").UID
		for _, c := range claims {
			b.SetController(c, "StatefulSet", "web", uid)
		}
	}
	running := func(then func(*historytest.Builder), options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2, append(options, historytest.WhenDeletedDelete)...)
			then(b)
			b.Wait(20 * time.Second)
		}
	}
	data := historytest.Claims("data")
	nothing := func(*historytest.Builder) {}
	cases := []testCase{
		{name: "all of them", build: running(func(b *historytest.Builder) { own(b, "data-web-0", "data-web-1") }, data)},
		{
			name: "none", broken: ids(id), texts: []string{"the set web had not come to own the claim data-web-0 of web-0 after", "the claim data-web-1 of web-1 after"},
			build: running(nothing, data),
		},
		{
			name: "those of the first template", broken: ids(id), texts: []string{"the claim log-web-1 of web-1"},
			build: running(func(b *historytest.Builder) { own(b, "data-web-0", "data-web-1", "log-web-0") }, historytest.Claims("data", "log")),
		},
		{
			name: "all but that of an added pod", broken: ids(id), texts: []string{"the claim data-web-2 of web-2"},
			build: running(func(b *historytest.Builder) {
				own(b, "data-web-0", "data-web-1")
				b.Scale("web", 3)
				b.Claim("data", "web-2")
				b.CreateReady("web-2")
				b.Status("web")
			}, data),
		},
		{
			name: "one is taken from it by somebody", build: running(func(b *historytest.Builder) {
				own(b, "data-web-0", "data-web-1")
				b.SetController("data-web-1", "", "", "")
			}, data),
		},
		{
			name: "one is another controller's", build: running(func(b *historytest.Builder) {
				own(b, "data-web-0")
				b.SetController("data-web-1", "Backup", "nightly", "uid-backup")
			}, data),
		},
		{
			name: "while the first pod is not Ready the controller need not come to the second", build: func(b *historytest.Builder) {
				b.Set("web", data, historytest.Replicas(2), historytest.WhenDeletedDelete)
				for n := range 2 {
					b.Claim("data", fmt.Sprintf("web-%d", n))
					b.CreateReady(fmt.Sprintf("web-%d", n))
				}
				own(b, "data-web-0")
				b.Unready("web-0")
				b.Status("web")
				b.Wait(20 * time.Second)
			},
		},
		{name: "nor is it asked under Retain", build: func(b *historytest.Builder) {
			b.Running("web", 2, data)
			b.Wait(20 * time.Second)
		}},
	}
	for i := range cases {
		cases[i].controllerActs = true
	}
	runCases(t, append(cases, testCase{
		name: "none, and the controller is away", inconclusive: ids(id), build: running(nothing, data),
	}))
}
