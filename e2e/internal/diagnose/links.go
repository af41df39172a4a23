package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// linkValue is the value of a variable that the kubelet gives containers for each service of their namespace, as NAME_PORT=tcp://10.96.0.1:6379.
var linkValue = regexp.MustCompile(`\b(?:tcp|udp|sctp)://([0-9a-fA-F.]+|\[[0-9a-fA-F:]+\]):\d+`)

// linked makes a finding of a container that ends say that it takes for a setting of its own what the kubelet tells it of a service: its last words
// do not understand such a value, with the address of a service of its namespace.
func (v *view) linked(p *corev1.Pod, f *Finding) {
	if f.Cause != "crash-loop" || (p.Spec.EnableServiceLinks != nil && !*p.Spec.EnableServiceLinks) {
		return
	}
	for _, e := range f.Evidence {
		if !contains(strings.ToLower(e.Value))("pars", "invalid", "integer", "number", "not a valid", "for input string", "strconv", "unsupported", "illegal", "malformed") {
			continue
		}
		for _, m := range linkValue.FindAllStringSubmatch(e.Value, -1) {
			at := slices.IndexFunc(v.s.Services, func(s corev1.Service) bool { return s.Spec.ClusterIP == strings.Trim(m[1], "[]") })
			if at < 0 {
				continue
			}
			name := v.s.Services[at].Name
			variable := strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_PORT"
			set := v.setRef()
			f.Cause, f.Area, f.Object = "service-links", Config, set
			f.What = fmt.Sprintf("has its containers told of service %s in variables such as %s=%s (enableServiceLinks), and the program of pod %s takes that for a setting of its own: it ends", name, variable, m[0], p.Name)
			f.Evidence = append(f.Evidence, Evidence{v.ref("service", name), "spec.clusterIP", v.s.Services[at].Spec.ClusterIP}, Evidence{v.ref("pod", p.Name), "spec.enableServiceLinks", "true (the default)"})
			f.Why = "the kubelet gives each container variables for all services of its namespace; one that is called as the program is collides with a variable that the program knows"
			f.Do = []string{"set enableServiceLinks: false in the set's template: names in DNS do not need these variables", "or give the service another name, or set " + variable + " in the container's env, which goes before"}
			return
		}
	}
}
