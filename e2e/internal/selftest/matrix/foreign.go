package matrix

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// foreign returns clusters with the policies, nodes and storage of others. What one of them asks of pods and claims is a variant with the settings that say
// so, and one without them, which the first checks must refuse with a line that names the cure.
func foreign() []Variant {
	variants := []struct {
		name, summary string
		prepare       func(context.Context, kubernetes.Interface) error
		settings      func(*runconfig.Settings)
		refused       string
	}{
		{
			"assigned-users", "pods get a user of their namespace's range, and may name no other, as on OpenShift", policies("assigned-users.yaml"),
			podPatch(map[string]any{"spec": map[string]any{"securityContext": map[string]any{"runAsUser": nil, "runAsGroup": nil, "fsGroup": nil}}}), "runAsUser",
		},
		{
			"required-fields", "policies want requests, limits and a label of pods and sets, and images of one registry, as with Kyverno", policies("required-fields.yaml"),
			podPatch(requiredFields()), "required",
		},
		{"large-claims", "claims below 1Gi are refused", policies("large-claims.yaml"), func(s *runconfig.Settings) { s.ClaimSize = new(resource.MustParse("1Gi")) }, "CLAIM_SIZE"},
		{
			"tainted", "all workers have a taint that pods must tolerate", taintWorkers,
			podPatch(map[string]any{"spec": map[string]any{"tolerations": []any{map[string]any{"key": dedicated, "operator": "Exists"}}}}), "TOLERATIONS=",
		},
	}
	out := []Variant{
		{Name: "two-defaults", Summary: "two StorageClasses are marked as the default", prepare: addSecondDefault},
		{Name: "slow-storage", Summary: "a volume takes 40 s to be made", prepare: slowStorage},
		{Name: "late-nodes", Summary: "nodes take pods only 30 s after the first that fits nowhere, as where nodes are made on demand", prepare: lateNodes},
	}
	for _, v := range variants {
		out = append(out,
			Variant{Name: v.name, Summary: v.summary + "; the settings say so", prepare: v.prepare, Settings: v.settings},
			Variant{Name: v.name + "-refused", Summary: v.summary + "; no setting says so", prepare: v.prepare, Refused: v.refused})
	}
	return out
}

// podPatch returns what sets the patch of pods.
func podPatch(patch map[string]any) func(*runconfig.Settings) {
	return func(s *runconfig.Settings) { s.PodPatch = patch }
}

// requiredFields is what the policies of required-fields.yaml want of pods.
func requiredFields() map[string]any {
	var containers []any
	for _, name := range []string{"main", "nginx"} {
		containers = append(containers, map[string]any{"name": name, "resources": map[string]any{
			"requests": map[string]any{"cpu": "5m", "memory": "16Mi"}, "limits": map[string]any{"memory": "64Mi"},
		}})
	}
	return map[string]any{"metadata": map[string]any{"labels": map[string]any{"team": "data"}}, "spec": map[string]any{"containers": containers}}
}

// policiesSeen is ample for the API server's watch of its own policies.
const policiesSeen = 3 * time.Second

// policies returns what has the API server enforce the admission policies of a file.
func policies(file string) func(context.Context, kubernetes.Interface) error {
	return func(ctx context.Context, client kubernetes.Interface) error {
		if err := createPolicies(ctx, client, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		return pause(ctx, policiesSeen)
	}
}

// createPolicies creates the admission policies and bindings of a file.
func createPolicies(ctx context.Context, client kubernetes.Interface, file string) error {
	for reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(read(file)))); ; {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := createPolicy(ctx, client, text); err != nil {
			return err
		}
	}
}

// createPolicy creates an admission policy, or the binding of one. A field that the API does not know is an error.
func createPolicy(ctx context.Context, client kubernetes.Interface, text []byte) error {
	obj, _, err := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer().Decode(text, nil, nil)
	if err != nil {
		return err
	}
	to := client.AdmissionregistrationV1()
	switch o := obj.(type) {
	case *admissionv1.MutatingAdmissionPolicy:
		_, err = to.MutatingAdmissionPolicies().Create(ctx, o, metav1.CreateOptions{})
	case *admissionv1.MutatingAdmissionPolicyBinding:
		_, err = to.MutatingAdmissionPolicyBindings().Create(ctx, o, metav1.CreateOptions{})
	case *admissionv1.ValidatingAdmissionPolicy:
		_, err = to.ValidatingAdmissionPolicies().Create(ctx, o, metav1.CreateOptions{})
	case *admissionv1.ValidatingAdmissionPolicyBinding:
		_, err = to.ValidatingAdmissionPolicyBindings().Create(ctx, o, metav1.CreateOptions{})
	default:
		err = fmt.Errorf("expected a policy or a binding, found %T", obj)
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// dedicated is the taint of workers that take some pods alone.
const dedicated = "dedicated"

// taintWorkers taints the nodes that take pods.
func taintWorkers(ctx context.Context, client kubernetes.Interface) error {
	return eachWorker(ctx, client, `{"spec": {"taints": [{"key": "`+dedicated+`", "value": "databases", "effect": "NoSchedule"}]}}`)
}

// eachWorker changes the nodes that take pods.
func eachWorker(ctx context.Context, client kubernetes.Interface, patch string) error {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "!node-role.kubernetes.io/control-plane"})
	if err != nil {
		return err
	}
	for _, n := range nodes.Items {
		if _, err := client.CoreV1().Nodes().Patch(ctx, n.Name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// nodesTake is how long nodes are being made.
const nodesTake = 30 * time.Second

// lateNodes cordons the workers until some time after the first event that a pod fits nowhere.
func lateNodes(ctx context.Context, client kubernetes.Interface) error {
	if err := eachWorker(ctx, client, `{"spec": {"unschedulable": true}}`); err != nil {
		return err
	}
	go func() {
		for failed := false; !failed; {
			if pause(ctx, time.Second) != nil {
				return
			}
			events, err := client.CoreV1().Events("").List(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("reason", "FailedScheduling").String(), Limit: 1})
			failed = err == nil && len(events.Items) > 0
		}
		// A run that ends before has no use for nodes.
		if pause(ctx, nodesTake) == nil {
			_ = eachWorker(ctx, client, `{"spec": {"unschedulable": null}}`)
		}
	}()
	return nil
}

// addSecondDefault marks another StorageClass as the default too. The API server takes the newest.
func addSecondDefault(ctx context.Context, client kubernetes.Interface) error {
	return addClass(ctx, client, "second", func(c *storagev1.StorageClass) {
		c.Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
	})
}

// slowStorage has the provisioner's helper sleep before it makes a volume.
func slowStorage(ctx context.Context, client kubernetes.Interface) error {
	config, err := client.CoreV1().ConfigMaps(storageNamespace).Get(ctx, localPathConfig, metav1.GetOptions{})
	if err != nil {
		return err
	}
	before, after, found := bytes.Cut([]byte(config.Data["setup"]), []byte("set -eu\n"))
	if !found {
		return fmt.Errorf("expected the ConfigMap %s to have a script that sets -eu, found another: this variant needs the node image that is built here", localPathConfig)
	}
	config.Data["setup"] = string(before) + "set -eu\nsleep 40\n" + string(after)
	if _, err := client.CoreV1().ConfigMaps(storageNamespace).Update(ctx, config, metav1.UpdateOptions{}); err != nil {
		return err
	}
	// A new pod of the provisioner has the new script mounted.
	return client.CoreV1().Pods(storageNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "app=" + localPath})
}
