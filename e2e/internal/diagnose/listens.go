package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// What programs write when they begin to listen, and about others. Addresses are told from times of day by what stands before the colon.
var (
	listening = regexp.MustCompile(`(?i)\b(listen(s|ing|er)?|serving|running on|running at|running mode|started on|started at|bound to|ready for connections|awaiting socket connections|accepting connections)\b`)
	connects  = regexp.MustCompile(`(?i)\b(connect(s|ed|ing)? to|upstream|fail(s|ed|ure)?|error|cannot|unable|refused|not listening|stop(s|ped|ping)?)\b`)
	address   = regexp.MustCompile(`(?i)(?:^|[\s"'=/(\[])(\d+\.\d+\.\d+\.\d+|localhost|\*|\[[0-9a-f:]*\]|::1?)?:(\d{2,5})(?:[^\d:.]|$)`)
	port      = regexp.MustCompile(`(?i)\bport(?:\(s\))?\W{0,6}(?:is\W{1,2})?(\d{2,5})\b`)
	aside     = regexp.MustCompile(`(?i)metric|admin|debug|pprof|health|probe|peer|raft|cluster|gossip|management`)
	loopback  = regexp.MustCompile(`^(127\.|localhost$|::1$|\[::1\]$)`)
)

// SaysListening reports whether a line of a log says on which port its program listens.
func SaysListening(line string) bool { return len(listeners(line)) > 0 }

// listener is a port on which a program says that it listens.
type listener struct {
	port int32
	// local says that only who is in the same pod reaches it.
	local bool
	pod   Ref
	where string // field of evidence
	line  string
}

// listeners returns what one line says of ports.
func listeners(line string) []listener {
	if !listening.MatchString(line) || connects.MatchString(line) {
		return nil
	}
	var out []listener
	add := func(text string, local bool) {
		if n, err := strconv.ParseInt(text, 10, 32); err == nil && n > 0 && n < 1<<16 {
			out = append(out, listener{port: int32(n), local: local, line: oneLine(line)})
		}
	}
	for _, m := range address.FindAllStringSubmatch(line, -1) {
		add(m[2], loopback.MatchString(strings.ToLower(m[1])))
	}
	if len(out) == 0 {
		local := contains(strings.ToLower(line))("127.0.0.1", "localhost", `"::1"`)
		for _, m := range port.FindAllStringSubmatch(line, -1) {
			add(m[1], local)
		}
	}
	return out
}

// listeners returns the ports on which the set's pods say that they listen.
func (v *view) listeners() []listener {
	var out []listener
	for _, s := range v.s.Listens {
		for line := range strings.SplitSeq(s.Text, "\n") {
			for _, l := range listeners(line) {
				l.pod, l.where = v.ref("pod", s.Pod), logField+s.Container
				out = append(out, l)
			}
		}
	}
	return out
}

// targetOf is the number of the port of a template's pods to which a port of a service leads, 0 where no container has one of that name.
func targetOf(spec *corev1.PodSpec, p *corev1.ServicePort) int32 {
	if p.TargetPort.Type == intstr.Int {
		if p.TargetPort.IntVal != 0 {
			return p.TargetPort.IntVal
		}
		return p.Port
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, d := range c.Ports {
			if d.Name == p.TargetPort.StrVal {
				return d.ContainerPort
			}
		}
	}
	return 0
}

// probed reports whether the readiness of a template's pods rests on that port, so that something listens there in a pod that is Ready.
func probed(spec *corev1.PodSpec, number int32) bool {
	for i := range spec.Containers {
		c := &spec.Containers[i]
		p := c.ReadinessProbe
		if p == nil {
			continue
		}
		asks := intstr.IntOrString{}
		switch {
		case p.HTTPGet != nil:
			asks = p.HTTPGet.Port
		case p.TCPSocket != nil:
			asks = p.TCPSocket.Port
		case p.GRPC != nil:
			asks = intstr.FromInt32(p.GRPC.Port)
		}
		if asks.IntVal == number || slices.ContainsFunc(c.Ports, func(d corev1.ContainerPort) bool {
			return asks.StrVal != "" && d.Name == asks.StrVal && d.ContainerPort == number
		}) {
			return true
		}
	}
	return false
}

// leads reports whether a service has an address of its own, whose ports lead to those of pods.
func leads(s *corev1.Service) bool {
	return s.Spec.ClusterIP != corev1.ClusterIPNone && s.Spec.ClusterIP != "" && s.Spec.Type != corev1.ServiceTypeExternalName
}

// LeadsUnasked reports whether a service leads clients to a port of a set's pods that no readiness probe asks: whether they listen there is then told by
// themselves alone.
func LeadsUnasked(set *appsv1.StatefulSet, services []corev1.Service) bool {
	spec := &set.Spec.Template.Spec
	return slices.ContainsFunc(services, func(s corev1.Service) bool {
		return leads(&s) && selects(&s, set.Spec.Template.Labels) && slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return !probed(spec, targetOf(spec, &p)) })
	})
}

// unheardPort is a service with an address of its own that leads to a port on which the set's pods do not listen, as far as their probes, what their
// containers declare and what these write show it. Ports need not be declared, and a program need not tell of all that it opens.
func (v *view) unheardPort(s *corev1.Service) *Finding {
	if !leads(s) || v.othersHavePort(s) {
		return nil
	}
	spec, heard := &v.set.Spec.Template.Spec, v.listeners()
	var declared []string
	has := map[int32]bool{}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, p := range c.Ports {
			has[p.ContainerPort] = true
			declared = append(declared, strings.TrimSuffix(fmt.Sprintf("%d %s", p.ContainerPort, p.Name), " "))
		}
	}
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		target := targetOf(spec, p)
		if target == 0 || probed(spec, target) || p.Protocol == corev1.ProtocolUDP {
			continue
		}
		there, local, other := hear(heard, target)
		if there {
			continue
		}
		f := &Finding{
			Cause: Note, Seen: "if nothing listens on that port, connections to the service are refused; ports need not be declared",
			Evidence: []Evidence{{v.ref("service", s.Name), fmt.Sprintf("spec.ports[%d].targetPort", p.Port), fmt.Sprint(target)}},
			Do:       []string{"compare targetPort with the port on which the program listens"},
		}
		to := fmt.Sprintf("leads port %d to port %d of the set's pods, and ", p.Port, target)
		switch {
		case local != nil && len(spec.Containers) == 1:
			f.Cause, f.What = "listens-locally", to+"there they listen on the address of the pod's own loopback alone, by their own words: "+local.line
			f.Seen = "connections to the service are refused, although the pods are Ready"
			f.Evidence = append(f.Evidence, Evidence{local.pod, local.where, local.line})
			f.Do = []string{"have the program listen on 0.0.0.0 (or ::), which is a setting of its own: such as bind, host or listen_addresses", "with a readiness probe of that port a pod to which nobody can connect is not Ready"}
		case len(declared) > 0 && !has[target] && other != nil && has[other.port]:
			f.Cause, f.What = "service-port", to+fmt.Sprintf("their containers declare %s, on which they listen by their own words", list(declared))
			f.Seen = "connections to the service are refused, although the pods are Ready"
			f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template.spec.containers[*].ports", list(declared)}, Evidence{other.pod, other.where, other.line})
			f.Do = []string{fmt.Sprintf("set targetPort of the service to %d", other.port)}
		case len(declared) > 0 && !has[target]:
			f.What = to + "their containers declare " + list(declared)
			f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template.spec.containers[*].ports", list(declared)})
		case other != nil && local == nil:
			f.What = to + fmt.Sprintf("what they write tells of port %d alone: %s", other.port, other.line)
			f.Seen = "if nothing listens on that port, connections to the service are refused, although the pods are Ready; a program need not tell of every port"
			f.Evidence = append(f.Evidence, Evidence{other.pod, other.where, other.line})
		default:
			continue
		}
		return f
	}
	return nil
}

// hear returns whether some program listens on a port for others, one that listens there for its own pod alone, and one that listens elsewhere, for
// other things than metrics or its peers.
func hear(heard []listener, number int32) (there bool, local, other *listener) {
	for i := range heard {
		l := &heard[i]
		switch {
		case l.port == number && !l.local:
			there = true
		case l.port == number:
			local = l
		case !l.local && other == nil && !aside.MatchString(l.line):
			other = l
		}
	}
	return there, local, other
}
