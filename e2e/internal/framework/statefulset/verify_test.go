package statefulset

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// testNamespace records a namespace of a fake API server in which nobody does anything but the test, with limits that are short. The test is to run in a
// synctest bubble, whose clock goes on only while all wait: no limit passes because the machine is busy.
func testNamespace(t *testing.T, objects ...runtime.Object) *framework.Namespace {
	t.Helper()
	gomega.RegisterFailHandler(func(message string, _ ...int) { t.Fatal(message) })
	client := fakeServer(objects...)
	r, err := recorder.Start(t.Context(), client, history.Header{Namespace: "sts-1"})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // the fake server's watches tell only of what comes after they were opened
	settings := runconfig.Settings{Run: "r", Images: runconfig.Images{Nginx: "n", Busybox: "b", Etcd: "e"}}
	for _, limit := range reflect.ValueOf(&settings.Limits).Elem().Fields() {
		limit.SetInt(int64(300 * time.Millisecond))
	}
	settings.Limits.RecordingComplete = 10 * time.Second
	return &framework.Namespace{Cluster: &framework.Cluster{Client: client, Settings: settings}, Recorder: r, Name: "sts-1"}
}

// at is the metadata of an object of the test.
func at(name string, owners ...metav1.OwnerReference) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: "sts-1", UID: types.UID(name + "-uid"), Labels: map[string]string{"app": "web"}, OwnerReferences: owners}
}

// runningPod is a pod of the set that is Ready.
func runningPod(name string) *corev1.Pod {
	owner := metav1.OwnerReference{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "web", UID: "web-uid", Controller: new(true)}
	return &corev1.Pod{ObjectMeta: at(name, owner), Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{
		{Type: corev1.ContainersReady, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionTrue},
	}}}
}

// waits are the checks that wait for a controller, each of which waits for something that does not come.
func waits() map[string]func(context.Context, *Set) {
	const id = contract.StorageUnused
	old := recorded("web-0", "web-0-uid")
	return map[string]func(context.Context, *Set){
		"VerifyCreated":         func(ctx context.Context, s *Set) { s.VerifyCreated(ctx, id, 1) },
		"VerifyClaimRecreated":  func(ctx context.Context, s *Set) { s.VerifyClaimRecreated(ctx, id, "data", 1) },
		"VerifyClaimOwners":     func(ctx context.Context, s *Set) { s.VerifyClaimOwners(ctx, id, "data", 0, "StatefulSet/web") },
		"VerifyClaimsGone":      func(ctx context.Context, s *Set) { s.VerifyClaimsGone(ctx, id, "data", 0) },
		"VerifyUnused":          func(ctx context.Context, s *Set) { s.VerifyUnused(ctx, id, "data", 0, corev1.ConditionTrue) },
		"VerifyDeletedWithPods": func(ctx context.Context, s *Set) { s.VerifyDeletedWithPods(ctx, id, []types.UID{"web-0-uid"}) },
		"VerifyOrphaned":        func(ctx context.Context, s *Set) { s.VerifyOrphaned(ctx, id, nil) },
		"VerifyPatchScale":      func(ctx context.Context, s *Set) { s.verifyRescaled(ctx, id, 2, "patch", scaledTo(2), nil) },
		"VerifyReplaced": func(ctx context.Context, s *Set) {
			s.VerifyReplaced(ctx, id, "they are to move", []*history.Event{old}, s.NS.PodGC())
		},
		"VerifyReplaced, for a taint": func(ctx context.Context, s *Set) {
			s.VerifyReplaced(ctx, id, "they are to move", []*history.Event{old}, s.NS.TaintEviction(old))
		},
		"VerifyHealthy": func(ctx context.Context, s *Set) { (&Budget{set: s, name: "budget"}).VerifyHealthy(ctx, id, 1) },
		"VerifyDesired": func(ctx context.Context, s *Set) { (&Budget{set: s, name: "budget"}).VerifyDesired(ctx, id, 1, "why") },
	}
}

func inTrouble() []runtime.Object {
	return []runtime.Object{
		&appsv1.StatefulSet{ObjectMeta: at("web"), Spec: appsv1.StatefulSetSpec{Replicas: new(int32(2))}},
		runningPod("web-0"), &corev1.PersistentVolumeClaim{ObjectMeta: at("data-web-0")}, &policyv1.PodDisruptionBudget{ObjectMeta: at("budget")},
	}
}

// checked returns what a check in trouble came to.
func checked(t *testing.T, check func(context.Context, *Set), controllers ...func(context.Context, *framework.Namespace)) (history.Outcome, string) {
	t.Helper()
	ns := testNamespace(t, inTrouble()...)
	for _, c := range controllers {
		c(t.Context(), ns)
	}
	check(t.Context(), &Set{NS: ns, Name: "web", Service: "web", UID: "web-uid", Selector: map[string]string{"app": "web"}})
	all := ns.History().Checks
	if len(all) == 0 {
		t.Fatal("expected a check, found none")
	}
	if all[0].Set != "web" {
		t.Errorf("expected a check of the set web, found one of %q", all[0].Set)
	}
	return all[0].Outcome, all[0].Text
}

// Where all controllers are away nothing comes, and no guarantee is broken by that.
func TestWaitsAccuseNoControllerThatIsAway(t *testing.T) {
	for name, check := range waits() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if outcome, text := checked(t, check); outcome != history.Inconclusive || !strings.Contains(text, "nothing shows that ") {
					t.Errorf("expected it inconclusive, found %s: %s", outcome, text)
				}
			})
		})
	}
}

// A controller that does what nobody has asked of it before, and not what is due, breaks the guarantee. What another does shows nothing of it.
func TestWaitsAccuseTheControllerThatIsAtWork(t *testing.T) {
	all := waits()
	for name, c := range map[string]struct {
		check   string
		at      []func(context.Context, *framework.Namespace)
		accuses string // "" for nobody
	}{
		"claims are collected, a set is not":         {"VerifyOrphaned", acting(collects), "nothing but the garbage collector was left"},
		"pods of sets are made, a set is not gone":   {"VerifyOrphaned", acting(makesPods), ""},
		"claims go, one is not marked":               {"VerifyUnused", acting(protects), "nothing but the controller that protects claims"},
		"other claims are collected alone":           {"VerifyUnused", acting(makesPods), ""},
		"pods of other sets are made, one is not":    {"VerifyCreated", acting(makesPods), "nothing but the StatefulSet controller"},
		"claims are collected, a pod is not made":    {"VerifyCreated", acting(collects), ""},
		"an owner is not written":                    {"VerifyClaimOwners", acting(makesPods), "nothing but the StatefulSet controller"},
		"a claim is not made":                        {"VerifyClaimRecreated", acting(makesPods), "nothing but the StatefulSet controller"},
		"all but the collector are at work":          {"VerifyClaimsGone", acting(makesPods), ""},
		"all are at work, a claim stays":             {"VerifyClaimsGone", acting(makesPods, collects, protects), "the StatefulSet controller or the garbage collector or the controller that"},
		"another budget is counted":                  {"VerifyDesired", acting(counts), "nothing but the disruption controller"},
		"a budget is counted by nobody":              {"VerifyDesired", acting(makesPods, collects), ""},
		"the set's pods are not made":                {"VerifyPatchScale", acting(makesPods), "nothing but the StatefulSet controller"},
		"another pod without a node is marked":       {"VerifyReplaced", acting(marks), "nothing but the pod garbage collector"},
		"the eviction of a pod has been announced":   {"VerifyReplaced, for a taint", acting(announces("Marking for deletion Pod sts-1/web-0")), "for taints"},
		"the eviction of a pod has been called off":  {"VerifyReplaced, for a taint", acting(announces("Cancelling deletion of Pod sts-1/web-0")), ""},
		"the eviction of a pod by the pod collector": {"VerifyReplaced, for a taint", acting(marks), ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				outcome, text := checked(t, all[c.check], c.at...)
				if accused := outcome == history.Failed; accused != (c.accuses != "") || !strings.Contains(text, c.accuses) {
					t.Errorf("expected an accusation with %q, found %s: %s", c.accuses, outcome, text)
				}
			})
		})
	}
}

// A limit is that of one step: pods that come and go one after another, each in time, are in time.
func TestWaitsForPodsAreOfSteps(t *testing.T) {
	const step, id = 600 * time.Millisecond, contract.StorageUnused
	for name, c := range map[string]struct {
		check func(context.Context, *Set)
		steps func(pods)
	}{
		"a scale up": {func(ctx context.Context, s *Set) { s.verifyRescaled(ctx, id, 5, "patch", scaledTo(5), nil) }, func(p pods) {
			p.counted(5)
			for _, name := range []string{"web-1", "web-2", "web-3", "web-4"} {
				<-time.After(step)
				p.create(name)
			}
		}},
		"a move": {func(ctx context.Context, s *Set) {
			s.VerifyReplaced(ctx, id, "they are to move", []*history.Event{recorded("web-0", "web-0-uid"), recorded("web-1", "old")})
		}, func(p pods) {
			<-time.After(step)
			p.remove("web-0")
			for _, name := range []string{"web-1", "web-0"} {
				<-time.After(step)
				p.create(name)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				outcome, text := checked(t, c.check, func(_ context.Context, ns *framework.Namespace) {
					ns.Settings.Limits.PodReady, ns.Settings.Limits.PodsTaken = 5*step/2, 5*step/2
					go c.steps(pods{ns.Client.(*fake.Clientset)})
				})
				if outcome != history.Passed {
					t.Errorf("expected it to pass, found %s: %s", outcome, text)
				}
			})
		})
	}
}
