// Package engine finds the container engine of this machine, or provides one.
//
// An engine that answers is used as it is. Where none does and the caller is root on a Debian-like system, docker.io is installed and a
// daemon of this project is started, with its data, sockets and log in the project's cache folder. It outlives the process that started
// it, and the next process finds it again. Anywhere else Ensure says at once what to install or start.
//
// It stands on packages container and host. It knows nothing of kind, nodes or images, and the users' command must not link it.
package engine
