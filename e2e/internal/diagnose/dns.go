package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coredns/caddy/caddyfile"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// dns follows what keeps names of the cluster from being resolved: CoreDNS, as kubeadm and most others set it up.
func (v *view) dns() []Finding {
	r := &v.s.Resolver
	if len(r.Deployments) == 0 && len(r.Pods) == 0 && len(r.Services) == 0 {
		return nil // Another kind of DNS, or none that may be read: capture says what was not read.
	}
	const seen = "no name of the cluster can be resolved, the pods' names among them"
	if f := v.dnsPods(seen); f != nil {
		return []Finding{*f}
	}
	if f := v.dnsService(seen); f != nil {
		return []Finding{*f}
	}
	if f := v.corefile(); f != nil {
		return []Finding{*f}
	}
	return nil
}

// dnsPods is a cluster DNS of which no pod is Ready.
func (v *view) dnsPods(seen string) *Finding {
	r := &v.s.Resolver
	if v.unread("pods in kube-system") != "" {
		return nil
	}
	for i := range r.Pods {
		if isReady(&r.Pods[i]) {
			return nil
		}
	}
	if len(r.Pods) == 0 && len(r.Deployments) == 0 {
		return nil
	}
	f := &Finding{
		Cause: "dns-down", Area: DNS, Seen: seen,
		Do:   []string{"bring CoreDNS back: read the state and the log of its pods"},
		Look: []string{"kubectl -n kube-system get deployments,pods -l k8s-app=kube-dns -o wide", "kubectl -n kube-system logs -l k8s-app=kube-dns --tail 50"},
	}
	if len(r.Deployments) > 0 {
		d := &r.Deployments[0]
		wants := int32(1)
		if d.Spec.Replicas != nil {
			wants = *d.Spec.Replicas
		}
		f.Object = systemRef("deployment", d.Namespace, d.Name)
		f.What = fmt.Sprintf("has no Ready pod (%d wanted)", wants)
		f.Evidence = append(f.Evidence, Evidence{f.Object, "spec.replicas", fmt.Sprint(wants)}, Evidence{f.Object, "status.readyReplicas", fmt.Sprint(d.Status.ReadyReplicas)})
		if wants == 0 {
			f.What = "is scaled to 0, so nobody answers"
			f.Do = []string{fmt.Sprintf("scale it up: kubectl -n %s scale deployment %s --replicas 2", d.Namespace, d.Name)}
		}
	} else {
		f.Object = systemRef("pod", r.Pods[0].Namespace, r.Pods[0].Name)
		f.What = "is not Ready, and no other pod of the cluster's DNS is"
	}
	for i := range r.Pods {
		p := &r.Pods[i]
		if p.DeletionTimestamp != nil {
			continue
		}
		c := v.inspect(p, r.Events).containers()
		pod := systemRef("pod", p.Namespace, p.Name)
		if c == nil {
			f.Evidence = append(f.Evidence, Evidence{pod, "status.phase", string(p.Status.Phase) + ", not Ready"})
			continue
		}
		f.Evidence = append(f.Evidence, c.Evidence...)
		f.Path = []Ref{f.Object, pod}
		if f.Why == "" {
			f.Why = "its pod " + p.Name + " " + c.What
			if c.Cause == "crash-loop" {
				f.Why += "; a Corefile that CoreDNS cannot read ends it so"
				f.Look = append(f.Look, c.Look[0], "kubectl -n kube-system get configmap coredns -o yaml")
			}
		}
	}
	return f
}

// dnsService is a service of the cluster's DNS that leads nowhere.
func (v *view) dnsService(seen string) *Finding {
	r := &v.s.Resolver
	if v.unread("services in kube-system") != "" {
		return nil
	}
	if len(r.Services) == 0 {
		return &Finding{
			Cause: "dns-service", Area: DNS, Object: systemRef("service", metav1.NamespaceSystem, "kube-dns"), What: "does not exist: pods ask an address behind which nobody answers",
			Seen: seen, Evidence: []Evidence{{systemRef("service", metav1.NamespaceSystem, "*"), "metadata.labels[k8s-app]", "kube-dns on none"}},
			Do: []string{"create the service again, with the address that kubelets give pods (clusterDNS)"}, Look: []string{"kubectl -n kube-system get services"},
		}
	}
	s := &r.Services[0]
	service := systemRef("service", s.Namespace, s.Name)
	if len(r.Addresses) > 0 && !slices.Contains(r.Addresses, s.Spec.ClusterIP) && !slices.ContainsFunc(r.Services, func(o corev1.Service) bool { return slices.Contains(r.Addresses, o.Spec.ClusterIP) }) && !linkLocal(r.Addresses) {
		return &Finding{
			Cause: "dns-address", Area: DNS, Object: service, What: fmt.Sprintf("has the address %s, and kubelets configure pods to ask %s", s.Spec.ClusterIP, strings.Join(r.Addresses, ", ")),
			Seen:     seen,
			Evidence: []Evidence{{service, "spec.clusterIP", s.Spec.ClusterIP}, {systemRef("configmap", metav1.NamespaceSystem, "kubelet-config"), "clusterDNS", strings.Join(r.Addresses, ", ")}},
			Do:       []string{"give the service the address that kubelets give pods, or change clusterDNS of the kubelets"},
			Look:     []string{kubectl(service, "get service %s", s.Name), "kubectl -n kube-system get configmap kubelet-config -o yaml"},
		}
	}
	for i := range r.Pods {
		if !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(r.Pods[i].Labels)) {
			continue
		}
		if isReady(&r.Pods[i]) {
			return nil
		}
	}
	if len(r.Pods) == 0 {
		return nil
	}
	return &Finding{
		Cause: "dns-service", Area: DNS, Object: service, What: fmt.Sprintf("selects %s, which no Ready pod of CoreDNS has", labels.Set(s.Spec.Selector)), Seen: seen,
		Evidence: []Evidence{{service, "spec.selector", labels.Set(s.Spec.Selector).String()}, {systemRef("pod", r.Pods[0].Namespace, r.Pods[0].Name), "metadata.labels", labels.Set(r.Pods[0].Labels).String()}},
		Do:       []string{"make the selector match the pods of CoreDNS"}, Look: []string{kubectl(service, "get endpointslices -l kubernetes.io/service-name=%s", s.Name)},
	}
}

// linkLocal reports whether pods are configured to ask a cache on their own node.
func linkLocal(addresses []string) bool {
	return slices.ContainsFunc(addresses, func(a string) bool { return strings.HasPrefix(a, "169.254.") || strings.HasPrefix(a, "fd00:") })
}

// answersInstead are plugins that answer for names in place of the plugin kubernetes, or change what is asked.
func answersInstead() []string {
	return []string{"template", "rewrite", "hosts", "file", "erratic", "acl"}
}

// corefile is a configuration of CoreDNS that does not serve the cluster's names.
func (v *view) corefile() *Finding {
	text := v.s.Resolver.Corefile
	if strings.TrimSpace(text) == "" {
		return nil
	}
	config := systemRef("configmap", metav1.NamespaceSystem, "coredns")
	f := &Finding{
		Cause: "dns-config", Area: DNS, Object: config, Seen: "names of the cluster are not resolved as they should be",
		Look: []string{getYAML(config), "kubectl -n kube-system logs -l k8s-app=kube-dns --tail 50"},
		Do:   []string{"fix the Corefile; CoreDNS reads it again within a minute or two where the plugin reload is on, otherwise restart it: kubectl -n kube-system rollout restart deployment coredns"},
	}
	blocks, err := caddyfile.Parse("Corefile", strings.NewReader(text), nil)
	if err != nil {
		f.What = "holds a Corefile that cannot be read: " + oneLine(err.Error())
		f.Why = "CoreDNS goes on with the configuration it had, and does not start again with this one"
		return f
	}
	zone := firstOf(v.s.Resolver.Zone, "cluster.local")
	source := Evidence{systemRef("configmap", metav1.NamespaceSystem, "kubelet-config"), "clusterDomain", firstOf(v.s.Resolver.Zone, "(not read, taken to be "+zone+")")}
	block := serving(blocks, zone)
	if block == nil {
		f.What = fmt.Sprintf("has no server block for the cluster's zone %s", zone)
		f.Evidence = []Evidence{{config, "data.Corefile", "blocks: " + blockKeys(blocks)}, source}
		return f
	}
	zones, ok := kubernetesZones(block)
	switch {
	case !ok:
		f.What = fmt.Sprintf("has no plugin kubernetes in the server block %s: nobody answers for the cluster's names", strings.Join(block.Keys, " "))
		f.Evidence = []Evidence{{config, "data.Corefile", "plugins of the block: " + strings.Join(plugins(block), ", ")}, source}
		return f
	case !slices.ContainsFunc(zones, func(z string) bool { return within(zone, z) }):
		f.What = fmt.Sprintf("has the plugin kubernetes answer for %s, and pods ask for names in %s", list(zones), zone)
		f.Evidence = []Evidence{{config, "data.Corefile", "kubernetes " + strings.Join(zones, " ")}, source}
		return f
	}
	at := slices.IndexFunc(answersInstead(), func(name string) bool { return len(block.Tokens[name]) > 0 })
	if at < 0 {
		return nil
	}
	name := answersInstead()[at]
	// Whether it changes the answers does not show in the Corefile alone: it is evidence, not the cause.
	f.Cause, f.What = Note, fmt.Sprintf("has the plugin %s in the server block that answers for the cluster's names", name)
	f.Seen = "answers may not be what the plugin kubernetes would give"
	f.Evidence = []Evidence{{config, "data.Corefile", directive(block.Tokens[name])}}
	f.Do = []string{"ask from a pod of the cluster: nslookup <pod>.<service>.<namespace>.svc." + zone}
	return f
}

// serving is the server block that answers for a zone: the one whose key is the longest that holds it.
func serving(blocks []caddyfile.ServerBlock, zone string) *caddyfile.ServerBlock {
	best, length := -1, -1
	for i := range blocks {
		for _, key := range blocks[i].Keys {
			name := zoneOf(key)
			if within(zone, name) && len(name) > length {
				best, length = i, len(name)
			}
		}
	}
	if best < 0 {
		return nil
	}
	return &blocks[best]
}

// zoneOf is the zone of a server block's key, such as dns://cluster.local:53; the root is "".
func zoneOf(key string) string {
	if _, rest, ok := strings.Cut(key, "://"); ok {
		key = rest
	}
	if at := strings.LastIndexByte(key, ':'); at >= 0 {
		key = key[:at]
	}
	return strings.Trim(strings.ToLower(key), ".")
}

// within reports whether a name is a zone's own or below it.
func within(name, zone string) bool {
	zone = strings.Trim(zone, ".")
	return zone == "" || name == zone || strings.HasSuffix(name, "."+zone)
}

// kubernetesZones are the zones that the plugin kubernetes answers for; without any of its own it takes the block's.
func kubernetesZones(b *caddyfile.ServerBlock) (zones []string, there bool) {
	tokens, ok := b.Tokens["kubernetes"]
	if !ok {
		return nil, false
	}
	for i, t := range tokens {
		if i == 0 {
			continue
		}
		if t.Text == "{" || t.Line != tokens[0].Line {
			break
		}
		zones = append(zones, strings.Trim(t.Text, "."))
	}
	if len(zones) == 0 {
		for _, key := range b.Keys {
			zones = append(zones, zoneOf(key))
		}
	}
	return zones, true
}

// servedZone is the first zone of names that CoreDNS's plugin kubernetes answers for, "" if that is not known.
func (v *view) servedZone() string {
	blocks, err := caddyfile.Parse("Corefile", strings.NewReader(v.s.Resolver.Corefile), nil)
	if err != nil {
		return ""
	}
	for i := range blocks {
		zones, ok := kubernetesZones(&blocks[i])
		if at := slices.IndexFunc(zones, func(z string) bool { return z != "" && z != "." && !strings.HasSuffix(z, ".arpa") }); ok && at >= 0 {
			return strings.Trim(zones[at], ".")
		}
	}
	return ""
}

func plugins(b *caddyfile.ServerBlock) []string {
	var names []string
	for name := range b.Tokens {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func blockKeys(blocks []caddyfile.ServerBlock) string {
	var keys []string
	for i := range blocks {
		keys = append(keys, strings.Join(blocks[i].Keys, " "))
	}
	return list(keys)
}

func directive(tokens []caddyfile.Token) string {
	var words []string
	for _, t := range tokens {
		words = append(words, t.Text)
	}
	return strings.Join(words, " ")
}
