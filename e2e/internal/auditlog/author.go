package auditlog

import (
	"cmp"
	"strings"
)

// The accounts of the control plane (k8s.io/apiserver, pkg/authentication/user, and the service accounts of kube-controller-manager).
const (
	kubeSystemAccount = "system:serviceaccount:kube-system:"
	serviceAccount    = "system:serviceaccount:"
	nodeAccount       = "system:node:"
	managerAccount    = "system:kube-controller-manager"
)

// author names who sent a request: a part of the control plane by what it is, anybody else by the user's name and the program.
func (l *line) author() string {
	name, agent := l.User.Username, l.UserAgent
	if l.ImpersonatedUser != nil && l.ImpersonatedUser.Username != "" {
		return named(l.ImpersonatedUser.Username, agent) + ", impersonated by " + name
	}
	return named(name, agent)
}

func named(name, agent string) string {
	if name == managerAccount {
		// Without an account for each controller, the end of the user agent tells which it is.
		if i := strings.LastIndex(agent, kubeSystemAccount); i >= 0 {
			name = agent[i:]
		}
	}
	if part := controlPlane(name); part != "" {
		return part
	}
	if account, is := strings.CutPrefix(name, serviceAccount); is {
		name = "service account " + strings.Replace(account, ":", "/", 1)
	}
	name = cmp.Or(name, "a user without a name")
	if program, _, _ := strings.Cut(agent, "/"); program != "" {
		name += " (" + program + ")"
	}
	return name
}

// controlPlane names a part of the control plane by its account, "" for anybody else.
func controlPlane(name string) string {
	if node, is := strings.CutPrefix(name, nodeAccount); is {
		return "kubelet of node " + node
	}
	if account, is := strings.CutPrefix(name, kubeSystemAccount); is {
		switch account {
		case "statefulset-controller":
			return "StatefulSet controller"
		case "generic-garbage-collector":
			return "garbage collector"
		case "pod-garbage-collector":
			return "pod garbage collector"
		}
		if strings.HasSuffix(account, "-controller") {
			return account
		}
		return ""
	}
	switch name {
	case managerAccount:
		return "kube-controller-manager"
	case "system:kube-scheduler":
		return "scheduler"
	case "system:apiserver":
		return "API server"
	}
	return ""
}
