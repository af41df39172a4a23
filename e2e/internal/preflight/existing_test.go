package preflight

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient/apitest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// A namespace in which others make pods later is not the suite's alone, although it has none now.
func TestExistingNamespaceWithWhatMakesPods(t *testing.T) {
	for name, c := range map[string]struct {
		server *apitest.Server
		want   string
	}{
		"empty":                       {&apitest.Server{}, ""},
		"a cron job":                  {&apitest.Server{Objects: map[string][]metav1.ObjectMeta{"cronjobs": {{Name: "backup", Namespace: "mine"}}}}, "found CronJob mine/backup"},
		"a deployment without pods":   {&apitest.Server{Objects: map[string][]metav1.ObjectMeta{"deployments": {{Name: "web", Namespace: "mine"}}}}, "found Deployment mine/web"},
		"kinds that it may not list":  {&apitest.Server{Forbidden: []string{"cronjobs", "jobs", "deployments", "daemonsets", "replicasets"}}, ""},
		"some that it may not list":   {&apitest.Server{Forbidden: []string{"deployments"}, Objects: map[string][]metav1.ObjectMeta{"jobs": {{Name: "j", Namespace: "mine"}}}}, "found Job mine/j"},
		"what another run left there": {&apitest.Server{Objects: map[string][]metav1.ObjectMeta{"pods": {{Name: "p", Namespace: "mine", Labels: map[string]string{runconfig.RunLabel: "other"}}}}}, "found Pod mine/p of run other"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := newProber(c.server.Start(t), runconfig.Settings{Run: "r", Namespaces: []string{"mine"}})
			if err != nil {
				t.Fatal(err)
			}
			found := p.notEmpty(t.Context(), "mine")
			if (found == nil) != (c.want == "") || found != nil && !strings.Contains(found.Text, c.want) {
				t.Errorf("expected %q, found %v", c.want, found)
			}
		})
	}
}
