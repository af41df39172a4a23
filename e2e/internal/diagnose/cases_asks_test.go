package diagnose_test

import (
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// asksCases are of who asks for what no node has, and of tolerations and rules that do not fit.
func asksCases() []built {
	asks := func(name corev1.ResourceName, change func(template, own *corev1.PodSpec)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := pending(t, "0/3 nodes are available: 3 Insufficient "+string(name))
			change(&s.StatefulSet.Spec.Template.Spec, &pod(s.State, "web-2").Spec)
			return s
		}
	}
	wants := func(name corev1.ResourceName, amount string) corev1.ResourceList {
		return corev1.ResourceList{name: resource.MustParse(amount)}
	}
	tolerates := func(tolerations ...corev1.Toleration) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := pending(t, "0/3 nodes are available: 3 node(s) had untolerated taint(s)")
			for i := range s.Nodes[1:] {
				s.Nodes[i+1].Spec.Taints = []corev1.Taint{{Key: "dedicated", Value: "db", Effect: corev1.TaintEffectNoSchedule}}
			}
			p := pod(s.State, "web-2")
			p.Spec.Tolerations = append(p.Spec.Tolerations, tolerations...)
			return s
		}
	}
	together := func(selects string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			at := s.Pods[0].Spec.NodeName
			for i := range s.Pods {
				s.Pods[i].Spec.NodeName = at
			}
			for i := range s.Nodes {
				s.Nodes[i].Spec.Taints, s.Nodes[i].Spec.Unschedulable = nil, false
			}
			s.Nodes = append(s.Nodes, *s.Nodes[0].DeepCopy())
			s.Nodes[len(s.Nodes)-1].Name = "another"
			s.StatefulSet.Spec.Template.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
				LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": selects}}, TopologyKey: "kubernetes.io/hostname",
			}}}}
			return s
		}
	}
	const (
		cpu      = "scheduling: pod/web-2 fits on none of 3 nodes: 3 with too little cpu left, 1 with a taint that the pod does not tolerate"
		memory   = "scheduling: pod/web-2 fits on none of 3 nodes: 3 with too little memory left, 1 with a taint that the pod does not tolerate; no node has 900Gi of memory at all, however empty"
		dedicate = "scheduling: pod/web-2 fits on none of 3 nodes: 3 with a taint that the pod does not tolerate; the taint is dedicated=db:NoSchedule"
	)
	return []built{
		{"processors instead of thousandths of them", asks("cpu", func(template, own *corev1.PodSpec) {
			own.Containers[0].Resources.Requests, template.Containers[0].Resources.Requests = wants("cpu", "500"), wants("cpu", "500")
		}), cpu + "; no node has 500 of cpu at all, however empty; cpu: 500 without a unit are 500 whole processors, 500m would be thousandths of one", "resources"},
		{"twin: an init container asks for more than any node has", asks("cpu", func(template, own *corev1.PodSpec) {
			big := corev1.Container{Name: "restore", Image: "x", Resources: corev1.ResourceRequirements{Requests: wants("cpu", "32")}}
			own.InitContainers, template.InitContainers = []corev1.Container{big}, []corev1.Container{big}
		}), cpu + "; no node has 32 of cpu at all, however empty; init container restore asks for 32 of it", "resources"},
		{"a limit that stands for a request", asks("memory", func(template, own *corev1.PodSpec) {
			own.Containers[0].Resources = corev1.ResourceRequirements{Requests: wants("memory", "900Gi"), Limits: wants("memory", "900Gi")}
			template.Containers[0].Resources.Limits = wants("memory", "900Gi")
		}), memory + "; container main asks for as much as its limit, 900Gi, since the set's template gives it no request", "resources"},
		{"twin: a request that is not the template's", asks("memory", func(_, own *corev1.PodSpec) {
			own.Containers[0].Resources.Requests = wants("memory", "900Gi")
		}), memory + "; container main asks for 900Gi, which the set's template does not: a LimitRange of the namespace gives containers a default", "resources"},

		{"a toleration with another value", tolerates(corev1.Toleration{Key: "dedicated", Value: "web", Effect: corev1.TaintEffectNoSchedule}), dedicate + `; the pod's toleration of dedicated does not fit: it has the value "web", the taint "db"`, "taint"},
		{"twin: a toleration of another effect", tolerates(corev1.Toleration{Key: "dedicated", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}), dedicate + "; the pod's toleration of dedicated does not fit: it is for the effect NoExecute, the taint's is NoSchedule", "taint"},
		{"twin: no toleration of it", tolerates(), dedicate, "taint"},

		{"a rule that misses the set's own pods", together("wbe"), "scheduling: statefulset/web has all of its 2 pods on node diag-worker", diagnose.Note},
		{"twin: a rule that matches them", together("web"), "scheduling: statefulset/web has all of its 2 pods on node diag-worker", diagnose.Note},
	}
}

// TestRulesThatMiss names the rule that was meant to keep pods apart.
func TestRulesThatMiss(t *testing.T) {
	for _, c := range asksCases() {
		if !strings.HasSuffix(c.line, "on node diag-worker") {
			continue
		}
		line := diagnose.Diagnose(c.state(t).State)[0].Line()
		if misses := strings.Contains(line, "though its template has a podAntiAffinity by kubernetes.io/hostname: that keeps them away from pods with app=wbe, which the set's do not have"); misses != (c.name == "a rule that misses the set's own pods") {
			t.Errorf("%s: %s", c.name, line)
		}
	}
}

// reachCases are of services that lead clients elsewhere than they think, and of autoscalers that find nothing.
func reachCases() []built {
	service := func(change func(state, *corev1.Service)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			c := corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web-clients", Namespace: s.Namespace, CreationTimestamp: s.ago(time.Hour)}}
			c.Spec.Selector, c.Spec.ClusterIP, c.Spec.Type = s.StatefulSet.Spec.Template.Labels, "10.96.0.9", corev1.ServiceTypeClusterIP
			c.Spec.Ports = []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}
			s.container("web-0", func(c *corev1.Container) { c.Ports = []corev1.ContainerPort{{ContainerPort: 8080}} })
			change(s, &c)
			s.Services = append(s.Services, c)
			return s
		}
	}
	local := corev1.ServiceInternalTrafficPolicyLocal
	another := func(s state) {
		n := s.Nodes[0].DeepCopy()
		n.Name, n.Spec.Taints, n.Spec.Unschedulable = "another", nil, false
		s.Nodes = append(s.Nodes, *n)
	}
	scaler := func(kind, reason string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			h := autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: s.Namespace}}
			h.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: kind, Name: "web"}
			h.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{
				Type: autoscalingv2.AbleToScale, Status: corev1.ConditionFalse, Reason: reason, Message: `deployments.apps "web" not found`, LastTransitionTime: s.ago(time.Hour),
			}}
			s.Autoscalers = []autoscalingv2.HorizontalPodAutoscaler{h}
			return s
		}
	}
	return []built{
		{"a headless service with another port than the pods", service(func(_ state, c *corev1.Service) { c.Spec.ClusterIP = corev1.ClusterIPNone }), "service: service/web-clients is headless, so that nobody leads its port 80 to port 8080 of the pods", diagnose.Note},
		{"twin: it has an address of its own", service(func(state, *corev1.Service) {}), "", ""},
		{"twin: the ports are the same", service(func(_ state, c *corev1.Service) { c.Spec.ClusterIP, c.Spec.Ports[0].Port = corev1.ClusterIPNone, 8080 }), "", ""},
		{"a service that answers on some nodes only", service(func(s state, c *corev1.Service) { c.Spec.InternalTrafficPolicy = &local; another(s) }), "service: service/web-clients answers only on nodes with a Ready pod of it (internalTrafficPolicy: Local): pods on other nodes, such as another, reach nobody through it", diagnose.Note},
		{"twin: each node has a pod", service(func(_ state, c *corev1.Service) { c.Spec.InternalTrafficPolicy = &local }), "", ""},
		{"twin: who comes from outside", service(func(s state, c *corev1.Service) {
			c.Spec.Type, c.Spec.ExternalTrafficPolicy = corev1.ServiceTypeNodePort, corev1.ServiceExternalTrafficPolicyLocal
			another(s)
		}), "service: service/web-clients answers only on nodes with a Ready pod of it (externalTrafficPolicy: Local): who comes in through another node, such as another, reaches nobody", diagnose.Note},
		{"a service that leads a client to one pod", service(func(_ state, c *corev1.Service) { c.Spec.SessionAffinity = corev1.ServiceAffinityClientIP }), "service: service/web-clients leads all connections from one address to the same pod (sessionAffinity: ClientIP)", diagnose.Note},
		{"an autoscaler for a Deployment of the set's name", scaler("Deployment", "FailedGetScale"), "controller: horizontalpodautoscaler/web scales nothing: it is for Deployment web (apps/v1), which does not exist, and the set is a StatefulSet of apps/v1", diagnose.Note},
		{"twin: there is such a Deployment", scaler("Deployment", "BackoffBoth"), "", ""},
	}
}

// rightCases are of what a program may not do, by its own words and its pod's fields.
func rightCases() []built {
	says := func(said string, change func(*corev1.PodSpec)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.crashing("web-0", 1, time.Second).LastTerminationState.Terminated.Message = said
			change(&pod(s.State, "web-0").Spec)
			return s
		}
	}
	drop := func(add ...corev1.Capability) func(*corev1.PodSpec) {
		return func(spec *corev1.PodSpec) {
			spec.Containers[0].SecurityContext = &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}, Add: add}}
			spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: spec.Volumes[0].Name, MountPath: "/data"}}
		}
	}
	no := false
	plain := func(*corev1.PodSpec) {}
	const (
		ends  = "container: pod/web-0 has container main that ends again and again (4 restarts, exit code 1), and says: "
		token = "open /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory"
		bind  = "/docker-entrypoint.sh: ready nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)"
		chown = "chown: /data/db: Operation not permitted"
		su    = "error: failed switching to 'redis': operation not permitted"
	)
	return []built{
		{"a root without the capability to give files away", says(chown, drop()), ends + chown + "; its securityContext takes away capabilities (drop [ALL]), CHOWN among them, without which root may not do that", "file-access"},
		{"twin: it has that capability", says(chown, drop("CHOWN")), ends + chown + "; it is on the volume of claim data-web-0", "crash-loop"},
		{"twin: a root that may not become another user", says(su, drop()), ends + su + "; its securityContext takes away capabilities (drop [ALL]), SETUID among them", "file-access"},
		{"a port below 1024", says(bind, plain), ends + bind, "crash-loop"},
		{"a token that is not mounted", says(token, func(spec *corev1.PodSpec) { spec.AutomountServiceAccountToken = &no }), "configuration: pod/web-0 has container main that ends again and again (4 restarts, exit code 1), and says: " + token + "; no token of its service account is mounted (automountServiceAccountToken: false in the set's template)", "no-token"},
		{"twin: the service account says so", says(token, func(spec *corev1.PodSpec) { spec.ServiceAccountName = "clerk" }), "configuration: pod/web-0 has container main that ends again and again (4 restarts, exit code 1), and says: " + token + "; no token of its service account clerk is mounted, most likely since that says", "no-token"},
	}
}

// lookupCases are of names that containers cannot resolve, in the words that they write while others wait for them.
func lookupCases() []built {
	waits := func(says string, change func(state)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			p := pod(s.State, "web-0")
			p.Status.Phase = corev1.PodPending
			p.Spec.InitContainers = []corev1.Container{{Name: "wait", Image: "x"}}
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "wait", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(5 * time.Minute)}}}}
			s.waiting("web-0", "PodInitializing", "")
			s.Says = []diagnose.Says{{Pod: "web-0", Container: "wait", Text: says}}
			change(s)
			return s
		}
	}
	db := func(change func(state, *corev1.Service)) func(state) {
		return func(s state) {
			c := corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "db", Namespace: s.Namespace}}
			c.Spec.Selector, c.Spec.ClusterIP = map[string]string{"app": "db"}, "10.96.0.9"
			s.Names = []string{"db"}
			s.Services = append(s.Services, c)
			change(s, &s.Services[len(s.Services)-1])
		}
	}
	served := func(s state, c *corev1.Service) {
		p := pod(s.State, "web-0").DeepCopy()
		p.Name, p.UID, p.OwnerReferences, p.Labels, p.Status.Phase = "db-0", "db", nil, c.Spec.Selector, corev1.PodRunning
		for i := range p.Status.Conditions {
			p.Status.Conditions[i].Status = corev1.ConditionTrue
		}
		s.Pods = append(s.Pods, *p)
	}
	const init = "readiness: pod/web-0 waits for its init container wait, which has been running for 5m and has not ended, and says: "
	return []built{
		{"an init container that asks for a service by a short name", waits("waiting for db nc: bad address 'db'", func(state) {}), "service: service/db does not exist, and pod web-0 asks for it: it cannot resolve db, by its own words", "asked-service-missing"},
		{"twin: the service is there, without pods", waits("waiting for db", db(func(state, *corev1.Service) {})), "service: service/db selects app=db, which no pod has, and the set's template asks for db", "asked-service-unserved"},
		{"twin: it is there, on another port", waits("waiting for db", db(func(s state, c *corev1.Service) {
			served(s, c)
			c.Spec.Ports = []corev1.ServicePort{{Port: 5433}}
			s.WrongPorts = []string{"db:5432"}
		})), "service: service/db has no port 5432, on which the set's template asks for it: it has 5433", "asked-service-port"},
		{"twin: it is served", waits("waiting for db", db(served)), init + "waiting for db", "init-container"},
		{"twin: a name of another system", waits("nc: bad address 'db.example.com'", func(state) {}), init + "nc: bad address 'db.example.com'", "init-container"},
		{"twin: a pod of the set", waits("nslookup: can't resolve 'web-0'", func(state) {}), init + "nslookup: can't resolve 'web-0'", "init-container"},
		{"a container that is not ready, and says for whom it waits", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.container("web-0", func(c *corev1.Container) {
				c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}}, PeriodSeconds: 5}
			})
			s.unready("web-0", 5*time.Minute).State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(5 * time.Minute)}}
			s.said("web-0", "Unhealthy", "Readiness probe failed: dial tcp 10.0.0.7:8080: connect: connection refused", 5*time.Second)
			s.Says = []diagnose.Says{{Pod: "web-0", Container: "main", Text: "java.net.UnknownHostException: cache: Name or service not known"}}
			return s
		}, "service: service/cache does not exist, and pod web-0 asks for it: it cannot resolve cache, by its own words", "asked-service-missing"},
	}
}

// TestPortsOfServices finds ports that a service with an address of its own does not have.
func TestPortsOfServices(t *testing.T) {
	db := corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "db"}, Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.9", Ports: []corev1.ServicePort{{Port: 5432}}}}
	headless := *db.DeepCopy()
	headless.Name, headless.Spec.ClusterIP = "peers", corev1.ClusterIPNone
	for command, want := range map[string]string{
		"nc -z db 5433": "db:5433", "postgres://u@db:5434/x": "db:5434", "db.shop.svc.cluster.local:5435": "db:5435", "nc -z db 5432": "", "my-db:5433": "", "db.other.svc:5433": "", "peers:7000": "", "db version 15": "",
	} {
		s := running(t)
		s.StatefulSet.Namespace = "shop"
		s.StatefulSet.Spec.Template.Spec.Containers = []corev1.Container{{Command: []string{"sh", "-c", command}}}
		if got := strings.Join(diagnose.WrongPortsIn(s.StatefulSet, []corev1.Service{db, headless}), " "); got != want {
			t.Errorf("%s: expected %q, found %q", command, want, got)
		}
	}
}

// TestServicesByShortNames tells services that a template asks for from words that only look like them.
func TestServicesByShortNames(t *testing.T) {
	services := []corev1.Service{{ObjectMeta: metav1.ObjectMeta{Name: "db"}}, {ObjectMeta: metav1.ObjectMeta{Name: "web"}}}
	for command, want := range map[string]bool{
		"until nc -z db 5432; do sleep 2; done": true, "nslookup db": true, "curl -s http://db/health": true, "redis://user:x@db:6379/0": true, "exec serve --peer=db:7000": true,
		"cat /data/db": false, "mkdir db; cp x db/": false, "serve --name db": false, "nc -z my-db 5432": false, "nc -z db.other 5432": false, "web:8080": false,
	} {
		s := running(t)
		s.StatefulSet.Spec.ServiceName = "web"
		s.StatefulSet.Spec.Template.Spec.Containers = []corev1.Container{{Command: []string{"sh", "-c", command}}}
		if got := diagnose.ServicesIn(s.StatefulSet, services); (len(got) == 1 && got[0] == "db") != want {
			t.Errorf("%s: found %v", command, got)
		}
	}
}
