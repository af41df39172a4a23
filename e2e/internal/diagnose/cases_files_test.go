package diagnose_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// fileCases are of files that a program names at its end, and of what is mounted there.
func fileCases() []built {
	says := func(said string, change func(*corev1.PodSpec, *corev1.Container)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.crashing("web-0", 1, time.Second).LastTerminationState.Terminated.Message = said
			p := pod(s.State, "web-0")
			change(&p.Spec, &p.Spec.Containers[0])
			return s
		}
	}
	// The claim's volume is mounted elsewhere.
	plain := func(spec *corev1.PodSpec, c *corev1.Container) {
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: spec.Volumes[0].Name, MountPath: "/elsewhere"})
	}
	mounted := func(mount corev1.VolumeMount, source corev1.VolumeSource) func(*corev1.PodSpec, *corev1.Container) {
		return func(spec *corev1.PodSpec, c *corev1.Container) {
			mount.Name = "v"
			spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "v", VolumeSource: source})
			c.VolumeMounts = append(c.VolumeMounts, mount)
		}
	}
	data := corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-web-0"}}
	conf := corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "conf"}}}
	secret := func(mode int32) corev1.VolumeSource {
		return corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "tls", DefaultMode: &mode}}
	}
	empty := corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
	at := func(path string) corev1.VolumeMount { return corev1.VolumeMount{MountPath: path} }
	yes, group, user := true, int64(1000), int64(999)
	rootless := func(spec *corev1.PodSpec, c *corev1.Container) {
		plain(spec, c)
		c.SecurityContext = &corev1.SecurityContext{ReadOnlyRootFilesystem: &yes}
	}
	as := func(fsGroup *int64, next func(*corev1.PodSpec, *corev1.Container)) func(*corev1.PodSpec, *corev1.Container) {
		return func(spec *corev1.PodSpec, c *corev1.Container) {
			spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: &user, FSGroup: fsGroup}
			next(spec, c)
		}
	}
	const (
		ends     = "container: pod/web-0 has container main that ends again and again (4 restarts, exit code 1), and says: "
		readOnly = "sh: can't create /cfg/b.conf: Read-only file system"
		denied   = `initdb: error: could not create directory "/var/lib/db/pg": Permission denied`
		missing  = `[emerg] 1#1: open() "/etc/nginx/nginx.conf" failed (2: No such file or directory)`
		noRoom   = "write /data/wal/0001: no space left on device"
	)
	return []built{
		{"a file of a ConfigMap that a program writes to", says(readOnly, mounted(at("/cfg"), conf)), ends + readOnly + "; configmap/conf is mounted at /cfg, and such volumes can only be read", "file-access"},
		{"twin: a root file system that can only be read", says(readOnly, rootless), ends + readOnly + "; no volume is mounted at /cfg/b.conf, and the container's own file system can only be read (readOnlyRootFilesystem)", "file-access"},
		{"twin: a mount for reading only", says(readOnly, mounted(corev1.VolumeMount{MountPath: "/cfg/", ReadOnly: true}, data)), ends + readOnly + "; the volume v is mounted at /cfg/ with readOnly: true", "file-access"},
		{"twin: a disk that failed", says(readOnly, mounted(at("/cfg"), data)), ends + readOnly + "; it is on the volume of claim data-web-0, which nothing in the pod mounts for reading only", "crash-loop"},
		{"twin: nothing says why it can only be read", says(readOnly, plain), ends + readOnly, "crash-loop"},
		{"twin: the volume is beside the path", says(readOnly, mounted(at("/cf"), conf)), ends + readOnly, "crash-loop"},

		{"a volume that belongs to root", says(denied, as(nil, mounted(at("/var/lib/db"), data))), ends + denied + "; it is on the volume of claim data-web-0, which belongs to root unless fsGroup is set, and the container runs as user 999", "crash-loop"},
		{"twin: fsGroup is set and not followed", says(denied, as(&group, mounted(at("/var/lib/db"), data))), ends + denied + "; it is on the volume of claim data-web-0, and fsGroup is set (1000)", "crash-loop"},
		{"twin: it is the image's", says(denied, as(&group, plain)), ends + denied + "; no volume is mounted at /var/lib/db/pg: it is the image's own, and the container runs as user 999", "file-access"},
		{"twin: the node's", says(denied, mounted(at("/var/lib"), corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/srv/db"}})), ends + denied + "; it is below /srv/db of node diag-worker (hostPath), which keeps the owner that it has there, and the container runs as the image's user", "file-access"},
		{"twin: a key that root alone may read", says(`open /tls/tls.key: permission denied`, as(nil, mounted(at("/tls"), secret(0o400)))), ends + "open /tls/tls.key: permission denied; it comes from secret/tls, whose files have the mode 0400 and belong to root, and the container runs as user 999", "file-access"},
		{"twin: a key that everybody may read", says(`open /tls/tls.key: permission denied`, as(nil, mounted(at("/tls"), secret(0o644)))), ends + "open /tls/tls.key: permission denied", "crash-loop"},
		{"twin: mounts that an earlier version did not save", says(denied, func(*corev1.PodSpec, *corev1.Container) {}), ends + denied, "crash-loop"},
		{"twin: a kernel that does not let it", says("open /proc/sys/vm/max_map_count: permission denied", plain), ends + "open /proc/sys/vm/max_map_count: permission denied", "crash-loop"},

		{"a volume that hides what the image has", says(missing, mounted(at("/etc/nginx"), empty)), ends + missing + "; the emptyDir volume v is mounted at /etc/nginx, which hides what the image has there and begins empty", "file-access"},
		{"twin: a ConfigMap hides it", says(missing, mounted(at("/etc/nginx"), conf)), ends + missing + "; configmap/conf is mounted at /etc/nginx, which hides what the image has there", "file-access"},
		{"twin: the image does not have it", says(missing, mounted(at("/etc/nginx/conf.d"), conf)), ends + missing, "crash-loop"},

		{"a key that a subPath misspells", says("cat: read error: Is a directory", mounted(corev1.VolumeMount{MountPath: "/etc/my.conf", SubPath: "my.conf"}, conf)), ends + "cat: read error: Is a directory; configmap/conf is mounted at /etc/my.conf with subPath my.conf, which becomes an empty directory if it is no key there", "file-access"},
		{"twin: it reads a directory of its own", says("read /data: is a directory", mounted(corev1.VolumeMount{MountPath: "/etc/my.conf", SubPath: "my.conf"}, conf)), ends + "read /data: is a directory", "crash-loop"},

		{"a volume that is full", says(noRoom, mounted(at("/data"), data)), "storage: persistentvolumeclaim/data-web-0 has no room left at /data, and pod web-0 has container main that ends again and again (4 restarts, exit code 1), and says: " + noRoom, "volume-full"},
		{"twin: the node's disk is full", says(noRoom, mounted(at("/data"), empty)), ends + noRoom, "crash-loop"},
	}
}

func TestAdviceOfFiles(t *testing.T) {
	byName := map[string]built{}
	for _, c := range fileCases() {
		byName[c.name] = c
	}
	for name, part := range map[string]string{
		"a file of a ConfigMap that a program writes to": "copy it into an emptyDir",
		"twin: a disk that failed":                       "so that the volume is mounted anew",
		"twin: fsGroup is set and not followed":          "an init container that runs as root can chown it",
		"a volume that belongs to root":                  "set fsGroup",
		"twin: it is the image's":                        "fsGroup does not help",
		"a volume that is full":                          "make the claim larger",
	} {
		found := diagnose.Diagnose(byName[name].state(t).State)
		if len(found) == 0 || !strings.Contains(strings.Join(found[0].Do, "\n"), part) {
			t.Errorf("%s: expected to be told: %s; found %v", name, part, found)
		}
	}
}
