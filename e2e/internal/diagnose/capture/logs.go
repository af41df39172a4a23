package capture

import (
	"context"
	"io"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/redact"
)

// How much is read of what programs wrote: pods of one set mostly end alike, and what is told is the end of it.
const (
	mostLogs   = 3
	logLines   = 60 // a stack of calls and the words of those who pass an error on
	fewLines   = 10
	logBytes   = 64 << 10
	shownLines = 3
)

// logs fills in the message of containers that have ended without one: the end of what they wrote. The kubelet does the same for those whose
// terminationMessagePolicy is FallbackToLogsOnError, which few templates ask for.
func (r *reader) logs(ctx context.Context) error {
	left := mostLogs
	for i := range r.s.Pods {
		p := &r.s.Pods[i]
		for _, statuses := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
			for at := range statuses {
				ended, previous := silent(&statuses[at])
				if ended == nil || left == 0 {
					continue
				}
				left--
				text, err := r.log(ctx, p, statuses[at].Name, previous, logLines)
				if err != nil {
					return r.note("pods/log", err)
				}
				ended.Message = text
			}
		}
	}
	return r.waited(ctx)
}

// listens reads the beginning of what the containers of the set's first Ready pod wrote, where programs say on which ports they listen. Nothing else of it
// is kept.
func (r *reader) listens(ctx context.Context) error {
	at := slices.IndexFunc(r.s.Pods, func(p corev1.Pod) bool { return metav1.IsControlledBy(&p, r.s.StatefulSet) && ready(&p) })
	if at < 0 {
		return nil
	}
	p := &r.s.Pods[at]
	for _, c := range p.Spec.Containers[:min(len(p.Spec.Containers), mostLogs)] {
		text, err := r.read(ctx, p, &corev1.PodLogOptions{Container: c.Name, LimitBytes: new(int64(logBytes))})
		if err != nil {
			return r.note("pods/log", err)
		}
		lines := strings.Split(text, "\n")
		lines = slices.DeleteFunc(lines, func(line string) bool { return !diagnose.SaysListening(line) })
		if said := strings.Join(lines[:min(len(lines), fewLines)], "\n"); said != "" {
			r.s.Listens = append(r.s.Listens, diagnose.Says{Pod: p.Name, Container: c.Name, Text: redact.Words(said)})
		}
	}
	return nil
}

// waited reads the end of what containers write that have not ended: init containers, and those that are not ready of pods that run.
func (r *reader) waited(ctx context.Context) error {
	left := mostLogs
	for i := range r.s.Pods {
		p := &r.s.Pods[i]
		if !metav1.IsControlledBy(p, r.s.StatefulSet) || p.DeletionTimestamp != nil {
			continue
		}
		for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
			if c.State.Running == nil || c.Ready || left == 0 {
				continue
			}
			left--
			text, err := r.log(ctx, p, c.Name, false, shownLines) // What one that goes on wrote earlier may have passed.
			if err != nil {
				return r.note("pods/log", err)
			}
			if text != "" {
				r.s.Says = append(r.s.Says, diagnose.Says{Pod: p.Name, Container: c.Name, Text: text})
			}
		}
	}
	return nil
}

// silent returns how a container that is not Ready ended last, if it failed by itself and left no message, and whether that was one before the present one.
func silent(c *corev1.ContainerStatus) (ended *corev1.ContainerStateTerminated, previous bool) {
	if ended = c.State.Terminated; ended == nil {
		ended, previous = c.LastTerminationState.Terminated, true
	}
	if ended == nil || c.Ready || ended.Message != "" {
		return nil, false
	}
	// What never started wrote nothing, and what others ended did not write why.
	const succeeded, killed, told = 0, 137, 143
	never := slices.Contains([]string{"StartError", "ContainerCannotRun", "ContainerStatusUnknown"}, ended.Reason)
	if never || slices.Contains([]int32{succeeded, killed, told}, ended.ExitCode) {
		return nil, false
	}
	return ended, previous
}

// log returns what the end of a container's log tells, "" where the node has none any more.
func (r *reader) log(ctx context.Context, p *corev1.Pod, container string, previous bool, lines int) (string, error) {
	text, err := r.read(ctx, p, &corev1.PodLogOptions{
		Container: container, Previous: previous, TailLines: new(int64(lines)), LimitBytes: new(int64(logBytes)),
	})
	return redact.Words(diagnose.LastLines(text, shownLines)), err
}

// read returns what is asked for of a log, "" where the node has none any more.
func (r *reader) read(ctx context.Context, p *corev1.Pod, options *corev1.PodLogOptions) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	stream, err := r.client.CoreV1().Pods(p.Namespace).GetLogs(p.Name, options).Stream(ctx)
	if apierrors.IsBadRequest(err) || apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = stream.Close() }()
	text, err := io.ReadAll(stream)
	// A kubelet that finds a container gone which it still lists answers so in place of its log.
	if strings.HasPrefix(string(text), "unable to retrieve container logs for ") {
		return "", err
	}
	return string(text), err
}
