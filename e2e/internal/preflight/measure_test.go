package preflight

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/util/exec"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// plays returns what plays the controller and the kubelet of the probe's set, unless idle: a second pod is created, bound, started and Ready a second after the step
// before.
func plays(ctx context.Context, client *fake.Clientset, idle bool) clienttesting.ReactionFunc {
	pods, claims, sets := client.CoreV1().Pods("mine"), client.CoreV1().PersistentVolumeClaims("mine"), client.AppsV1().StatefulSets("mine")
	return func(a clienttesting.Action) (bool, runtime.Object, error) {
		set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "probe-set", Namespace: "mine"}}
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "probe-set-1", Namespace: "mine"}}
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "probe-probe-set-1"}, Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound}}
		all := []func(){
			func() { _, _ = pods.Create(ctx, pod, metav1.CreateOptions{}) },
			func() { _, _ = claims.Create(ctx, claim, metav1.CreateOptions{}) },
			func() {
				pod.Status.Phase = corev1.PodRunning
				_, _ = pods.Update(ctx, pod, metav1.UpdateOptions{})
			},
			func() {
				pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
				_, _ = pods.Update(ctx, pod, metav1.UpdateOptions{})
			},
			func() {
				set.Status.ReadyReplicas = 2
				_, _ = sets.Update(ctx, set.DeepCopy(), metav1.UpdateOptions{})
			},
		}
		if !strings.Contains(string(a.(clienttesting.PatchAction).GetPatch()), "2") {
			all = []func(){func() { _ = pods.Delete(ctx, pod.Name, metav1.DeleteOptions{}) }}
		}
		if idle {
			all = nil
		}
		go func() {
			for _, step := range all {
				<-time.NewTimer(time.Second).C
				step()
			}
		}()
		return true, set.DeepCopy(), nil
	}
}

func TestMeasure(t *testing.T) {
	const name = "probe-set-1.probe-set.mine.svc.cluster.local"
	answer := "Server: 10.96.0.10\nAddress: 10.96.0.10:53\n\nName:\t" + name + "\nAddress: 10.244.1.2\n\n-- end of answer --\n"
	none := "Server: 10.96.0.10\nAddress: 10.96.0.10:53\n\n** server can't find " + name + ": NXDOMAIN\n\n-- end of answer --\n"
	all := runconfig.Measured{Created: 1, Bound: 1, Started: 2, Ready: 3, Settled: 1, Resolved: 1, Ended: 1}
	partly := all
	partly.Resolved, partly.Ended = 0, 0
	for what, c := range map[string]struct {
		idle           bool
		write          error
		answer         string
		want           runconfig.Measured
		noted, problem string
	}{
		"all there is":       {answer: answer, want: all},
		"nobody scales":      {idle: true, answer: answer, noted: "it was not seen within the limits (probe, claim-bound) that pod probe-set-1 was created"},
		"a name that is not": {answer: none, want: partly, noted: "its name " + name + ". was not answered"},
		"nobody may write": {
			write:   fmt.Errorf("%w: can't create /probe/written: Permission denied", exec.CodeExitError{Err: errors.New("exit code 1"), Code: 1}),
			problem: `to write to its volume of class "slow", found: exit code 1: can't create /probe/written: Permission denied; name a class with STORAGE_CLASS=`,
		},
		"no command runs":      {write: errors.New("no upgrade of the connection"), noted: "no upgrade of the connection"},
		"a DNS that is silent": {answer: ";; connection timed out; no servers could be reached\n\n-- end of answer --\n", want: partly, noted: "nothing answered for its name"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := testProber()
			p.settings.Limits.ClaimBound, p.settings.Facts.StorageClass = time.Minute, "slow"
			client := fake.NewClientset(&appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "probe-set", Namespace: "mine"}})
			p.client = client
			client.PrependReactor("patch", "statefulsets", plays(t.Context(), client, c.idle))
			run := func(_ context.Context, command ...string) (string, error) {
				switch command[0] {
				case "sh":
					if strings.HasPrefix(command[2], ": > ") {
						return "", c.write
					}
				case "cat":
					return "search mine.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n", nil
				}
				return c.answer, nil
			}
			got, notes, problem := p.measure(t.Context(), "mine", "probe-set", run)
			if got != c.want {
				t.Errorf("%s: expected %+v, found %+v", what, c.want, got)
			}
			if said := strings.Join(notes, "\n"); !strings.Contains(said, c.noted) || (c.noted == "") != (said == "") {
				t.Errorf("%s: expected the note %q, found %q", what, c.noted, said)
			}
			if (problem == nil) != (c.problem == "") || problem != nil && !strings.Contains(problem.Text, c.problem) {
				t.Errorf("%s: expected the problem %q, found %v", what, c.problem, problem)
			}
		})
	}
}
