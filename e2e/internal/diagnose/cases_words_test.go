package diagnose_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// wordCases are of programs that write much before they end, of which a line can quote a part.
func wordCases() []built {
	ends := func(code int32, lines ...string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.crashing("web-0", code, time.Second).LastTerminationState.Terminated.Message = strings.Join(lines, "\n")
			return s
		}
	}
	// Each of the first several pods names one claim or path, and web-1 finds the data locked.
	const locked = "DBPathInUse: Unable to lock the lock file: /data/db/mongod.lock (Resource temporarily unavailable). Another mongod instance is already running"
	shares := func(source func(pod int) corev1.VolumeSource) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.crashing("web-1", 100, time.Second).LastTerminationState.Terminated.Message = locked
			for i, name := range []string{"web-0", "web-1"} {
				p := pod(s.State, name)
				p.Spec.NodeName = "diag-worker"
				p.Spec.Volumes = []corev1.Volume{{Name: "shared", VolumeSource: source(i)}}
			}
			return s
		}
	}
	ofClaim := func(name string) corev1.VolumeSource {
		return corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name}}
	}
	const crash = "container: pod/web-0 has container main that ends again and again (4 restarts, exit code "
	return []built{
		{
			"a program that tells what is wrong before it says where to read on", ends(78, "ERROR: [1] bootstrap checks failed. You must address the points described in the following [1] lines before starting.", "bootstrap check failure [1] of [1]: max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]", "ERROR: it did not exit normally - check the logs at /usr/share/elasticsearch/logs/docker-cluster.log"),
			crash + "78), and says: ... bootstrap check failure [1] of [1]: max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]", "crash-loop",
		},
		{
			"twin: a program that tells it with the time before each line", ends(1, "PostgreSQL Database directory appears to contain a database; Skipping initialization", "2026-11-30 10:00:00.123 UTC [1] FATAL:  database files are incompatible with server", "2026-11-30 10:00:00.123 UTC [1] DETAIL:  The data directory was initialized by PostgreSQL version 12, which is not compatible with this version 13.1."),
			crash + "1), and says: ... FATAL: database files are incompatible with server DETAIL: The data directory was initialized by PostgreSQL version 12, which is not compatible with this version 13.1.", "crash-loop",
		},
		{
			"twin: a program whose error is followed by where it happened", ends(1, "INFO starting", "Exception in thread \"main\" java.lang.IllegalStateException: no bean of the name ledger", "\tat com.example.Main.first(Main.java:11)", "\tat com.example.Main.second(Main.java:12)", "\tat com.example.Main.third(Main.java:13)", "\tat com.example.Main.main(Main.java:14)"),
			crash + `1), and says: ... Exception in thread "main" java.lang.IllegalStateException: no bean of the name ledger`, "crash-loop",
		},
		{
			"twin: a program of which one failure leads to the next", ends(1, "[Note] starting as process 1", "[ERROR] [MY-012592] [InnoDB] Operating system error number 13 in a file operation.", "[ERROR] [MY-012595] [InnoDB] The error means that mysqld has no right to the directory.", "[ERROR] [MY-010020] [Server] Data Dictionary initialization failed.", "[ERROR] [MY-010119] [Server] Aborting", "[Note] shutdown complete"),
			crash + "1), and says: ... [ERROR] [MY-012592] [InnoDB] Operating system error number 13 in a file operation. [ERROR] [MY-012595] [InnoDB] The error means", "crash-loop",
		},
		{
			"twin: a program that writes in JSON", ends(100, `{"s":"I", "c":"CONTROL", "msg":"starting"}`, `{"t":{"$date":"2026-11-30T10:00:01.000+00:00"},"s":"E", "c":"CONTROL", "id":20557, "ctx":"initandlisten","msg":"DBException in initAndListen, terminating","attr":{"error":"NonExistentPath: Data directory /data/db not found"}}`, `{"s":"I", "c":"NETWORK", "msg":"Shutting down"}`),
			crash + "100), and says: ... DBException in initAndListen, terminating: NonExistentPath: Data directory /data/db not found Shutting down", "crash-loop",
		},
		{
			"twin: nothing in it says that something failed", ends(1, strings.Repeat("a word and ", 20)+"the end"),
			crash + "1), and says: ... word and a word and", "crash-loop",
		},
		{
			"a program that ends of something else than what it has tried again", ends(1, "WARN metrics: dial tcp 10.96.0.77:9090: connect: connection refused, trying again", "INFO metrics: connected, and more words that make the whole longer than what one line can quote", "2026-11-30 10:00:02 FATAL config: max_conections in /etc/app.conf is not known", "2026-11-30 10:00:02 INFO bye"),
			crash + "1), and says: ... FATAL config: max_conections in /etc/app.conf is not known INFO bye", "crash-loop",
		},

		{"an instruction that the processor does not have", ends(132, "Illegal instruction (core dumped)"), crash + "132), and says: Illegal instruction (core dumped): the node's processor does not know an instruction of the program", "crash-loop"},
		{"twin: a script that goes on after it", ends(1, "/opt/scripts/libos.sh: line 344:    46 Illegal instruction     (core dumped)"), crash + "1), and says: /opt/scripts/libos.sh: line 344: 46 Illegal instruction (core dumped): the node's processor does not know an instruction of the program", "crash-loop"},
		{"twin: memory that it cannot be given", ends(1, "running bootstrap script ... Bus error", "child process exited with exit code 135"), crash + "1), and says: running bootstrap script ... Bus error child process exited with exit code 135: it could not be given memory", "crash-loop"},
		{"twin: without a word", ends(135), crash + "135): the program could not be given memory", "crash-loop"},

		{"two pods with the same data", shares(func(int) corev1.VolumeSource { return ofClaim("data-web-0") }), "storage: persistentvolumeclaim/data-web-0 is of pods web-0 and web-1 alike, and while the one has its files locked the other ends: pod web-1 has container main that ends again and again", "claim-shared"},
		{"twin: each has its own", shares(func(pod int) corev1.VolumeSource { return ofClaim([]string{"data-web-0", "data-web-1"}[pod]) }), "container: pod/web-1 has container main that ends again and again (4 restarts, exit code 100), and says: " + locked, "crash-loop"},
		{"twin: the same path of their node", shares(func(int) corev1.VolumeSource {
			return corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/srv/data"}}
		}), "storage: pod/web-1 has container main that ends again and again (4 restarts, exit code 100), and says: " + locked + "; pod web-0 on the same node diag-worker mounts the same path /srv/data of it (hostPath)", "path-shared"},
	}
}

// TestWhatProgramsMean holds what is advised of the words of programs where the wrong advice was given.
func TestWhatProgramsMean(t *testing.T) {
	for _, c := range []struct{ said, want string }{
		{"could not resize shared memory segment \"/PostgreSQL.17\" to 8388608 bytes: No space left on device", "/dev/shm"},
		{"could not write to file: No space left on device", "make the claim larger"},
		{"Failed to lock memory: cannot allocate memory", "IPC_LOCK"},
		{"cannot allocate memory", "raise the program's own limit"},
		{"[ERROR] --initialize specified but the data directory has files in it. Aborting.", "below the mount"},
		{"FATAL: data directory \"/data\" has invalid permissions", "fsGroup"},
		{"Cookie file /var/lib/rabbitmq/.erlang.cookie must be accessible by owner only", "fsGroup"},
	} {
		s := running(t)
		s.crashing("web-0", 1, time.Second).LastTerminationState.Terminated.Message = c.said
		found := diagnose.Diagnose(s.State)
		if do := strings.Join(found[0].Do, "\n"); !strings.Contains(do, c.want) {
			t.Errorf("%s: expected to be told: %s; found %s", c.said, c.want, do)
		}
	}
}

// namelessCases are of names that pods ask for and that nothing completes or publishes, and of pods that are not started again.
func namelessCases() []built {
	asks := func(policy corev1.DNSPolicy, config *corev1.PodDNSConfig, said string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.StatefulSet.Spec.Template.Spec.DNSPolicy, s.StatefulSet.Spec.Template.Spec.DNSConfig = policy, config
			s.Resolver.Addresses = []string{"10.96.0.10"}
			s.container("web-0", func(c *corev1.Container) {
				c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"sh"}}}, PeriodSeconds: 5}
			})
			s.Services[0].Spec.PublishNotReadyAddresses = true
			s.unready("web-0", 3*time.Minute)
			s.said("web-0", "Unhealthy", "Readiness probe failed: "+said, 2*time.Second)
			return s
		}
	}
	unnamed := func(said string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := asks(corev1.DNSClusterFirst, nil, said)(t)
			s.StatefulSet.Spec.ServiceName = ""
			return s
		}
	}
	anew := func(policy corev1.ContainerRestartPolicy) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.StatefulSet.Spec.Template.Spec.Containers[0].RestartPolicy = &policy
			for _, uid := range []string{"a", "b", "c", "d"} {
				s.said("web-0", "Started", "Started container main", time.Minute).InvolvedObject.UID = types.UID(uid)
			}
			s.said("web", "SuccessfulDelete", "delete Pod web-0 in StatefulSet web successful", time.Minute).Count = 3
			return s
		}
	}
	own := func(searches ...string) *corev1.PodDNSConfig {
		return &corev1.PodDNSConfig{Nameservers: []string{"10.96.0.10"}, Searches: searches}
	}
	const (
		vain = "cannot resolve web-1.web: bad address"
		runs = "readiness: pod/web-0 runs, and the readiness probe of container main fails (exec sh, every 5 s): its command says: "
	)
	return []built{
		{"name servers of the pod's own, and nothing that completes short names", asks(corev1.DNSNone, own(), vain), "dns: statefulset/web has dnsPolicy None and a dnsConfig without searches, so that nothing is appended to short names", "dns-searches"},
		{"twin: something completes them", asks(corev1.DNSNone, own("shop.svc.cluster.local"), vain), runs + vain, "readiness-probe"},
		{"twin: nobody asks for a name", asks(corev1.DNSNone, own(), "not up"), runs + "not up", "readiness-probe"},
		{"twin: the names have the cluster's zone", func(t *testing.T) state {
			t.Helper()
			s := asks(corev1.DNSNone, own(), "not up")(t)
			s.Names = []string{"web-1.web." + s.Namespace + ".svc.cluster.local"}
			return s
		}, runs + "not up", "readiness-probe"},

		{"pods' names of a set without a service", unnamed(vain), "dns: statefulset/web has no serviceName, so that its pods have no names in DNS, and web-1.web is looked up", "no-service-name"},
		{"twin: with a service", asks(corev1.DNSClusterFirst, nil, vain), runs + vain, "readiness-probe"},
		{"twin: another name is asked for", unnamed("cannot resolve db.example.com: bad address"), runs + "cannot resolve db.example.com: bad address", "readiness-probe"},

		{"pods that are made anew since their containers are not started again", anew("Never"), "container: pod/web-0 was made anew 3 times within the last 30m, each time since its containers ended: container main has restartPolicy Never of its own", "restart-never"},
		{"twin: they are started again", anew(corev1.ContainerRestartPolicyAlways), "", ""},
		{"a container that is not started again, beside one that runs", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			never := corev1.ContainerRestartPolicy("Never")
			s.container("web-0", func(c *corev1.Container) { c.RestartPolicy = &never })
			s.unready("web-0", time.Minute).State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error", FinishedAt: s.ago(time.Minute)}}
			return s
		}, "container: pod/web-0 has container main that has ended and is not started again (its own restartPolicy Never, exit code 3)", "crash-loop"},

		{"a block device that a container mounts as files", asDevice("volume data has volumeMode Block, but is specified in volumeMounts"), "storage: persistentvolumeclaim/data-web-0 is for a block device (volumeMode Block), and pod web-0 mounts it as a file system (volumeMounts)", "volume-mode"},
		{"twin: files that it takes for a device", asDevice("volume data has volumeMode Filesystem, but is specified in volumeDevices"), "storage: persistentvolumeclaim/data-web-0 is for a file system (volumeMode Filesystem), and pod web-0 takes it as a block device (volumeDevices)", "volume-mode"},
	}
}

func asDevice(said string) func(*testing.T) state {
	return func(t *testing.T) state {
		t.Helper()
		s := running(t)
		s.only()
		pod(s.State, "web-0").Status.Phase = corev1.PodPending
		s.waiting("web-0", "ContainerCreating", "")
		s.said("web-0", "FailedMount", "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[data]: "+said, 10*time.Second)
		return s
	}
}
