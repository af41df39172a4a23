// Package egress says why pods may get no answer from the cluster's DNS although it runs: NetworkPolicies that deny egress.
//
// It stands on client-go alone, since both preflight and specs ask it. It changes nothing and decides no verdict.
package egress

import (
	"context"
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Unanswered says, for a pod whose query for a name that every cluster has was not answered, what may be the cause and what to do. from
// says in words which namespaces must be allowed egress.
func Unanswered(ctx context.Context, client kubernetes.Interface, namespace, pod, name, from string) string {
	return fmt.Sprintf("no DNS server answered pod %s, not even a query for %s: its packets to port 53 may be dropped by NetworkPolicies that deny egress (%s), "+
		"or by a policy of the network plugin for the whole cluster; or the cluster's DNS does not run. Let policies allow egress to the DNS servers, "+
		"port 53 of UDP and TCP, from %s, or look at the DNS pods, and run again", pod, name, policies(ctx, client, namespace), from)
}

// policies names the NetworkPolicies of a namespace that restrict egress.
func policies(ctx context.Context, client kubernetes.Interface, namespace string) string {
	list, err := client.NetworkingV1().NetworkPolicies(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Sprintf("which there are in namespace %s could not be read: %v", namespace, err)
	}
	var names []string
	for _, p := range list.Items {
		if slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("namespace %s has none itself", namespace)
	}
	return fmt.Sprintf("in namespace %s there is %s", namespace, strings.Join(names, ", "))
}
