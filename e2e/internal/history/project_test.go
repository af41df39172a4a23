package history_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

const mine = history.Prefix + "template"

func noon() metav1.Time { return metav1.NewTime(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)) }

// objectMeta is a meta with every field that is recorded.
func objectMeta() metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: "web-0", UID: "u", ResourceVersion: "812", Generation: 3, CreationTimestamp: noon(), DeletionTimestamp: new(noon()),
		DeletionGracePeriodSeconds: new(int64(30)), Labels: map[string]string{"app": "web", mine: "2"},
		OwnerReferences: []metav1.OwnerReference{{Kind: "Other", UID: "x"}, {Kind: "StatefulSet", Name: "web", UID: "s", Controller: new(true)}},
		Finalizers:      []string{"f"},
		Annotations:     map[string]string{mine: "2", "cni.example/ip": "10.0.0.1"}, Namespace: "n", ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m"}},
	}
}

func recordedMeta() history.Meta {
	return history.Meta{
		Name: "web-0", UID: "u", ResourceVersion: "812", Generation: 3, CreationTimestamp: noon(), DeletionTimestamp: new(noon()),
		DeletionGrace: new(int64(30)), Labels: map[string]string{"app": "web", mine: "2"},
		Owners:     []metav1.OwnerReference{{Kind: "Other", UID: "x"}, {Kind: "StatefulSet", Name: "web", UID: "s", Controller: new(true)}},
		Finalizers: []string{"f"},
	}
}

func podSpec() corev1.PodSpec {
	return corev1.PodSpec{
		NodeName: "node", Hostname: "web-0", Subdomain: "svc", TerminationGracePeriodSeconds: new(int64(7)),
		Containers: []corev1.Container{
			{Name: "a", Image: "image:1", Command: []string{"serve"}, Args: []string{"2", "3"}, Env: []corev1.EnvVar{{Name: "TEMPLATE", Value: "v"}, {Name: "PASSWORD", Value: "secret"}, {Name: "EMPTY"}, {Name: "IP", ValueFrom: &corev1.EnvVarSource{}}}},
			{Name: "b", Image: "image:2"},
		},
		Volumes: []corev1.Volume{
			{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-web-0"}}},
			{Name: "token", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
	}
}

func podTemplate() history.Template {
	return history.Template{
		Annotations: map[string]string{mine: "2"}, Labels: map[string]string{mine: "2"}, Images: map[string]string{"a": "image:1", "b": "image:2"},
		Commands: map[string]string{"a": "9c558dceb92a30c8"}, Env: map[string]string{"a/TEMPLATE": "v"},
	}
}

func TestProjectKeepsEveryField(t *testing.T) {
	spec := podSpec()
	template := podSpec()
	template.HostNetwork = true
	for _, tt := range []struct {
		name string
		obj  runtime.Object
		want history.Event
	}{
		{"pod", &corev1.Pod{ObjectMeta: objectMeta(), Spec: spec, Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}, {IP: "fd00::1"}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "R", Message: "m", LastTransitionTime: noon()}},
			ContainerStatuses: []corev1.ContainerStatus{
				{Name: "a", RestartCount: 2, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: noon()}}},
				{Name: "b", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled", StartedAt: noon(), FinishedAt: noon()}}},
				{Name: "c", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}},
				{Name: "d"},
			},
		}}, history.Event{Resource: history.Pods, Pod: &history.Pod{
			Phase: corev1.PodRunning, Node: "node", IPs: []string{"10.0.0.1", "fd00::1"}, Hostname: "web-0", Subdomain: "svc", Grace: new(int64(7)),
			Conditions: []history.Condition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "R", Transition: noon()}},
			Containers: []history.Container{
				{Name: "a", State: history.ContainerRunning, Restarts: 2, Started: noon()},
				{Name: "b", State: history.ContainerTerminated, Reason: "OOMKilled", ExitCode: 137, Started: noon(), Finished: noon()},
				{Name: "c", State: history.ContainerWaiting, Reason: "CrashLoopBackOff"},
				{Name: "d", State: history.ContainerWaiting},
			},
			Claims: map[string]string{"data": "data-web-0"}, Template: podTemplate(),
		}}},
		{"claim", &corev1.PersistentVolumeClaim{
			ObjectMeta: objectMeta(), Spec: claimSpec(),
			Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
		}, history.Event{Resource: history.Claims, Claim: &history.Claim{Phase: corev1.ClaimBound, Volume: "pv-1", Class: "standard", Request: history.ClaimRequest{Size: "1Gi", Modes: "ReadWriteOnce,ReadOnlyMany", Mode: "Block"}}}},
		{"set", &appsv1.StatefulSet{
			ObjectMeta: objectMeta(),
			Spec: appsv1.StatefulSetSpec{
				Replicas: new(int32(0)), Ordinals: &appsv1.StatefulSetOrdinals{Start: 5}, PodManagementPolicy: appsv1.ParallelPodManagement,
				UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType, RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{
					Partition: new(int32(2)), MaxUnavailable: new(intstr.FromString("25%")),
				}},
				MinReadySeconds: 9, ServiceName: "svc", RevisionHistoryLimit: new(int32(4)),
				PersistentVolumeClaimRetentionPolicy: &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{WhenScaled: "Delete", WhenDeleted: "Retain"},
				Selector:                             &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
				VolumeClaimTemplates:                 []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: claimSpec()}, {ObjectMeta: metav1.ObjectMeta{Name: "log", Labels: map[string]string{"kind": "log"}}}},
				Template:                             corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{mine: "2", "x": "y"}, Labels: map[string]string{mine: "2", "app": "web"}}, Spec: template},
			},
			Status: appsv1.StatefulSetStatus{
				ObservedGeneration: 3, Replicas: 1, ReadyReplicas: 2, AvailableReplicas: 3, CurrentReplicas: 4, UpdatedReplicas: 5, CurrentRevision: "c", UpdateRevision: "u",
				Conditions: []appsv1.StatefulSetCondition{{Type: "Other", Status: corev1.ConditionTrue}, {Type: appsv1.StatefulSetProgressing, Status: corev1.ConditionFalse, LastTransitionTime: metav1.Unix(1700000000, 0)}},
			},
		}, history.Event{Resource: history.Sets, Set: &history.Set{
			Replicas: 0, Start: 5, Policy: appsv1.ParallelPodManagement, Strategy: appsv1.RollingUpdateStatefulSetStrategyType, Partition: 2, MaxUnavailable: "25%",
			MinReadySeconds: 9, ServiceName: "svc", RevisionHistoryLimit: new(int32(4)), WhenScaled: "Delete", WhenDeleted: "Retain",
			Selector: map[string]string{"app": "web"}, ClaimTemplates: []string{"data", "log"},
			ClaimRequests: map[string]history.ClaimRequest{"data": {Size: "1Gi", Modes: "ReadWriteOnce,ReadOnlyMany", Class: "standard", Mode: "Block"}, "log": {}}, ClaimLabels: map[string]map[string]string{"log": {"kind": "log"}}, PodGrace: new(int64(7)), FreeHostname: true, PodHostname: "web-0", PodSubdomain: "svc", PodVolumes: []string{"data", "token"}, Template: podTemplate(),
			Status: history.Status{ObservedGeneration: 3, Replicas: 1, Ready: 2, Available: 3, Current: 4, Updated: 5, CurrentRevision: "c", UpdateRevision: "u", Progressing: corev1.ConditionFalse, ProgressingSince: 1700000000},
		}}},
		{
			"revision", &appsv1.ControllerRevision{ObjectMeta: objectMeta(), Revision: 7, Data: runtime.RawExtension{Raw: []byte("{}")}},
			history.Event{Resource: history.Revisions, Revision: &history.Revision{Number: 7, Data: "44136fa355b3678a"}},
		},
		{"slice", &discoveryv1.EndpointSlice{
			ObjectMeta: withLabel(discoveryv1.LabelServiceName, "svc"), AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints: []discoveryv1.Endpoint{
				{Addresses: []string{"10.0.0.1"}, Hostname: new("web-0"), TargetRef: &corev1.ObjectReference{Name: "web-0", UID: "p"}, Conditions: discoveryv1.EndpointConditions{
					Ready: new(false), Serving: new(true), Terminating: new(true),
				}},
				{Addresses: []string{"10.0.0.2"}, Conditions: discoveryv1.EndpointConditions{Serving: new(false)}},
			},
		}, history.Event{Resource: history.Slices, Slice: &history.Slice{Service: "svc", Addresses: "IPv4", Endpoints: []history.Endpoint{
			{Addresses: []string{"10.0.0.1"}, Hostname: "web-0", Target: "web-0", TargetUID: "p", Serving: true, Terminating: true},
			{Addresses: []string{"10.0.0.2"}, Ready: true},
		}}}},
		{"service", &corev1.Service{ObjectMeta: objectMeta(), Spec: corev1.ServiceSpec{
			ClusterIPs: []string{"None"}, IPFamilies: []corev1.IPFamily{"IPv4", "IPv6"}, Selector: map[string]string{"app": "web"}, PublishNotReadyAddresses: true,
		}}, history.Event{Resource: history.Services, Service: &history.Service{
			ClusterIPs: []string{"None"}, Families: []string{"IPv4", "IPv6"}, Selector: map[string]string{"app": "web"}, PublishNotReady: true,
		}}},
		{"budget", &policyv1.PodDisruptionBudget{
			ObjectMeta: objectMeta(),
			Spec: policyv1.PodDisruptionBudgetSpec{
				Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, MinAvailable: new(intstr.FromInt32(1)), MaxUnavailable: new(intstr.FromString("50%")),
			},
			Status: policyv1.PodDisruptionBudgetStatus{ObservedGeneration: objectMeta().Generation, DisruptionsAllowed: 1, CurrentHealthy: 2, DesiredHealthy: 3, ExpectedPods: 4, DisruptedPods: map[string]metav1.Time{"web-0": {}}},
		}, history.Event{Resource: history.Budgets, Budget: &history.Budget{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, MinAvailable: "1", MaxUnavailable: "50%", Computed: true,
			Allowed: 1, Healthy: 2, Desired: 3, Expected: 4, Evicting: 1,
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := history.Project(tt.obj)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Meta = recordedMeta()
			if tt.name == "slice" {
				tt.want.Labels[discoveryv1.LabelServiceName] = "svc"
			}
			// The digest changes with the fields that the API knows, so it has a test of its own.
			if diff := cmp.Diff(&tt.want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(history.Set{}, "TemplateDigest"),
				cmpopts.IgnoreFields(history.Template{}, "Parts"), cmpopts.IgnoreFields(history.ClaimRequest{}, "Parts")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestProjectReports: of an Event object's message nothing but the names of a pod and a claim that was made or deleted is recorded.
func TestProjectReports(t *testing.T) {
	about := corev1.ObjectReference{Kind: "StatefulSet", Namespace: "n", Name: "web", UID: "s", FieldPath: "f"}
	micro := metav1.NewMicroTime(noon().Add(1500 * time.Millisecond))
	second := metav1.NewTime(noon().Add(time.Second))
	for name, tt := range map[string]struct {
		obj  corev1.Event
		want history.Report
		pod  string // whose deletion it tells
	}{
		"a deletion": {
			corev1.Event{Reason: "SuccessfulDelete", Message: "delete Pod web-0 in StatefulSet web successful", Source: corev1.EventSource{Component: "statefulset-controller"}, LastTimestamp: noon(), Count: 2},
			history.Report{Reason: "SuccessfulDelete", Reporter: "statefulset-controller", Pod: "web-0", Count: 2, Last: noon()},
			"web-0",
		},
		"combined": {
			corev1.Event{Reason: "SuccessfulDelete", Message: "(combined from similar events): Delete Pod web-12 in StatefulSet web successful", ReportingController: "statefulset-controller", LastTimestamp: noon()},
			history.Report{Reason: "SuccessfulDelete", Reporter: "statefulset-controller", Pod: "web-12", Last: noon()},
			"web-12",
		},
		"in other words": {
			corev1.Event{Reason: "SuccessfulDelete", Message: "Deleted pod: web-3", ReportingController: "statefulset-controller", LastTimestamp: noon()},
			history.Report{Reason: "SuccessfulDelete", Reporter: "statefulset-controller", Pod: "web-3", Last: noon()},
			"web-3",
		},
		"of the newer API": {
			corev1.Event{Reason: "SuccessfulDelete", Message: "Pod", ReportingController: "statefulset-controller", EventTime: micro},
			history.Report{Reason: "SuccessfulDelete", Reporter: "statefulset-controller", Last: second},
			"",
		},
		"a series": {
			corev1.Event{Reason: "SuccessfulDelete", Message: "of Pod a-0", ReportingController: "mine", Series: &corev1.EventSeries{Count: 7, LastObservedTime: micro}},
			history.Report{Reason: "SuccessfulDelete", Reporter: "mine", Pod: "a-0", Count: 7, Last: second},
			"",
		},
		"a pod that was made": {
			corev1.Event{Reason: "SuccessfulCreate", Message: "create Pod web-0 in StatefulSet web successful", Source: corev1.EventSource{Component: "statefulset-controller"}},
			history.Report{Reason: "SuccessfulCreate", Reporter: "statefulset-controller", Pod: "web-0"},
			"",
		},
		"a claim that was made": {
			corev1.Event{Reason: "SuccessfulCreate", Message: "Create Claim data-web-0 Pod web-0 in StatefulSet web success", Source: corev1.EventSource{Component: "statefulset-controller"}},
			history.Report{Reason: "SuccessfulCreate", Reporter: "statefulset-controller", Pod: "web-0", Claim: "data-web-0"},
			"",
		},
		"a failure, with a text that may hold a secret": {
			corev1.Event{Reason: "FailedCreate", Message: "create Pod web-0 in StatefulSet web failed error: token=abc", Source: corev1.EventSource{Component: "statefulset-controller"}, Type: "Warning"},
			history.Report{Reason: "FailedCreate", Reporter: "statefulset-controller", Type: "Warning"},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.obj.ObjectMeta, tt.obj.InvolvedObject = objectMeta(), about
			got, err := history.Project(&tt.obj)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Kind, tt.want.Object, tt.want.UID = "StatefulSet", "web", "s"
			if diff := cmp.Diff(&history.Event{Resource: history.Events, Meta: recordedMeta(), Report: &tt.want}, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if pod := got.DeletionReport(); pod != tt.pod {
				t.Errorf("expected a report of the deletion of %q, found %q", tt.pod, pod)
			}
		})
	}
}

func TestProjectTellsTemplatesApart(t *testing.T) {
	digest := func(change func(*corev1.PodTemplateSpec)) string {
		set := &appsv1.StatefulSet{}
		change(&set.Spec.Template)
		e, err := history.Project(set)
		if err != nil {
			t.Fatal(err)
		}
		return e.Set.TemplateDigest
	}
	same := digest(func(*corev1.PodTemplateSpec) {})
	if same == "" || same != digest(func(*corev1.PodTemplateSpec) {}) {
		t.Errorf("expected equal templates to have one digest, found %q", same)
	}
	if same == digest(func(p *corev1.PodTemplateSpec) { p.Labels = map[string]string{"a": "b"} }) {
		t.Error("expected a template with another label to have another digest")
	}
}

func withLabel(key, value string) metav1.ObjectMeta {
	m := objectMeta()
	m.Labels[key] = value
	return m
}

func TestProjectTakesUnsetFieldsForTheirDefaults(t *testing.T) {
	for _, obj := range []runtime.Object{
		&corev1.Pod{}, &corev1.PersistentVolumeClaim{}, &appsv1.ControllerRevision{}, &discoveryv1.EndpointSlice{}, &corev1.Service{}, &corev1.Event{},
	} {
		if _, err := history.Project(obj); err != nil {
			t.Errorf("%T: %v", obj, err)
		}
	}
	for name, strategy := range map[string]appsv1.StatefulSetUpdateStrategy{
		"no strategy": {}, "an empty rolling update": {RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{}},
	} {
		e, err := history.Project(&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{UpdateStrategy: strategy}})
		if err != nil {
			t.Fatal(err)
		}
		if s := e.Set; s.Replicas != 1 || s.Start != 0 || s.Partition != 0 || s.MaxUnavailable != "" || s.Selector != nil || s.FreeHostname {
			t.Errorf("%s: found %+v", name, s)
		}
	}
}

func TestProjectSeesEveryWayToAHostnameOfItsOwn(t *testing.T) {
	for name, spec := range map[string]corev1.PodSpec{
		"hostNetwork": {HostNetwork: true}, "setHostnameAsFQDN": {SetHostnameAsFQDN: new(true)}, "hostnameOverride": {HostnameOverride: new("x")},
	} {
		e, err := history.Project(&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Template: corev1.PodTemplateSpec{Spec: spec}}})
		if err != nil || !e.Set.FreeHostname {
			t.Errorf("%s: expected FreeHostname, found %+v and %v", name, e, err)
		}
	}
}

// TestProjectNodes: of a node only what says whether pods can run there, and not what its kubelet writes all the time.
func TestProjectNodes(t *testing.T) {
	node := func(beat time.Time) *corev1.Node {
		return &corev1.Node{
			ObjectMeta: objectMeta(), Spec: corev1.NodeSpec{Unschedulable: true, Taints: []corev1.Taint{{Key: "k", Value: "v", Effect: corev1.TaintEffectNoExecute, TimeAdded: new(noon())}}},
			Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{
				Type: corev1.NodeReady, Status: corev1.ConditionFalse, Reason: "R", Message: "m", LastHeartbeatTime: metav1.NewTime(beat), LastTransitionTime: noon(),
			}}},
		}
	}
	got, err := history.Project(node(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	want := recordedMeta()
	want.Labels, want.Owners, want.Finalizers = nil, nil, nil
	if diff := cmp.Diff(&history.Event{Resource: history.Nodes, Meta: want, Node: &history.Node{
		Unschedulable: true, Taints: []history.Taint{{Key: "k", Value: "v", Effect: corev1.TaintEffectNoExecute}},
		Conditions: []history.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionFalse, Reason: "R", Transition: noon()}},
	}}, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	later, err := history.Project(node(time.Now().Add(time.Minute)))
	if err != nil || !history.SameNode(got, later) {
		t.Errorf("expected a heartbeat to change nothing that is recorded: %v", err)
	}
	changed := node(time.Now())
	changed.Spec.Unschedulable = false
	if e, err := history.Project(changed); err != nil || history.SameNode(got, e) {
		t.Errorf("expected another node that is not cordoned any more: %v", err)
	}
}

func TestProjectRefusesForeignObjects(t *testing.T) {
	for _, obj := range []runtime.Object{&corev1.ConfigMap{}, &appsv1.Deployment{}, &metav1.Status{}, nil} {
		if e, err := history.Project(obj); err == nil || !strings.Contains(err.Error(), "not a recorded type") {
			t.Errorf("%T: expected an error, found %+v and %v", obj, e, err)
		}
	}
}

func TestHeadless(t *testing.T) {
	for _, tt := range []struct {
		ips  []string
		want bool
	}{{nil, false}, {[]string{"None"}, true}, {[]string{"10.0.0.1", "None"}, false}, {[]string{""}, false}} {
		if s := (&history.Service{ClusterIPs: tt.ips}); s.Headless() != tt.want {
			t.Errorf("%v: expected %v", tt.ips, tt.want)
		}
	}
}

func TestControllerIsTheManagingOwner(t *testing.T) {
	m := recordedMeta()
	if c := m.Controller(); c == nil || c.UID != "s" {
		t.Errorf("expected s, found %+v", c)
	}
	m.Owners = []metav1.OwnerReference{{UID: "a"}, {UID: "b", Controller: new(false)}}
	if c := m.Controller(); c != nil {
		t.Errorf("expected none, found %+v", c)
	}
}

// claimSpec is the spec of a claim with every field that is recorded.
func claimSpec() corev1.PersistentVolumeClaimSpec {
	return corev1.PersistentVolumeClaimSpec{
		VolumeName: "pv-1", VolumeMode: new(corev1.PersistentVolumeBlock), StorageClassName: new("standard"), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadOnlyMany},
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
	}
}

// Where an update names the strategy's type alone, the API server leaves out the rest.
func TestProjectTellsAStrategyWithoutRollingUpdate(t *testing.T) {
	for _, tt := range []struct {
		strategy appsv1.StatefulSetUpdateStrategy
		want     bool
	}{
		{appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType}, true},
		{appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType, RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(0))}}, false},
		{appsv1.StatefulSetUpdateStrategy{Type: appsv1.OnDeleteStatefulSetStrategyType}, false},
	} {
		e, err := history.Project(&appsv1.StatefulSet{ObjectMeta: objectMeta(), Spec: appsv1.StatefulSetSpec{UpdateStrategy: tt.strategy}})
		if err != nil {
			t.Fatal(err)
		}
		if e.Set.NoRollingUpdate != tt.want {
			t.Errorf("%+v: expected %v", tt.strategy, tt.want)
		}
	}
}
