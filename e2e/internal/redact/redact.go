// Package redact removes from API objects what must not reach a file, a report or a log: values of environment variables, arguments, probes'
// commands and headers, annotations, parameters of storage, addresses of nodes. Names stay. It stands on the API types alone and reads nothing.
package redact

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Hidden stands for a value that was removed.
const Hidden = "(not saved)"

// known are the annotations of Kubernetes that say how storage is bound, which pod is deleted first, or what an autoscaler has written to a pod.
func known() []string {
	return []string{
		"controller.kubernetes.io/pod-deletion-cost", "pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller",
		"pv.kubernetes.io/provisioned-by", "storageclass.kubernetes.io/is-default-class", "volume.beta.kubernetes.io/storage-provisioner",
		"volume.kubernetes.io/selected-node", "volume.kubernetes.io/storage-provisioner",
		"vpaUpdates",
	}
}

// Object redacts an object in place. own is the prefix of further annotations to keep, "" for none.
func Object(obj metav1.Object, own string) {
	meta(obj, own)
	switch o := obj.(type) {
	case *corev1.Pod:
		podSpec(&o.Spec)
		o.Status.HostIP, o.Status.HostIPs = "", nil
	case *appsv1.StatefulSet:
		meta(&o.Spec.Template.ObjectMeta, own)
		podSpec(&o.Spec.Template.Spec)
		for i := range o.Spec.VolumeClaimTemplates {
			meta(&o.Spec.VolumeClaimTemplates[i].ObjectMeta, own)
		}
	case *appsv1.Deployment:
		meta(&o.Spec.Template.ObjectMeta, own)
		podSpec(&o.Spec.Template.Spec)
	case *appsv1.ControllerRevision:
		// It is the set's template again.
		sum := sha256.Sum256(o.Data.Raw)
		o.Data = runtime.RawExtension{Raw: fmt.Appendf(nil, `{"sha256":%q}`, hex.EncodeToString(sum[:8]))}
	case *corev1.PersistentVolume:
		o.Spec.PersistentVolumeSource, o.Spec.MountOptions = corev1.PersistentVolumeSource{}, nil
	case *storagev1.StorageClass:
		o.Parameters, o.MountOptions = nil, nil
	case *admissionregistrationv1.ValidatingWebhookConfiguration:
		for i := range o.Webhooks {
			webhook(&o.Webhooks[i].ClientConfig)
		}
	case *admissionregistrationv1.MutatingWebhookConfiguration:
		for i := range o.Webhooks {
			webhook(&o.Webhooks[i].ClientConfig)
		}
	}
}

func meta(o metav1.Object, own string) {
	o.SetManagedFields(nil)
	kept := map[string]string{}
	for k, v := range o.GetAnnotations() {
		if slices.Contains(known(), k) || (own != "" && strings.HasPrefix(k, own)) {
			kept[k] = v
		}
	}
	if len(kept) == 0 {
		kept = nil
	}
	o.SetAnnotations(kept)
}

func webhook(c *admissionregistrationv1.WebhookClientConfig) {
	c.CABundle = nil
	if c.URL == nil {
		return
	}
	at := Hidden
	if u, err := url.Parse(*c.URL); err == nil {
		at = u.Scheme + "://" + u.Host
	}
	c.URL = &at
}

// podSpec redacts the spec of a pod in place.
func podSpec(spec *corev1.PodSpec) {
	spec.Volumes = slices.DeleteFunc(spec.Volumes, func(v corev1.Volume) bool { return v.PersistentVolumeClaim == nil })
	spec.HostAliases, spec.DNSConfig = nil, nil
	for i := range spec.InitContainers {
		container(&spec.InitContainers[i])
	}
	for i := range spec.Containers {
		container(&spec.Containers[i])
	}
	spec.EphemeralContainers = nil
}

func container(c *corev1.Container) {
	c.Command, c.Args, c.Lifecycle = nil, nil, nil
	for i := range c.Env {
		if e := &c.Env[i]; e.Value != "" {
			e.Value = Hidden
		}
	}
	for _, p := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if p == nil {
			continue
		}
		if p.Exec != nil {
			p.Exec.Command = Program(p.Exec.Command)
		}
		if p.HTTPGet != nil {
			p.HTTPGet.HTTPHeaders, p.HTTPGet.Path = nil, Path(p.HTTPGet.Path)
		}
	}
}

// Program returns a command without its arguments.
func Program(command []string) []string {
	if len(command) == 0 || strings.ContainsAny(command[0], " =\n") {
		return nil
	}
	return command[:1:1]
}

// Path returns the path of a URL without its query.
func Path(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path
}

// What programs write that others must not know: who logs in at a URL, and what follows a name of a secret.
var (
	login  = regexp.MustCompile(`://[^/@\s]+@`)
	secret = regexp.MustCompile(`(?i)(^|[^\w/.-])([\w.-]*(?:password|passwd|pwd|secret|token|credential|api[_-]?key|access[_-]?key)[\w.-]*"?\s*(?:=|:|\bis\b)\s*)("[^"]*"|'[^']*'|\S+)`)
)

// Words removes from what a program wrote what looks like credentials.
func Words(text string) string {
	text = login.ReplaceAllString(text, "://"+Hidden+"@")
	return secret.ReplaceAllString(text, "${1}${2}"+Hidden)
}

// Whom a request was sent to, as net/url and net write it in errors, also where JSON quotes them.
var (
	requested = regexp.MustCompile(`\b(Get|Head|Post|Put|Patch|Delete) (\\*")(https?)://[^/"?\\\s]+`)
	connected = regexp.MustCompile(`\b((?:dial|read|write) (?:tcp|udp)) \S*\d(?::|\b)`)
	resolved  = regexp.MustCompile(`\blookup \S+(?: on \S+:\d+)?:`)
	certified = regexp.MustCompile(`\bcertificate is (?:not )?valid for [^"\n]*?, not (\S+)`)
)

// Server removes the API server's address from the text of an error: it is often that of a node.
func Server(text string) string {
	text = requested.ReplaceAllString(text, `$1 $2$3://(server)`)
	text = certified.ReplaceAllString(text, `certificate is valid for other names than (server)`)
	text = connected.ReplaceAllString(text, `$1 (server):`)
	return resolved.ReplaceAllString(text, `lookup (server):`)
}
