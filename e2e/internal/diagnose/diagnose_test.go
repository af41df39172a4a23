package diagnose_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// captured reads the state in which a cause was real.
func captured(t *testing.T, name string) *diagnose.State {
	t.Helper()
	s, err := diagnose.Load(filepath.Join(statesDir, name+".yaml"))
	must(t, err)
	return s
}

func text(s *diagnose.State, found []diagnose.Finding) string {
	var b strings.Builder
	_ = diagnose.Write(&b, s, found)
	return b.String()
}

func pod(s *diagnose.State, name string) *corev1.Pod {
	return &s.Pods[slices.IndexFunc(s.Pods, func(p corev1.Pod) bool { return p.Name == name })]
}

// well is a set in good order.
func well(t *testing.T) *diagnose.State {
	t.Helper()
	s := captured(t, "service-selector")
	s.Services[0].Spec.Selector = map[string]string{"app": "web"}
	s.Slices[0].Endpoints = nil
	for i := range s.Pods {
		s.Slices[0].Endpoints = append(s.Slices[0].Endpoints, endpointOf(&s.Pods[i]))
	}
	return s
}

func endpointOf(p *corev1.Pod) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: p.Name}}
}

func TestNothingIsWrongWithASetInGoodOrder(t *testing.T) {
	s := well(t)
	found := diagnose.Diagnose(s)
	if len(found) != 0 || diagnose.Conclude(found) != diagnose.Healthy {
		t.Fatalf("expected nothing, found\n%s", text(s, found))
	}
	if got := text(s, found); !strings.HasPrefix(got, "nothing wrong found: statefulset "+s.Namespace+"/web has 2 of 2 pods Ready") {
		t.Errorf("expected it to be said that nothing is wrong, found %q", got)
	}
}

// Once a cause is taken out of the state, nobody may name it any more.
func TestACauseThatIsMendedIsNotNamed(t *testing.T) {
	for name, mend := range map[string]func(*diagnose.State){
		"service-missing":      func(s *diagnose.State) { s.Services[0].Name = "web" },
		"service-not-headless": func(s *diagnose.State) { s.Services[0].Spec.ClusterIP = corev1.ClusterIPNone },
		"class-missing": func(s *diagnose.State) {
			s.Classes = append(s.Classes, storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "fast"}, Provisioner: "p.example.com"})
		},
		"no-default-class": func(s *diagnose.State) {
			s.Classes[0].Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
		},
		"no-volume-of-size": func(s *diagnose.State) {
			for i := range s.Volumes {
				s.Volumes[i].Spec.Capacity[corev1.ResourceStorage] = resource.MustParse("10Gi")
			}
		},
		"no-volume": func(s *diagnose.State) {
			s.Volumes = append(s.Volumes, corev1.PersistentVolume{
				ObjectMeta: metav1.ObjectMeta{Name: "by-hand"}, Spec: corev1.PersistentVolumeSpec{
					StorageClassName: "diagnose-byhand", AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
					Capacity: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
				},
			})
		},
		"provisioner-scaled-away": func(s *diagnose.State) {
			s.ProviderPods = []corev1.Pod{{
				ObjectMeta: metav1.ObjectMeta{Name: "local-path-provisioner-x", Namespace: "storage"},
				Status:     corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
			}}
		},
		"quota-exceeded": func(s *diagnose.State) { s.Events = nil },
		"webhook-denies": func(s *diagnose.State) { s.Events = nil },
		"taint": func(s *diagnose.State) {
			pod(s, "web-0").Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
			pod(s, "web-0").Status.Conditions[0].Message = ""
		},
		"resources": func(s *diagnose.State) {
			pod(s, "web-0").Spec.Containers[0].Resources = corev1.ResourceRequirements{}
			pod(s, "web-0").Status.Conditions[0].Message = ""
		},
		"node-selector": func(s *diagnose.State) {
			for i := range s.Nodes {
				s.Nodes[i].Labels["disk"] = "nvme"
			}
			pod(s, "web-0").Status.Conditions[0].Message = ""
		},
		"volume-node-affinity": func(s *diagnose.State) {
			for i := range s.Nodes {
				s.Nodes[i].Labels["kubernetes.io/hostname"] = "node-that-is-gone"
			}
		},
		"cordoned": func(s *diagnose.State) {
			for i := range s.Nodes {
				s.Nodes[i].Spec = corev1.NodeSpec{}
			}
			pod(s, "web-0").Status.Conditions[0].Message = ""
		},
		"budget":    func(s *diagnose.State) { s.Budgets[0].Status.DisruptionsAllowed = 1 },
		"finalizer": func(s *diagnose.State) { pod(s, "web-0").Finalizers = nil },
		"readiness-gate": func(s *diagnose.State) {
			pod(s, "web-0").Status.Conditions = append(pod(s, "web-0").Status.Conditions, corev1.PodCondition{Type: "example.com/registered", Status: corev1.ConditionTrue})
		},
		"readiness-probe": func(s *diagnose.State) { pod(s, "web-0").Spec.Containers[0].ReadinessProbe = nil },
		"liveness-probe":  func(s *diagnose.State) { pod(s, "web-0").Spec.Containers[0].LivenessProbe = nil },
		"dns-config": func(s *diagnose.State) {
			s.Resolver.Corefile = strings.Replace(s.Resolver.Corefile, "whoami", "kubernetes cluster.local", 1)
		},
		"dns-down": func(s *diagnose.State) {
			s.Resolver.Pods = []corev1.Pod{{
				ObjectMeta: metav1.ObjectMeta{Name: "coredns-x", Labels: map[string]string{"k8s-app": "kube-dns"}},
				Status:     corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
			}}
		},
		"controller-down": func(s *diagnose.State) { renew(s, "kube-controller-manager") },
		"scheduler-down":  func(s *diagnose.State) { renew(s, "kube-scheduler") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := captured(t, name)
			was := diagnose.Diagnose(s)[0]
			mend(s)
			found := diagnose.Diagnose(s)
			if slices.ContainsFunc(found, func(f diagnose.Finding) bool { return f.Cause == was.Cause }) {
				t.Errorf("expected %s to be named no more, found\n%s", was.Cause, text(s, found))
			}
		})
	}
}

func renew(s *diagnose.State, name string) {
	for i := range s.Leases {
		if s.Leases[i].Name == name {
			at := metav1.NewMicroTime(s.Taken.Time)
			s.Leases[i].Spec.RenewTime = &at
		}
	}
}

// What could not be read is never said to be missing.
func TestNothingIsClaimedOfWhatWasNotRead(t *testing.T) {
	hide := map[string]struct {
		hide   func(*diagnose.State)
		claims []diagnose.Cause
	}{
		"nodes":                    {func(s *diagnose.State) { s.Nodes = nil }, []diagnose.Cause{"node-gone", "node-lost", "node-not-ready", "cordoned"}},
		"storageclasses":           {func(s *diagnose.State) { s.Classes = nil }, []diagnose.Cause{"class-missing", "no-default-class", "provisioner-down"}},
		"persistentvolumes":        {func(s *diagnose.State) { s.Volumes = nil }, []diagnose.Cause{"no-volume", "no-volume-of-size", "volume-lost"}},
		"persistentvolumeclaims":   {func(s *diagnose.State) { s.Claims = nil }, []diagnose.Cause{"claim-missing"}},
		"services":                 {func(s *diagnose.State) { s.Services = nil }, []diagnose.Cause{"service-missing"}},
		"pods of other namespaces": {func(s *diagnose.State) { s.ProviderPods, s.Providers = nil, nil }, []diagnose.Cause{"provisioner-down"}},
		"csinodes":                 {func(s *diagnose.State) { s.CSINodes = nil }, []diagnose.Cause{"provisioner-down"}},
		"leases in kube-system":    {func(s *diagnose.State) { s.Leases = nil }, []diagnose.Cause{"controller-down", "scheduler-down"}},
		"services in kube-system":  {func(s *diagnose.State) { s.Resolver.Services = nil }, []diagnose.Cause{"dns-service"}},
		"pods in kube-system":      {func(s *diagnose.State) { s.Resolver.Pods = nil }, []diagnose.Cause{"dns-down"}},
	}
	for _, c := range append(causes(), clusterCauses()...) {
		whole := captured(t, c.name)
		for what, h := range hide {
			s := new(*whole)
			h.hide(s)
			s.Unread = []diagnose.Unread{{What: what, Why: "forbidden"}}
			found := diagnose.Diagnose(s)
			for _, f := range found {
				if slices.Contains(h.claims, f.Cause) {
					t.Errorf("%s without %s: expected no claim about them, found %s", c.name, what, f.Line())
				}
			}
			if got := text(s, found); !strings.Contains(got, "  "+what+": forbidden\n") {
				t.Errorf("%s: expected it to be said that %s were not read, found\n%s", c.name, what, got)
			}
		}
	}
}

// A provisioner has time to make a volume, from when it may: a claim that waited for its pod to get a node has not waited for it.
func TestAProvisionerHasTime(t *testing.T) {
	for name, change := range map[string]func(*diagnose.State){
		"a claim that is new": func(s *diagnose.State) {
			s.Claims[0].CreationTimestamp = metav1.NewTime(s.Taken.Add(-30 * time.Second))
		},
		"a claim whose pod got a node just now": func(s *diagnose.State) {
			e := state{s, t}.said("data-web-0", "WaitForFirstConsumer", "waiting for first consumer to be created before binding", 30*time.Second)
			e.InvolvedObject.Kind = "PersistentVolumeClaim"
		},
	} {
		for _, state := range []string{"provisioner-down", "provisioner-scaled-away"} {
			s := captured(t, state)
			change(s)
			if found := diagnose.Diagnose(s); len(found) == 0 || found[0].Cause != diagnose.Note {
				t.Errorf("%s of %s: expected nobody to be accused yet, found %s", state, name, diagnose.Brief(found))
			}
		}
	}
}

// The clock of whoever reads a state may be off: the cluster's own leases tell its time.
func TestAWrongClockChangesNoDiagnosis(t *testing.T) {
	for _, c := range append(causes(), clusterCauses()...) {
		s := captured(t, c.name)
		for _, off := range []time.Duration{-time.Hour, 2 * time.Hour} {
			s.Taken = metav1.NewTime(s.Taken.Add(off))
			if found := diagnose.Diagnose(s); len(found) == 0 || found[0].Cause != c.cause {
				t.Errorf("%s read with a clock that is %v off: expected %s, found %s", c.name, off, c.cause, diagnose.Brief(found))
			}
		}
	}
}

func TestASavedStateIsDiagnosedAlike(t *testing.T) {
	for _, c := range append(causes(), clusterCauses()...) {
		s := captured(t, c.name)
		file := filepath.Join(t.TempDir(), "state.yaml")
		must(t, s.Save(file))
		again, err := diagnose.Load(file)
		must(t, err)
		if want, got := text(s, diagnose.Diagnose(s)), text(again, diagnose.Diagnose(again)); want != got {
			t.Errorf("%s: expected\n%s\nfound\n%s", c.name, want, got)
		}
	}
}

func TestUnknownIsCalledUnknown(t *testing.T) {
	for name, change := range map[string]func(*diagnose.State){
		"a pod that is not Ready although nothing is wrong with it": func(s *diagnose.State) {
			for i := range pod(s, "web-0").Status.Conditions {
				c := &pod(s, "web-0").Status.Conditions[i]
				c.LastTransitionTime = metav1.NewTime(s.Taken.Add(-10 * time.Minute))
				if c.Type == corev1.PodReady {
					c.Status = corev1.ConditionFalse
				}
			}
			pod(s, "web-0").CreationTimestamp = metav1.NewTime(s.Taken.Add(-20 * time.Minute))
		},
		"a pod that nobody makes": func(s *diagnose.State) {
			s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name == "web-0" })
			s.Taken = metav1.NewTime(s.Taken.Add(time.Hour))
			for i := range s.Leases {
				at := metav1.NewMicroTime(s.Taken.Time)
				s.Leases[i].Spec.RenewTime = &at
			}
		},
		"a rejection in words that are not known": func(s *diagnose.State) {
			s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name == "web-1" })
			s.Events = append(s.Events, corev1.Event{
				InvolvedObject: corev1.ObjectReference{Kind: "StatefulSet", Name: "web", Namespace: s.Namespace}, Reason: "FailedCreate", Type: "Warning",
				Message: "create Pod web-1 in StatefulSet web failed error: the moon is full", LastTimestamp: s.Taken,
			})
		},
	} {
		s := well(t)
		change(s)
		found := diagnose.Diagnose(s)
		if len(found) == 0 || found[0].Cause != diagnose.Unknown || diagnose.Conclude(found) != diagnose.Unexplained {
			t.Errorf("%s: expected an unknown cause, found\n%s", name, text(s, found))
			continue
		}
		if len(found[0].Evidence) == 0 || !strings.Contains(text(s, found), "cause      not known") {
			t.Errorf("%s: expected evidence and the word that the cause is not known, found\n%s", name, text(s, found))
		}
	}
}

func TestWhatHasJustBegunIsNotCalledTrouble(t *testing.T) {
	s := well(t)
	p := pod(s, "web-1")
	p.CreationTimestamp = metav1.NewTime(s.Taken.Add(-3 * time.Second))
	p.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: p.CreationTimestamp}}}
	s.Events = nil
	found := diagnose.Diagnose(s)
	if len(found) != 1 || found[0].Cause != diagnose.Note || diagnose.Conclude(found) != diagnose.Healthy {
		t.Errorf("expected a note and no trouble, found\n%s", text(s, found))
	}
}

func TestAPodThatWasNeverCreatedLeadsToItsPredecessor(t *testing.T) {
	s := captured(t, "crash-loop")
	s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name != "web-0" })
	found := diagnose.Diagnose(s)
	if len(found) != 1 || found[0].Object.Name != "web-0" || !strings.Contains(found[0].Seen, "web-1 does not exist: it waits until the pod before it is Ready") {
		t.Errorf("expected web-0 to be named and web-1 to wait for it, found\n%s", text(s, found))
	}
	s.StatefulSet.Spec.PodManagementPolicy = appsv1.ParallelPodManagement
	for _, f := range diagnose.Diagnose(s) {
		if strings.Contains(f.Seen, "waits until the pod before it") {
			t.Errorf("expected no pod to wait for another under Parallel, found %s", f.Seen)
		}
	}
}

func TestABrokenPodOfAnEarlierRevisionIsToBeDeletedByHand(t *testing.T) {
	s := captured(t, "image-pull")
	s.StatefulSet.Status.UpdateRevision = "web-mended"
	s.StatefulSet.Spec.Template.Spec.Containers[0].Image = "registry.example/shop/web:2"
	f := diagnose.Diagnose(s)[0]
	if !strings.Contains(f.Line(), "rollout: pod/web-0 is broken and of a revision that the set has left") || !strings.Contains(f.Do[0], "delete pod web-0") {
		t.Errorf("expected the pod to be named as left behind and to be deleted, found %s %q", f.Line(), f.Do)
	}
}

// With a third node the volume, not the cordon, is what keeps the pod away.
func TestAVolumeOnACordonedNodeIsNamed(t *testing.T) {
	s := captured(t, "cordoned")
	other := s.Nodes[0].DeepCopy()
	other.Name, other.Spec, other.Labels = "diag-worker2", corev1.NodeSpec{}, map[string]string{"kubernetes.io/hostname": "diag-worker2"}
	s.Nodes = append(s.Nodes, *other)
	f := diagnose.Diagnose(s)[0]
	if f.Cause != "volume-node-affinity" || f.Object.Kind != "persistentvolume" || !strings.Contains(f.What, "node diag-worker is cordoned") {
		t.Errorf("expected the volume and its cordoned node, found %s", f.Line())
	}
}

func TestManyPodsInTheSameTroubleAreOneFinding(t *testing.T) {
	s := captured(t, "image-pull")
	s.StatefulSet.Spec.PodManagementPolicy = appsv1.ParallelPodManagement
	const many = 1000
	*s.StatefulSet.Spec.Replicas = many
	first := pod(s, "web-0").DeepCopy()
	s.Pods = nil
	for i := range many {
		p := first.DeepCopy()
		p.Name = fmt.Sprintf("web-%d", i)
		s.Pods = append(s.Pods, *p)
	}
	found := diagnose.Diagnose(s)
	if len(found) != 1 || !strings.Contains(found[0].Seen, "web-1, web-2, web-3, web-4 and 995 more") {
		t.Errorf("expected one finding for all, found %d\n%s", len(found), diagnose.Brief(found))
	}
}

func TestAVolumeAttachedElsewhereIsNamedInTheWordsOfEachVersion(t *testing.T) {
	for _, message := range []string{
		`Multi-Attach error for volume "pvc-1" Volume is already exclusively attached to one node and can't be attached to another`,
		`Waiting for detach for volume "pvc-1" Volume is already used by pod(s) web-0`,
	} {
		s := captured(t, "volume-mount")
		p := pod(s, "web-0")
		s.Events = []corev1.Event{{
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: p.Name, Namespace: s.Namespace, UID: p.UID}, Reason: "FailedAttachVolume",
			Type: "Warning", Message: message, Count: 1, LastTimestamp: s.Taken,
		}}
		if f := diagnose.Diagnose(s)[0]; f.Cause != "volume-attached-elsewhere" {
			t.Errorf("%s: expected the volume to be named as attached elsewhere, found %s", message, f.Line())
		}
	}
}
