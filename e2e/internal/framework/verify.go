package framework

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Headless reports whether the set's service has no cluster IP, as recorded.
func (s *Set) Headless() bool {
	headless := false
	s.NS.View(func(st *history.State) {
		if e := st.Get(history.Services, s.Service); e != nil {
			headless = e.Service.Headless()
		}
	})
	return headless
}

// VerifyHostname asks inside the pod's container and verifies that its hostname is the pod's name.
func (s *Set) VerifyHostname(ctx context.Context, id contract.ID, ordinal int) {
	GinkgoHelper()
	out, err := s.NS.Exec(ctx, s.Pod(ordinal), "hostname")
	if got := strings.TrimSpace(out); err == nil && got != s.Pod(ordinal) {
		err = fmt.Errorf("expected %q, found %q: look for a webhook or a template that sets spec.hostname", s.Pod(ordinal), got)
	}
	s.NS.Verify(id, err, "hostname of %s, asked inside its container", s.Pod(ordinal))
}

// Write puts a line into a file of the pod.
func (s *Set) Write(ctx context.Context, ordinal int, path, line string) {
	GinkgoHelper()
	s.NS.Mark(history.VerbOther, history.Pods, s.Pod(ordinal), "", fmt.Sprintf("write %q to %s of %s", line, path, s.Pod(ordinal)))
	_, err := s.NS.Exec(ctx, s.Pod(ordinal), "sh", "-c", `printf '%s\n' "$1" > "$2" && sync`, "write", line, path)
	Expect(err).NotTo(HaveOccurred(), "the volume of %s must be writable", s.Pod(ordinal))
}

// VerifyReads verifies that a file of the pod holds exactly that line.
func (s *Set) VerifyReads(ctx context.Context, id contract.ID, ordinal int, path, line string) {
	GinkgoHelper()
	out, err := s.NS.Exec(ctx, s.Pod(ordinal), "cat", path)
	if got := strings.TrimSpace(out); err != nil {
		err = fmt.Errorf("expected %q: %w: is the volume the one that it was written to (see spec.volumeName of the claim)?", line, err)
	} else if got != line {
		err = fmt.Errorf("expected %q, found %q: the volume is not the one that it was written to, or another pod has it too (see spec.volumeName of the claim)", line, got)
	}
	s.NS.Verify(id, err, "%s of %s holds its own data", path, s.Pod(ordinal))
}

// VerifyClaimsByLabel asks the API for the claims with the set's selector, as `kubectl get pvc -l` does, and verifies that they
// are exactly those of the ordinals, Bound, each to a volume of its own.
func (s *Set) VerifyClaimsByLabel(ctx context.Context, id contract.ID, template string, ordinals ...int) {
	GinkgoHelper()
	query := labels.SelectorFromSet(s.Selector).String()
	list, err := s.NS.Client.CoreV1().PersistentVolumeClaims(s.NS.Name).List(ctx, metav1.ListOptions{LabelSelector: query})
	Expect(err).NotTo(HaveOccurred())
	var want, got, wrong []string
	for _, n := range ordinals {
		want = append(want, s.Claim(template, n))
	}
	volumes := map[string]string{}
	for _, c := range list.Items {
		got = append(got, c.Name)
		if c.Status.Phase != corev1.ClaimBound {
			wrong = append(wrong, fmt.Sprintf("%s is %s", c.Name, c.Status.Phase))
		}
		if other, taken := volumes[c.Spec.VolumeName]; taken && c.Spec.VolumeName != "" {
			wrong = append(wrong, fmt.Sprintf("%s and %s share the volume %s", other, c.Name, c.Spec.VolumeName))
		}
		volumes[c.Spec.VolumeName] = c.Name
	}
	slices.Sort(want)
	slices.Sort(got)
	switch {
	case !slices.Equal(want, got):
		err = fmt.Errorf("expected %v, found %v", want, got)
	case len(wrong) > 0:
		err = fmt.Errorf("expected each Bound to a volume of its own, found: %s", strings.Join(wrong, "; "))
	}
	s.NS.Verify(id, err, "claims found with the label %s", query)
}

// AwaitNoPods waits until no pod of the set is left.
func (s *Set) AwaitNoPods(ctx context.Context) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	s.NS.Expect(ctx, l.PodGone+l.Collected, "all pods of "+s.Name+" to be gone", func(st *history.State) string {
		if pods := st.PodsOf(s.UID); len(pods) > 0 {
			return "still there: " + names(pods)
		}
		return ""
	})
}

// DeleteService deletes the set's headless service.
func (s *Set) DeleteService(ctx context.Context) {
	GinkgoHelper()
	s.NS.Mark(history.VerbDelete, history.Services, s.Service, "", "delete service "+s.Service)
	Expect(s.NS.Client.CoreV1().Services(s.NS.Name).Delete(ctx, s.Service, metav1.DeleteOptions{})).To(Succeed())
}

// AwaitNothingLeft waits until the namespace holds nothing of the set: no pod, claim, revision, service or set.
func (s *Set) AwaitNothingLeft(ctx context.Context) {
	GinkgoHelper()
	selector := labels.SelectorFromSet(s.Selector)
	s.NS.Expect(ctx, s.NS.Settings.Limits.Collected, "nothing of "+s.Name+" to be left", func(st *history.State) string {
		for _, r := range history.Resources() {
			for _, e := range st.List(r) {
				if e.Name == s.Name || e.Name == s.Service || selector.Matches(labels.Set(e.Labels)) {
					return fmt.Sprintf("%s %s is still there (terminating: %t, finalizers %v)", r, e.Name, e.Terminating(), e.Finalizers)
				}
			}
		}
		return ""
	})
}
