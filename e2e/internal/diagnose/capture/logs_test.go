package capture_test

import (
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose/capture"
)

// ended is a pod whose container ended before, and waits to be started again.
func ended(t corev1.ContainerStateTerminated) corev1.PodList {
	c := corev1.ContainerStatus{
		Name: "db", RestartCount: 4, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: &t},
	}
	return corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: []corev1.Pod{{
		ObjectMeta: metav1.ObjectMeta{Name: "web-0", Namespace: "ns"}, Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{c}},
	}}}
}

func TestLogs(t *testing.T) {
	const written = "starting\nloading\n\nconnecting to postgres://app:hunter2@db:5432\nexec format error\n\n"
	failed := corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}
	said, killed, finished, never := failed, failed, failed, failed
	said.Message, killed.ExitCode, finished.ExitCode, never.Reason = "its own words", 137, 0, "StartError"
	for name, c := range map[string]struct {
		last corev1.ContainerStateTerminated
		log  any
		want string
	}{
		"failed":                  {failed, written, "loading\nconnecting to postgres://(not saved)@db:5432\nexec format error"},
		"says why":                {said, written, "its own words"},
		"killed":                  {killed, written, ""},
		"finished":                {finished, written, ""},
		"never started":           {never, written, ""},
		"the log is gone":         {failed, "", ""},
		"the kubelet lacks it":    {failed, "unable to retrieve container logs for containerd://b43ff6", ""},
		"an error, then a stack":  {failed, "starting\nCaused by: java.io.IOException: no quorum\n" + strings.Repeat("\tat kafka.Server.start(Server.scala:9)\n", 20) + "shutting down\nbye", "Caused by: java.io.IOException: no quorum\nshutting down\nbye"},
		"the log may not be read": {failed, nil, ""},
	} {
		answers := map[string]any{setPath: set(), "/api/v1/namespaces/ns/pods": ended(c.last)}
		if c.log != nil {
			answers["/api/v1/namespaces/ns/pods/web-0/log"] = func(r *http.Request) any {
				if q := r.URL.Query(); q.Get("previous") != "true" || q.Get("container") != "db" || q.Get("tailLines") == "" {
					t.Errorf("%s: expected the end of the log of the container before, found %s", name, r.URL)
				}
				return c.log
			}
		}
		s, err := capture.State(t.Context(), server(t, answers), "ns", "web", patience)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Pods[0].Status.ContainerStatuses[0].LastTerminationState.Terminated.Message; got != c.want {
			t.Errorf("%s: expected the message %q, found %q", name, c.want, got)
		}
		unread := false
		for _, u := range s.Unread {
			unread = unread || u.What == "pods/log" && strings.Contains(u.Why, "not for you")
		}
		if unread != (c.log == nil) {
			t.Errorf("%s: expected a log that may not be read to be noted, and no other, found %v", name, s.Unread)
		}
	}
}
