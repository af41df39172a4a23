package preflight

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// TestQuotaFollows: what a quota counts that was removed a moment ago is no lack of room.
func TestQuotaFollows(t *testing.T) {
	for name, c := range map[string]struct {
		freed time.Duration // after which the quota counts less
		want  string
	}{
		"at once":    {0, ""},
		"in a while": {4 * time.Second, ""},
		"never":      {time.Hour, "quota: expected quota tenant of namespace mine to leave 5 services, found it leaves 4; raise it"},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			client := fake.NewClientset()
			client.PrependReactor("list", "resourcequotas", func(clienttesting.Action) (bool, runtime.Object, error) {
				used := "2"
				if time.Since(begin) >= c.freed {
					used = "1"
				}
				return true, &corev1.ResourceQuotaList{Items: []corev1.ResourceQuota{{
					ObjectMeta: metav1.ObjectMeta{Name: "tenant", Namespace: "mine"},
					Status: corev1.ResourceQuotaStatus{
						Hard: corev1.ResourceList{corev1.ResourceServices: resource.MustParse("6")}, Used: corev1.ResourceList{corev1.ResourceServices: resource.MustParse(used)},
					},
				}}}, nil
			})
			p := testProber()
			p.client = client
			var said []string
			for _, problem := range p.quotas(t.Context(), podProbe{}, "mine", nil) {
				said = append(said, problem.Text)
			}
			if got := strings.Join(said, "; "); got != c.want {
				t.Errorf("%s: expected %q, found %q", name, c.want, got)
			}
		})
	}
}

// TestQuotaOfExactlyWhatIsNeeded: what the probe's own pod asks for is not needed a second time.
func TestQuotaOfExactlyWhatIsNeeded(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("5m")},
	}}}}}
	need := Needs(nil, pod)
	p := testProber()
	for _, more := range []bool{false, true} {
		used := corev1.ResourceList{corev1.ResourcePods: resource.MustParse("1"), corev1.ResourceRequestsCPU: resource.MustParse("5m")}
		if more {
			used[corev1.ResourceRequestsCPU] = resource.MustParse("6m")
		}
		p.client = fake.NewClientset(&corev1.ResourceQuota{
			ObjectMeta: metav1.ObjectMeta{Name: "exact", Namespace: "mine"}, Status: corev1.ResourceQuotaStatus{Hard: need, Used: used},
		})
		synctest.Test(t, func(t *testing.T) {
			if got := p.quotas(t.Context(), podProbe{}, "mine", []*corev1.Pod{pod}); (len(got) > 0) != more {
				t.Errorf("expected a problem to be there %t, found %v", more, got)
			}
		})
	}
}
