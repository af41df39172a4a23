package preflight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/e2e-framework/klient/k8s"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/ready"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// The pods of specs are created by the StatefulSet controller, under its account and the pods' own: what those may have is not what the account of the run
// may have. SecurityContextConstraints of OpenShift are one example.

// mayPass is how long refusals of the API server may last that pass by themselves, such as those of a webhook that is just being started.
const mayPass = 5 * time.Second

// makePod creates the probe's service and set, and returns the pod that the controller makes of it, or why it makes none.
func (p *prober) makePod(ctx context.Context, pp podProbe, objects []k8s.Object, within time.Duration) (*corev1.Pod, *Problem) {
	service, set := setOf(objects)
	if !pp.claim {
		set.Spec.Template.Spec.TerminationGracePeriodSeconds = new(int64)
	} else {
		claim := p.claim("")
		p.label(pp, claim)
		set.Spec.VolumeClaimTemplates = []corev1.PersistentVolumeClaim{*claim}
		c := &set.Spec.Template.Spec.Containers[fixtures.MainOf(set.Spec.Template.Spec.Containers, containerName)]
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: probeClaim, MountPath: probeMount})
	}
	p.label(pp, service)
	p.label(pp, set)
	p.label(pp, &set.Spec.Template)
	if _, err := p.client.CoreV1().Services(service.Namespace).Create(ctx, service, metav1.CreateOptions{}); err != nil {
		problem := admissionProblem(pp.standard, service, err)
		return nil, &problem
	}
	set, err := p.client.AppsV1().StatefulSets(set.Namespace).Create(ctx, set, metav1.CreateOptions{})
	if err != nil {
		problem := admissionProblem(pp.standard, set, err)
		return nil, &problem
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var made *corev1.Pod
	var refused time.Time
	warning := ""
	err = ready.Until(ctx, time.Second/2, func(ctx context.Context) error {
		list, err := p.client.CoreV1().Pods(set.Namespace).List(ctx, metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(set.Spec.Selector)})
		if err != nil {
			return err
		}
		for i := range list.Items {
			if made = &list.Items[i]; made.Name == set.Name+"-0" && metav1.IsControlledBy(made, set) {
				return nil
			}
		}
		made = nil
		if warning = p.lastWarning(ctx, "StatefulSet", set); warning != "" && refused.IsZero() {
			refused = time.Now()
		}
		if warning != "" && time.Since(refused) > mayPass {
			cancel()
		}
		return errors.New("there is no such pod")
	})
	if err == nil {
		return made, nil
	}
	problem := unmade(set, within, warning, err)
	return nil, &problem
}

// unmade says why the controller made no pod; warning is the newest of the set's events.
func unmade(set *appsv1.StatefulSet, within time.Duration, warning string, err error) Problem {
	pod := "pod " + set.Name + "-0"
	text := fmt.Sprintf("pods: expected the StatefulSet controller to create %s within %v, found ", pod, within)
	switch {
	case hasAny(strings.ToLower(warning), "create claim", "create pvc"):
		text += fmt.Sprintf("%s; let the controller create such claims in the suite's namespaces (quotas, policies), or ask for others with CLAIM_SIZE= or STORAGE_CLASS=", warning)
	case warning != "":
		text += fmt.Sprintf("%s; the API server admits the same pod from the account of this run: let the service account %q of the suite's namespaces have such pods "+
			"(OpenShift: oc adm policy add-scc-to-group anyuid system:serviceaccounts:NAMESPACE), or give pods what is wanted of them with POD_PATCH=",
			warning, cmp.Or(set.Spec.Template.Spec.ServiceAccountName, "default"))
	case wait.Interrupted(err):
		text += "none, and no event says why; see whether kube-controller-manager runs"
	default:
		text += err.Error() + "; see whether the API server answers"
	}
	return Problem{Text: oneLine(text), object: pod, cause: strings.ReplaceAll(warning, set.Name, "")}
}

// setOf returns the service and the set among a probe's objects, with one pod, without the fixture's own volumes and mounts of claims. They have names of
// their own, since other probes try the same objects in the same namespace of NAMESPACES.
func setOf(objects []k8s.Object) (*corev1.Service, *appsv1.StatefulSet) {
	var service *corev1.Service
	var set *appsv1.StatefulSet
	for _, o := range objects {
		switch o := o.(type) {
		case *corev1.Service:
			service = o.DeepCopy()
		case *appsv1.StatefulSet:
			set = o.DeepCopy()
		}
	}
	set.Spec.Template.Spec = firstPod(set).Spec
	set.Spec.VolumeClaimTemplates, set.Spec.Replicas = nil, new(int32(1))
	set.Name = "probe-" + set.Name
	service.Name, set.Spec.ServiceName = set.Name, set.Name
	return service, set
}
