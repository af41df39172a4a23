// Package host does what provisioning needs of the machine itself: it runs programs, installs Debian packages and locks
// files. It stands on os/exec, flock and apt-get. It knows nothing of containers, clusters or images, and the users' command must not
// link it.
package host
