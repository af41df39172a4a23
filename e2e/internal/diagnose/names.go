package diagnose

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// serviceName is a name of the cluster's DNS in a text, with variables of a shell or of Kubernetes in it.
var serviceName = regexp.MustCompile(`[A-Za-z0-9$(){}_-]+(?:\.[A-Za-z0-9$(){}_-]+)*\.svc(?:\.[A-Za-z0-9-]+)*\b`)

// NamesIn returns the names of the cluster that the containers of a set's template ask for, as far as commands, arguments, environment, hooks and
// probes hold them: each once, sorted. They are those below .svc, and short ones of the set's own pods under a service (web-0.web): under another
// service than the set's they count only with a port after them, since a file may be called so too. Names of one word are those in URLs and behind programs
// that look names up, unless the template has an address for them. Configuration in files is not looked at.
func NamesIn(set *appsv1.StatefulSet) []string {
	spec := &set.Spec.Template.Spec
	var texts []string
	for _, all := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range all {
			texts = append(texts, textsOf(&all[i])...)
		}
	}
	short := regexp.MustCompile(`(?:^|[^A-Za-z0-9.-])(` + regexp.QuoteMeta(set.Name) + `-[0-9]+|\$[({]?(?:HOSTNAME|POD_NAME)[)}]?)\.([a-z0-9-]+)(:[0-9])?(?:[^A-Za-z0-9.-]|$|[0-9])`)
	var out []string
	for _, t := range texts {
		t = substitution.ReplaceAllStringFunc(t, substituted)
		out = append(out, serviceName.FindAllString(t, -1)...)
		for _, m := range short.FindAllStringSubmatch(t, -1) {
			if m[2] == set.Spec.ServiceName || m[3] != "" {
				out = append(out, m[1]+"."+m[2])
			}
		}
		for _, m := range lookup.FindAllStringSubmatch(t, -1) {
			name := firstOf(m[1], m[2])
			known := slices.ContainsFunc(spec.HostAliases, func(a corev1.HostAlias) bool { return slices.Contains(a.Hostnames, name) })
			if name != "localhost" && strings.Trim(name, "0123456789") != "" && !known && !strings.Contains(m[0], " -l") {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// lookup is a name of one word that a URL holds, or that a program is given which looks it up.
var lookup = regexp.MustCompile(`\b(?:nslookup|dig|ping|nc|getent hosts)[ \t]+(?:-\S+[ \t]+(?:\d+[ \t]+)?)*([a-z][a-z0-9-]*)(?:[\s:;/"')]|$)|://(?:[^/@\s]+@)?([a-z][a-z0-9-]*)(?:[:/\s"']|$)`)

// substitution is what a shell puts the output of a command in place of.
var substitution = regexp.MustCompile(`\$\([^()]*\)|` + "`[^`]*`")

// substituted shortens a substitution to a variable: which command it is matters for the host's name alone.
func substituted(text string) string {
	if strings.Contains(strings.ToLower(text), "hostname") {
		return "$(hostname)"
	}
	if strings.ContainsAny(text, " ./`") {
		return "$()"
	}
	return text // A variable of Kubernetes.
}

// ProbeNamesIn returns the names of the cluster that commands of readiness and startup probes hold, as NamesIn does.
func ProbeNamesIn(set *appsv1.StatefulSet) []string {
	asks := set.DeepCopy()
	spec := &asks.Spec.Template.Spec
	spec.InitContainers = nil
	for i := range spec.Containers {
		c := &spec.Containers[i]
		*c = corev1.Container{ReadinessProbe: c.ReadinessProbe, StartupProbe: c.StartupProbe}
	}
	return NamesIn(asks)
}

func textsOf(c *corev1.Container) []string {
	texts := slices.Concat(c.Command, c.Args)
	for _, e := range c.Env {
		texts = append(texts, e.Value)
	}
	handler := func(exec *corev1.ExecAction, get *corev1.HTTPGetAction) {
		if exec != nil {
			texts = append(texts, exec.Command...)
		}
		if get != nil {
			texts = append(texts, get.Host)
		}
	}
	for _, p := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if p != nil {
			handler(p.Exec, p.HTTPGet)
		}
	}
	if c.Lifecycle != nil {
		for _, h := range []*corev1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
			if h != nil {
				handler(h.Exec, h.HTTPGet)
			}
		}
	}
	return texts
}

// zoneIn is the zone in a name below .svc, "" if it has none.
func zoneIn(name string) string {
	_, zone, _ := strings.Cut(name, ".svc.")
	return strings.ToLower(zone)
}

// names follows what keeps the set's containers from resolving the names that they ask for. pods are the findings of its pods: where one of
// them may be the consequence, the cause is named; where all pods are well it is a note.
func (v *view) names(pods []Finding) []Finding {
	var found []Finding
	for _, f := range []*Finding{v.otherZone(), v.nodesResolver(pods), v.noSearches(pods), v.noServiceName(pods)} {
		if f == nil {
			continue
		}
		f.Path = []Ref{v.setRef()}
		f.Look = append(f.Look, describe(v.setRef()))
		if !slices.ContainsFunc(pods, mayAskNames) {
			f.Cause = Note
		}
		found = append(found, *f)
	}
	if f := v.unserved(pods); f != nil {
		found = append(found, *f)
	}
	wrong := v.wrongNames()
	if f := v.wrongPort(); f != nil && len(wrong) == 0 {
		wrong = append(wrong, *f)
	}
	if f := v.unknownService(pods); f != nil && len(wrong) == 0 {
		wrong = append(wrong, *f)
	}
	for _, f := range wrong {
		if !slices.ContainsFunc(pods, func(p Finding) bool {
			return mayAskNames(p) && (f.Object.Kind != "service" || tellsOf(p, f.Object.Name))
		}) {
			f.Cause = Note
		}
		found = append(found, f)
	}
	return found
}

// tellsOf reports whether a finding of a program may come from a service that is not there: it waits before the others, says that it has not resolved or
// reached something, or names the service, or says nothing at all. The service may be "", for any.
func tellsOf(f Finding, service string) bool {
	if initRuns(f) || unresolved(f) || unreached(f, service) {
		return true
	}
	name := regexp.MustCompile(`\b` + regexp.QuoteMeta(service) + `\b`)
	words := false
	for _, e := range f.Evidence {
		_, said, _ := strings.Cut(e.Value, ": ")
		ended := strings.HasSuffix(e.Field, ".terminated")
		if strings.HasPrefix(e.Field, logField) {
			said = e.Value // What a program that runs on has written need not be its trouble.
		} else if !ended {
			said = ""
		}
		words = words || ended && said != ""
		if service != "" && name.MatchString(said) {
			return true
		}
	}
	return !words
}

// mayAskNames reports whether a finding is of a program that runs, or ends by itself: it may have asked for a name.
func mayAskNames(f Finding) bool {
	switch f.Cause {
	case "readiness-probe", "startup-probe", "liveness-probe", "crash-loop", "init-container", "post-start-hook", "earlier-data":
		return true
	}
	return initRuns(f) || (f.Cause == Note && f.Area == Container)
}

// initRuns reports whether a finding is of a pod whose init container runs.
func initRuns(f Finding) bool {
	return slices.ContainsFunc(f.Evidence, func(e Evidence) bool { return strings.HasPrefix(e.Field, "status.initContainerStatuses[") })
}

// clusterZone is the zone that kubelets give pods, or the one that CoreDNS answers for; "" if neither was read.
func (v *view) clusterZone() string {
	if v.s.Resolver.Zone != "" {
		return v.s.Resolver.Zone
	}
	return v.servedZone()
}

// otherZone is a template that has another zone than the cluster's written into it.
func (v *view) otherZone() *Finding {
	zone := v.clusterZone()
	if zone == "" {
		return nil
	}
	var other, names []string
	for _, n := range v.s.Names {
		if z := zoneIn(n); z != "" && z != zone && v.ofThisCluster(n) {
			other, names = append(other, z), append(names, n)
		}
	}
	if len(other) == 0 {
		return nil
	}
	slices.Sort(other)
	other = slices.Compact(other)
	return &Finding{
		Cause: "other-zone", Area: DNS, Object: v.setRef(),
		What: fmt.Sprintf("has a template that asks for names in %s, and the cluster's zone is %s", list(other), zone),
		Seen: "no such name can be resolved in this cluster: " + list(names),
		Evidence: []Evidence{
			{v.setRef(), "spec.template, names of the cluster", strings.Join(names, ", ")},
			{systemRef("configmap", "kube-system", "kubelet-config"), "clusterDomain", firstOf(v.s.Resolver.Zone, "(not read, CoreDNS answers for "+zone+")")},
		},
		Why: "the zone of another cluster is written into the template",
		Do: []string{
			fmt.Sprintf("leave the zone out: %s.%s.%s.svc resolves through the search list", v.podName(v.start()), firstOf(v.set.Spec.ServiceName, "SERVICE"), v.s.Namespace),
			"or make the zone a setting of the template, " + zone + " here",
		},
		Look: []string{kubectl(v.setRef(), "exec %s -- cat /etc/resolv.conf", v.podName(v.start()))},
	}
}

// ofThisCluster reports whether a name seems to be meant for this cluster: its namespace is the set's or a variable, or its service is one here.
func (v *view) ofThisCluster(name string) bool {
	a, ok := parts(name)
	return ok && (a.namespace == "" || a.namespace == v.s.Namespace || slices.ContainsFunc(v.s.Services, func(s corev1.Service) bool { return s.Name == a.service }))
}

// nodesResolver is a template whose pods do not ask the cluster's DNS, and that seem to need it: names below .svc are in the template, or what
// failed says that a name was not resolved.
func (v *view) nodesResolver(pods []Finding) *Finding {
	spec := &v.set.Spec.Template.Spec
	var what, do string
	why := "/etc/resolv.conf in these pods is the node's, which does not know the cluster's DNS"
	switch {
	case spec.HostNetwork && (spec.DNSPolicy == corev1.DNSClusterFirst || spec.DNSPolicy == ""):
		what = "has hostNetwork: true and dnsPolicy ClusterFirst, which means the node's resolver for such pods"
		do = "set dnsPolicy: ClusterFirstWithHostNet in the set's template"
	case spec.DNSPolicy == corev1.DNSDefault:
		what = "has dnsPolicy Default, which means the node's resolver"
		do = "set dnsPolicy: ClusterFirst in the set's template (ClusterFirstWithHostNet with hostNetwork)"
	case spec.DNSPolicy == corev1.DNSNone && v.asksOthers(spec.DNSConfig):
		what = "has dnsPolicy None and a dnsConfig without the cluster's DNS"
		do = fmt.Sprintf("set dnsPolicy: ClusterFirst in the set's template and keep in dnsConfig what is to be added, or name %s in dnsConfig.nameservers", list(v.s.Resolver.Addresses))
		why = "/etc/resolv.conf in these pods is what dnsConfig says, and no more"
	default:
		return nil
	}
	if len(v.s.Names) == 0 && !slices.ContainsFunc(pods, unresolved) {
		return nil // Whether its programs need names of the cluster is not known.
	}
	f := &Finding{
		Cause: "nodes-resolver", Area: DNS, Object: v.setRef(), What: what + ": its pods cannot resolve names of the cluster",
		Seen: "names of the cluster are asked for by pods that do not ask its DNS",
		Evidence: []Evidence{
			{v.setRef(), "spec.template.spec.hostNetwork", fmt.Sprint(spec.HostNetwork)},
			{v.setRef(), "spec.template.spec.dnsPolicy", string(spec.DNSPolicy)},
		},
		Why:  why,
		Do:   []string{do},
		Look: []string{kubectl(v.setRef(), "exec %s -- cat /etc/resolv.conf", v.podName(v.start()))},
	}
	if len(v.s.Names) > 0 {
		f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template, names of the cluster", strings.Join(v.s.Names, ", ")})
	}
	return f
}

// clustersDNS reports whether an address is that of the cluster's DNS, or seems to be of a cache for it on each node, which has an address that is
// good on the node alone.
func (v *view) clustersDNS(server string) bool {
	ip := net.ParseIP(server)
	return slices.Contains(v.s.Resolver.Addresses, server) || (ip != nil && ip.IsLinkLocalUnicast()) ||
		slices.ContainsFunc(v.s.Resolver.Services, func(s corev1.Service) bool {
			return slices.Contains(s.Spec.ClusterIPs, server) || s.Spec.ClusterIP == server
		})
}

// asksOthers reports whether a pod's own name servers are known to be others than the cluster's.
func (v *view) asksOthers(c *corev1.PodDNSConfig) bool {
	return c != nil && len(c.Nameservers) > 0 && len(v.s.Resolver.Addresses) > 0 &&
		!slices.ContainsFunc(c.Nameservers, v.clustersDNS)
}

// unresolved reports whether what a finding rests on says that a name was not resolved, in the words of common resolvers.
func unresolved(f Finding) bool {
	return slices.ContainsFunc(f.Evidence, func(e Evidence) bool {
		return contains(strings.ToLower(e.Value))("resolve", "no such host", "name or service not known", "bad address", "unknown host", "nxdomain", "name resolution", "host not found", "no address", "server can't find")
	})
}

// unresolvedBy reports whether a finding about names is likely the cause of a pod's: the pod's program may have asked for a name in vain, and the
// template or what failed tells of names.
func (v *view) unresolvedBy(f Finding, pods []Finding) bool {
	if f.Cause == "service-not-headless" || f.Cause == "service-port" || f.Cause == "service-selects-others" {
		return false // The names of single pods resolve all the same.
	}
	service := ""
	if f.Object.Kind == "service" {
		service = f.Object.Name
	}
	return slices.ContainsFunc(pods, func(p Finding) bool {
		return mayAskNames(p) && (len(v.s.Names) > 0 && tellsOf(p, service) || unresolved(p))
	})
}
