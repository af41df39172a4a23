package diagnose_test

import "testing"

// crunCases are containers that crun, of CRI-O and OpenShift, does not start, and images that CRI-O does not pull. The words of crun are those of its
// version 1.8.1, which was asked to start such containers, with the beginning that CRI-O gives them.
func crunCases() []built {
	fails := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.waiting("web-0", "CreateContainerError", "container create failed: "+message+"\n")
			return s
		}
	}
	ended := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.crashing("web-0", 1, 0).LastTerminationState.Terminated.Message = message
			return s
		}
	}
	const name = "web:2"
	pull := func(reason, words string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.waiting("web-0", reason, words).Image = name
			return s
		}
	}
	const main = "container: pod/web-0 has container main "
	return []built{
		{
			"crun: a command that the image does not have", fails("executable file `serve` not found in $PATH: No such file or directory"),
			main + `whose command cannot be started: exec: "serve": executable file not found in $PATH`, "cannot-start",
		},
		{
			"crun, twin: one that may not be executed", fails("open executable: Permission denied"),
			main + `whose command cannot be started: exec: "its program": permission denied`, "cannot-start",
		},
		{
			"crun, twin: one that is a directory", fails("open executable: Operation not permitted"),
			main + `whose command cannot be started: exec: "its program": permission denied`, "cannot-start",
		},
		{
			"crun, twin: one that is made for another architecture", fails("exec container process `/usr/bin/db`: Exec format error"),
			main + "whose program is not made for its node: exec format error", "cannot-start",
		},
		{
			"crun, twin: one whose interpreter is not there", fails("exec container process (missing dynamic library?) `/run.sh`: No such file or directory"),
			main + "whose command cannot be started: exec /run.sh: no such file or directory", "cannot-start",
		},
		{
			"crun, twin: a working directory that the user may not enter", fails("chdir to `/root`: Permission denied"),
			main + "that cannot be started: its working directory /root cannot be entered: permission denied", "container-config",
		},
		{
			"crun, twin: a working directory that is a file, as an older one says it", fails("chdir `/bin/true`: Not a directory"),
			main + "that cannot be started: its working directory /bin/true cannot be entered: not a directory", "container-config",
		},
		{
			"crun, twin: a file mounted where a directory is", fails("mount `/var/lib/kubelet/pods/1/volume-subpaths/x` to `etc/app.conf`: Not a directory"),
			main + "that cannot be started: its mount at /etc/app.conf fails: not a directory", "container-config",
		},
		{
			"crun, twin: a mount below a file", fails("mkdir `/bin/true/x`: Not a directory"),
			main + "that cannot be started: its working directory or a mount at /bin/true/x cannot be made: not a directory", "container-config",
		},
		{
			"crun, twin: a limit with which it does not start", fails("OOM: the memory limit could be too low: read from the init process"),
			main + "whose memory limit is too low to start it at all", "out-of-memory",
		},
		{
			"CRI-O, twin: the same, before it was tried", fails("set memory limit 134217 too low; should be at least 12582912"),
			main + "whose memory limit is too low to start it at all", "out-of-memory",
		},
		{
			"CRI-O, twin: a name that an earlier attempt still has", fails("error reserving ctr name k8s_main_web-0_shop_1_0 for id 45c: name is reserved"),
			"node: pod/web-0 has container main that node diag-worker does not make in time", "runtime-slow",
		},
		{
			"crun: a program for another architecture", ended("exec container process `/usr/bin/db`: Exec format error"),
			main + "that ends again and again (4 restarts, exit code 1), and says: exec container process `/usr/bin/db`: Exec format error", "crash-loop",
		},
		{
			"CRI-O: an image without a registry", pull("ImageInspectError", `Failed to inspect image "web:2": rpc error: code = Unknown desc = short-name "web:2" did not resolve to an alias and no unqualified-search registries are defined in "/etc/containers/registries.conf"`),
			"image: pod/web-0 cannot pull the image web:2 of container main: its name has no registry in it, and the container runtime of node diag-worker does not choose one", "image-pull",
		},
		{
			"CRI-O, twin: one without a signature", pull("SignatureValidationFailed", "image pull failed for web:2 because the signature validation failed: Source image rejected: A signature was required, but no signature exists"),
			"image: pod/web-0 cannot pull the image web:2 of container main: node diag-worker takes only images with a signature that it knows", "image-pull",
		},
		{
			"CRI-O, twin: a tag that does not exist", pull("ErrImagePull", "initializing source docker://registry.example.com/web:2: reading manifest 2 in registry.example.com/web: manifest unknown"),
			"image: pod/web-0 cannot pull the image web:2 of container main: the registry has no image of that name and tag", "image-pull",
		},
	}
}
