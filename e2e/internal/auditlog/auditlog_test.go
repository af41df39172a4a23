package auditlog_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/auditlog"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func begin() time.Time { return time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC) }

// request is one line of a log, but for what most have in common.
type request struct {
	after             time.Duration
	user, agent, as   string
	verb, path, name  string // path is the resource, with its group and subresource: apps/statefulsets/scale
	answer            any
	code              int
	stage, uri, reqst string
}

// lines writes requests as an API server does.
func lines(all ...request) string {
	var out strings.Builder
	for i, r := range all {
		group, rest, grouped := strings.Cut(r.path, ":")
		if !grouped {
			group, rest = "", r.path
		}
		resource, sub, _ := strings.Cut(rest, "/")
		ref := map[string]any{"resource": resource, "apiGroup": group, "subresource": sub, "name": r.name, "namespace": "shop"}
		if resource == "nodes" {
			ref["namespace"] = ""
		}
		line := map[string]any{
			"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "auditID": fmt.Sprint("id-", i), "stage": "ResponseComplete", "verb": r.verb,
			"requestURI": "/api" + r.uri, "user": map[string]any{"username": r.user}, "userAgent": r.agent, "objectRef": ref,
			"responseStatus": map[string]any{"code": max(r.code, 200)}, "stageTimestamp": begin().Add(r.after).Format("2006-01-02T15:04:05.000000Z07:00"),
		}
		if r.stage != "" {
			line["stage"] = r.stage
		}
		if r.as != "" {
			line["impersonatedUser"] = map[string]any{"username": r.as}
		}
		if r.reqst != "" {
			line["requestObject"] = json.RawMessage(r.reqst)
		}
		if r.answer != nil {
			line["responseObject"] = r.answer
		}
		data, err := json.Marshal(line)
		if err != nil {
			panic(err)
		}
		out.Write(append(data, '\n'))
	}
	return out.String()
}

func meta(name, rv string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: "shop", UID: types.UID("uid-" + name), ResourceVersion: rv}
}

func web(rv string, generation int64, replicas int32) *appsv1.StatefulSet {
	s := &appsv1.StatefulSet{TypeMeta: metav1.TypeMeta{Kind: "StatefulSet", APIVersion: "apps/v1"}, ObjectMeta: meta("web", rv)}
	s.Generation, s.Spec.Replicas = generation, &replicas
	return s
}

func pod(name, rv string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{TypeMeta: metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"}, ObjectMeta: meta(name, rv)}
	p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "web", UID: "uid-web", Controller: new(true)}}
	p.Spec.NodeName, p.Spec.TerminationGracePeriodSeconds = "n1", new(int64(30))
	p.Status = corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
	for _, f := range change {
		f(p)
	}
	return p
}

// terminating makes a pod one that is being deleted with that grace period.
func terminating(grace int64) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = new(metav1.NewTime(begin())), &grace
	}
}

func uid(u string) func(*corev1.Pod) { return func(p *corev1.Pod) { p.UID = types.UID(u) } }

// success is the answer to a request that shows no object.
func success(uid string) any {
	return map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Success", "details": map[string]any{"uid": uid}}
}

const (
	kubelet = "system:node:n1"
	sets    = "system:serviceaccount:kube-system:statefulset-controller"
)

// read returns what a log says of namespace shop, an event a line.
func read(t *testing.T, text string) (h *history.History, told []string) {
	t.Helper()
	g := auditlog.New(func(namespace string) bool { return namespace == "shop" })
	if err := g.Read(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	h = g.History("shop")
	for _, e := range h.Events {
		line := fmt.Sprintf("%v %s %s", e.At, e.Change, e.Name)
		if e.Set != nil {
			line += fmt.Sprintf(" %d", e.Set.Replicas)
		}
		if e.Terminating() && !e.Gone() {
			line += " terminating"
		}
		if e.By != "" {
			line += " by " + e.By
		}
		told = append(told, line)
	}
	var file bytes.Buffer
	if err := h.Write(&file); err != nil {
		t.Fatal(err)
	}
	if _, err := history.Read(&file); err != nil {
		t.Errorf("expected a history that can be read again: %v", err)
	}
	return h, told
}

// TestWritesBecomeEvents: each version that a request left behind is one, in the order of versions, with who sent it.
func TestWritesBecomeEvents(t *testing.T) {
	known := request{user: sets, verb: "update", path: "apps:statefulsets/status", name: "web", answer: web("10", 1, 3)}
	up := request{after: time.Second, user: kubelet, verb: "patch", path: "pods/status", name: "web-0", answer: pod("web-0", "11")}
	for name, tt := range map[string]struct {
		log  []request
		want []string
	}{
		"a set that was there": {[]request{{after: time.Second, user: "a", verb: "get", path: "apps:statefulsets", name: "web"}, {
			after: 2 * time.Second, user: sets, verb: "update", path: "apps:statefulsets/status", name: "web", answer: web("10", 1, 3),
		}}, []string{"0s listed web 3", "1s modified web 3 by StatefulSet controller"}},
		"made, scaled and deleted": {[]request{
			{user: "alice", agent: "kubectl/v1.37 (linux)", verb: "create", path: "apps:statefulsets", answer: web("10", 1, 3)},
			{after: time.Second, user: "system:serviceaccount:ops:scaler", agent: "keda/2", verb: "patch", path: "apps:statefulsets/scale", name: "web", answer: &autoscalingv1.Scale{
				TypeMeta: metav1.TypeMeta{Kind: "Scale"}, ObjectMeta: meta("web", "11"), Spec: autoscalingv1.ScaleSpec{Replicas: 5},
			}},
			{after: 2 * time.Second, user: "root", as: "bob", agent: "argocd/3", verb: "delete", path: "apps:statefulsets", name: "web", answer: success("uid-web")},
		}, []string{
			"0s added web 3 by alice (kubectl)", "1s modified web 5 by service account ops/scaler (keda)", "2s deleted web 5 by bob (argocd), impersonated by root",
		}},
		"a pod that a person deletes": {[]request{
			known, up,
			{after: 2 * time.Second, user: "alice", agent: "kubectl/v1", verb: "delete", path: "pods", name: "web-0", answer: pod("web-0", "12", terminating(30))},
			{after: 3 * time.Second, user: kubelet, verb: "patch", path: "pods/status", name: "web-0", answer: pod("web-0", "13", terminating(30))},
			{after: 4 * time.Second, user: kubelet, verb: "delete", path: "pods", name: "web-0", answer: pod("web-0", "13", terminating(0))},
			{after: 5 * time.Second, user: sets, verb: "create", path: "pods", answer: pod("web-0", "15", uid("next"))},
		}, []string{
			"0s listed web 3", "0s modified web 3 by StatefulSet controller", "1s listed web-0 by kubelet of node n1", "2s modified web-0 terminating by alice (kubectl)",
			"3s modified web-0 terminating by kubelet of node n1", "4s deleted web-0", "5s added web-0 by StatefulSet controller",
		}},
		"an eviction, which no version shows before the kubelet's": {[]request{
			up,
			{after: 2 * time.Second, user: "carol", agent: "kubectl/v1", verb: "create", path: "pods/eviction", name: "web-0", answer: success("")},
			{after: 3 * time.Second, user: kubelet, verb: "patch", path: "pods/status", name: "web-0", answer: pod("web-0", "13", terminating(30))},
		}, []string{"0s listed web-0 by kubelet of node n1", "1s modified web-0 terminating by carol (kubectl), by eviction", "2s modified web-0 terminating by kubelet of node n1"}},
		"an eviction of a pod that the log does not know": {[]request{
			{user: "carol", agent: "kubectl/v1", verb: "create", path: "pods/eviction", name: "web-0", answer: success("")},
			{after: time.Second, user: kubelet, verb: "patch", path: "pods/status", name: "web-0", answer: pod("web-0", "13", terminating(30))},
		}, []string{"1s listed web-0 terminating by carol (kubectl), by eviction"}},
		"scaled before all else": {[]request{
			{user: "alice", agent: "kubectl/v1.37 (linux)", verb: "patch", path: "apps:statefulsets/scale", name: "web", answer: &autoscalingv1.Scale{
				TypeMeta: metav1.TypeMeta{Kind: "Scale"}, ObjectMeta: meta("web", "11"), Spec: autoscalingv1.ScaleSpec{Replicas: 5}, Status: autoscalingv1.ScaleStatus{Replicas: 3},
			}},
			{after: time.Second, user: sets, verb: "update", path: "apps:statefulsets/status", name: "web", answer: web("12", 2, 5)},
		}, []string{"0s listed web 3", "0s modified web 5 by alice (kubectl)", "1s modified web 5 by StatefulSet controller"}},
		"a deletion that only a kubelet's status shows": {[]request{
			up,
			{after: 3 * time.Second, user: kubelet, verb: "patch", path: "pods/status", name: "web-0", answer: pod("web-0", "13", terminating(30))},
		}, []string{"0s listed web-0 by kubelet of node n1", "2s modified web-0 terminating"}},
		"lines in another order than the versions": {[]request{
			{after: 3 * time.Second, user: "second", verb: "patch", path: "pods", name: "web-0", answer: pod("web-0", "9")},
			{after: 2 * time.Second, user: "third", verb: "patch", path: "pods", name: "web-0", answer: pod("web-0", "10")},
			{after: time.Second, user: "first", verb: "patch", path: "pods", name: "web-0", answer: pod("web-0", "8")},
		}, []string{"0s modified web-0 by first", "2s modified web-0 by second", "2s modified web-0 by third"}},
		"what changed nothing": {[]request{
			up,
			{user: "a", verb: "delete", path: "pods", name: "web-0", code: 403, answer: success("")},
			{user: "a", verb: "delete", path: "pods", name: "web-0", uri: "/x?dryRun=All", answer: pod("web-0", "11", terminating(30))},
			{user: "a", verb: "delete", path: "pods", name: "web-0", reqst: `{"dryRun":["All"]}`, answer: pod("web-0", "11", terminating(30))},
			{user: "a", verb: "create", path: "pods/eviction", name: "web-0", reqst: `{"deleteOptions":{"dryRun":["All"]}}`, answer: success("")},
			{user: "a", verb: "delete", path: "pods", name: "web-0", stage: "RequestReceived"},
			{user: "a", verb: "create", path: "pods/exec", name: "web-0"},
			{user: "a", verb: "create", path: "configmaps", name: "web-0", answer: map[string]any{"kind": "ConfigMap"}},
		}, []string{"1s listed web-0 by kubelet of node n1"}},
		"a pod that is not scheduled goes at once": {[]request{
			{user: sets, verb: "create", path: "pods", answer: pod("web-0", "11", func(p *corev1.Pod) { p.Spec.NodeName = "" })},
			{after: time.Second, user: "alice", verb: "create", path: "pods/eviction", name: "web-0", answer: success("")},
		}, []string{"0s added web-0 by StatefulSet controller", "1s deleted web-0 by alice, by eviction"}},
		"all pods at once": {[]request{
			up,
			{after: 2 * time.Second, user: "alice", verb: "deletecollection", path: "pods", answer: map[string]any{"kind": "PodList", "items": []any{pod("web-0", "11")}}},
		}, []string{"0s listed web-0 by kubelet of node n1", "1s modified web-0 terminating by alice, of all that some labels select"}},
		"controllers with one account": {[]request{{
			user: "system:kube-controller-manager", agent: "kube-controller-manager/v1 (linux) kubernetes/1/system:serviceaccount:kube-system:generic-garbage-collector", verb: "delete", path: "pods",
			name: "web-0", answer: pod("web-0", "12", terminating(30)),
		}}, []string{"0s modified web-0 terminating by garbage collector"}},
		"a claim that waits for its pod": {[]request{
			{user: "alice", verb: "delete", path: "persistentvolumeclaims", name: "data", answer: claim("5", "kubernetes.io/pvc-protection")},
			{after: time.Second, user: "system:serviceaccount:kube-system:pvc-protection-controller", verb: "update", path: "persistentvolumeclaims", name: "data", answer: claim("6")},
		}, []string{"0s modified data terminating by alice", "1s deleted data by pvc-protection-controller"}},
	} {
		if _, told := read(t, lines(tt.log...)); strings.Join(told, "\n") != strings.Join(tt.want, "\n") {
			t.Errorf("%s: expected\n%s\nfound\n%s", name, strings.Join(tt.want, "\n"), strings.Join(told, "\n"))
		}
	}
}

// claim is one whose deletion was asked for.
func claim(rv string, finalizers ...string) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{TypeMeta: metav1.TypeMeta{Kind: "PersistentVolumeClaim", APIVersion: "v1"}, ObjectMeta: meta("data", rv)}
	c.DeletionTimestamp, c.DeletionGracePeriodSeconds, c.Finalizers = new(metav1.NewTime(begin())), new(int64(0)), finalizers
	return c
}

// TestNodesOfALog: a node is in the history of each namespace, and its heartbeats are not.
func TestNodesOfALog(t *testing.T) {
	node := func(cordoned bool) *corev1.Node {
		n := &corev1.Node{TypeMeta: metav1.TypeMeta{Kind: "Node", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: "n1", UID: "n1", ResourceVersion: "5"}}
		n.Spec.Unschedulable = cordoned
		return n
	}
	_, told := read(t, lines(
		request{user: kubelet, verb: "patch", path: "nodes/status", name: "n1", answer: node(false)},
		request{after: time.Second, user: kubelet, verb: "patch", path: "nodes/status", name: "n1", answer: node(false)},
		request{after: 2 * time.Second, user: "alice", verb: "patch", path: "nodes", name: "n1", answer: node(true)},
	))
	if want := "0s listed n1 by kubelet of node n1\n2s modified n1 by alice"; strings.Join(told, "\n") != want {
		t.Errorf("expected\n%s\nfound\n%s", want, strings.Join(told, "\n"))
	}
}

// TestWhatALogLacksIsAGap: writes without objects, pods that nobody is known to have deleted, and statuses that no kubelet wrote.
func TestWhatALogLacksIsAGap(t *testing.T) {
	h, told := read(t, lines(
		request{user: sets, verb: "create", path: "pods", answer: pod("web-0", "11")},
		request{after: time.Second, user: sets, verb: "create", path: "pods", answer: pod("web-0", "15", uid("next"))},
		request{after: 2 * time.Second, user: "a", verb: "patch", path: "persistentvolumeclaims", name: "c"},
	))
	if want := "0s added web-0 by StatefulSet controller\n1s missing web-0\n1s added web-0 by StatefulSet controller"; strings.Join(told, "\n") != want {
		t.Errorf("expected\n%s\nfound\n%s", want, strings.Join(told, "\n"))
	}
	var gaps strings.Builder
	for _, g := range h.Gaps {
		fmt.Fprintf(&gaps, "%s %v %v: %s\n", g.Resource, g.From, g.To, g.Reason)
	}
	for _, want := range []string{
		"pods 0s 1s: the log has no deletion of web-0", "persistentvolumeclaims 0s 2s: 1 writes of persistentvolumeclaims have no objects", "pods 0s 2s: no kubelet's status",
	} {
		if !strings.Contains(gaps.String(), want) {
			t.Errorf("expected %q in\n%s", want, gaps.String())
		}
	}
	if h.End.Complete || !h.Header.AuditLog || !h.Header.Unstimulated {
		t.Errorf("expected a history by which nothing can be judged, found %+v and %+v", h.Header, h.End)
	}
}

// TestLogsThatTellNothing: the error says in one line what it takes.
func TestLogsThatTellNothing(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"level Metadata":  {lines(request{user: "a", verb: "delete", path: "pods", name: "web-0"}), "no objects, as at level Metadata; it takes an audit policy with level RequestResponse"},
		"nothing of sets": {lines(request{user: "a", verb: "create", path: "configmaps"}), "no write of pods or StatefulSets"},
		"empty":           {"\n", "no line of an audit log"},
		"no JSON":         {lines() + "I1102 klog\n", "line 1: expected a line of an audit log"},
		"another JSON":    {"\n" + `{"kind":"Pod","apiVersion":"v1"}`, `line 2: expected a line of an audit log (kind Event of audit.k8s.io/v1), found kind "Pod"`},
		"no object":       {lines(request{user: "a", verb: "patch", path: "pods", name: "web-0", answer: map[string]any{"kind": "Table"}}), "no object of pods"},
		"a long line":     {strings.Repeat("x", 17<<20), "token too long"},
	} {
		g := auditlog.New(func(string) bool { return true })
		err := g.Read(strings.NewReader(tt.text))
		if err == nil {
			err = g.Check()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: expected one line with %q, found %v", name, tt.want, err)
		}
	}
}

// TestFilesThatOverlap: a line that is in two files counts once, and a file may be compressed.
func TestFilesThatOverlap(t *testing.T) {
	text := lines(request{user: "a", verb: "create", path: "apps:statefulsets", answer: web("10", 1, 3)}, request{user: "a", verb: "patch", path: "pods", name: "web-0", answer: pod("web-0", "11")})
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, err := zip.Write([]byte(text))
	if err = errorsOf(err, zip.Close()); err != nil {
		t.Fatal(err)
	}
	g := auditlog.New(func(string) bool { return true })
	if err := errorsOf(g.Read(strings.NewReader(text)), g.Read(&zipped), g.Check()); err != nil {
		t.Fatal(err)
	}
	if names := g.Namespaces(); len(names) != 1 || len(g.History(names[0]).Events) != 2 {
		t.Errorf("expected two events in a namespace, found %v and %+v", names, g.History("shop").Events)
	}
}

func errorsOf(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}
