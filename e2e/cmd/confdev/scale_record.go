package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/packaging"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/simulated"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

const (
	// recordedNamespaces is how many namespaces are recorded at once, with the same number of sets each.
	recordedNamespaces = 4
	// podsOfRecorded is how many pods each of the sets has.
	podsOfRecorded = 10
	// recordBegins is what the program says once everything that happens is recorded.
	recordBegins = "it ends with an interrupt"
)

// recordedSets are sets that change while the program records them.
type recordedSets struct {
	client kubernetes.Interface
	sets   int // in each namespace
}

// recorded has the program record so many sets on simulated nodes while they are created, rolled out, lose half of their pods and are deleted, and says what
// that took. A gap in the recording is an error.
func (d *devCluster) recorded(ctx context.Context, sets int, progress io.Writer) (line string, err error) {
	config := rest.CopyConfig(d.up.RESTConfig())
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", err
	}
	s := &recordedSets{client, (sets + recordedNamespaces - 1) / recordedNamespaces}
	dir := filepath.Join(d.options.ReportDir, "recorded")
	if err := os.MkdirAll(dir, reportdir.FolderMode); err != nil {
		return "", err
	}
	if err := packaging.Build(ctx, dir, runtime.GOARCH); err != nil {
		return "", err
	}
	var names []string
	// A cluster that is kept is to be as it was.
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		for _, name := range names {
			err = errors.Join(err, client.CoreV1().Namespaces().Delete(closing, name, metav1.DeleteOptions{}))
		}
	}()
	for n := range recordedNamespaces {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: recordedNamespace(n)}}
		if _, err := client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
			return "", err
		}
		names = append(names, ns.Name)
	}
	program := exec.CommandContext(ctx, filepath.Join(dir, packaging.Command), "record", "--kubeconfig", d.settings.Kubeconfig, "-n", strings.Join(names, ","), "-o", dir)
	program.Cancel = func() error { return program.Process.Signal(os.Interrupt) }
	program.WaitDelay = time.Minute
	stderr, err := program.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := program.Start(); err != nil {
		return "", err
	}
	begun, said := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(said)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(progress, lines.Text())
			if strings.Contains(lines.Text(), recordBegins) {
				close(begun)
			}
		}
	}()
	select {
	case <-begun:
		err = s.change(ctx, progress)
	case <-said:
		err = errors.New("the program that records ended early")
	}
	err = errors.Join(err, ignoreFinished(program.Process.Signal(os.Interrupt)))
	<-said
	if err := errors.Join(err, program.Wait()); err != nil {
		return "", fmt.Errorf("recording: %w", err)
	}
	return recordedLine(dir, s.sets*recordedNamespaces)
}

func recordedNamespace(n int) string { return fmt.Sprintf("recorded-%d", n) }

func ignoreFinished(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// recordedLine says what the recording in a folder took, and returns an error where it is not of so many sets, or not whole.
func recordedLine(dir string, sets int) (string, error) {
	all, err := filepath.Glob(filepath.Join(dir, "*", recording.File))
	if err != nil {
		return "", err
	}
	if len(all) != 1 {
		return "", fmt.Errorf("expected one recording below %s, found %d", dir, len(all))
	}
	dir = filepath.Dir(all[0])
	r, err := recording.Load(dir)
	if err != nil {
		return "", err
	}
	events := 0
	for _, h := range r.Histories {
		events += h.Events
		if len(h.Lacks) > 0 {
			return "", fmt.Errorf("expected a whole recording, found that it lacks %s; see %s", strings.Join(h.Lacks, "; "), dir)
		}
	}
	if len(r.Sets) != sets || r.Cost == nil {
		return "", fmt.Errorf("expected a recording of %d sets and what it took, found %d sets; see %s", sets, len(r.Sets), dir)
	}
	page, err := os.Stat(filepath.Join(dir, report.PageFile))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d sets recorded: %d events in %d histories of %.0f s, %d acts, %d outages; %s; a page of %.1f MB",
		sets, events, len(r.Histories), r.End.Sub(r.Start).Seconds(), len(r.Acts), len(r.Outages), r.Cost, float64(page.Size())/1e6), nil
}

// change takes the sets through all stages, each of which is to end before the next.
func (s *recordedSets) change(ctx context.Context, progress io.Writer) error {
	each := func(act func(namespace, set string) error) func() error {
		return func() error {
			for ns := range recordedNamespaces {
				for n := range s.sets {
					if err := act(recordedNamespace(ns), fmt.Sprintf("set%d", n)); err != nil {
						return err
					}
				}
			}
			return nil
		}
	}
	for _, stage := range []struct {
		name string
		act  func() error
		gone bool // whether no set and no pod is to be left, or else each set to be complete
	}{
		{name: "created", act: each(func(ns, set string) error { return s.create(ctx, ns, set) })},
		{name: "rolled out", act: each(func(ns, set string) error {
			const patch = `{"spec": {"template": {"metadata": {"annotations": {"revision": "2"}}}}}`
			_, err := s.client.AppsV1().StatefulSets(ns).Patch(ctx, set, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
			return err
		})},
		{name: "half of the pods deleted", act: each(func(ns, set string) error {
			for n := 0; n < podsOfRecorded; n += 2 {
				if err := s.client.CoreV1().Pods(ns).Delete(ctx, fmt.Sprintf("%s-%d", set, n), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
					return err
				}
			}
			return nil
		})},
		{name: "deleted", act: each(func(ns, set string) error {
			return s.client.AppsV1().StatefulSets(ns).Delete(ctx, set, metav1.DeleteOptions{})
		}), gone: true},
	} {
		from := time.Now()
		if err := stage.act(); err != nil {
			return fmt.Errorf("sets are to be %s: %w", stage.name, err)
		}
		if err := wait.PollUntilContextCancel(ctx, time.Second, false, func(ctx context.Context) (bool, error) {
			return s.reached(ctx, stage.gone)
		}); err != nil {
			return fmt.Errorf("sets are to be %s: %w", stage.name, err)
		}
		fmt.Fprintf(progress, "scale: %d sets %s in %.0f s\n", s.sets*recordedNamespaces, stage.name, time.Since(from).Seconds())
	}
	return nil
}

// reached reports whether all sets are complete, or none is left and no pod either.
func (s *recordedSets) reached(ctx context.Context, gone bool) (bool, error) {
	for ns := range recordedNamespaces {
		sets, err := s.client.AppsV1().StatefulSets(recordedNamespace(ns)).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		if gone {
			pods, err := s.client.CoreV1().Pods(recordedNamespace(ns)).List(ctx, metav1.ListOptions{Limit: 1})
			if err != nil || len(sets.Items)+len(pods.Items) > 0 {
				return false, err
			}
			continue
		}
		for i := range sets.Items {
			if !complete(&sets.Items[i]) {
				return false, nil
			}
		}
	}
	return true, nil
}

// complete reports whether a set has all of its pods, Ready and of the newest revision.
func complete(s *appsv1.StatefulSet) bool {
	st := s.Status
	return st.ObservedGeneration == s.Generation && st.Replicas == podsOfRecorded && st.ReadyReplicas == podsOfRecorded && st.UpdatedReplicas == podsOfRecorded
}

// create creates a set on simulated nodes.
func (s *recordedSets) create(ctx context.Context, namespace, name string) error {
	labels := map[string]string{"app": name}
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: appsv1.StatefulSetSpec{
			Replicas: new(int32(podsOfRecorded)), PodManagementPolicy: appsv1.ParallelPodManagement, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "simulated"}}},
			},
		},
	}
	if err := (runconfig.Settings{PodPatch: simulated.PodPatch()}).Patch(set); err != nil {
		return err
	}
	_, err := s.client.AppsV1().StatefulSets(namespace).Create(ctx, set, metav1.CreateOptions{})
	return err
}
