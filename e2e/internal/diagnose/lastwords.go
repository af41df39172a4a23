package diagnose

import "strings"

// lastWords is what programs write before they end, and what it likely means. The words are the program's own, so that they are a hint.
type lastWords struct {
	any     []string // in lower case
	why, do string
	// ofData says that it may lie in what the volume holds.
	ofData bool
	// noFile says that it is not about a file, whatever paths the words hold.
	noFile bool
	// first says that the first line says why: the program's own words do not.
	first bool
	// retried says that programs try again after it, so that it does not explain an end of which they say something else.
	retried bool
}

// readLastWords says of what a container wrote before it ended what it likely means and what to do, nil if the words are not known. The more particular
// ones come first.
func readLastWords(message string) *lastWords {
	has := contains(strings.ToLower(message))
	atEnd := has
	if m := fatally.FindStringIndex(message); m != nil {
		atEnd = contains(strings.ToLower(message[strings.LastIndexByte(message[:m[0]], '\n')+1:]))
	}
	for _, w := range knownLastWords() {
		if has(w.any...) && (!w.retried || atEnd(w.any...)) {
			return &w
		}
	}
	return nil
}

// dataLocked is what it means that a program finds its data locked.
const dataLocked = "another process has its data, or the last one left a lock file there, by its own words"

func knownLastWords() []lastWords {
	return []lastWords{
		{
			any: []string{"inotify", "number of file watchers"}, noFile: true,
			why: "its node's kernel lets it watch no more files, by its own words",
			do:  "raise fs.inotify.max_user_watches and max_user_instances (sysctl) on the nodes that may run it",
		},
		{
			any: []string{"can't fork", "cannot fork", "unable to create native thread", "unable to create new native thread", "pthread_create failed", "fork: retry"}, noFile: true,
			why: "it may not start another process or thread, by its own words: the kubelet limits how many a pod has (podPidsLimit), or its memory is used up",
			do:  "see how many it starts, and raise the limit in the kubelets' configuration, or resources.limits.memory in the set's template",
		},
		{
			any: []string{"files are incompatible with server", "was initialized by postgresql version", "cannot downgrade", "downgrade is not", "unsupported data version", "newer version of the data", "data directory is from a newer", "upgrade the data", "invalid feature compatibility", "featurecompatibilityversion"}, ofData: true,
			why: "the data on its volume are of another version than the program, by its own words",
			do:  "go back to the image that wrote the data, and upgrade as the program's makers say: often through each major version, or with a dump",
		},
		{
			any: []string{"cluster id mismatch", "inconsistentclusterid", "cluster-id-mismatch", "doesn't match stored clusterid", "already been bootstrapped", "belongs to a different cluster", "member id mismatch", "has been removed from the cluster", "permanently removed from the cluster"}, ofData: true,
			why: "the data on its volume are of another cluster, or of a member that was removed, by its own words: a claim outlives its pod, and a set that is scaled down and up",
			do:  "if the other members have the data: delete its claim and the pod, so that it joins anew with an empty volume",
		},
		{
			any: []string{"lock file", "lockfile", "already locked", "could not lock", "unable to lock", "unable to obtain lock", "failed to obtain node lock", "another instance", "is already running", ".lock: resource temporarily unavailable", "lock: resource temporarily unavailable", "storage is locked"}, ofData: true, noFile: true,
			why: dataLocked,
			do:  "see whether another pod mounts the same volume; if none does, remove the lock file once nothing of the earlier one runs",
		},
		{
			any: []string{"illegal instruction", "exit code 132"}, first: true, noFile: true,
			why: "the node's processor does not know an instruction of the program: it is built for newer ones (such as with AVX), or the processor is emulated",
			do:  "use a version of the program that is built for this processor, or have it run on nodes whose processor has the instruction (nodeSelector in the set's template)",
		},
		{
			any: []string{"bus error", "exit code 135"}, first: true, noFile: true,
			why: "it could not be given memory that it was to have: huge pages which the node has and its container may not use, a full /dev/shm, or a file in memory whose disk is full",
			do:  "turn its use of huge pages off (huge_pages = off of PostgreSQL), or ask for them in resources.limits (hugepages-2Mi); or see whether /dev/shm or the disk is full",
		},
		{
			any: []string{"resize shared memory segment", "/dev/shm", "shared memory segment"}, noFile: true,
			why: "its shared memory is used up, by its own words: /dev/shm of a container has 64 MiB unless the pod gives it more, and is no disk",
			do:  "mount an emptyDir with medium: Memory at /dev/shm in the set's template; what is in it counts towards the limit of memory",
		},
		{
			any: []string{"mlock", "failed to lock memory", "memory locking requested", "unable to lock jvm memory", "memlock"}, noFile: true,
			why: "it may not keep its memory from being swapped out, by its own words: that takes the capability IPC_LOCK, or a higher limit of locked memory",
			do:  "add the capability IPC_LOCK to the container in the set's template, or turn locking off in the program (disable_mlock, bootstrap.memory_lock: false)",
		},
		{
			any: []string{"has group or world access", "has invalid permissions", "must be accessible by owner only", "permissions are too open", "unprotected private key", "are too open"}, ofData: true, noFile: true,
			why: "its files may be used by others than their owner, and it refuses that, by its own words: a volume's fsGroup gives its group the right to all files on it, also at a later mount",
			do:  "set fsGroupChangePolicy: OnRootMismatch or take fsGroup out of the set's template; have an init container take the right away (chmod), or use a directory below the mount that the program makes itself",
		},
		{
			any: []string{"no space left on device"},
			why: "the disk that it writes to is full, by its own words: a volume, or the node's",
			do:  "make the claim larger or free the volume; if it is the node's disk, free that",
		},
		{
			any: []string{"exec format error"},
			why: "its program, or one that it runs, is made for another architecture than the node's, or is a script without a first line (#!)",
			do:  "use an image for the node's architecture, or begin the script with #!/bin/sh",
		},
		{any: []string{argumentsTooLong}, why: environmentTooLong, do: smallerEnvironment},
		{
			any: []string{"certificate has expired", "certificate is not yet valid", "certificate expired"},
			why: "a certificate is not valid at this time, by its own words: its own, or that of whom it asks",
			do:  "see which, until when it is valid and who renews it (kubectl get secret, openssl x509 -enddate); a program that has read the old one has to be restarted",
		},
		{
			any: []string{"certificate signed by unknown authority", "unable to get local issuer certificate", "self-signed certificate", "self signed certificate"},
			why: "it does not trust a certificate, by its own words",
			do:  "give it the authority that signed the certificate, or see whether both were renewed together",
		},
		{
			any: []string{"bad interpreter", "\\r': ", "\r: not found", "^m: "},
			why: "a script's lines end as on Windows, or its first line names an interpreter that the image does not have",
			do:  "store the script with the line ends of Unix, and look at its first line",
		},
		{
			any: []string{"host not found in upstream", "no such host", "could not resolve", "could not translate host name", "name or service not known", "name does not resolve", "temporary failure in name resolution", "bad address"}, retried: true,
			why: "it could not resolve a name, by its own words",
			do:  "see whether the service of that name exists, and has the pod that is asked for: one of an ordered set that comes later is not there yet",
		},
		{
			any: []string{"lost+found", "data directory has files in it", "exists but is not empty"}, ofData: true,
			why: "its data directory is not empty: as the root of a volume it holds lost+found, or what an earlier start that failed left there",
			do:  "have it use a directory below the mount (subPath, or its own setting such as PGDATA)",
		},
		{
			any: []string{"read-only file system"}, ofData: true,
			why: "it writes where it may not, by its own words",
			do:  "mount a volume where it writes (readOnlyRootFilesystem), or see why the volume's file system became read-only",
		},
		{
			any: []string{`is forbidden: user "system:serviceaccount:`, "is forbidden: user \\\"system:serviceaccount:"},
			why: "its service account lacks a right at the API server, by its own words",
			do:  "give the service account that the message names a Role with that right, or correct serviceAccountName in the set's template",
		},
		{
			any: []string{"address already in use"}, noFile: true,
			why: "its port is in use, by its own words: by another container of the pod, or of the node with hostNetwork", do: "give it another port",
		},
		{
			any: []string{"cannot assign requested address", "can't assign requested address"}, noFile: true,
			why: "it is to listen on an address that its pod does not have, by its own words: that of a service or of another pod, or an earlier one of its own",
			do:  "have it listen on 0.0.0.0 or on the pod's own address (status.podIP of the downward API)",
		},
		{
			any: []string{"bind: permission denied", "bind() to ", "make_sock: could not bind", "permission denied: bind", "bind: eacces", "listen eacces"}, noFile: true,
			why: "it may not open its port, by its own words: one below 1024 is for root, or for who has the capability NET_BIND_SERVICE",
			do:  "have it listen on a port from 1024 on, which a service may lead to all the same; or add NET_BIND_SERVICE to the container's capabilities",
		},
		{
			any: []string{"permission denied", "operation not permitted", "access is denied", "access rights to the directory", "errcode: 13", "errno: 13", "errno 13", "error number 13 "}, ofData: true,
			why: "it lacks a right, by its own words: often on the files of a volume",
			do:  "set fsGroup (and runAsUser, if the image expects one) in the template's securityContext",
		},
		{
			any: []string{"password authentication failed", "authentication failed", "access denied for user"}, ofData: true,
			why: "a login is refused, by its own words",
			do:  "compare the credentials that it is given with those that the other side has; a volume may hold earlier ones",
		},
		{
			any: []string{"connection refused", "i/o timeout", "no route to host", "connection timed out", "network is unreachable"}, retried: true,
			why: "it does not reach another program, by its own words",
			do:  "see whether what it asks runs there and is Ready (one of an ordered set that comes later is not there yet), and whether a NetworkPolicy lets it pass",
		},
		{
			any: []string{"vm.max_map_count", "fs.inotify.max_user", "no file descriptors available"},
			why: "its node's kernel allows it too little, by its own words",
			do:  "raise that setting of the kernel (sysctl) on the nodes that may run it",
		},
		{
			any: []string{"too many open files"},
			why: "it may not open as many files as it needs, by its own words",
			do:  "raise the limit of open files in the nodes' container runtime, or fs.inotify.max_user_instances of the nodes if it watches files",
		},
		{
			any: []string{"java heap space", "gc overhead limit exceeded", "cannot allocate memory", "out of memory"},
			why: "its memory is used up by its own limit, by its own words: no limit of Kubernetes ended it",
			do:  "raise the program's own limit (-Xmx, GOMEMLIMIT) together with resources.limits.memory in the set's template",
		},
		{
			any: []string{"unknown flag", "unrecognized option", "unrecognized argument", "flag provided but not defined", "invalid option --", "unknown option"},
			why: "it does not know an argument that it is given, by its own words",
			do:  "compare command and args in the set's template with what this version of the program knows",
		},
	}
}
