package framework

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RequireField skips the spec as not applicable when the API server does not keep a field: it is asked with a dry run, never
// concluded from a version. That speaks for the API server's feature gate only; the controller's may differ.
func (ns *Namespace) RequireField(ctx context.Context, field string, set Option, kept func(*appsv1.StatefulSet) bool) {
	GinkgoHelper()
	o := Manifest(ctx, ns, Named("feature-question"), set)
	answer, err := ns.Client.AppsV1().StatefulSets(ns.Name).Create(ctx, o, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	Expect(err).NotTo(HaveOccurred(), "asking the API server whether it keeps %s, with a dry run", field)
	if !kept(answer) {
		Skip(fmt.Sprintf("not applicable: the API server (%s) does not keep %s, so its feature gate is off", ns.Version, field))
	}
}
