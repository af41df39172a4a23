package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/coredns/caddy/caddyfile"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// answersInstead are plugins that answer for names in place of the plugin kubernetes, or change what is asked.
func answersInstead() []string {
	return []string{"template", "rewrite", "hosts", "file", "erratic", "acl"}
}

// variable is an environment variable in a Corefile: it is the server's, never this process's.
var variable = regexp.MustCompile(`\{[$%][^{}]*\}`)

// parseCorefile reads a Corefile without what lies outside of it: imports tells whether it imports anything, which is left out.
func parseCorefile(text string) (blocks []caddyfile.ServerBlock, imports bool, err error) {
	lines := strings.Split(variable.ReplaceAllString(text, "VARIABLE"), "\n")
	for i, line := range lines {
		if words := strings.Fields(line); len(words) > 0 && words[0] == "import" {
			lines[i], imports = "", true
		}
	}
	blocks, err = caddyfile.Parse("Corefile", strings.NewReader(strings.Join(lines, "\n")), nil)
	return blocks, imports, err
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
	blocks, imports, err := parseCorefile(text)
	if err != nil {
		f.What = "holds a Corefile that cannot be read: " + oneLine(err.Error())
		f.Why = "CoreDNS goes on with the configuration it had, and does not start again with this one"
		return f
	}
	zone := firstOf(v.s.Resolver.Zone, v.servedZone(), "cluster.local")
	source := Evidence{systemRef("configmap", metav1.NamespaceSystem, "kubelet-config"), "clusterDomain", firstOf(v.s.Resolver.Zone, "(not read, taken to be "+zone+")")}
	block := serving(blocks, zone)
	if imports && (block == nil || len(block.Tokens["kubernetes"]) == 0) {
		return nil // What is imported was not read, and may be what is missing here.
	}
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
	at := slices.IndexFunc(answersInstead(), func(name string) bool {
		tokens := block.Tokens[name]
		// The plugin hosts that passes on what it does not have is part of some distributions: it holds the nodes' names.
		passes := name == "hosts" && slices.ContainsFunc(tokens, func(t caddyfile.Token) bool { return t.Text == "fallthrough" })
		return len(tokens) > 0 && !passes
	})
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
	blocks, _, err := parseCorefile(v.s.Resolver.Corefile)
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
