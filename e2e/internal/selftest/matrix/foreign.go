package matrix

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/e2e-framework/klient/k8s"
	"sigs.k8s.io/e2e-framework/klient/k8s/resources"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// foreign returns clusters with the policies, nodes and storage of others. What one of them asks of pods and claims is a variant with the settings that say
// so, and one without them, which the first checks must refuse with a line that names the cure.
func foreign() []Variant {
	variants := []struct {
		name, summary string
		prepare       func(context.Context, *On) error
		settings      func(*runconfig.Settings)
		refused       string
	}{
		{
			"assigned-users", "pods get a user of their namespace's range, and may name no other, as on OpenShift", createAll("assigned-users.yaml"),
			podPatch(map[string]any{"spec": map[string]any{"securityContext": map[string]any{"runAsUser": nil, "runAsGroup": nil, "fsGroup": nil}}}), "runAsUser",
		},
		{
			"required-fields", "policies want requests, limits and a label of pods and sets, and images of one registry, as with Kyverno", createAll("required-fields.yaml"),
			podPatch(requiredFields()), "required",
		},
		{"large-claims", "claims below 1Gi are refused", createAll("large-claims.yaml"), func(s *runconfig.Settings) { s.ClaimSize = new(resource.MustParse("1Gi")) }, "CLAIM_SIZE"},
		{
			"tainted", "all workers have a taint that pods must tolerate", taintWorkers,
			podPatch(map[string]any{"spec": map[string]any{"tolerations": []any{map[string]any{"key": dedicated, "operator": "Exists"}}}}), "TOLERATIONS=",
		},
	}
	out := []Variant{
		{Name: "tenant", Summary: "ten namespaces that are there already, with a LimitRange and a quota each that leaves what a spec needs and no more", prepare: tenant(exact())},
		{Name: "tenant-refused", Summary: "the same, with quotas that have room for two pods", prepare: tenant(narrow()), Refused: "quota"},
		{Name: "simulated-nodes", Summary: "300 nodes that no machine stands behind, and that take no pods of the suite, beside the real ones", prepare: addSimulatedNodes},
		{Name: "zonal", Summary: "volumes can be used in a zone, of which each worker is one", prepare: zonalStorage},
		{Name: "two-defaults", Summary: "two StorageClasses are marked as the default", prepare: addSecondDefault},
		{Name: "slow-storage", Summary: "a volume takes 40 s to be made", prepare: slowStorage},
		{Name: "late-nodes", Summary: "nodes take pods only 90 s after the first that fits nowhere, as where nodes are made on demand, and an event says that they are made", prepare: lateNodes},
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

// createAll returns what creates the objects of a file, of any kind. A field that the API does not know is an error.
func createAll(file string) func(context.Context, *On) error {
	return func(ctx context.Context, on *On) error {
		all, err := objects(file)
		if err != nil {
			return err
		}
		if err := on.create(ctx, all); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		return pause(ctx, policiesSeen)
	}
}

// create creates objects of any kind.
func (on *On) create(ctx context.Context, all []k8s.Object) error {
	to, err := resources.New(on.Config)
	if err != nil {
		return err
	}
	for _, o := range all {
		if err := to.Create(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// policiesSeen is ample for the API server's watch of its own policies.
const policiesSeen = 3 * time.Second

// objects reads the objects of a file.
func objects(file string) ([]k8s.Object, error) {
	var all []k8s.Object
	known := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	for reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(read(file)))); ; {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		obj, _, err := known.Decode(text, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, obj.(k8s.Object)) // lists apart, which no file has, all kinds are one
	}
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
