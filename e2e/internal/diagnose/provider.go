package diagnose

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// lastPart is the part of a provisioner's name that its programs are usually named after.
func lastPart(provisioner string) string {
	return provisioner[strings.LastIndexByte(provisioner, '/')+1:]
}

// Provides reports whether a pod of that name and spec seems to be a provisioner's: it mentions the provisioner's name, or is named
// after it.
func Provides(name string, spec *corev1.PodSpec, provisioner string) bool {
	short := lastPart(provisioner)
	if short != provisioner && len(short) > 3 && strings.Contains(name, short) {
		return true
	}
	if domain, _, ok := strings.Cut(provisioner, "."); ok && short == provisioner && len(domain) > 3 && strings.Contains(name, domain) {
		return true
	}
	for i := range spec.Containers {
		c := &spec.Containers[i]
		for _, text := range append(append([]string{c.Image}, c.Command...), c.Args...) {
			if strings.Contains(text, provisioner) {
				return true
			}
		}
		for _, e := range c.Env {
			if strings.Contains(e.Value, provisioner) {
				return true
			}
		}
	}
	return false
}

// provider reports whether a provisioner runs, and what shows it.
func (v *view) provider(provisioner string) (running bool, evidence []Evidence) {
	for i := range v.s.ProviderPods {
		p := &v.s.ProviderPods[i]
		if !Provides(p.Name, &p.Spec, provisioner) {
			continue
		}
		running = running || isReady(p)
		evidence = append(evidence, Evidence{
			systemRef("pod", p.Namespace, p.Name), "status",
			fmt.Sprintf("%s, Ready: %t", p.Status.Phase, isReady(p)),
		})
	}
	for i := range v.s.Providers {
		d := &v.s.Providers[i]
		if !Provides(d.Name, &d.Spec.Template.Spec, provisioner) {
			continue
		}
		wants := int32(1)
		if d.Spec.Replicas != nil {
			wants = *d.Spec.Replicas
		}
		evidence = append(evidence, Evidence{
			systemRef("deployment", d.Namespace, d.Name), "status.readyReplicas", fmt.Sprintf("%d, spec.replicas %d", d.Status.ReadyReplicas, wants),
		})
	}
	return running, evidence
}
