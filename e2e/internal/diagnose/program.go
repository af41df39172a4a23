package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// execOf is the program in a runtime's words about one that cannot be started.
var execOf = regexp.MustCompile(`exec(?:: "([^"]+)"| (/\S+)):`)

// script is a program that comes from a ConfigMap or a Secret.
type script struct {
	path, volume string
	from         Ref
	mode         int32 // of the files of the volume
}

// scriptOf is the program in a message, if it comes from a ConfigMap or a Secret that the container mounts; nil if it does not.
func (l podInspector) scriptOf(spec *corev1.Container, message string) *script {
	m := execOf.FindStringSubmatch(message)
	if m == nil {
		return nil
	}
	path := firstOf(m[1], m[2])
	for _, mount := range spec.VolumeMounts {
		if path != mount.MountPath && !strings.HasPrefix(path, strings.TrimSuffix(mount.MountPath, "/")+"/") {
			continue
		}
		for _, v := range l.p.Spec.Volumes {
			s := &script{path: path, volume: v.Name, mode: 0o644}
			var mode *int32
			switch {
			case v.Name != mount.Name:
				continue
			case v.ConfigMap != nil:
				s.from, mode = Ref{Kind: "configmap", Namespace: l.pod.Namespace, Name: v.ConfigMap.Name}, v.ConfigMap.DefaultMode
			case v.Secret != nil:
				s.from, mode = Ref{Kind: "secret", Namespace: l.pod.Namespace, Name: v.Secret.SecretName}, v.Secret.DefaultMode
			default:
				continue
			}
			if mode != nil {
				s.mode = *mode
			}
			return s
		}
	}
	return nil
}

// hidden makes a finding of a program that is not found say which volume is mounted where it would be.
func (l podInspector) hidden(f *Finding, c *corev1.ContainerStatus, message string) {
	m := execOf.FindStringSubmatch(message)
	if m == nil || !contains(message)("no such file or directory", "executable file not found") {
		return
	}
	path, spec := firstOf(m[1], m[2]), l.specOf(c.Name)
	for i := range spec.VolumeMounts {
		at := strings.TrimSuffix(spec.VolumeMounts[i].MountPath, "/")
		usual := !strings.Contains(path, "/") && slices.Contains([]string{"/bin", "/usr", "/usr/bin", "/usr/local", "/usr/local/bin", "/sbin", "/usr/sbin"}, at)
		if !usual && !strings.HasPrefix(path, at+"/") {
			continue
		}
		f.What += fmt.Sprintf("; the volume %s is mounted at %s, which hides what the image has there", spec.VolumeMounts[i].Name, at)
		f.Why = "a volume takes the place of the directory that it is mounted at: nothing of the image is seen below it"
		f.Do = []string{"mount the volume at a directory of its own in the set's template, or have an init container copy the image's files onto it"}
		f.Evidence = append(f.Evidence, Evidence{l.pod, "spec.containers[" + spec.Name + "].volumeMounts[" + spec.VolumeMounts[i].Name + "].mountPath", at})
		return
	}
}

// cannotRun makes a finding say why a script cannot be started: what keeps it from it lies in its file, not in the image.
func (s *script) cannotRun(f *Finding, c *corev1.ContainerStatus, word, message string) {
	what := fmt.Sprintf("has %s %s whose command %s comes from %s, and ", word, c.Name, s.path, s.from)
	const executable = 0o111
	switch has := contains(message); {
	case has("permission denied") && s.mode&executable == 0:
		f.What = what + fmt.Sprintf("may not be executed: its volume %s gives files the mode %04o", s.volume, s.mode)
		f.Why = "a ConfigMap or Secret holds no modes: the volume gives all files one"
		f.Do = []string{"set defaultMode: 0755 on the volume " + s.volume + " in the set's template, or have the command name the interpreter (sh, and then the path)"}
	case has("exec format error"):
		f.What = what + "has no first line that says what runs it (#!): exec format error"
		f.Do = []string{"begin it with #!/bin/sh, in the first column of the first line, or have the command name the interpreter (sh, and then the path)"}
	case has("no such file or directory"):
		f.What = what + "is not there, or its first line names an interpreter that the image does not have: no such file or directory"
		f.Why = "a first line that ends as Windows ends lines names an interpreter with a character more than there is; and images without bash are common"
		f.Do = []string{"see whether " + s.from.String() + " has the key, and its first line: " + getYAML(s.from) + " shows \\r where lines end as on Windows"}
	}
}
