package packaging

import (
	"archive/tar"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
)

// The suite's image is in no registry: whoever answers for its name must not get its account. And its container can do no more than it needs.
func TestManifestsRunTheImageThatWasBrought(t *testing.T) {
	var job batchv1.Job
	read(t, "job.yaml", &job)
	var plugin struct {
		Spec   corev1.Container `json:"spec"`
		Config struct {
			ResultFiles []string `json:"result-files"`
		} `json:"sonobuoy-config"`
	}
	read(t, "sonobuoy.yaml", &plugin)
	if want := []string{"junit_01.xml"}; !slices.Equal(plugin.Config.ResultFiles, want) {
		t.Errorf("sonobuoy.yaml: expected results from %v alone, which would count twice, found %v", want, plugin.Config.ResultFiles)
	}
	of := job.Spec.Template.Spec
	recorder := recorder(t).Spec.Template.Spec
	for name, c := range map[string]struct {
		container corev1.Container
		pod       corev1.PodSecurityContext
	}{
		"record.yaml":   {recorder.Containers[0], *recorder.SecurityContext},
		"job.yaml":      {of.Containers[0], *of.SecurityContext},
		"sonobuoy.yaml": {plugin.Spec, corev1.PodSecurityContext{}},
	} {
		if c.container.Image != images.Suite || c.container.ImagePullPolicy != corev1.PullNever {
			t.Errorf("%s: expected %s never to be pulled, found %s and %s", name, images.Suite, c.container.Image, c.container.ImagePullPolicy)
		}
		own := c.container.SecurityContext
		if own == nil || own.AllowPrivilegeEscalation == nil || *own.AllowPrivilegeEscalation || own.ReadOnlyRootFilesystem == nil || !*own.ReadOnlyRootFilesystem ||
			own.Capabilities == nil || len(own.Capabilities.Drop) != 1 || own.Capabilities.Drop[0] != "ALL" {
			t.Errorf("%s: expected a container without privileges, found %+v", name, own)
			continue
		}
		notRoot, profile := own.RunAsNonRoot, own.SeccompProfile
		if notRoot == nil {
			notRoot = c.pod.RunAsNonRoot
		}
		if profile == nil {
			profile = c.pod.SeccompProfile
		}
		if notRoot == nil || !*notRoot || profile == nil || profile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s: expected a user that is not root and the runtime's seccomp profile, found %v and %v", name, notRoot, profile)
		}
	}
}

// OpenShift chooses the user of a pod and refuses one that a manifest fixes: the image says which is used elsewhere, as a number, since a kubelet cannot
// tell whether a name is root's. Whoever it is writes to an emptyDir alone, and runs a program that everybody may run.
func TestJobAndPluginRunAsAnyUser(t *testing.T) {
	var job batchv1.Job
	read(t, "job.yaml", &job)
	var plugin struct {
		Spec corev1.Container `json:"spec"`
	}
	read(t, "sonobuoy.yaml", &plugin)
	of := job.Spec.Template.Spec
	if s := of.SecurityContext; s.RunAsUser != nil || s.RunAsGroup != nil || s.FSGroup != nil {
		t.Errorf("job.yaml: expected no fixed user, found %+v", s)
	}
	for name, c := range map[string]corev1.Container{"job.yaml": of.Containers[0], "sonobuoy.yaml": plugin.Spec} {
		if s := c.SecurityContext; s.RunAsUser != nil || s.RunAsGroup != nil {
			t.Errorf("%s: expected no fixed user, found %+v", name, s)
		}
	}
	user, _, _ := strings.Cut(User, ":")
	if id, err := strconv.Atoi(user); err != nil || id == 0 {
		t.Errorf("expected the image to run as a number other than root's, found %q", User)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, Command), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	image, err := Image(dir, filepath.Join(t.TempDir(), "layers"), "v1", "arm64")
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if header, err := tar.NewReader(content).Next(); err != nil || header.Name != Command || header.Mode&0o005 != 0o005 {
		t.Errorf("expected a program that everybody may run, found %+v, %v", header, err)
	}
}

// Settings that are files come from a ConfigMap and a Secret that need not be there, in the folder that the program looks into.
func TestJobTakesFilesOfSettings(t *testing.T) {
	var job batchv1.Job
	read(t, "job.yaml", &job)
	of := job.Spec.Template.Spec
	c := of.Containers[0]
	mount := c.VolumeMounts[slices.IndexFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == "settings" })]
	if !mount.ReadOnly || !slices.Contains(c.Env, corev1.EnvVar{Name: "SETTINGS_FOLDER", Value: mount.MountPath}) {
		t.Errorf("expected SETTINGS_FOLDER to be where the files are, found %+v and %+v", c.Env, mount)
	}
	sources := of.Volumes[slices.IndexFunc(of.Volumes, func(v corev1.Volume) bool { return v.Name == "settings" })].Projected.Sources
	if len(sources) != 2 || sources[0].ConfigMap == nil || sources[1].Secret == nil || !*sources[0].ConfigMap.Optional || !*sources[1].Secret.Optional {
		t.Errorf("expected a ConfigMap and a Secret, none of which must be there, found %+v", sources)
	}
	for _, v := range of.Volumes {
		if v.Projected == nil && v.EmptyDir == nil {
			t.Errorf("expected no other volume, which might not be writable for everybody, found %+v", v)
		}
	}
}

// What a cluster does to pods on its own account ends no Job: quotas of limits, autoscalers, drains.
func TestJobOutlastsTheClustersOwnActs(t *testing.T) {
	var job batchv1.Job
	read(t, "job.yaml", &job)
	c := job.Spec.Template.Spec.Containers[0].Resources
	if c.Limits.Cpu().IsZero() || c.Limits.Memory().IsZero() || c.Requests.Cpu().IsZero() || c.Requests.Memory().IsZero() {
		t.Errorf("expected requests and limits of cpu and memory, found %+v", c)
	}
	for name, want := range map[string]string{"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"} {
		if got := job.Spec.Template.Annotations[name]; got != want {
			t.Errorf("expected the annotation %s=%s, found %q", name, want, got)
		}
	}
	policy := job.Spec.PodFailurePolicy
	if policy == nil || len(policy.Rules) != 1 || policy.Rules[0].Action != batchv1.PodFailurePolicyActionIgnore || policy.Rules[0].OnPodConditions[0].Type != corev1.DisruptionTarget {
		t.Errorf("expected a pod that was disrupted not to fail the Job, found %+v", policy)
	}
}

// recorder returns the Deployment of the recorder.
func recorder(t *testing.T) *appsv1.Deployment {
	t.Helper()
	data, err := os.ReadFile("../../deploy/record/record.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs := strings.Split(string(data), "\n---\n")
	var d appsv1.Deployment
	if err := yaml.UnmarshalStrict([]byte(docs[len(docs)-1]), &d); err != nil || d.Kind != "Deployment" {
		t.Fatalf("expected a Deployment, found %q, %v", d.Kind, err)
	}
	return &d
}

// The recorder has an account without the suite's rights, one pod at a time, its folder on the volume, and pages that only who may forward ports reaches.
func TestRecorderInsideOfACluster(t *testing.T) {
	d := recorder(t)
	of := d.Spec.Template.Spec
	if of.ServiceAccountName != rbac.RecordAccount || d.Namespace != rbac.Account || *d.Spec.Replicas != 1 || d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		t.Errorf("expected one pod with the account %s, found %+v", rbac.RecordAccount, d.Spec)
	}
	c := of.Containers[0]
	for _, want := range []string{"record", "--output=" + c.VolumeMounts[0].MountPath + "/recordings", "--for=24h", "--keep=14", "--metrics=:9090", "--pages=127.0.0.1:8080"} {
		if !slices.Contains(c.Args, want) {
			t.Errorf("expected %s among %q", want, c.Args)
		}
	}
	if c.Ports[0].ContainerPort != 9090 || c.LivenessProbe.HTTPGet.Port.StrVal != c.Ports[0].Name || of.Volumes[0].PersistentVolumeClaim.ClaimName != rbac.RecordAccount || of.Volumes[0].Name != c.VolumeMounts[0].Name {
		t.Errorf("expected the ports and volumes that the arguments name, found %+v and %+v", c, of.Volumes)
	}
	if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
		t.Errorf("expected requests and limits, found %+v", c.Resources)
	}
	text, err := os.ReadFile("../../deploy/record/kustomization.yaml")
	var k struct{ Resources []string }
	if err == nil {
		err = yaml.Unmarshal(text, &k)
	}
	if name, _, _ := strings.Cut(images.Suite, ":"); err != nil || !slices.Equal(k.Resources, []string{"record.yaml"}) || !strings.Contains(string(text), "{name: "+name+",") || c.Env[0].Name != "NAMESPACE" {
		t.Errorf("expected the kustomization to have the recorder, and to say how its image and namespaces are changed, found %v and %v", k.Resources, err)
	}
}

// The kustomization has the account and the Job, which are where it says, and the image is called as there.
func TestKustomizationOfTheJob(t *testing.T) {
	text, err := os.ReadFile("../../deploy/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var k struct{ Resources []string }
	if err := yaml.Unmarshal(text, &k); err != nil || !slices.Equal(k.Resources, []string{"rbac.yaml", "job.yaml"}) {
		t.Errorf("expected account and Job, found %v, %v", k.Resources, err)
	}
	for _, file := range k.Resources {
		if _, err := os.Stat("../../deploy/" + file); err != nil {
			t.Error(err)
		}
	}
	if name, _, _ := strings.Cut(images.Suite, ":"); !strings.Contains(string(text), "{name: "+name+",") {
		t.Errorf("expected the image %s to be named", name)
	}
}

// "kubectl apply" leaves a Job that has ended as it is, so that its log, of an earlier run, would be read as today's: whatever text says how to begin the
// Job removes the earlier one first.
func TestEachRunOfTheJobIsANewOne(t *testing.T) {
	const removes = "kubectl delete job --namespace statefulset-conformance statefulset-conformance --ignore-not-found"
	for _, file := range []string{"../../CERTIFY.md", "../../deploy/kustomization.yaml", "../../deploy/job.yaml", "README.bundle.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		before := ""
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(strings.TrimPrefix(line, "#"))
			byKustomization := strings.HasPrefix(line, "kubectl apply -k e2e/deploy") && !strings.HasPrefix(line, "kubectl apply -k e2e/deploy/record")
			if byKustomization && before != removes {
				t.Errorf("%s: expected %q before %q, found %q", file, removes, line, before)
			}
			if strings.Contains(line, "kubectl") && strings.Contains(line, "job.yaml") && !strings.Contains(line, "kubectl replace --force -f ") {
				t.Errorf("%s: expected the earlier Job to be replaced, found %q", file, line)
			}
			before = line
		}
	}
}

func read(t *testing.T, manifest string, into any) {
	t.Helper()
	data, err := os.ReadFile("../../deploy/" + manifest)
	if err != nil {
		t.Fatal(err)
	}
	// Sonobuoy's file has further fields.
	if err := yaml.Unmarshal(data, into); err != nil || !strings.Contains(string(data), "image:") {
		t.Fatalf("%s: %v", manifest, err)
	}
}
