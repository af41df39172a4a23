package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// What programs say that may not change whom a file or a process belongs to, and the folder in which the kubelet mounts a token of the service account.
var (
	changesOwner = regexp.MustCompile(`(?i)(chown|chgrp|chmod|changing ownership|set(?:e|re|res)?[ug]id|setgroups|su-exec|gosu|failed switching to|initgroups)\b[^\n]*(operation not permitted|permission denied)`)
	tokenFolder  = regexp.MustCompile(`(?i)/run/secrets/kubernetes\.io/serviceaccount[^\n]*(?:no such file|not found|does not exist)`)
)

// incapable makes a finding of a container that ended say that it lacks a capability of root's which its securityContext takes away, and reports whether that
// is so.
func (l podInspector) incapable(f *Finding, spec *corev1.Container, said string) bool {
	m := changesOwner.FindStringSubmatch(said)
	own := spec.SecurityContext
	if m == nil || own == nil || own.Capabilities == nil {
		return false
	}
	needs := corev1.Capability("SETUID")
	if contains(strings.ToLower(m[1]))("chown", "chgrp", "chmod", "ownership") {
		needs = "CHOWN"
	}
	if !slices.ContainsFunc(own.Capabilities.Drop, func(c corev1.Capability) bool { return strings.EqualFold(string(c), "ALL") || c == needs }) || slices.Contains(own.Capabilities.Add, needs) {
		return false
	}
	if id, known := l.user(spec); known && id != 0 {
		return false // Another user than root has none to lose.
	}
	f.Cause = "file-access"
	f.What += fmt.Sprintf("; its securityContext takes away capabilities (drop %v), %s among them, without which root may not do that", own.Capabilities.Drop, needs)
	f.Why = ""
	f.Evidence = append(f.Evidence, Evidence{l.pod, "spec.containers[" + spec.Name + "].securityContext.capabilities.drop", fmt.Sprint(own.Capabilities.Drop)})
	f.Do = []string{
		"run it at once as the user that it would change to (runAsUser, with fsGroup for its volumes) in the template's securityContext: it then has nothing to change",
		"or leave it the capabilities that the image needs (CHOWN, SETUID, SETGID, FOWNER, DAC_OVERRIDE)",
	}
	return true
}

// withoutToken makes a finding of a container that ended say that the token of its service account is not mounted, and reports whether that is so.
func (l podInspector) withoutToken(f *Finding, said string) bool {
	if !tokenFolder.MatchString(said) {
		return false
	}
	account := Ref{Kind: "serviceaccount", Namespace: l.pod.Namespace, Name: firstOf(l.p.Spec.ServiceAccountName, "default")}
	f.Cause, f.Area, f.Why = "no-token", Config, ""
	if own := l.p.Spec.AutomountServiceAccountToken; own != nil && !*own {
		f.What += "; no token of its service account is mounted (automountServiceAccountToken: false in the set's template)"
		f.Evidence = append(f.Evidence, Evidence{l.pod, "spec.automountServiceAccountToken", "false"})
		f.Do = []string{"take automountServiceAccountToken out of the set's template, if the program is to speak to the API server"}
		return true
	}
	f.What += fmt.Sprintf("; no token of its service account %s is mounted, most likely since that says automountServiceAccountToken: false", account.Name)
	f.Do = []string{"set automountServiceAccountToken: true in the set's template, which goes before what the service account says"}
	f.Look = append(f.Look, getYAML(account))
	return true
}

// shellAlone reports whether a container's program is a shell that runs a script and neither gives its place to what it runs nor listens to signals, as far
// as the script's own text tells.
func shellAlone(c *corev1.Container) bool {
	if len(c.Command) < 2 || !slices.Contains([]string{"sh", "bash", "ash", "dash"}, c.Command[0][strings.LastIndex(c.Command[0], "/")+1:]) || c.Command[1] != "-c" {
		return false
	}
	text := strings.Join(slices.Concat(c.Command[2:], c.Args), "\n")
	return !contains(text)("exec ", "trap ")
}

// deaf says which container of a pod does not listen to SIGTERM since its program is a shell, "" if none is.
func deaf(p *corev1.Pod) string {
	for i := range p.Spec.Containers {
		if c := &p.Spec.Containers[i]; shellAlone(c) {
			return "; the program of container " + c.Name + " is a shell, which as process 1 takes no notice of SIGTERM and does not pass it on"
		}
	}
	return ""
}

// keepShells keeps that a container's program is a shell without exec and trap, and nothing of what it runs.
func keepShells(spec, was *corev1.PodSpec) {
	for i := range spec.Containers {
		if shellAlone(&was.Containers[i]) {
			spec.Containers[i].Command = was.Containers[i].Command[:2:2]
		}
	}
}
