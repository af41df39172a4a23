package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Says is the end of what a container wrote that has not ended: one that others wait for, or that is not ready.
type Says struct {
	Pod       string `json:"pod"`
	Container string `json:"container"`
	Text      string `json:"text"`
}

// logField is the field of evidence that is the end of a container's log.
const logField = "log of container "

// wrote is the end of what a container wrote that has not ended, "" if it was not read.
func (l podInspector) wrote(container string) string {
	at := slices.IndexFunc(l.says, func(s Says) bool { return s.Pod == l.p.Name && s.Container == container })
	if at < 0 {
		return ""
	}
	return l.says[at].Text
}

// ServicesIn returns the services that the containers of a set's template ask for by their short name, as far as commands, arguments, environment, hooks and
// probes hold it before a port, in a URL or as what a program that asks for names is given: each once, sorted. The set's own service is not among them.
func ServicesIn(set *appsv1.StatefulSet, services []corev1.Service) []string {
	spec := &set.Spec.Template.Spec
	var texts []string
	for _, all := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range all {
			texts = append(texts, textsOf(&all[i])...)
		}
	}
	text := strings.Join(texts, "\n")
	var out []string
	for i := range services {
		name := services[i].Name
		if name == set.Spec.ServiceName {
			continue
		}
		word := regexp.QuoteMeta(name)
		pattern := regexp.MustCompile(`(?:^|[^\w.-])` + word + `(?::\d|[ \t]+\d{2,5}\b)|://(?:[^/@\s]+@)?` + word + `(?:[:/\s"']|$)|\b(?:nslookup|dig|host|ping|nc|getent hosts|curl|wget)[ \t]+(?:-\S+[ \t]+)*` + word + `(?:[\s:;/"')]|$)`)
		if pattern.MatchString(text) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// WrongPortsIn returns the services with an address of their own that the containers of a set's template ask for on a port which they do not have, as
// service:port, each once, sorted. A headless service leads to any port of its pods.
func WrongPortsIn(set *appsv1.StatefulSet, services []corev1.Service) []string {
	spec := &set.Spec.Template.Spec
	var texts []string
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		texts = append(texts, textsOf(&c)...)
	}
	text := strings.Join(texts, "\n")
	var out []string
	for i := range services {
		s := &services[i]
		if s.Spec.ClusterIP == "" || s.Spec.ClusterIP == corev1.ClusterIPNone || s.Spec.Type == corev1.ServiceTypeExternalName || len(s.Spec.Ports) == 0 {
			continue
		}
		word, namespace := regexp.QuoteMeta(s.Name), regexp.QuoteMeta(set.Namespace)
		full := word + `(?:\.` + namespace + `(?:\.svc(?:\.[a-z0-9.-]+[a-z0-9])?)?)?`
		pattern := regexp.MustCompile(`(?:^|[^\w.-])` + full + `:(\d{2,5})\b|\b(?:nc|ncat|telnet)[ \t]+(?:-\S+[ \t]+(?:\d+[ \t]+)?)*` + full + `[ \t]+(\d{2,5})\b`)
		for _, m := range pattern.FindAllStringSubmatch(text, -1) {
			m[1] += m[2]
			if !slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return fmt.Sprint(p.Port) == m[1] }) {
				out = append(out, s.Name+":"+m[1])
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// wrongPort is a service that the set's template asks for on a port which it does not have, nil if there is none.
func (v *view) wrongPort() *Finding {
	for _, asks := range v.s.WrongPorts {
		name, port, _ := strings.Cut(asks, ":")
		at := slices.IndexFunc(v.s.Services, func(s corev1.Service) bool { return s.Name == name })
		if at < 0 {
			continue
		}
		var has []string
		for _, p := range v.s.Services[at].Spec.Ports {
			has = append(has, fmt.Sprint(p.Port))
		}
		service := v.ref("service", name)
		return &Finding{
			Cause: "asked-service-port", Area: Service, Object: service, Path: []Ref{v.setRef(), service},
			What:     fmt.Sprintf("has no port %s, on which the set's template asks for it: it has %s", port, list(has)),
			Seen:     "who connects to that port of the service reaches nobody, whatever listens in its pods",
			Evidence: []Evidence{{v.setRef(), "spec.template", asks}, {service, "spec.ports[*].port", list(has)}},
			Why:      "clients of a service use its own ports; targetPort is where it leads them",
			Do:       []string{"correct the port that the program is given, or add the port to the service"},
			Look:     []string{kubectl(service, "describe service %s", name)},
		}
	}
	return nil
}

// notResolved are the names that resolvers say they do not know, in the words of common ones.
func notResolved(text string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`(?i)host not found in upstream "([^":/]+)|bad address '([^']+)'|could(?: not|n't) (?:resolve|translate) host(?: name)?:? "?([\w.-]+)|can't resolve '([^']+)'|\blookup ([\w.-]+)(?: on \S+)?: no such host|(?:ENOTFOUND|EAI_AGAIN) ([\w.-]+)|UnknownHostException: ([\w.-]+)|unknown host:? ([\w.-]+)|NXDOMAIN[^\w]+([\w.-]+)|can't find ([\w.-]+): NXDOMAIN|([\w.-]+): (?:Name or service not known|Temporary failure in name resolution|Name does not resolve)`).FindAllStringSubmatch(text, -1) {
		for _, name := range m[1:] {
			name, _, _ = strings.Cut(name, ":") // wget gives the port as well
			if name = strings.ToLower(strings.TrimSuffix(name, ".")); name != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// unknownService is a service that does not exist, and that a container could not resolve by its short name or in the set's namespace, by its own words; nil if
// none is. Names of other forms may be of other systems.
func (v *view) unknownService(pods []Finding) *Finding {
	if v.unread("services") != "" {
		return nil
	}
	for _, f := range pods {
		if f.Object.Kind != "pod" || !mayAskNames(f) {
			continue
		}
		for _, e := range f.Evidence {
			for _, name := range notResolved(e.Value) {
				service, rest, _ := strings.Cut(name, ".")
				here := rest == "" || rest == v.s.Namespace || strings.HasPrefix(rest, v.s.Namespace+".svc")
				if !here || v.pod(service) != nil || slices.ContainsFunc(v.s.Services, func(s corev1.Service) bool { return s.Name == service || s.Name == rest }) {
					continue
				}
				object := v.ref("service", service)
				return &Finding{
					Cause: "asked-service-missing", Area: Service, Object: object, Path: []Ref{v.setRef(), f.Object, object},
					What:     fmt.Sprintf("does not exist, and pod %s asks for it: it cannot resolve %s, by its own words", f.Object.Name, name),
					Seen:     "no such name can be resolved: " + name,
					Evidence: []Evidence{e, {v.ref("service", "*"), "metadata.name", v.serviceNames()}},
					Why:      "a short name is looked for in the pod's own namespace",
					Do:       []string{"create the service, or correct the name that the program is given", fmt.Sprintf("if it is in another namespace: ask for %s.NAMESPACE", service)},
					Look:     []string{kubectl(object, "get services"), "kubectl get services -A"},
				}
			}
		}
	}
	return nil
}
