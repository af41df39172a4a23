package diagnose_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// state is a state that is built for a test, from a captured one.
type state struct {
	*diagnose.State
	t *testing.T
}

// running is a set in good order with a claim for each pod, all of it ten minutes old.
func running(t *testing.T) state {
	t.Helper()
	s := captured(t, "dns-config")
	s.Resolver.Corefile = strings.Replace(s.Resolver.Corefile, "whoami", "kubernetes cluster.local", 1)
	st := state{s, t}
	st.later(10 * time.Minute)
	return st
}

// pending is a set of which web-0 and web-1 run on the two workers, and web-2 has no node: the scheduler said why.
func pending(t *testing.T, said string) state {
	t.Helper()
	s := captured(t, "pod-anti-affinity")
	p := pod(s, "web-2")
	p.Spec.Affinity, s.StatefulSet.Spec.Template.Spec.Affinity = nil, nil
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == corev1.PodScheduled {
			p.Status.Conditions[i].Message = said
		}
	}
	return state{s, t}
}

// later lets time pass in which nothing happens but leases.
func (s state) later(d time.Duration) {
	s.Taken = metav1.NewTime(s.Taken.Add(d))
	for i := range s.Leases {
		at := metav1.NewMicroTime(s.Taken.Time)
		s.Leases[i].Spec.RenewTime = &at
	}
}

// ago is a time before the state was read.
func (s state) ago(d time.Duration) metav1.Time { return metav1.NewTime(s.Taken.Add(-d)) }

// said adds an event about a pod, or about the set if name is its own.
func (s state) said(name, reason, message string, ago time.Duration) *corev1.Event {
	e := corev1.Event{
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: name, Namespace: s.Namespace}, Reason: reason, Message: message,
		Type: corev1.EventTypeWarning, Count: 2, LastTimestamp: s.ago(ago), Source: corev1.EventSource{Host: "diag-worker"},
	}
	if name == s.Name {
		e.InvolvedObject.Kind = "StatefulSet"
	} else if slices.ContainsFunc(s.Pods, func(p corev1.Pod) bool { return p.Name == name }) {
		e.InvolvedObject.UID = pod(s.State, name).UID
	}
	s.Events = append(s.Events, e)
	return &s.Events[len(s.Events)-1]
}

// unready makes a pod run without being Ready, for some time, and returns its container.
func (s state) unready(name string, since time.Duration) *corev1.ContainerStatus {
	p := pod(s.State, name)
	for i := range p.Status.Conditions {
		if c := &p.Status.Conditions[i]; c.Type == corev1.PodReady || c.Type == corev1.ContainersReady {
			c.Status, c.LastTransitionTime = corev1.ConditionFalse, s.ago(since)
		}
	}
	p.Status.ContainerStatuses[0].Ready = false
	return &p.Status.ContainerStatuses[0]
}

// waiting makes a pod's container wait.
func (s state) waiting(name, reason, message string) *corev1.ContainerStatus {
	c := s.unready(name, 5*time.Minute)
	c.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	return c
}

// crashing makes a pod's container end again and again, each time after some seconds.
func (s state) crashing(name string, code int32, ran time.Duration) *corev1.ContainerStatus {
	c := s.waiting(name, "CrashLoopBackOff", "back-off 40s restarting failed container=main")
	no := false
	c.RestartCount, c.Started = 4, &no
	c.LastTerminationState = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: code, Reason: "Error", StartedAt: s.ago(30*time.Second + ran), FinishedAt: s.ago(30 * time.Second),
	}}
	return c
}

// only leaves the set one replica.
func (s state) only() {
	*s.StatefulSet.Spec.Replicas = 1
	s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name != "web-0" })
}

// container is the container in a pod and in the template.
func (s state) container(name string, change func(*corev1.Container)) {
	change(&pod(s.State, name).Spec.Containers[0])
	change(&s.StatefulSet.Spec.Template.Spec.Containers[0])
}

func (s state) claim(name string) *corev1.PersistentVolumeClaim {
	return &s.Claims[slices.IndexFunc(s.Claims, func(c corev1.PersistentVolumeClaim) bool { return c.Name == name })]
}

// rejected takes all pods away: the API server rejects what the controller creates.
func rejected(t *testing.T, answer string) state {
	t.Helper()
	s := running(t)
	s.Pods = nil
	s.said("web", "FailedCreate", "create Pod web-0 in StatefulSet web failed error: "+answer, 10*time.Second)
	return s
}

// static is a set whose pod waits for a claim of a class without a provisioner.
func static(t *testing.T) state {
	t.Helper()
	return state{captured(t, "no-volume"), t}
}

func (s state) volume(change func(*corev1.PersistentVolume)) {
	s.Volumes = append(s.Volumes, corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "by-hand"}, Spec: corev1.PersistentVolumeSpec{
			StorageClassName: "diagnose-byhand", AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Capacity: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}, PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
		},
	})
	change(&s.Volumes[len(s.Volumes)-1])
}

// built is a state that is built, and what the first line of its diagnosis must say.
type built struct {
	name  string
	state func(*testing.T) state
	line  string
	cause diagnose.Cause
}

func allCases() []built {
	return slices.Concat(storageCases(), startCases(), scheduleCases(), admissionCases(), controllerCases(), nameCases(), clusterStates(),
		configCases(), endCases(), placementCases(), claimCases(), answerCases(), severalCases(), againCases(), runtimeCases(), deviceCases(), writtenCases(), programCases(), attachCases(), crunCases(),
		saidCases(), fileCases(), servingCases(), dangerCases(), unsteadyCases(), endingCases(), leftoverCases(), asksCases(), reachCases(), rightCases(), lookupCases(), sharedCases(), evictorCases(), settingCases(), listenCases(), wordCases(), namelessCases(), probeCases())
}

// TestFirstLines holds each cause beside its twins: states that look the same and have another cause.
func TestFirstLines(t *testing.T) {
	for _, c := range allCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.state(t)
			found := diagnose.Diagnose(s.State)
			if c.cause == "" {
				if len(found) != 0 {
					t.Errorf("expected nothing to be found wrong, found\n%s", text(s.State, found))
				}
				return
			}
			if len(found) == 0 || !strings.HasPrefix(found[0].Line(), c.line) || found[0].Cause != c.cause {
				t.Fatalf("expected %s, first line\n%s\nfound\n%s", c.cause, c.line, text(s.State, found))
			}
			f := found[0]
			if f.Seen == "" || len(f.Evidence) == 0 || len(f.Look) == 0 || (len(f.Do) == 0 && c.cause != diagnose.Note) {
				t.Errorf("expected symptom, evidence, advice and commands, found %+v", f)
			}
			if want := map[diagnose.Cause]diagnose.Outcome{diagnose.Note: diagnose.Healthy, diagnose.Unknown: diagnose.Unexplained}; c.cause == diagnose.Note || c.cause == diagnose.Unknown {
				if got := diagnose.Conclude(found); got != want[c.cause] {
					t.Errorf("expected the outcome %v, found %v:\n%s", want[c.cause], got, diagnose.Brief(found))
				}
			}
			saved := s.Trimmed()
			if want, got := found[0].Line(), diagnose.Diagnose(saved)[0].Line(); want != got {
				t.Errorf("expected of the saved state\n%s\nfound\n%s", want, got)
			}
		})
	}
}

func storageCases() []built {
	grown := func(s state) {
		s.StatefulSet.Spec.VolumeClaimTemplates[0].Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("64Mi")
	}
	csi := func(t *testing.T) state {
		t.Helper()
		s := running(t)
		s.only()
		p := pod(s.State, "web-0")
		p.Status.Phase = corev1.PodPending
		s.waiting("web-0", "ContainerCreating", "")
		s.Volumes[0].Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "disks.example.com"}}
		s.said("web-0", "FailedMount", `MountVolume.SetUp failed for volume "`+s.Volumes[0].Name+`" : kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name disks.example.com not found in the list of registered CSI drivers`, 10*time.Second)
		return s
	}
	released := func(phase corev1.PersistentVolumePhase, name string, uid types.UID) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := static(t)
			s.volume(func(pv *corev1.PersistentVolume) {
				pv.Status.Phase = phase
				pv.Spec.ClaimRef = &corev1.ObjectReference{Namespace: s.Namespace, Name: name, UID: uid}
			})
			return s
		}
	}
	return []built{
		{"01 a claim older than the set, and a pod that crashes", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.StatefulSet.CreationTimestamp, s.Pods[0].CreationTimestamp = s.ago(4*time.Minute), s.ago(4*time.Minute)
			s.crashing("web-0", 1, time.Second)
			return s
		}, "storage: persistentvolumeclaim/data-web-0 was made 6m", "earlier-data"},
		{"01 twin: the claim was made by this set", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.crashing("web-0", 1, time.Second)
			return s
		}, "container: pod/web-0 has container main that ends again and again (4 restarts, exit code 1)", "crash-loop"},
		{"01 twin: another pod runs well on a claim as old", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.StatefulSet.CreationTimestamp, pod(s.State, "web-0").CreationTimestamp = s.ago(4*time.Minute), s.ago(4*time.Minute)
			s.crashing("web-0", 1, time.Second)
			return s
		}, "container: pod/web-0 has container main that ends again and again", "crash-loop"},
		{"01 twin: the limit of memory ends it, whatever the claim's age", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.StatefulSet.CreationTimestamp, s.Pods[0].CreationTimestamp = s.ago(4*time.Minute), s.ago(4*time.Minute)
			s.crashing("web-0", 137, time.Second).LastTerminationState.Terminated.Reason = "OOMKilled"
			s.container("web-0", func(c *corev1.Container) { c.Resources.Limits = memory("16Mi") })
			return s
		}, "container: pod/web-0 has container main that uses more memory than its limit", "out-of-memory"},

		{
			"02 a volume that belongs to an earlier claim of the name", released(corev1.VolumeReleased, "data-web-0", "gone"),
			"storage: persistentvolume/by-hand is Released and still belongs to an earlier claim data-web-0, so that claim data-web-0 is not bound to it", "volume-released",
		},
		{
			"02 a volume that belongs to a claim of another name", released(corev1.VolumeReleased, "old", "gone"),
			"storage: persistentvolume/by-hand is Released and still belongs to an earlier claim old", "volume-released",
		},
		{
			"02 twin: another claim has the volume", released(corev1.VolumeBound, "other", "there"),
			`storage: persistentvolumeclaim/data-web-0 finds no free volume of class "diagnose-byhand": all 1 are taken by other claims`, "no-volume",
		},
		{"02 twin: the volume is released and too small", func(t *testing.T) state {
			t.Helper()
			s := released(corev1.VolumeReleased, "data-web-0", "gone")(t)
			s.Volumes[len(s.Volumes)-1].Spec.Capacity[corev1.ResourceStorage] = resource.MustParse("1Mi")
			return s
		}, `storage: persistentvolumeclaim/data-web-0 asks for 16Mi, and none of the 1 free volume of class "diagnose-byhand" has that size`, "no-volume-of-size"},
		{"a claim that names a volume which does not exist", func(t *testing.T) state {
			t.Helper()
			s := static(t)
			s.claim("data-web-0").Spec.VolumeName = "typo"
			return s
		}, "storage: persistentvolumeclaim/data-web-0 names the volume typo, which does not exist", "no-volume"},

		{"09 a template that asks for more than the claims", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			grown(s)
			return s
		}, "storage: persistentvolumeclaim/data-web-0 asks for 16Mi, and the set's template for 64Mi: existing claims do not follow the template", diagnose.Note},
		{"09 twin: the claim asks for it, and its volume is not made larger", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			grown(s)
			for i := range s.Claims {
				s.Claims[i].Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("64Mi")
			}
			e := s.said("data-web-0", "VolumeResizeFailed", "resize volume failed: the disk is in use", time.Minute)
			e.InvolvedObject.Kind = "PersistentVolumeClaim"
			return s
		}, "storage: persistentvolumeclaim/data-web-0 asks for 64Mi and has 16Mi: making its volume larger fails", "resize-fails"},
		{"09 twin: the claims were made larger by hand", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			for i := range s.Claims {
				s.Claims[i].Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("64Mi")
				s.Claims[i].Status.Capacity[corev1.ResourceStorage] = resource.MustParse("64Mi")
			}
			return s
		}, "", ""},
		{"a claim of a Ready pod that is being deleted", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			at := s.ago(time.Minute)
			s.claim("data-web-1").DeletionTimestamp = &at
			return s
		}, "storage: persistentvolumeclaim/data-web-1 is being deleted: it goes with its data as soon as pod web-1 ends", "claim-terminating"},

		{"11 a driver that the pod's node does not know", func(t *testing.T) state {
			t.Helper()
			s := csi(t)
			s.CSINodes = nodesWith("diag-worker", "", "other", "disks.example.com")
			return s
		}, "storage: csinode/diag-worker does not list the driver disks.example.com, which the volume pvc-8368eace-7ec5-4791-9cd0-3342afc18002 of claim data-web-0 needs", "csi-driver"},
		{"11 twin: the driver has registered since", func(t *testing.T) state {
			t.Helper()
			s := csi(t)
			s.CSINodes = nodesWith("diag-worker", "disks.example.com")
			return s
		}, "storage: pod/web-0 could not use a volume, since node diag-worker did not know the driver disks.example.com; by now it does", "volume-mount"},
		{"a kubelet that says last that it waited in vain", func(t *testing.T) state {
			t.Helper()
			s := csi(t)
			s.Events[len(s.Events)-1].Message = `MountVolume.SetUp failed for volume "tls" : secret "web-tls" not found`
			s.said("web-0", "FailedMount", "Unable to attach or mount volumes: unmounted volumes=[tls], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition", time.Second)
			return s
		}, "configuration: secret/web-tls does not exist, and volume tls of pod web-0 needs it", "config-missing"},
		{"11 twin: the driver is there and fails", func(t *testing.T) state {
			t.Helper()
			s := csi(t)
			s.CSINodes = nodesWith("diag-worker", "disks.example.com")
			s.Events[len(s.Events)-1].Message = `MountVolume.SetUp failed for volume "x" : rpc error: code = Internal desc = no such disk`
			return s
		}, "storage: pod/web-0 cannot use a volume: MountVolume.SetUp failed", "volume-mount"},
	}
}

func admissionCases() []built {
	above := `Pod "web-0" is invalid: spec.containers[0].resources.requests: Invalid value: "128Mi": must be less than or equal to memory limit of 64Mi`
	defaults := func(limit string) corev1.LimitRange {
		return corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "defaults"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
			Type: corev1.LimitTypeContainer, Default: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)},
		}}}}
	}
	return []built{
		{"23 a default limit below the request", func(t *testing.T) state {
			t.Helper()
			s := rejected(t, above)
			s.Limits = []corev1.LimitRange{defaults("64Mi")}
			return s
		}, "quota: limitrange/defaults gives container main the default memory limit 64Mi, which is below the 128Mi that the set's template requests", "default-limit"},
		{"23 twin: no limit range has that default", func(t *testing.T) state {
			t.Helper()
			s := rejected(t, above)
			s.Limits = []corev1.LimitRange{defaults("1Gi")}
			return s
		}, "admission: statefulset/web requests 128Mi of memory for container main, and something gives that a limit of 64Mi", diagnose.Unknown},
		{"23 twin: above the maximum", func(t *testing.T) state {
			t.Helper()
			return rejected(t, `pods "web-0" is forbidden: maximum memory usage per Container is 64Mi, but limit is 128Mi`)
		}, "quota: namespace/", "limit-range"},
		{"25 a priority class that does not exist", func(t *testing.T) state {
			t.Helper()
			return rejected(t, `pods "web-0" is forbidden: no PriorityClass with name database-critical was found`)
		}, "admission: priorityclass/database-critical does not exist, and the set's template names it", "pod-class-missing"},
		{"25 a runtime class that does not exist", func(t *testing.T) state {
			t.Helper()
			return rejected(t, `pods "web-0" is forbidden: pod rejected: RuntimeClass "gvisor" not found`)
		}, "admission: runtimeclass/gvisor does not exist, and the set's template names it", "pod-class-missing"},
		{"25 twin: the class exists, and no quota admits it here", func(t *testing.T) state {
			t.Helper()
			return rejected(t, `pods "web-0" is forbidden: insufficient quota to match these scopes: [{PriorityClass In [system-node-critical system-cluster-critical]}]`)
		}, "quota: namespace/", "quota-scope"},
		{"a name that is too long for a label", func(t *testing.T) state {
			t.Helper()
			return rejected(t, `Pod "web-0" is invalid: metadata.labels: Invalid value: "web-7c98cf7c44": must be no more than 63 bytes`)
		}, "admission: statefulset/web has too long a name", "pod-invalid"},
		{"a template of which no valid pod can be made", func(t *testing.T) state {
			t.Helper()
			return rejected(t, `Pod "web-0" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "data"`)
		}, `admission: statefulset/web has a template from which no valid pod can be made: spec.containers[0].volumeMounts[0].name: Not found: "data"`, "pod-invalid"},
		{"a pod that was rejected once, and was made since", func(t *testing.T) state {
			t.Helper()
			s := rejected(t, `pods "web-0" is forbidden: no PriorityClass with name database-critical was found`)
			s.Events[len(s.Events)-1].LastTimestamp = s.ago(5 * time.Minute)
			s.said("web", "SuccessfulCreate", "Create Pod web-0 in StatefulSet web successful", 2*time.Minute)
			return s
		}, "controller: statefulset/web lacks pod web-0, and nothing that was read says why", diagnose.Unknown},
		{"a claim that is still being deleted", func(t *testing.T) state {
			t.Helper()
			s := rejected(t, "pvc data-web-0 is being deleted")
			s.claim("data-web-0").Finalizers = []string{"example.com/backup"}
			return s
		}, "storage: persistentvolumeclaim/data-web-0 is being deleted and held by its finalizers example.com/backup", "claim-terminating"},
	}
}
