package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// unpublished is a service of the set's that publishes only Ready pods, while a pod that is not Ready may wait for a name of its own.
func (v *view) unpublished(pods []Finding) *Finding {
	asker, peer := v.unresolvedPeer(pods)
	if peer == "" && v.probeAsks(pods) == "" && !slices.ContainsFunc(pods, initRuns) && !v.unresolvedBy(Finding{}, pods) {
		return nil
	}
	at := slices.IndexFunc(v.s.Services, func(s corev1.Service) bool { return s.Name == v.set.Spec.ServiceName })
	if at < 0 || v.s.Services[at].Spec.PublishNotReadyAddresses || v.s.Services[at].Spec.ClusterIP != corev1.ClusterIPNone {
		return nil
	}
	service := v.ref("service", v.s.Services[at].Name)
	f := &Finding{
		Cause: Note, Area: Service, Object: service, Path: []Ref{v.setRef(), service},
		What:     "publishes only Ready pods (publishNotReadyAddresses is not set): a pod's name does not resolve until the pod is Ready, not even for itself",
		Seen:     "pods of the set are not Ready",
		Evidence: []Evidence{{service, "spec.publishNotReadyAddresses", "false"}},
		Do:       []string{"where pods look for themselves or for each other before they are Ready: set publishNotReadyAddresses: true on the service"},
		Look:     []string{getYAML(service)},
	}
	if len(v.s.Names) > 0 {
		f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template, names of the cluster", strings.Join(v.s.Names, ", ")})
	}
	if asks := v.probeAsks(pods); peer == "" && asks != "" {
		f.Cause = "not-published"
		f.What = "publishes only Ready pods (publishNotReadyAddresses is not set), and " + asks + ": they resolve only once it has succeeded"
		f.Seen = "a probe waits for its own consequence"
		f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template, names of the cluster in probes", strings.Join(v.s.ProbeNames, ", ")})
		f.Do = []string{"set publishNotReadyAddresses: true on the service: names of pods that are not Ready then resolve, and nothing has to be restarted"}
		if v.ordered() && v.replicas() > 1 {
			f.Do = append(f.Do, "if it asks for all pods of the set: under OrderedReady those after it do not exist before it is Ready; have it ask less, or create the set anew with podManagementPolicy Parallel")
		}
		return f
	}
	if peer == "" {
		return f
	}
	f.Cause, f.Object = "not-published", service
	f.What = "publishes only Ready pods (publishNotReadyAddresses is not set), and "
	if asker == peer {
		f.What += "pod " + asker + " asks for its own name before it is Ready: it waits for itself"
	} else {
		f.What += fmt.Sprintf("pod %s asks for %s, which is not Ready either: the name resolves only once it is", asker, peer)
	}
	f.Seen = "a name of the set's own pods does not resolve for a pod that is not Ready"
	f.Evidence = append(f.Evidence, Evidence{v.ref("pod", peer), "status.conditions[Ready]", "not True"})
	f.Do = []string{"set publishNotReadyAddresses: true on the service: names of pods that are not Ready then resolve, and nothing has to be restarted"}
	return f
}

// probeAsks says whose probe asks for names of the set's own pods and does not get them, as it says or without a word; "" if none does.
func (v *view) probeAsks(pods []Finding) string {
	own := slices.ContainsFunc(v.s.ProbeNames, func(name string) bool {
		a, ok := parts(name)
		return ok && v.ownPod(a.pod) && (a.service == "" || a.service == v.set.Spec.ServiceName)
	})
	if !own || v.set.Spec.ServiceName == "" {
		return ""
	}
	for _, f := range pods {
		if f.Cause != "readiness-probe" && f.Cause != "startup-probe" {
			continue
		}
		silent := slices.ContainsFunc(f.Evidence, func(e Evidence) bool {
			return strings.HasPrefix(e.Field, "event Unhealthy") && strings.HasSuffix(strings.TrimSpace(e.Value), "probe failed:")
		})
		if silent || unresolved(f) {
			return fmt.Sprintf("the probe of pod %s asks for names of the set's pods before it is Ready", f.Object.Name)
		}
	}
	return ""
}

// unresolvedPeer is a pod that could not resolve a name of the set's own pods, by its own words, and the pod of that name, which runs and is not Ready;
// "" if there is none. One that cannot start would not be helped by a name.
func (v *view) unresolvedPeer(pods []Finding) (asker, peer string) {
	if v.set.Spec.ServiceName == "" {
		return "", ""
	}
	name := regexp.MustCompile(`\b(` + regexp.QuoteMeta(v.set.Name) + `-[0-9]+)\.` + regexp.QuoteMeta(v.set.Spec.ServiceName) + `\b`)
	short := regexp.MustCompile(`\b(` + regexp.QuoteMeta(v.set.Name) + `-[0-9]+)\b`)
	runs := map[string]bool{}
	for _, f := range pods {
		runs[f.Object.Name] = runs[f.Object.Name] || (f.Object.Kind == "pod" && mayAskNames(f))
	}
	for _, f := range pods {
		if f.Object.Kind != "pod" || !runs[f.Object.Name] {
			continue
		}
		if at := slices.IndexFunc(f.Evidence, func(e Evidence) bool { return strings.HasPrefix(e.Field, logField) }); at >= 0 && v.talks() {
			// A program that runs on, is given its peers' names and writes one of them, may wait without a word of resolvers.
			for _, m := range short.FindAllStringSubmatch(f.Evidence[at].Value, -1) {
				if p := v.pod(m[1]); p != nil && runs[m[1]] && p.DeletionTimestamp == nil && !isReady(p) {
					return f.Object.Name, m[1]
				}
			}
		}
		if !unresolved(f) {
			continue
		}
		for _, e := range f.Evidence {
			for _, m := range name.FindAllStringSubmatch(e.Value, -1) {
				if p := v.pod(m[1]); p != nil && runs[m[1]] && p.DeletionTimestamp == nil && !isReady(p) {
					return f.Object.Name, m[1]
				}
			}
		}
	}
	return "", ""
}
