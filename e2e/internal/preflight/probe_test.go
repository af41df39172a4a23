package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func testProber() *prober {
	p := &prober{settings: runconfig.Settings{Images: runconfig.Images{Nginx: "mirror/nginx:1", Busybox: "mirror/busybox:1", Etcd: "mirror/etcd:1", EarlierEtcd: "mirror/etcd:0", Postgres: "mirror/postgres:1"}}}
	p.settings.Limits.Probe = time.Minute
	return p
}

func TestObjectsOfTheProbes(t *testing.T) {
	want := map[string]string{
		"earlier-etcd-0":    "Service etcd, PodDisruptionBudget etcd, StatefulSet etcd, Pod etcd-0, PersistentVolumeClaim data-etcd-0",
		"etcd-0":            "Service etcd, PodDisruptionBudget etcd, StatefulSet etcd, Pod etcd-0, PersistentVolumeClaim data-etcd-0",
		"postgres-0":        "Service postgres, StatefulSet postgres, Pod postgres-0, PersistentVolumeClaim data-postgres-0",
		"set-0":             "Service set, StatefulSet set, Pod set-0",
		"dns-client":        "Pod dns-client, Service set, StatefulSet set, Pod set-0",
		"web-statefulset-0": "Service nginx-headless-svc, StatefulSet web-statefulset, Pod web-statefulset-0, PersistentVolumeClaim www-storage-web-statefulset-0",
	}
	for _, pp := range append(probes(), databases(testProber().settings)...) {
		objects, err := testProber().objects(t.Context(), pp, "mine")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range objects {
			got = append(got, kindOf(o)+" "+o.GetName())
			if o.GetNamespace() != "mine" {
				t.Errorf("expected %s in namespace mine, found it in %q", o.GetName(), o.GetNamespace())
			}
		}
		if strings.Join(got, ", ") != want[pp.name()] {
			t.Errorf("%s: expected %s, found %v", pp.podName, want[pp.name()], got)
		}
		pod := podNamed(objects, pp.podName)
		if len(pod.Spec.Containers) != 1 || !strings.HasPrefix(pod.Spec.Containers[0].Image, "mirror/") || len(pod.Spec.Containers[0].VolumeMounts) > 0 {
			t.Errorf("%s: expected a pod with the run's image and no claim, found %+v", pp.standard, pod.Spec)
		}
	}
}

func TestAdmissionProblem(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "set-0"}}
	forbidden := func(text string) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "set-0", errors.New(text))
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"pod security": {forbidden(`violates PodSecurity "restricted:latest": runAsNonRoot != true`), "something in the cluster overrides that label"},
		"quota full":   {forbidden("exceeded quota: few, requested: pods=1"), "; raise the quota"},
		"quota of cpu": {forbidden("failed quota: few: must specify limits.cpu"), "; give pods requests and limits with POD_PATCH="},
		"a policy":     {forbidden("ValidatingAdmissionPolicy 'teams' denied request: no team label"), "; see which admission plugin"},
		"webhook down": {apierrors.NewInternalError(errors.New("failed calling webhook \"x\": connection refused")), "; see whether the admission webhook"},
	} {
		text := admissionProblem("restricted", pod, c.err).Text
		if !strings.HasPrefix(text, "admission: expected Pod set-0 to be admitted, found: ") ||
			!strings.Contains(text, c.want) || strings.Contains(text, "\n") {
			t.Errorf("%s: expected one line with %q, found %q", name, c.want, text)
		}
	}
}

// TestOneProblemOfManyObjects: what refuses several objects for the same reason is told in one line that names them.
func TestOneProblemOfManyObjects(t *testing.T) {
	refused := func(name, why string) Problem {
		return admissionProblem("restricted", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}, apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, name, errors.New(why)))
	}
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data-a-0"}}
	if text := admissionProblem("restricted", claim, errors.New("the least size is 1Gi")).Text; !strings.Contains(text, "CLAIM_SIZE=") || strings.Contains(text, "POD_PATCH=") {
		t.Errorf("expected what helps claims, found %q", text)
	}
	var f Findings
	f.add(refused("a-0", "no team label"), refused("b-0", "no team label"), refused("a-0", "no team label"))
	f.add(refused("c-0", "no limits"), Problem{Text: "storage: none"}, refused("c-0", "no team label"), Problem{Text: "storage: none"})
	set := func(name string) *appsv1.StatefulSet {
		return &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: name}}
	}
	f.add(unmade(set("probe-a"), time.Minute, "create Pod probe-a-0 failed: forbidden", nil), unmade(set("probe-b"), time.Minute, "create Pod probe-b-0 failed: forbidden", nil))
	unscheduled := func(name string) Problem {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/3 nodes are available"}}
		return testProber().timeoutProblem(probes()[0], pod, time.Minute, "", wait.ErrorInterrupted(nil))
	}
	f.add(unscheduled("a-0"), unscheduled("b-0"))
	var found []string
	for _, p := range f.Problems {
		text, _, _ := strings.Cut(strings.ReplaceAll(p.Text, " with "+testProber().imageName(probes()[0]), ""), ", found")
		found = append(found, text)
	}
	want := []string{
		"admission: expected Pod a-0, Pod b-0, Pod c-0 to be admitted", "admission: expected Pod c-0 to be admitted", "storage: none",
		"pods: expected the StatefulSet controller to create pod probe-a-0, pod probe-b-0 within 1m0s", "pods: expected pod a-0, pod b-0 to run within 1m0s",
	}
	if !slices.Equal(found, want) {
		t.Errorf("expected %q, found %q", want, found)
	}
}

// A quota of compute resources that a controller makes seconds after the namespace is seen when the pods are tried again.
func TestQuotaThatComesLate(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Query().Get("dryRun") != "All" || !strings.Contains(string(body), "-again") {
			t.Errorf("expected dry runs under other names alone, found %s of %s (%v)", r.URL, body, err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		status := metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Code: http.StatusForbidden,
			Reason: metav1.StatusReasonForbidden, Message: "pods is forbidden: failed quota: late: must specify limits.cpu",
		}
		_ = json.NewEncoder(w).Encode(status)
	}))
	t.Cleanup(server.Close)
	p, err := newProber(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}, runconfig.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := p.objects(t.Context(), probes()[0], "mine")
	if err != nil {
		t.Fatal(err)
	}
	admitted, problems := p.tryAgain(t.Context(), probes()[0], objects)
	if len(admitted) > 0 || len(problems) != 2 || !strings.Contains(problems[0].Text, "give pods requests and limits with POD_PATCH=") {
		t.Errorf("expected both pods to be refused for the late quota, found %v and %v", admitted, problems)
	}
}

func TestTimeoutProblem(t *testing.T) {
	unscheduled := &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/3 nodes are available: 3 had untolerated taints."},
	}}}
	pulling := &corev1.Pod{Spec: corev1.PodSpec{NodeName: "n1"}, Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{
		{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}},
	}}}
	for name, c := range map[string]struct {
		pod  *corev1.Pod
		err  error
		want string
	}{
		"no node":      {unscheduled, context.DeadlineExceeded, "within 1m0s, found: it is not scheduled: 0/3 nodes are available: 3 had untolerated taints; let a node"},
		"still pulled": {pulling, context.DeadlineExceeded, "on node n1 it waits: ContainerCreating FailedMount: no such disk; if its image"},
		"no kubelet":   {&corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending}}, context.DeadlineExceeded, "found: it is Pending; look at"},
		"watch broken": {pulling, errors.New("stream closed"), "found: stream closed; see whether the API server can be watched"},
	} {
		if got := testProber().timeoutProblem(probes()[0], c.pod, time.Minute, "FailedMount: no such disk", c.err).Text; !strings.Contains(got, c.want) {
			t.Errorf("%s: expected %q, found %q", name, c.want, got)
		}
	}
}

func TestCheckQuotas(t *testing.T) {
	quota := func(name, hard, used string) []corev1.ResourceQuota {
		n := corev1.ResourceName(name)
		return []corev1.ResourceQuota{{
			ObjectMeta: metav1.ObjectMeta{Name: "few", Namespace: "mine"},
			Status: corev1.ResourceQuotaStatus{
				Hard: corev1.ResourceList{n: resource.MustParse(hard)}, Used: corev1.ResourceList{n: resource.MustParse(used)},
			},
		}}
	}
	for _, c := range []struct {
		name   string
		quotas []corev1.ResourceQuota
		want   string
	}{
		{"none", nil, ""},
		{"room", quota("pods", "13", "3"), ""},
		{"little room", quota("pods", "12", "3"), "quota: expected quota few of namespace mine to leave 10 pods, found it leaves 9; raise it"},
		{"overdrawn", quota("count/statefulsets.apps", "0", "2"), "found it leaves -2"},
		{"storage", quota("requests.storage", "100Mi", "0"), "to leave 256Mi requests.storage, found it leaves 100Mi"},
		{"of the class", quota("disk.storageclass.storage.k8s.io/persistentvolumeclaims", "1", "0"), "to leave 5 disk.storageclass"},
		{"of another class", quota("tape.storageclass.storage.k8s.io/persistentvolumeclaims", "1", "0"), ""},
		{"of something else", quota("count/jobs.batch", "0", "0"), ""},
	} {
		problems := checkQuotas(c.quotas, "disk", Needs(nil))
		switch {
		case c.want == "" && len(problems) > 0:
			t.Errorf("%s: expected no problem, found %v", c.name, problems)
		case c.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Text, c.want)):
			t.Errorf("%s: expected %q, found %v", c.name, c.want, problems)
		}
	}
	size := resource.MustParse("1Gi")
	if problems := checkQuotas(quota("requests.storage", "5Gi", "0"), "disk", Needs(&size)); len(problems) != 1 {
		t.Errorf("expected claims of CLAIM_SIZE to need more than 5Gi, found %v", problems)
	}
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}, Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
	}}}}}
	for name, rooms := range map[string][2]string{"requests.cpu": {"1200m", "1100m"}, "cpu": {"1200m", "1100m"}, "limits.memory": {"768Mi", "760Mi"}} {
		if problems := checkQuotas(quota(name, rooms[0], "0"), "disk", Needs(nil, pod)); len(problems) > 0 {
			t.Errorf("%s: expected room for twelve containers, found %v", name, problems)
		}
		if problems := checkQuotas(quota(name, rooms[1], "0"), "disk", Needs(nil, pod)); len(problems) != 1 {
			t.Errorf("%s: expected no room for twelve containers, found %v", name, problems)
		}
	}
}

// A whole run needs answers of DNS; one that was narrowed may not.
func TestProbeNoticesThatDNSDoesNotAnswer(t *testing.T) {
	const timeout, reply = ";; connection timed out; no servers could be reached\n\n", "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\tkubernetes.default.svc.a\nAddress: 10.96.0.1\n\n"
	for name, c := range map[string]struct {
		outputs         []string
		labels          string
		problems, notes int
	}{
		"answered":            {outputs: []string{reply}},
		"answered a bit late": {outputs: []string{timeout, reply}},
		"never, whole run":    {outputs: []string{timeout, timeout}, problems: 1},
		"never, narrowed run": {outputs: []string{timeout, timeout}, labels: "ordering.create", notes: 1},
	} {
		p := testProber()
		p.client, p.settings.Labels = fake.NewClientset(), c.labels
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: dnsClient, Namespace: "sts-probe-1"}}
		problems, notes := p.answers(t.Context(), pod, "a", func(context.Context, ...string) (string, error) {
			out := c.outputs[0]
			c.outputs = c.outputs[1:]
			return out + "-- end of answer --\n", nil
		})
		if len(problems) != c.problems || len(notes) != c.notes || len(c.outputs) > 0 {
			t.Errorf("%s: expected %d problems and %d notes, found %v and %v", name, c.problems, c.notes, problems, notes)
		}
		for _, p := range problems {
			if p.Usage || !strings.Contains(p.Text, "NetworkPolicies that deny egress") {
				t.Errorf("%s: expected the cluster's policies to be named, found %+v", name, p)
			}
		}
	}
}

// Commands run in the container of the manifest, not in one that an admission policy put before it.
func TestCommandsRunInTheContainerOfTheManifest(t *testing.T) {
	containers := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/exec") {
			containers <- r.URL.Query().Get("container")
		}
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	p, err := newProber(&rest.Config{Host: server.URL}, testProber().settings)
	if err != nil {
		t.Fatal(err)
	}
	p.settings.Limits.Command = 10 * time.Second
	objects, err := p.objects(t.Context(), probes()[0], "sts-probe-1")
	if err != nil {
		t.Fatal(err)
	}
	pod := podNamed(objects, dnsClient)
	main := pod.Spec.Containers[0].Name
	pod.Namespace, pod.Spec.Containers = "sts-probe-1", append([]corev1.Container{{Name: "sidecar"}}, pod.Spec.Containers...)
	if _, err := p.exec(t.Context(), pod, "hostname"); err == nil {
		t.Fatal("expected the answer of the server to be an error")
	}
	close(containers)
	if got := <-containers; got != main {
		t.Errorf("expected the command in container %s, found it in %q", main, got)
	}
}
